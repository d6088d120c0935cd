"""What a Service may say, and what of it may change.

Models: pkg/apis/core/validation/validation.go (validateService and its helpers, ValidateServiceUpdate).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.apimachinery.errors import Errors, duplicate, forbidden, invalid, not_supported, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.validation import IMMUTABLE, check, dns_label, dns_subdomain, qualified_name, validate_labels
from k8snb.resources.common.formats import cidr, ip, parse_ip
from k8snb.resources.common.internal_form import internal
from k8snb.resources.common.pod_env import port_number, port_number_or_name, protocol

Spec = Mapping[str, Any]
TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
TOPOLOGY_HINTS = "service.kubernetes.io/topology-aware-hints"
TOPOLOGY_MODE = "service.kubernetes.io/topology-mode"
SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"


def is_headless(spec: Spec) -> bool:
    """Whether the Service wants no address of its own."""
    return list(spec.get("clusterIPs") or ()) == ["None"]


def is_reachable(spec: Spec) -> bool:
    """Whether traffic from outside the cluster has a way in."""
    return spec.get("type") in ("NodePort", "LoadBalancer") or (spec.get("type") == "ClusterIP" and bool(spec.get("externalIPs")))


def needs_health_check(spec: Spec) -> bool:
    """Whether a port is needed on which nodes say that they have endpoints."""
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def validate(obj: Object) -> Errors:
    """Everything but metadata. ``healthCheckNodePort`` is given out after this."""
    spec = obj.get("spec") or EMPTY_DICT
    errors = _validate_topology(obj["metadata"].get("annotations") or EMPTY_DICT)
    errors += within("spec", _validate_type(spec) + _validate_ports(spec) + _validate_selector_and_affinity(spec))
    errors += within("spec", _validate_cluster_ips(spec) + _validate_external_ips(spec) + _validate_port_sets(spec))
    errors += _validate_source_ranges(spec, obj["metadata"].get("annotations") or EMPTY_DICT)
    return errors + within("spec", _validate_balancer(spec) + _validate_traffic(spec))


def _validate_topology(annotations: Mapping[str, str]) -> Errors:
    hints, mode = annotations.get(TOPOLOGY_HINTS), annotations.get(TOPOLOGY_MODE)
    if hints is None or mode is None or hints == mode:
        return []
    return [invalid(f"metadata.annotations[{TOPOLOGY_MODE}]", mode, f"must match annotations[{TOPOLOGY_HINTS}] when both are specified")]


def _validate_type(spec: Spec) -> Errors:
    kind, errors = spec.get("type", ""), []
    if not spec.get("ports") and not is_headless(spec) and kind != "ExternalName":
        errors.append(required("ports"))
    if kind in ("LoadBalancer", "NodePort") and is_headless(spec):
        errors.append(invalid("clusterIPs[0]", "None", f"may not be set to 'None' for {kind} services"))
    if kind == "ExternalName":
        given = [field for field in ("clusterIPs", "ipFamilies") if spec.get(field)]
        given += ["ipFamilyPolicy"] if spec.get("ipFamilyPolicy") is not None else []
        errors += [forbidden(field, "may not be set for ExternalName services") for field in given]
        name = spec.get("externalName", "").removesuffix(".")
        errors += check("externalName", name, dns_subdomain) if name else [required("externalName")]
    return errors


def _validate_ports(spec: Spec) -> Errors:
    errors: Errors = []
    names: set[str] = set()
    ports = spec.get("ports") or ()
    for index, port in enumerate(ports):
        name, found = port.get("name", ""), []
        if name:
            found += check("name", name, dns_label) + ([duplicate("name", name)] if name in names else [])
        elif len(ports) > 1:
            found.append(required("name"))
        names.add(name)
        found += port_number("port", port.get("port", 0)) + protocol("protocol", port.get("protocol", ""))
        found += port_number_or_name("targetPort", port.get("targetPort", 0))
        if port.get("appProtocol") is not None:
            found += check("appProtocol", port["appProtocol"], qualified_name)
        errors += within(f"ports[{index}]", found)
    return errors


def _validate_selector_and_affinity(spec: Spec) -> Errors:
    errors = within("selector", validate_labels(spec.get("selector") or EMPTY_DICT))
    affinity, config = spec.get("sessionAffinity", ""), spec.get("sessionAffinityConfig")
    if affinity not in ("ClientIP", "None"):
        return [*errors, not_supported("sessionAffinity", affinity, ("ClientIP", "None")) if affinity else required("sessionAffinity")]
    if affinity == "None":
        why = "must not be set when session affinity is None"
        return errors + ([forbidden("sessionAffinityConfig", why)] if config is not None else [])
    seconds = dig(config, "clientIP.timeoutSeconds")
    if seconds is None:
        return [*errors, required("sessionAffinityConfig", "when session affinity type is ClientIP")]
    if not 0 < seconds <= 86400:
        errors.append(invalid("sessionAffinityConfig.clientIP.timeoutSeconds", seconds, "must be greater than 0 and less than 86400"))
    return errors


def _validate_cluster_ips(spec: Spec) -> Errors:
    if spec.get("type") == "ExternalName":
        return []
    first, ips = spec.get("clusterIP", ""), list(spec.get("clusterIPs") or ())
    errors: Errors = []
    if first and not ips:
        errors.append(required("clusterIPs"))
    elif first and ips[0] != first:
        errors.append(invalid("clusterIPs", ips, "first value must match `clusterIP`"))
    elif ips and not first:
        errors.append(invalid("clusterIPs", ips, "must be empty when `clusterIP` is not specified"))
    errors += _validate_families(spec)
    wrong = [invalid("clusterIPs", ips, "'None' must be the first and only value")] if ips[:1] == ["None"] and len(ips) > 1 else []
    wrong += [
        error for index, address in enumerate(ips) if (index, address) != (0, "None") for error in ip(f"clusterIPs[{index}]", address)
    ]
    if len(ips) > 2:
        errors.append(invalid("clusterIPs", ips, "may only hold up to 2 values"))
    if wrong:
        return errors + wrong
    if len(ips) > 1 and len({ipaddress.ip_address(address).version for address in ips}) < 2:
        errors.append(invalid("clusterIPs", ips, "may specify no more than one IP for each IP family"))
    return errors + _validate_matching_families(spec, ips)


def _validate_families(spec: Spec) -> Errors:
    errors: Errors = []
    families = spec.get("ipFamilies") or ()
    for index, family in enumerate(families):
        if family not in ("IPv4", "IPv6"):
            errors.append(not_supported(f"ipFamilies[{index}]", family, ("IPv4", "IPv6")))
        if family in families[:index]:
            errors.append(duplicate(f"ipFamilies[{index}]", family))
    if spec.get("ipFamilyPolicy") not in (None, *FAMILY_POLICIES):
        errors.append(not_supported("ipFamilyPolicy", spec["ipFamilyPolicy"], FAMILY_POLICIES))
    return errors


def _validate_matching_families(spec: Spec, ips: Sequence[str]) -> Errors:
    if is_headless(spec):
        return []
    return [
        invalid(f"clusterIPs[{index}]", address, f"expected an {family} value as indicated by `ipFamilies[{index}]`")
        for index, (address, family) in enumerate(zip(ips, spec.get("ipFamilies") or (), strict=False))
        if family in ("IPv4", "IPv6") and f"IPv{ipaddress.ip_address(address).version}" != family
    ]


def endpoint_ip(field: str, text: str) -> Errors:
    """An address that traffic can be sent to."""
    address = parse_ip(text)
    if address is None:
        return [invalid(field, text, "must be a valid IP address")]
    local = isinstance(address, ipaddress.IPv4Address)
    link_multicast = address in ipaddress.ip_network("224.0.0.0/24" if local else "ff02::/16")
    rules = (
        (address.is_unspecified, f"may not be unspecified ({text})"),
        (address.is_loopback, "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        (address.is_link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        (link_multicast, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
    )
    return [invalid(field, text, why) for broken, why in rules if broken]


def _validate_external_ips(spec: Spec) -> Errors:
    errors: Errors = []
    for index, address in enumerate(spec.get("externalIPs") or ()):
        errors += ip(f"externalIPs[{index}]", address) or endpoint_ip(f"externalIPs[{index}]", address)
    kind = spec.get("type", "")
    if kind not in TYPES:
        errors.append(not_supported("type", kind, TYPES) if kind else required("type"))
    return errors


def _validate_port_sets(spec: Spec) -> Errors:
    ports, errors = spec.get("ports") or (), []
    if spec.get("type") == "ClusterIP":
        why = "may not be used when `type` is 'ClusterIP'"
        errors += [forbidden(f"ports[{index}].nodePort", why) for index, port in enumerate(ports) if port.get("nodePort")]
    node_ports: set[tuple[str, int]] = set()
    numbers: set[tuple[str, int]] = set()
    for index, port in enumerate(ports):
        if port.get("nodePort"):
            key = (port.get("protocol", ""), port["nodePort"])
            errors += [duplicate(f"ports[{index}].nodePort", port["nodePort"])] if key in node_ports else []
            node_ports.add(key)
    for index, port in enumerate(ports):
        key = (port.get("protocol", ""), port.get("port", 0))
        if key in numbers:
            errors.append(duplicate(f"ports[{index}]", internal("ServicePort", {"protocol": key[0], "port": key[1]})))
        numbers.add(key)
    return errors


def _validate_source_ranges(spec: Spec, annotations: Mapping[str, str]) -> Errors:
    balanced, why = spec.get("type") == "LoadBalancer", "may only be used when `type` is 'LoadBalancer'"
    ranges = spec.get("loadBalancerSourceRanges") or ()
    if ranges:
        errors = [] if balanced else [forbidden("spec.LoadBalancerSourceRanges", why)]
        fields = [(f"spec.LoadBalancerSourceRanges[{index}]", text) for index, text in enumerate(ranges)]
    elif SOURCE_RANGES in annotations:
        field = f"metadata.annotations[{SOURCE_RANGES}]"
        errors = [] if balanced else [forbidden(field, why)]
        fields = [(field, text) for text in annotations[SOURCE_RANGES].split(",") if annotations[SOURCE_RANGES].strip()]
    else:
        return []
    return errors + [error for field, text in fields for error in cidr(field, text.strip())]


def _validate_balancer(spec: Spec) -> Errors:
    balanced, why = spec.get("type") == "LoadBalancer", "may only be used when `type` is 'LoadBalancer'"
    errors: Errors = []
    if spec.get("allocateLoadBalancerNodePorts") is not None and not balanced:
        errors.append(forbidden("allocateLoadBalancerNodePorts", why))
    name = spec.get("loadBalancerClass")
    if name is not None:
        errors += check("loadBalancerClass", name, qualified_name) if balanced else [forbidden("loadBalancerClass", why)]
    return errors


DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")


def _validate_traffic(spec: Spec) -> Errors:
    external, inside_ = spec.get("externalTrafficPolicy", ""), spec.get("internalTrafficPolicy")
    reachable = is_reachable(spec)
    errors: Errors = []
    if external and not reachable:
        errors.append(invalid("externalTrafficPolicy", external, "may only be set for externally-accessible services"))
    elif reachable and external not in ("Cluster", "Local"):
        unknown = not_supported("externalTrafficPolicy", external, ("Cluster", "Local"))
        errors.append(unknown if external else required("externalTrafficPolicy"))
    port = spec.get("healthCheckNodePort", 0)
    if port and not needs_health_check(spec):
        why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        errors.append(invalid("healthCheckNodePort", port, why))
    elif port:
        errors += port_number("healthCheckNodePort", port)
    if inside_ is not None and inside_ not in ("Cluster", "Local"):
        errors.append(not_supported("internalTrafficPolicy", inside_, ("Cluster", "Local")))
    if spec.get("trafficDistribution") not in (None, *DISTRIBUTIONS):
        errors.append(not_supported("trafficDistribution", spec["trafficDistribution"], DISTRIBUTIONS))
    return errors


def validate_update(obj: Object, old: Object) -> Errors:
    """The first address and its family stay while the Service has one."""
    spec, before = obj["spec"], old["spec"]
    errors: Errors = []
    if "ExternalName" not in (spec.get("type"), before.get("type")):
        errors += _validate_kept(spec, before)
    if spec.get("type") == before.get("type") == "LoadBalancer" and spec.get("loadBalancerClass") != before.get("loadBalancerClass"):
        errors.append(invalid("loadBalancerClass", spec.get("loadBalancerClass"), "may not change once set"))
    if needs_health_check(spec) and needs_health_check(before) and spec.get("healthCheckNodePort") != before.get("healthCheckNodePort"):
        errors.append(forbidden("healthCheckNodePort", IMMUTABLE))
    return within("spec", errors)


def _validate_kept(spec: Spec, before: Spec) -> Errors:
    ips, were = list(spec.get("clusterIPs") or ()), list(before.get("clusterIPs") or ())
    errors: Errors = []
    if not (is_headless(spec) and is_headless(before)):
        if were and not ips:
            errors.append(invalid("clusterIPs[0]", None, "primary clusterIP can not be unset"))
        changed = [i for i in range(len(were)) if i < len(ips) and ips[i] != were[i]]
        errors += [invalid(f"clusterIPs[{i}]", ips, "may not change once set") for i in changed]
        if len(were) > len(ips) == 1 and spec.get("ipFamilyPolicy") != "SingleStack":
            why = "must be set to 'SingleStack' when releasing the secondary clusterIP"
            errors.append(invalid("ipFamilyPolicy", spec.get("ipFamilyPolicy"), why))
    families, had = list(spec.get("ipFamilies") or ()), list(before.get("ipFamilies") or ())
    if not is_headless(spec) and not is_headless(before) and families and had and families[0] != had[0]:
        errors.append(invalid("ipFamilies[0]", families, "may not change once set"))
    return errors


def validate_status_update(obj: Object, _old: Object) -> Errors:
    """Only a load balancer has addresses outside."""
    ingress, errors = dig(obj, "status.loadBalancer.ingress", ()), []
    if ingress and obj["spec"].get("type") != "LoadBalancer":
        return [forbidden("status.loadBalancer.ingress", "may only be used when `spec.type` is 'LoadBalancer'")]
    for index, item in enumerate(ingress):
        found = ip("ip", item["ip"]) if item.get("ip") else []
        if item.get("ip") and item.get("ipMode") is None:
            found.append(required("ipMode", "must be specified when `ip` is set"))
        elif item.get("ipMode") is not None and not item.get("ip"):
            found.append(forbidden("ipMode", "may not be specified when `ip` is not set"))
        if item.get("hostname"):
            found += check("hostname", item["hostname"], dns_subdomain)
        errors += within(f"status.loadBalancer.ingress[{index}]", found)
    return errors
