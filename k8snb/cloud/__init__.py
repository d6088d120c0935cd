"""A managed cluster in a cloud, after Azure Kubernetes Service: what the cloud brings, and the components that speak with it.

sizes             what a machine of which size has, and what of it is left for pods
pools             node pools: from a pool to a machine's manifest
azure             the cloud itself: instances that boot and go, and what can happen to them
balancers         its load balancers, with their health probes
disks             its disks and file shares
controller_manager  the cloud-controller-manager: Nodes are initialised and removed (service_controller: load balancers)
aks               the managed service: pools shrink, are upgraded, lose spot machines (drain: nodes are emptied)
autoscaler        the cluster autoscaler

Kubernetes itself knows nothing of all this: take the cloud away, and a Service of type LoadBalancer stays ``<pending>``.
"""
