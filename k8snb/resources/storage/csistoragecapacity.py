"""CSIStorageCapacities: how much a driver can still make, for which nodes.

Models: pkg/apis/storage/validation (ValidateCSIStorageCapacity).
"""

from __future__ import annotations

from k8snb.apimachinery.errors import Errors, invalid, within
from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.quantity import exact
from k8snb.apimachinery.validation import NOT_NEGATIVE, check, dns_subdomain, immutable, validate_label_selector
from k8snb.resources.discovery import served


def validate(obj: Object) -> Errors:
    """Nodes, class, amounts."""
    topology = obj.get("nodeTopology")
    errors = within("nodeTopology", validate_label_selector(topology)) if topology is not None else []
    errors += check("storageClassName", obj.get("storageClassName", ""), dns_subdomain)
    if obj.get("capacity") is not None and exact(obj["capacity"]) < 0:
        errors.append(invalid("capacity", obj["capacity"], NOT_NEGATIVE))
    return errors


def validate_update(obj: Object, old: Object) -> Errors:
    """What the numbers are about stays."""
    return [error for name in ("nodeTopology", "storageClassName") for error in immutable(name, obj.get(name), old.get(name))]


EXAMPLE = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "CSIStorageCapacity",
    "metadata": {"name": "fast-zone-a"},
    "storageClassName": "fast",
    "capacity": "100Gi",
}

RESOURCE = served(
    "storage.k8s.io/v1", "CSIStorageCapacity", validate=validate, validate_update=validate_update, example=EXAMPLE, simulated=True
)
