"""An Ingress controller after ingress-nginx: HTTP from outside, led by host and path to the endpoints of Services.

:mod:`.routing`       Ingress objects become servers and locations; which one a request meets (pure)
:mod:`.certificates`  whose names a certificate carries
:mod:`.controller`    the control loop that watches and writes the configuration, and its proxy's answers
:mod:`.install`       the objects of its installation, for ``Cluster(ingress=True)``
"""
