"""The external-resizer: a claim that asks for more than its volume has gets it.

    spec.resources.requests > status.capacity  ->  expand the disk  ->  volume.spec.capacity
                                               ->  condition FileSystemResizePending: the node must grow the file system
    the kubelet, once the volume is mounted    ->  status.capacity

Models: kubernetes-csi/external-resizer (pkg/controller/controller.go, expand_and_recover.go).
Simplified: nothing is taken back; a request that was too large can only be made larger.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery import quantity
from k8snb.apimachinery.meta import drop_condition, set_condition, timestamp
from k8snb.apimachinery.objects import EMPTY_LIST, FrozenDict, Object, dig, merge, put
from k8snb.client.controller import Watches
from k8snb.seams.csi import Driver
from k8snb.storage.sidecar import Failed, Sidecar

CLAIMS, VOLUMES = "persistentvolumeclaims", "persistentvolumes"
PENDING = "Waiting for user to (re-)start a pod to finish file system resize of volume on node."


class Resizer(Sidecar):
    """One turn looks at one claim."""

    name = "external-resizer"
    watches = (Watches(CLAIMS),)
    reads = (VOLUMES,)

    def reconcile(self, key: str) -> None:
        claim = self.informers[CLAIMS].get(key)
        volume = self.informers[VOLUMES].get(claim["spec"].get("volumeName", "")) if claim is not None else None
        driver = self.driver(dig(volume, "spec.csi.driver", "")) if volume is not None else None
        if claim is None or volume is None or driver is None or dig(claim, "status.phase") != "Bound":
            return
        wanted = quantity.value(dig(claim, "spec.resources.requests.storage", "0"))
        if wanted <= quantity.value(dig(claim, "status.capacity.storage", "0")) or not driver.traits.expands:
            return
        if quantity.value(dig(volume, "spec.capacity.storage", "0")) < wanted:
            self._grow(key, claim, volume, driver, wanted)

    def _grow(self, key: str, claim: Object, volume: Object, driver: Driver, wanted: int) -> None:
        name, pv = driver.traits.name, volume["metadata"]["name"]
        if key not in self.own:
            self.say(name, claim, "Normal", "Resizing", f"External resizer is resizing volume {pv}")
            claim = self._status(claim, {"type": "Resizing", "status": "True"}, "ControllerResizeInProgress")
        if not self.has_taken(key, driver.traits.timing.expand, f"{pv} grows"):
            return
        size, error = driver.expand(dig(volume, "spec.csi.volumeHandle", ""), wanted)
        if error:
            message = f'resize volume "{pv}" by resizer "{name}" failed: {error}'
            self.say(name, claim, "Warning", "VolumeResizeFailed", message)
            raise Failed(message)
        text = quantity.write(size, "BinarySI")
        self.client.update(VOLUMES, merge(volume, {"spec": {"capacity": {"storage": text}}}))
        self.say(name, claim, "Normal", "FileSystemResizeRequired", "Require file system resize of volume on node")
        wish = {"type": "FileSystemResizePending", "status": "True", "message": PENDING}
        self._status(claim, wish, "NodeResizePending")

    def _status(self, claim: Object, condition: dict[str, Any], progress: str) -> Object:
        """Write how far the resize is: one condition, and the state of the storage resource."""
        old = drop_condition(drop_condition(dig(claim, "status.conditions", EMPTY_LIST), "Resizing"), "FileSystemResizePending")
        wanted = {"reason": "", **condition, "lastProbeTime": None, "lastTransitionTime": timestamp(self.now)}
        conditions = set_condition(old, {key: value for key, value in wanted.items() if value not in ("", None)}, self.now)
        status: FrozenDict = put(claim["status"], "conditions", conditions)
        status = put(status, "allocatedResources", {"storage": dig(claim, "spec.resources.requests.storage")})
        status = put(status, "allocatedResourceStatuses", {"storage": progress})
        return self.client.update_status(CLAIMS, put(claim, "status", status))
