"""Cluster DNS: names of Services and pods.

    web                                  search path of the client's namespace, because it has fewer than five dots
    web.shop.svc.cluster.local           a Service: its cluster IP; headless: the addresses of its ready endpoints
    db-0.db.shop.svc.cluster.local       an endpoint with a host name, behind a headless Service
    _http._tcp.web.shop.svc.cluster.local    SRV: port and target
    10-244-1-5.shop.pod.cluster.local    a pod by its address

Models: the Kubernetes DNS specification 1.1, CoreDNS' ``kubernetes`` plugin, resolv.conf with ``ndots:5``.
Simplified: the server is a component at a fixed address and no pod; names outside the cluster do not exist, there is no
internet here.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from k8snb.apimachinery.objects import Object
from k8snb.apiserver.request import User
from k8snb.client.component import Component, Environment
from k8snb.network.kube_proxy import _service_of
from k8snb.seams.cni import DNS_TIMEOUT, NO_SUCH_NAME, Answer
from k8snb.sim.clock import LATENCY

NAME = "coredns"
ADDRESS = "10.96.0.10"
DOMAIN = "cluster.local"
NDOTS = 5


def search_path(namespace: str) -> list[str]:
    """Where a pod of that namespace looks for short names."""
    return [f"{namespace}.svc.{DOMAIN}", f"svc.{DOMAIN}", DOMAIN] if namespace else []


def candidates(name: str, namespace: str) -> list[str]:
    """The full names that a client tries, in order.

    >>> candidates("web.shop", "default")[1]
    'web.shop.svc.cluster.local'
    """
    if name.endswith("."):
        return [name[:-1]]
    searched = [f"{name}.{suffix}" for suffix in search_path(namespace)]
    return [*searched, name] if name.count(".") < NDOTS else [name, *searched]


class ClusterDNS(Component):
    """The name server."""

    def __init__(self, env: Environment):
        super().__init__(NAME, env, user=User("system:kube-dns", ("system:masters", "system:authenticated")))
        self.services = self.informer("services")
        self.slices = self.informer("endpointslices.discovery.k8s.io")
        self.slices.add_index("service", _service_of)

    def on_event(self, key: Any) -> None:
        """It has no work of its own: it answers."""

    def resolve(self, name: str, namespace: str, kind: str = "A") -> Answer:
        """Look up a name as a client of that namespace does: one candidate after the other."""
        if not self.state.running:
            return Answer(error=DNS_TIMEOUT, asked=(name,), latency=5_000_000)
        asked: list[str] = []
        for full in candidates(name, namespace):
            asked.append(full)
            found = self._lookup(full.lower(), kind)
            if found is not None:
                return found._replace(name=full, asked=tuple(asked), latency=2 * LATENCY["network hop"] * len(asked))
        return Answer(error=NO_SUCH_NAME, asked=tuple(asked), latency=2 * LATENCY["network hop"] * len(asked))

    def _lookup(self, full: str, kind: str) -> Answer | None:
        labels = full.removesuffix("." + DOMAIN).split(".")
        if not full.endswith("." + DOMAIN):
            return None
        if labels[-1] == "pod" and len(labels) == 3:
            return _pod_by_address(labels[0])
        if labels[-1] != "svc" or len(labels) < 3:
            return None
        *rest, service, namespace, _ = labels
        obj = self.services.get(f"{namespace}/{service}")
        if obj is None:
            return None
        if len(rest) == 2 and rest[0].startswith("_"):
            return self._srv(obj, rest[0][1:], rest[1][1:])
        if kind == "SRV" and not rest:
            return self._srv(obj, "", "")
        return self._endpoint(obj, rest[0]) if len(rest) == 1 else self._service(obj) if not rest else None

    def _service(self, obj: Object) -> Answer | None:
        spec = obj["spec"]
        if spec.get("type") == "ExternalName":
            return Answer((), spec.get("externalName", ""), error=NO_SUCH_NAME)
        if spec.get("clusterIP") == "None":
            addresses = tuple(sorted({address for address, _, _ in self._endpoints(obj)}, key=ipaddress.ip_address))
            return Answer(addresses, error="" if addresses else NO_SUCH_NAME)
        return Answer((spec["clusterIP"],)) if spec.get("clusterIP") else None

    def _endpoints(self, obj: Object) -> list[tuple[str, str, Object]]:
        """(address, host name, slice) of the endpoints that DNS names: the ready ones, or all if the Service says so."""
        everyone = obj["spec"].get("publishNotReadyAddresses", False)
        found = []
        for one in self.slices.by("service", f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"):
            for endpoint in one.get("endpoints") or ():
                if everyone or (endpoint.get("conditions") or {}).get("ready", True):
                    address = endpoint["addresses"][0]
                    found.append((address, endpoint.get("hostname") or address.replace(".", "-"), one))
        return found

    def _endpoint(self, obj: Object, host: str) -> Answer | None:
        addresses = tuple(address for address, name, _ in self._endpoints(obj) if name == host)
        return Answer(addresses) if addresses else None

    def _srv(self, obj: Object, port: str, protocol: str) -> Answer | None:
        base = f"{obj['metadata']['name']}.{obj['metadata']['namespace']}.svc.{DOMAIN}"
        rows = []
        for item in obj["spec"].get("ports") or ():
            if (not port or item.get("name") == port) and (not protocol or item.get("protocol", "TCP").lower() == protocol):
                targets = [f"{host}.{base}" for _, host, _ in self._endpoints(obj)] if obj["spec"].get("clusterIP") == "None" else [base]
                rows += [("0", str(100 // max(1, len(targets))), str(item["port"]), target) for target in targets]
        return Answer(records=tuple(rows)) if rows else None


def _pod_by_address(label: str) -> Answer | None:
    try:
        return Answer((str(ipaddress.ip_address(label.replace("-", "."))),))
    except ValueError:
        return None
