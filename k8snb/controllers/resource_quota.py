"""ResourceQuota: count what a namespace uses, and write it where admission compares it.

Admission charges a quota before an object is stored; nobody tells it when the object goes. So this loop counts again: when a
quota is new or changed, when something that quotas count is deleted or a pod ends, and every five minutes for all.

    quotas, deletions  -->  key of the quota  -->  list what it names, sum up, write status.used

Models: pkg/controller/resourcequota/resource_quota_controller.go (syncResourceQuota), replenishment functions.
Simplified: kinds outside :data:`COUNTED` replenish their ``count/`` at the next round of five minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8snb.admission.quota_usage import total_usage
from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import Object, dig, freeze, put
from k8snb.client.controller import Controller, Index, Watches, itself
from k8snb.client.informer import key_of, split_key
from k8snb.sim.clock import MINUTE

QUOTAS = "resourcequotas"
COUNTED = (
    "pods",
    "services",
    "persistentvolumeclaims",
    "secrets",
    "configmaps",
    "replicationcontrollers",
    "deployments.apps",
    "replicasets.apps",
    "statefulsets.apps",
    "jobs.batch",
    "cronjobs.batch",
)
RESYNC = 5 * MINUTE
_PLAIN = frozenset(name for name in COUNTED if "." not in name) | {QUOTAS}
_ENDED = ("Succeeded", "Failed")


def _freed(controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    """The quotas of a namespace in which something went, or a pod ended."""
    if old is None or (new is not None and not _ends(old, new)):
        return []
    return [key_of(quota) for quota in controller.informers[QUOTAS].by("namespace", old["metadata"].get("namespace", ""))]


def _ends(old: Object, new: Object) -> bool:
    return dig(new, "status.phase") in _ENDED and dig(old, "status.phase") not in _ENDED


def named_kinds(hard: Iterable[str]) -> list[str]:
    """The resource keys of everything that a quota with these names counts."""
    found: dict[str, None] = {}
    for name in hard:
        if name.startswith("count/"):
            found[name.removeprefix("count/")] = None
        elif "storage" in name and "ephemeral" not in name:
            found["persistentvolumeclaims"] = None
        elif name in _PLAIN:
            found[name] = None
        else:
            found["services" if name.startswith("services.") else "pods"] = None
    return list(found)


class ResourceQuotaController(Controller):
    """Keeps ``status`` of every ResourceQuota true."""

    name = "resourcequota"
    watches = (Watches(QUOTAS, itself), *(Watches(name, _freed) for name in COUNTED))
    indexes = (Index(QUOTAS, "namespace", lambda quota: [quota["metadata"]["namespace"]]),)

    def reconcile(self, key: str) -> None:
        quota = self.informers[QUOTAS].get(key)
        if quota is None:
            return
        namespace, _ = split_key(key)
        hard = dig(quota, "spec.hard", {})
        objects = {kind: self._listed(kind, namespace) for kind in named_kinds(hard)}
        status = freeze({"hard": hard, "used": total_usage(quota, objects, self.now)})
        if quota.get("status") != status:
            self.client.update_status(QUOTAS, put(quota, "status", status))
        self.queue.add_after(key, RESYNC, "quotas are counted again", background=True)

    def _listed(self, kind: str, namespace: str) -> list[Object]:
        """All objects of a kind; a kind that nobody serves has none."""
        try:
            return self.client.list(kind, namespace)
        except ApiError as error:
            if error.code != 404:
                raise
            return []
