"""Ingresses: rules that send HTTP requests to Services.

Models: pkg/apis/networking/validation/validation.go (ValidateIngressCreate), pkg/registry/networking/ingress/strategy.go,
pkg/printers/internalversion (printIngress).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, invalid, not_supported, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, dns_label, dns_subdomain, port_name, port_number, wildcard_subdomain
from k8snb.resources.common.cells import NONE, age
from k8snb.resources.common.formats import ip, parse_ip
from k8snb.resources.discovery import served
from k8snb.resources.networking.references import validate_typed_reference

CLASS_ANNOTATION = "kubernetes.io/ingress.class"
PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_NOT_WITHIN = ("//", "/./", "/../", "%2f", "%2F")
_NOT_AT_END = ("/..", "/.")
_NO_RULES = "either `defaultBackend` or `rules` must be specified"
_NOT_AN_IP = "must be a DNS name, not an IP address"


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", _validate_spec(obj.get("spec") or EMPTY_DICT))


def validate_create(obj: Object) -> Errors:
    """The class that the old annotation names is the one of the field."""
    annotation, name = dig(obj, ("metadata", "annotations", CLASS_ANNOTATION)), dig(obj, "spec.ingressClassName")
    if annotation is None or name is None or annotation == name:
        return []
    return [invalid(f"annotations.{CLASS_ANNOTATION}", annotation, "must match `ingressClassName` when both are specified")]


@once
def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    rules, backend = spec.get("rules") or (), spec.get("defaultBackend")
    errors: Errors = [] if rules or backend is not None else [invalid("", spec.get("rules"), _NO_RULES)]
    if backend is not None:
        errors += within("defaultBackend", _validate_backend(backend))
    for index, rule in enumerate(rules):
        errors += within(f"rules[{index}]", _validate_rule(rule))
    for index, tls in enumerate(spec.get("tls") or ()):
        errors += within(f"tls[{index}]", _validate_tls(tls))
    name = spec.get("ingressClassName")
    return errors + (check("ingressClassName", name, dns_subdomain) if name is not None else [])


def _validate_host(field: str, host: str) -> Errors:
    return check(field, host, wildcard_subdomain if "*" in host else dns_subdomain)


def _validate_rule(rule: Mapping[str, Any]) -> Errors:
    host, http = rule.get("host", ""), rule.get("http")
    errors: Errors = []
    if host:
        errors += [invalid("host", host, _NOT_AN_IP)] if parse_ip(host) is not None else []
        errors += _validate_host("host", host)
    if http is None:
        return errors
    paths = http.get("paths") or ()
    errors += [] if paths else [required("http.paths")]
    for index, path in enumerate(paths):
        errors += within(f"http.paths[{index}]", _validate_path(path))
    return errors


def _validate_path(item: Mapping[str, Any]) -> Errors:
    kind, path = item.get("pathType"), item.get("path", "")
    if not kind:
        return [required("pathType", "pathType must be specified")]
    errors: Errors = []
    if kind not in PATH_TYPES:
        errors.append(not_supported("pathType", kind, PATH_TYPES))
    elif not path.startswith("/") and (path or kind != "ImplementationSpecific"):
        errors.append(invalid("path", path, "must be an absolute path"))
    if kind in ("Exact", "Prefix"):
        errors += [invalid("path", path, f"must not contain '{part}'") for part in _NOT_WITHIN if part in path]
        errors += [invalid("path", path, f"cannot end with '{part}'") for part in _NOT_AT_END if path.endswith(part)]
    return errors + within("backend", _validate_backend(item.get("backend") or EMPTY_DICT))


@once
def _validate_backend(backend: Mapping[str, Any]) -> Errors:
    resource, service = backend.get("resource"), backend.get("service")
    if resource is not None and service is not None:
        return [invalid("", "", "cannot set both resource and service backends")]
    if resource is not None:
        return within("resource", validate_typed_reference(resource))
    if service is None:
        return [invalid("", "", "resource or service backend is required")]
    name, port = service.get("name", ""), service.get("port") or EMPTY_DICT
    errors = check("service.name", name, dns_label) if name else [required("service.name")]
    if port.get("name") and port.get("number"):
        errors.append(invalid("", "", "cannot set both port name & port number"))
    elif port.get("name"):
        errors += check("service.port.name", port["name"], port_name)
    elif port.get("number"):
        errors += [invalid("service.port.number", port["number"], message) for message in port_number(port["number"])]
    else:
        errors.append(required("", "port name or number is required"))
    return errors


def _validate_tls(tls: Mapping[str, Any]) -> Errors:
    errors: Errors = []
    for index, host in enumerate(tls.get("hosts") or ()):
        errors += _validate_host(f"hosts[{index}]", host)
    name = tls.get("secretName", "")
    return errors + (check("secretName", name, dns_subdomain) if name else [])


def validate_status_update(obj: Object, _old: Object) -> Errors:
    """Addresses are addresses, host names are host names."""
    errors: Errors = []
    for index, point in enumerate(dig(obj, "status.loadBalancer.ingress", ())):
        where = f"status.loadBalancer.ingress[{index}]"
        if point.get("ip"):
            errors += ip(f"{where}.ip", point["ip"])
        if host := point.get("hostname"):
            errors += check(f"{where}.hostname", host, dns_subdomain)
            errors += [invalid(f"{where}.hostname", host, _NOT_AN_IP)] if parse_ip(host) is not None else []
    return errors


def warnings(obj: Object, old: Object | None) -> list[str]:
    """The old annotation still works, and is old."""
    named = dig(obj, "spec.ingressClassName") is not None
    if old is None and not named and dig(obj, ("metadata", "annotations", CLASS_ANNOTATION)) is not None:
        return [f"annotation \"{CLASS_ANNOTATION}\" is deprecated, please use 'spec.ingressClassName' instead"]
    return []


def _hosts(rules: list[Mapping[str, Any]]) -> str:
    shown: list[str] = []
    more = False
    for rule in rules:
        more = more or len(shown) == 3
        if not more and rule.get("host"):
            shown.append(rule["host"])
    text = ",".join(shown) or "*"
    return f"{text} + {len(rules) - 3} more..." if more else text


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get ingresses``."""
    spec, points = obj.get("spec") or EMPTY_DICT, dig(obj, "status.loadBalancer.ingress", ())
    addresses = sorted({point.get("ip") or point.get("hostname") or "" for point in points} - {""})
    name = spec.get("ingressClassName")
    ports = "80, 443" if spec.get("tls") else "80"
    return [
        obj["metadata"]["name"],
        NONE if name is None else name,
        _hosts(spec.get("rules") or []),
        ",".join(addresses),
        ports,
        age(obj, now),
    ]


EXAMPLE = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "shop"},
    "spec": {
        "rules": [
            {
                "host": "shop.example.com",
                "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}]},
            }
        ]
    },
}

RESOURCE = served(
    "networking.k8s.io/v1",
    "Ingress",
    validate=validate,
    validate_create=validate_create,
    validate_status_update=validate_status_update,
    warnings=warnings,
    cells=cells,
    counts_generation=True,
    example=EXAMPLE,
)
