"""How many replicas each ReplicaSet should have when the Deployment's size changes, not its template.

In the middle of a rollout (or paused between two versions) several ReplicaSets are active. The change is spread over them in
proportion to their size, so that the risk taken with the new version stays the same; what rounding leaves goes to the largest.

    10 replicas, 25 % surge, stuck at 8 old + 5 new;  scaled to 15:  12 old + 7 new

Models: pkg/controller/deployment/sync.go (scale), util.GetReplicaSetProportion.
"""

from __future__ import annotations

from typing import NamedTuple

from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.strconv import integer
from k8snb.controllers.deployment.revisions import DESIRED, MAXIMUM, age, annotations_of, max_surge


class Scale(NamedTuple):
    """Give a ReplicaSet that many replicas."""

    replicaset: Object
    replicas: int


def is_scaling(deployment: Object, sets: list[Object]) -> bool:
    """Whether the Deployment's size differs from the one that an active ReplicaSet remembers."""
    wanted = deployment["spec"]["replicas"]
    remembered = [_remembered(rs, DESIRED) for rs in sets if rs["spec"]["replicas"] > 0]
    return any(size is not None and size != wanted for size in remembered)


def _remembered(rs: Object, annotation: str) -> int | None:
    """A size in an annotation; None where there is none that could be one."""
    found = integer(annotations_of(rs).get(annotation), bits=32)
    return None if found is None or found < 0 else found


def plan_scaling(deployment: Object, new: Object | None, old: list[Object]) -> list[Scale]:
    """The sizes after a change of ``spec.replicas``."""
    wanted = deployment["spec"]["replicas"]
    only = active_or_latest(new, old)
    if only is not None:
        return [] if only["spec"]["replicas"] == wanted else [Scale(only, wanted)]
    if is_saturated(deployment, new):
        return [Scale(rs, 0) for rs in sorted(active(old), key=age)]
    if deployment["spec"]["strategy"]["type"] != "RollingUpdate":
        return []
    return _proportional(deployment, active([*old, *([new] if new is not None else [])]))


def active(sets: list[Object]) -> list[Object]:
    """Those that should have replicas."""
    return [rs for rs in sets if rs["spec"]["replicas"] > 0]


def active_or_latest(new: Object | None, old: list[Object]) -> Object | None:
    """The one ReplicaSet that has all the replicas, or would get them; None where several are active."""
    everyone = [rs for rs in [*old, new] if rs is not None]
    running = active(everyone)
    if len(running) > 1:
        return None
    if running:
        return running[0]
    return new if new is not None else max(old, key=age, default=None)


def is_saturated(deployment: Object, new: Object | None) -> bool:
    """Whether the new ReplicaSet has everything: the rollout is over."""
    if new is None:
        return False
    wanted = deployment["spec"]["replicas"]
    remembered = annotations_of(new).get(DESIRED, "")
    available = (new.get("status") or {}).get("availableReplicas", 0)
    return bool(new["spec"]["replicas"] == wanted and remembered == str(wanted) and available == wanted)


def _proportional(deployment: Object, sets: list[Object]) -> list[Scale]:
    wanted = deployment["spec"]["replicas"]
    total = sum(rs["spec"]["replicas"] for rs in sets)
    to_add = (wanted + max_surge(deployment) if wanted > 0 else 0) - total
    order = sorted(sets, key=age, reverse=to_add > 0)  # newer first when growing, older first when shrinking
    order.sort(key=lambda rs: -rs["spec"]["replicas"])
    sizes, added = [], 0
    for rs in order:
        share = _share(deployment, rs, to_add, added) if to_add else 0
        sizes.append(rs["spec"]["replicas"] + share)
        added += share
    if sizes and to_add:
        sizes[0] = max(0, sizes[0] + to_add - added)
    return [Scale(rs, size) for rs, size in zip(order, sizes, strict=True)]


def _share(deployment: Object, rs: Object, to_add: int, added: int) -> int:
    if not rs["spec"]["replicas"] or to_add == added:
        return 0
    fraction, allowed = _fraction(deployment, rs), to_add - added
    return min(fraction, allowed) if to_add > 0 else max(fraction, allowed)


def _fraction(deployment: Object, rs: Object) -> int:
    """How the ReplicaSet would change if its part of the whole stayed the same."""
    wanted, size = deployment["spec"]["replicas"], rs["spec"]["replicas"]
    if wanted == 0:
        return -int(size)
    total = _remembered(rs, MAXIMUM) or (deployment.get("status") or {}).get("replicas", 0)
    if not total:
        return 0
    exact = size * (wanted + max_surge(deployment)) / total
    return int(exact + 0.5) - int(size)  # Go's integer.RoundToInt32: halves away from zero
