"""Which Pods stand behind a Service: EndpointSlices (for kube-proxy), and the older Endpoints objects.

selection   which Pods, in which state, under which ports; shared by both controllers
slices      EndpointSlices of at most a hundred endpoints, changed as little as possible
endpoints   the one Endpoints object, with subsets of ready and not ready addresses
"""
