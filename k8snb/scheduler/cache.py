"""The scheduler's own picture of nodes and pods: what the watch said, plus what it decided and has not seen confirmed.

Binding takes a round trip, and the next pod must not wait for it. So a pod is *assumed* on its node the moment the choice is
made; the watch confirms it later (or the binding fails and it is forgotten).

    assume ──> confirmed by the watch (add_pod)
       └─────> forget (binding failed, or the pod was deleted meanwhile)

All of it is state (:class:`CacheState`), made of immutable records. The :class:`Snapshot` is derived: the nodes as a list, in
upstream's order (round robin over zones), with a log of which entries changed so that remembered results can follow.

Models: pkg/scheduler/backend/cache (cache.go, node_tree.go, snapshot.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from k8snb.apimachinery.objects import FrozenDict, Object
from k8snb.messages import counted
from k8snb.scheduler.nodeinfo import NodeInfo, node_facts
from k8snb.scheduler.podinfo import PodInfo, assumed, pod_info
from k8snb.sim.state import Shelf, Tape

_LOG_LIMIT = 20_000


@dataclass(slots=True)
class CacheState:
    """What the cache knows. ``zones`` is the node tree: zone -> node names, both in order of arrival."""

    nodes: Shelf = field(default_factory=Shelf)  # name -> NodeInfo
    zones: dict[str, Tape] = field(default_factory=dict)
    pods: Shelf = field(default_factory=Shelf)  # namespace/name -> Pod with spec.nodeName
    assumed: Shelf = field(default_factory=Shelf)  # namespace/name -> node name
    images: Shelf = field(default_factory=Shelf)  # image -> (bytes, number of nodes that have it)


class Move(NamedTuple):
    """A pod came to a node (``sign`` 1) or left it (-1). One that is being deleted is as good as gone."""

    place: int
    sign: int
    namespace: str
    labels: Mapping[str, str]


T = TypeVar("T")
_FEW = 4


class Places:
    """Indexes of a snapshot's node list, in some order."""

    def __init__(self, chosen: Sequence[int]):
        self.chosen = chosen

    def __len__(self) -> int:
        return len(self.chosen)

    def __iter__(self) -> Iterator[int]:
        return iter(self.chosen)

    def of(self, items: list[T]) -> list[T]:
        """The items at these places."""
        return list(map(items.__getitem__, self.chosen))

    def among(self, others: Mapping[int, Any]) -> list[int]:
        """Those of the others that are here, too. Most often there are hardly any others."""
        if len(others) <= _FEW:
            return [place for place in others if place in self.chosen]
        return [place for place in self if place in others]

    def first(self, count: int) -> Places:
        """The first so many."""
        return Places(self.chosen[:count])


NOWHERE = Places(())


class Turn(Places):
    """``length`` places one after the other, from ``start`` on, and round from the last of ``total`` to the first.

    It knows without looking what others look for: most cycles find that the pod fits on all nodes that they ask about.

    >>> list(Turn(3, 4, 5)), Turn(3, 4, 5).of(list("abcde")), Turn(3, 4, 5).among({1: None, 2: None})
    ([3, 4, 0, 1], ['d', 'e', 'a', 'b'], [1])
    """

    def __init__(self, start: int, length: int, total: int):
        self.start, self.length, self.total = start, length, total

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        return iter([*range(self.start, self.total), *range(self.start)][: self.length])

    def of(self, items: list[T]) -> list[T]:
        """The items at these places."""
        found = items[self.start : self.start + self.length]
        return found if len(found) == self.length else found + items[: self.length - len(found)]

    def among(self, others: Mapping[int, Any]) -> list[int]:
        """Those of the others that are here, too."""
        return [place for place in others if (place - self.start) % self.total < self.length]

    def first(self, count: int) -> Places:
        """The first so many."""
        return Turn(self.start, min(count, self.length), self.total)


class Snapshot:
    """The nodes of one cycle, in order. ``log`` names, oldest first, the indexes that were replaced since it was built.

    ``moves`` are the pods that came and went since then.
    """

    def __init__(self, nodes: list[NodeInfo], images: Mapping[str, tuple[int, int]]):
        self.nodes = nodes
        self.images = images
        self.names = [info.name for info in nodes]
        self.index = {name: number for number, name in enumerate(self.names)}
        self.log: list[int] = []
        self.moves: list[Move] = []
        self._with_affinity = {info.name for info in nodes if info.affinity_pods}

    def get(self, name: str) -> NodeInfo | None:
        """The node of that name, or None."""
        number = self.index.get(name)
        return None if number is None else self.nodes[number]

    def replace(self, info: NodeInfo, *, same: bool = False, gone: PodInfo | None = None, new: PodInfo | None = None) -> None:
        """Something on this node changed; ``same``: nothing that Filter and Score look at, so what is remembered of it holds.

        ``gone`` and ``new`` are the pod that is no longer there and the one that is there now, or one pod before and after.
        """
        number = self.index[info.name]
        self.nodes[number] = info
        if same:
            return
        self.log.append(number)
        if gone is not None and not gone.terminating:
            self.moves.append(Move(number, -1, gone.namespace, gone.labels))
        if new is not None and not new.terminating:
            self.moves.append(Move(number, 1, new.namespace, new.labels))
        if info.affinity_pods:
            self._with_affinity.add(info.name)
        else:
            self._with_affinity.discard(info.name)

    def having_affinity(self) -> list[NodeInfo]:
        """The nodes with pods that have inter-pod terms, in order."""
        if not self._with_affinity:
            return []
        return [self.nodes[number] for number in sorted(self.index[name] for name in self._with_affinity)]

    def __repr__(self) -> str:
        return f"<Snapshot of {counted(len(self.nodes), 'node')}>"


class Cache:
    """The operations on a :class:`CacheState`. Holds nothing but the derived snapshot."""

    def __init__(self, state: CacheState):
        self.state = state
        self._snapshot: Snapshot | None = None

    def snapshot(self) -> Snapshot:
        """The nodes as they are now. The same object is updated until the set of nodes changes."""
        if self._snapshot is None or len(self._snapshot.log) > _LOG_LIMIT:
            self._snapshot = Snapshot([self.state.nodes[name] for name in self._order()], self.state.images)
        return self._snapshot

    # Nodes

    def set_node(self, node: FrozenDict) -> None:
        """A node appeared or changed. A change that matters to nobody (a heartbeat) leaves its record alone."""
        name = node["metadata"]["name"]
        old: NodeInfo = self.state.nodes.get(name, NodeInfo(name))
        facts = node_facts(node)
        if old.node is not None and facts == old.facts:
            return
        self._count_images(old.node, node)
        if old.node is None or old.facts.zone != facts.zone:
            self._leave_tree(old)
            self.state.zones.setdefault(facts.zone, Tape()).append(name)
            self._snapshot = None
        self._put(old.with_node(node))

    def remove_node(self, name: str) -> None:
        """A node is gone. Pods that are still known to be on it keep a record without a node."""
        old = self.state.nodes.get(name)
        if old is None or old.node is None:
            return
        self._count_images(old.node, None)
        self._leave_tree(old)
        self._snapshot = None
        if old.pods:
            self.state.nodes[name] = old.with_node(None)
        else:
            del self.state.nodes[name]

    # Pods

    def assume(self, pod: FrozenDict, node_name: str) -> FrozenDict:
        """Count the pod on the node from now on, and give the pod as it will be. Raises ``KeyError`` where it is known already."""
        info = pod_info(pod)
        if info.key in self.state.pods:
            raise KeyError(f"pod {info.key} is in the cache, so can't be assumed")
        bound = assumed(pod, node_name)
        self._add(bound)
        self.state.assumed[info.key] = node_name
        return bound

    def forget(self, key: str) -> None:
        """Take an assumed pod back."""
        if self.state.assumed.pop(key, None) is not None:
            self._remove(key)

    def is_assumed(self, key: str) -> bool:
        """Whether the pod was assumed and is not confirmed yet."""
        return key in self.state.assumed

    def add_pod(self, pod: FrozenDict) -> None:
        """The watch says that a pod is on a node. Where all that matters is known already, the node's record stays as it is."""
        info = pod_info(pod)
        self.state.assumed.pop(info.key, None)
        known = self.state.pods.get(info.key)
        was = None if known is None else pod_info(known)
        if was is not None and was.same_for_scheduling(info):
            if was.start_time != info.start_time:
                self._replace(was, info, same=True)
        elif was is not None and was.takes_the_same(info):
            self._replace(was, info, same=False)
        else:
            self._remove(info.key)
            self._add(pod)

    def remove_pod(self, key: str) -> None:
        """The watch says that the pod is gone."""
        self.state.assumed.pop(key, None)
        self._remove(key)

    # Inside

    def _add(self, pod: FrozenDict) -> None:
        info = pod_info(pod)
        self.state.pods[info.key] = pod
        known: NodeInfo | None = self.state.nodes.get(info.node_name)
        self._put((NodeInfo(info.node_name) if known is None else known).with_pod(pod), new=info)

    def _replace(self, known: PodInfo, new: PodInfo, *, same: bool) -> None:
        self.state.pods[new.key] = new.pod
        self._put(self.state.nodes[new.node_name].with_newer(known, new), same=same, gone=known, new=new)

    def _remove(self, key: str) -> None:
        pod: Object | None = self.state.pods.pop(key, None)
        if pod is None:
            return
        gone = pod_info(pod)
        smaller: NodeInfo = self.state.nodes[gone.node_name].without_pod(key)
        if smaller.node is None and not smaller.pods:
            del self.state.nodes[gone.node_name]
        else:
            self._put(smaller, gone=gone)

    def _put(self, info: NodeInfo, *, same: bool = False, gone: PodInfo | None = None, new: PodInfo | None = None) -> None:
        self.state.nodes[info.name] = info
        if self._snapshot is not None and info.name in self._snapshot.index:
            self._snapshot.replace(info, same=same, gone=gone, new=new)

    def _count_images(self, old: FrozenDict | None, new: FrozenDict | None) -> None:
        before = node_facts(old).images if old is not None else {}
        after = node_facts(new).images if new is not None else {}
        if before == after:
            return
        images = self.state.images
        for image in before:
            size, count = images.pop(image)
            if count > 1:
                images[image] = (size, count - 1)
        for image, bytes_ in after.items():
            size, count = images.get(image, (bytes_, 0))
            images[image] = (size, count + 1)

    def _leave_tree(self, info: NodeInfo) -> None:
        if info.node is None:
            return
        names = self.state.zones[info.facts.zone]
        names.remove(info.name)
        if not names:
            del self.state.zones[info.facts.zone]

    def _order(self) -> list[str]:
        """Node names, one of each zone in turn, as upstream's node tree lists them."""
        zones = list(self.state.zones.values())
        longest = max(map(len, zones), default=0)
        return [names[turn] for turn in range(longest) for names in zones if turn < len(names)]
