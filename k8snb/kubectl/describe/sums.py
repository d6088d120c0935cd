"""What pods ask for, as quantities that keep their written form (``100m``, ``64Mi``), for the description of a node.

Models: k8s.io/component-helpers/resource/helpers.go (PodRequests, PodLimits).
Simplified: resized containers count with their specification.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from k8snb.apimachinery import quantity
from k8snb.apimachinery.objects import dig
from k8snb.kubectl.api import Json

Amounts = dict[str, str]


def _add(total: Amounts, more: Mapping[str, str]) -> Amounts:
    return total | {name: quantity.add(total.get(name, "0"), value) for name, value in more.items()}


def _most(one: Amounts, other: Amounts) -> Amounts:
    larger = {name: value for name, value in other.items() if quantity.exact(value) > quantity.exact(one.get(name, "0"))}
    return one | larger


def pod_total(pod: Json, what: str) -> Amounts:
    """The ``requests`` or ``limits`` of a whole pod: containers together, or the largest moment of its start."""
    spec = pod.get("spec") or {}
    total: Amounts = {}
    for container in spec.get("containers") or ():
        total = _add(total, dig(container, f"resources.{what}", {}))
    beside: Amounts = {}
    start: Amounts = {}
    for container in spec.get("initContainers") or ():
        wanted = dig(container, f"resources.{what}", {})
        if container.get("restartPolicy") == "Always":
            total, beside = _add(total, wanted), _add(beside, wanted)
            start = _most(start, beside)
        else:
            start = _most(start, _add(beside, wanted))
    total = _most(total, start) | dict(dig(spec, f"resources.{what}", {}))
    return _add(total, {name: value for name, value in (spec.get("overhead") or {}).items() if what == "requests" or name in total})


def pods_total(pods: Sequence[Json], what: str) -> Amounts:
    """The sum over pods."""
    total: Amounts = {}
    for pod in pods:
        total = _add(total, pod_total(pod, what))
    return total
