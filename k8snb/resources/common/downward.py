"""References from a pod to its own fields and resources: ``fieldRef`` and ``resourceFieldRef``.

Models: pkg/apis/core/validation (validateObjectFieldSelector, validateContainerResourceFieldSelector), pkg/apis/core/pods
(ConvertDownwardAPIFieldLabel), pkg/fieldpath.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, invalid, not_supported, required
from k8snb.apimachinery.quantity import exact
from k8snb.apimachinery.validation import check, qualified_name

ENV_FIELDS = (
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
    "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
)  # fmt: skip
VOLUME_FIELDS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
KNOWN_FIELDS = {*ENV_FIELDS, *VOLUME_FIELDS, "spec.restartPolicy", "spec.schedulerName", "status.phase", "spec.host"}
RESOURCES = (
    "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory",
)  # fmt: skip
_SIZES = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei"
_DIVISORS = {"cpu": "1m and 1", "memory": _SIZES, "ephemeral-storage": _SIZES}
_DIVISOR_NAMES = {"ephemeral-storage": "local ephemeral storage"}


def validate_field_ref(ref: Mapping[str, Any], allowed: Collection[str]) -> Errors:
    """A reference to a field of the pod; ``allowed`` are the paths without a subscript."""
    if not ref.get("apiVersion"):
        return [required("apiVersion")]
    path = ref.get("fieldPath", "")
    if not path:
        return [required("fieldPath")]
    subscripted = re.fullmatch(r"(.+)\['(.*)'\]", path, re.DOTALL)
    base = subscripted[1] if subscripted else path
    if ref["apiVersion"] != "v1":
        return [invalid("fieldPath", path, f"error converting fieldPath: unsupported pod version: {ref['apiVersion']}")]
    if base not in KNOWN_FIELDS or (subscripted and base not in ("metadata.annotations", "metadata.labels")):
        if subscripted and base in KNOWN_FIELDS:
            return [invalid("fieldPath", path, f"error converting fieldPath: field label does not support subscript: {base}")]
        return [invalid("fieldPath", path, f"error converting fieldPath: field label not supported: {path}")]
    if subscripted:
        key = subscripted[2].lower() if base == "metadata.annotations" else subscripted[2]
        return check("", key, qualified_name)
    return [] if path in allowed else [not_supported("fieldPath", path, sorted(allowed))]


def validate_resource_ref(ref: Mapping[str, Any], *, volume: bool = False) -> Errors:
    """A reference to a limit or request of a container."""
    name = ref.get("resource", "")
    errors: Errors = []
    if volume and not ref.get("containerName"):
        errors.append(required("containerName"))
    elif not name:
        errors.append(required("resource"))
    elif name not in RESOURCES and not name.startswith(("requests.hugepages-", "limits.hugepages-")):
        errors.append(not_supported("resource", name, RESOURCES))
    return errors + _divisor(name, str(ref.get("divisor") or "0"))


def _divisor(name: str, divisor: str) -> Errors:
    what = name.partition(".")[2]
    kind = "hugepages" if what.startswith("hugepages-") else what
    allowed = _DIVISORS.get(kind, _SIZES if kind == "hugepages" else "")
    if exact(divisor) == 0 or not allowed or divisor in re.split(r", | and ", allowed):
        return []
    return [invalid("divisor", name, f"only divisor's values {allowed} are supported with the {_DIVISOR_NAMES.get(kind, kind)} resource")]
