"""The claims of a StatefulSet's Pods: made before the Pod, kept after it, unless the retention policy says otherwise.

    whenDeleted   Delete: the claim is owned by the set, and goes with it
    whenScaled    Delete: the claim of a Pod that is too many is owned by that Pod, and goes with it

Models: pkg/controller/statefulset/stateful_set_utils.go (getPersistentVolumeClaims, updateClaimOwnerRefForSetAndPod,
hasStaleOwnerRef).
"""

from __future__ import annotations

from k8snb.apimachinery.meta import controller_of, owner_reference
from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, FrozenDict, FrozenList, Object
from k8snb.controllers.statefulset.identity import claim_name, ordinal_of, ordinals

CLAIMS = "persistentvolumeclaims"


def claims_of(statefulset: Object, ordinal: int) -> list[Object]:
    """The claims that the Pod with that number needs, as they are created."""
    return [_claim(statefulset, t, ordinal) for t in statefulset["spec"].get("volumeClaimTemplates") or EMPTY_LIST]


def _claim(statefulset: Object, template: Object, ordinal: int) -> Object:
    meta = template["metadata"]
    labels = {**(meta.get("labels") or EMPTY_DICT), **(statefulset["spec"]["selector"].get("matchLabels") or EMPTY_DICT)}
    head = {**meta, "name": claim_name(statefulset, template, ordinal), "namespace": statefulset["metadata"]["namespace"]}
    if labels:
        head["labels"] = FrozenDict(labels)
    kind = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    return FrozenDict({**kind, "metadata": FrozenDict(head), "spec": template["spec"]})


def policy_of(statefulset: Object) -> tuple[bool, bool]:
    """Whether claims go when the set is deleted, and when it shrinks."""
    policy = statefulset["spec"].get("persistentVolumeClaimRetentionPolicy") or EMPTY_DICT
    return policy.get("whenDeleted") == "Delete", policy.get("whenScaled") == "Delete"


def owners_of(statefulset: Object, pod: Object, claim: Object) -> FrozenList:
    """The owner references that the retention policy asks for. The references of others stay; another controller's claim is left alone."""
    present: FrozenList = claim["metadata"].get("ownerReferences") or FrozenList()
    mine = {statefulset["metadata"]["uid"], pod["metadata"].get("uid", "")}
    controller = controller_of(claim)
    if controller is not None and controller["uid"] not in mine:
        return present
    owner = _owner(statefulset, pod)
    wanted = [FrozenDict(owner_reference(owner))] if owner is not None else []
    if [ref for ref in present if ref["uid"] in mine] == wanted:
        return present
    return FrozenList([*(ref for ref in present if ref["uid"] not in mine), *wanted])


def _owner(statefulset: Object, pod: Object) -> Object | None:
    when_deleted, when_scaled = policy_of(statefulset)
    if when_scaled and ordinal_of(pod) not in ordinals(statefulset):
        return {"apiVersion": "v1", "kind": "Pod", **pod}
    return statefulset if when_deleted else None


def is_stale(claim: Object, pod_name: str, pod_uid: str = "") -> bool:
    """Whether the claim is on its way out: being deleted, or owned by a former Pod of that name. No new Pod may take it."""
    if "deletionTimestamp" in claim["metadata"]:
        return True
    refs = claim["metadata"].get("ownerReferences") or ()
    return any(ref["kind"] == "Pod" and ref["name"] == pod_name and ref["uid"] != pod_uid for ref in refs)
