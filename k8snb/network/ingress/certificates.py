"""Whose certificate is it? The names in a PEM certificate: what a server shows and a client compares with the host it asked for.

A certificate is DER inside of base64: nested fields of (tag, length, content). Two fields matter here: the common name of its
subject, and the list of DNS names (subjectAltName), which is what clients look at today.

Models: crypto/x509 VerifyHostname, as ingress-nginx and every HTTPS client use it.
Simplified: signatures, issuers and dates are not checked; whatever names the host is believed.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import NamedTuple

FAKE = "Kubernetes Ingress Controller Fake Certificate"
_COMMON_NAME, _ALT_NAMES = bytes.fromhex("0603550403"), bytes.fromhex("0603551d11")
_DNS_NAME = 0x82
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----")


class Certificate(NamedTuple):
    """The subject's common name, and the DNS names."""

    subject: str
    names: tuple[str, ...] = ()

    def covers(self, host: str) -> bool:
        """Whether it was made for that host. ``*.shop.example`` covers one label in its place."""
        parent = host.lower().partition(".")[2]
        return any(name.lower() == host.lower() or (name.startswith("*.") and name[2:].lower() == parent) for name in self.names)


def read(pem: str) -> Certificate | None:
    """The first certificate of a PEM file; None for anything else."""
    found = _PEM.search(pem)
    if not found:
        return None
    try:
        der = base64.b64decode("".join(found[1].split()), validate=True)
        subjects = list(_after(der, _COMMON_NAME))
        names = tuple(_dns_names(der))
    except (binascii.Error, IndexError, UnicodeDecodeError):
        return None
    subject = subjects[-1] if subjects else ""  # the issuer's comes first
    return Certificate(subject or (names[0] if names else ""), names or ((subject,) if subject else ()))


def _length(der: bytes, at: int) -> tuple[int, int]:
    """The length that stands at a place, and where the content begins."""
    first = der[at]
    if first < 0x80:
        return first, at + 1
    size = first & 0x7F
    return int.from_bytes(der[at + 1 : at + 1 + size], "big"), at + 1 + size


def _after(der: bytes, marker: bytes) -> Iterator[str]:
    """The strings that follow an object identifier."""
    at = der.find(marker)
    while at >= 0:
        length, begin = _length(der, at + len(marker) + 1)
        yield der[begin : begin + length].decode()
        at = der.find(marker, at + 1)


def _dns_names(der: bytes) -> Iterator[str]:
    at = der.find(_ALT_NAMES)
    if at < 0:
        return
    at += len(_ALT_NAMES)
    if der[at] == 0x01:  # critical: a boolean comes first
        at += 3
    _, at = _length(der, at + 1)  # the octet string
    size, at = _length(der, at + 1)  # the sequence in it
    end = at + size
    while at < end:
        tag = der[at]
        length, begin = _length(der, at + 1)
        if tag == _DNS_NAME:
            yield der[begin : begin + length].decode()
        at = begin + length
