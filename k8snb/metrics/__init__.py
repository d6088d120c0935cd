"""The metrics server: an API server of its own, behind the API server, that knows what containers use right now.

server     the process: it asks every kubelet every fifteen seconds and remembers the last answers
resources  the two kinds that it serves, NodeMetrics and PodMetrics
"""
