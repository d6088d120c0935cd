"""The external-provisioner: a claim becomes a disk and a PersistentVolume, and a released volume goes with its disk.

    claim (annotation storage-provisioner: DRIVER)  ->  create  ->  PersistentVolume pvc-UID, meant for the claim
    claim of a class that binds late                    waits for the annotation selected-node, which the scheduler sets
    volume Released, reclaim policy Delete          ->  delete  ->  the PersistentVolume goes

Binding is not its business: the PersistentVolume controller sees a volume that names the claim, and binds them.

Models: kubernetes-csi/external-provisioner (pkg/controller/controller.go, topology.go), sig-storage-lib-external-provisioner.
Simplified: volumes are not made from snapshots or other volumes; secrets and capacity objects are not handled.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from k8snb.apimachinery import quantity
from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import annotation
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig, freeze, merge
from k8snb.client.controller import Watches
from k8snb.component_helpers.csinode import entry_of
from k8snb.resources.core.persistentvolumeclaim import class_name
from k8snb.seams.csi import Created, Driver, Segments
from k8snb.storage.sidecar import Failed, Sidecar

CLAIMS, VOLUMES, CLASSES = "persistentvolumeclaims", "persistentvolumes", "storageclasses.storage.k8s.io"
ATTACHMENTS, CSINODES = "volumeattachments.storage.k8s.io", "csinodes.storage.k8s.io"
PROVISIONER, SELECTED_NODE = "volume.kubernetes.io/storage-provisioner", "volume.kubernetes.io/selected-node"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
FINALIZER = "external-provisioner.volume.kubernetes.io/finalizer"
RESCHEDULE = "code = ResourceExhausted"


def _detached(_controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    """A VolumeAttachment is gone: its volume can be deleted now."""
    return [dig(old, "spec.source.persistentVolumeName", "")] if new is None and old is not None else []


class Provisioner(Sidecar):
    """One turn looks at one claim (``namespace/name``) or at one volume (``name``)."""

    name = "external-provisioner"
    watches = (Watches(CLAIMS), Watches(VOLUMES), Watches(ATTACHMENTS, _detached))
    reads = (CLASSES,)

    def reconcile(self, key: str) -> None:
        if "/" in key:
            claim = self.informers[CLAIMS].get(key)
            driver = self.driver(annotation(claim, PROVISIONER)) if claim is not None else None
            if claim is not None and driver is not None:
                self._claim(key, claim, driver)
            return
        volume = self.informers[VOLUMES].get(key)
        driver = self.driver(annotation(volume, PROVISIONED_BY)) if volume is not None else None
        if volume is not None and driver is not None:
            self._volume(key, volume, driver)

    # -- claims ------------------------------------------------------------------------------------------------------

    def _claim(self, key: str, claim: Object, driver: Driver) -> None:
        found = self.informers[CLASSES].get(class_name(claim))
        if claim["spec"].get("volumeName") or "deletionTimestamp" in claim["metadata"] or found is None:
            self.own.pop(key, None)
            return
        late = found.get("volumeBindingMode") == "WaitForFirstConsumer"
        if found["provisioner"] != driver.traits.name or (late and not annotation(claim, SELECTED_NODE)):
            self.own.pop(key, None)
            return
        if self.informers[VOLUMES].get(f"pvc-{claim['metadata']['uid']}") is not None:
            return  # made; the binder does the rest
        if key not in self.own:
            message = f'External provisioner is provisioning volume for claim "{key}"'
            self.say(driver.traits.name, claim, "Normal", "Provisioning", message)
        if self.has_taken(key, driver.traits.timing.create, f"a volume for {key} is made"):
            self._provision(claim, found, driver)

    def _provision(self, claim: Object, found: Object, driver: Driver) -> None:
        name = driver.traits.name
        if problem := _unsupported(claim):
            self._failed(claim, found, name, problem)
        try:
            places = self._places(claim, found, driver)
        except LookupError as error:
            self._failed(claim, found, name, f"error generating accessibility requirements: {error}")
        size = quantity.value(dig(claim, "spec.resources.requests.storage", "0"))
        modes = tuple(claim["spec"].get("accessModes") or ())
        volume = f"pvc-{claim['metadata']['uid']}"
        created = driver.create(volume, size, found.get("parameters") or {}, modes, places)
        if created.error:
            self._failed(claim, found, name, created.error)
        try:
            self.client.create(VOLUMES, volume_object(claim, found, driver, created, now=self.now))
        except ApiError as error:
            if error.code != 409:
                raise
        self.say(name, claim, "Normal", "ProvisioningSucceeded", f"Successfully provisioned volume {volume}")

    def _failed(self, claim: Object, found: Object, driver: str, why: str) -> None:
        """Say so, give the node back where there is no room, and try again later."""
        message = f'failed to provision volume with StorageClass "{found["metadata"]["name"]}": {why}'
        self.say(driver, claim, "Warning", "ProvisioningFailed", message)
        if RESCHEDULE in why and annotation(claim, SELECTED_NODE):
            self.client.update(CLAIMS, merge(claim, {"metadata": {"annotations": {SELECTED_NODE: None}}}))
        raise Failed(message)

    def _places(self, claim: Object, found: Object, driver: Driver) -> tuple[Segments, ...]:
        """Where the disk may be, best first; empty for a driver whose disks are everywhere. Raises LookupError."""
        if not driver.traits.topology:
            return ()
        node = annotation(claim, SELECTED_NODE)
        nodes = [self.client.find("nodes", node)] if node else self.client.list("nodes")
        known = dict.fromkeys(self._segments(item, driver) for item in nodes if item is not None)
        allowed = [place for place in known if place and _allows(found, dict(place))]
        if not allowed:
            raise LookupError(f"no topology key found on CSINode {node}" if node else "no available topology found")
        turn = _turn(claim["metadata"]["name"]) % len(allowed)
        return tuple(allowed[turn:] + allowed[:turn])

    def _segments(self, node: Object, driver: Driver) -> Segments:
        labels, traits = node["metadata"].get("labels") or EMPTY_DICT, driver.traits
        entry = None if traits.directory else entry_of(self.client.find(CSINODES, node["metadata"]["name"]), traits.name)
        keys = traits.topology if traits.directory else (entry or EMPTY_DICT).get("topologyKeys") or ()
        return tuple((key, labels[key]) for key in keys if key in labels)

    # -- volumes -----------------------------------------------------------------------------------------------------

    def _volume(self, key: str, volume: Object, driver: Driver) -> None:
        released = dig(volume, "status.phase") in ("Released", "Failed")
        if not released or volume["spec"].get("persistentVolumeReclaimPolicy") != "Delete":
            if "deletionTimestamp" in volume["metadata"] and dig(volume, "status.phase") != "Bound":
                self._let_go(volume)
            return
        node = next((dig(item, "spec.nodeName") for item in self.informers[ATTACHMENTS].all()
                     if dig(item, "spec.source.persistentVolumeName") == key), None)  # fmt: skip
        if node is not None:
            message = f"persistentvolume {key} is still attached to node {node}"
            self.say(driver.traits.name, volume, "Warning", "VolumeFailedDelete", message)
            raise Failed(message)
        if not self.has_taken(key, driver.traits.timing.delete, f"{key} is deleted"):
            return
        if error := driver.delete(dig(volume, "spec.csi.volumeHandle", "")):
            self.say(driver.traits.name, volume, "Warning", "VolumeFailedDelete", error)
            raise Failed(error)
        if "deletionTimestamp" not in volume["metadata"]:
            self.client.delete(VOLUMES, key)
            volume = self.client.find(VOLUMES, key) or volume
        self._let_go(volume)

    def _let_go(self, volume: Object) -> None:
        """The disk is gone, or is to be kept: the PersistentVolume may go."""
        names = list(volume["metadata"].get("finalizers") or ())
        if FINALIZER not in names:
            return
        names.remove(FINALIZER)
        try:
            self.client.update(VOLUMES, merge(volume, {"metadata": {"finalizers": names or None}}))
        except ApiError as error:
            if error.code != 404:
                raise


def volume_object(claim: Object, found: Object, driver: Driver, created: Created, *, now: int) -> Object:
    """The PersistentVolume of a new disk, meant for its claim."""
    meta, spec, traits = claim["metadata"], claim["spec"], driver.traits
    names = {key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion")}
    ref = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **names}
    whole: dict[str, Any] = {
        "accessModes": spec["accessModes"], "capacity": {"storage": quantity.write(created.size, "BinarySI")}, "claimRef": ref,
        **_source(claim, found, driver, created, now), "persistentVolumeReclaimPolicy": found.get("reclaimPolicy", "Delete"),
        "storageClassName": found["metadata"]["name"], "volumeMode": spec.get("volumeMode", "Filesystem"),
    }  # fmt: skip
    if found.get("mountOptions"):
        whole["mountOptions"] = found["mountOptions"]
    if created.segments:
        needs = [{"key": key, "operator": "In", "values": [value]} for key, value in created.segments]
        whole["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": needs}]}}
    secret = "volume.kubernetes.io/provisioner-deletion-secret-"
    notes = {PROVISIONED_BY: traits.name, f"{secret}name": "", f"{secret}namespace": ""}
    made: Object = freeze({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": f"pvc-{meta['uid']}", "annotations": notes, "finalizers": [FINALIZER]}, "spec": whole,
    })  # fmt: skip
    return made


def _source(claim: Object, found: Object, driver: Driver, created: Created, now: int) -> dict[str, Any]:
    """What lies behind the PersistentVolume."""
    traits = driver.traits
    if traits.directory:
        path = f"{traits.directory}/pvc-{claim['metadata']['uid']}"
        return {"hostPath": {"path": path, "type": "DirectoryOrCreate"}}
    source: dict[str, Any] = {
        "driver": traits.name, "volumeHandle": created.handle,
        "volumeAttributes": {"storage.kubernetes.io/csiProvisionerIdentity": f"{now // 1000}-8081-{traits.name}"},
    }  # fmt: skip
    if claim["spec"].get("volumeMode", "Filesystem") == "Filesystem":
        source["fsType"] = (found.get("parameters") or EMPTY_DICT).get("csi.storage.k8s.io/fstype", traits.filesystem)
    return {"csi": source}


def _unsupported(claim: Object) -> str:
    """What no driver here can do for a claim; empty where there is nothing."""
    if claim["spec"].get("selector"):
        return "claim Selector is not supported"
    source = claim["spec"].get("dataSourceRef") or claim["spec"].get("dataSource")
    return f"k8snb does not simulate volumes that are made from a {source['kind']}" if source else ""


def _allows(found: Object, place: Mapping[str, str]) -> bool:
    """``allowedTopologies``: one of the terms must hold; none: anywhere."""
    terms = found.get("allowedTopologies") or ()
    return not terms or any(
        all(place.get(e["key"]) in (e.get("values") or ()) for e in term.get("matchLabelExpressions") or ()) for term in terms
    )


def _turn(claim: str) -> int:
    """Claims of one StatefulSet are spread over the places: its name decides the first, the ordinal counts on."""
    found = re.fullmatch(r"(.*)-(\d+)", claim)
    name, ordinal = (found[1], int(found[2])) if found else (claim, 0)
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) + ordinal
