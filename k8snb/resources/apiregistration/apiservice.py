"""APIServices: who serves an API version, this server itself or another behind a Service.

Models: kube-aggregator pkg/apis/apiregistration/{v1/defaults,validation/validation}.go, printAPIService.
Simplified: availability is not checked; an APIService of a server that does not exist here is stored, and never becomes available.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, invalid, required, within
from k8snb.apimachinery.meta import condition
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.validation import check, dns_1035_label, dns_subdomain, port_number
from k8snb.resources.common.cells import age
from k8snb.resources.common.fill import fill, where_given
from k8snb.resources.common.formats import path_segment
from k8snb.resources.discovery import served


def default(obj: Object) -> Object:
    """The Service listens on 443."""
    return where_given(obj, "spec", lambda spec: where_given(spec, "service", lambda service: fill(service, {"port": 443})))


def validate(obj: Object) -> Errors:
    """The name says group and version, and the rest fits."""
    spec, name = obj.get("spec") or EMPTY_DICT, obj["metadata"].get("name", "")
    group, version = spec.get("group", ""), spec.get("version", "")
    errors: Errors = []
    if name and name != f"{version}.{group}":
        errors.append(invalid("metadata.name", name, f'must be `spec.version+"."+spec.group`: "{version}.{group}"'))
    return errors + within("spec", _validate_spec(spec, group, version))


def _validate_spec(spec: Mapping[str, Any], group: str, version: str) -> Errors:
    errors = check("group", group, dns_subdomain) if group else []
    if not group and version != "v1":
        errors.append(required("group", "only v1 may have an empty group and it better be legacy kube"))
    errors += check("version", version, dns_1035_label)
    for name, most in (("groupPriorityMinimum", 20_000), ("versionPriority", 1000)):
        value = spec.get(name, 0)
        errors += [] if 0 < value <= most else [invalid(name, value, f"must be positive and less than {most // 1000 * 1000}")]
    service = spec.get("service")
    if service is None:
        if spec.get("caBundle"):
            errors.append(invalid("caBundle", f"{len(spec['caBundle'])} bytes", "local APIServices may not have a caBundle"))
        if spec.get("insecureSkipTLSVerify"):
            errors.append(invalid("insecureSkipTLSVerify", True, "local APIServices may not have insecureSkipTLSVerify"))
        return errors
    errors += [required(f"service.{name}") for name in ("namespace", "name") if not service.get(name)]
    wrong = port_number(service.get("port", 443))
    errors += [invalid("service.port", service["port"], f"port is not valid: {','.join(wrong)}")] if wrong else []
    if spec.get("insecureSkipTLSVerify") and spec.get("caBundle"):
        errors.append(invalid("insecureSkipTLSVerify", True, "may not be true if caBundle is present"))
    return errors


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get apiservices``."""
    service, found = dig(obj, "spec.service"), condition(obj, "Available")
    shown = "Local" if service is None else f"{service.get('namespace', '')}/{service.get('name', '')}"
    if found is None:
        available = "True" if service is None else "Unknown"  # what this server serves itself is always available
    else:
        available = found["status"] if found["status"] == "True" else f"{found['status']} ({found.get('reason', '')})"
    return [obj["metadata"]["name"], shown, available, age(obj, now)]


EXAMPLE = {
    "apiVersion": "apiregistration.k8s.io/v1",
    "kind": "APIService",
    "metadata": {"name": "v1.example.com"},
    "spec": {"group": "example.com", "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 15},
}

RESOURCE = served(
    "apiregistration.k8s.io/v1", "APIService", default=default, validate=validate, validate_name=path_segment, cells=cells, example=EXAMPLE
)
