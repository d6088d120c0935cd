"""The Endpoints object of a Service: all addresses in one object, ready and not ready, grouped by ports. Deprecated, still served.

Models: pkg/controller/endpoint/endpoints_controller.go, pkg/api/v1/endpoints/util.go (RepackSubsets).
"""

from __future__ import annotations

import json
from typing import Any

from k8snb.apimachinery.meta import is_true, timestamp
from k8snb.apimachinery.objects import Object, freeze
from k8snb.client.controller import Controller, Watches
from k8snb.client.informer import split_key
from k8snb.controllers.endpoints.selection import INDEXES, has_slices, inherited_labels, is_endpoint, ports_of, selected_pods, services_of

MANAGED_BY = ("endpoints.kubernetes.io/managed-by", "endpoint-controller")
HEADLESS = "service.kubernetes.io/headless"
TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time"
LARGEST = 1000
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"


class EndpointsController(Controller):
    """Keeps the Endpoints object of each Service with a selector."""

    name = "endpoint"
    watches = (Watches("services"), Watches("pods", services_of), Watches("endpoints"))
    indexes = INDEXES

    def reconcile(self, key: str) -> None:
        service, present = self.informers["services"].get(key), self.informers["endpoints"].get(key)
        if service is None:
            if present is not None and (present["metadata"].get("labels") or {}).get(MANAGED_BY[0]) == MANAGED_BY[1]:
                namespace, name = split_key(key)
                self.client.delete("endpoints", name, namespace)
            return
        if not has_slices(service):
            return
        wanted = self._wanted(service, present)
        if present is None:
            self.client.create("endpoints", wanted, service["metadata"]["namespace"])
        elif wanted != present:
            self.client.update("endpoints", wanted)

    def _wanted(self, service: Object, present: Object | None) -> Object:
        meta = (
            dict(present["metadata"])
            if present is not None
            else {"name": service["metadata"]["name"], "namespace": service["metadata"]["namespace"]}
        )
        meta["labels"] = inherited_labels(service, managed_by=MANAGED_BY, headless=HEADLESS)
        subsets, over = self._subsets(service)
        annotations = {key: value for key, value in (meta.get("annotations") or {}).items() if key != OVER_CAPACITY}
        if over:
            annotations[OVER_CAPACITY] = "truncated"
        if freeze(subsets) != ((present or {}).get("subsets") or []):
            annotations[TRIGGER] = timestamp(self.now)
        meta.pop("annotations", None)
        if annotations and subsets:
            meta["annotations"] = annotations
        whole: dict[str, Any] = {"apiVersion": "v1", "kind": "Endpoints", "metadata": meta}
        return freeze(whole | ({"subsets": subsets} if subsets else {}))  # type: ignore[no-any-return]

    def _subsets(self, service: Object) -> tuple[list[dict[str, Any]], bool]:
        """Addresses grouped by ports; whether some were left out because there are more than a thousand."""
        groups: dict[str, dict[str, list[Any]]] = {}
        pods = [pod for pod in selected_pods(self, service) if is_endpoint(pod, terminating=False)]
        everything = bool(service["spec"].get("publishNotReadyAddresses"))
        for pod in pods[:LARGEST]:
            ready = everything or is_true(pod, "Ready")
            if not ready and not _may_become_ready(pod):
                continue
            ports = ports_of(service, pod)
            if not ports and service["spec"].get("ports"):
                continue
            group = groups.setdefault(json.dumps(ports, sort_keys=True), {})
            group.setdefault("addresses" if ready else "notReadyAddresses", []).append(_address(service, pod))
        return [_subset(json.loads(ports), group) for ports, group in sorted(groups.items())], len(pods) > LARGEST


def _subset(ports: list[dict[str, Any]], group: dict[str, list[Any]]) -> dict[str, Any]:
    subset: dict[str, Any] = {key: sorted(found, key=lambda a: (a["ip"], a["targetRef"]["uid"])) for key, found in group.items()}
    return subset | ({"ports": [_named(port) for port in ports]} if ports else {})


def _may_become_ready(pod: Object) -> bool:
    """A container that has failed for good will not become ready: such a Pod is no address at all."""
    phase, policy = pod["status"].get("phase"), pod["spec"].get("restartPolicy")
    if policy == "Never":
        return phase not in ("Failed", "Succeeded")
    return phase != "Succeeded" if policy == "OnFailure" else True


def _address(service: Object, pod: Object) -> dict[str, Any]:
    meta = pod["metadata"]
    address: dict[str, Any] = {
        "ip": pod["status"]["podIP"], "nodeName": pod["spec"].get("nodeName", ""),
        "targetRef": {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]},
    }  # fmt: skip
    if pod["spec"].get("hostname") and pod["spec"].get("subdomain") == service["metadata"]["name"]:
        address["hostname"] = pod["spec"]["hostname"]
    return address


def _named(port: dict[str, Any]) -> dict[str, Any]:
    return port if port.get("name") else {key: value for key, value in port.items() if key != "name"}
