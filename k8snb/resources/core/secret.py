"""Secrets.

Models: pkg/apis/core/validation (ValidateSecret, ValidateSecretUpdate), pkg/apis/core/v1/{defaults,conversion}.go (stringData),
pkg/printers (printSecret).
"""

from __future__ import annotations

import base64
import json
from typing import Any

from k8snb.apimachinery.errors import Errors, FieldError, invalid, required, too_long
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object
from k8snb.apimachinery.validation import check, config_key, immutable
from k8snb.apimachinery.yaml import go_json_error
from k8snb.resources.common.cells import age
from k8snb.resources.common.fill import fill
from k8snb.resources.core.configmap import MAX_SIZE, frozen_errors, size_of
from k8snb.resources.discovery import served

ACCOUNT_NAME = "kubernetes.io/service-account.name"


def default(obj: Object) -> Object:
    """Opaque; ``stringData`` is written into ``data`` and forgotten."""
    plain = obj.get("stringData")
    if plain is not None:
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
        rest = {key: value for key, value in obj.items() if key != "stringData"}
        obj = FrozenDict({**rest, "data": FrozenDict({**(obj.get("data") or EMPTY_DICT), **encoded})}) if encoded else FrozenDict(rest)
    defaulted: Object = obj if obj.get("type") else fill(obj, {"type": "Opaque"})
    return defaulted if defaulted.get("type") else FrozenDict({**defaulted, "type": "Opaque"})


_REQUIRED = {"kubernetes.io/tls": ("tls.crt", "tls.key"), "kubernetes.io/ssh-auth": ("ssh-privatekey",)}
_JSON = {"kubernetes.io/dockercfg": ".dockercfg", "kubernetes.io/dockerconfigjson": ".dockerconfigjson"}


def validate(obj: Object) -> Errors:
    """Keys, size, and what the type demands."""
    data = obj.get("data") or EMPTY_DICT
    errors = [error for key in sorted(data) for error in check(f"data[{key}]", key, config_key)]
    if sum(map(size_of, data.values())) > MAX_SIZE:
        errors.append(too_long("data", MAX_SIZE))
    return errors + _validate_type(obj, obj.get("type", ""), data)


def _validate_type(obj: Object, kind: str, data: Object) -> Errors:
    if kind in _REQUIRED:
        missing = [key for key in _REQUIRED[kind] if key not in data or (kind == "kubernetes.io/ssh-auth" and not data[key])]
        return [required(f"data[{key}]") for key in missing]
    if kind in _JSON:
        return _validate_json(_JSON[kind], data)
    if kind == "kubernetes.io/basic-auth" and not {"username", "password"} & set(data):
        return [required("data[username]"), required("data[password]")]
    if kind == "kubernetes.io/service-account-token" and not (obj["metadata"].get("annotations") or EMPTY_DICT).get(ACCOUNT_NAME):
        return [required(f"metadata.annotations[{ACCOUNT_NAME}]")]
    return []


def _validate_json(key: str, data: Object) -> list[FieldError]:
    if key not in data:
        return [required(f"data[{key}]")]
    text = base64.b64decode(data[key]).decode(errors="replace")
    hidden = "<secret contents redacted>"
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        return [invalid(f"data[{key}]", hidden, go_json_error(error))]
    if isinstance(value, dict) or value is None:
        return []
    name = {bool: "bool", str: "string", list: "array"}.get(type(value), "number")
    return [invalid(f"data[{key}]", hidden, f"json: cannot unmarshal {name} into Go value of type map[string]interface {{}}")]


def validate_update(obj: Object, old: Object) -> Errors:
    """The type stays; once immutable, always immutable."""
    return immutable("type", obj.get("type", ""), old.get("type", "")) + frozen_errors(obj, old, "data")


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get secrets``."""
    return [obj["metadata"]["name"], obj.get("type", ""), len(obj.get("data") or ()), age(obj, now)]


EXAMPLE = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "stringData": {"password": "open"}}

RESOURCE = served(
    "v1",
    "Secret",
    default=default,
    validate=validate,
    validate_update=validate_update,
    update_errors_first=True,
    cells=cells,
    selectable_fields={"type": lambda obj: str(obj.get("type", ""))},
    example=EXAMPLE,
    simulated=True,
)
