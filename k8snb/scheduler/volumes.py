"""What the scheduler has decided about volumes and has not seen confirmed: assumed bindings.

A pod's claims that bind late get their volumes when the pod gets its node. From the moment of that choice the volumes count as
taken, so that the next pod does not get them too; the API server is told later, in the binding cycle, and then the
PersistentVolume controller and the provisioner do their part.

    assume (Reserve)  ->  write (PreBind: claimRef of a volume, or selected-node of a claim)  ->  wait until all claims are bound
       └──────────────────────────── forget (Unreserve, or the claims are bound) ────────────────────────────┘

Models: pkg/scheduler/framework/plugins/volumebinding (assume_cache.go, binder.go).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from k8snb.apimachinery.objects import Object
from k8snb.sim.state import Shelf


class VolumePlan(NamedTuple):
    """What a pod needs on its node: volumes to bind (volume, claim) and claims to make a volume for."""

    node: str
    bindings: tuple[tuple[Object, Object], ...] = ()
    provisions: tuple[Object, ...] = ()
    written: bool = False
    since: int = 0


@dataclass(slots=True)
class AssumedVolumes:
    """The plans of pods between their scheduling cycle and the end of their binding cycle."""

    plans: Shelf = field(default_factory=Shelf)  # namespace/name of the pod -> VolumePlan
    taken: Shelf = field(default_factory=Shelf)  # volume -> the pod that it is meant for

    def assume(self, pod: str, plan: VolumePlan) -> None:
        """From now on these volumes are taken."""
        self.plans[pod] = plan
        for volume, _claim in plan.bindings:
            self.taken[volume["metadata"]["name"]] = pod

    def forget(self, pod: str) -> None:
        """The plan has come true, or has come to nothing."""
        plan: VolumePlan | None = self.plans.pop(pod, None)
        for volume, _claim in plan.bindings if plan is not None else ():
            self.taken.pop(volume["metadata"]["name"], None)
