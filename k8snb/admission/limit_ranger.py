"""LimitRanges: what containers get that do not say, and what nobody may exceed.

Models: plugin/pkg/admission/limitranger/admission.go.
Simplified: where several bounds are broken, they are named in the order of their resources; upstream's order is random.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from k8snb.admission.plugin import Context, forbidden, is_plain, of_namespace
from k8snb.admission.quota_usage import texts
from k8snb.apimachinery.errors import aggregate
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, Object, dig, put
from k8snb.apimachinery.quantity import exact
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.request import Request
from k8snb.resources.common.pod_requests import pod_limits, pod_requests

ANNOTATION = "kubernetes.io/limit-ranger"
_KINDS = (("container", "containers"), ("init container", "initContainers"))
Quantities = Mapping[str, str]


class LimitRanger:
    """Writes ``resources`` of containers; refuses pods and claims outside the bounds."""

    name = "LimitRanger"
    handles = ("create", "update")
    needs = "limitranges"
    resources = ("pods", "persistentvolumeclaims")

    def admit(self, context: Context, request: Request, resource: Resource, obj: Object, old: Object | None) -> Object:
        """The pod with the defaults of its namespace."""
        if old is not None or not is_plain(request, resource, "pods"):
            return obj
        for limit_range in of_namespace(context, "limitranges", request.namespace):
            obj = _with_defaults(obj, _container_defaults(limit_range))
        return obj

    def validate(self, context: Context, request: Request, resource: Resource, obj: Object | None, old: Object | None) -> None:
        """Every bound of every LimitRange."""
        if obj is None or (old is not None and old["metadata"].get("deletionTimestamp")):
            return
        judge: Callable[[Mapping[str, Any], Object], list[str]]
        if resource.key == "pods" and (request.subresource == "resize" or (old is None and not request.subresource)):
            judge = _pod_violations
        elif is_plain(request, resource, "persistentvolumeclaims"):
            judge = _claim_violations
        else:
            return
        for limit_range in of_namespace(context, "limitranges", request.namespace):
            wrong = [text for limit in dig(limit_range, "spec.limits", ()) for text in judge(limit, obj)]
            if wrong:
                raise forbidden(request, resource, obj, aggregate(wrong))


# Defaults


def _container_defaults(limit_range: Object) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {"limits": {}, "requests": {}}
    for limit in dig(limit_range, "spec.limits", ()):
        if limit.get("type") == "Container":
            found["limits"] |= limit.get("default") or {}
            found["requests"] |= limit.get("defaultRequest") or {}
    return found


def _with_defaults(pod: Object, defaults: dict[str, dict[str, str]]) -> Object:
    spec, notes = dict(pod["spec"]), []
    for words, key in _KINDS:
        containers = spec.get(key) or ()
        filled = [_filled(container, defaults) for container in containers]
        for (container, added), before in zip(filled, containers, strict=True):
            if container is not before:
                notes += [f"{', '.join(names)} {what} for {words} {container['name']}" for what, names in added if names]
        if any(container is not before for (container, _), before in zip(filled, containers, strict=True)):
            spec[key] = FrozenList([container for container, _ in filled])
    if not notes:
        return pod
    return put(put(pod, "spec", FrozenDict(spec)), ("metadata", "annotations", ANNOTATION), f"LimitRanger plugin set: {'; '.join(notes)}")


def _filled(container: Any, defaults: dict[str, dict[str, str]]) -> tuple[Any, list[tuple[str, list[str]]]]:
    resources, added = container.get("resources") or EMPTY_DICT, []
    changed = dict(resources)
    for key, word in (("requests", "request"), ("limits", "limit")):
        own = resources.get(key) or EMPTY_DICT
        missing = {name: text for name, text in defaults[key].items() if name not in own}
        added.append((word, sorted(missing)))
        if missing:
            changed[key] = FrozenDict({**own, **missing})
    if changed == resources:
        return container, added
    return FrozenDict({**container, "resources": FrozenDict(changed)}), added


# Bounds


def _pod_violations(limit: Mapping[str, Any], pod: Object) -> list[str]:
    kind = limit.get("type", "")
    if kind == "Container":
        containers = [c for _, key in reversed(_KINDS) for c in pod["spec"].get(key) or ()]
        return [text for c in containers for text in _violations(kind, limit, (_of(c, "requests"), _of(c, "limits")))]
    if kind == "Pod":
        return _violations(kind, limit, (texts(pod, "requests", pod_requests(pod)), texts(pod, "limits", pod_limits(pod))))
    return []


def _of(container: Mapping[str, Any], what: str) -> Quantities:
    found: Quantities = dig(container, ("resources", what), EMPTY_DICT)
    return found


def _claim_violations(limit: Mapping[str, Any], claim: Object) -> list[str]:
    if limit.get("type") != "PersistentVolumeClaim":
        return []
    requests: Quantities = dig(claim, "spec.resources.requests", EMPTY_DICT)
    found = [_min("PersistentVolumeClaim", bound, (requests.get(bound[0]), None)) for bound in sorted((limit.get("min") or {}).items())]
    found += [_max_request(bound, requests.get(bound[0])) for bound in sorted((limit.get("max") or {}).items())]
    return [text for text in found if text]


Bound = tuple[str, str]
Pair = tuple[str | None, str | None]


def _violations(kind: str, limit: Mapping[str, Any], pair: tuple[Quantities, Quantities]) -> list[str]:
    requests, limits = pair
    checks: tuple[tuple[str, Callable[[str, Bound, Pair], str]], ...] = (("min", _min), ("max", _max), ("maxLimitRequestRatio", _ratio))
    found = [
        check(kind, bound, (requests.get(bound[0]), limits.get(bound[0])))
        for key, check in checks
        for bound in sorted((limit.get(key) or {}).items())
    ]
    return [text for text in found if text]


def _min(kind: str, bound: Bound, pair: Pair) -> str:
    (name, least), (request, limit) = bound, pair
    words = f"minimum {name} usage per {kind} is {least}"
    if request is None:
        return f"{words}. No request is specified"
    if exact(request) < exact(least):
        return f"{words}, but request is {request}"
    return f"{words}, but limit is {limit}" if limit is not None and exact(limit) < exact(least) else ""


def _max(kind: str, bound: Bound, pair: Pair) -> str:
    (name, most), (request, limit) = bound, pair
    words = f"maximum {name} usage per {kind} is {most}"
    if limit is None:
        return f"{words}. No limit is specified"
    if exact(limit) > exact(most):
        return f"{words}, but limit is {limit}"
    return f"{words}, but request is {request}" if request is not None and exact(request) > exact(most) else ""


def _max_request(bound: Bound, request: str | None) -> str:
    name, most = bound
    words = f"maximum {name} usage per PersistentVolumeClaim is {most}"
    if request is None:
        return f"{words}. No request is specified"
    return f"{words}, but request is {request}" if exact(request) > exact(most) else ""


def _ratio(kind: str, bound: Bound, pair: Pair) -> str:
    (name, most), (request, limit) = bound, pair
    words = f"{name} max limit to request ratio per {kind} is {most}, but"
    if request is None or exact(request) == 0:
        return f"{words} no request is specified or request is 0"
    if limit is None or exact(limit) == 0:
        return f"{words} no limit is specified or limit is 0"
    ratio = exact(limit) / exact(request)
    return f"{words} provided ratio is {float(ratio):f}" if ratio > exact(most) else ""
