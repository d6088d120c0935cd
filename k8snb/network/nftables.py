"""Rules as ``nft list table ip kube-proxy`` prints them on a node with kube-proxy in nftables mode.

Where iptables asks one rule after the other, nftables looks up a *verdict map*: one look finds the Service, however many there
are, and ``numgen random mod 3 vmap`` throws one die for all endpoints.

    map service-ips        address . protocol . port  ->  goto service-...
    chain service-...      numgen random mod N vmap { 0 : goto endpoint-..., 1 : goto endpoint-... }
    chain endpoint-...     dnat to ADDRESS:PORT

Models: pkg/proxy/nftables/proxier.go (setupNFTables, syncProxyRules).
Simplified: the base chains are shown without their hooks' neighbours; counters are not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8snb.network.chains import NFTABLES, chain
from k8snb.network.iptables import PODS
from k8snb.network.rules import Backend, Rule

_DNAT, _SNAT = "dstnat", "srcnat"
_NEW = "ct state new jump"
_BASE: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (  # name, type and hook, priority, rules
    ("filter-prerouting", "filter hook prerouting", f"{_DNAT} - 10", (f"{_NEW} firewall-check",)),
    ("filter-input", "filter hook input", f"{_DNAT} - 10", (f"{_NEW} nodeport-endpoints-check", f"{_NEW} service-endpoints-check")),
    ("filter-forward", "filter hook forward", f"{_DNAT} - 10", (f"{_NEW} service-endpoints-check", f"{_NEW} cluster-ips-check")),
    ("filter-output", "filter hook output", f"{_DNAT} - 10", (f"{_NEW} service-endpoints-check", f"{_NEW} firewall-check")),
    ("nat-prerouting", "nat hook prerouting", _DNAT, ("jump services",)),
    ("nat-output", "nat hook output", "-100", ("jump services",)),
    ("nat-postrouting", "nat hook postrouting", _SNAT, ("jump masquerading",)),
)
_BY_ADDRESS, _BY_PORT = "ip daddr . meta l4proto . th dport vmap", "ip daddr @nodeport-ips meta l4proto . th dport vmap"
_FIXED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("services", (f"{_BY_ADDRESS} @service-ips", f"{_BY_PORT} @service-nodeports")),
    ("service-endpoints-check", (f"{_BY_ADDRESS} @no-endpoint-services",)),
    ("nodeport-endpoints-check", (f"{_BY_PORT} @no-endpoint-nodeports",)),
    ("firewall-check", (f"{_BY_ADDRESS} @firewall-ips",)),
    ("cluster-ips-check", ("ip daddr @cluster-ips reject", "ip daddr { 10.96.0.0/16 } drop")),
    ("mark-for-masquerade", ("meta mark set meta mark | 0x00004000",)),
    ("masquerading", ("meta mark & 0x00004000 == 0x00000000 return", "meta mark set meta mark ^ 0x00004000", "masquerade fully-random")),
    ("reject-chain", ("reject",)),
)
_MASQ = "jump mark-for-masquerade"
_KEY = "ipv4_addr . inet_proto . inet_service : verdict"
_PORT = "inet_proto . inet_service : verdict"
MAPS: dict[str, tuple[str, str]] = {  # name -> type, comment
    "service-ips": (_KEY, "ClusterIP, ExternalIP and LoadBalancer IP traffic"),
    "service-nodeports": (_PORT, "NodePort traffic"),
    "no-endpoint-services": (_KEY, "vmap to drop or reject packets to services with no endpoints"),
    "no-endpoint-nodeports": (_PORT, "vmap to drop or reject packets to service nodeports with no endpoints"),
    "firewall-ips": (_KEY, "destinations that are subject to LoadBalancerSourceRanges"),
}


def as_nftables(rules: Iterable[Rule], node_ips: Sequence[str]) -> list[str]:
    """The table ``ip kube-proxy`` of a node. ``node_ips``: the addresses at which NodePorts answer."""
    known = list(rules)
    lines = ["table ip kube-proxy {", '    comment "rules for kube-proxy"']
    lines += _set("cluster-ips", [rule.cluster_ip for rule in known], "Active ClusterIPs")
    lines += _set("nodeport-ips", node_ips, "IPs that accept NodePort traffic")
    for name, (kind, comment) in MAPS.items():
        lines += _map(name, kind, comment, [entry for rule in known for where, entry in _entries(rule) if where == name])
    for rule in known:
        lines += _affinity_sets(rule)
    for name, hook, priority, body in _BASE:
        lines += _chain(name, (f"type {hook} priority {priority}; policy accept;", *body))
    for name, body in _FIXED:
        lines += _chain(name, body)
    return [*lines, *(line for rule in known for name, body in _chains(rule) for line in _chain(name, body)), "}"]


def of_service(rules: Iterable[Rule]) -> list[str]:
    """Only what a Service adds: the elements of maps, then its chains."""
    known = list(rules)
    elements = [f"element ip kube-proxy {where} {{ {entry} }}" for rule in known for where, entry in _entries(rule)]
    return [*elements, *(line[4:] for rule in known for name, body in _chains(rule) for line in _chain(name, body))]


def _chain(name: str, body: Iterable[str]) -> list[str]:
    return [f"    chain {name} {{", *(f"        {line}" for line in body), "    }"]


def _elements(items: Sequence[str]) -> list[str]:
    rows = [f"                     {item}," for item in items]
    if not rows:
        return []
    rows[0] = "        elements = { " + rows[0].lstrip()
    rows[-1] = rows[-1][:-1] + " }"
    return rows


def _set(name: str, items: Sequence[str], comment: str) -> list[str]:
    return [f"    set {name} {{", "        type ipv4_addr", f'        comment "{comment}"', *_elements(list(dict.fromkeys(items))), "    }"]


def _map(name: str, kind: str, comment: str, items: Sequence[str]) -> list[str]:
    return [f"    map {name} {{", f"        type {kind}", f'        comment "{comment}"', *_elements(items), "    }"]


def _affinity_sets(rule: Rule) -> list[str]:
    lines: list[str] = []
    for backend in rule.reachable if rule.affinity else ():
        name = chain("affinity", rule, NFTABLES, backend)
        body = ("type ipv4_addr", "flags dynamic,timeout", f"timeout {rule.affinity}s")
        lines += [f"    set {name} {{", *(f"        {line}" for line in body), "    }"]
    return lines


def _entries(rule: Rule) -> list[tuple[str, str]]:
    """(map, element) for every address and port of a Service."""
    proto, label = rule.protocol.lower(), rule.label
    outside = [*rule.external_ips, *rule.balancer_ips]
    no = "goto reject-chain" if not rule.anywhere else "drop"
    found = []
    if rule.anywhere and rule.inside:
        to = chain("local" if rule.internal_local else "cluster", rule, NFTABLES)
        found.append(("service-ips", f"{rule.cluster_ip} . {proto} . {rule.port} : goto {to}"))
    else:
        found.append(("no-endpoint-services", f'{rule.cluster_ip} . {proto} . {rule.port} comment "{label}" : {no}'))
    if rule.anywhere:
        to = chain("external", rule, NFTABLES)
        found += [("service-ips", f"{ip} . {proto} . {rule.port} : goto {to}") for ip in outside]
        found += [("service-nodeports", f"{proto} . {rule.node_port} : goto {to}")] if rule.node_port else []
    if not rule.anywhere or not rule.outside:
        found += [("no-endpoint-services", f'{ip} . {proto} . {rule.port} comment "{label}" : {no}') for ip in outside]
        found += [("no-endpoint-nodeports", f'{proto} . {rule.node_port} comment "{label}" : {no}')] if rule.node_port else []
    if rule.source_ranges:
        to = chain("firewall", rule, NFTABLES)
        found += [("firewall-ips", f'{ip} . {proto} . {rule.port} comment "{label}" : goto {to}') for ip in rule.balancer_ips]
    return found


def _chains(rule: Rule) -> list[tuple[str, list[str]]]:
    """The chains of a Service and of its endpoints, with their rules."""
    found: list[tuple[str, list[str]]] = []
    if rule.anywhere and rule.external:
        found.append((chain("external", rule, NFTABLES), _external(rule)))
    if rule.balancer_ips and rule.source_ranges:
        allowed = ", ".join(cidr.strip() for cidr in rule.source_ranges)
        found.append((chain("firewall", rule, NFTABLES), [f"ip saddr != {{ {allowed} }} drop"]))
    for kind, backends, used in (
        ("cluster", rule.cluster, rule.external or not rule.internal_local),
        ("local", rule.local, rule.uses_local),
    ):
        if used and backends:
            found.append((chain(kind, rule, NFTABLES), _choice(rule, backends)))
    return found + [(chain("endpoint", rule, NFTABLES, backend), _endpoint(rule, backend)) for backend in rule.reachable]


def _external(rule: Rule) -> list[str]:
    cluster = chain("cluster", rule, NFTABLES)
    if not rule.external_local:
        return [_MASQ, f"goto {cluster}"]
    return [
        f'ip saddr {PODS} goto {cluster} comment "short-circuit pod traffic"',
        f'fib saddr type local {_MASQ} comment "masquerade local traffic"',
        f'fib saddr type local goto {cluster} comment "short-circuit local traffic"',
        *([f"goto {chain('local', rule, NFTABLES)}"] if rule.local else []),
    ]


def _choice(rule: Rule, backends: Sequence[Backend]) -> list[str]:
    lines = []
    if rule.inside is backends:
        lines.append(f"ip daddr {rule.cluster_ip} {rule.protocol.lower()} dport {rule.port} ip saddr != {PODS} {_MASQ}")
    if rule.affinity:
        lines += [
            f"ip saddr @{chain('affinity', rule, NFTABLES, backend)} goto {chain('endpoint', rule, NFTABLES, backend)}"
            for backend in backends
        ]
    options = ", ".join(f"{at} : goto {chain('endpoint', rule, NFTABLES, backend)}" for at, backend in enumerate(backends))
    return [*lines, f"numgen random mod {len(backends)} vmap {{ {options} }}"]


def _endpoint(rule: Rule, backend: Backend) -> list[str]:
    update = [f"update @{chain('affinity', rule, NFTABLES, backend)} {{ ip saddr }}"] if rule.affinity else []
    return [f"ip saddr {backend.address} {_MASQ}", *update, f"meta l4proto {rule.protocol.lower()} dnat to {backend.target}"]
