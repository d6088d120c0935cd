"""One scenario in peace and in every trouble: the world that is reached is the same, and the promises hold on the way.

    Scenario("released step by step", loop="deployment", over=("replicasets.apps", "pods"),
             acts=(do(create), wait(20), do(release)), reached=lambda cluster: ready(cluster) == 3, promises=(...))

A control loop is level-triggered: whatever was refused, lost, late or forgotten, it goes on from what it finds. So each scenario is
told once undisturbed; the objects that the loop is responsible for, without what is drawn, counted or timed, are its *world*. Then
it is told again in each trouble (see ``trouble.py``), which begins with the first act and is over some time after the last; then the
same world must be reached, and stay.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import cache
from itertools import zip_longest
from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.cluster import Cluster
from k8snb.etcd.store import Unavailable
from k8snb.sim.clock import SECOND
from tests.simulation.invariants import no_pod_runs_twice, nobody_is_an_orphan

LOOK_AGAIN, STAYS = 5, 30  # seconds between two looks at the world, and for how long it must then stay as it is
PERSISTENCE = 60  # so many seconds do people try again

Due = Callable[[], bool]
Strikes = Generator[Due, None, None]
Trouble = Callable[["Run"], Strikes]
Act = Callable[["Run"], None]
Promise = Callable[[Cluster], None]


@cache
def three_nodes() -> Cluster:
    """Where most scenarios begin."""
    return begun(Cluster(nodes=3, loud=False))


def begun(cluster: Cluster) -> Cluster:
    """A cluster at rest, to be forked."""
    cluster.settle(limit=60)
    return cluster


@dataclass(frozen=True, eq=False)
class Scenario:
    """What users do, and what must come of it.

    ``over``: the resources (by key) that the loop is responsible for. ``reached``: whether the world is the one that was asked for, asked
    in peace, so that nothing is compared with nothing. ``promises``: makers of checks that see the cluster after every change.
    ``otherwise``: troubles in which another world is right, and ``unkept``: in which the promises are not made, each with the reason.
    ``patience``: seconds to get there afterwards.
    """

    name: str
    loop: str
    over: tuple[str, ...]
    acts: tuple[Act, ...]
    reached: Callable[[Cluster], bool]
    promises: tuple[Callable[[], Promise], ...] = ()
    otherwise: dict[str, str] = field(default_factory=dict)
    unkept: dict[str, str] = field(default_factory=dict)
    begin: Callable[[], Cluster] = three_nodes
    rest: float = 30
    patience: float = 300

    def __str__(self) -> str:
        return f"{self.loop}: {self.name}"


def do(act: Callable[[Cluster], Any]) -> Act:
    """A user's request; where the API server cannot answer, the user tries again."""
    return lambda run: run.insist(act)


def create(*objects: dict[str, Any]) -> Act:
    """Make objects, in the namespace ``default`` where they name none."""

    def act(cluster: Cluster) -> None:
        for obj in objects:
            group, _, version = obj["apiVersion"].rpartition("/")
            kinds = cluster.simulation.parts.server.catalogue.all()
            kind = next(kind for kind in kinds if (kind.group, kind.kind) == (group, obj["kind"]))
            namespace = obj["metadata"].get("namespace", "default") if kind.namespaced else ""
            try:
                cluster.client.with_versions({group: version}).create(kind.key, obj, namespace)
            except ApiError as error:
                if error.reason != "AlreadyExists":
                    raise

    return do(act)


def change(what: str, patch: Any, kind: str = "strategic") -> Act:
    """Patch an object: ``deployments.apps/web``, or ``nodes//node-1`` without a namespace."""
    resource, namespace, name = address(what)
    return do(lambda cluster: cluster.client.patch(resource, name, patch, namespace, kind=kind))


def remove(what: str, **how: Any) -> Act:
    """Delete an object; that it is gone is fine."""
    resource, namespace, name = address(what)

    def act(cluster: Cluster) -> None:
        if cluster.client.find(resource, name, namespace) is not None:
            cluster.client.delete(resource, name, namespace, **how)

    return do(act)


def address(what: str) -> tuple[str, str, str]:
    """``pods/web`` is in the namespace ``default``, ``pods/shop/web`` in another, ``nodes//node-1`` in none."""
    resource, *rest = what.split("/")
    return (resource, "default", rest[0]) if len(rest) == 1 else (resource, rest[0], rest[1])


def wait(seconds: float) -> Act:
    """Time passes."""
    return lambda run: run.pass_time(seconds)


def never() -> bool:
    """There is nothing more to come."""
    return False


def in_peace(_run: Run) -> Strikes:
    """No trouble at all."""
    yield never


class Run:
    """A scenario that is being told, in some trouble."""

    def __init__(self, scenario: Scenario, trouble: Trouble, *, promised: bool = True):
        self.scenario, self.cluster = scenario, scenario.begin().fork()
        self.promises, self.looked = [make() for make in scenario.promises if promised], 0
        self.strikes = trouble(self)
        self.due: Due = next(self.strikes)

    @property
    def loop(self) -> Any:
        """The control loop that the scenario is about."""
        process: Any = self.cluster.simulation.parts.components["kube-controller-manager"]
        return process.controllers[self.scenario.loop]

    def tell(self) -> Cluster:
        """From the first act to the end of the trouble."""
        for act in self.scenario.acts:
            act(self)
        self.pass_time(self.scenario.rest)
        self.strikes.close()
        return self.cluster

    def pass_time(self, seconds: float) -> None:
        """Let time pass; the trouble strikes when it is due, and every change is looked at."""
        end = self.cluster.now + round(seconds * SECOND)
        while self.cluster.now < end:
            if self.cluster.run_until(self._changed, (end - self.cluster.now) / SECOND):
                self.due = next(self.strikes, never)

    def _changed(self, cluster: Cluster) -> bool:
        if self.looked != cluster.revision:
            self.looked = cluster.revision
            for promise in self.promises:
                promise(cluster)
        return self.due()

    def insist(self, act: Callable[[Cluster], Any]) -> Any:
        """Ask until there is an answer, as people do: also for what is not there yet, and of a quota that nobody has counted yet."""
        end = self.after_seconds(PERSISTENCE)
        while True:
            try:
                return act(self.cluster)
            except (ApiError, Unavailable) as error:
                code = error.code if isinstance(error, ApiError) else 500
                if end() or (code < 500 and code != 404 and "status unknown" not in str(error)):
                    raise
                self.pass_time(2)

    def after_events(self, count: int) -> Due:
        """So many events from now."""
        target = self.cluster.position.events + count
        return lambda: self.cluster.position.events >= target

    def after_seconds(self, seconds: float) -> Due:
        """So much later."""
        target = self.cluster.now + round(seconds * SECOND)
        return lambda: self.cluster.now >= target


# ---------------------------------------------------------------- the world

DRAWN = re.compile(r"-[bcdfghjklmnpqrstvwxz2456789]{5}\b")  # what generateName adds
IDENTITY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|csi-[0-9a-f]{64}|\b\d+\.\d+\.\d+\.\d+\b")  # uids, hashes, addresses
FORGOTTEN = frozenset({
    "uid", "resourceVersion", "managedFields", "generation", "observedGeneration", "nodeName", "containerID", "restartCount",
    "deployment.kubernetes.io/revision", "example.com/touched", "topology.kubernetes.io/zone",
})  # fmt: skip
TIMES = re.compile(r"(time|timestamp|startedat|finishedat|timeadded)$", re.IGNORECASE)


def plain(value: Any) -> Any:
    """A value without what is drawn, counted or timed; lists in no order."""
    if isinstance(value, dict):
        kept = {key: plain(one) for key, one in value.items() if key not in FORGOTTEN and not TIMES.search(key)}
        return {key: one for key, one in kept.items() if one != {}}
    if isinstance(value, list):
        return sorted(map(plain, value), key=lambda one: json.dumps(one, sort_keys=True))
    return DRAWN.sub("-*", IDENTITY.sub("*", value)) if isinstance(value, str) else value


def world(cluster: Cluster, over: tuple[str, ...]) -> list[str]:
    """The objects of these resources, each as text that can be compared."""
    return sorted(json.dumps(plain(obj), sort_keys=True) for resource in over for obj in cluster.get(resource))


@cache
def peace(scenario: Scenario) -> list[str]:
    """The world that the scenario comes to when nothing goes wrong."""
    cluster = Run(scenario, in_peace).tell()
    assert scenario.reached(cluster), "not even in peace does it reach what was asked for"
    reached = world(cluster, scenario.over)
    cluster.run_for(STAYS)
    assert world(cluster, scenario.over) == reached, "in peace it is not at rest yet: give the scenario a longer rest"
    return reached


def check(scenario: Scenario, trouble: Trouble, *, promised: bool) -> None:
    """The scenario in a trouble: it reaches the world of peace, and stays there; with what was ``promised`` on the way."""
    wanted, cluster = peace(scenario), Run(scenario, trouble, promised=promised).tell()
    for _ in range(round(scenario.patience / LOOK_AGAIN)):
        if world(cluster, scenario.over) == wanted and scenario.reached(cluster):
            break
        cluster.run_for(LOOK_AGAIN)
    for moment in ("afterwards", "some time later"):
        found = world(cluster, scenario.over)
        assert found == wanted, f"{moment} the world is another: {difference(wanted, found)}"
        cluster.run_for(STAYS)
    assert scenario.reached(cluster)
    nobody_is_an_orphan(cluster)
    no_pod_runs_twice(cluster)


def difference(wanted: list[str], found: list[str]) -> str:
    """What is missing, what is too much and what is otherwise, for a person to read."""
    lost, new = Counter(wanted) - Counter(found), Counter(found) - Counter(wanted)
    lines = []
    for one, other in zip_longest(sorted(lost.elements()), sorted(new.elements()), fillvalue="{}"):
        before, after = leaves(json.loads(one)), leaves(json.loads(other))
        lines += [f"- {leaf}" for leaf in before if leaf not in after] + [f"+ {leaf}" for leaf in after if leaf not in before]
    return "".join(f"\n  {line}" for line in lines)


def leaves(value: Any, path: str = "") -> list[str]:
    """Every value in an object with its path."""
    if isinstance(value, dict | list) and value:
        below = value.items() if isinstance(value, dict) else enumerate(value)
        return [leaf for key, one in below for leaf in leaves(one, f"{path}.{key}")]
    return [f"{path} = {value}"]
