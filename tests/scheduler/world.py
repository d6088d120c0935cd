"""Builders for stories about scheduling: pods, nodes, and a cluster that is only what a test says it is."""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.objects import FrozenDict, freeze, merge
from k8snb.scheduler.cache import Cache, CacheState
from k8snb.scheduler.cycle import Placement, schedule_pod
from k8snb.scheduler.framework import Cycle, Framework, Profile
from k8snb.scheduler.memo import Memo
from k8snb.scheduler.plugins import DEFAULT_PROFILE
from k8snb.scheduler.podinfo import pod_info
from k8snb.sim.rng import Stream
from k8snb.sim.state import Shelf

MI, GI = 2**20, 2**30
UNTOLERATED = {"key": "dedicated", "value": "db", "effect": "NoSchedule"}


def node(name: str, *, cpu: str = "1", memory: str = "3840Mi", pods: str = "110", zone: str = "", **more: Any) -> FrozenDict:
    """A node like those of the recordings. ``labels``, ``taints``, ``unschedulable`` and ``images`` as in a manifest."""
    labels = {"kubernetes.io/hostname": name} | ({"topology.kubernetes.io/zone": zone} if zone else {}) | more.pop("labels", {})
    allocatable = {"cpu": cpu, "memory": memory, "pods": pods, "ephemeral-storage": "0"} | more.pop("allocatable", {})
    status = {"allocatable": allocatable} | ({"images": more.pop("images")} if "images" in more else {})
    made: FrozenDict = freeze({"kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": more, "status": status})
    return made


def three_nodes() -> list[FrozenDict]:
    return [node(f"node-{number}", zone=f"zone-{number}") for number in (1, 2, 3)]


def pod(name: str, *, labels: dict[str, str] | None = None, on: str = "", priority: int = 0, **more: Any) -> FrozenDict:
    """A pod. ``cpu``, ``memory``, ``ports`` and ``image`` go to its one container, the rest into its spec."""
    requests = {key: more.pop(key) for key in ("cpu", "memory") if key in more}
    container = {"name": "app", "image": more.pop("image", "nginx"), "resources": {"requests": requests}}
    if "ports" in more:
        container["ports"] = [{"hostPort": port, "containerPort": port} for port in more.pop("ports")]
    metadata = {"name": name, "namespace": more.pop("namespace", "default"), "uid": f"uid-{name}", "labels": labels or {}}
    metadata |= {"ownerReferences": more.pop("owners")} if "owners" in more else {}
    spec = {"containers": [container], "priority": priority, **({"nodeName": on} if on else {}), **more}
    made: FrozenDict = freeze({"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": spec})
    return made


def with_status(obj: FrozenDict, **status: Any) -> FrozenDict:
    return merge(obj, {"status": status})


def anti_affinity(app: str, key: str = "kubernetes.io/hostname", kind: str = "podAntiAffinity") -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key}
    return {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def spread(app: str, key: str = "topology.kubernetes.io/zone", when: str = "DoNotSchedule", skew: int = 1) -> list[dict[str, Any]]:
    selector = {"matchLabels": {"app": app}}
    return [{"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": when, "labelSelector": selector}]


class World:
    """A cache of nodes and pods, other objects by resource, and a stream: all that a cycle needs, without any API server."""

    now = 0

    def __init__(
        self, nodes: list[FrozenDict], pods: list[FrozenDict] | tuple[FrozenDict, ...] = (), *,
        profile: Profile = DEFAULT_PROFILE, memo: bool = True, seed: int = 0, **objects: list[Any],
    ):  # fmt: skip
        self.cache = Cache(CacheState())
        for item in nodes:
            self.cache.set_node(item)
        for item in pods:
            self.cache.add_pod(item)
        self.framework, self.memo, self.others = Framework(profile), Memo(memo), {"services": [], **objects}
        self.stream = Stream(seed, "test", Shelf())
        self.expected: dict[str, list[FrozenDict]] = {}
        self.start = 0
        self.evicting: set[str] = set()

    def get(self, resource: str, namespace: str, name: str) -> Any:
        return next((o for o in self.objects(resource, namespace) if o["metadata"]["name"] == name), None)

    def objects(self, resource: str, namespace: str = "") -> list[Any]:
        found = self.others.get(resource.split(".", maxsplit=1)[0], [])
        return [freeze(o) for o in found if not namespace or o["metadata"].get("namespace", "default") == namespace]

    def revision(self, _resource: str) -> int:
        return 0

    def nominations(self) -> dict[str, list[FrozenDict]]:
        return self.expected

    def preempting(self, key: str) -> bool:
        return key in self.evicting

    def waiting(self) -> list[tuple[str, str]]:
        return []

    def allow(self, key: str, plugin: str) -> None:
        raise AssertionError("nobody waits in a world without a scheduler")

    def below(self, bound: int) -> int:
        return self.stream.below(bound)

    def cycle(self, item: FrozenDict) -> Cycle:
        return Cycle(pod_info(item), self.cache.snapshot(), self, self.memo, self.framework)

    def schedule(self, item: FrozenDict) -> Placement:
        """One cycle, without any consequence but the place where the next one starts."""
        placement = schedule_pod(self.cycle(item), self.start)
        self.start = placement.next_start
        return placement

    def place(self, item: FrozenDict) -> str:
        """Schedule, and put the pod where it was sent; the node's name, or the sentence why not."""
        placement = self.schedule(item)
        if not placement.node:
            return placement.diagnosis.message
        self.cache.assume(item, placement.node)
        return placement.node
