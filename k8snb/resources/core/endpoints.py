"""Endpoints: the addresses behind a Service, in their old form.

Models: pkg/apis/core/validation (ValidateEndpoints), pkg/apis/core/v1/defaults.go, pkg/printers (formatEndpoints),
pkg/registry/core/endpoint/strategy.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, required, within
from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.validation import check, dns_label, dns_subdomain, qualified_name
from k8snb.resources.common.cells import NONE, age, some_of
from k8snb.resources.common.fill import each, fill, where_given
from k8snb.resources.common.formats import ip, ip_warnings
from k8snb.resources.common.pod_env import port_number, protocol
from k8snb.resources.core.service_validation import endpoint_ip
from k8snb.resources.discovery import served

DEPRECATED = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"


def default(obj: Object) -> Object:
    """Ports are TCP."""
    port = each(lambda item: fill(item, {"protocol": "TCP"}))
    defaulted: Object = where_given(obj, "subsets", each(lambda subset: where_given(subset, "ports", port)))
    return defaulted


def validate(obj: Object) -> Errors:
    """Addresses that traffic can be sent to, and ports with names where there are several."""
    return [e for i, subset in enumerate(obj.get("subsets") or ()) for e in within(f"subsets[{i}]", _validate_subset(subset))]


def _validate_subset(subset: Mapping[str, Any]) -> Errors:
    errors: Errors = []
    if not subset.get("addresses") and not subset.get("notReadyAddresses"):
        errors.append(required("", "must specify `addresses` or `notReadyAddresses`"))
    for key in ("addresses", "notReadyAddresses"):
        for index, address in enumerate(subset.get(key) or ()):
            errors += within(f"{key}[{index}]", _validate_address(address))
    ports = subset.get("ports") or ()
    for index, port in enumerate(ports):
        errors += within(f"ports[{index}]", _validate_port(port, len(ports) > 1))
    return errors


def _validate_address(address: Mapping[str, Any]) -> Errors:
    errors = ip("ip", address.get("ip", ""))
    errors += check("hostname", address["hostname"], dns_label) if address.get("hostname") else []
    errors += check("nodeName", address["nodeName"], dns_subdomain) if address.get("nodeName") is not None else []
    return errors + endpoint_ip("ip", address.get("ip", ""))


def _validate_port(port: Mapping[str, Any], needs_name: bool) -> Errors:
    name = port.get("name", "")
    errors = check("name", name, dns_label) if name else [required("name")] if needs_name else []
    errors += port_number("port", port.get("port", 0)) + protocol("protocol", port.get("protocol", ""))
    return errors + (check("appProtocol", port["appProtocol"], qualified_name) if port.get("appProtocol") is not None else [])


def warnings(obj: Object, _old: Object | None) -> list[str]:
    """Addresses that are not written as they should be."""
    return [
        words
        for number, subset in enumerate(obj.get("subsets") or ())
        for key in ("addresses", "notReadyAddresses")
        for index, address in enumerate(subset.get(key) or ())
        for words in ip_warnings(f"subsets[{number}].{key}[{index}].ip", address.get("ip", ""))
    ]


def _texts(subset: Mapping[str, Any]) -> list[str]:
    addresses = [address.get("ip", "") for address in subset.get("addresses") or ()]
    ports = [port.get("port", 0) for port in subset.get("ports") or ()]
    shown = [f"[{address}]" if ":" in address else address for address in addresses]
    return [f"{address}:{port}" for port in ports for address in shown] if ports else addresses


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get endpoints``: three of them at most."""
    found = [text for subset in obj.get("subsets") or () for text in _texts(subset)]
    return [obj["metadata"]["name"], some_of(found, total=len(found), empty=NONE), age(obj, now)]


EXAMPLE = {
    "apiVersion": "v1",
    "kind": "Endpoints",
    "metadata": {"name": "outside"},
    "subsets": [{"addresses": [{"ip": "192.0.2.10"}], "ports": [{"port": 5432}]}],
}

RESOURCE = served(
    "v1",
    "Endpoints",
    default=default,
    validate=validate,
    warnings=warnings,
    deprecated=DEPRECATED,
    cells=cells,
    example=EXAMPLE,
    simulated=True,
)
