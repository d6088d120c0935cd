"""ClusterRoles: what may be done everywhere, or in every namespace that binds them. Some are sums of others.

Models: pkg/apis/rbac/validation (ValidateClusterRole).
"""

from __future__ import annotations

from k8snb.apimachinery.errors import Errors, required, within
from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.validation import validate_label_selector
from k8snb.resources.common.formats import path_segment
from k8snb.resources.discovery import served
from k8snb.resources.rbac.rules import validate_rules


def validate(obj: Object) -> Errors:
    """Every rule, and the selectors of the roles that are summed up."""
    errors = validate_rules(obj.get("rules"), namespaced=False)
    aggregation = obj.get("aggregationRule")
    if aggregation is None:
        return errors
    selectors = aggregation.get("clusterRoleSelectors") or ()
    if not selectors:
        return [
            *errors,
            required("aggregationRule.clusterRoleSelectors", "at least one clusterRoleSelector required if aggregationRule is non-nil"),
        ]
    for index, selector in enumerate(selectors):
        errors += within(f"aggregationRule.clusterRoleSelectors[{index}]", validate_label_selector(selector))
    return errors


EXAMPLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "node-reader"},
    "rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]}],
}

RESOURCE = served(
    "rbac.authorization.k8s.io/v1", "ClusterRole", validate=validate, validate_name=path_segment, example=EXAMPLE, simulated=True
)
