"""The quality of service class, which decides who is evicted first when a node runs out of memory.

* Guaranteed: every container has limits for cpu and memory, and requests that are equal to them.
* BestEffort: nobody asks for anything.
* Burstable: all the rest.

The API server writes it into the status of a new pod; the kubelet and the scheduler read it from the spec.

Models: pkg/apis/core/v1/helper/qos/qos.go, ComputePodQOS.
"""

from __future__ import annotations

from fractions import Fraction

from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.apimachinery.quantity import exact
from k8snb.apimachinery.resource import once

GUARANTEED, BURSTABLE, BEST_EFFORT = "Guaranteed", "Burstable", "BestEffort"
_COMPUTE = ("cpu", "memory")


def qos_class(pod: Object) -> str:
    """``Guaranteed``, ``Burstable`` or ``BestEffort``, computed from the spec (the status may not have it yet)."""
    return _qos_of_spec(pod["spec"])


@once
def _qos_of_spec(spec: Object) -> str:
    asked: dict[str, Fraction] = {}
    limited: dict[str, Fraction] = {}
    guaranteed = True
    for resources in _resources(spec):
        _add(asked, resources.get("requests") or EMPTY_DICT)
        guaranteed = len(_add(limited, resources.get("limits") or EMPTY_DICT)) == len(_COMPUTE) and guaranteed
    if not asked and not limited:
        return BEST_EFFORT
    return GUARANTEED if guaranteed and asked == limited else BURSTABLE


def _resources(spec: Object) -> list[Object]:
    own = spec.get("resources") or EMPTY_DICT
    if own.get("requests") or own.get("limits"):
        return [own]
    return [c.get("resources") or EMPTY_DICT for c in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ()))]


def _add(total: dict[str, Fraction], quantities: Object) -> dict[str, Fraction]:
    found = _compute(quantities)
    for name, amount in found.items():
        total[name] = total.get(name, 0) + amount
    return found


@once
def _compute(quantities: Object) -> dict[str, Fraction]:
    """The amounts of cpu and memory that are not zero."""
    amounts = {name: exact(quantities[name]) for name in _COMPUTE if name in quantities}
    return {name: amount for name, amount in amounts.items() if amount > 0}
