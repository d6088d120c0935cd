"""The attach/detach controller: volumes follow the pods, from node to node, and are on one node at a time unless they may be shared.

    wanted:  the nodes of the pods that use the volume's claim          have:  its VolumeAttachments

    wanted, not there   ->  a VolumeAttachment; the driver's attacher does the rest        (elsewhere, exclusive: Multi-Attach error)
    there, not wanted   ->  not before the kubelet has unmounted it (node.status.volumesInUse); then the VolumeAttachment goes
    attached            ->  node.status.volumesAttached says so, and the kubelet may mount it

A kubelet that is dead never unmounts. After six minutes the volume is taken from a node that is not Ready, and at once from one
with the out-of-service taint.

Models: pkg/controller/volume/attachdetach (attach_detach_controller.go, reconciler/reconciler.go), pkg/volume/csi/csi_attacher.go.
Simplified: only CSI volumes are attached; other kinds are mounted wherever the pod runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import condition_status
from k8snb.apimachinery.objects import EMPTY_LIST, Object, dig, freeze
from k8snb.client.controller import Controller, Index, Watches
from k8snb.component_helpers.pods import is_pod_terminal
from k8snb.component_helpers.timing import timing
from k8snb.controllers.volume.protection import claims_used
from k8snb.sim.state import Shelf

ATTACHMENTS, VOLUMES, CLAIMS = "volumeattachments.storage.k8s.io", "persistentvolumes", "persistentvolumeclaims"
DRIVERS, NODES = "csidrivers.storage.k8s.io", "nodes"
MAX_WAIT_FOR_UNMOUNT = timing("forced detach")
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
SHARED_MODES = ("ReadOnlyMany", "ReadWriteMany")


def unique_name(volume: Object) -> str:
    """How nodes name a CSI volume: ``kubernetes.io/csi/DRIVER^HANDLE``."""
    return f"kubernetes.io/csi/{dig(volume, 'spec.csi.driver', '')}^{dig(volume, 'spec.csi.volumeHandle', '')}"


def attachment_name(volume: Object, node: str) -> str:
    """The name of the VolumeAttachment of a volume on a node: a hash, as csi_attacher makes it."""
    text = f"{dig(volume, 'spec.csi.volumeHandle', '')}{dig(volume, 'spec.csi.driver', '')}{node}"
    return f"csi-{hashlib.sha256(text.encode()).hexdigest()}"


def _on_node(attachment: Object) -> Iterable[str]:
    return (attachment["spec"]["nodeName"],)


def _of_volume(attachment: Object) -> Iterable[str]:
    return (dig(attachment, "spec.source.persistentVolumeName", ""),)


def _volumes_of_pod(controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    pod = new if new is not None else old
    if pod is None or not pod["spec"].get("nodeName"):
        return []
    claims = (controller.informers[CLAIMS].get(key) for key in claims_used(pod))
    return [claim["spec"]["volumeName"] for claim in claims if claim is not None and claim["spec"].get("volumeName")]


def _volume_of_claim(_controller: Any, _old: Object | None, new: Object | None) -> Iterable[str]:
    name = new["spec"].get("volumeName") if new is not None else None
    return [name] if name else []


def _volume_of_attachment(_controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    found = new if new is not None else old
    return _of_volume(found) if found is not None else []


def _volumes_on_node(controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    """What is attached to a node, when the kubelet lets go of something, the node is lost, or somebody gives it up."""
    node = new if new is not None else old
    attached = controller.informers[ATTACHMENTS].by("node", node["metadata"]["name"]) if node is not None else []
    if not attached or (old is not None and new is not None and _what_matters(old) == _what_matters(new)):
        return []
    return [dig(item, "spec.source.persistentVolumeName", "") for item in attached]


def _what_matters(node: Object) -> tuple[Any, ...]:
    return dig(node, "status.volumesInUse"), dig(node, "spec.taints"), condition_status(node, "Ready")


class AttachDetachController(Controller):
    """One turn looks at one PersistentVolume. What it remembers: since when a volume should be off a node, and what it said."""

    name = "attachdetach"
    watches = (
        Watches("pods", _volumes_of_pod),
        Watches(CLAIMS, _volume_of_claim),
        Watches(VOLUMES),
        Watches(ATTACHMENTS, _volume_of_attachment),
        Watches(NODES, _volumes_on_node),
    )
    reads = (DRIVERS,)
    indexes = (Index(ATTACHMENTS, "node", _on_node), Index(ATTACHMENTS, "volume", _of_volume), Index("pods", "claims", claims_used))

    def new_state(self) -> Shelf:
        """Nothing asked, nothing said."""
        return Shelf()

    def reconcile(self, key: str) -> None:
        volume = self.informers[VOLUMES].get(key)
        have = {item["spec"]["nodeName"]: item for item in self.informers[ATTACHMENTS].by("volume", key)}
        if volume is None or not self._attachable(volume):
            return
        wanted = self._wanted(volume)
        for node, attachment in have.items():
            if node not in wanted:
                self._take_off(volume, node, attachment)
            else:
                self.own.pop(f"{key} off {node}", None)
        for node, pods in wanted.items():
            if node in have:
                self._report(volume, node, have[node], pods)
            else:
                self._put_on(volume, node, pods, have)

    def _attachable(self, volume: Object) -> bool:
        name = dig(volume, "spec.csi.driver", "")
        driver = self.informers[DRIVERS].get(name) if name else None
        return bool(name) and bool(dig(driver, "spec.attachRequired", True) if driver is not None else True)

    def _wanted(self, volume: Object) -> dict[str, list[Object]]:
        """Node -> the pods there that use the volume."""
        ref = volume["spec"].get("claimRef")
        found: dict[str, list[Object]] = {}
        claim = self.informers[CLAIMS].get(f"{ref['namespace']}/{ref['name']}") if ref is not None else None
        if claim is None or claim["spec"].get("volumeName") != volume["metadata"]["name"]:
            return found
        for pod in self.informers["pods"].by("claims", f"{ref['namespace']}/{ref['name']}"):
            if pod["spec"].get("nodeName") and not is_pod_terminal(pod):
                found.setdefault(pod["spec"]["nodeName"], []).append(pod)
        return found

    # ------------------------------------------------------------------ attaching

    def _put_on(self, volume: Object, node: str, pods: list[Object], have: dict[str, Object]) -> None:
        modes = volume["spec"].get("accessModes") or ()
        if have and not any(mode in SHARED_MODES for mode in modes):
            self._multi_attach(volume, node, pods, have)
            return
        name = volume["metadata"]["name"]
        wish = {
            "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": attachment_name(volume, node)},
            "spec": {"attacher": dig(volume, "spec.csi.driver"), "nodeName": node, "source": {"persistentVolumeName": name}},
        }  # fmt: skip
        try:
            self.client.create(ATTACHMENTS, freeze(wish))
        except ApiError as error:
            if error.code != 409:
                raise

    def _multi_attach(self, volume: Object, node: str, pods: list[Object], have: dict[str, Object]) -> None:
        """Said once for each node that has to wait."""
        name = volume["metadata"]["name"]
        if not self._first_time(f"{name} multi-attach {node}", "said"):
            return
        others = [pod for place, found in self._wanted(volume).items() if place in have for pod in found]
        for pod in pods:
            near = [other["metadata"]["name"] for other in others if other["metadata"]["namespace"] == pod["metadata"]["namespace"]]
            why = "Volume is already exclusively attached to one node and can't be attached to another"
            why = f"Volume is already used by pod(s) {', '.join(near)}" if near else why
            self.recorder.event(pod, "Warning", "FailedAttachVolume", f'Multi-Attach error for volume "{name}" {why}')

    def _first_time(self, about: str, what: str) -> bool:
        new = self.own.get(about) != what
        self.own[about] = what
        return bool(new)

    def _report(self, volume: Object, node: str, attachment: Object, pods: list[Object]) -> None:
        """Tell the kubelet (and the pods' watchers) how far it is."""
        name = volume["metadata"]["name"]
        if "deletionTimestamp" in attachment["metadata"]:
            return  # on its way out; it comes back once it is gone
        self.own.pop(f"{name} multi-attach {node}", None)
        if dig(attachment, "status.attached"):
            if self._list_on(node, volume, attached=True):
                for pod in pods:
                    message = f'AttachVolume.Attach succeeded for volume "{name}" '
                    self.recorder.event(pod, "Normal", "SuccessfulAttachVolume", message)
            return
        error = dig(attachment, "status.attachError.message")
        if error and self._first_time(f"{name} error {node}", f"{error} {dig(attachment, 'status.attachError.time')}"):
            for pod in pods:
                message = f'AttachVolume.Attach failed for volume "{name}" : {error}'
                self.recorder.event(pod, "Warning", "FailedAttachVolume", message)

    def _list_on(self, node: str, volume: Object, *, attached: bool) -> bool:
        """Write into the Node whether the volume is attached there. False where it said so already."""
        found = self.informers[NODES].get(node)
        if found is None:
            return False
        name, listed = unique_name(volume), list(dig(found, "status.volumesAttached", EMPTY_LIST))
        if attached == any(item["name"] == name for item in listed):
            return False
        rest = [item for item in listed if item["name"] != name]
        rest += [freeze({"name": name, "devicePath": ""})] if attached else []
        self.client.patch(NODES, node, {"status": {"volumesAttached": rest or None}}, subresource="status")
        return True

    # ------------------------------------------------------------------ detaching

    def _take_off(self, volume: Object, node: str, attachment: Object) -> None:
        name = volume["metadata"]["name"]
        if "deletionTimestamp" in attachment["metadata"]:
            return
        since = self.own.setdefault(f"{name} off {node}", self.now)
        if not self._may_detach(volume, node, since):
            left = since + MAX_WAIT_FOR_UNMOUNT - self.now
            if left > 0:
                self.queue.add_after(name, left, f"is {name} still mounted on {node}?", background=True)
            return
        del self.own[f"{name} off {node}"]
        self.own.pop(f"{name} error {node}", None)
        self._list_on(node, volume, attached=False)
        try:
            self.client.delete(ATTACHMENTS, attachment["metadata"]["name"])
        except ApiError as error:
            if error.code != 404:
                raise

    def _may_detach(self, volume: Object, node: str, since: int) -> bool:
        """Unmounted; or nobody will ever unmount it."""
        found = self.informers[NODES].get(node)
        if found is None or unique_name(volume) not in dig(found, "status.volumesInUse", EMPTY_LIST):
            return True
        if any(taint["key"] == OUT_OF_SERVICE for taint in dig(found, "spec.taints", EMPTY_LIST)):
            return True
        return self.now - since >= MAX_WAIT_FOR_UNMOUNT and condition_status(found, "Ready") != "True"
