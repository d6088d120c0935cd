"""A pod stays five minutes on a node that is not ready or unreachable, unless it says otherwise.

Models: plugin/pkg/admission/defaulttolerationseconds/admission.go.
"""

from __future__ import annotations

from typing import Any

from k8snb.admission.plugin import Context, is_plain
from k8snb.apimachinery.objects import EMPTY_LIST, FrozenDict, FrozenList, Object, freeze
from k8snb.apimachinery.resource import Resource, once
from k8snb.apiserver.request import Request

SECONDS = 300
_ADDED = tuple(
    freeze({"key": f"node.kubernetes.io/{state}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS})
    for state in ("not-ready", "unreachable")
)


def _tolerates(toleration: Any, key: str) -> bool:
    return toleration.get("key", "") in ("", key) and toleration.get("effect", "") in ("", "NoExecute")


@once
def with_defaults(tolerations: FrozenList) -> FrozenList:
    """The list with what is missing: remembered on the list, which the pods of one template share."""
    missing = [added for added in _ADDED if not any(_tolerates(t, added["key"]) for t in tolerations)]
    return FrozenList([*tolerations, *missing]) if missing else tolerations


class DefaultTolerationSeconds:
    """Adds up to two tolerations."""

    name = "DefaultTolerationSeconds"
    handles = ("create", "update")
    resources = ("pods",)

    def admit(self, context: Context, request: Request, resource: Resource, obj: Object, old: Object | None) -> Object:
        """The pod with its tolerations."""
        if not is_plain(request, resource, "pods"):
            return obj
        before = obj["spec"].get("tolerations") or EMPTY_LIST
        after = with_defaults(before)
        return obj if after is before else FrozenDict(obj | {"spec": FrozenDict(obj["spec"] | {"tolerations": after})})
