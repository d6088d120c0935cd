"""EndpointSlices: the endpoints of a Service in pieces of at most a hundred, each piece changed only where it must be.

With one big object, one Pod more would send ten thousand addresses to every node. In slices it sends at most a hundred. Pods
that offer different port numbers under the same name are in different slices.

Models: staging/src/k8s.io/endpointslice/reconciler.go (reconcileByAddressType, reconcileByPortMapping), trafficdist/trafficdist.go.
Simplified: IPv4 only; slices are filled, never repacked; hints come from ``trafficDistribution`` alone, not from the older
annotation ``service.kubernetes.io/topology-mode``.
"""

from __future__ import annotations

import json
from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import is_true, owner_reference
from k8snb.apimachinery.objects import Object, freeze
from k8snb.client.controller import Controller, Index, Watches
from k8snb.controllers.endpoints.selection import INDEXES, has_slices, inherited_labels, is_endpoint, ports_of, selected_pods, services_of
from k8snb.controllers.pod_control import is_terminating_namespace

MANAGED_BY = ("endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io")
SERVICE_NAME, HEADLESS = "kubernetes.io/service-name", "service.kubernetes.io/headless"
RESOURCE = "endpointslices.discovery.k8s.io"
LARGEST = 100


def _service_of(_controller: Any, old: Object | None, new: Object | None) -> list[str]:
    obj = new if new is not None else old
    labels = (obj["metadata"].get("labels") or {}) if obj is not None else {}
    if obj is None or labels.get(MANAGED_BY[0]) != MANAGED_BY[1] or SERVICE_NAME not in labels:
        return []
    return [f"{obj['metadata']['namespace']}/{labels[SERVICE_NAME]}"]


def _by_service(obj: Object) -> list[str]:
    return _service_of(None, None, obj)


class EndpointSliceController(Controller):
    """Keeps the slices of each Service with a selector."""

    name = "endpointslice"
    watches = (Watches("services"), Watches("pods", services_of), Watches(RESOURCE, _service_of))
    reads = ("nodes",)
    indexes = (*INDEXES, Index(RESOURCE, "service", _by_service))

    def reconcile(self, key: str) -> None:
        service = self.informers["services"].get(key)
        if service is None or not has_slices(service) or "deletionTimestamp" in service["metadata"]:
            return  # a Service's slices go with it: they are its dependents
        slices = [s for s in self.informers[RESOURCE].by("service", key) if "deletionTimestamp" not in s["metadata"]]
        groups = self._wanted(service)
        try:
            for ports, endpoints in groups.items():
                present = [s for s in slices if _ports_key(s.get("ports")) == ports and s.get("endpoints")]
                self._fill(service, json.loads(ports), endpoints, present)
            keep = set(groups)
            self._drop(service, [s for s in slices if not s.get("endpoints") or _ports_key(s.get("ports")) not in keep], empty=not groups)
        except ApiError as error:
            if is_terminating_namespace(error):
                return
            self.recorder.event(
                service, "Warning", "FailedToUpdateEndpointSlices", f"Error updating Endpoint Slices for Service {key}: {error.message}"
            )
            raise

    def _wanted(self, service: Object) -> dict[str, dict[str, Object]]:
        """Ports as JSON -> UID of the Pod -> endpoint, in the order of the Pods' cache."""
        groups: dict[str, dict[str, Object]] = {}
        for pod in selected_pods(self, service):
            if is_endpoint(pod, terminating=True):
                ports = _ports_key(ports_of(service, pod))
                groups.setdefault(ports, {})[pod["metadata"]["uid"]] = self._endpoint(service, pod)
        return groups

    def _endpoint(self, service: Object, pod: Object) -> Object:
        terminating, serving = "deletionTimestamp" in pod["metadata"], is_true(pod, "Ready")
        ready = (serving and not terminating) or bool(service["spec"].get("publishNotReadyAddresses"))
        meta, node = pod["metadata"], pod["spec"].get("nodeName", "")
        endpoint: dict[str, Any] = {
            "addresses": [ip["ip"] for ip in pod["status"]["podIPs"]],
            "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
            "targetRef": {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]},
            "nodeName": node,
        }
        found = self.informers["nodes"].get(node)
        zone = (found["metadata"].get("labels") or {}).get("topology.kubernetes.io/zone") if found is not None else None
        if zone:
            endpoint["zone"] = zone
        if ready and (hints := _hints(service["spec"].get("trafficDistribution"), node, zone)):
            endpoint["hints"] = hints
        if pod["spec"].get("hostname") and pod["spec"].get("subdomain") == service["metadata"]["name"]:
            endpoint["hostname"] = pod["spec"]["hostname"]
        return freeze(endpoint)  # type: ignore[no-any-return]

    def _fill(self, service: Object, ports: Any, wanted: dict[str, Object], present: list[Object]) -> None:
        """Bring the slices of one set of ports to the wanted endpoints: each stays where it is, new ones fill gaps."""
        left = dict(wanted)
        contents = [[left.pop(e["targetRef"]["uid"]) for e in s["endpoints"] if e["targetRef"]["uid"] in left] for s in present]
        new = list(left.values())
        for content in contents:
            while new and len(content) < LARGEST:
                content.append(new.pop(0))
        for obj, content in zip(present, contents, strict=True):
            self._put(service, obj, ports, content)
        for start in range(0, len(new), LARGEST):
            self._create(service, ports, new[start : start + LARGEST])

    def _put(self, service: Object, obj: Object, ports: Any, endpoints: list[Object]) -> None:
        if not endpoints:
            self.client.delete(RESOURCE, obj["metadata"]["name"], obj["metadata"]["namespace"])
            return
        labels = _labels(service)
        wanted = freeze({**obj, "metadata": {**obj["metadata"], "labels": labels}, "ports": ports, "endpoints": endpoints})
        if wanted != obj:
            self.client.update(RESOURCE, wanted)

    def _create(self, service: Object, ports: Any, endpoints: list[Object] | None) -> None:
        meta = service["metadata"]
        head = {
            "generateName": f"{meta['name']}-",
            "namespace": meta["namespace"],
            "labels": _labels(service),
            "ownerReferences": [owner_reference(service)],
        }
        body = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": head, "addressType": "IPv4",
                "endpoints": endpoints, "ports": ports}  # fmt: skip
        self.client.create(RESOURCE, freeze(body), meta["namespace"])

    def _drop(self, service: Object, stale: list[Object], *, empty: bool) -> None:
        """Slices that nothing belongs to go; a Service without endpoints keeps one empty slice as a placeholder."""
        placeholder = next((s for s in stale if not s.get("endpoints") and not s.get("ports")), None) if empty else None
        if empty and placeholder is None:
            self._create(service, None, None)
        for obj in stale:
            if obj is not placeholder:
                self.client.delete(RESOURCE, obj["metadata"]["name"], obj["metadata"]["namespace"])
        if placeholder is not None and placeholder["metadata"].get("labels") != _labels(service):
            self.client.update(RESOURCE, freeze({**placeholder, "metadata": {**placeholder["metadata"], "labels": _labels(service)}}))


def _hints(distribution: str | None, node: str, zone: str | None) -> dict[str, Any]:
    """For which nodes an endpoint is meant: ``trafficDistribution`` says how near a client should be."""
    hints: dict[str, Any] = {}
    if distribution and zone:
        hints["forZones"] = [{"name": zone}]
    if distribution == "PreferSameNode" and node:
        hints["forNodes"] = [{"name": node}]
    return hints


def _labels(service: Object) -> dict[str, str]:
    labels = inherited_labels(service, managed_by=MANAGED_BY, headless=HEADLESS)
    return labels | {SERVICE_NAME: service["metadata"]["name"]}


def _ports_key(ports: Any) -> str:
    return json.dumps(list(ports) if ports else None, sort_keys=True)
