"""The scheduling framework: where a plugin can have a say, and what it is given.

    queue     PreEnqueue   may this pod be tried at all?           QueueSort   who is next?
    filter    PreFilter -> Filter (each node) -> PostFilter        where does it fit; and if nowhere, can room be made?
    score     PreScore -> Score (each node) -> NormalizeScore      which of those is best? 0..100, times the plugin's weight
    commit    Reserve -> Permit -> PreBind -> Bind -> PostBind     take the node, wait if need be, tell the API server

A plugin is one small class that inherits from the extension points it implements. It keeps nothing between calls: what it
computes for a cycle it writes into ``cycle.data`` under its own name. An answer of None means success. A plugin whose Filter
and Score look at nothing but the pod and the one node says so with ``node_local = True``; its answers are then remembered
(:mod:`k8snb.scheduler.memo`). Our own scoring plugins also promise to be ``even``, so that nodes which are alike are scored as one.

    class OnlySSD(FilterPlugin):
        name = "OnlySSD"

        def filter(self, cycle, node):
            return None if node.facts.labels.get("disk") == "ssd" else unresolvable("node(s) had no SSD")

Models: k8s.io/kube-scheduler/framework/interface.go.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar

from k8snb.apimachinery.objects import FrozenDict, FrozenList, Object
from k8snb.client.client import Client
from k8snb.scheduler.cache import NOWHERE, Places, Snapshot
from k8snb.scheduler.cluster_event import Change, Interest
from k8snb.scheduler.diagnosis import MAX_NODE_SCORE, SKIP, UNRESOLVABLE, Diagnosis, Status, unresolvable
from k8snb.scheduler.memo import Memo
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import PodInfo, pod_info
from k8snb.scheduler.volumes import AssumedVolumes


class Cluster(Protocol):
    """What plugins may ask about the cluster beyond nodes and pods: the scheduler's informer caches."""

    @property
    def now(self) -> int:
        """Virtual time, µs."""

    @property
    def client(self) -> Client:
        """The scheduler's own requests: for PreBind."""

    @property
    def volumes(self) -> AssumedVolumes:
        """What was decided about volumes and is not confirmed yet."""

    def get(self, resource: str, namespace: str, name: str) -> Object | None:
        """An object as the informer knows it. ``resource`` is a key such as ``services`` or ``replicasets.apps``."""

    def objects(self, resource: str, namespace: str = "") -> Iterable[Object]:
        """The objects of a resource, of one namespace where it is given, in the order in which they were first seen."""

    def revision(self, resource: str) -> int:
        """A number that grows whenever an object of the resource changes: makes results that depend on them rememberable."""

    def nominations(self) -> Mapping[str, Sequence[FrozenDict]]:
        """By node, the pods for which room was made there and which are not there yet."""

    def preempting(self, key: str) -> bool:
        """Whether pods are about to be deleted to make room for this one (``namespace/name``)."""

    def waiting(self) -> Sequence[tuple[str, str]]:
        """Pods that a Permit plugin holds, as ``namespace/name`` and node."""

    def allow(self, key: str, plugin: str) -> None:
        """A Permit plugin lets a pod go on that it held."""

    def below(self, bound: int) -> int:
        """A whole number in ``[0, bound)`` from the scheduler's own stream."""


@dataclass(slots=True)
class Cycle:
    """One attempt to place one pod: everything that a plugin may look at, and ``data``, where it keeps notes."""

    pod: PodInfo
    snapshot: Snapshot
    cluster: Cluster
    memo: Memo
    framework: Framework
    data: dict[str, Any] = field(default_factory=dict)  # plugin name -> its notes of this cycle
    skip_filter: set[str] = field(default_factory=set)
    skip_score: set[str] = field(default_factory=set)
    places: Places = NOWHERE  # from PreScore on: where in ``snapshot.nodes`` the feasible nodes are

    def branch(self) -> Cycle:
        """The same cycle with notes of its own, for a "what if"."""
        notes = {name: note.branch() if hasattr(note, "branch") else copy.copy(note) for name, note in self.data.items()}
        return replace(self, data=notes)


class PreFilterResult(NamedTuple):
    """Only these nodes need to be looked at; None: all."""

    node_names: frozenset[str] | None = None


class Victims(NamedTuple):
    """Pods that must go from a node, the most important first, and how many of them a budget protects."""

    node: str
    pods: tuple[FrozenDict, ...]
    violations: int


class PostFilterResult(NamedTuple):
    """Room can be made: ``nominate`` is the node ("" clears an earlier nomination, None leaves it), ``victims`` who must go."""

    nominate: str | None = None
    victims: Victims | None = None


class Plugin:
    """What all plugins have: a name and the events after which a pod that they rejected is worth another try."""

    name: ClassVar[str] = ""
    node_local: ClassVar[bool] = False

    def interests(self) -> tuple[Interest, ...]:
        """Which cluster events may make a pod schedulable that this plugin rejected. Empty: none."""
        return ()

    def __repr__(self) -> str:
        return f"<Plugin {self.name}>"


class PreEnqueuePlugin(Plugin):
    """May keep a pod out of the queue."""

    def pre_enqueue(self, pod: PodInfo, cluster: Cluster) -> Status | None:
        """None, or why the pod must not be tried yet."""
        raise NotImplementedError


class QueueSortPlugin(Plugin):
    """Decides who is next; exactly one in a profile, the same in all profiles."""

    def sort_key(self, pod: PodInfo, timestamp: int) -> tuple[int | str, ...]:
        """Smaller keys come first. ``timestamp``: when the pod entered the queue, µs."""
        raise NotImplementedError


class PreFilterPlugin(Plugin):
    """Looks at pod and cluster once, before nodes are filtered."""

    def pre_filter(self, cycle: Cycle) -> PreFilterResult | Status | None:
        """A status rejects the pod everywhere (or, with code Skip, excuses this plugin's Filter); a result narrows the nodes."""
        raise NotImplementedError

    def add_pod(self, cycle: Cycle, pod: PodInfo, node: NodeInfo) -> None:
        """Change this cycle's notes as if ``pod`` were on ``node`` as well."""

    def remove_pod(self, cycle: Cycle, pod: PodInfo, node: NodeInfo) -> None:
        """Change this cycle's notes as if ``pod`` were not on ``node``."""


class FilterPlugin(Plugin):
    """Says of each node whether the pod fits."""

    def filter(self, cycle: Cycle, node: NodeInfo) -> Status | None:
        """None where it fits, otherwise why not."""
        raise NotImplementedError


class PostFilterPlugin(Plugin):
    """Is asked when no node fits: can room be made?"""

    def post_filter(self, cycle: Cycle, diagnosis: Diagnosis) -> tuple[PostFilterResult | None, Status | None]:
        """A result and None where it can; otherwise a status whose message becomes part of the sentence."""
        raise NotImplementedError


class PreScorePlugin(Plugin):
    """Looks at the feasible nodes once, before they are scored."""

    def pre_score(self, cycle: Cycle, nodes: Sequence[NodeInfo]) -> Status | None:
        """A status with code Skip excuses this plugin's Score."""
        raise NotImplementedError


class Sight(NamedTuple):
    """What a scoring plugin looks at in a node. Equal questions of one snapshot see the same in a node until its record is replaced."""

    question: Hashable
    of: Callable[[NodeInfo], Hashable]


class ScorePlugin(Plugin):
    """Gives each feasible node points.

    Where all plugins are ``even``, nodes in which they see the same are scored as one: then ``nodes`` below holds one of each kind.
    """

    normalizes: ClassVar[bool] = False  # whether normalize() does anything
    even: ClassVar[bool] = False  # a promise: it never matters how many nodes there are of a kind

    def sight(self, cycle: Cycle) -> Sight:
        """What tells kinds of nodes apart, for an ``even`` plugin that is not ``node_local`` (there it is the points)."""
        raise NotImplementedError

    def score(self, cycle: Cycle, node: NodeInfo) -> int:
        """Points of one node, on a scale of the plugin's own where it normalizes, otherwise 0..100."""
        raise NotImplementedError

    def score_all(self, cycle: Cycle, nodes: Sequence[NodeInfo]) -> list[int]:
        """:meth:`score` of every node; a plugin may override it where a loop of its own is much faster."""
        return [self.score(cycle, node) for node in nodes]

    def normalize(self, cycle: Cycle, nodes: Sequence[NodeInfo], scores: list[int]) -> list[int]:
        """The points of all feasible nodes brought to 0..100."""
        return scores


class ReservePlugin(Plugin):
    """Holds what the pod needs on the chosen node, and lets it go when the rest fails."""

    def reserve(self, cycle: Cycle, node: str) -> Status | None:
        """None, or why the node cannot be taken after all."""
        return None

    def unreserve(self, cycle: Cycle, node: str) -> None:
        """Undo :meth:`reserve`; must not fail."""


class PermitPlugin(Plugin):
    """May delay or refuse the binding."""

    def permit(self, cycle: Cycle, node: str) -> tuple[Status | None, int]:
        """None to go on, or a status (Wait with a time limit in µs, or a rejection)."""
        return None, 0


class PreBindPlugin(Plugin):
    """Does what must be done before the binding (provision a volume, say)."""

    def pre_bind(self, pod: PodInfo, node: str, cluster: Cluster) -> Status | None:
        """None, or why the binding must not happen now; a status with code Wait asks to be called again in a second."""
        return None


class BindPlugin(Plugin):
    """Writes the binding. The first that does not say Skip has done it."""

    def bind(self, pod: PodInfo, node: str) -> FrozenDict | None:
        """The body of the ``pods/binding`` request, or None to leave it to the next plugin."""
        raise NotImplementedError


class PostBindPlugin(Plugin):
    """Is told of a successful binding."""

    def post_bind(self, pod: PodInfo, node: str) -> None:
        """Nothing can be changed any more."""


P = TypeVar("P", bound=Plugin)

EXTENSION_POINTS: tuple[tuple[str, type[Plugin]], ...] = (
    ("PreEnqueue", PreEnqueuePlugin),
    ("QueueSort", QueueSortPlugin),
    ("PreFilter", PreFilterPlugin),
    ("Filter", FilterPlugin),
    ("PostFilter", PostFilterPlugin),
    ("PreScore", PreScorePlugin),
    ("Score", ScorePlugin),
    ("Reserve", ReservePlugin),
    ("Permit", PermitPlugin),
    ("PreBind", PreBindPlugin),
    ("Bind", BindPlugin),
    ("PostBind", PostBindPlugin),
)


_POINT_NAMES: dict[type[Plugin], str] = {point: name for name, point in EXTENSION_POINTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A named scheduler: which plugins, in which order, with which weights (1 where a scoring plugin is not named).

    ``percentage_of_nodes_to_score`` 0 adapts to the size of the cluster, as upstream: fewer of more nodes. ``points``: for the
    extension points named there, the names of the plugins that run, in order; at any other, all that implement it.
    """

    scheduler_name: str
    plugins: tuple[Plugin, ...]
    weights: Mapping[str, int] = field(default_factory=dict)
    percentage_of_nodes_to_score: int = 0
    points: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def at(self, point: type[P]) -> tuple[P, ...]:
        """The plugins that run at an extension point, in order."""
        able = {plugin.name: plugin for plugin in self.plugins if isinstance(plugin, point)}
        return tuple(able[name] for name in self.points.get(_POINT_NAMES[point], able))

    def table(self) -> list[tuple[str, list[str]]]:
        """Extension point -> names of the plugins there: the picture that a lesson draws."""
        return [(name, [plugin.name for plugin in self.at(point)]) for name, point in EXTENSION_POINTS]


_FAILED = {  # upstream's sentences differ by extension point
    "Filter": 'running "{plugin}" filter plugin: {error}',
    "Score": 'running Score plugin: plugin "{plugin}" failed with: {error}',
    "NormalizeScore": 'running Normalize on Score plugins: plugin "{plugin}" failed with: {error}',
    "ScoreRange": "applying score defaultWeights on Score plugins: {error}",
}


class PluginFailure(Exception):
    """A plugin raised something. ``str`` is upstream's sentence about it."""

    def __init__(self, plugin: str, point: str, error: Exception):
        super().__init__(_FAILED.get(point, 'running {point} plugin "{plugin}": {error}').format(plugin=plugin, point=point, error=error))


class Framework:
    """A profile, ready to run: its plugins sorted by extension point."""

    def __init__(self, profile: Profile):
        self.profile = profile
        self.pre_enqueue = profile.at(PreEnqueuePlugin)
        self.queue_sort = profile.at(QueueSortPlugin)
        self.pre_filter = profile.at(PreFilterPlugin)
        self.filter = profile.at(FilterPlugin)
        # The first objection counts, so only the leading run of node-local filters can be remembered as one.
        self.local_filter = tuple(itertools.takewhile(lambda plugin: plugin.node_local, self.filter))
        self.other_filter = self.filter[len(self.local_filter) :]
        self.post_filter = profile.at(PostFilterPlugin)
        self.pre_score = profile.at(PreScorePlugin)
        self.score = tuple((plugin, profile.weights.get(plugin.name, 1)) for plugin in profile.at(ScorePlugin))
        self.reserve = profile.at(ReservePlugin)
        self.permit = profile.at(PermitPlugin)
        self.pre_bind = profile.at(PreBindPlugin)
        self.bind = profile.at(BindPlugin)
        self.post_bind = profile.at(PostBindPlugin)
        self._asked: dict[frozenset[str], FrozenList] = {}
        self.interests = tuple((plugin, plugin.interests()) for plugin in profile.plugins)
        if len(self.queue_sort) != 1:
            raise ValueError(f"one queue sort plugin required for profile with scheduler name {profile.scheduler_name!r}")

    def interested_in(self, change: Change) -> list[str]:
        """The names of the plugins that wait for events of this kind."""
        kind = (change.resource, change.action)
        return [p.name for p, interests in self.interests if any(i.resource == kind[0] and kind[1] in i.actions for i in interests)]

    def asked(self, skipped: set[str]) -> FrozenList:
        """The names of the Filter plugins that are not skipped, in order."""
        key = frozenset(skipped)
        if key not in self._asked:
            self._asked[key] = FrozenList([plugin.name for plugin in self.filter if plugin.name not in key])
        return self._asked[key]

    def run_pre_filter(self, cycle: Cycle, diagnosis: Diagnosis) -> tuple[frozenset[str] | None, Status | None]:
        """The nodes that are worth a look (None: all), or the status that rejects the pod everywhere."""
        names: frozenset[str] | None = None
        narrowed: list[str] = []
        for plugin in self.pre_filter:
            answer = call(plugin, "PreFilter", plugin.pre_filter, cycle)
            if isinstance(answer, Status):
                if answer.code != SKIP:
                    return None, answer._replace(plugin=plugin.name)
                cycle.skip_filter.add(plugin.name)
            elif answer is not None and answer.node_names is not None:
                narrowed.append(plugin.name)
                names = answer.node_names if names is None else names & answer.node_names
                if not names:
                    diagnosis.unschedulable_plugins = tuple(sorted(narrowed))
                    return None, _no_nodes_left(narrowed)._replace(plugin=plugin.name)
        if narrowed:
            diagnosis.unschedulable_plugins = tuple(sorted(narrowed))
        return names, None

    def run_filters(self, cycle: Cycle, node: NodeInfo, plugins: Sequence[FilterPlugin] | None = None) -> Status | None:
        """The first objection of a Filter plugin (of all, unless ``plugins`` are given) to this node, or None."""
        for plugin in self.filter if plugins is None else plugins:
            if plugin.name in cycle.skip_filter:
                continue
            status: Status | None = call(plugin, "Filter", plugin.filter, cycle, node)
            if status is not None:
                return status._replace(plugin=plugin.name)
        return None

    def run_filters_with_nominated_pods(self, cycle: Cycle, node: NodeInfo) -> Status | None:
        """As :meth:`run_filters`, where pods that are expected on the node count as well.

        Pods of equal or higher priority for which room was made there are added first. If the pod fits beside them it must
        also fit without them: they may never come (and some plugins *want* neighbours).
        """
        pod = cycle.pod
        nominated = map(pod_info, cycle.cluster.nominations().get(node.name, ()))
        expected = [other for other in nominated if other.priority >= pod.priority and other.uid != pod.uid]
        if expected:
            branch, fuller = cycle.branch(), node
            for other in expected:
                fuller = fuller.with_pod(other.pod)
                self.add_pod(branch, other, fuller)
            status = self.run_filters(branch, fuller)
            if status is not None:
                return status
        return self.run_filters(cycle, node)

    def add_pod(self, cycle: Cycle, pod: PodInfo, node: NodeInfo) -> None:
        """Tell the PreFilter plugins that a pod came to a node."""
        for plugin in self.pre_filter:
            if plugin.name not in cycle.skip_filter:
                call(plugin, "PreFilter", plugin.add_pod, cycle, pod, node)

    def remove_pod(self, cycle: Cycle, pod: PodInfo, node: NodeInfo) -> None:
        """Tell the PreFilter plugins that a pod left a node."""
        for plugin in self.pre_filter:
            if plugin.name not in cycle.skip_filter:
                call(plugin, "PreFilter", plugin.remove_pod, cycle, pod, node)

    def run_post_filters(self, cycle: Cycle, diagnosis: Diagnosis) -> PostFilterResult | None:
        """Ask whether room can be made. What the plugins say goes into ``diagnosis.post_filter``."""
        result: PostFilterResult | None = None
        reasons: list[str] = []
        for plugin in self.post_filter:
            answer: tuple[PostFilterResult | None, Status | None] = call(plugin, "PostFilter", plugin.post_filter, cycle, diagnosis)
            found, status = answer
            if status is None:
                diagnosis.post_filter = ""
                return found
            if not status.rejected or status.code == UNRESOLVABLE:
                diagnosis.post_filter = status.message
                return found
            result = found if found is not None and found.nominate is not None else result
            reasons += status.reasons
        diagnosis.post_filter = ", ".join(reasons)
        return result


def _no_nodes_left(plugins: list[str]) -> Status:
    if len(plugins) == 1:
        return unresolvable(f"node(s) didn't satisfy plugin {plugins[0]}")
    return unresolvable(f"node(s) didn't satisfy plugin(s) [{' '.join(sorted(plugins))}] simultaneously")


def call(plugin: Plugin, point: str, method: Callable[..., Any], *arguments: Any) -> Any:
    """Run one method of a plugin; whatever a learner's plugin raises becomes an error of this cycle only."""
    try:
        return method(*arguments)
    except Exception as error:
        raise PluginFailure(plugin.name, point, error) from error


def default_normalize(scores: list[int], *, reverse: bool = False) -> list[int]:
    """Bring points to 0..100 by the largest of them; ``reverse``: fewest points are best. (Upstream's DefaultNormalizeScore.)"""
    largest = max(scores, default=0)
    if largest == 0:
        return [MAX_NODE_SCORE] * len(scores) if reverse else scores
    scaled = [MAX_NODE_SCORE * score // largest for score in scores]
    return [MAX_NODE_SCORE - score for score in scaled] if reverse else scaled
