"""The quality of service class, which decides who is evicted first when a node runs out of memory.

* Guaranteed: every container has limits for cpu and memory, and requests that are equal to them.
* BestEffort: nobody asks for anything.
* Burstable: all the rest.

Models: pkg/apis/core/v1/helper/qos/qos.go, ComputePodQOS.
"""

from __future__ import annotations

from collections import Counter

from k8snb.apimachinery.objects import EMPTY_LIST, Object
from k8snb.apimachinery.resource import once
from k8snb.component_helpers.resources import container_limits, container_requests, resource_amounts

GUARANTEED, BURSTABLE, BEST_EFFORT = "Guaranteed", "Burstable", "BestEffort"
_COMPUTE = ("cpu", "memory")


def qos_class(pod: Object) -> str:
    """``Guaranteed``, ``Burstable`` or ``BestEffort``, computed from the spec (the status may not have it yet)."""
    return _qos_of_spec(pod["spec"])


@once
def _qos_of_spec(spec: Object) -> str:
    asked, limited, guaranteed = _totals(spec)
    if not asked and not limited:
        return BEST_EFFORT
    return GUARANTEED if guaranteed and asked == limited else BURSTABLE


def _totals(spec: Object) -> tuple[Counter[str], Counter[str], bool]:
    """Requests and limits of all containers (or of the pod, where it has its own), and whether each limits both resources."""
    asked: Counter[str] = Counter()
    limited: Counter[str] = Counter()
    guaranteed = True
    for requests, limits in _amounts(spec):
        asked.update({name: requests[name] for name in _COMPUTE if requests.get(name)})
        found = {name: limits[name] for name in _COMPUTE if limits.get(name)}
        limited.update(found)
        guaranteed = guaranteed and len(found) == len(_COMPUTE)
    return asked, limited, guaranteed


def _amounts(spec: Object) -> list[tuple[dict[str, int], dict[str, int]]]:
    own = spec.get("resources")
    if own and (own.get("requests") or own.get("limits")):
        return [(resource_amounts(own.get("requests")), resource_amounts(own.get("limits")))]
    containers = [*spec["containers"], *(spec.get("initContainers") or EMPTY_LIST)]
    return [(container_requests(container), container_limits(container)) for container in containers]
