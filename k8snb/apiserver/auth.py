"""May this user do that? Role-based access control over the stored roles and bindings.

A request is allowed when some binding gives the user (or one of the user's groups) a role with a rule that covers the verb,
the API group, the resource (``pods``, ``pods/log``) and the name, or for other paths the URL. There is no "deny". Nodes are
authorized by their group alone. What was decided is remembered until a role or a binding changes.

Models: plugin/pkg/auth/authorizer/rbac/rbac.go, pkg/registry/rbac/validation/rule.go; the words of
k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go. Simplified: the Node authorizer's graph is not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import Object
from k8snb.apiserver.request import MASTERS, Request, User

_GROUP = "rbac.authorization.k8s.io"
NODES = "system:nodes"
List = Callable[[str, str], list[Object]]


class Authorizer:
    """Decides from the stored RBAC objects, which it reads through ``stored(resource key, namespace)``."""

    def __init__(self, stored: List):
        self.stored = stored
        self._known: dict[tuple[Any, ...], frozenset[str] | None] = {}  # question -> the names for which the answer is yes; None: all
        self._rules: dict[tuple[Any, str], list[Object]] = {}

    def forget(self) -> None:
        """A role or a binding changed."""
        self._known.clear()
        self._rules.clear()

    def check(self, request: Request) -> None:
        """Raise ApiError 403 in Kubernetes' words where the request is not allowed."""
        user = request.user
        if MASTERS in user.groups or NODES in user.groups:
            return
        if not self.allows(user, request):
            raise forbidden(request)

    def allows(self, user: User, request: Request) -> bool:
        """Whether the user may."""
        resource = f"{request.resource}/{request.subresource}" if request.subresource else request.resource
        key = (user[:2], request.verb, request.group, resource, request.namespace, request.path)
        if key not in self._known:
            fitting = [rule for rule in self.rules_of(user, request.namespace) if covers(rule, request, resource)]
            named = all(rule.get("resourceNames") for rule in fitting)
            self._known[key] = frozenset(name for rule in fitting for name in rule["resourceNames"]) if named else None
        allowed = self._known[key]
        return allowed is None or request.name in allowed

    def rules_of(self, user: User, namespace: str) -> list[Object]:
        """All rules that the user has in a namespace (cluster-wide ones included)."""
        key = (user[:2], namespace)
        if key not in self._rules:
            self._rules[key] = list(self._collect(user, namespace))
        return self._rules[key]

    def _collect(self, user: User, namespace: str) -> Iterator[Object]:
        bindings = list(self.stored(f"clusterrolebindings.{_GROUP}", ""))
        if namespace:
            bindings += self.stored(f"rolebindings.{_GROUP}", namespace)
        for binding in bindings:
            if any(_is_meant(user, subject, binding) for subject in binding.get("subjects") or ()):
                yield from self._role(binding["roleRef"], namespace)

    def _role(self, ref: Object, namespace: str) -> list[Object]:
        plural, where = ("clusterroles", "") if ref["kind"] == "ClusterRole" else ("roles", namespace)
        for role in self.stored(f"{plural}.{_GROUP}", where):
            if role["metadata"]["name"] == ref["name"]:
                return list(role.get("rules") or ())
        return []


def _is_meant(user: User, subject: Object, binding: Object) -> bool:
    name = subject["name"]
    if subject["kind"] == "User":
        return bool(user.name == name)
    if subject["kind"] == "Group":
        return name in user.groups
    namespace = subject.get("namespace") or binding["metadata"].get("namespace", "")
    return user.name == f"system:serviceaccount:{namespace}:{name}"


def covers(rule: Object, request: Request, resource: str) -> bool:
    """Whether one RBAC rule covers a request, but for the name. ``resource`` includes the subresource: ``pods/log``."""
    if not _in(rule, "verbs", request.verb):
        return False
    if request.path:
        return any(url in ("*", request.path) or (url.endswith("*") and request.path.startswith(url[:-1]))
                   for url in rule.get("nonResourceURLs") or ())  # fmt: skip
    if not _in(rule, "apiGroups", request.group):
        return False
    wanted = rule.get("resources") or ()
    any_kind = f"*/{request.subresource}" if request.subresource else "*"
    return "*" in wanted or resource in wanted or any_kind in wanted


def _in(rule: Object, field: str, value: str) -> bool:
    values = rule.get(field) or ()
    return "*" in values or value in values


def forbidden(request: Request, reason: str = "") -> ApiError:
    """The refusal of a request, 403, with a reason where there is one."""
    who, why = f'User "{request.user.name}" cannot {request.verb}', f": {reason}" if reason else ""
    if request.path:
        return ApiError(403, "Forbidden", f'forbidden: {who} path "{request.path}"{why}', {})
    what = f"{request.resource}/{request.subresource}" if request.subresource else request.resource
    scope = f'in the namespace "{request.namespace}"' if request.namespace else "at the cluster scope"
    where = f"{request.resource}.{request.group}" if request.group else request.resource
    subject = f'{where} "{request.name}"' if request.name else where
    message = f'{subject} is forbidden: {who} resource "{what}" in API group "{request.group}" {scope}{why}'
    details = {"name": request.name, "group": request.group, "kind": request.resource}
    return ApiError(403, "Forbidden", message, {key: value for key, value in details.items() if value})
