"""The network of a cluster: pod addresses, Services, names, policies, and requests that can be followed hop by hop.

:mod:`.cni`          which pod has which address, and whether two nodes reach each other
:mod:`.kube_proxy`   on each node: from Services and EndpointSlices to :mod:`.rules`, which :mod:`.iptables` and :mod:`.nftables` print
:mod:`.dns`          names to addresses
:mod:`.policy`       who may talk to whom
:mod:`.ingress`      the loop of an Ingress controller; :mod:`.proxying` is what its pods do with a request
:mod:`.paths`        the ways of a packet, for requests and for traces
:mod:`.traffic`      a request from its client to the process that answers, hop by hop
"""
