"""Generic ephemeral volumes: a pod's volume with a claim of its own, which lives as long as the pod.

    volumes: [{name: scratch, ephemeral: {volumeClaimTemplate: ...}}]   ->   claim POD-scratch, owned by the pod

Models: pkg/controller/volume/ephemeral/controller.go, component-helpers/storage/ephemeral.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import is_controlled_by, owner_reference
from k8snb.apimachinery.objects import EMPTY_DICT, Object, freeze
from k8snb.client.controller import Controller, Watches
from k8snb.client.informer import key_of

CLAIMS = "persistentvolumeclaims"


def _with_ephemeral(_controller: Any, _old: Object | None, new: Object | None) -> Iterable[str]:
    if new is None or not any("ephemeral" in volume for volume in new["spec"].get("volumes") or ()):
        return []
    return [key_of(new)]


def _pod_of_claim(_controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    """A claim is gone: the pod that it was made for."""
    owners = (old["metadata"].get("ownerReferences") or ()) if old is not None and new is None else ()
    return [f"{old['metadata']['namespace']}/{ref['name']}" for ref in owners if ref["kind"] == "Pod"] if old is not None else []


class EphemeralVolumeController(Controller):
    """One turn looks at one pod."""

    name = "ephemeral-volume"
    watches = (Watches("pods", _with_ephemeral), Watches(CLAIMS, _pod_of_claim))

    def reconcile(self, key: str) -> None:
        pod = self.informers["pods"].get(key)
        if pod is None or "deletionTimestamp" in pod["metadata"]:
            return
        for volume in pod["spec"].get("volumes") or ():
            if "ephemeral" in volume:
                self._ensure(pod, volume)

    def _ensure(self, pod: Object, volume: Object) -> None:
        meta = pod["metadata"]
        name = f"{meta['name']}-{volume['name']}"
        found = self.informers[CLAIMS].get(f"{meta['namespace']}/{name}")
        if found is not None:
            if not is_controlled_by(found, pod):
                where = f"{meta['namespace']}/{meta['name']}"
                why = f"PVC {meta['namespace']}/{name} was not created for pod {where} (pod is not owner)"
                raise ApiError(409, "Conflict", why)
            return
        template = volume["ephemeral"]["volumeClaimTemplate"]
        given = template.get("metadata") or EMPTY_DICT
        owned = {key: given[key] for key in ("labels", "annotations") if given.get(key)}
        claim = {
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "ownerReferences": [owner_reference(pod)], **owned}, "spec": template["spec"],
        }  # fmt: skip
        try:
            self.client.create(CLAIMS, freeze(claim), meta["namespace"])
        except ApiError as error:
            reason = f"ephemeral volume controller failed to create PVC: {error.message}"
            self.recorder.event(pod, "Warning", "FailedBinding", reason)
            raise
