"""The seams of Kubernetes: protocols only, between parts that may not import each other.

Components meet at the API server. The exceptions are those that Kubernetes itself has, and each has one file here: the
container runtime (:mod:`~k8snb.seams.cri`), the pod network (:mod:`~k8snb.seams.cni`), and the kubelet's own endpoint for
logs and exec (:mod:`~k8snb.seams.kubelet`). Who implements them is decided by ``simulation``, which wires all parts.
"""
