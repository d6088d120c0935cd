"""Which Pods a Service selects, what they offer, and which Services a Pod concerns.

Models: staging/src/k8s.io/endpointslice/utils.go, pkg/controller/util/endpoint/controller_utils.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8snb.apimachinery.meta import is_true
from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, Object
from k8snb.apimachinery.resource import once
from k8snb.client.controller import Controller, Index
from k8snb.client.indexes import by_label, by_namespace
from k8snb.client.informer import key_of

INDEXES = (Index("pods", "label", by_label), Index("services", "namespace", by_namespace))


def selected_pods(controller: Controller, service: Object) -> list[Object]:
    """The Pods that the Service's selector matches, found through the label that fewest Pods have."""
    selector, namespace = service["spec"].get("selector") or {}, service["metadata"]["namespace"]
    cache = controller.informers["pods"]
    values = [f"{namespace}/{key}={value}" for key, value in selector.items()]
    rarest = min(values, key=lambda value: cache.count("label", value))
    wanted = selector.items()
    return [pod for pod in cache.by("label", rarest) if wanted <= (pod["metadata"].get("labels") or {}).items()]


def services_of(controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    """The keys of the Services that a change of a Pod concerns; none where nothing that matters changed."""
    pods = [pod for pod in (old, new) if pod is not None]
    services = controller.informers["services"].by("namespace", pods[0]["metadata"]["namespace"])
    if not any(service["spec"].get("selector") for service in services) or (len(pods) == 2 and _outward(pods[0]) == _outward(pods[1])):
        return []
    found: dict[str, None] = {}
    for pod in pods:
        labels = (pod["metadata"].get("labels") or EMPTY_DICT).items()
        for service in services:
            selector = service["spec"].get("selector")
            if selector and selector.items() <= labels:
                found[key_of(service)] = None
    return list(found)


@once
def _outward(pod: Object) -> tuple[Any, ...]:
    """Everything about a Pod that an endpoint shows."""
    meta, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    return (meta.get("labels"), "deletionTimestamp" in meta, status.get("podIPs"), status.get("phase"), is_true(pod, "Ready"),
            spec.get("nodeName"), spec.get("hostname"), spec.get("subdomain"))  # fmt: skip


def is_endpoint(pod: Object, *, terminating: bool) -> bool:
    """Whether the Pod is an endpoint at all: it has an address, and it is not over. ``terminating`` ones count for slices."""
    status = pod.get("status") or {}
    if status.get("phase") in ("Succeeded", "Failed") or not status.get("podIPs"):
        return False
    return terminating or "deletionTimestamp" not in pod["metadata"]


def ports_of(service: Object, pod: Object) -> list[dict[str, Any]] | None:
    """The Service's ports as this Pod offers them. A named target port that the Pod does not have is left out."""
    found = []
    for port in service["spec"].get("ports") or EMPTY_LIST:
        number = target_port(pod, port)
        if number is not None:
            entry = {"name": port.get("name", ""), "port": number, "protocol": port["protocol"]}
            if "appProtocol" in port:
                entry["appProtocol"] = port["appProtocol"]
            found.append(entry)
    return found


def target_port(pod: Object, port: Object) -> int | None:
    """The number behind a Service port's ``targetPort`` in this Pod; None where the Pod has no port of that name."""
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target or int(port["port"])
    for container in (*pod["spec"]["containers"], *_sidecars(pod)):
        for offered in container.get("ports") or ():
            if offered.get("name") == target and offered.get("protocol", "TCP") == port["protocol"]:
                return int(offered["containerPort"])
    return None


def _sidecars(pod: Object) -> list[Object]:
    return [c for c in pod["spec"].get("initContainers") or () if c.get("restartPolicy") == "Always"]


def inherited_labels(service: Object, *, managed_by: tuple[str, str], headless: str) -> dict[str, str]:
    """The labels of the endpoints object: the Service's own, who manages it, and whether the Service is headless."""
    labels = dict(service["metadata"].get("labels") or {})
    labels.pop(headless, None)
    if service["spec"].get("clusterIP") == "None":
        labels[headless] = ""
    return labels | {managed_by[0]: managed_by[1]}


def has_slices(service: Object) -> bool:
    """Whether a controller fills this Service's endpoints: it has a selector and is no ExternalName."""
    return bool(service["spec"].get("selector")) and service["spec"].get("type") != "ExternalName"
