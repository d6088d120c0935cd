"""RoleBindings: who has a role within one namespace.

Models: pkg/apis/rbac/validation (ValidateRoleBinding), pkg/printers/internalversion (printRoleBinding).
"""

from __future__ import annotations

from k8snb.apimachinery.errors import Errors
from k8snb.apimachinery.objects import Object
from k8snb.resources.common.formats import path_segment
from k8snb.resources.discovery import served
from k8snb.resources.rbac.rules import GROUP, binding_cells, default_binding, validate_binding, validate_binding_update


def validate(obj: Object) -> Errors:
    """The role and the subjects."""
    return validate_binding(obj, namespaced=True)


EXAMPLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "readers"},
    "subjects": [{"apiGroup": GROUP, "kind": "User", "name": "jane"}],
    "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": "reader"},
}

RESOURCE = served(
    "rbac.authorization.k8s.io/v1",
    "RoleBinding",
    default=default_binding,
    validate=validate,
    validate_name=path_segment,
    validate_update=validate_binding_update,
    cells=binding_cells,
    example=EXAMPLE,
    simulated=True,
)
