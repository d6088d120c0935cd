"""EndpointSlices: the addresses behind a Service.

Models: pkg/apis/discovery/v1/defaults.go, pkg/apis/discovery/validation, pkg/registry/discovery/endpointslice/strategy.go,
printEndpointSlice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, duplicate, invalid, not_supported, required, too_many, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, put
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, dns_label, dns_subdomain, immutable, port_number
from k8snb.resources.common.cells import age, some_of
from k8snb.resources.common.fill import each, fill, where_given
from k8snb.resources.common.formats import ip, ip_warnings, parse_ip
from k8snb.resources.discovery import served

ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
_CONTROLLERS = ("endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_MOST_ENDPOINTS = 1000
_MOST_PORTS = 20_000
_MOST_ADDRESSES = 100
_UNSPECIFIC = (
    ("is_unspecified", "may not be unspecified"),
    ("is_loopback", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
    ("is_link_local", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
    ("is_multicast", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
)


def default(obj: Object) -> Object:
    """Ports are TCP and have at least an empty name."""
    return where_given(obj, "ports", each(lambda port: fill(port, {"name": "", "protocol": "TCP"})))


def validate(obj: Object) -> Errors:
    """Endpoints and ports of one address type."""
    kind, endpoints, ports = obj.get("addressType", ""), obj.get("endpoints") or (), obj.get("ports") or ()
    if not kind:
        errors = [required("addressType")]
    else:
        errors = [] if kind in ADDRESS_TYPES else [not_supported("addressType", kind, ADDRESS_TYPES)]
    if len(endpoints) > _MOST_ENDPOINTS:
        errors.append(too_many("endpoints", len(endpoints), _MOST_ENDPOINTS))
    for index, endpoint in enumerate(endpoints):
        judge = _VALIDATE_ENDPOINT.get(kind)
        errors += within(f"endpoints[{index}]", judge(endpoint)) if judge else []
    return errors + _validate_ports(ports)


def _validate_endpoint(endpoint: Mapping[str, Any], kind: str) -> Errors:
    addresses = endpoint.get("addresses") or ()
    errors = [] if addresses else [required("addresses", "must contain at least 1 address")]
    if len(addresses) > _MOST_ADDRESSES:
        errors.append(too_many("addresses", len(addresses), _MOST_ADDRESSES))
    for index, address in enumerate(addresses):
        errors += _validate_address(f"addresses[{index}]", address, kind)
    if endpoint.get("nodeName") is not None:
        errors += check("nodeName", endpoint["nodeName"], dns_subdomain)
    if endpoint.get("hostname") is not None:
        errors += check("hostname", endpoint["hostname"], dns_label)
    return errors


@once
def _validate_v4(endpoint: Mapping[str, Any]) -> Errors:
    return _validate_endpoint(endpoint, "IPv4")


@once
def _validate_v6(endpoint: Mapping[str, Any]) -> Errors:
    return _validate_endpoint(endpoint, "IPv6")


@once
def _validate_fqdn(endpoint: Mapping[str, Any]) -> Errors:
    return _validate_endpoint(endpoint, "FQDN")


_VALIDATE_ENDPOINT = {"IPv4": _validate_v4, "IPv6": _validate_v6, "FQDN": _validate_fqdn}


def _validate_address(field: str, text: str, kind: str) -> Errors:
    if kind == "FQDN":
        return check(field, text.rstrip("."), dns_subdomain)
    address = parse_ip(text)
    if address is None:
        return ip(field, text)
    if kind != f"IPv{address.version}":
        return [invalid(field, text, f"must be an {kind} address")]
    return ip(field, text) + [invalid(field, text, why) for name, why in _UNSPECIFIC if getattr(address, name)]


def _validate_ports(ports: Any) -> Errors:
    errors = [too_many("ports", len(ports), _MOST_PORTS)] if len(ports) > _MOST_PORTS else []
    names: list[str] = []
    for index, port in enumerate(ports):
        name = port.get("name") or ""
        errors += within(f"ports[{index}]", _validate_port(port))
        if name in names:
            errors.append(duplicate(f"ports[{index}].name", name))
        names.append(name)
    return errors


@once
def _validate_port(port: Mapping[str, Any]) -> Errors:
    name, protocol, number = port.get("name") or "", port.get("protocol"), port.get("port")
    errors = check("name", name, dns_label) if name else []
    if protocol is None:
        errors.append(required("protocol"))
    elif protocol not in _PROTOCOLS:
        errors.append(not_supported("protocol", protocol, _PROTOCOLS))
    return errors + ([invalid("port", number, message) for message in port_number(number)] if number is not None else [])


def validate_update(obj: Object, old: Object) -> Errors:
    """The address type stays."""
    return immutable("addressType", obj.get("addressType", ""), old.get("addressType", ""))


def warnings(obj: Object, old: Object | None) -> list[str]:
    """Names instead of addresses, and addresses that are not written as they should be."""
    found = ["spec.addressType: FQDN endpoints are deprecated"] if old is None and obj.get("addressType") == "FQDN" else []
    if (obj["metadata"].get("labels") or EMPTY_DICT).get(MANAGED_BY) in _CONTROLLERS:
        return found
    for number, endpoint in enumerate(obj.get("endpoints") or ()):
        for index, address in enumerate(endpoint.get("addresses") or ()):
            found += ip_warnings(f"endpoints[{number}].addresses[{index}]", address)
    return found


def prepare_for_update(obj: Object, old: Object) -> Object:
    """Endpoints and ports are what a slice wants: their change counts a generation."""
    if all(obj.get(key) == old.get(key) for key in ("endpoints", "ports", "addressType")):
        return obj
    return put(obj, "metadata.generation", old["metadata"].get("generation", 0) + 1)


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get endpointslices``."""
    ports, endpoints = obj.get("ports") or (), obj.get("endpoints") or ()
    numbers = [str(port["port"]) if port.get("port") is not None else port.get("name") or "*" for port in ports]
    addresses = [address for endpoint in endpoints for address in endpoint.get("addresses") or ()]
    shown = [some_of(words, total=len(words)) for words in (numbers, addresses)]
    return [obj["metadata"]["name"], obj.get("addressType", ""), *shown, age(obj, now)]


EXAMPLE = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
    "addressType": "IPv4",
    "endpoints": [{"addresses": ["10.0.0.1"]}],
    "ports": [{"port": 80}],
}

RESOURCE = served(
    "discovery.k8s.io/v1",
    "EndpointSlice",
    default=default,
    prepare_for_update=prepare_for_update,
    validate=validate,
    validate_update=validate_update,
    warnings=warnings,
    cells=cells,
    counts_generation=True,
    example=EXAMPLE,
    simulated=True,
)
