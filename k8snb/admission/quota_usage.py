"""How much of a quota an object uses: pure functions that the admission plugin and the quota controller share.

    usage_of("pods", pod, now)          # {"pods": "1", "requests.cpu": "100m", "cpu": "100m", "count/pods": "1", ...}
    matches(quota, "pods", pod)         # whether the quota's scopes and resources concern it

Everything can be counted (``count/deployments.apps``); pods, services, claims and a few core kinds also have names of their own.

Models: pkg/quota/v1/evaluator/core/{pods,services,persistent_volume_claims,registry}.go,
k8s.io/apiserver/pkg/quota/v1/generic/evaluator.go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from fractions import Fraction
from typing import Any

from k8snb.apimachinery.meta import parse_time
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.quantity import add, exact, parse, write
from k8snb.resources.common.compute import is_extended, is_huge_pages
from k8snb.resources.common.pod_requests import Amounts, pod_limits, pod_requests
from k8snb.resources.common.qos import BEST_EFFORT, qos_class

Usage = dict[str, str]
_PLAIN_COUNTS = ("configmaps", "resourcequotas", "replicationcontrollers", "secrets")
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_CONSTRAINED = ("cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory")
_CLASS = ".storageclass.storage.k8s.io/"
_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
_SECOND = 1_000_000


def usage_of(resource_key: str, obj: Object, now: int) -> Usage:
    """What one object uses, as quantities by the names that quotas have for them."""
    usage = {f"count/{resource_key}": "1"}
    more = _USAGE.get(resource_key)
    if more is not None:
        return usage | more(obj, now)
    return usage | ({resource_key: "1"} if resource_key in _PLAIN_COUNTS else {})


def _pod_usage(pod: Object, now: int) -> Usage:
    if dig(pod, "status.phase") in ("Succeeded", "Failed") or _is_overdue(pod, now):
        return {}
    requests, limits = texts(pod, "requests", pod_requests(pod)), texts(pod, "limits", pod_limits(pod))
    return {"pods": "1"} | compute_usage(requests, limits)


def _is_overdue(pod: Object, now: int) -> bool:
    meta = pod["metadata"]
    if not meta.get("deletionTimestamp") or meta.get("deletionGracePeriodSeconds") is None:
        return False
    return bool(now > parse_time(meta["deletionTimestamp"]) + meta["deletionGracePeriodSeconds"] * _SECOND)


def texts(pod: Object, what: str, amounts: Amounts) -> Usage:
    """A pod's sums as quantities, in the format in which its containers write them."""
    forms: dict[str, str] = {}
    for container in pod["spec"]["containers"]:
        for name, text in dig(container, ("resources", what), EMPTY_DICT).items():
            forms.setdefault(name, parse(text).format)
    units = {"cpu": 1000}
    return {name: write(Fraction(amount, units.get(name, 1)), forms.get(name, "DecimalSI")) for name, amount in amounts.items()}


def compute_usage(requests: Mapping[str, str], limits: Mapping[str, str]) -> Usage:
    """Requests and limits by the names that quotas have for them."""
    usage: Usage = {}
    for name, text in requests.items():
        if name in _COMPUTE or is_huge_pages(name):
            usage |= {name: text, f"requests.{name}": text}
        elif is_extended(name):
            usage[f"requests.{name}"] = text
    return usage | {f"limits.{name}": text for name, text in limits.items() if name in _COMPUTE}


def _service_usage(service: Object, _now: int) -> Usage:
    spec, ports = service.get("spec") or EMPTY_DICT, dig(service, "spec.ports", ())
    kind, count = spec.get("type"), 0
    if kind == "NodePort" or (kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts", True)):
        count = len(ports)
    elif kind == "LoadBalancer":
        count = sum(bool(port.get("nodePort")) for port in ports)
    balancers = "1" if kind == "LoadBalancer" else "0"
    return {"services": "1", "services.nodeports": str(count), "services.loadbalancers": balancers}


def _claim_usage(claim: Object, _now: int) -> Usage:
    usage = {"persistentvolumeclaims": "1"}
    size = dig(claim, "spec.resources.requests.storage")
    usage |= {"requests.storage": size} if size is not None else {}
    name = dig(claim, "spec.storageClassName") or dig(claim, ("metadata", "annotations", _CLASS_ANNOTATION))
    return usage | ({f"{name}{_CLASS}{key}": text for key, text in usage.items()} if name else {})


_USAGE: dict[str, Callable[[Object, int], Usage]] = {
    "pods": _pod_usage,
    "services": _service_usage,
    "persistentvolumeclaims": _claim_usage,
}


# Which quotas concern an object


def matching_names(resource_key: str, names: Iterable[str]) -> list[str]:
    """Those of a quota's names that objects of this kind can use."""
    return [name for name in names if name == f"count/{resource_key}" or _belongs(resource_key, name)]


def _belongs(resource_key: str, name: str) -> bool:
    if resource_key == "pods":
        bare = name.removeprefix("requests.")
        known = name == "pods" or bare in _COMPUTE or name.removeprefix("limits.") in _COMPUTE or is_huge_pages(bare)
        return known or (bare != name and is_extended(bare))
    if resource_key == "services":
        return name in ("services", "services.nodeports", "services.loadbalancers")
    if resource_key == "persistentvolumeclaims":
        return name in ("persistentvolumeclaims", "requests.storage") or _CLASS in name
    return resource_key in _PLAIN_COUNTS and name == resource_key


def matches(quota: Object, resource_key: str, obj: Object) -> bool:
    """Whether a quota concerns an object: by its resources, and by all of its scopes."""
    names = dig(quota, "status.hard") or dig(quota, "spec.hard", EMPTY_DICT)
    if not matching_names(resource_key, names):
        return False
    scopes = [{"scopeName": name, "operator": "Exists"} for name in dig(quota, "spec.scopes", ())]
    scopes += list(dig(quota, "spec.scopeSelector.matchExpressions", ()))
    return all(resource_key == "pods" and _in_scope(scope, obj) for scope in scopes)


def _in_scope(scope: Mapping[str, Any], pod: Object) -> bool:
    name, spec = scope.get("scopeName"), pod["spec"]
    if name == "Terminating":
        return spec.get("activeDeadlineSeconds") is not None
    if name == "NotTerminating":
        return spec.get("activeDeadlineSeconds") is None
    if name in ("BestEffort", "NotBestEffort"):
        return bool((qos_class(pod) == BEST_EFFORT) == (name == "BestEffort"))
    if name == "CrossNamespacePodAffinity":
        return any(_crosses(term) for term in _affinity_terms(spec))
    return name == "PriorityClass" and _selected(scope, spec.get("priorityClassName", ""))


def _selected(scope: Mapping[str, Any], priority_class: str) -> bool:
    operator, values = scope.get("operator"), scope.get("values") or ()
    if operator in ("Exists", "DoesNotExist"):
        return bool(priority_class) is (operator == "Exists")
    return bool((priority_class in values) == (operator == "In"))


def _affinity_terms(spec: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    for kind in ("podAffinity", "podAntiAffinity"):
        affinity = dig(spec, ("affinity", kind), EMPTY_DICT)
        yield from affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        for weighted in affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
            yield weighted.get("podAffinityTerm") or EMPTY_DICT


def _crosses(term: Mapping[str, Any]) -> bool:
    return bool(term.get("namespaces")) or term.get("namespaceSelector") is not None


def missing_requests(pod: Object, names: Collection[str]) -> str:
    """The sentence about containers that do not say what a quota must know; empty where all do."""
    needed = [name for name in _CONSTRAINED if name in names]
    if not needed or dig(pod, "spec.resources"):
        return ""
    missing: dict[str, set[str]] = {}
    for key in ("containers", "initContainers"):
        for container in pod["spec"].get(key) or ():
            said = compute_usage(*(dig(container, ("resources", what), EMPTY_DICT) for what in ("requests", "limits")))
            for name in needed:
                if name not in said:
                    missing.setdefault(name, set()).add(container["name"])
    told = "; ".join(f"{name} for: {','.join(sorted(missing[name]))}" for name in sorted(missing))
    return f"must specify {told}" if told else ""


def total_usage(quota: Object, objects: Mapping[str, Iterable[Object]], now: int) -> Usage:
    """What all objects of a namespace use of one quota, for each name that it limits; ``objects`` by resource key."""
    hard = dig(quota, "spec.hard", EMPTY_DICT)
    total = dict.fromkeys(hard, "0")
    for key, items in objects.items():
        for obj in items:
            if not matches(quota, key, obj):
                continue
            for name, amount in usage_of(key, obj, now).items():
                if name in total and exact(amount):
                    total[name] = add(total[name], amount)
    return total
