"""The next sizes of the ReplicaSets in a rollout. Pure: observed sizes in, new sizes out.

A rolling update keeps two promises, ``replicas + maxSurge`` Pods at most and ``replicas - maxUnavailable`` available ones at
least, and each turn takes only one kind of step: the new ReplicaSet up, or else old ones down.

    scale up the new one as far as the surge allows
    else scale down old ones: first what is not available anyway, then as many as availability allows

Models: pkg/controller/deployment/rolling.go, recreate.go, util.NewRSNewReplicas.
"""

from __future__ import annotations

from k8snb.apimachinery.objects import Object
from k8snb.controllers.deployment.revisions import age, max_surge, max_unavailable
from k8snb.controllers.deployment.scaling import Scale, active


def plan_rolling(deployment: Object, new: Object, old: list[Object]) -> list[Scale]:
    """The next step of a rolling update; empty when there is nothing to do now."""
    return plan_new(deployment, new, old) or plan_old(deployment, new, old)


def plan_new(deployment: Object, new: Object, old: list[Object]) -> list[Scale]:
    """The new ReplicaSet's next size, where that changes."""
    wanted, size = deployment["spec"]["replicas"], new["spec"]["replicas"]
    if size == wanted:
        return []
    target = wanted if size > wanted else new_replicas(deployment, [*old, new], size)
    return [] if target == size else [Scale(new, target)]


def new_replicas(deployment: Object, everyone: list[Object], size: int) -> int:
    """How many replicas the new ReplicaSet may have, given all the others."""
    wanted: int = deployment["spec"]["replicas"]
    if deployment["spec"]["strategy"]["type"] == "Recreate":
        return wanted
    room = wanted + max_surge(deployment) - sum(rs["spec"]["replicas"] for rs in everyone)
    return size + min(room, wanted - size) if room > 0 else size


def plan_old(deployment: Object, new: Object, old: list[Object]) -> list[Scale]:
    """The old ReplicaSets' next sizes, where they change."""
    if not sum(rs["spec"]["replicas"] for rs in old):
        return []
    everyone = [*old, new]
    minimum = deployment["spec"]["replicas"] - max_unavailable(deployment)
    missing = new["spec"]["replicas"] - _available(new)
    room = sum(rs["spec"]["replicas"] for rs in everyone) - minimum - missing
    if room <= 0:
        return []
    sizes = {rs["metadata"]["name"]: rs["spec"]["replicas"] for rs in old}
    order = sorted(active(old), key=age)
    _drop_unhealthy(order, sizes, room)
    _drop_healthy(order, sizes, sum(_available(rs) for rs in everyone) - minimum)
    return [Scale(rs, sizes[rs["metadata"]["name"]]) for rs in order if sizes[rs["metadata"]["name"]] != rs["spec"]["replicas"]]


def _drop_unhealthy(order: list[Object], sizes: dict[str, int], room: int) -> None:
    """Old Pods that are not available are no loss: they go first."""
    for rs in order:
        gone = min(room, rs["spec"]["replicas"] - _available(rs))
        if gone > 0:
            sizes[rs["metadata"]["name"]] -= gone
            room -= gone


def _drop_healthy(order: list[Object], sizes: dict[str, int], room: int) -> None:
    """Then as many available ones as may be missed."""
    for rs in order:
        gone = min(room, sizes[rs["metadata"]["name"]])
        if gone > 0:
            sizes[rs["metadata"]["name"]] -= gone
            room -= gone


def plan_recreate_down(old: list[Object]) -> list[Scale]:
    """Recreate begins with nothing left of the old version."""
    return [Scale(rs, 0) for rs in sorted(active(old), key=age)]


def _available(rs: Object) -> int:
    found: int = (rs.get("status") or {}).get("availableReplicas", 0)
    return found
