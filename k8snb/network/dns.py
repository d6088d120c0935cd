"""Cluster DNS: names of Services and pods, as CoreDNS answers them.

    web.shop.svc.cluster.local               a Service: its cluster IP; headless: the addresses of its ready endpoints
    db-0.db.shop.svc.cluster.local           an endpoint with a host name, behind a headless Service
    _http._tcp.web.shop.svc.cluster.local    SRV: port and target
    10-244-1-5.shop.pod.cluster.local        a pod by its address
    1.0.96.10.in-addr.arpa                   PTR: a Service's address, or an endpoint's

Two kinds of "nothing": NXDOMAIN says that there is no such name, and a client goes on with the next suffix; an empty answer
without an error (NODATA) says that the name is there, but has no record of that type, and ends the search.

Models: the Kubernetes DNS specification 1.1; CoreDNS' ``kubernetes`` plugin (kubernetes.go findServices, findPods, reverse.go)
with the Corefile of kubeadm (``pods insecure``, ``ttl 30``, ``forward . /etc/resolv.conf``).
Simplified: the server is a component at a fixed address, and neither a pod nor a Service object; names outside of the cluster
exist only where an Ingress claims them, there is no internet here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from k8snb.apimachinery.objects import Object, freeze
from k8snb.apiserver.request import User
from k8snb.client.component import Component, Environment
from k8snb.component_helpers.resolver import DOMAIN, Resolver, candidates
from k8snb.component_helpers.timing import timing
from k8snb.network.kube_proxy import service_of
from k8snb.seams.cni import DNS_TIMEOUT, NO_SUCH_NAME, Answer
from k8snb.sim.clock import LATENCY

NAME = "coredns"
POD = "kube-system/coredns"
PATIENCE = timing("name lookup")
NXDOMAIN, NODATA = "NXDOMAIN", "NODATA"
TTL = 30
_ARPA = ".in-addr.arpa"
_CHAIN = 8  # CNAMEs followed
_NOTHING, _EMPTY = Answer(error=NO_SUCH_NAME, code=NXDOMAIN), Answer(error=NO_SUCH_NAME, code=NODATA)

STANDING: Object = freeze({  # the pod that policies take for cluster DNS
    "metadata": {"namespace": "kube-system", "name": "coredns", "labels": {"k8s-app": "kube-dns"}},
    "spec": {"containers": [{"name": "coredns", "ports": [
        {"name": "dns", "containerPort": 53, "protocol": "UDP"}, {"name": "dns-tcp", "containerPort": 53, "protocol": "TCP"},
    ]}]},
})  # fmt: skip


class ClusterDNS(Component):
    """The name server. ``outside``: the addresses of a name on the internet, where there are any."""

    def __init__(self, env: Environment, outside: Callable[[str], tuple[str, ...]] = lambda _name: ()):
        self.outside = outside
        super().__init__(NAME, env, user=User("system:kube-dns", ("system:masters", "system:authenticated")))
        self.services = self.informer("services")
        self.services.add_index("address", _cluster_ips)
        self.slices = self.informer("endpointslices.discovery.k8s.io")
        self.slices.add_index("service", service_of)
        self.namespaces = self.informer("namespaces")

    def on_event(self, key: Any) -> None:
        """It has no work of its own: it answers."""

    def resolve(self, name: str, resolver: Resolver, kind: str = "A") -> Answer:
        """Look up a name as a client does: one candidate after the other, until one exists."""
        asked: list[str] = []
        for full in _candidates(name, resolver, kind):
            asked.append(full)
            if not self.state.running:
                return Answer(error=DNS_TIMEOUT, asked=tuple(asked), latency=PATIENCE)
            found = self.query(full, kind)
            if found.code != NXDOMAIN:
                return found._replace(name=found.name or full, asked=tuple(asked), latency=2 * LATENCY["network hop"] * len(asked))
        return _NOTHING._replace(asked=tuple(asked), latency=2 * LATENCY["network hop"] * len(asked))

    def query(self, full: str, kind: str = "A") -> Answer:
        """The answer to one question, without any search path; aliases (CNAME) are followed."""
        name, names = full.lower().rstrip("."), [full.rstrip(".")]
        for _ in range(_CHAIN):
            found = self._lookup(name, kind)
            if not found.name:
                return found._replace(name=names[-1], cnames=tuple(names[:-1]))
            if kind == "CNAME":
                return found._replace(cnames=tuple(names))
            name = found.name
            names.append(name)
        return _NOTHING

    def _lookup(self, name: str, kind: str) -> Answer:
        """One name: its records, or (with ``name`` set) the name that it is an alias of."""
        if name.endswith(_ARPA):
            return self._reverse(name)
        if name != DOMAIN and not name.endswith("." + DOMAIN):
            addresses = self.outside(name)
            return _typed(addresses, kind) if addresses else _NOTHING
        labels = name.removesuffix(DOMAIN).rstrip(".").split(".")
        if (labels[-1] in ("svc", "pod") and len(labels) == 1) or labels == [""]:
            return _EMPTY
        if labels[-1] not in ("svc", "pod") or f"{labels[-2]}" not in self.namespaces.state.cache:
            return _NOTHING
        if len(labels) == 2:
            return _EMPTY  # the namespace itself
        if labels[-1] == "pod":
            return _pod_by_address(labels[0], kind) if len(labels) == 3 else _NOTHING
        *rest, service, namespace, _ = labels
        obj = self.services.get(f"{namespace}/{service}")
        return self._of_service(obj, rest, kind) if obj is not None else _NOTHING

    def _of_service(self, obj: Object, rest: list[str], kind: str) -> Answer:
        spec = obj["spec"]
        if spec.get("type") == "ExternalName":
            return Answer(name=spec.get("externalName", "").rstrip(".").lower()) if not rest else _NOTHING
        if len(rest) == 2 and all(label.startswith("_") for label in rest):
            srv = self._srv(obj, rest[0][1:], rest[1][1:])
            return srv if srv.error or kind == "SRV" else _EMPTY
        if len(rest) == 1:
            addresses = tuple(address for address, host, _ in self._endpoints(obj) if host == rest[0])
            return _typed(addresses, kind) if addresses else _NOTHING
        if rest:
            return _NOTHING
        if kind == "SRV":
            return self._srv(obj, "", "")
        if spec.get("clusterIP") == "None":
            all_of_them = tuple(sorted({address for address, _, _ in self._endpoints(obj)}, key=ipaddress.ip_address))
            return _typed(all_of_them, kind) if all_of_them else _NOTHING
        return _typed((spec["clusterIP"],), kind) if spec.get("clusterIP") else _EMPTY

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

    def _srv(self, obj: Object, port: str, protocol: str) -> Answer:
        base = f"{obj['metadata']['name']}.{obj['metadata']['namespace']}.svc.{DOMAIN}"
        headless = obj["spec"].get("clusterIP") == "None"
        rows = []
        for item in obj["spec"].get("ports") or ():
            if (not port or item.get("name") == port) and (not protocol or item.get("protocol", "TCP").lower() == protocol):
                targets = [f"{host}.{base}" for _, host, _ in self._endpoints(obj)] if headless else [base]
                rows += [("0", str(100 // max(1, len(targets))), str(item["port"]), target) for target in targets]
        return Answer(records=tuple(rows)) if rows else _NOTHING

    def _reverse(self, name: str) -> Answer:
        """PTR: a Service by its cluster IP, else an endpoint by its address."""
        address = ".".join(reversed(name.removesuffix(_ARPA).split(".")))
        services = self.services.by("address", address)
        if services:
            meta = services[0]["metadata"]
            return Answer(records=((f"{meta['name']}.{meta['namespace']}.svc.{DOMAIN}",),))
        for one in self.slices.all():  # nobody asks often enough for an index on every address
            for endpoint in one.get("endpoints") or ():
                if address in endpoint["addresses"] and (service := service_of(one)):
                    namespace, _, service_name = service[0].partition("/")
                    host = endpoint.get("hostname") or address.replace(".", "-")
                    return Answer(records=((f"{host}.{service_name}.{namespace}.svc.{DOMAIN}",),))
        return _NOTHING


def _candidates(name: str, resolver: Resolver, kind: str) -> list[str]:
    if kind == "PTR" and not name.endswith(_ARPA):
        return [".".join(reversed(name.split("."))) + _ARPA]
    return candidates(name, resolver)


def _cluster_ips(service: Object) -> list[str]:
    address = service["spec"].get("clusterIP", "")
    return [address] if address and address != "None" else []


def _typed(addresses: tuple[str, ...], kind: str) -> Answer:
    """A records, or the empty answer to a question for another type: the name is there."""
    return Answer(addresses) if kind == "A" else _EMPTY


def _pod_by_address(label: str, kind: str) -> Answer:
    try:
        return _typed((str(ipaddress.ip_address(label.replace("-", "."))),), kind)
    except ValueError:
        return _NOTHING
