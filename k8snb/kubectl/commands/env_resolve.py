"""The values that environment variables refer to, for ``kubectl set env --list --resolve``.

Models: k8s.io/kubectl/pkg/cmd/set/env/env_resolve.go.
Simplified: no huge pages.
"""

from __future__ import annotations

import base64
import math
import re
from typing import Any

from k8snb.apimachinery.errors import ApiError, quote
from k8snb.apimachinery.objects import dig
from k8snb.apimachinery.quantity import exact
from k8snb.kubectl.api import Json
from k8snb.kubectl.call import Call

SUBSCRIPT = re.compile(r"(.+?)\['(.*)'\]")
FIELDS = ("metadata.name", "metadata.namespace", "metadata.uid")
MAPS = ("metadata.annotations", "metadata.labels")
RESOURCES = tuple(f"{of}.{name}" for of in ("limits", "requests") for name in ("cpu", "memory", "ephemeral-storage"))


def resolved(call: Call, source: Json, obj: Json, container: Json) -> tuple[str, str]:
    """The value of a ``valueFrom``, or why there is none: ``(value, error)``."""
    try:
        return _value(call, source, obj, container), ""
    except (ApiError, LookupError) as error:
        return "", error.message if isinstance(error, ApiError) else str(error.args[0])


def _value(call: Call, source: Json, obj: Json, container: Json) -> str:
    if ref := source.get("secretKeyRef"):
        return base64.b64decode(_key(call, "Secret", "secret", ref)).decode("utf-8", "replace")
    if ref := source.get("configMapKeyRef"):
        return _key(call, "ConfigMap", "config map", ref)
    if ref := source.get("fieldRef"):
        return _field(obj, ref["fieldPath"])
    if ref := source.get("resourceFieldRef"):
        return _resource(container, ref)
    raise LookupError("invalid valueFrom")


def _key(call: Call, kind: str, called: str, ref: Json) -> str:
    data = call.api.find("v1", kind, call.namespace, ref.get("name", "")).get("data") or {}
    if ref["key"] not in data:
        raise LookupError(f"key {ref['key']} not found in {called} {ref.get('name', '')}")
    return str(data[ref["key"]])


def _field(obj: Json, path: str) -> str:
    subscript = SUBSCRIPT.fullmatch(path)
    if subscript and subscript[1] in MAPS:
        return str(dig(obj, (*subscript[1].split("."), subscript[2]), ""))
    if subscript:
        raise LookupError(f"fieldPath {quote(path)} does not support subscript")
    if path in MAPS:
        return "\n".join(f"{key}={quote(value)}" for key, value in sorted((dig(obj, path) or {}).items()))
    if path not in FIELDS:
        raise LookupError(f"unsupported fieldPath: {path}")
    return str(dig(obj, path, ""))


def _resource(container: Json, ref: Json) -> str:
    if ref["resource"] not in RESOURCES:
        raise LookupError(f"Unsupported container resource : {ref['resource']}")
    of, _, name = ref["resource"].partition(".")
    amounts: dict[str, Any] = dig(container, ("resources", of)) or {}
    return str(math.ceil(exact(amounts.get(name, "0")) / (exact(ref.get("divisor") or "0") or 1)))
