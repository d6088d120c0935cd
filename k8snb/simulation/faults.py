"""What can go wrong on purpose, each under a name: :data:`FAULTS`. A fault is an input: recorded, replayed, data.

``check`` refuses wrong arguments before anything happens (ValueError with a sentence for the learner); ``apply`` does it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from k8snb.etcd.store import COMPONENT as ETCD
from k8snb.guests.arguments import careful
from k8snb.messages import Mistake, text
from k8snb.sim.clock import seconds
from k8snb.simulation import cloud, etcd, load, outside
from k8snb.simulation.machine_files import known_manifest, static_pod
from k8snb.simulation.node_faults import (
    crash_container,
    fail_node,
    known_amount,
    known_container,
    known_node,
    partition_node,
    restore_node,
    shut_down_node,
    use_resource,
)

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet
    from k8snb.simulation.simulation import Simulation

API_SERVER = "kube-apiserver"


class Fault(NamedTuple):
    """One way to break or mend something."""

    check: Callable[..., None]
    apply: Callable[..., Any]


def component_names(simulation: Simulation) -> list[str]:
    """Everything that can be stopped."""
    return [*_etcd(simulation), API_SERVER, *simulation.parts.components, *_runtimes(simulation)]


def _runtimes(simulation: Simulation) -> list[str]:
    """The container runtimes by name: ``containerd/node-1``."""
    return [f"containerd/{node}" for node, runtime in simulation.parts.machines.runtimes.items() if not runtime.instant]


def _kubelet_over(simulation: Simulation, runtime: str) -> Kubelet:
    return simulation.parts.machines.kubelets[runtime.partition("/")[2]]


def _etcd(simulation: Simulation) -> list[str]:
    """The members of etcd by name; ``etcd`` where there is only one."""
    group = simulation.root.etcd
    return [ETCD] if group is None else list(group.members)


def _known(simulation: Simulation, component: str) -> None:
    names = component_names(simulation)
    if component not in names:
        raise Mistake(text("fault.no_component", component=component, names=", ".join(names)))


def _stop(simulation: Simulation, component: str) -> None:
    _note(simulation, "stop", component)
    if component == ETCD:
        simulation.root.store.running = False
    elif component in _etcd(simulation):
        etcd.stop_member(simulation, component)
    elif component == API_SERVER:
        simulation.root.server.running = False
        _break_watches(simulation)
    elif component in _runtimes(simulation):
        _kubelet_over(simulation, component).lose_runtime()
    elif simulation.parts.components[component].state.running:
        simulation.parts.components[component].stop()


def _start(simulation: Simulation, component: str) -> None:
    _note(simulation, "start", component)
    if component == ETCD:
        simulation.root.store.running = True
    elif component in _etcd(simulation):
        etcd.start_member(simulation, component)
    elif component == API_SERVER:
        simulation.root.server.running = True
    elif component in _runtimes(simulation):
        _kubelet_over(simulation, component).find_runtime()
    elif not simulation.parts.components[component].state.running:
        simulation.parts.components[component].start()


def _note(simulation: Simulation, verb: str, subject: str) -> None:
    kernel = simulation.parts.kernel
    record = kernel.trace.add(kernel.now, "fault", "you", verb, subject)
    kernel.causes = (record,)


def _break_watches(simulation: Simulation, component: str = "") -> None:
    """Cut every open watch (of one component); their owners list again after a moment."""
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "reason": "Expired", "message": "the watch was cut"}
    hub = simulation.parts.server.hub
    for watch in list(hub.state.watches.values()):
        if not component or watch.component == component:
            hub.fail(watch.id, status)


def _delay_watches(simulation: Simulation, component: str, microseconds: int, resource: str = "") -> None:
    """From now on every delivery to a component (of one resource) comes later by that much (0 mends it)."""
    for watch in simulation.parts.server.hub.state.watches.values():
        if watch.component == component and resource in ("", watch.resource):
            watch.delay = microseconds


def known_request(simulation: Simulation, verb: str, resource: str, count: int) -> None:
    """Raise ValueError for a verb or a resource that no request has."""
    if verb not in ("*", *VERBS):
        raise Mistake(text("fault.unknown_verb", verb=verb, names=", ".join(VERBS)))
    if resource != "*" and all(resource != one.plural for one in simulation.parts.server.catalogue.all()):
        raise Mistake(text("fault.unknown_resource", resource=resource))


VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")


def _api_errors(simulation: Simulation, verb: str = "*", resource: str = "*", count: int = 1) -> None:
    """The next ``count`` requests like this fail with 500."""
    simulation.root.server.faults[verb, resource] = count


def _noted(verb: str, act: Callable[..., Any], told: tuple[str, ...] = ()) -> Callable[..., Any]:
    """The same act, with a record in the trace that everything which follows names as its cause."""

    def noted(simulation: Simulation, **arguments: Any) -> Any:
        shown = [value for name, value in arguments.items() if value != "" and (not told or name in told)]
        _note(simulation, verb, " ".join(map(str, shown)))
        return act(simulation, **arguments)

    return noted


def _noted_file(act: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a file of a machine, whose content is no name."""

    def noted(simulation: Simulation, node: str, file: str, manifest: Any) -> Any:
        _note(simulation, "write" if manifest is not None else "remove", f"{node} {file}")
        return act(simulation, node=node, file=file, manifest=manifest)

    return noted


def _encrypt_secrets(simulation: Simulation) -> None:
    """The API server is started again with an EncryptionConfiguration. What etcd holds already stays as it is until it is written."""
    simulation.root.config = replace(simulation.root.config, encrypt_secrets=True)
    simulation.rewire()
    _break_watches(simulation)


def _anything(_simulation: Simulation, **_arguments: Any) -> None:
    """Every argument is fine."""


def _cut_known(simulation: Simulation, component: str = "", **_rest: Any) -> None:
    if component:
        _known(simulation, component)


FAULTS: dict[str, Fault] = {
    "stop": Fault(_known, _stop),
    "start": Fault(_known, _start),
    "break_watches": Fault(_cut_known, _break_watches),
    "delay_watches": Fault(_cut_known, _delay_watches),
    "api_errors": Fault(known_request, _api_errors),
    "partition_etcd": Fault(etcd.known_member, _noted("partition", etcd.partition_member)),
    "restore_etcd": Fault(etcd.known_member, _noted("restore", etcd.restore_member)),
    "slow_etcd": Fault(etcd.known_member, _noted("slow", etcd.slow_member)),
    "lossy_etcd": Fault(etcd.known_percent, _noted("lossy", etcd.lossy_member)),
    "etcd_put": Fault(etcd.own_key, _noted("put", etcd.put_key)),
    "etcd_compact": Fault(etcd.can_compact, _noted("compact", etcd.compact)),
    "encrypt_secrets": Fault(_anything, _noted("encrypt", _encrypt_secrets)),
    "fail_node": Fault(known_node, _noted("fail", fail_node)),
    "shut_down_node": Fault(known_node, _noted("shut down", shut_down_node)),
    "partition_node": Fault(known_node, _noted("partition", partition_node)),
    "restore_node": Fault(known_node, _noted("restore", restore_node)),
    "static_pod": Fault(known_manifest, _noted_file(static_pod)),
    "use_resource": Fault(known_amount, _noted("use", use_resource)),
    "registry": Fault(outside.known_host, _noted("registry", outside.change_registry)),
    "forward": Fault(outside.known_pod, _noted("forward", outside.forward)),
    "stop_forward": Fault(outside.known_forward, _noted("stop forward", outside.stop_forward)),
    "crash_container": Fault(known_container, _noted("crash", crash_container)),
    **{name: Fault(one.check, _noted(one.verb, one.apply, one.told)) for name, one in (cloud.COMMANDS | load.COMMANDS).items()},
}


@careful("cluster.faults")
class Faults:
    """The ways to break a cluster, as methods; each is one recorded input of the simulation."""

    def __init__(self, simulation: Simulation):
        self._simulation = simulation

    def __repr__(self) -> str:
        return f"<Faults: {', '.join(name for name in dir(self) if not name.startswith('_'))}>"

    def stop(self, component: str) -> None:
        """Stop a component (``kube-scheduler``, ``kubelet/node-1``, ``etcd`` ...): what it had in memory is lost.

        A stopped container runtime (``containerd/node-1``) leaves its containers running and its kubelet helpless.
        """
        self._simulation.fault("stop", component=component)

    def start(self, component: str) -> None:
        """Start a stopped component: it lists, watches, and goes on from what it finds."""
        self._simulation.fault("start", component=component)

    def partition_etcd(self, member: str) -> None:
        """Cut a member of etcd off from the other members and from the API server; it goes on by itself."""
        self._simulation.fault("partition_etcd", member=member)

    def slow_etcd(self, member: str, delay: float) -> None:
        """Every message from or to a member of etcd takes ``delay`` seconds longer (0 mends it)."""
        self._simulation.fault("slow_etcd", member=member, microseconds=seconds(delay))

    def lossy_etcd(self, member: str, percent: int) -> None:
        """So many percent of the messages from or to a member of etcd are lost (0 mends it)."""
        self._simulation.fault("lossy_etcd", member=member, percent=percent)

    def restore_etcd(self, member: str) -> None:
        """The links of a member of etcd are whole again. (A stopped one is started with :meth:`start`.)"""
        self._simulation.fault("restore_etcd", member=member)

    def fail_node(self, node: str) -> None:
        """A machine loses power: its containers are dead and its kubelet is silent."""
        self._simulation.fault("fail_node", node=node)

    def shut_down_node(self, node: str) -> None:
        """Somebody shuts a machine down. Only with ``shutdownGracePeriod`` in ``Cluster(kubelet=...)`` does its kubelet end the pods
        first, critical ones last; otherwise it is as if power were lost."""
        self._simulation.fault("shut_down_node", node=node)

    def partition_node(self, node: str) -> None:
        """A machine is cut off from the network; what runs on it goes on running."""
        self._simulation.fault("partition_node", node=node)

    def restore_node(self, node: str) -> None:
        """A failed or cut-off machine is back."""
        self._simulation.fault("restore_node", node=node)

    def use_memory(self, node: str, amount: str | int) -> None:
        """Something outside Kubernetes uses so much memory of a machine (``"3Gi"``; 0 ends it)."""
        self._simulation.fault("use_resource", node=node, amount=str(amount), resource="memory")

    def use_disk(self, node: str, amount: str | int) -> None:
        """Something outside Kubernetes fills so much of a machine's disk (``"45Gi"``; 0 removes it)."""
        self._simulation.fault("use_resource", node=node, amount=str(amount), resource="ephemeral-storage")

    def use_inodes(self, node: str, count: str | int) -> None:
        """Something outside Kubernetes has so many files on a machine's disk (``"3M"``; 0 removes them)."""
        self._simulation.fault("use_resource", node=node, amount=str(count), resource="inodes")

    def use_pids(self, node: str, count: str | int) -> None:
        """Something outside Kubernetes runs so many processes on a machine (``"30k"``; 0 ends them)."""
        self._simulation.fault("use_resource", node=node, amount=str(count), resource="pids")

    def crash_container(self, pod: str, container: str = "", code: int = 137) -> bool:
        """The process of a container dies (``pod``: ``name`` or ``namespace/name``); False where none is running."""
        return bool(self._simulation.fault("crash_container", pod=pod, container=container, code=code))

    def registry_down(self, registry: str) -> None:
        """A registry of images (``docker.io``, ``registry.example.com``) does not answer any more: pulls from it time out."""
        self._simulation.fault("registry", host=registry, down=True)

    def registry_up(self, registry: str) -> None:
        """A registry answers again, at its usual speed and without limit."""
        self._simulation.fault("registry", host=registry, down=False, limited=False, slow=1)

    def registry_limit(self, registry: str = "docker.io") -> None:
        """A registry has enough of you: every pull is answered with 429, too many requests."""
        self._simulation.fault("registry", host=registry, limited=True)

    def registry_slow(self, registry: str, factor: int) -> None:
        """Every pull from a registry takes ``factor`` times as long as usual."""
        self._simulation.fault("registry", host=registry, slow=factor)

    def break_watches(self, component: str = "") -> None:
        """Cut the open watches of one component, or of all: they must list again."""
        self._simulation.fault("break_watches", component=component)

    def delay_watches(self, component: str, delay: float, resource: str = "") -> None:
        """From now on a component hears of every change (of one resource, by key) ``delay`` seconds later (0 mends it)."""
        self._simulation.fault("delay_watches", component=component, microseconds=seconds(delay), resource=resource)

    def api_errors(self, count: int = 1, *, verb: str = "*", resource: str = "*") -> None:
        """The next ``count`` requests of that verb for that resource (plural) fail with code 500."""
        self._simulation.fault("api_errors", verb=verb, resource=resource, count=count)
