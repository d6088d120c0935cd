"""NetworkPolicies: who may talk to whom.

Models: pkg/apis/networking/v1/defaults.go (SetDefaults_NetworkPolicy), pkg/apis/networking/validation
(ValidateNetworkPolicy), pkg/printers/internalversion (printNetworkPolicy).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden, invalid, not_supported, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, Object, dig
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.selectors import format_label_selector
from k8snb.apimachinery.validation import check, port_name, port_number, validate_label_selector
from k8snb.resources.common.cells import age
from k8snb.resources.common.fill import each, fill, inside, where_given
from k8snb.resources.common.formats import cidr, cidr_warnings, parse_cidr
from k8snb.resources.discovery import served

POLICY_TYPES = ("Ingress", "Egress")
_PROTOCOLS = ("TCP", "UDP", "SCTP")
_DIRECTIONS = (("ingress", "from"), ("egress", "to"))


def default(obj: Object) -> Object:
    """Ports are TCP. A policy governs ingress, and egress too when it has egress rules."""
    return inside(obj, "spec", _default_spec)


def _default_spec(spec: Mapping[str, Any]) -> Any:
    if not spec.get("policyTypes"):
        types = POLICY_TYPES if spec.get("egress") is not None else POLICY_TYPES[:1]
        spec = FrozenDict({**spec, "policyTypes": FrozenList(types)})
    for direction, _ in _DIRECTIONS:
        spec = where_given(spec, direction, each(_default_rule))
    return spec


@once
def _default_rule(rule: Mapping[str, Any]) -> Any:
    return where_given(rule, "ports", each(lambda port: fill(port, {"protocol": "TCP"})))


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", _validate_spec(obj.get("spec") or EMPTY_DICT))


@once
def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    errors = within("podSelector", validate_label_selector(spec.get("podSelector") or EMPTY_DICT))
    for direction, peers in _DIRECTIONS:
        for index, rule in enumerate(spec.get(direction) or ()):
            errors += within(f"{direction}[{index}]", _validate_rule(rule, peers))
    types = spec.get("policyTypes") or ()
    if len(types) > len(POLICY_TYPES):
        return [*errors, invalid("policyTypes", list(types), "may not specify more than two policyTypes")]
    for index, kind in enumerate(types):
        if kind not in POLICY_TYPES:
            errors.append(not_supported(f"policyTypes[{index}]", kind, POLICY_TYPES))
    return errors


def _validate_rule(rule: Mapping[str, Any], peers: str) -> Errors:
    errors: Errors = []
    for index, port in enumerate(rule.get("ports") or ()):
        errors += within(f"ports[{index}]", _validate_port(port))
    for index, peer in enumerate(rule.get(peers) or ()):
        errors += within(f"{peers}[{index}]", _validate_peer(peer))
    return errors


def _validate_port(item: Mapping[str, Any]) -> Errors:
    protocol, port, end = item.get("protocol"), item.get("port"), item.get("endPort")
    errors = [] if protocol is None or protocol in _PROTOCOLS else [not_supported("protocol", protocol, _PROTOCOLS)]
    if port is None:
        return errors + ([invalid("endPort", end, "may not be specified when `port` is not specified")] if end is not None else [])
    if isinstance(port, str):
        errors += [invalid("endPort", end, "may not be specified when `port` is non-numeric")] if end is not None else []
        return errors + check("port", port, port_name)
    errors += [invalid("port", port, message) for message in port_number(port)]
    if end is not None:
        errors += [invalid("endPort", port, "must be greater than or equal to `port`")] if end < port else []
        errors += [invalid("endPort", end, message) for message in port_number(end)]
    return errors


def _validate_peer(peer: Mapping[str, Any]) -> Errors:
    given = [name for name in ("podSelector", "namespaceSelector", "ipBlock") if peer.get(name) is not None]
    errors: Errors = []
    for name in given:
        errors += within(name, _validate_block(peer[name]) if name == "ipBlock" else validate_label_selector(peer[name]))
    if not given:
        errors.append(required("", "must specify a peer"))
    elif len(given) > 1 and "ipBlock" in given:
        errors.append(forbidden("", "may not specify both ipBlock and another peer"))
    return errors


def _validate_block(block: Mapping[str, Any]) -> Errors:
    text = block.get("cidr", "")
    if not text:
        return [required("cidr")]
    errors, network = cidr("cidr", text), parse_cidr(text)
    for index, part in enumerate(block.get("except") or () if network is not None else ()):
        errors += cidr(f"except[{index}]", part)
        found = parse_cidr(part)
        if found is None or network is None:
            continue
        inside_of = found.version == network.version and found.network_address in network
        if not inside_of or network.prefixlen >= found.prefixlen:
            errors.append(invalid(f"except[{index}]", part, "must be a strict subset of `cidr`"))
    return errors


def warnings(obj: Object, _old: Object | None) -> list[str]:
    """Networks that are not written as they should be."""
    found: list[str] = []
    for direction, peers in _DIRECTIONS:
        for number, rule in enumerate(dig(obj, f"spec.{direction}") or ()):
            for index, peer in enumerate(rule.get(peers) or ()):
                block, path = peer.get("ipBlock"), f"spec.{direction}[{number}].{peers}[{index}].ipBlock"
                if block is not None:
                    found += cidr_warnings(f"{path}.cidr", block.get("cidr", ""))
                    found += [w for i, part in enumerate(block.get("except") or ()) for w in cidr_warnings(f"{path}.except[{i}]", part)]
    return found


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get networkpolicies``."""
    return [obj["metadata"]["name"], format_label_selector(dig(obj, "spec.podSelector")), age(obj, now)]


EXAMPLE = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "only-web"},
    "spec": {"podSelector": {"matchLabels": {"app": "db"}}, "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]}]},
}

RESOURCE = served(
    "networking.k8s.io/v1",
    "NetworkPolicy",
    default=default,
    validate=validate,
    warnings=warnings,
    cells=cells,
    counts_generation=True,
    example=EXAMPLE,
    simulated=True,
)
