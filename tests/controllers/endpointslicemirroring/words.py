"""Words for stories about Endpoints that somebody writes by hand."""

from tests.controllers.world import manifest

SLICES = "endpointslices.discovery.k8s.io"


def service():
    """A Service without a selector."""
    return manifest("Service", "db", {"ports": [{"port": 5432}]}, version="v1")


def endpoints(**labels):
    """Two addresses, one of them not ready."""
    addresses = {"addresses": [{"ip": "192.0.2.1"}], "notReadyAddresses": [{"ip": "192.0.2.2"}], "ports": [{"port": 5432}]}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "db", "labels": labels}, "subsets": [addresses]}


def mirrors(cluster):
    return [s for s in cluster.get(SLICES) if s["metadata"]["labels"].get("kubernetes.io/service-name") == "db"]
