"""EndpointSlice mirroring: endpoints that somebody wrote by hand, for a Service without a selector, as slices.

kube-proxy reads slices only. So Endpoints that no controller fills are copied: one slice for each set of ports and each family of
addresses, owned by the Endpoints, at most a thousand addresses from each subset.

Models: pkg/controller/endpointslicemirroring (endpointslicemirroring_controller.go, reconciler.go, utils.go).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from k8snb.apimachinery.meta import owner_reference
from k8snb.apimachinery.objects import EMPTY_DICT, Object, freeze
from k8snb.client.controller import Controller, Index, Watches

SLICES, SERVICE_NAME = "endpointslices.discovery.k8s.io", "kubernetes.io/service-name"
MANAGED_BY, MANAGER = "endpointslice.kubernetes.io/managed-by", "endpointslicemirroring-controller.k8s.io"
SKIP, LEADER = "endpointslice.kubernetes.io/skip-mirror", "control-plane.alpha.kubernetes.io/leader"
LARGEST = 1000
_NOT_COPIED = ("kubectl.kubernetes.io/last-applied-configuration", "endpoints.kubernetes.io/last-change-trigger-time")


def _mirrored(obj: Object) -> Iterable[str]:
    """Index function: the Service of a slice that this controller made."""
    labels = obj["metadata"].get("labels") or EMPTY_DICT
    return (f"{obj['metadata']['namespace']}/{labels.get(SERVICE_NAME, '')}",) if labels.get(MANAGED_BY) == MANAGER else ()


def _of_slice(_controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    return list(dict.fromkeys(key for obj in (old, new) if obj is not None for key in _mirrored(obj)))


def is_mirrored(service: Object | None, endpoints: Object | None) -> bool:
    """Whether these Endpoints are somebody's own: the Service has no selector, and nobody asked to be left out."""
    if service is None or endpoints is None or service["spec"].get("selector"):
        return False
    meta = endpoints["metadata"]
    return (meta.get("labels") or EMPTY_DICT).get(SKIP) != "true" and LEADER not in (meta.get("annotations") or EMPTY_DICT)


def wanted_slices(endpoints: Object) -> dict[tuple[str, str], list[Object]]:
    """(family, ports as JSON) -> the endpoints of that slice. Pure."""
    found: dict[tuple[str, str], list[Object]] = {}
    for subset in endpoints.get("subsets") or ():
        ports = _ports_key(subset.get("ports"))
        ready = [(address, True) for address in subset.get("addresses") or ()]
        unready = [(address, False) for address in subset.get("notReadyAddresses") or ()]
        for address, is_ready in (ready + unready)[:LARGEST]:
            family = "IPv6" if ":" in address["ip"] else "IPv4"
            found.setdefault((family, ports), []).append(_endpoint(address, is_ready))
    return found


def _ports_key(ports: Any) -> str:
    """Ports as JSON, with what the server fills in, so that Endpoints and their mirror compare equal."""
    return json.dumps([{"name": "", "protocol": "TCP", **port} for port in ports or ()], sort_keys=True)


def _endpoint(address: Object, ready: bool) -> Object:
    kept = {name: address[name] for name in ("hostname", "nodeName", "targetRef") if address.get(name)}
    return freeze({"addresses": [address["ip"]], "conditions": {"ready": ready}, **kept})  # type: ignore[no-any-return]


class EndpointSliceMirroringController(Controller):
    """One turn looks at one Service's Endpoints."""

    name = "endpointslicemirroring"
    watches = (Watches("endpoints"), Watches("services"), Watches(SLICES, _of_slice))
    indexes = (Index(SLICES, "mirrored", _mirrored),)

    def reconcile(self, key: str) -> None:
        service, endpoints = self.informers["services"].get(key), self.informers["endpoints"].get(key)
        present = self.informers[SLICES].by("mirrored", key)
        if service is None or endpoints is None or not is_mirrored(service, endpoints):
            for obj in present:
                self._delete(obj)
            return
        wanted = wanted_slices(endpoints)
        for obj in present:
            group = (obj["addressType"], _ports_key(obj.get("ports")))
            content = wanted.pop(group, None)
            if content is None:
                self._delete(obj)
            else:
                self._update(endpoints, obj, content)
        for (family, ports), content in wanted.items():
            self._create(endpoints, family, json.loads(ports), content)

    def _delete(self, obj: Object) -> None:
        self.client.request("delete", SLICES, name=obj["metadata"]["name"], namespace=obj["metadata"]["namespace"])

    def _update(self, endpoints: Object, obj: Object, content: list[Object]) -> None:
        meta = {**obj["metadata"], **_copied(endpoints)}
        wanted = freeze({**obj, "metadata": meta, "endpoints": content})
        if wanted != obj:
            self.client.update(SLICES, wanted)

    def _create(self, endpoints: Object, family: str, ports: Any, content: list[Object]) -> None:
        meta = endpoints["metadata"]
        owners = [owner_reference(endpoints)]
        head = {"generateName": f"{meta['name']}-", "namespace": meta["namespace"], "ownerReferences": owners, **_copied(endpoints)}
        body = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": head, "addressType": family,
                "endpoints": content, "ports": ports}  # fmt: skip
        self.client.create(SLICES, freeze(body), meta["namespace"])


def _copied(endpoints: Object) -> dict[str, Any]:
    """The labels and annotations of a mirror."""
    meta = endpoints["metadata"]
    labels = {**(meta.get("labels") or EMPTY_DICT), MANAGED_BY: MANAGER, SERVICE_NAME: meta["name"]}
    notes = {name: text for name, text in (meta.get("annotations") or EMPTY_DICT).items() if name not in _NOT_COPIED}
    return {"labels": labels, **({"annotations": notes} if notes else {})}
