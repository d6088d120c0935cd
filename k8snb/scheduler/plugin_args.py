"""What can be set about each plugin in a ``KubeSchedulerConfiguration``: ``pluginConfig``.

Every plugin that takes arguments has a row in :data:`MAKERS`: a function that reads them, collects what is wrong, and gives the
plugin. All others take none.

Models: pkg/scheduler/apis/config/validation/validation_pluginargs.go, pkg/scheduler/apis/config/v1/defaults.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.apimachinery.errors import Errors, FieldError, duplicate, forbidden, invalid, not_supported, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.component_helpers.nodeaffinity import PREFERRED, REQUIRED
from k8snb.resources.common.pod_scheduling import validate_affinity
from k8snb.scheduler.framework import Plugin
from k8snb.scheduler.plugins.allocation import (
    CPU_AND_MEMORY,
    SHAPE_SCORES,
    Formula,
    Point,
    Weighed,
    least_allocated,
    most_allocated,
    requested_to_capacity_ratio,
)
from k8snb.scheduler.plugins.default_preemption import DefaultPreemption
from k8snb.scheduler.plugins.inter_pod_affinity import InterPodAffinity
from k8snb.scheduler.plugins.node_affinity import NodeAffinity
from k8snb.scheduler.plugins.node_resources import NodeResourcesBalancedAllocation, NodeResourcesFit
from k8snb.scheduler.plugins.pod_topology_spread import HARD, SOFT, SYSTEM_DEFAULTS, Default, PodTopologySpread

Maker = Callable[["Reader"], Plugin]
RATIO = "RequestedToCapacityRatio"
STRATEGIES: dict[str, Formula] = {"LeastAllocated": least_allocated, "MostAllocated": most_allocated}


class Reader:
    """A mapping of a configuration, read field by field; what is wrong is collected in ``errors`` and read as its default."""

    def __init__(self, value: Any, path: str, errors: Errors):
        self.path, self.errors, self._read = path, errors, {"apiVersion", "kind"}
        self._value: Mapping[str, Any] = value if isinstance(value, Mapping) else EMPTY_DICT
        if not isinstance(value, Mapping) and value is not None:
            errors.append(invalid(path, value, "must be a mapping of fields"))

    def at(self, field: str) -> str:
        """The full path of a field."""
        return f"{self.path}.{field}" if self.path else field

    def get(self, field: str, kind: type, default: Any) -> Any:
        """The field's value, or the default where it is absent or of another type."""
        self._read.add(field)
        value = self._value.get(field)
        if value is None:
            return default
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.errors.append(invalid(self.at(field), value, f"must be of type {_NAMES[kind]}"))
            return default
        return value

    def number(self, field: str, default: int, low: int, high: int | None, detail: str) -> int:
        """A whole number in a range; ``detail`` says what is wrong outside it."""
        value: int = self.get(field, int, default)
        if value < low or (high is not None and value > high):
            self.errors.append(invalid(self.at(field), value, detail))
            return default
        return value

    def inner(self, field: str) -> Reader | None:
        """A mapping inside; None where it is absent."""
        value = self.get(field, Mapping, None)
        return None if value is None else Reader(value, self.at(field), self.errors)

    def items(self, field: str) -> list[Reader]:
        """A list of mappings."""
        return [Reader(item, f"{self.at(field)}[{i}]", self.errors) for i, item in enumerate(self.get(field, Sequence, ()))]

    def texts(self, field: str) -> list[str]:
        """A list of texts."""
        return [str(item) for item in self.get(field, Sequence, ())]

    def finish(self) -> None:
        """Complain about fields that nobody has read."""
        for field in self._value:
            if field not in self._read:
                self.errors.append(FieldError(self.at(field), "FieldValueForbidden", "unknown field"))


_NAMES: dict[type, str] = {int: "integer", str: "string", bool: "boolean", Mapping: "object", Sequence: "array"}


def _resources(reader: Reader) -> Sequence[Weighed]:
    found = []
    for item in reader.items("resources"):
        name = item.get("name", str, "")
        detail = f"resource weight of {name} not in valid range (0, 100]"
        found.append(Weighed(name, item.number("weight", 1, 1, 100, detail)))
        item.finish()
    return found or CPU_AND_MEMORY


def _shape(reader: Reader) -> list[Point]:
    points: list[Point] = []
    for item in reader.items("shape"):
        utilization = item.number("utilization", 0, 0, 100, "not in valid range [0, 100]")
        score = item.number("score", 0, 0, SHAPE_SCORES, f"not in valid range [0, {SHAPE_SCORES}]")
        if points and points[-1][0] >= utilization:
            reader.errors.append(invalid(item.at("utilization"), utilization, "values must be sorted in increasing order"))
        points.append((utilization, score))
        item.finish()
    if not points:
        reader.errors.append(required(reader.at("shape"), "at least one point must be specified"))
    reader.finish()
    return points or [(0, 0)]


def _strategy(reader: Reader | None) -> tuple[Formula, Sequence[Weighed]]:
    if reader is None:
        return least_allocated, CPU_AND_MEMORY
    kind, resources, ratio = reader.get("type", str, "LeastAllocated"), _resources(reader), reader.inner("requestedToCapacityRatio")
    reader.finish()
    if kind == RATIO:
        if ratio is None:
            reader.errors.append(required(reader.at("requestedToCapacityRatio"), f"must be specified when type is {RATIO}"))
            return least_allocated, resources
        return requested_to_capacity_ratio(_shape(ratio)), resources
    if ratio is not None:
        reader.errors.append(forbidden(reader.at("requestedToCapacityRatio"), f"must be nil when type is not {RATIO}"))
    if kind not in STRATEGIES:
        reader.errors.append(not_supported(reader.at("type"), kind, sorted([*STRATEGIES, RATIO])))
    return STRATEGIES.get(kind, least_allocated), resources


def _node_resources_fit(reader: Reader) -> Plugin:
    groups = reader.texts("ignoredResourceGroups")
    for number, group in enumerate(groups):
        if "/" in group:
            path = f"{reader.at('ignoredResourceGroups')}[{number}]"
            reader.errors.append(invalid(path, group, "resource group name can't contain '/'"))
    ignored = frozenset([*groups, *reader.texts("ignoredResources")])
    formula, resources = _strategy(reader.inner("scoringStrategy"))
    return NodeResourcesFit(formula=formula, resources=resources, ignored=ignored)


def _balanced_allocation(reader: Reader) -> Plugin:
    names: list[str] = []
    for item in reader.items("resources"):
        name = item.get("name", str, "")
        item.number("weight", 1, 1, 1, "must be 1")
        if name in names:
            reader.errors.append(duplicate(item.at("name"), name))
        names.append(name)
        item.finish()
    return NodeResourcesBalancedAllocation(resources=names or [name for name, _ in CPU_AND_MEMORY])


def _inter_pod_affinity(reader: Reader) -> Plugin:
    weight = reader.number("hardPodAffinityWeight", 1, 0, 100, "not in valid range [0, 100]")
    return InterPodAffinity(
        hard_weight=weight, ignore_preferences_of_existing=reader.get("ignorePreferredTermsOfExistingPods", bool, False)
    )


def _node_affinity(reader: Reader) -> Plugin:
    added: Object = reader.get("addedAffinity", Mapping, EMPTY_DICT)
    unknown = [field for field in added if field not in (REQUIRED, PREFERRED)]
    reader.errors += [FieldError(f"{reader.at('addedAffinity')}.{field}", "FieldValueForbidden", "unknown field") for field in unknown]
    wrong = [error._replace(field=error.field.removeprefix("nodeAffinity.")) for error in validate_affinity({"nodeAffinity": added})]
    reader.errors += within(reader.at("addedAffinity"), wrong)
    return NodeAffinity(added=EMPTY_DICT if wrong else added)


def _pod_topology_spread(reader: Reader) -> Plugin:
    kind = reader.get("defaultingType", str, "System")
    found: list[Default] = []
    for item in reader.items("defaultConstraints"):
        one = Default(
            item.get("topologyKey", str, ""),
            item.number("maxSkew", 1, 1, None, "not in valid range (0, inf)"),
            item.get("whenUnsatisfiable", str, ""),
        )
        _check_default(item, one, reader.at("defaultConstraints"), found)
        found.append(one)
    if kind not in ("System", "List"):
        reader.errors.append(not_supported(reader.at("defaultingType"), kind, ["System", "List"]))
    elif kind == "System" and found:
        reader.errors.append(invalid(reader.at("defaultingType"), kind, "when .defaultConstraints are not empty"))
    return PodTopologySpread(defaults=SYSTEM_DEFAULTS if kind == "System" else found)


def _check_default(item: Reader, one: Default, path: str, before: Sequence[Default]) -> None:
    if not one.key:
        item.errors.append(required(item.at("topologyKey"), "can not be empty"))
    if not one.when:
        item.errors.append(required(item.at("whenUnsatisfiable"), "can not be empty"))
    elif one.when not in (HARD, SOFT):
        item.errors.append(not_supported(item.at("whenUnsatisfiable"), one.when, [HARD, SOFT]))
    if item.get("labelSelector", Mapping, None) is not None:
        detail = "constraint must not define a selector, as they deduced for each pod"
        item.errors.append(forbidden(item.at("labelSelector"), detail))
    if any((other.key, other.when) == (one.key, one.when) for other in before):
        item.errors.append(duplicate(f"{path}[{len(before)}]", f"{{{one.key}, {one.when}}}"))
    item.finish()


def _default_preemption(reader: Reader) -> Plugin:
    percentage = reader.number("minCandidateNodesPercentage", 10, 0, 100, "not in valid range [0, 100]")
    absolute = reader.number("minCandidateNodesAbsolute", 100, 0, None, "not in valid range [0, inf)")
    if percentage == 0 and absolute == 0:
        for one, other in (("Percentage", "Absolute"), ("Absolute", "Percentage")):
            detail = f"cannot be zero at the same time as minCandidateNodes{other}"
            reader.errors.append(invalid(reader.at(f"minCandidateNodes{one}"), 0, detail))
    return DefaultPreemption(percentage=percentage, at_least=absolute)


MAKERS: dict[str, Maker] = {
    "NodeResourcesFit": _node_resources_fit,
    "NodeResourcesBalancedAllocation": _balanced_allocation,
    "InterPodAffinity": _inter_pod_affinity,
    "NodeAffinity": _node_affinity,
    "PodTopologySpread": _pod_topology_spread,
    "DefaultPreemption": _default_preemption,
}
