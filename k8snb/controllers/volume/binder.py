"""The PersistentVolume binder: a claim and a volume point at each other, in four writes, any of which may be the last before a crash.

    1  volume.spec.claimRef      2  volume Bound      3  claim.spec.volumeName      4  claim Bound

A turn looks at how far things are and goes on from there. When the claim is gone the volume is Released, and its reclaim policy
decides. Claims without a match are looked at again every fifteen seconds, and whenever a volume becomes available.

    claim    Pending -> Bound -> Lost                volume   Available -> Bound -> Released

A claim whose class binds late (WaitForFirstConsumer) waits until the scheduler has chosen a node for its first pod: it either
points a volume at the claim, or writes the annotation ``selected-node``, and then the class's provisioner makes one.

Models: pkg/controller/volume/persistentvolume/pv_controller.go (syncUnboundClaim, syncBoundClaim, syncVolume, bind).
Simplified: nothing is recycled, as if no plugin could.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8snb.admission.default_ingress_class import newest_default
from k8snb.admission.default_storage_class import IS_DEFAULT, IS_DEFAULT_BETA
from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import timestamp
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, dig, freeze, merge, put
from k8snb.client.controller import Controller, Index, Watches
from k8snb.client.informer import key_of
from k8snb.component_helpers.timing import timing
from k8snb.component_helpers.volume_matching import best_match, mismatch, refers_to
from k8snb.controllers.volume.protection import claims_used
from k8snb.resources.core.persistentvolumeclaim import class_name

CLAIMS, VOLUMES, CLASSES = "persistentvolumeclaims", "persistentvolumes", "storageclasses.storage.k8s.io"
BOUND, BY_CONTROLLER = "pv.kubernetes.io/bind-completed", "pv.kubernetes.io/bound-by-controller"
PROVISIONER, BETA_PROVISIONER = "volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
RESYNC = timing("claim resync")
NO_PROVISIONER = "kubernetes.io/no-provisioner"
NOT_FOUND = "no persistent volumes available for this claim and no storage class is set"
EXTERNAL = (
    "Waiting for a volume to be created either by the external provisioner '{}' or manually by the system administrator. "
    "If volume creation is delayed, please verify that the provisioner is running and correctly registered."
)
LATE = "waiting for first consumer to be created before binding"
SELECTED_NODE = "volume.kubernetes.io/selected-node"


def _is_bound(claim: Object) -> bool:
    return BOUND in (claim["metadata"].get("annotations") or EMPTY_DICT)


def _unbound(claim: Object) -> Iterable[str]:
    """Index function: claims that look for a volume, all under one value."""
    return () if _is_bound(claim) else ("unbound",)


def _of_volume(volume: Object) -> Iterable[str]:
    """Index function: the class of a volume."""
    return (class_name(volume),)


def _claim_keys(controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    """A volume changed: its claim, and when it is available all claims of its class that look for one."""
    found: dict[str, None] = {}
    for volume in (old, new):
        ref = volume["spec"].get("claimRef") if volume is not None else None
        if ref is not None:
            found[f"{ref.get('namespace', '')}/{ref.get('name', '')}"] = None
    if new is not None and dig(new, "status.phase") == "Available":
        waiting = controller.informers[CLAIMS].by("unbound", "unbound")
        found |= {key_of(claim): None for claim in waiting if class_name(claim) == class_name(new)}
    return list(found)


def _volume_of_claim(controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    """A claim changed: the volume that it names, before or after."""
    claims = [claim for claim in (old, new) if claim is not None and claim["spec"].get("volumeName")]
    return list(dict.fromkeys(claim["spec"]["volumeName"] for claim in claims))


class PersistentVolumeBinder(Controller):
    """One turn looks at one claim (``namespace/name``) or at one volume (``name``)."""

    name = "persistentvolume"
    account = "persistent-volume-binder"
    watches = (Watches(CLAIMS), Watches(CLAIMS, _volume_of_claim), Watches(VOLUMES), Watches(VOLUMES, _claim_keys))
    reads = (CLASSES,)
    indexes = (Index(CLAIMS, "unbound", _unbound), Index(VOLUMES, "class", _of_volume), Index("pods", "claims", claims_used))

    def reconcile(self, key: str) -> None:
        if "/" in key:
            claim = self.informers[CLAIMS].get(key)
            if claim is not None:
                self._bound_claim(claim) if _is_bound(claim) else self._unbound_claim(claim)
            return
        volume = self.informers[VOLUMES].get(key)
        if volume is not None:
            self._volume(volume)

    # ------------------------------------------------------------------ claims

    def _unbound_claim(self, claim: Object) -> None:
        if claim["spec"].get("volumeName"):
            self._asked_for(claim)
            return
        if "deletionTimestamp" in claim["metadata"]:
            return
        claim = self._with_default_class(claim)
        late = self._binds_late(claim)
        found = best_match(self.informers[VOLUMES].by("class", class_name(claim)), claim)
        if found is not None and (not late or refers_to(found, claim)):
            self._bind(found, claim)
            return
        self._say_why_not(claim, late=late)
        self.queue.add_after(key_of(claim), RESYNC, "is there a volume for it now?", background=True)

    def _with_default_class(self, claim: Object) -> Object:
        """A claim that was there before there was a default class gets it now. (``storageClassName: ""`` asks for none.)"""
        if class_name(claim) or "storageClassName" in claim["spec"]:
            return claim
        found = newest_default(self.informers[CLASSES].all(), IS_DEFAULT, IS_DEFAULT_BETA)
        if found is None:
            return claim
        return self.client.update(CLAIMS, merge(claim, {"spec": {"storageClassName": found["metadata"]["name"]}}))

    def _binds_late(self, claim: Object) -> bool:
        """Whether the scheduler has to choose a node first."""
        found = self.informers[CLASSES].get(class_name(claim)) if class_name(claim) else None
        if found is None or found.get("volumeBindingMode") != "WaitForFirstConsumer":
            return False
        return SELECTED_NODE not in (claim["metadata"].get("annotations") or EMPTY_DICT)

    def _say_late(self, claim: Object) -> None:
        """There is no pod yet, or the scheduler has not found a node for it."""
        pods = [pod["metadata"]["name"] for pod in self.informers["pods"].by("claims", key_of(claim)) if not pod["spec"].get("nodeName")]
        if pods:
            word = "pod" if len(pods) == 1 else "pods"
            self.recorder.event(claim, "Normal", "WaitForPodScheduled", f"waiting for {word} {','.join(sorted(pods))} to be scheduled")
        else:
            self.recorder.event(claim, "Normal", "WaitForFirstConsumer", LATE)

    def _say_why_not(self, claim: Object, *, late: bool) -> None:
        name = class_name(claim)
        found = self.informers[CLASSES].get(name) if name else None
        if not name:
            self.recorder.event(claim, "Normal", "FailedBinding", NOT_FOUND)
        elif late:
            self._say_late(claim)
        elif found is None:
            self.recorder.event(claim, "Warning", "ProvisioningFailed", f'storageclass.storage.k8s.io "{name}" not found')
        elif found["provisioner"] == NO_PROVISIONER:
            self.recorder.event(claim, "Warning", "ProvisioningFailed", f"no volume plugin matched name: {NO_PROVISIONER}")
        else:
            self._wait_for_provisioner(claim, found["provisioner"])

    def _wait_for_provisioner(self, claim: Object, provisioner: str) -> None:
        """Provisioners run outside; the annotations tell them that the claim is theirs."""
        notes = {PROVISIONER: provisioner, BETA_PROVISIONER: provisioner}
        if not notes.items() <= (claim["metadata"].get("annotations") or EMPTY_DICT).items():
            claim = self.client.update(CLAIMS, merge(claim, {"metadata": {"annotations": notes}}))
        self.recorder.event(claim, "Normal", "ExternalProvisioning", EXTERNAL.format(provisioner))

    def _asked_for(self, claim: Object) -> None:
        """The claim names a volume: that one or none."""
        volume = self.informers[VOLUMES].get(claim["spec"]["volumeName"])
        if volume is None:
            return  # it may come
        ref = volume["spec"].get("claimRef")
        if ref is None:
            why = mismatch(volume, claim)
            if why:
                message = f'Cannot bind to requested volume "{volume["metadata"]["name"]}": {why}'
                self.recorder.event(claim, "Warning", "VolumeMismatch", message)
                return
        elif not refers_to(volume, claim):
            message = f'volume "{volume["metadata"]["name"]}" already bound to a different claim.'
            self.recorder.event(claim, "Warning", "FailedBinding", message)
            return
        self._bind(volume, claim)

    def _bound_claim(self, claim: Object) -> None:
        """A claim that was bound: is its volume still its own?"""
        name = claim["spec"].get("volumeName")
        volume = self.informers[VOLUMES].get(name) if name else None
        if not name:
            self._lose(claim, "ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!")
        elif volume is None:
            self._lose(claim, "ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!")
        elif volume["spec"].get("claimRef") is None or refers_to(volume, claim):
            self._bind(volume, claim)
        else:
            self._lose(claim, "ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly")

    def _lose(self, claim: Object, reason: str, message: str) -> None:
        if dig(claim, "status.phase") != "Lost":
            self.client.update_status(CLAIMS, put(claim, "status", {"phase": "Lost"}))
            self.recorder.event(claim, "Warning", reason, message)

    # ------------------------------------------------------------------ binding

    def _bind(self, volume: Object, claim: Object) -> None:
        """Bring both to the same end, from wherever they are."""
        volume = self._point_to_claim(volume, claim)
        volume = self._phase(volume, "Bound")
        changes: dict[str, Any] = {"metadata": {"annotations": {BOUND: "yes"}}, "spec": {"volumeName": volume["metadata"]["name"]}}
        if not claim["spec"].get("volumeName"):
            changes["metadata"]["annotations"][BY_CONTROLLER] = "yes"
        wanted = merge(claim, changes)
        if wanted != claim:
            claim = self.client.update(CLAIMS, wanted)
        have, was = volume["spec"], claim["status"]
        known = {key: value for key, value in was.items() if key not in ("phase", "accessModes", "capacity")}
        # A bound claim keeps its capacity: it is the size of the file system, which follows a disk that has grown.
        capacity = was["capacity"] if was.get("phase") == "Bound" and "capacity" in was else have["capacity"]
        status = freeze({**known, "phase": "Bound", "accessModes": have["accessModes"], "capacity": capacity})
        if status != claim["status"]:
            self.client.update_status(CLAIMS, FrozenDict({**claim, "status": status}))

    def _point_to_claim(self, volume: Object, claim: Object) -> Object:
        ref, meta = volume["spec"].get("claimRef"), claim["metadata"]
        if ref is not None and ref.get("uid") == meta["uid"]:
            return volume
        names = {name: meta[name] for name in ("namespace", "name", "uid", "resourceVersion")}
        wanted = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **names}
        changes: dict[str, Any] = {"spec": {"claimRef": wanted}}
        if ref is None:
            changes["metadata"] = {"annotations": {BY_CONTROLLER: "yes"}}
        return self.client.update(VOLUMES, merge(volume, changes))

    def _phase(self, volume: Object, phase: str) -> Object:
        if dig(volume, "status.phase") == phase:
            return volume
        status = {"phase": phase, "lastPhaseTransitionTime": timestamp(self.now)}
        return self.client.update_status(VOLUMES, merge(volume, {"status": status}))

    # ------------------------------------------------------------------ volumes

    def _volume(self, volume: Object) -> None:
        ref = volume["spec"].get("claimRef")
        if ref is None or not ref.get("uid"):
            self._phase(volume, "Available")
            return
        claim = self._claim(ref)
        if claim is None:
            if dig(volume, "status.phase") != "Failed":
                volume = self._phase(volume, "Released")
            self._reclaim(volume)
        elif claim["spec"].get("volumeName") == volume["metadata"]["name"]:
            self._phase(volume, "Bound")
        elif claim["spec"].get("volumeName"):
            self._unbind(volume)
        else:
            self.queue.add(key_of(claim))

    def _claim(self, ref: Object) -> Object | None:
        """The claim that a volume is bound to, asked freshly before it is taken for gone."""
        claim = self.informers[CLAIMS].get(f"{ref['namespace']}/{ref['name']}")
        if claim is None:
            claim = self.client.find(CLAIMS, ref["name"], ref["namespace"])
        return claim if claim is not None and claim["metadata"]["uid"] == ref["uid"] else None

    def _reclaim(self, volume: Object) -> None:
        """Delete asks a plugin to delete what lies behind; a volume of a kind that is deleted at once goes."""
        policy = volume["spec"].get("persistentVolumeReclaimPolicy")
        if policy == "Recycle":
            self._fail(volume, "No recycler plugin found for the volume!", "VolumeFailedRecycle")
        if policy != "Delete" or "deletionTimestamp" in volume["metadata"]:
            return
        if volume["spec"].get("csi") is not None or PROVISIONED_BY in (volume["metadata"].get("annotations") or EMPTY_DICT):
            return  # its provisioner deletes it
        path = dig(volume, "spec.hostPath.path", "")
        if path.startswith("/tmp/"):
            try:
                self.client.delete(VOLUMES, volume["metadata"]["name"])
            except ApiError as error:
                if error.code != 404:
                    raise
            return
        name = volume["metadata"]["name"]
        missing = f'error getting deleter volume plugin for volume "{name}": no deletable volume plugin matched'
        self._fail(volume, f"host_path deleter only supports /tmp/.+ but received provided {path}" if path else missing)

    def _fail(self, volume: Object, why: str, reason: str = "VolumeFailedDelete") -> None:
        if dig(volume, "status.phase") != "Failed":
            status = {"phase": "Failed", "message": why, "lastPhaseTransitionTime": timestamp(self.now)}
            self.client.update_status(VOLUMES, merge(volume, {"status": status}))
            self.recorder.event(volume, "Warning", reason, why)

    def _unbind(self, volume: Object) -> None:
        """The claim has chosen another volume meanwhile: this one is free again."""
        if BY_CONTROLLER in (volume["metadata"].get("annotations") or EMPTY_DICT):
            changes: dict[str, Any] = {"metadata": {"annotations": {BY_CONTROLLER: None}}, "spec": {"claimRef": None}}
        else:
            changes = {"spec": {"claimRef": {"uid": None, "resourceVersion": None}}}
        self._phase(self.client.update(VOLUMES, merge(volume, changes)), "Available")
