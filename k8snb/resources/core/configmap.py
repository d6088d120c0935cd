"""ConfigMaps.

Models: pkg/apis/core/validation (ValidateConfigMap, ValidateConfigMapUpdate), pkg/printers (printConfigMap).
"""

from __future__ import annotations

import base64
from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden, invalid, too_long
from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.apimachinery.validation import check, config_key
from k8snb.resources.common.cells import age
from k8snb.resources.discovery import served

MAX_SIZE = 1024 * 1024
FROZEN = "field is immutable when `immutable` is set"


def size_of(encoded: str) -> int:
    """How many bytes base64 text stands for."""
    return len(base64.b64decode(encoded))


def validate(obj: Object) -> Errors:
    """Keys, and the size of all."""
    data, binary = obj.get("data") or EMPTY_DICT, obj.get("binaryData") or EMPTY_DICT
    errors: Errors = []
    for key in sorted(data):
        errors += check(f"data[{key}]", key, config_key)
        errors += [invalid(f"data[{key}]", key, "duplicate of key present in binaryData")] if key in binary else []
    for key in sorted(binary):
        errors += check(f"binaryData[{key}]", key, config_key)
    size = sum(len(value.encode()) for value in data.values()) + sum(map(size_of, binary.values()))
    return errors + ([too_long("", MAX_SIZE)] if size > MAX_SIZE else [])


def frozen_errors(obj: Object, old: Object, *fields: str) -> Errors:
    """What an immutable ConfigMap or Secret does not let change."""
    if not old.get("immutable"):
        return []
    errors = [] if obj.get("immutable") else [forbidden("immutable", FROZEN)]
    return errors + [forbidden(field, FROZEN) for field in fields if obj.get(field) != old.get(field)]


def validate_update(obj: Object, old: Object) -> Errors:
    """Once immutable, always immutable."""
    return frozen_errors(obj, old, "data", "binaryData")


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get configmaps``."""
    count = len(obj.get("data") or ()) + len(obj.get("binaryData") or ())
    return [obj["metadata"]["name"], count, age(obj, now)]


EXAMPLE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"color": "blue"}}

RESOURCE = served("v1", "ConfigMap", validate=validate, validate_update=validate_update, cells=cells, example=EXAMPLE, simulated=True)
