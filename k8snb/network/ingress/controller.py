"""The controller: a loop that writes a proxy's configuration, and the answers that the proxy gives by it.

The pods of the controller are the proxy: HTTP that reaches one of them is led on to an endpoint of a Service, *directly*, past the
Service's own address and kube-proxy. The loop runs as long as one of these pods is ready. What it has written stays valid when it
stops, right or wrong.

    no location       404  the default backend answers            no endpoints      503
    endpoints refuse  502  after three attempts                   they are silent   504  (5 s to connect, 60 s to answer)
    http, but the host has a certificate: 308 to https

Models: ingress-nginx: internal/ingress/controller/{controller,store,endpointslices}.go, internal/ingress/status/status.go.
Simplified: configuration is written at most once a second (there: three in ten seconds), and the address goes into the status at
once (there: on the minute). ExternalName Services have no endpoints here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import annotation, is_true
from k8snb.apimachinery.objects import EMPTY_LIST, Object, dig, freeze
from k8snb.apiserver.request import User
from k8snb.client.component import Component, Environment
from k8snb.client.informer import key_of
from k8snb.network.ingress import certificates
from k8snb.network.ingress.install import CLASS, CONTROLLER, NAME, NAMESPACE
from k8snb.network.ingress.routing import Location, Target, locate, locations_of, server_of, unheard_in
from k8snb.network.ingress.webhook import bad_annotation
from k8snb.network.kube_proxy import service_of
from k8snb.sim.clock import SECOND
from k8snb.sim.state import Shelf

COMPONENT = "ingress-nginx"
SYNC_PERIOD = 1 * SECOND
ATTEMPTS = 3  # proxy_next_upstream_tries
INGRESSES, CLASSES, SLICES = "ingresses.networking.k8s.io", "ingressclasses.networking.k8s.io", "endpointslices.discovery.k8s.io"
_LEGACY = "kubernetes.io/ingress.class"
_PODS = f"metadata.namespace={NAMESPACE}"


class Upstream(NamedTuple):
    """One endpoint that the proxy may send to."""

    address: str
    port: int


@dataclass(slots=True)
class IngressState:
    """The configuration that the proxy works by, and what the loop remembers."""

    locations: tuple[Location, ...] = ()
    upstreams: Shelf = field(default_factory=Shelf)  # target as text -> tuple of Upstreams
    certificates: Shelf = field(default_factory=Shelf)  # host -> Certificate, or None: the fake one
    hosts: Shelf = field(default_factory=Shelf)  # host -> address that the status of its Ingress names
    told: Shelf = field(default_factory=Shelf)  # Ingress -> generation that an Event told of
    warned: Shelf = field(default_factory=Shelf)  # Ingress -> annotations that were said to be not simulated
    refused: Shelf = field(default_factory=Shelf)  # Ingress -> generation in which it was left out
    turn: Shelf = field(default_factory=Shelf)  # target -> number of the endpoint whose turn it is
    requests: int = 0  # how many the proxy has handled
    due: bool = False
    synced: int = -SYNC_PERIOD


class Routed(NamedTuple):
    """What the proxy does with a request: lead it to one of ``upstreams``, or answer ``status`` itself."""

    status: int = 0
    location: Location | None = None
    upstreams: tuple[Upstream, ...] = ()
    to: str = ""  # where a redirect leads


class IngressController(Component):
    """The control loop of ingress-nginx."""

    def __init__(self, env: Environment):
        user = User(f"system:serviceaccount:{NAMESPACE}:ingress-nginx", ("system:masters", "system:authenticated"))
        super().__init__(COMPONENT, env, user=user, agent="nginx-ingress-controller")
        self.ingresses, self.classes = self.informer(INGRESSES), self.informer(CLASSES)
        self.services, self.slices, self.secrets = self.informer("services"), self.informer(SLICES), self.informer("secrets")
        self.slices.add_index("service", service_of)
        self.pods = self.informer("pods", fields=_PODS)
        for informer in self.informers.values():
            informer.tell(self._changed)

    def new_state(self) -> IngressState:
        """Nothing is led anywhere."""
        return IngressState()

    @property
    def own(self) -> IngressState:
        """The configuration."""
        found: IngressState = self.state.own
        return found

    def on_stop(self) -> IngressState:
        """The proxy's processes go on by the configuration that they have."""
        self.own.due = False
        return self.own

    def on_start(self) -> None:
        """Look at everything."""
        self.own.due = False
        self._later(0)

    def _changed(self, old: Object | None, new: Object | None, cause: int) -> None:
        if old is None or new is None or new["kind"] != "Ingress" or _wish(old) != _wish(new):
            self._later(cause)  # its own news, the address in the status, is none

    def _later(self, cause: int) -> None:
        if not self.own.due:
            self.own.due = True
            delay = max(0, self.own.synced + SYNC_PERIOD - self.kernel.now)
            self.kernel.after(delay, self.name, ("sync",), why="the configuration is written", causes=(cause,) if cause else ())

    # -- the loop ----------------------------------------------------------------------------------------------------

    def on_event(self, key: Any) -> None:
        """Write the configuration anew, and the addresses into the status of Ingresses."""
        own, kernel = self.own, self.kernel
        own.due, own.synced = False, kernel.now
        address = self._address()
        if not address:
            return  # no pod of the controller is ready: nobody is there to do it
        mine = sorted((one for one in self.ingresses.all() if self._is_mine(one) and not self._refuses(one)), key=_age)
        before = (own.locations, dict(own.upstreams), dict(own.certificates))
        own.locations = locations_of(mine)
        targets = [location.target for location in own.locations if location.target]
        own.upstreams = Shelf({str(target): self._endpoints(target) for target in targets})
        own.certificates = Shelf(pair for ingress in reversed(mine) for pair in self._tls(ingress))  # the oldest has its way
        own.hosts = Shelf({location.host: address for location in own.locations if location.host})
        record = 0
        if (own.locations, dict(own.upstreams), dict(own.certificates)) != before:
            subject = ", ".join(key_of(one) for one in mine)
            record = kernel.trace.add(kernel.now, "reconcile", self.name, "write configuration", subject, None, kernel.causes)
        kernel.causes = (record,) if record else kernel.causes
        for ingress in mine:
            self._tell(ingress, address)

    def _refuses(self, ingress: Object) -> bool:
        """Whether an annotation has a value that it cannot have: such an Ingress (which came past the webhook) is left out."""
        why, key, generation = bad_annotation(ingress), key_of(ingress), ingress["metadata"].get("generation", 1)
        if why and self.own.refused.get(key) != generation:
            self.own.refused[key] = generation
            self.recorder.event(ingress, "Warning", "Rejected", why)
        return bool(why)

    def _is_mine(self, ingress: Object) -> bool:
        named = ingress["spec"].get("ingressClassName")
        if named is None:
            return annotation(ingress, _LEGACY) == CLASS
        found = self.classes.get(named)
        return found is not None and bool(found["spec"].get("controller") == CONTROLLER)

    def _address(self) -> str:
        """Where the proxy is reached: at its Service's load balancer, or at the node on which one of its pods is ready."""
        ready = [pod for pod in self.pods.all() if is_controller(key_of(pod)) and is_true(pod, "Ready")]
        service = self.services.get(f"{NAMESPACE}/{NAME}")
        if service is not None:
            given = dig(service, "status.loadBalancer.ingress", EMPTY_LIST)
            return str(given[0].get("ip", "")) if ready and given else ""
        return str(min((dig(pod, "status.hostIP", "") for pod in ready), default=""))

    def _endpoints(self, target: Target) -> tuple[Upstream, ...]:
        """The ready endpoints behind a port of a Service."""
        service = self.services.get(f"{target.namespace}/{target.service}")
        port = next((p for p in dig(service, "spec.ports", EMPTY_LIST) if target.port in (p["port"], p.get("name"))), None)
        if service is None or port is None:
            return ()
        found = set()
        for one in self.slices.by("service", f"{target.namespace}/{target.service}"):
            for item in one.get("ports") or ():
                if (item.get("name") or "") == (port.get("name") or "") and item.get("port"):
                    found |= {
                        Upstream(endpoint["addresses"][0], item["port"])
                        for endpoint in one.get("endpoints") or ()
                        if (endpoint.get("conditions") or {}).get("ready", True)
                    }
        return tuple(sorted(found))

    def _tls(self, ingress: Object) -> Iterator[tuple[str, certificates.Certificate | None]]:
        """The certificate of each host of an Ingress with a TLS section: of the item that lists the host, or else of the first
        whose certificate was made for it."""
        items = [
            ([host.lower() for host in item.get("hosts") or ()], self._certificate(ingress, item))
            for item in dig(ingress, "spec.tls", EMPTY_LIST)
        ]
        for host in [rule["host"].lower() for rule in dig(ingress, "spec.rules", EMPTY_LIST) if items and rule.get("host")]:
            listed = [found for hosts, found in items if host in hosts][:1]
            yield host, next((one for one in listed or [found for _, found in items] if one and one.covers(host)), None)

    def _certificate(self, ingress: Object, item: Object) -> certificates.Certificate | None:
        """What lies in the Secret that an item of the TLS section names, if there is a key to it."""
        secret = self.secrets.get(f"{ingress['metadata']['namespace']}/{item.get('secretName', '')}")
        return certificates.read(_decoded(secret, "tls.crt")) if secret is not None and _decoded(secret, "tls.key") else None

    def _tell(self, ingress: Object, address: str) -> None:
        """The Event and the status of an Ingress."""
        key, generation = key_of(ingress), ingress["metadata"].get("generation", 1)
        if self.own.told.get(key) != generation:
            self.own.told[key] = generation
            self.recorder.event(ingress, "Normal", "Sync", "Scheduled for sync")
        self._warn(ingress, key)
        wanted = [{"ip": address}]
        if list(dig(ingress, "status.loadBalancer.ingress", EMPTY_LIST)) != wanted:
            try:
                self.client.update_status(INGRESSES, freeze({**ingress, "status": {"loadBalancer": {"ingress": wanted}}}))
            except ApiError:
                self._later(0)  # somebody changed it meanwhile: its news is on the way

    def _warn(self, ingress: Object, key: str) -> None:
        """Say once of each annotation that nothing here acts on it."""
        unheard, known = unheard_in(ingress), self.own.warned.get(key, ())
        if unheard != known:
            self.own.warned[key] = unheard
        for name in (one for one in unheard if one not in known):
            self.recorder.event(ingress, "Warning", "NotSimulated", f"k8snb does not simulate the annotation {name}: it changes nothing")

    # -- what the proxy asks -----------------------------------------------------------------------------------------

    def addresses(self, host: str) -> tuple[str, ...]:
        """What public DNS says of a host: the address of the Ingress that claims it."""
        server = server_of(host, list(self.own.hosts))
        return (str(self.own.hosts[server]),) if server else ()

    def certificate(self, host: str) -> certificates.Certificate | None:
        """The certificate that a client is shown that asks for a host (SNI); None: the fake one."""
        server = server_of(host, list(self.own.certificates))
        found: certificates.Certificate | None = self.own.certificates.get(server) if server is not None else None
        return found

    def route(self, host: str, path: str, scheme: str) -> Routed:
        """What becomes of a request."""
        found = locate(self.own.locations, host, path)
        if found is None:
            return Routed(404)
        for option, status in (("permanent-redirect", 301), ("temporal-redirect", 302)):
            if to := found.option(option):
                return Routed(status, found, to=to)
        if scheme == "http" and self._wants_https(found, host):
            return Routed(308, found, to=f"https://{host}{path}")
        if path == "/" and (root := found.option("app-root")):
            return Routed(302, found, to=f"{scheme}://{host}{root}")
        upstreams = self.own.upstreams.get(str(found.target), ()) if found.target else ()
        return Routed(0, found, upstreams) if upstreams else Routed(503, found)

    def _wants_https(self, location: Location, host: str) -> bool:
        if location.option("force-ssl-redirect") == "true":
            return True
        server = server_of(host, list(self.own.certificates))
        return location.option("ssl-redirect", "true") == "true" and bool(server)

    def count(self) -> int:
        """The number of this request."""
        self.own.requests += 1
        return self.own.requests

    def next(self, routed: Routed) -> list[Upstream]:
        """The endpoints in the order in which one request tries them: one after the other has its turn."""
        target = str(routed.location.target) if routed.location else ""
        turn = self.own.turn.get(target, 0) % len(routed.upstreams)
        self.own.turn[target] = turn + 1
        return [routed.upstreams[(turn + step) % len(routed.upstreams)] for step in range(ATTEMPTS)]


def is_controller(pod: str) -> bool:
    """Whether a pod (``namespace/name``) is one of the proxy's."""
    return pod.startswith(f"{NAMESPACE}/{NAME}-")


def _wish(ingress: Object) -> tuple[Any, Any]:
    return ingress.get("spec"), ingress["metadata"].get("annotations")


def _age(ingress: Object) -> tuple[str, str]:
    return ingress["metadata"].get("creationTimestamp", ""), key_of(ingress)


def _decoded(secret: Object, key: str) -> str:
    try:
        return base64.b64decode((secret.get("data") or {}).get(key, "")).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
