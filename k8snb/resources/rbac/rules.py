"""What the four kinds of RBAC share: rules, subjects and the reference to a role.

Models: pkg/apis/rbac/validation/validation.go, pkg/apis/rbac/v1/defaults.go, pkg/apis/rbac/helpers.go (SubjectsStrings).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, invalid, not_supported, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, dns_subdomain
from k8snb.resources.common.cells import age
from k8snb.resources.common.fill import each, fill_empty, inside, where_given
from k8snb.resources.common.formats import path_segment

GROUP = "rbac.authorization.k8s.io"
_KINDS = ("ServiceAccount", "User", "Group")


def validate_rules(rules: Any, *, namespaced: bool) -> Errors:
    """Every rule of a Role (``namespaced``) or ClusterRole. Paths are relative to the object."""
    judge = _validate_namespaced_rule if namespaced else _validate_cluster_rule
    return [error for index, rule in enumerate(rules or ()) for error in within(f"rules[{index}]", judge(rule))]


@once
def _validate_namespaced_rule(rule: Mapping[str, Any]) -> Errors:
    return _validate_rule(rule, namespaced=True)


@once
def _validate_cluster_rule(rule: Mapping[str, Any]) -> Errors:
    return _validate_rule(rule, namespaced=False)


def _validate_rule(rule: Mapping[str, Any], *, namespaced: bool) -> Errors:
    urls = rule.get("nonResourceURLs")
    errors = [] if rule.get("verbs") else [required("verbs", "verbs must contain at least one value")]
    if urls:
        if namespaced:
            errors.append(invalid("nonResourceURLs", urls, "namespaced rules cannot apply to non-resource URLs"))
        if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
            errors.append(invalid("nonResourceURLs", urls, "rules cannot apply to both regular resources and non-resource URLs"))
        return errors
    if not rule.get("apiGroups"):
        errors.append(required("apiGroups", "resource rules must supply at least one api group"))
    if not rule.get("resources"):
        errors.append(required("resources", "resource rules must supply at least one resource"))
    return errors


def default_binding(obj: Object) -> Object:
    """The API groups that go without saying: of the role, of users and groups, and of service accounts."""
    obj = inside(obj, "roleRef", _default_role)
    return where_given(obj, "subjects", each(_default_subject))


def _default_role(role: Mapping[str, Any]) -> Any:
    return fill_empty(role, {"apiGroup": GROUP})


@once
def _default_subject(subject: Mapping[str, Any]) -> Any:
    if subject.get("apiGroup") or subject.get("kind") not in ("User", "Group"):
        return subject
    return FrozenDict({**subject, "apiGroup": GROUP})


def validate_binding(obj: Object, *, namespaced: bool) -> Errors:
    """The role and the subjects. A ClusterRoleBinding names ClusterRoles only."""
    kinds = ("Role", "ClusterRole") if namespaced else ("ClusterRole",)
    errors = within("roleRef", _validate_role(obj.get("roleRef") or EMPTY_DICT, kinds))
    for index, subject in enumerate(obj.get("subjects") or ()):
        errors += within(f"subjects[{index}]", _validate_subject(subject, namespaced))
    return errors


def _validate_role(role: Mapping[str, Any], kinds: tuple[str, ...]) -> Errors:
    errors: Errors = []
    if role.get("apiGroup", "") != GROUP:
        errors.append(not_supported("apiGroup", role.get("apiGroup", ""), [GROUP]))
    if role.get("kind", "") not in kinds:
        errors.append(not_supported("kind", role.get("kind", ""), kinds))
    name = role.get("name", "")
    return errors + (check("name", name, path_segment) if name else [required("name")])


def _validate_subject(subject: Mapping[str, Any], namespaced: bool) -> Errors:
    kind, name, group = (subject.get(key, "") for key in ("kind", "name", "apiGroup"))
    errors = [] if name else [required("name")]
    if kind not in _KINDS:
        return [*errors, not_supported("kind", kind, _KINDS)]
    if kind != "ServiceAccount":
        return errors + ([] if group == GROUP else [not_supported("apiGroup", group, [GROUP])])
    errors += check("name", name, dns_subdomain) if name else []
    errors += [not_supported("apiGroup", group, [""])] if group else []
    return errors + ([required("namespace")] if not namespaced and not subject.get("namespace") else [])


def validate_binding_update(obj: Object, old: Object) -> Errors:
    """A binding stays with its role."""
    return [] if obj.get("roleRef") == old.get("roleRef") else [invalid("roleRef", _go_role(obj), "cannot change roleRef")]


def _go_role(obj: Object) -> dict[str, Any]:
    role = obj.get("roleRef") or EMPTY_DICT
    return {"APIGroup": role.get("apiGroup", ""), "Kind": role.get("kind", ""), "Name": role.get("name", "")}


def binding_cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get rolebindings`` or ``clusterrolebindings``."""
    role, subjects = obj.get("roleRef") or EMPTY_DICT, obj.get("subjects") or ()
    of_kind = {kind: [s.get("name", "") for s in subjects if s.get("kind") == kind] for kind in ("User", "Group")}
    accounts = [f"{s.get('namespace', '')}/{s.get('name', '')}" for s in subjects if s.get("kind") == "ServiceAccount"]
    wide = [", ".join(names) for names in (of_kind["User"], of_kind["Group"], accounts)]
    return [obj["metadata"]["name"], f"{role.get('kind', '')}/{role.get('name', '')}", age(obj, now), *wide]
