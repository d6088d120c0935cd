"""ResourceQuotas: a namespace's objects may not use more than they are given.

The usage stands in the quota's status; this plugin charges it before the object is stored, so that two requests at once
cannot both take the last place. The quota controller counts again, and mends what was charged for nothing.

Models: k8s.io/apiserver/pkg/admission/plugin/resourcequota/{admission,controller}.go.
"""

from __future__ import annotations

from k8snb.admission.plugin import Context, forbidden, of_namespace
from k8snb.admission.quota_usage import Usage, matches, matching_names, missing_requests, usage_of
from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, dig, put
from k8snb.apimachinery.quantity import add, exact, subtract
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.request import Request

_ON_UPDATE = ("services", "persistentvolumeclaims")


class ResourceQuota:
    """The last plugin of the chain: what it charges is stored next."""

    name = "ResourceQuota"
    handles = ("create", "update")
    needs = "resourcequotas"

    def validate(self, context: Context, request: Request, resource: Resource, obj: Object | None, old: Object | None) -> None:
        """Refuse what exceeds a quota, and charge the rest."""
        resizes = request.subresource == "resize"
        if obj is None or (request.subresource and not resizes) or not resource.namespaced:
            return
        if old is not None and resource.key not in _ON_UPDATE and not resizes:
            return
        quotas = of_namespace(context, "resourcequotas", request.namespace)
        concerned = [quota for quota in quotas if matches(quota, resource.key, obj)]
        for quota in concerned:
            self._check(quota, request, resource, obj)
        delta = _delta(resource.key, context.now, (obj, old)) if concerned else {}
        charged = [_charged(quota, delta, (request, resource, obj)) for quota in concerned] if delta else []
        for quota, before in zip(charged, concerned, strict=True) if charged else ():
            if quota is not before:
                context.replace("resourcequotas", quota)

    def _check(self, quota: Object, request: Request, resource: Resource, obj: Object) -> None:
        name, hard, used = quota["metadata"]["name"], dig(quota, "status.hard", EMPTY_DICT), dig(quota, "status.used", EMPTY_DICT)
        names = matching_names(resource.key, hard or dig(quota, "spec.hard", EMPTY_DICT))
        if resource.key == "pods" and (wrong := missing_requests(obj, names)):
            raise forbidden(request, resource, obj, f"failed quota: {name}: {wrong}")
        if not hard or any(known not in used for known in names):
            raise forbidden(request, resource, obj, f"status unknown for quota: {name}, resources: {','.join(sorted(names))}")


def _delta(key: str, now: int, change: tuple[Object, Object | None]) -> Usage:
    obj, old = change
    usage = usage_of(key, obj, now)
    before = usage_of(key, old, now) if old is not None else {}
    left = {name: subtract(amount, before[name]) if name in before else amount for name, amount in usage.items()}
    return {name: amount for name, amount in left.items() if exact(amount) > 0}


def _charged(quota: Object, delta: Usage, about: tuple[Request, Resource, Object]) -> Object:
    hard, used = dig(quota, "status.hard", EMPTY_DICT), dig(quota, "status.used", EMPTY_DICT)
    asked = {name: amount for name, amount in delta.items() if name in hard}
    after = {name: add(used.get(name, "0"), amount) for name, amount in asked.items()}
    exceeded = sorted(name for name, amount in after.items() if exact(amount) > exact(hard[name]))
    if exceeded:
        raise _refusal(quota, (asked, used, hard), exceeded, about)
    return put(quota, "status.used", FrozenDict({**used, **after})) if after else quota


def _refusal(quota: Object, amounts: tuple[Usage, Usage, Usage], names: list[str], about: tuple[Request, Resource, Object]) -> ApiError:
    asked, used, hard = (",".join(f"{name}={part.get(name, '0')}" for name in names) for part in amounts)
    return forbidden(*about, f"exceeded quota: {quota['metadata']['name']}, requested: {asked}, used: {used}, limited: {hard}")
