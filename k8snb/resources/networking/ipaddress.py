"""IPAddresses: every address that a Service has, as an object named after it.

Models: pkg/apis/networking/validation (ValidateIPAddress), pkg/printers/internalversion (printIPAddress).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, required, within
from k8snb.apimachinery.objects import Object, dig
from k8snb.apimachinery.validation import check, dns_subdomain, immutable
from k8snb.resources.common.cells import NONE
from k8snb.resources.common.formats import ip, path_segment
from k8snb.resources.discovery import served


def validate_name(name: str) -> list[str]:
    """The name is an address in canonical form."""
    return [error.message.partition(": ")[2].removeprefix(f'"{name}": ') for error in ip("", name, canonical=True)]


def validate(obj: Object) -> Errors:
    """Who has the address."""
    parent = dig(obj, "spec.parentRef")
    return within("spec.parentRef", _validate_parent(parent)) if parent is not None else [required("spec.parentRef")]


def _validate_parent(parent: Mapping[str, Any]) -> Errors:
    errors = check("group", parent["group"], dns_subdomain) if parent.get("group") else []
    for name in ("resource", "name"):
        errors += check(name, parent[name], path_segment) if parent.get(name) else [required(name)]
    return errors + (check("namespace", parent["namespace"], path_segment) if parent.get("namespace") else [])


def validate_update(obj: Object, old: Object) -> Errors:
    """An address does not change hands."""
    return immutable("spec.parentRef", dig(obj, "spec.parentRef"), dig(old, "spec.parentRef"))


def cells(obj: Object, _now: int) -> list[Any]:
    """One row of ``kubectl get ipaddresses``."""
    parent = dig(obj, "spec.parentRef")
    if parent is None:
        return [obj["metadata"]["name"], NONE]
    resource = f"{parent.get('resource', '')}{'.' + parent['group'] if parent.get('group') else ''}"
    where = f"{parent['namespace']}/" if parent.get("namespace") else ""
    return [obj["metadata"]["name"], f"{resource}/{where}{parent.get('name', '')}"]


EXAMPLE = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "IPAddress",
    "metadata": {"name": "192.168.1.5"},
    "spec": {"parentRef": {"resource": "services", "namespace": "default", "name": "web"}},
}

RESOURCE = served(
    "networking.k8s.io/v1",
    "IPAddress",
    validate=validate,
    validate_name=validate_name,
    validate_update=validate_update,
    cells=cells,
    example=EXAMPLE,
)
