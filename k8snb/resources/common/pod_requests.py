"""How much a pod asks for: the number that the scheduler fits, the kubelet admits and a quota counts.

Containers run together, init containers before them and one after another, and restartable init containers ("sidecars")
beside everything that comes later. So the pod needs, of each resource, the larger of

    sum(containers) + sum(sidecars)
    max over init containers i of ( i + sum(sidecars started before i) )

plus its overhead. Requests on the pod as a whole replace the sum. Amounts are integers: **millicores** for ``cpu``, the unit
itself (bytes, pieces) for all else, rounded up as Kubernetes does.

Models: k8s.io/component-helpers/resource/helpers.go, PodRequests, PodLimits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.quantity import milli_value, value
from k8snb.apimachinery.resource import once

Amounts = dict[str, int]

_POD_LEVEL = ("cpu", "memory")


def resource_amounts(quantities: Mapping[str, str] | None) -> Amounts:
    """``{"cpu": "1500m", "memory": "1Gi"}`` as integers: ``{"cpu": 1500, "memory": 1073741824}``."""
    return {name: milli_value(text) if name == "cpu" else value(text) for name, text in (quantities or {}).items()}


_amounts = once(resource_amounts)  # remembered on what the containers of all pods of one template share


def container_requests(container: Object) -> Amounts:
    """What one container requests. Shared: do not write into the result."""
    return _amounts((container.get("resources") or EMPTY_DICT).get("requests") or EMPTY_DICT)


def container_limits(container: Object) -> Amounts:
    """What one container is limited to. Shared: do not write into the result."""
    return _amounts((container.get("resources") or EMPTY_DICT).get("limits") or EMPTY_DICT)


def pod_requests(pod: Object) -> Amounts:
    """What the pod needs of each resource, overhead included. Shared: do not write into the result."""
    running = _resized(pod)
    if running is None:
        return _requests_of_spec(pod["spec"])
    return _aggregate(pod["spec"], "requests", lambda container: running.get(container["name"]) or container_requests(container))


def pod_limits(pod: Object) -> Amounts:
    """What the pod's containers may use together; a resource that nobody limits is absent. Overhead is added where limited."""
    return _limits_of_spec(pod["spec"])


@once
def _requests_of_spec(spec: Object) -> Amounts:
    return _aggregate(spec, "requests", container_requests)


@once
def _limits_of_spec(spec: Object) -> Amounts:
    return _aggregate(spec, "limits", container_limits)


def non_zero_requests(spec: Object, defaults: Mapping[str, int]) -> Amounts:
    """What a pod of this spec needs, with ``defaults`` for each container that does not say: what spreading by load counts with.

    A pod that has requests of its own as a whole needs no defaults for those resources.
    """
    own = dig(spec, "resources.requests") or {}
    missing = {name: amount for name, amount in defaults.items() if name not in own}
    return _aggregate(spec, "requests", lambda container: {**missing, **container_requests(container)})


def _aggregate(spec: Object, what: str, of: Callable[[Object], Mapping[str, int]]) -> Amounts:
    total: Amounts = {}
    for container in spec["containers"]:
        if total:
            _add(total, of(container))
        else:
            total = dict(of(container))
    if init := spec.get("initContainers"):
        _with_init(total, init, of)
    if own := spec.get("resources"):
        asked = resource_amounts(own.get(what))
        total.update({name: amount for name, amount in asked.items() if name in _POD_LEVEL or name.startswith("hugepages-")})
    if overhead := spec.get("overhead"):
        for name, amount in resource_amounts(overhead).items():
            if what == "requests" or name in total:
                total[name] = total.get(name, 0) + amount
    return total


def _with_init(total: Amounts, init: Sequence[Object], of: Callable[[Object], Mapping[str, int]]) -> None:
    """Raise the total to what the steps before it need."""
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in init:
        if container.get("restartPolicy") == "Always":
            _add(total, of(container))
            _add(sidecars, of(container))
            _raise(peak, sidecars)
        else:
            step = dict(of(container))
            _add(step, sidecars)
            _raise(peak, step)
    _raise(total, peak)


def _resized(pod: Object) -> dict[str, Amounts] | None:
    """By container, the larger of what is asked and what is in use, while a resize in place has not arrived yet; usually None."""
    if pod["metadata"].get("generation", 1) == 1:
        return None  # the pod was never resized: a resize changes the spec, and with it the generation
    statuses = dig(pod, "status.containerStatuses")
    if not statuses:
        return None
    asked = {container["name"]: container_requests(container) for container in pod["spec"]["containers"]}
    found = {}
    for status in statuses:
        amounts = dict(asked.get(status["name"], {}))
        _raise(amounts, resource_amounts(status.get("allocatedResources")))
        _raise(amounts, resource_amounts(dig(status, "resources.requests")))
        found[status["name"]] = amounts
    return found


def _add(total: Amounts, more: Mapping[str, int]) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0) + amount


def _raise(total: Amounts, at_least: Mapping[str, int]) -> None:
    for name, amount in at_least.items():
        if amount > total.get(name, -1):
            total[name] = amount
