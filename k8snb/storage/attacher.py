"""The external-attacher: a VolumeAttachment is a wish to have a volume on a node; this loop makes it come true.

    VolumeAttachment created            ->  attach  ->  status.attached: true
    VolumeAttachment being deleted      ->  detach  ->  its finalizer goes, and with it the object

Who wishes is the attach/detach controller of kube-controller-manager.

Models: kubernetes-csi/external-attacher (pkg/controller/csi_handler.go).
Simplified: no finalizer is put on the PersistentVolume; the provisioner looks for attachments before it deletes one.
"""

from __future__ import annotations

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import timestamp
from k8snb.apimachinery.objects import Object, dig, merge, put
from k8snb.client.controller import Watches
from k8snb.seams.csi import Driver
from k8snb.storage.sidecar import Failed, Sidecar

ATTACHMENTS, VOLUMES = "volumeattachments.storage.k8s.io", "persistentvolumes"


def finalizer_of(driver: str) -> str:
    """``external-attacher/disk-csi-example-com``."""
    return f"external-attacher/{driver.replace('.', '-').replace('/', '-')}"


class Attacher(Sidecar):
    """One turn looks at one VolumeAttachment."""

    name = "external-attacher"
    watches = (Watches(ATTACHMENTS),)
    reads = (VOLUMES,)

    def reconcile(self, key: str) -> None:
        wish = self.informers[ATTACHMENTS].get(key)
        driver = self.driver(dig(wish, "spec.attacher", "")) if wish is not None else None
        if wish is None or driver is None:
            self.own.pop(key, None)
            return
        handle = self._handle(wish)
        if "deletionTimestamp" in wish["metadata"]:
            self._unpublish(key, wish, driver, handle)
        elif not dig(wish, "status.attached"):
            self._publish(key, wish, driver, handle)

    def _handle(self, wish: Object) -> str:
        name = dig(wish, "spec.source.persistentVolumeName", "")
        volume = self.informers[VOLUMES].get(name) or self.client.find(VOLUMES, name)
        return str(dig(volume, "spec.csi.volumeHandle", "")) if volume is not None else ""

    def _publish(self, key: str, wish: Object, driver: Driver, handle: str) -> None:
        finalizer = finalizer_of(driver.traits.name)
        if finalizer not in (wish["metadata"].get("finalizers") or ()):
            wish = self.client.update(ATTACHMENTS, put(wish, "metadata.finalizers", [finalizer]))
        if not self.has_taken(key, driver.traits.timing.attach, f"{key} is attached"):
            return
        node = wish["spec"]["nodeName"]
        error = driver.attach(handle, node)
        if error:
            status = {"attached": False, "attachError": {"time": timestamp(self.now), "message": error}}
            if dig(wish, "status.attachError.message") != error:
                self.client.update_status(ATTACHMENTS, put(wish, "status", status))
            raise Failed(error)
        self.client.update_status(ATTACHMENTS, put(wish, "status", {"attached": True}))

    def _unpublish(self, key: str, wish: Object, driver: Driver, handle: str) -> None:
        if dig(wish, "status.attached") and not self.has_taken(key, driver.traits.timing.detach, f"{key} is detached"):
            return
        if error := driver.detach(handle, wish["spec"]["nodeName"]):
            raise Failed(error)
        self.own.pop(key, None)
        try:
            self.client.update(ATTACHMENTS, merge(wish, {"metadata": {"finalizers": None}}))
        except ApiError as error_:
            if error_.code != 404:
                raise
