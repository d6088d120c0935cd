"""What kube-controller-manager does about nodes: their health, the Pods of nodes that are lost, their Pod address ranges.

lifecycle   heartbeats missed -> Ready Unknown -> taints
eviction    NoExecute taints -> Pods that do not tolerate them are deleted, after their tolerationSeconds
ipam        a range of Pod addresses for each node
pod_gc      Pods that no kubelet will ever finish
"""
