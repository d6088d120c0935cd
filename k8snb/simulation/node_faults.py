"""What can happen to machines: a node loses power, is cut off from the network, comes back; a process in a container dies;
something that Kubernetes does not know of fills memory or disk.

Models: what an operator sees when a virtual machine dies, when a switch fails, ``kill -9`` inside a container, a runaway process or
a forgotten dump on the machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8snb.apimachinery import quantity
from k8snb.kubelet import shutdown
from k8snb.messages import Mistake, text

if TYPE_CHECKING:
    from k8snb.simulation.simulation import Simulation

PARTITIONED = "partitioned"


def known_node(simulation: Simulation, node: str) -> None:
    """Raise ValueError for a machine that is not there."""
    simulation.parts.machines.known(node)


def fail_node(simulation: Simulation, node: str) -> None:
    """The machine loses power: its containers are dead, its kubelet is gone, nothing reaches it."""
    simulation.parts.machines.switch(node, on=False)


def shut_down_node(simulation: Simulation, node: str) -> None:
    """Somebody shuts the machine down: where its kubelet has time for it, the pods are ended first."""
    shutdown.begin(simulation.parts.machines.kubelets[node])


def partition_node(simulation: Simulation, node: str) -> None:
    """The machine is cut off: everything on it goes on, and nobody hears of it."""
    simulation.parts.machines.cni.fail(node, PARTITIONED)
    for component in simulation.parts.machines.on(node):
        component.cut_off()


def restore_node(simulation: Simulation, node: str) -> None:
    """The machine is there again: power, network, kubelet."""
    simulation.parts.machines.restore(node)


def known_amount(simulation: Simulation, node: str, amount: str, **_rest: str) -> None:
    """Raise ValueError unless there is such a machine, and the amount is a quantity of bytes that is not negative."""
    known_node(simulation, node)
    try:
        fine = quantity.value(amount) >= 0
    except ValueError:
        fine = False
    if not fine:
        raise Mistake(text("fault.no_amount", amount=amount))


def use_resource(simulation: Simulation, node: str, amount: str, resource: str) -> None:
    """Something outside Kubernetes uses so much of the machine; its kubelet sees it when it looks next."""
    simulation.parts.machines.kubelets[node].own.foreign[resource] = quantity.value(amount)


def known_container(simulation: Simulation, pod: str, container: str = "", code: int = 137) -> None:
    """Raise ValueError unless the pod (``namespace/name``) runs on some node, and the code is one that a process can have."""
    if not 0 <= code <= 255:
        raise Mistake(text("fault.no_code", code=code))
    _place(simulation, pod, container)


def _place(simulation: Simulation, pod: str, container: str) -> tuple[str, str]:
    namespace, _, name = pod.rpartition("/")
    found = simulation.parts.server.stored("pods", name, namespace or "default")
    node = found["spec"].get("nodeName", "") if found is not None else ""
    if found is None or node not in simulation.parts.machines.runtimes:
        raise Mistake(text("hop.no_pod" if found is None else "fault.no_pod", pod=f"{namespace or 'default'}/{name}"))
    if container and container not in [c["name"] for c in found["spec"]["containers"]]:
        raise Mistake(text("fault.no_container", pod=pod, container=container))
    return node, found["metadata"]["uid"]


def crash_container(simulation: Simulation, pod: str, container: str = "", code: int = 137) -> bool:
    """The main process of a container dies with that exit code. False where none is running now."""
    node, uid = _place(simulation, pod, container)
    return simulation.parts.machines.runtimes[node].crash(uid, container, code)
