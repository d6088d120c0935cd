"""Services.

Addresses are given out by the server (``allocate``); here is what a Service may say, and how its fields hang together.

Models: pkg/apis/core/v1/defaults.go, pkg/registry/core/service (strategy.go, storage), pkg/printers/internalversion
(printService), pkg/api/service/warnings.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, Object, dig, put
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import dns_label
from k8snb.resources.common.cells import NONE, age, labels_text
from k8snb.resources.common.fill import each, fill, inside, where_given
from k8snb.resources.common.formats import cidr_warnings, ip_warnings
from k8snb.resources.core import proxy
from k8snb.resources.core.service_addresses import allocate, needs_node_ports, release
from k8snb.resources.core.service_validation import (
    TOPOLOGY_HINTS,
    TOPOLOGY_MODE,
    is_headless,
    is_reachable,
    needs_health_check,
    validate,
    validate_status_update,
    validate_update,
)
from k8snb.resources.discovery import served, with_handlers

Spec = Mapping[str, Any]


def default(obj: Object) -> Object:
    """TCP, ClusterIP, no affinity, traffic to everywhere."""
    defaulted: Object = inside(inside(obj, "spec", _default_spec), "status", lambda status: fill(status, {"loadBalancer": EMPTY_DICT}))
    if dig(defaulted, "spec.type") == "LoadBalancer" and dig(defaulted, "status.loadBalancer.ingress"):
        ingress = [fill(item, {"ipMode": "VIP"}) if item.get("ip") else item for item in defaulted["status"]["loadBalancer"]["ingress"]]
        defaulted = put(defaulted, "status.loadBalancer.ingress", ingress)
    return defaulted


@once
def _default_spec(spec: Spec) -> Any:
    spec = where_given(fill(spec, {"sessionAffinity": "None", "type": "ClusterIP"}), "ports", each(_default_port))
    if spec["sessionAffinity"] == "None" and "sessionAffinityConfig" in spec:
        spec = FrozenDict({key: value for key, value in spec.items() if key != "sessionAffinityConfig"})
    if spec["sessionAffinity"] == "ClientIP" and dig(spec, "sessionAffinityConfig.clientIP.timeoutSeconds") is None:
        spec = FrozenDict({**spec, "sessionAffinityConfig": FrozenDict({"clientIP": FrozenDict({"timeoutSeconds": 10800})})})
    if is_reachable(spec):
        spec = fill(spec, {"externalTrafficPolicy": "Cluster"})
    if spec["type"] in ("NodePort", "LoadBalancer", "ClusterIP"):
        spec = fill(spec, {"internalTrafficPolicy": "Cluster"})
    return fill(spec, {"allocateLoadBalancerNodePorts": True}) if spec["type"] == "LoadBalancer" else spec


def _default_port(port: Spec) -> Any:
    port = fill(port, {"protocol": "TCP"})
    return FrozenDict({**port, "targetPort": port.get("port", 0)}) if port.get("targetPort") in (None, 0, "") else port


# Strategy


def prepare_for_create(obj: Object) -> Object:
    """``clusterIP`` and ``clusterIPs`` say the same, whichever was given; a new Service has an empty status."""
    spec = obj.get("spec") or EMPTY_DICT
    if spec.get("clusterIP") and not spec.get("clusterIPs"):
        obj = put(obj, "spec.clusterIPs", [spec["clusterIP"]])
    obj = _drop_dependent(obj, None)
    return put(obj, "status", {"loadBalancer": {}})


def prepare_for_update(obj: Object, old: Object) -> Object:
    """Addresses that were given out stay, unless they are asked for or the type no longer has any."""
    spec, before = obj.get("spec") or EMPTY_DICT, old.get("spec") or EMPTY_DICT
    if before.get("type") != "ExternalName" and spec.get("type") != "ExternalName":
        obj = _keep_addresses(obj, before)
    obj = _keep_ports(obj, before)
    return _drop_dependent(_sync_cluster_ips(obj, before), old)


def _keep_addresses(obj: Object, before: Spec) -> Object:
    if not obj["spec"].get("clusterIP") and before.get("clusterIP"):
        obj = put(obj, "spec.clusterIP", before["clusterIP"])
    if not obj["spec"].get("clusterIPs") and obj["spec"].get("clusterIP") == before.get("clusterIP") and before.get("clusterIPs"):
        obj = put(obj, "spec.clusterIPs", before["clusterIPs"])
    for field in ("ipFamilies", "ipFamilyPolicy"):
        if obj["spec"].get(field) is None and before.get(field) is not None:
            obj = put(obj, ("spec", field), before[field])
    return obj


def _keep_ports(obj: Object, before: Spec) -> Object:
    spec = obj["spec"]
    if needs_node_ports(spec) and needs_node_ports(before):
        known = {(port.get("protocol"), port.get("port")): port.get("nodePort") for port in before.get("ports") or ()}
        ports = [_with_node_port(port, known.get((port.get("protocol"), port.get("port")))) for port in spec.get("ports") or ()]
        if ports != list(spec.get("ports") or ()):
            obj = put(obj, "spec.ports", FrozenList(ports))
    if (
        needs_health_check(spec)
        and needs_health_check(before)
        and not spec.get("healthCheckNodePort")
        and before.get("healthCheckNodePort")
    ):
        obj = put(obj, "spec.healthCheckNodePort", before["healthCheckNodePort"])
    return obj


def _with_node_port(port: Spec, known: int | None) -> Spec:
    return FrozenDict({**port, "nodePort": known}) if known and not port.get("nodePort") else port


def _sync_cluster_ips(obj: Object, before: Spec) -> Object:
    """A change of one of the two fields is a change of both."""
    spec = obj["spec"]
    ip_, ips = spec.get("clusterIP", ""), list(spec.get("clusterIPs") or ())
    was, were = before.get("clusterIP", ""), list(before.get("clusterIPs") or ())
    if was and not ip_ and ips == were:
        return _without(obj, "clusterIPs")
    if were and not ips and ip_ == was:
        return _without(obj, "clusterIP")
    if ip_ != was and ips == were:
        return put(obj, "spec.clusterIPs", [ip_]) if ip_ else _without(obj, "clusterIPs")
    if ips != were and ip_ == was and ips:
        return put(obj, "spec.clusterIP", ips[0])
    return obj


def _without(obj: Object, *fields: str) -> Object:
    spec = FrozenDict({key: value for key, value in obj["spec"].items() if key not in fields})
    return FrozenDict({**obj, "spec": spec})


def _drop_dependent(obj: Object, old: Object | None) -> Object:
    """What a change of the type takes with it, where it was not set anew."""
    if old is None:
        return obj
    spec, before = obj["spec"], old["spec"]
    dropped = [
        f for f in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy") if _left(spec, before, f, spec.get("type") == "ExternalName")
    ]
    dropped += [f for f in ("externalTrafficPolicy",) if _left(spec, before, f, spec.get("type") not in ("NodePort", "LoadBalancer"))]
    dropped += [f for f in ("healthCheckNodePort",) if _left(spec, before, f, not needs_health_check(spec))]
    not_balanced = spec.get("type") != "LoadBalancer"
    dropped += [f for f in ("allocateLoadBalancerNodePorts", "loadBalancerClass") if _left(spec, before, f, not_balanced)]
    obj = _without(obj, *dropped) if dropped else obj
    if needs_node_ports(before) and not needs_node_ports(spec):
        known = [port.get("nodePort") for port in before.get("ports") or ()]
        ports = [FrozenDict({k: v for k, v in p.items() if k != "nodePort" or v not in known}) for p in spec.get("ports") or ()]
        obj = put(obj, "spec.ports", FrozenList(ports)) if ports else obj
    return obj


def _left(spec: Spec, before: Spec, field: str, unsuitable: bool) -> bool:
    return unsuitable and spec.get(field) is not None and spec.get(field) == before.get(field)


def warnings(obj: Object, _old: Object | None) -> list[str]:
    """Fields that do nothing, or no longer."""
    spec, found = obj["spec"], []
    if TOPOLOGY_HINTS in (obj["metadata"].get("annotations") or EMPTY_DICT):
        found.append(f"annotation {TOPOLOGY_HINTS} is deprecated, please use {TOPOLOGY_MODE} instead")
    found += _of_headless(spec) if is_headless(spec) and spec.get("type") == "ClusterIP" else _of_addresses("clusterIPs", spec)
    found += _of_addresses("externalIPs", spec)
    if spec.get("externalIPs") and spec.get("type") != "ExternalName" and not is_headless(spec):
        found.append("spec.externalIPs is deprecated and may no longer be implemented in some clusters")
    found += ip_warnings("spec.loadBalancerIP", spec.get("loadBalancerIP", ""))
    for index, network in enumerate(spec.get("loadBalancerSourceRanges") or ()):
        found += cidr_warnings(f"spec.loadBalancerSourceRanges[{index}]", network)
    if spec.get("externalIPs") and spec.get("type") == "ExternalName":
        found.append('spec.externalIPs is ignored when spec.type is "ExternalName"')
    if spec.get("type") != "ExternalName" and spec.get("externalName"):
        found.append('spec.externalName is ignored when spec.type is not "ExternalName"')
    if spec.get("trafficDistribution") == "PreferClose":
        found.append('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
    return found


def _of_headless(spec: Spec) -> list[str]:
    ignored = [field for field in ("loadBalancerIP", "externalIPs") if spec.get(field)]
    ignored += [] if spec.get("sessionAffinity") in (None, "None") else ["SessionAffinity"]
    return [f"spec.{field} is ignored for headless services" for field in ignored]


def _of_addresses(field: str, spec: Spec) -> list[str]:
    return [told for index, text in enumerate(spec.get(field) or ()) for told in ip_warnings(f"spec.{field}[{index}]", text)]


# Table


def _balancer_addresses(obj: Object) -> str:
    ingress = dig(obj, "status.loadBalancer.ingress", ())
    return ",".join(sorted({item.get("ip") or item.get("hostname", "") for item in ingress} - {""}))


def _external(obj: Object) -> str:
    spec = obj["spec"]
    kind, external = spec.get("type"), list(spec.get("externalIPs") or ())
    if kind == "ExternalName":
        return str(spec.get("externalName", ""))
    if kind == "LoadBalancer":
        balanced = _balancer_addresses(obj)
        return ",".join(([balanced] if balanced else []) + external) or "<pending>"
    return (",".join(external) or NONE) if kind in ("ClusterIP", "NodePort") else "<unknown>"


def _port_text(port: Spec) -> str:
    outside = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port.get('port', 0)}{outside}/{port.get('protocol', '')}"


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get services``."""
    spec = obj["spec"]
    inner = (list(spec.get("clusterIPs") or ()) or [NONE])[0]
    ports = ",".join(map(_port_text, spec.get("ports") or ())) or NONE
    return [obj["metadata"]["name"], spec.get("type", ""), inner, _external(obj), ports, age(obj, now), labels_text(spec.get("selector"))]


EXAMPLE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
}

_SERVICE = served(
    "v1",
    "Service",
    default=default,
    prepare_for_create=prepare_for_create,
    prepare_for_update=prepare_for_update,
    validate=validate,
    validate_update=validate_update,
    update_errors_first=True,
    validate_status_update=validate_status_update,
    validate_name=dns_label,
    warnings=warnings,
    allocate=allocate,
    release=release,
    cells=cells,
    selectable_fields={
        "spec.clusterIP": lambda obj: str(dig(obj, "spec.clusterIP", "")),
        "spec.type": lambda obj: str(dig(obj, "spec.type", "")),
    },
    example=EXAMPLE,
    simulated=True,
)
RESOURCE = with_handlers(_SERVICE, proxy=proxy.service)
