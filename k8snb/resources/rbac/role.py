"""Roles: what may be done within one namespace.

Models: pkg/apis/rbac/validation (ValidateRole).
"""

from __future__ import annotations

from k8snb.apimachinery.errors import Errors
from k8snb.apimachinery.objects import Object
from k8snb.resources.common.formats import path_segment
from k8snb.resources.discovery import served
from k8snb.resources.rbac.rules import validate_rules


def validate(obj: Object) -> Errors:
    """Every rule."""
    return validate_rules(obj.get("rules"), namespaced=True)


EXAMPLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "reader"},
    "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}],
}

RESOURCE = served("rbac.authorization.k8s.io/v1", "Role", validate=validate, validate_name=path_segment, example=EXAMPLE, simulated=True)
