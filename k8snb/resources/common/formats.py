"""Formats of values that a few kinds share and that are more than a name: addresses, ranges, paths.

As in :mod:`k8snb.apimachinery.validation`, every function gives field errors at the field it is told.

Models: k8s.io/apimachinery/pkg/util/validation (IsDomainPrefixedPath, IsValidIP, IsValidCIDR), pkg/util/net.
"""

from __future__ import annotations

import functools
import ipaddress
import re

from k8snb.apimachinery.errors import Errors, invalid, required
from k8snb.apimachinery.validation import dns_subdomain, regex_error

_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"


def domain_prefixed_path(field: str, text: str) -> Errors:
    """``example.com/path``."""
    if not text:
        return [required(field)]
    host, slash, path = text.partition("/")
    if not slash or not host or not path:
        return [invalid(field, text, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    errors = [invalid(field, host, message) for message in dns_subdomain(host)]
    if not re.fullmatch(_PATH, path, re.ASCII):
        errors.append(invalid(field, path, regex_error("Invalid path", _PATH)))
    return errors


def path_segment(text: str) -> list[str]:
    """A name that can stand in the path of a URL: the names of RBAC objects and of much else that is not a host."""
    if text in (".", ".."):
        return [f"may not be '{text}'"]
    return [f"may not contain '{char}'" for char in ("/", "%") if char in text]


Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_BAD_IP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
_BAD_CIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


@functools.lru_cache(maxsize=8192)  # every status of a Pod and of a Node brings the same few
def parse_ip(text: str) -> Address | None:
    """An address, or None. Leading zeros in IPv4 are read as old Go read them; zone identifiers are refused."""
    if _leading_zeros(text) and re.fullmatch(r"[0-9]+(\.[0-9]+){3}", text, re.ASCII):
        text = ".".join(str(int(part)) for part in text.split("."))
    try:
        return None if "%" in text else ipaddress.ip_address(text)
    except ValueError:
        return None


@functools.lru_cache(maxsize=8192)
def _leading_zeros(text: str) -> bool:
    return re.search(r"(^|\.)0[0-9]", text) is not None and ":" not in text


def ip(field: str, text: str, *, canonical: bool = False) -> Errors:
    """An IPv4 or IPv6 address; ``canonical``: in its one canonical form."""
    address = parse_ip(text)
    if address is None:
        return [invalid(field, text, _BAD_IP)]
    if _leading_zeros(text):
        return [invalid(field, text, "must not have leading 0s")]
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return [invalid(field, text, "must not be an IPv4-mapped IPv6 address")]
    if canonical and str(address) != text:
        return [invalid(field, text, f'must be in canonical form ("{address}")')]
    return []


def parse_cidr(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The network that the text means, or None."""
    host, _, length = text.partition("/")
    address = parse_ip(host)
    if address is None or not re.fullmatch("[0-9]{1,4}", length, re.ASCII) or int(length) > address.max_prefixlen:
        return None
    return ipaddress.ip_network(f"{address}/{int(length)}", strict=False)


def cidr(field: str, text: str, *, canonical: bool = False) -> Errors:
    """A network: no bits set beyond its prefix."""
    network = parse_cidr(text)
    if network is None:
        return [invalid(field, text, _BAD_CIDR)]
    host, _, length = text.partition("/")
    address = parse_ip(host)
    if _leading_zeros(host) or (len(length) > 1 and length.startswith("0")):
        return [invalid(field, text, "must not have leading 0s in IP or prefix length")]
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return [invalid(field, text, "must not have an IPv4-mapped IPv6 address")]
    if network.network_address != address:
        return [invalid(field, text, "must not have bits set beyond the prefix length")]
    if canonical and str(network) != text:
        return [invalid(field, text, f'must be in canonical form ("{network}")')]
    return []


def ip_warnings(field: str, text: str) -> list[str]:
    """What a server says of an address that it takes, but not gladly."""
    address = parse_ip(text)
    if address is None:
        return []
    if _leading_zeros(text) or _mapped(address):
        shown = getattr(address, "ipv4_mapped", None) or address
        return [f'{field}: non-standard IP address "{text}" will be considered invalid in a future Kubernetes release: use "{shown}"']
    if address.version == 6 and str(address) != text:
        return [f'{field}: IPv6 address "{text}" should be in RFC 5952 canonical format ("{address}")']
    return []


def cidr_warnings(field: str, text: str) -> list[str]:
    """What a server says of a network that it takes, but not gladly."""
    network, (host, _, length) = parse_cidr(text), text.partition("/")
    address = parse_ip(host)
    if network is None or address is None:
        return []
    found = []
    if network.network_address != address:
        single = f"{address}/{address.max_prefixlen}"
        found.append(f'{field}: CIDR value "{text}" is ambiguous in this context (should be "{network}" or "{single}"?)')
    if _leading_zeros(host) or (len(length) > 1 and length.startswith("0")) or _mapped(address):
        found.append(
            f'{field}: non-standard CIDR value "{text}" will be considered invalid in a future Kubernetes release: use "{network}"'
        )
    if not found and address.version == 6 and str(network) != text:
        found.append(f'{field}: IPv6 CIDR value "{text}" should be in RFC 5952 canonical format ("{network}")')
    return found


def _mapped(address: Address) -> bool:
    return isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None
