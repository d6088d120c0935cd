"""The network of a cluster: pod addresses, Services, names, and requests that can be followed hop by hop.

:mod:`.cni`          which pod has which address, and whether two nodes reach each other
:mod:`.kube_proxy`   the rules of one node, as data: what becomes of a packet for a Service
:mod:`.dns`          names to addresses
:mod:`.traffic`      a request from its client to the process that answers, hop by hop
"""
