"""Descriptions of services, endpoints, ingresses and network policies.

Models: k8s.io/kubectl/pkg/describe/describe.go (ServiceDescriber, EndpointSliceDescriber, IngressDescriber, NetworkPolicyDescriber).
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import dig
from k8snb.apimachinery.selectors import format_label_selector
from k8snb.kubectl.api import Json
from k8snb.kubectl.describe.writer import (
    Look,
    Writer,
    events_table,
    format_labels,
    labels_and_annotations,
    name_and_namespace,
    or_none,
    shown,
)
from k8snb.kubectl.text import long_time

SERVICE_NAME = "kubernetes.io/service-name"
MAX_ENDPOINTS = 3


def endpoint_slices(look: Look, namespace: str, service: str) -> list[Json]:
    """The slices of a service."""
    return look.api.items("discovery.k8s.io/v1", "EndpointSlice", namespace, label_selector=f"{SERVICE_NAME}={service}")


def format_endpoints(slices: Sequence[Json], port_name: str) -> str:
    """Ready endpoints of one port: three of them, and how many more."""
    if not slices:
        return "<none>"
    found: list[str] = []
    for one in slices:
        ready = [endpoint["addresses"][0] for endpoint in one.get("endpoints") or () if dig(endpoint, "conditions.ready", True)]
        ports = one.get("ports") or ()
        if not ports:
            found += ready
        found += [f"{address}:{port.get('port')}" for port in ports if (port.get("name") or "") == port_name for address in ready]
    text = ",".join(found[:MAX_ENDPOINTS])
    return f"{text} + {len(found) - MAX_ENDPOINTS} more..." if len(found) > MAX_ENDPOINTS else text


def service(obj: Json, look: Look) -> str:
    """A service."""
    w, spec = Writer(), obj["spec"]
    name_and_namespace(w, obj)
    labels_and_annotations(w, obj)
    w.field("Selector", format_labels(spec.get("selector")))
    w.field("Type", spec.get("type"))
    if spec.get("ipFamilyPolicy"):
        w.field("IP Family Policy", spec["ipFamilyPolicy"])
    w.field("IP Families", or_none(",".join(spec.get("ipFamilies") or ())))
    w.field("IP", spec.get("clusterIP", ""))
    w.field("IPs", or_none(",".join(spec.get("clusterIPs") or ())))
    _service_outside(w, obj)
    _service_ports(w, spec, endpoint_slices(look, obj["metadata"]["namespace"], obj["metadata"]["name"]))
    w.field("Session Affinity", spec.get("sessionAffinity", ""))
    for title, key in _TRAFFIC:
        if spec.get(key):
            value = spec[key]
            w.field(title, ",".join(value) if isinstance(value, list) else value)
    events_table(w, look.events(obj), look.now)
    return w.text()


_TRAFFIC = (
    ("External Traffic Policy", "externalTrafficPolicy"), ("Internal Traffic Policy", "internalTrafficPolicy"),
    ("HealthCheck NodePort", "healthCheckNodePort"), ("LoadBalancer Source Ranges", "loadBalancerSourceRanges"),
    ("Traffic Distribution", "trafficDistribution"),
)  # fmt: skip


def _service_outside(w: Writer, obj: Json) -> None:
    spec = obj["spec"]
    if spec.get("externalIPs"):
        w.field("External IPs", ",".join(spec["externalIPs"]))
    if spec.get("loadBalancerIP"):
        w.field("Desired LoadBalancer IP", spec["loadBalancerIP"])
    if spec.get("externalName"):
        w.field("External Name", spec["externalName"])
    ingress = dig(obj, "status.loadBalancer.ingress") or ()
    if ingress:
        w.field("LoadBalancer Ingress", ", ".join(_entry(one) for one in ingress))


def _entry(one: Json) -> str:
    if not one.get("ip"):
        return str(one.get("hostname", ""))
    return f"{one['ip']} ({one['ipMode']})" if one.get("ipMode") else str(one["ip"])


def _service_ports(w: Writer, spec: Json, slices: Sequence[Json]) -> None:
    for port in spec.get("ports") or ():
        name, protocol = port.get("name") or "<unset>", port.get("protocol", "TCP")
        w.line(f"Port:\t{name}\t{port['port']}/{protocol}")
        w.field("TargetPort", f"{port.get('targetPort', 0)}/{protocol}")
        if port.get("appProtocol"):
            w.field("AppProtocol", port["appProtocol"])
        if port.get("nodePort"):
            w.line(f"NodePort:\t{name}\t{port['nodePort']}/{protocol}")
        w.field("Endpoints", format_endpoints(slices, port.get("name") or ""))


def endpoints(obj: Json, look: Look) -> str:
    """An Endpoints object."""
    w = Writer()
    name_and_namespace(w, obj)
    labels_and_annotations(w, obj)
    w.line("Subsets:")
    for subset in obj.get("subsets") or ():
        for title, key in (("Addresses", "addresses"), ("NotReadyAddresses", "notReadyAddresses")):
            w.field(title, or_none(",".join(address["ip"] for address in subset.get(key) or ())), 1)
        if subset.get("ports"):
            w.line("Ports:", 1)
            w.table(("Name", "Port", "Protocol"), ("----", "----", "--------"), level=2)
            w.table(*((port.get("name") or "<unset>", port.get("port"), port.get("protocol")) for port in subset["ports"]), level=2)
        w.line()
    events_table(w, look.events(obj), look.now)
    return w.text()


def endpoint_slice(obj: Json, look: Look) -> str:
    """An EndpointSlice."""
    w = Writer()
    name_and_namespace(w, obj)
    labels_and_annotations(w, obj)
    w.field("AddressType", obj.get("addressType"))
    ports, found = obj.get("ports") or (), obj.get("endpoints") or ()
    w.line("Ports:" if ports else "Ports: <unset>")
    if ports:
        w.table(("Name", "Port", "Protocol"), ("----", "----", "--------"))
        w.table(*((port.get("name") or "<unset>", shown(port.get("port", "<unset>")), port.get("protocol")) for port in ports))
    w.line("Endpoints:" if found else "Endpoints: <none>")
    for one in found:
        _endpoint(w, one)
    events_table(w, look.events(obj), look.now)
    return w.text()


def _endpoint(w: Writer, one: Json) -> None:
    w.field("- Addresses", or_none(", ".join(one.get("addresses") or ())), 1)
    w.line("Conditions:", 2)
    w.field("Ready", dig(one, "conditions.ready", "<unset>"), 3)
    w.field("Hostname", one.get("hostname", "<unset>"), 2)
    if one.get("targetRef"):
        w.field("TargetRef", f"{one['targetRef'].get('kind')}/{one['targetRef'].get('name')}", 2)
    w.field("NodeName", one.get("nodeName", "<unset>"), 2)
    w.field("Zone", one.get("zone", "<unset>"), 2)


# -- ingress -----------------------------------------------------------------------------------------------------------------


def ingress(obj: Json, look: Look) -> str:
    """An ingress, with the endpoints behind its backends."""
    w, spec, namespace = Writer(), obj.get("spec") or {}, obj["metadata"].get("namespace", "")
    w.field("Name", obj["metadata"]["name"])
    w.labels("Labels", obj["metadata"].get("labels"))
    w.field("Namespace", namespace)
    addresses = {one.get("ip") or one.get("hostname") or "" for one in dig(obj, "status.loadBalancer.ingress", [])}
    w.field("Address", ",".join(sorted(addresses - {""})))
    w.field("Ingress Class", spec.get("ingressClassName") or "<none>")
    fallback = _backend(look, namespace, spec["defaultBackend"]) if spec.get("defaultBackend") else "<default>"
    w.field("Default backend", fallback)
    _tls(w, spec.get("tls") or ())
    w.line("Rules:")
    w.table(("Host", "Path", "Backends"), ("----", "----", "--------"))
    rules = [rule for rule in spec.get("rules") or () if rule.get("http")]
    for rule in rules:
        w.line(f"{rule.get('host') or '*'}\t", 1)
        for path in rule["http"].get("paths") or ():
            w.line(f"\t{path.get('path', '')} \t{_backend(look, namespace, path['backend'])}", 2)
    if not rules:
        w.table(("*", "*", fallback))
    w.annotations("Annotations", obj["metadata"].get("annotations"))
    events_table(w, look.events(obj), look.now)
    return w.text()


def _tls(w: Writer, entries: Sequence[Json]) -> None:
    if entries:
        w.line("TLS:")
    for one in entries:
        hosts = ",".join(one.get("hosts") or ())
        w.line(f"{one['secretName']} terminates {hosts}" if one.get("secretName") else f"SNI routes {hosts}", 1)


def _backend(look: Look, namespace: str, backend: Json) -> str:
    if not backend.get("service"):
        ref = backend.get("resource") or {}
        return f"APIGroup: {ref.get('apiGroup', '<none>')}, Kind: {ref.get('kind')}, Name: {ref.get('name')}"
    name, port = backend["service"]["name"], backend["service"].get("port") or {}
    text = f"{name}:{port.get('number') or port.get('name', '')}"
    try:
        found = look.api.find("v1", "Service", namespace, name)
    except ApiError as problem:
        return f"{text} (<error: {problem.message}>)"
    wanted = ""
    for one in found["spec"].get("ports") or ():
        if (port.get("number") and port["number"] == one["port"]) or (port.get("name") and port["name"] == one.get("name")):
            wanted = one.get("name") or ""
    return f"{text} ({format_endpoints(endpoint_slices(look, namespace, name), wanted)})"


def ingress_class(obj: Json, look: Look) -> str:
    """An ingress class."""
    w, parameters = Writer(), dig(obj, "spec.parameters")
    w.field("Name", obj["metadata"]["name"])
    labels_and_annotations(w, obj)
    w.field("Controller", dig(obj, "spec.controller", ""))
    if parameters:
        w.line("Parameters:")
        for title, key in (("APIGroup", "apiGroup"), ("Kind", "kind"), ("Name", "name")):
            if parameters.get(key):
                w.field(title, parameters[key], 1)
    events_table(w, look.events(obj), look.now)
    return w.text()


# -- network policy ----------------------------------------------------------------------------------------------------------

_WHO = {"Ingress": ("From", "from", "source"), "Egress": ("To", "to", "destination")}


def network_policy(obj: Json, _look: Look) -> str:
    """A network policy in words."""
    w, spec = Writer(), obj.get("spec") or {}
    name_and_namespace(w, obj)
    created = long_time(obj["metadata"]["creationTimestamp"])
    w.field("Created on", _go_time(obj["metadata"]["creationTimestamp"]) if created else "")
    labels_and_annotations(w, obj)
    w.line("Spec:")
    selector = spec.get("podSelector") or {}
    chosen = format_label_selector(selector) if selector.get("matchLabels") or selector.get("matchExpressions") else ""
    w.line("PodSelector:     " + (chosen or "<none> (Allowing the specific traffic to all pods in this namespace)"), 1)
    types = spec.get("policyTypes") or ()
    for direction in ("Ingress", "Egress"):
        if direction in types:
            w.line(f"Allowing {direction.lower()} traffic:", 1)
            _rules(w, direction, spec.get(direction.lower()) or ())
        else:
            w.line(f"Not affecting {direction.lower()} traffic", 1)
    w.line(f"Policy Types: {or_none(', '.join(types))}", 1)
    return w.text()


def _go_time(stamp: str) -> str:
    return stamp.replace("T", " ").replace("Z", " +0000 UTC")


def _rules(w: Writer, direction: str, rules: Sequence[Json]) -> None:
    title, key, word = _WHO[direction]
    if not rules:
        w.line(f"<none> (Selected pods are isolated for {direction.lower()} connectivity)", 2)
    for index, rule in enumerate(rules):
        _policy_ports(w, rule.get("ports") or ())
        if not rule.get(key):
            w.line(f"{title}: <any> (traffic not restricted by {word})", 2)
        for peer in rule.get(key) or ():
            w.line(f"{title}:", 2)
            _peer(w, peer)
        if index < len(rules) - 1:
            w.line("----------", 2)


def _policy_ports(w: Writer, ports: Sequence[Json]) -> None:
    if not ports:
        w.line("To Port: <any> (traffic allowed to all ports)", 2)
    for port in ports:
        number, protocol = port.get("port", "<nil>"), port.get("protocol") or "TCP"
        if port.get("endPort") is None:
            w.line(f"To Port: {number}/{protocol}", 2)
        else:
            w.line(f"To Port Range: {number}-{port['endPort']}/{protocol}", 2)


def _peer(w: Writer, peer: Json) -> None:
    for title, key in (("NamespaceSelector", "namespaceSelector"), ("PodSelector", "podSelector")):
        if key in peer:
            w.line(f"{title}: {format_label_selector(peer[key])}", 3)
    if "ipBlock" in peer:
        w.line("IPBlock:", 3)
        w.line(f"CIDR: {peer['ipBlock'].get('cidr')}", 4)
        w.line(f"Except: {', '.join(peer['ipBlock'].get('except') or ())}", 4)
