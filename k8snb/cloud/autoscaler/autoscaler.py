"""The cluster autoscaler: every ten seconds it looks for pods without a place, and for machines without a purpose.

    pods that fit nowhere   -> would a machine of some pool help?  TriggeredScaleUp, or NotTriggerScaleUp with the reasons
    a machine that has not been needed for ten minutes, ten minutes after the last scale-up
                            -> taint ToBeDeletedByClusterAutoscaler, evict its pods, delete the machine

It looks at *requests*, never at what is really used, and it changes only how many machines a pool is to have, within the
pool's bounds. Which pod goes where is still decided by the scheduler.

Models: cluster-autoscaler/core/static_autoscaler.go (RunOnce), its default flags (scan interval, scale-down times).
A machine that has not become a node within fifteen minutes is deleted, and its pool rests for a while: see :mod:`.provisioning`.
Simplified: machines that are nodes and not ready are not replaced; scale-down after a failure is not delayed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import annotation, is_true, key_of
from k8snb.apimachinery.objects import Object, freeze, put
from k8snb.apiserver.request import MASTERS, User
from k8snb.client.component import Component, Environment
from k8snb.client.indexes import by_node
from k8snb.client.recorder import Recorder
from k8snb.cloud.autoscaler import provisioning, scale_down, scale_up, status
from k8snb.cloud.autoscaler.provisioning import ProvisioningState
from k8snb.cloud.azure import CREATING, RUNNING, STOPPED, Azure
from k8snb.cloud.drain import evict, movable
from k8snb.cloud.pools import TO_BE_DELETED, Instance, NodePool, template
from k8snb.component_helpers import is_pod_terminal
from k8snb.messages import counted
from k8snb.seams.scheduling import SchedulingSimulator, Trial
from k8snb.sim.clock import MINUTE, SECOND
from k8snb.sim.state import Shelf

NAME = "cluster-autoscaler"
SCAN_INTERVAL = 10 * SECOND
UNNEEDED_TIME = 10 * MINUTE
DELAY_AFTER_ADD = 10 * MINUTE
MAX_GRACEFUL = 10 * MINUTE  # how long the pods of a node are waited for
CANDIDATE = "DeletionCandidateOfClusterAutoscaler"
PODS, NODES, BUDGETS, DAEMONS = "pods", "nodes", "poddisruptionbudgets.policy", "daemonsets.apps"
World = list[tuple[Object, list[Object]]]


class Verdict(NamedTuple):
    """What was last found of a node: how much of it is asked for, and why it stays (empty: it is unneeded)."""

    utilization: float
    why: str


@dataclass(slots=True)
class AutoscalerState:
    """What it remembers. ``unneeded`` and ``leaving``: node -> since when (µs)."""

    expander: str = "random"
    unneeded: Shelf = field(default_factory=Shelf)
    leaving: Shelf = field(default_factory=Shelf)
    verdicts: Shelf = field(default_factory=Shelf)  # node -> Verdict
    last_scale_up: int = 0
    looking: bool = False  # a look is scheduled
    refused: str = ""  # why the last look helped nobody
    provisioning: ProvisioningState = field(default_factory=ProvisioningState)
    status: Object | None = None  # as it was last written down


class ClusterAutoscaler(Component):
    """The loop. It rests while no pool is left to it."""

    def __init__(self, env: Environment, azure: Azure, simulator: SchedulingSimulator):
        self.azure, self.simulator = azure, simulator
        super().__init__(NAME, env, user=User(f"system:{NAME}", (MASTERS, "system:authenticated")))
        for resource in (NODES, PODS, BUDGETS, DAEMONS):
            self.informer(resource)
        self.informers[PODS].add_index("node", by_node)
        self.say = Recorder(self.state.recorder, self.client, self.kernel, component=NAME)

    def new_state(self) -> AutoscalerState:
        """Nothing is known."""
        return AutoscalerState()

    @property
    def own(self) -> AutoscalerState:
        """What it remembers."""
        found: AutoscalerState = self.state.own
        return found

    def on_stop(self) -> AutoscalerState:
        """How it was set up stays; what it had found out is forgotten."""
        return AutoscalerState(expander=self.own.expander)

    def on_start(self) -> None:
        self.wake()

    def wake(self) -> None:
        """Look every ten seconds, while there is a pool to look after."""
        if self.state.running and not self.own.looking and self.autoscaled:
            self.own.looking = True
            self.kernel.after(SCAN_INTERVAL, NAME, ("look",), why="the autoscaler looks at pods and nodes", background=True)

    @property
    def autoscaled(self) -> list[NodePool]:
        """The pools that are left to it."""
        return [pool for pool in self.azure.state.pools.values() if pool.autoscale]

    def on_event(self, key: Any) -> None:
        """One look."""
        self.own.looking = False
        self.wake()
        with suppress(ApiError):  # the API server does not answer, or somebody was faster: the next look sees
            provisioning.look(self)
            if not self._scale_up():
                self._scale_down()
            self._write_status()

    # -- the world ---------------------------------------------------------------------------------------------------

    def _world(self) -> World:
        """All nodes on which pods may be placed, with their pods."""
        nodes = [node for node in self.informers[NODES].all() if is_true(node, "Ready") and not _leaving(node)]
        return [(node, self._pods_on(node["metadata"]["name"])) for node in nodes]

    def _pods_on(self, node: str) -> list[Object]:
        return [pod for pod in self.informers[PODS].by("node", node) if not is_pod_terminal(pod)]

    def _upcoming(self) -> World:
        """Machines that are on their way, as they will be."""
        ready = {node["metadata"]["name"] for node, _ in self._world()}
        found: World = []
        for instance in self.azure.state.instances.values():
            pool = self.azure.state.pools.get(instance.pool)
            if instance.name not in ready and pool is not None and self._coming(instance):
                node = template(pool, instance.zone)
                named = put(put(node, "metadata.name", instance.name), ("metadata", "labels", "kubernetes.io/hostname"), instance.name)
                found.append((named, []))
        return found

    def _coming(self, instance: Instance) -> bool:
        """Whether a machine boots, or has just booted and its Node is not ready yet."""
        just_booted = instance.state == RUNNING and self.kernel.now - instance.since < MINUTE
        return instance.state == CREATING or just_booted

    # -- more --------------------------------------------------------------------------------------------------------

    def _scale_up(self) -> bool:
        """Whether machines were asked for."""
        waiting = scale_up.unschedulable(self.informers[PODS].by("node", ""))
        if not waiting:
            return False
        world = self._world()
        left = scale_up.still_waiting(self.simulator, waiting, world + self._upcoming())
        if not left:
            return False
        resting = [pool for pool in self.autoscaled if provisioning.rests(self, pool.name)]
        pools = [(pool, pool.most - self._size(pool)) for pool in self.autoscaled if not pool.going and pool not in resting]
        daemons = [scale_up.daemon(one) for one in self.informers[DAEMONS].all()]
        found = scale_up.estimate(self.simulator, left, world, pools=pools, daemons=daemons, resting=len(resting))
        best = scale_up.EXPANDERS[self.own.expander](found.options) if found.options else []
        if not best:
            self._refuse(left, found)
            return False
        self._grow(best[self.kernel.rng(NAME).below(len(best))] if len(best) > 1 else best[0])
        return True

    def _size(self, pool: NodePool) -> int:
        return len(self.azure.instances_of(pool.name, CREATING, RUNNING, STOPPED))

    def _grow(self, option: scale_up.Option) -> None:
        pool, before = option.pool, self._size(option.pool)
        after = before + option.machines
        pods = ", ".join(map(key_of, option.pods))
        self.decide("scale up", pool.name, f"{before} -> {after} for {pods}")
        self.own.last_scale_up, self.own.refused = self.kernel.now, ""
        self.azure.set_count(pool.name, after)
        provisioning.expect(self, pool.name)
        said = f"pod triggered scale-up: [{{{pool.group} {before}->{after} (max: {pool.most})}}]"
        for pod in option.pods:
            self.say.event(pod, "Normal", "TriggeredScaleUp", said)

    def _refuse(self, pods: list[Object], found: scale_up.Estimate) -> None:
        """Say to each pod why no pool would help it; the trace has it once, until it changes."""
        said = _counted(sum(found.refusals.values(), Counter()))
        if said != self.own.refused:
            self.own.refused = said
            self.decide("no scale-up", counted(len(pods), "pod"), said)
        for pod in pods:
            reasons = _counted(found.refusals[key_of(pod)])
            self.say.event(pod, "Normal", "NotTriggerScaleUp", f"pod didn't trigger scale-up: {reasons}")

    # -- fewer -------------------------------------------------------------------------------------------------------

    def _scale_down(self) -> None:
        for name in list(self.own.leaving):
            self._go_on_leaving(name)
        world = self._world()
        trial, names = self.simulator.trial(world), [str(node["metadata"]["name"]) for node, _ in world]
        verdicts = {name: self._judge(node, trial, names) for (node, _), name in zip(world, names, strict=True) if self._shrinkable(name)}
        self._remember(verdicts)
        ripe = [name for name, since in self.own.unneeded.items() if self.kernel.now - since >= UNNEEDED_TIME]
        if ripe and not self.own.leaving and self.kernel.now - self.own.last_scale_up >= DELAY_AFTER_ADD:
            empty = [name for name in ripe if not movable(self._pods_on(name))]
            for name in self._within_bounds(empty or ripe[:1]):
                self._leave(name, verdicts[name])

    def _shrinkable(self, node: str) -> bool:
        pool = self.azure.pool_of(node)
        return pool is not None and pool.autoscale and not pool.going

    def _judge(self, node: Object, trial: Trial, names: list[str]) -> Verdict:
        """Whether a node is needed, and why."""
        name, pods = node["metadata"]["name"], self._pods_on(node["metadata"]["name"])
        share = scale_down.utilization(node, pods)
        pool = self.azure.pool_of(name)
        if annotation(node, scale_down.DISABLED) == "true":
            return Verdict(share, "ScaleDownDisabledAnnotation")
        if share >= scale_down.THRESHOLD:
            return Verdict(share, "NotUnderutilized")
        if pool is None or self._size(pool) <= pool.least:
            return Verdict(share, "NodeGroupMinSizeReached")
        pod, why = scale_down.blocker(pods, self.informers[BUDGETS].all())
        if why:
            return Verdict(share, f"BlockedByPod {pod}: {why}")
        guests = movable(pods)
        nowhere = scale_down.homeless(trial.without(name), guests, [one for one in names if one != name]) if guests else ""
        return Verdict(share, f"NoPlaceToMovePods: {nowhere}" if nowhere else "")

    def _remember(self, verdicts: dict[str, Verdict]) -> None:
        own = self.own
        for name in [*own.unneeded, *own.verdicts]:
            needed = name not in verdicts or verdicts[name].why
            if needed and own.unneeded.pop(name, None) is not None:
                self._taint(name, CANDIDATE, "")
        for name, verdict in verdicts.items():
            if not verdict.why and name not in own.unneeded:
                own.unneeded[name] = self.kernel.now
                self.decide("unneeded", name, f"{verdict.utilization:.0%} of it is asked for")
                self._taint(name, CANDIDATE, "PreferNoSchedule")
        own.verdicts = Shelf(verdicts)

    def _within_bounds(self, names: Iterable[str]) -> list[str]:
        """As many of the nodes as their pools may lose."""
        room: dict[str, int] = {}
        found = []
        for name in names:
            pool = self.azure.pool_of(name)
            if pool is not None and room.setdefault(pool.name, self._size(pool) - pool.least) > 0:
                room[pool.name] -= 1
                found.append(name)
        return found

    def _leave(self, name: str, verdict: Verdict) -> None:
        node = self.informers[NODES].get(name)
        pods = movable(self._pods_on(name))
        self.own.unneeded.pop(name, None)
        self.own.leaving[name] = self.kernel.now
        self.decide("scale down", name, f"{verdict.utilization:.0%} of it is asked for; {counted(len(pods), 'pod')} to move")
        self._taint(name, TO_BE_DELETED, "NoSchedule")
        if node is not None:
            self.say.event(node, "Normal", "ScaleDown", "marked the node as toBeDeleted/unschedulable")
        for pod in pods:
            self.say.event(pod, "Normal", "ScaleDown", "deleting pod for node scale down")
        self._go_on_leaving(name)

    def _go_on_leaving(self, name: str) -> None:
        """Evict what is left on a node, and delete its machine when nothing is."""
        pods = movable(self._pods_on(name))
        refused = [pod for pod in pods if evict(self.client, pod)]
        if not pods:
            del self.own.leaving[name]
            pool = self.azure.pool_of(name)
            if pool is not None:
                self.azure.change_pool(pool.name, machines=max(0, pool.machines - 1))
                self.azure.delete([name])
        elif self.kernel.now - self.own.leaving[name] > MAX_GRACEFUL:
            del self.own.leaving[name]
            self._taint(name, TO_BE_DELETED, "")
            self.decide("scale-down failed", name, f"{counted(len(refused or pods), 'pod')} cannot be evicted")

    # -- what everybody may read -------------------------------------------------------------------------------------

    def _write_status(self) -> None:
        """The ConfigMap, where something in it has changed."""
        found = freeze(status.document([self._facts(pool) for pool in self.autoscaled]))
        if found == self.own.status:
            return
        config_map = status.config_map(found, self.kernel.now)
        if self.client.find("configmaps", status.NAME, status.NAMESPACE) is None:
            self.client.create("configmaps", config_map, status.NAMESPACE)
        else:
            body = {"metadata": {"annotations": config_map["metadata"]["annotations"]}, "data": config_map["data"]}
            self.client.patch("configmaps", status.NAME, body, status.NAMESPACE)
        self.own.status = found

    def _facts(self, pool: NodePool) -> status.GroupFacts:
        machines = self.azure.instances_of(pool.name, CREATING, RUNNING, STOPPED)
        nodes = [self.informers[NODES].get(one.name) for one in machines]
        ready = sum(node is not None and is_true(node, "Ready") for node in nodes)
        candidates = sum(one.name in self.own.unneeded for one in machines)
        missing = sum(node is None for node in nodes)
        late, rests = sum(provisioning.is_late(self, one.name) for one in machines), provisioning.rests(self, pool.name)
        return status.GroupFacts(pool, len(machines), ready, candidates, len(machines) > ready, missing - late, late, rests)

    # -- small things ------------------------------------------------------------------------------------------------

    def _taint(self, name: str, key: str, effect: str) -> None:
        """Put a taint onto a node, or (without an effect) take it away. Its value is the time, in seconds."""
        node = self.informers[NODES].get(name)
        if node is None:
            return
        taints = [taint for taint in node["spec"].get("taints") or () if taint["key"] != key]
        if effect and key == TO_BE_DELETED:
            taints = [taint for taint in taints if taint["key"] != CANDIDATE]
        taints += [{"key": key, "value": str(self.kernel.now // SECOND), "effect": effect}] if effect else []
        self.client.patch(NODES, name, {"spec": {"taints": taints or None}})

    def decide(self, verb: str, subject: str, why: str) -> None:
        """Note a decision in the trace; what follows from it names it as its cause."""
        kernel = self.kernel
        kernel.causes = (kernel.trace.add(kernel.now, "decision", NAME, verb, subject, why),)


def _leaving(node: Object) -> bool:
    taints = node["spec"].get("taints") or ()
    return bool(node["spec"].get("unschedulable")) or any(taint["key"] == TO_BE_DELETED for taint in taints)


def _counted(reasons: Counter[str]) -> str:
    return ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
