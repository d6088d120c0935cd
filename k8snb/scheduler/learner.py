"""A learner's own scheduler plugin, run in a profile like any other, and unable to break the cluster.

    class NearTheDisk:
        def filter(self, pod, node):                 # optional: True (or None) lets the pod in; False or a reason keeps it out
            return "disk" in node.labels or "node(s) had no disk"

        def score(self, pod, node):                  # optional: 0..100, the more the better
            return 100 if node.labels["disk"] == "ssd" else 0

        def normalize(self, points):                 # optional: node name -> points, brought to 0..100
            return points

``pod`` is the Pod, ``node`` a :class:`NodeView`. A function ``(pod, node)`` is a class with that ``score``. Who wants every extension
point inherits from the classes of :mod:`k8snb.scheduler.framework` instead. What a plugin raises becomes an error of the one cycle:
the pod gets a FailedScheduling Event that says so, and is tried again after a back-off. Code is wiring, not state: each cycle works
with an instance of its own, so that what is kept on ``self`` cannot make a rewound cluster go another way.

Models: pkg/scheduler/framework/runtime/registry.go; a real plugin is compiled into a scheduler of one's own, which is then started.
Simplified: a call takes no time, however much it computes; it is ended after so many lines.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

from k8snb.apimachinery.objects import FrozenDict, Object
from k8snb.guests.inspection import inspected, inspected_class
from k8snb.guests.turns import guest
from k8snb.messages import Mistake, counted, text
from k8snb.scheduler.cluster_event import ANYTHING, Interest
from k8snb.scheduler.diagnosis import Status, unschedulable
from k8snb.scheduler.framework import EXTENSION_POINTS, Cycle, FilterPlugin, Plugin, Profile, ScorePlugin
from k8snb.scheduler.nodeinfo import NodeInfo

_SIMPLE = ("filter", "score")
_METHODS = (
    "pre_enqueue", "sort_key", "pre_filter", "add_pod", "remove_pod", "filter", "post_filter", "pre_score", "score", "score_all",
    "normalize", "reserve", "unreserve", "permit", "pre_bind", "bind", "post_bind",
)  # fmt: skip


class PluginProgram(NamedTuple):
    """A learner's plugin: its name, a class ready to be wired, its weight, and the profiles that have it (none named: all)."""

    name: str
    kind: type[Plugin]
    weight: int = 1
    profiles: tuple[str, ...] = ()


class NodeView(NamedTuple):
    """A node as a learner's plugin sees it. Amounts are millicores of ``cpu`` and bytes of ``memory``."""

    name: str
    labels: Mapping[str, str]
    object: Object
    pods: tuple[Object, ...]
    allocatable: Mapping[str, int]
    requested: Mapping[str, int]

    @property
    def free(self) -> dict[str, int]:
        """What no pod has asked for."""
        return {name: room - self.requested.get(name, 0) for name, room in self.allocatable.items()}

    def __repr__(self) -> str:
        return f"<NodeView {self.name} with {counted(len(self.pods), 'pod')}>"


def view(info: NodeInfo) -> NodeView:
    """The view of a node's record."""
    assert info.node is not None
    return NodeView(info.name, info.facts.labels, info.node, info.pods, info.facts.allocatable, info.requested)


def plugin_program(code: Any, *, name: str = "", weight: Any = 1, profiles: Sequence[str] = ()) -> PluginProgram:
    """The program behind a class or a function. Raises ValueError with a sentence for the learner."""
    called = str(getattr(code, "__name__", type(code).__name__))
    if not isinstance(weight, int) or isinstance(weight, bool) or not 1 <= weight <= 100:
        raise Mistake(text("scheduler.no_weight", weight=repr(weight)))
    if inspect.isfunction(code):
        score = code
        inspected(called, score)
        code = type(called, (), {"score": lambda _self, pod, node: score(pod, node), "__doc__": code.__doc__})
        _check_arguments(called, called, score, (0, 0))
    if not isinstance(code, type):
        raise Mistake(text("scheduler.no_class", code=called))
    inspected_class(code, Plugin)
    own = name or _own_name(code)
    return PluginProgram(own, _full(code, own) if issubclass(code, Plugin) else _simple(code, own), weight, tuple(profiles))


def _own_name(code: type) -> str:
    """What the class calls itself; its Python name where that is no text."""
    found = getattr(code, "name", "")
    return found if isinstance(found, str) and found else code.__name__


def _check_arguments(called: str, name: str, method: Any, arguments: tuple[Any, ...]) -> None:
    if not callable(method):
        raise Mistake(text("scheduler.no_arguments", method=called, name=name))
    try:
        inspect.signature(method).bind(*arguments)
    except TypeError:
        raise Mistake(text("scheduler.no_arguments", method=called, name=name)) from None


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    """The same method; whatever it raises becomes one exception with one line, and what never ends is ended."""

    def guarded(*arguments: Any) -> Any:
        with guest("call"):
            return method(*arguments)

    return guarded


def _full(code: type[Plugin], name: str) -> type[Plugin]:
    """A class of the framework's own kind, with every method guarded."""
    if not any(issubclass(code, point) for _, point in EXTENSION_POINTS):
        raise Mistake(text("scheduler.nothing_to_call", code=code.__name__))
    own = {method: _guarded(getattr(code, method)) for method in _METHODS if hasattr(code, method)}
    silent = {} if code.interests is not Plugin.interests else {"interests": lambda _self: ANYTHING}
    return type(code.__name__, (code,), {"name": name, "even": False, **own, **silent})  # it may see more than the plugin it is made from


def _simple(code: type, name: str) -> type[Plugin]:
    """A plugin around a class with ``filter(self, pod, node)`` or ``score(self, pod, node)``."""
    found = [method for method in _SIMPLE if callable(getattr(code, method, None))]
    if not found:
        raise Mistake(text("scheduler.nothing_to_call", code=code.__name__))
    for method in found:
        member = inspect.getattr_static(code, method)
        ready = None if isinstance(member, classmethod) else getattr(code, method)
        _check_arguments(f"{code.__name__}.{method}", method, ready, (0, 0) if isinstance(member, staticmethod) else (0, 0, 0))
    bases: list[type[Plugin]] = [{"filter": _Filter, "score": _Score}[method] for method in found]
    normalizes = callable(getattr(code, "normalize", None))
    if normalizes:
        _check_normalize(code)
    return type(code.__name__, tuple(bases), {"name": name, "code": code, "normalizes": normalizes})


def _check_normalize(code: type) -> None:
    try:
        inspect.signature(getattr(code, "normalize")).bind(0, {})  # noqa: B009  (whether it has one was asked before)
    except TypeError:
        raise Mistake(text("scheduler.no_points", code=code.__name__)) from None


class _Simple(Plugin):
    code: ClassVar[type]

    def interests(self) -> tuple[Interest, ...]:
        """It does not say what could help a pod that it rejected, so any change may."""
        return ANYTHING

    def _ask(self, cycle: Cycle, method: str, *arguments: Any) -> Any:
        own = cycle.data.get(self.name)
        if own is None:
            own = cycle.data[self.name] = _guarded(self.code)()
        return _guarded(getattr(own, method))(*arguments)


class _Filter(_Simple, FilterPlugin):
    def filter(self, cycle: Cycle, node: NodeInfo) -> Status | None:
        """True or None: it fits. A text: the reason why not."""
        answer = self._ask(cycle, "filter", cycle.pod.pod, view(node))
        if answer is None or answer is True:
            return None
        if answer is False:
            return unschedulable(f"node(s) didn't pass {self.name}")
        if isinstance(answer, str) and answer:
            return unschedulable(answer)
        raise TypeError(f"filter must return True, False or a reason, not {answer!r}")


class _Score(_Simple, ScorePlugin):
    def score(self, cycle: Cycle, node: NodeInfo) -> int:
        """A number, cut to a whole one."""
        return _whole(self._ask(cycle, "score", cycle.pod.pod, view(node)), "score")

    def normalize(self, cycle: Cycle, nodes: Sequence[NodeInfo], scores: list[int]) -> list[int]:
        """By name, since a learner thinks of nodes and not of places in a list."""
        names = [node.name for node in nodes]
        answer = self._ask(cycle, "normalize", dict(zip(names, scores, strict=True)))
        if not isinstance(answer, Mapping) or set(answer) != set(names):
            raise TypeError("normalize must return a dict with the points of every node, by name")
        return [_whole(answer[name], "normalize") for name in names]


def _whole(points: Any, method: str) -> int:
    if not isinstance(points, (int, float)) or points != points:  # noqa: PLR0124  (a number that is not itself is NaN)
        raise TypeError(f"{method} must return a number from 0 to 100, not {points!r}")
    return int(points)


def with_programs(profile: Profile, programs: Sequence[PluginProgram]) -> Profile:
    """The profile with a learner's plugins after its own, at every extension point that they implement."""
    mine = [program for program in programs if not program.profiles or profile.scheduler_name in program.profiles]
    if not mine:
        return profile
    added = {program.name: program.kind() for program in mine}
    plugins = (*(plugin for plugin in profile.plugins if plugin.name not in added), *added.values())
    weights = {**profile.weights, **{program.name: program.weight for program in mine}}
    points = {
        point: (*(name for name in names if name not in added), *(name for name, plugin in added.items() if isinstance(plugin, kind)))
        for point, kind in EXTENSION_POINTS
        if (names := profile.points.get(point)) is not None
    }
    return replace(profile, plugins=plugins, weights=FrozenDict(weights), points=points)
