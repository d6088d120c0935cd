"""What stands outside of the cluster and still belongs to its world: registries of images, and ports of your machine.

A forwarded port leads past Services and kube-proxy: through the API server to the kubelet of the pod's node, and there into the
pod, to what listens on its loopback interface. It belongs to one pod, and breaks with it.

    cluster.registry("registry.example.com", "ann", "secret")     a private registry; a Secret of type dockerconfigjson opens it
    cluster.kubectl("port-forward pod/web 8080:80")
    cluster.http("http://localhost:8080")
    cluster.forwards.stop(8080)

Models: pkg/kubelet/server/portforward.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from k8snb.apimachinery.errors import ApiError
from k8snb.guests.arguments import careful
from k8snb.kubelet.images.reference import parse_reference
from k8snb.kubelet.registries import Registries, Registry
from k8snb.messages import Mistake, text
from k8snb.seams.cni import EMPTY, REFUSED, Hop, HTTPReply, HTTPRequest, HTTPResponse
from k8snb.sim.clock import MILLISECOND
from k8snb.sim.state import Shelf

if TYPE_CHECKING:
    from k8snb.simulation.machines import Machines
    from k8snb.simulation.simulation import Simulation

LOCAL = ("localhost", "127.0.0.1")
FIRST_PORT = 40_000  # of those that a forward takes when nobody says which
TUNNEL = 2 * MILLISECOND  # through the API server and the kubelet


class Forward(NamedTuple):
    """One open port of your machine."""

    namespace: str
    pod: str
    uid: str
    port: int


@dataclass(slots=True)
class Outside:
    """The state of both."""

    registries: Registries = field(default_factory=Registries)
    forwards: Shelf = field(default_factory=Shelf)  # local port -> Forward


# -- forwarded ports -------------------------------------------------------------------------------------------------


def forward(simulation: Simulation, namespace: str, pod: str, port: int, local: int) -> int:
    """Open a port. Its number; 0 where it is taken."""
    known = simulation.root.outside.forwards
    if local in known:
        return 0
    local = local or next(number for number in range(FIRST_PORT, 1 << 16) if number not in known)
    found = simulation.parts.server.stored("pods", pod, namespace)
    uid = found["metadata"]["uid"] if found is not None else ""
    known[local] = Forward(namespace, pod, uid, port)
    return local


def known_pod(simulation: Simulation, namespace: str, pod: str, port: int, local: int) -> None:
    """Raise ValueError for a pod that is not there."""
    if simulation.parts.server.stored("pods", pod, namespace) is None:
        raise Mistake(text("hop.no_pod", pod=f"{namespace}/{pod}"))


def stop_forward(simulation: Simulation, local: int) -> None:
    """Close a port."""
    simulation.root.outside.forwards.pop(local, None)


def known_forward(simulation: Simulation, local: int) -> None:
    """Raise ValueError for a port that is not open."""
    open_ports = simulation.root.outside.forwards
    if local not in open_ports:
        raise Mistake(text("fault.no_forward", port=local, ports=", ".join(map(str, open_ports)) or "-"))


def through(machines: Machines, found: Forward, request: HTTPRequest) -> HTTPResponse:
    """Follow a request through an open port."""
    label = f"{found.namespace}/{found.pod}"
    hops = [Hop("port-forward", text("hop.forwarded", pod=label, port=found.port), TUNNEL)]
    node = next((name for name, kubelet in machines.kubelets.items() if found.uid in kubelet.own.pods), "")
    if not node or node in machines.cni.state.down or not machines.kubelets[node].state.running:
        return HTTPResponse(0, "", EMPTY, (*hops, Hop("port-forward", text("hop.forward_lost", pod=label))), TUNNEL)
    try:
        reply = machines.endpoint(node).forward(found.namespace, found.pod, request._asdict())
        error = "" if reply.status else EMPTY
    except ApiError:  # nothing listens there
        reply, error = HTTPReply(0), REFUSED
    if error:
        said = text("hop.forward_refused", port=found.port, pod=label, error=error)
        return HTTPResponse(0, "", EMPTY, (*hops, Hop(f"kubelet/{node}", said)), TUNNEL)
    said = text("hop.answered", method=request.method, path=request.path, status=str(reply.status))
    hops.append(Hop(f"pod/{label}", said, reply.latency))
    latency = TUNNEL + reply.latency
    return HTTPResponse(reply.status, reply.body, "", tuple(hops), latency, label, reply.content_type, "127.0.0.1", reply.headers)


@careful("cluster.forwards")
class Forwards:
    """The open ports of your machine: a table, and :meth:`stop`."""

    def __init__(self, simulation: Simulation):
        self._simulation = simulation

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._simulation.root.outside.forwards))

    def __len__(self) -> int:
        return len(self._simulation.root.outside.forwards)

    def __repr__(self) -> str:
        known: dict[int, Forward] = self._simulation.root.outside.forwards
        rows = [f"http://localhost:{local} -> pod/{known[local].namespace}/{known[local].pod}:{known[local].port}" for local in self]
        return "\n".join(rows) or text("cluster.no_forwards")

    def stop(self, port: int) -> None:
        """Close a port. Raises ValueError for one that is not open."""
        self._simulation.fault("stop_forward", local=port)


# -- registries ------------------------------------------------------------------------------------------------------


def known_host(simulation: Simulation, host: str, **_change: Any) -> None:
    """Raise ValueError for what cannot be the host of a registry."""
    try:
        fits = parse_reference(f"{host}/x").registry == host
    except ValueError:
        fits = False
    if not fits:
        raise Mistake(text("fault.no_registry", host=host))


def change_registry(simulation: Simulation, host: str, **change: Any) -> None:
    """Declare something of a registry; the rest stays as it is."""
    known = simulation.root.outside.registries.known
    known[host] = known.get(host, Registry())._replace(**change)
