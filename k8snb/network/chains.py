"""The names of the chains that kube-proxy makes, in its two forms.

The same port of a Service has the same chains on every node and after every restart, because their names are hashes of *what*
they are for: ``KUBE-SVC-XPGD46QRK7WJZT7O`` is always ``ns1/svc1:p80`` over TCP.

Models: pkg/proxy/iptables/proxier.go (portProtoHash), pkg/proxy/nftables/proxier.go (hashAndTruncate).
"""

from __future__ import annotations

import base64
import functools
import hashlib

from k8snb.network.rules import Backend, Rule

IPTABLES, NFTABLES = "iptables", "nftables"
MODES = (IPTABLES, NFTABLES)

_FIXED: dict[str, tuple[str, str]] = {  # kind -> its name in iptables, its name in nftables
    "services": ("KUBE-SERVICES", "services"),
    "nodeports": ("KUBE-NODEPORTS", "services"),
    "proxy-firewall": ("KUBE-PROXY-FIREWALL", "firewall-check"),
    "no-endpoints": ("KUBE-SERVICES", "service-endpoints-check"),
    "no-local-endpoints": ("KUBE-EXTERNAL-SERVICES", "service-endpoints-check"),
}
_PREFIX: dict[str, tuple[str, str]] = {
    "cluster": ("KUBE-SVC-", "service-"),
    "local": ("KUBE-SVL-", "local-"),
    "external": ("KUBE-EXT-", "external-"),
    "firewall": ("KUBE-FW-", "firewall-"),
    "endpoint": ("KUBE-SEP-", "endpoint-"),
    "affinity": ("KUBE-SEP-", "affinity-"),
}


@functools.lru_cache(maxsize=8192)
def _hash(text: str, length: int) -> str:
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()[:length]


def chain(kind: str, rule: Rule, mode: str = IPTABLES, backend: Backend | None = None) -> str:
    """The name of a chain: one that every node has (``services``, ``nodeports`` ...), or one of a Service's port or an endpoint."""
    form = MODES.index(mode)
    if kind in _FIXED:
        return _FIXED[kind][form]
    protocol, prefix = rule.protocol.lower(), _PREFIX[kind][form]
    if mode == IPTABLES:
        return prefix + _hash(f"{rule.label}{protocol}{backend.target if backend else ''}", 16)
    name = f"{rule.service}/{protocol}/{rule.name}" + (f"__{backend.address}/{backend.port}" if backend else "")
    return f"{prefix}{_hash(name, 8)}-{name}"


def way(kinds: tuple[str, ...], rule: Rule, mode: str = IPTABLES, backend: Backend | None = None) -> str:
    """A packet's way through the chains: ``KUBE-SERVICES > KUBE-SVC-... > KUBE-SEP-...``."""
    names = [chain(kind, rule, mode) for kind in kinds]
    if backend is not None:
        names.append(chain("endpoint", rule, mode, backend))
    return " > ".join(names)
