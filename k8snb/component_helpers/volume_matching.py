"""Which PersistentVolume fits a claim: the smallest that is large enough and is what the claim asks for. Pure.

Asked by the PersistentVolume controller, and by the scheduler for claims that bind late.

A volume that names the claim (``spec.claimRef``) was meant for it and wins, if it fits at all.

Models: pkg/controller/volume/persistentvolume/index.go (findBestMatchForClaim), component-helpers/storage/volume/pv_helpers.go
(FindMatchingVolume), pv_controller.go (checkVolumeSatisfyClaim).
"""

from __future__ import annotations

from collections.abc import Iterable

from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.quantity import exact
from k8snb.apimachinery.selectors import from_label_selector
from k8snb.resources.core.persistentvolumeclaim import class_name


def refers_to(volume: Object, claim: Object) -> bool:
    """Whether the volume is bound to this claim, or meant for it by name."""
    ref, meta = volume["spec"].get("claimRef"), claim["metadata"]
    if ref is None or (ref.get("namespace"), ref.get("name")) != (meta["namespace"], meta["name"]):
        return False
    return not ref.get("uid") or ref["uid"] == meta["uid"]


def mismatch(volume: Object, claim: Object) -> str:
    """Why a volume that was asked for by name does not do; empty where it does."""
    have, want = volume["spec"], claim["spec"]
    if exact(_size(have)) < exact(dig(want, "resources.requests.storage", "0")):
        return "requested PV is too small"
    if class_name(volume) != class_name(claim):
        return "storageClassName does not match"
    if have.get("volumeMode", "Filesystem") != want.get("volumeMode", "Filesystem"):
        return "incompatible volumeMode"
    if not set(want.get("accessModes") or ()) <= set(have.get("accessModes") or ()):
        return "incompatible accessMode"
    return ""


def _size(spec: Object) -> str:
    return str(dig(spec, "capacity.storage", "0"))


def best_match(volumes: Iterable[Object], claim: Object) -> Object | None:
    """The volume to bind the claim to; None where there is none."""
    return smallest(candidates(volumes, claim), claim)


def candidates(volumes: Iterable[Object], claim: Object) -> list[Object]:
    """The volumes that the claim may have: meant for it, or free."""
    return [volume for volume in volumes if _fits(volume, claim) and (refers_to(volume, claim) or _is_free(volume))]


def smallest(volumes: Iterable[Object], claim: Object) -> Object | None:
    """One that is meant for the claim, else the smallest, else the first by name."""
    found = list(volumes)
    meant = [volume for volume in found if refers_to(volume, claim)]
    return min(meant or found, key=lambda volume: (exact(_size(volume["spec"])), volume["metadata"]["name"]), default=None)


def _is_free(volume: Object) -> bool:
    return volume["spec"].get("claimRef") is None and dig(volume, "status.phase") == "Available"


def _fits(volume: Object, claim: Object) -> bool:
    if "deletionTimestamp" in volume["metadata"] or mismatch(volume, claim):
        return False
    selector = claim["spec"].get("selector")
    if selector is not None and not from_label_selector(selector).matches(volume["metadata"].get("labels") or EMPTY_DICT):
        return False
    return bool(volume["spec"].get("volumeAttributesClassName") == claim["spec"].get("volumeAttributesClassName"))
