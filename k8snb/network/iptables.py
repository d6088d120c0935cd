"""Rules as ``iptables-save`` prints them on a node with kube-proxy in iptables mode.

    KUBE-SERVICES    which Service is it?            by destination address and port
    KUBE-SVC-...     which endpoint?                 one rule each, with a probability; the last one takes the rest
    KUBE-SEP-...     rewrite the destination         DNAT
    KUBE-EXT-...     came from outside               mark for masquerade, then KUBE-SVC- or (policy Local) KUBE-SVL-
    KUBE-POSTROUTING replace the source of marked packets by the node's own address

With three endpoints the probabilities read 0.33333, 0.50000 and (without a number) the rest: each is asked only if those before
it did not match, so all three get a third.

Models: pkg/proxy/iptables/proxier.go (syncProxyRules, writeServiceToEndpointRules), the printing of iptables-save.
Simplified: counters are zero; rules of the CNI plugin and chains of canaries are not shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8snb.network.chains import chain
from k8snb.network.rules import Backend, Rule

PODS = "10.244.0.0/16"
MARK = "0x4000"
_MASQ = "KUBE-MARK-MASQ"
_RANDOM = 1 << 31  # the resolution of -m statistic

_FILTER_HEAD = (
    '-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
    '-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS',
    '-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES',
    "-A INPUT -j KUBE-FIREWALL",
    '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
    '-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD',
    '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES',
    '-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
    '-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    "-A OUTPUT -j KUBE-FIREWALL",
    (
        '-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections"'
        " -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP"
    ),
    f'-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark {MARK}/{MARK} -j ACCEPT',
    '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
)
_NAT_HEAD = (
    '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    '-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    '-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
    f"-A {_MASQ} -j MARK --set-xmark {MARK}/{MARK}",
    f"-A KUBE-POSTROUTING -m mark ! --mark {MARK}/{MARK} -j RETURN",
    f"-A KUBE-POSTROUTING -j MARK --set-xmark {MARK}/0x0",
    '-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
)
_LAST = (
    '-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain"'
    " -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS"
)


def as_iptables(rules: Iterable[Rule]) -> list[str]:
    """The tables ``filter`` and ``nat`` of a node."""
    known = list(rules)
    filters = [line for rule in known for line in _filter(rule)]
    heads = [line for rule in known for line in _heads(rule)]
    bodies = [line for rule in known for line in _bodies(rule)]
    return [*_table("filter", [*_FILTER_HEAD, *filters]), *_table("nat", [*_NAT_HEAD, *heads, _LAST, *bodies])]


def of_service(rules: Iterable[Rule]) -> list[str]:
    """Only what a Service adds to the tables."""
    known = list(rules)
    return [line for part in (_filter, _heads, _bodies) for rule in known for line in part(rule)]


def _table(name: str, lines: Sequence[str]) -> list[str]:
    words = [word for line in lines for word in (line.split()[1], line.rpartition(" -j ")[2].split()[0])]
    chains = dict.fromkeys(word for word in words if word.startswith("KUBE-"))
    return [f"*{name}", *(f":{one} - [0:0]" for one in sorted(chains)), *lines, "COMMIT"]


def _comment(text: str) -> str:
    return f'-m comment --comment "{text}"'


def _filter(rule: Rule) -> list[str]:
    """What is refused or dropped before any address is translated."""
    lines, no = [], "has no endpoints" if not rule.anywhere else "has no local endpoints"
    target = "REJECT --reject-with icmp-port-unreachable" if not rule.anywhere else "DROP"
    match, said = f"-m {rule.protocol.lower()} --dport", _comment(f"{rule.label} {no}")
    proto = f"-p {rule.protocol.lower()}"
    if not rule.anywhere or not rule.inside:
        lines.append(f"-A KUBE-SERVICES -d {rule.cluster_ip}/32 {proto} {said} {match} {rule.port} -j {target}")
    if not rule.anywhere or not rule.outside:
        lines += [
            f"-A KUBE-EXTERNAL-SERVICES -d {ip}/32 {proto} {said} {match} {rule.port} -j {target}"
            for ip in (*rule.external_ips, *rule.balancer_ips)
        ]
        if rule.node_port:
            lines.append(f"-A KUBE-EXTERNAL-SERVICES {proto} {said} -m addrtype --dst-type LOCAL {match} {rule.node_port} -j {target}")
    if rule.health_port:
        health = _comment(f"{rule.service} health check node port")
        lines.append(f"-A KUBE-NODEPORTS -p tcp {health} -m tcp --dport {rule.health_port} -j ACCEPT")
    if rule.source_ranges:
        said = _comment(f"{rule.label} traffic not accepted by {chain('firewall', rule)}")
        lines += [f"-A KUBE-PROXY-FIREWALL -d {ip}/32 {proto} {said} {match} {rule.port} -j DROP" for ip in rule.balancer_ips]
    return lines


def _heads(rule: Rule) -> list[str]:
    """The rules that lead into the chains of a Service: by address, and by port of the node."""
    if not rule.anywhere:
        return []
    proto, match = f"-p {rule.protocol.lower()}", f"-m {rule.protocol.lower()} --dport"
    external = chain("external", rule)
    balanced = chain("firewall", rule) if rule.source_ranges else external
    ways = [(ip, "external IP", external) for ip in rule.external_ips] + [(ip, "loadbalancer IP", balanced) for ip in rule.balancer_ips]
    if rule.inside:
        ways.insert(0, (rule.cluster_ip, "cluster IP", chain("local" if rule.internal_local else "cluster", rule)))
    lines = [
        f"-A KUBE-SERVICES -d {ip}/32 {proto} {_comment(f'{rule.label} {what}')} {match} {rule.port} -j {target}"
        for ip, what, target in ways
    ]
    if rule.node_port:
        lines.append(f"-A KUBE-NODEPORTS {proto} {_comment(rule.label)} {match} {rule.node_port} -j {external}")
    return lines


def _bodies(rule: Rule) -> list[str]:
    """The chains of a Service and of its endpoints."""
    lines: list[str] = []
    if rule.anywhere and rule.external:
        lines += _external(rule)
    if rule.anywhere and rule.balancer_ips and rule.source_ranges:
        lines += _firewall(rule)
    for kind, backends, used in (
        ("cluster", rule.cluster, rule.external or not rule.internal_local),
        ("local", rule.local, rule.uses_local),
    ):
        if used and backends:
            lines += _choice(rule, kind, backends)
    return lines + [line for backend in rule.reachable for line in _endpoint(rule, backend)]


def _external(rule: Rule) -> list[str]:
    name, cluster = chain("external", rule), chain("cluster", rule)
    if not rule.external_local:
        masquerade = _comment(f"masquerade traffic for {rule.label} external destinations")
        return [f"-A {name} {masquerade} -j {_MASQ}", f"-A {name} -j {cluster}"]
    pods = _comment(f"pod traffic for {rule.label} external destinations")
    said = _comment(f"masquerade LOCAL traffic for {rule.label} external destinations")
    route = _comment(f"route LOCAL traffic for {rule.label} external destinations")
    last = [f"-A {name} -j {chain('local', rule)}"] if rule.local else []
    return [
        f"-A {name} -s {PODS} {pods} -j {cluster}",
        f"-A {name} {said} -m addrtype --src-type LOCAL -j {_MASQ}",
        f"-A {name} {route} -m addrtype --src-type LOCAL -j {cluster}",
        *last,
    ]


def _firewall(rule: Rule) -> list[str]:
    name, said = chain("firewall", rule), _comment(f"{rule.label} loadbalancer IP")
    lines = [f"-A {name} -s {cidr.strip()} {said} -j {chain('external', rule)}" for cidr in rule.source_ranges]
    return [*lines, f"-A {name} {_comment(f'other traffic to {rule.label} will be dropped by KUBE-PROXY-FIREWALL')}"]


def _choice(rule: Rule, kind: str, backends: Sequence[Backend]) -> list[str]:
    """The chain that chooses an endpoint: first whoever came before (affinity), then by chance."""
    name, protocol = chain(kind, rule), rule.protocol.lower()
    lines = []
    if rule.inside is backends:
        masquerade = _comment(f"{rule.label} cluster IP")
        lines.append(
            f"-A {name} ! -s {PODS} -d {rule.cluster_ip}/32 -p {protocol} {masquerade} -m {protocol} --dport {rule.port} -j {_MASQ}"
        )
    ends = [(chain("endpoint", rule, backend=backend), _comment(f"{rule.label} -> {backend.target}")) for backend in backends]
    if rule.affinity:
        recent = f"-m recent --rcheck --seconds {rule.affinity} --reap --name"
        lines += [f"-A {name} {said} {recent} {end} --mask 255.255.255.255 --rsource -j {end}" for end, said in ends]
    for at, (end, said) in enumerate(ends):
        rest = len(ends) - at
        chance = f" -m statistic --mode random --probability {probability(rest)}" if rest > 1 else ""
        lines.append(f"-A {name} {said}{chance} -j {end}")
    return lines


def probability(rest: int) -> str:
    """One in ``rest``, as iptables keeps it: rounded to ten digits by kube-proxy, then to a fraction of 2**31 by the kernel.

    >>> probability(3), probability(2)
    ('0.33333333349', '0.50000000000')
    """
    return f"{round(float(f'{1 / rest:.10f}') * _RANDOM) / _RANDOM:.11f}"


def _endpoint(rule: Rule, backend: Backend) -> list[str]:
    name, protocol, said = chain("endpoint", rule, backend=backend), rule.protocol.lower(), _comment(rule.label)
    recent = f" -m recent --set --name {name} --mask 255.255.255.255 --rsource" if rule.affinity else ""
    return [
        f"-A {name} -s {backend.address}/32 {said} -j {_MASQ}",
        f"-A {name} -p {protocol} {said}{recent} -m {protocol} -j DNAT --to-destination {backend.target}",
    ]
