"""CSINodes: the storage drivers that run on a node.

Models: pkg/apis/storage/validation (ValidateCSINode), printCSINode.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, duplicate, invalid, required, within
from k8snb.apimachinery.objects import Object, dig
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, not_negative, qualified_name
from k8snb.resources.common.cells import age
from k8snb.resources.common.volumes import csi_driver_name
from k8snb.resources.discovery import served

_LONGEST_NODE_ID = 256


def validate(obj: Object) -> Errors:
    """Every driver, each once."""
    drivers = dig(obj, "spec.drivers", ())
    errors: Errors = []
    for index, driver in enumerate(drivers):
        errors += within(f"spec.drivers[{index}]", _validate_driver(driver))
        if driver.get("name") in [other.get("name") for other in drivers[:index]]:
            errors.append(duplicate(f"spec.drivers[{index}].name", driver.get("name")))
    return errors


@once
def _validate_driver(driver: Mapping[str, Any]) -> Errors:
    node = driver.get("nodeID", "")
    errors = csi_driver_name("name", driver.get("name", ""))
    errors += [] if node else [required("nodeID")]
    if len(node) > _LONGEST_NODE_ID:
        errors.append(invalid("nodeID", node, f"must be {_LONGEST_NODE_ID} characters or less"))
    errors += not_negative("allocatable.count", dig(driver, "allocatable.count"))
    keys = driver.get("topologyKeys") or ()
    for index, key in enumerate(keys):
        errors += [] if key else [required("")]
        errors += [duplicate("", key)] if key in keys[:index] else []
        errors += check("", key, qualified_name)
    return errors


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get csinodes``."""
    return [obj["metadata"]["name"], len(dig(obj, "spec.drivers", ())), age(obj, now)]


EXAMPLE = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "CSINode",
    "metadata": {"name": "node-1"},
    "spec": {"drivers": [{"name": "disk.example.com", "nodeID": "node-1"}]},
}

RESOURCE = served("storage.k8s.io/v1", "CSINode", validate=validate, cells=cells, example=EXAMPLE, simulated=True)
