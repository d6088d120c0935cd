"""What is in use does not go: the finalizers of claims that Pods use, and of volumes that are bound.

A claim that is deleted while a Pod on a node uses it stays, Terminating, until the Pod has ended or is gone; a volume stays
until it is not Bound any more. (Admission puts the finalizers on; these loops take them off, and put on what is missing.)

Models: pkg/controller/volume/pvcprotection/pvc_protection_controller.go, pvprotection/pv_protection_controller.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, ClassVar

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import Object, dig, merge
from k8snb.client.controller import Controller, Index, Watches
from k8snb.client.indexes import spec_of
from k8snb.client.informer import OfPart, key_of
from k8snb.component_helpers.pods import is_pod_terminal


@partial(OfPart, spec_of)
def claims_used(pod: Object) -> Iterable[str]:
    """Index function: the keys of the claims that a Pod's volumes name, generic ephemeral ones included."""
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    found = []
    for volume in pod["spec"].get("volumes") or ():
        if "persistentVolumeClaim" in volume:
            found.append(f"{namespace}/{volume['persistentVolumeClaim']['claimName']}")
        elif "ephemeral" in volume:
            found.append(f"{namespace}/{name}-{volume['name']}")
    return tuple(found)


def _freed(_controller: Any, _old: Object | None, new: Object | None) -> Iterable[str]:
    """A Pod is gone, has ended, or has no node: it holds its claims back no longer."""
    pod = new if new is not None else _old
    if pod is None or (new is not None and not is_pod_terminal(new) and new["spec"].get("nodeName")):
        return []
    return claims_used(pod)


class _Protection(Controller):
    """Takes the finalizer off what is being deleted and not in use, and puts it on everything else."""

    resource: ClassVar[str]
    finalizer: ClassVar[str]

    def in_use(self, obj: Object) -> bool:
        """Whether the object must stay."""
        raise NotImplementedError

    def reconcile(self, key: str) -> None:
        obj = self.informers[self.resource].get(key)
        if obj is None:
            return
        known = list(obj["metadata"].get("finalizers") or ())
        if "deletionTimestamp" not in obj["metadata"]:
            wanted = known if self.finalizer in known else [*known, self.finalizer]
        else:
            wanted = known if self.in_use(obj) else [name for name in known if name != self.finalizer]
        if wanted == known:
            return
        try:
            self.client.update(self.resource, merge(obj, {"metadata": {"finalizers": wanted or None}}))
        except ApiError as error:
            if error.code != 404:
                raise


class ClaimProtectionController(_Protection):
    """Claims that a Pod on a node uses stay."""

    name = "persistentvolumeclaim-protection"
    account = "pvc-protection-controller"
    resource = "persistentvolumeclaims"
    finalizer = "kubernetes.io/pvc-protection"
    watches = (Watches("persistentvolumeclaims"), Watches("pods", _freed))
    indexes = (Index("pods", "claims", claims_used),)

    def in_use(self, obj: Object) -> bool:
        return any(_holds(pod) for pod in self.informers["pods"].by("claims", key_of(obj))) or self._freshly_used(obj)

    def _freshly_used(self, claim: Object) -> bool:
        """The cache may be behind: before the claim goes, the API server is asked."""
        meta = claim["metadata"]
        return any(_holds(pod) for pod in self.client.list("pods", meta["namespace"]) if key_of(claim) in claims_used(pod))


def _holds(pod: Object) -> bool:
    return bool(pod["spec"].get("nodeName")) and not is_pod_terminal(pod)


class VolumeProtectionController(_Protection):
    """Volumes that are bound stay."""

    name = "persistentvolume-protection"
    account = "pv-protection-controller"
    resource = "persistentvolumes"
    finalizer = "kubernetes.io/pv-protection"
    watches = (Watches("persistentvolumes"),)

    def in_use(self, obj: Object) -> bool:
        return bool(dig(obj, "status.phase") == "Bound")
