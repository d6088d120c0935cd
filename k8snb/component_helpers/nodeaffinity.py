"""Which nodes a pod's ``nodeSelector`` and required node affinity allow.

    nodeSelector: {disk: ssd}                            every label must be there, AND
    nodeAffinity.required...nodeSelectorTerms: [a, b]    one of the terms must match;
      term: matchExpressions and matchFields             all of a term's requirements must hold, an empty term matches nothing

Models: k8s.io/component-helpers/scheduling/corev1/nodeaffinity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.strconv import integer

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"

_Values = Sequence[str]


def _greater(value: str | None, values: _Values) -> bool:
    return _compare(value, values, lambda have, bound: have > bound)


def _less(value: str | None, values: _Values) -> bool:
    return _compare(value, values, lambda have, bound: have < bound)


def _compare(value: str | None, values: _Values, holds: Callable[[int, int], bool]) -> bool:
    have, bound = integer(value), integer(values[0]) if len(values) == 1 else None
    return have is not None and bound is not None and holds(have, bound)  # a label that is no number never matches


_OPERATORS: dict[str, Callable[[str | None, _Values], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _values: value is not None,
    "DoesNotExist": lambda value, _values: value is None,
    "Gt": _greater,
    "Lt": _less,
}


def matches_requirements(requirements: Sequence[Object] | None, values: Mapping[str, str]) -> bool:
    """Whether every ``{key, operator, values}`` holds for a map of labels (or of fields)."""
    return all(_OPERATORS[r["operator"]](values.get(r["key"]), r.get("values") or ()) for r in requirements or ())


def matches_node_selector_term(term: Object, node: Object) -> bool:
    """Whether one ``nodeSelectorTerm`` matches a Node. An empty term matches nothing."""
    expressions, fields = term.get("matchExpressions"), term.get("matchFields")
    if not expressions and not fields:
        return False
    metadata = node["metadata"]
    labels = metadata.get("labels") or EMPTY_DICT
    return matches_requirements(expressions, labels) and matches_requirements(fields, {"metadata.name": metadata["name"]})


def matches_node_selector(selector: Object, node: Object) -> bool:
    """Whether a ``NodeSelector`` (terms, any of which suffices) matches a Node. Also used by PersistentVolumes."""
    return any(matches_node_selector_term(term, node) for term in selector.get("nodeSelectorTerms") or ())


def matches_node_selector_and_affinity(pod: Object, node: Object) -> bool:
    """Whether the pod's ``nodeSelector`` and required node affinity allow this Node."""
    spec = pod["spec"]
    wanted = spec.get("nodeSelector")
    if wanted:
        labels = node["metadata"].get("labels") or EMPTY_DICT
        if any(labels.get(key) != value for key, value in wanted.items()):
            return False
    required = dig(spec, ("affinity", "nodeAffinity", REQUIRED))
    return required is None or matches_node_selector(required, node)
