"""The quality of service class, which decides who is evicted first when a node runs out of memory.

* Guaranteed: every container has limits for cpu and memory, and requests that are equal to them.
* BestEffort: nobody asks for anything.
* Burstable: all the rest.

The API server writes it into the status of a new pod; the kubelet and the scheduler read it from the spec.

Models: pkg/apis/core/v1/helper/qos/qos.go, ComputePodQOS.
"""

from __future__ import annotations

from fractions import Fraction

from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, Object
from k8snb.apimachinery.quantity import exact
from k8snb.apimachinery.resource import once

GUARANTEED, BURSTABLE, BEST_EFFORT = "Guaranteed", "Burstable", "BestEffort"
_COMPUTE = ("cpu", "memory")


def qos_class(pod: Object) -> str:
    """``Guaranteed``, ``Burstable`` or ``BestEffort``, computed from the spec (the status may not have it yet)."""
    return _qos_of_spec(pod["spec"])


@once
def _qos_of_spec(spec: Object) -> str:
    own, containers, init = spec.get("resources"), spec.get("containers") or EMPTY_LIST, spec.get("initContainers")
    if own and (own.get("requests") or own.get("limits")):
        return _class_of([own])
    return _class_of(_resources([*containers, *init])) if init else _qos_of_containers(containers)


@once
def _qos_of_containers(containers: list[Object]) -> str:
    """Remembered on the list, which stays the same when a Pod is bound to a node."""
    return _class_of(_resources(containers))


def _resources(containers: list[Object]) -> list[Object]:
    return [container.get("resources") or EMPTY_DICT for container in containers]


def _class_of(everything: list[Object]) -> str:
    return _class_alone(everything[0]) if len(everything) == 1 else _class_together(everything)


@once
def _class_alone(resources: Object) -> str:
    """Of a Pod with one container: remembered on what all Pods of its template share."""
    return _class_together([resources])


def _class_together(everything: list[Object]) -> str:
    asked: dict[str, Fraction] = {}
    limited: dict[str, Fraction] = {}
    guaranteed = True
    for resources in everything:
        _add(asked, _compute(resources.get("requests") or EMPTY_DICT))
        limits = _compute(resources.get("limits") or EMPTY_DICT)
        guaranteed = len(limits) == len(_COMPUTE) and guaranteed
        _add(limited, limits)
    if not asked and not limited:
        return BEST_EFFORT
    return GUARANTEED if guaranteed and asked == limited else BURSTABLE


def _add(total: dict[str, Fraction], more: dict[str, Fraction]) -> None:
    for name, amount in more.items():
        total[name] = total[name] + amount if name in total else amount


@once
def _compute(quantities: Object) -> dict[str, Fraction]:
    """The amounts of cpu and memory that are not zero."""
    amounts = {name: exact(quantities[name]) for name in _COMPUTE if name in quantities}
    return {name: amount for name, amount in amounts.items() if amount > 0}
