"""Names in the API group resource.k8s.io: of drivers, pools, attributes.

    gpu.example.com              a driver           node-1/gpus       a pool: subdomains between slashes
    gpu.example.com/model        an attribute with its domain; without one it is in the driver's own

Models: pkg/apis/resource/validation/validation.go (validatePoolName, validateQualifiedName, validateFullyQualifiedName).
"""

from __future__ import annotations

from k8snb.apimachinery.errors import Errors, invalid, required, too_long
from k8snb.apimachinery.validation import check, dns_subdomain, regex_error
from k8snb.resources.common.volumes import csi_driver_name

LONGEST_ID, LONGEST_DOMAIN = 32, 63
_LONGEST_POOL = 253
_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
_IDENTIFIER_WORDS = (
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'"
)


def driver_name(field: str, name: str) -> Errors:
    """A driver is called as a CSI driver may be called."""
    return csi_driver_name(field, name)


def pool_name(field: str, name: str) -> Errors:
    """A pool of devices."""
    if not name:
        return [required(field)]
    errors = [too_long(field, _LONGEST_POOL)] if len(name) > _LONGEST_POOL else []
    return errors + [error for part in name.split("/") for error in check(field, part, dns_subdomain)]


def qualified(field: str, name: str) -> Errors:
    """An attribute or a capacity, with a domain or without."""
    domain, slash, rest = name.partition("/")
    if not slash:
        return _identifier(field, name)
    if "/" in rest:
        return [invalid(field, name, "must not contain more than one slash")]
    errors = driver_name(field, domain) if domain else [invalid(field, "", "the domain must not be empty")]
    return errors + (_identifier(field, rest) if rest else [invalid(field, "", "the name must not be empty")])


def fully_qualified(field: str, name: str) -> Errors:
    """An attribute with its domain."""
    if not name:
        return [required(field)]
    errors = qualified(field, name)
    if "/" not in name:
        errors.append(invalid(field, name, "a fully qualified name must be a domain and a name separated by a slash"))
    return errors


def _identifier(field: str, name: str) -> Errors:
    errors = [too_long(field, LONGEST_ID)] if len(name) > LONGEST_ID else []
    head, tail = name[:1], name[1:]
    sound = name.isascii() and (head.isalpha() or head == "_") and (not tail or tail.replace("_", "a").isalnum())
    words = regex_error(_IDENTIFIER_WORDS, _IDENTIFIER, "my_name", "MY_NAME", "MyName")
    return errors if sound else [*errors, invalid(field, name, words)]
