"""Machines that do not come: the autoscaler waits fifteen minutes for a machine to become a node, and then does without it.

    asked for machines, and after 15 min some are no nodes  -> ScaleUpTimedOut; the pool rests for 5 min, then 10, 20, 30
    a machine that has been no node for 15 min              -> it is deleted (but for the least that the pool must have)
    all machines that were asked for are nodes              -> the pool has never failed

While a pool rests, pods that wait are offered the other pools, or told *in backoff after failed scale-up*.

Models: cluster-autoscaler/clusterstate/clusterstate.go (updateScaleRequests, RegisterFailedScaleUp),
core/static_autoscaler.go (removeOldUnregisteredNodes), utils/backoff/exponential_backoff.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from k8snb.apimachinery.duration import go_duration
from k8snb.cloud.autoscaler import status
from k8snb.cloud.azure import CREATING, RUNNING
from k8snb.cloud.pools import Instance, NodePool
from k8snb.component_helpers.timing import timing
from k8snb.sim.clock import duration
from k8snb.sim.state import Shelf

if TYPE_CHECKING:
    from k8snb.cloud.autoscaler.autoscaler import ClusterAutoscaler

PROVISION_TIME = timing("node provision")
FIRST, MOST, FORGOTTEN = timing("node group back-off, first"), timing("node group back-off, most"), timing("node group back-off, forgotten")


class Rest(NamedTuple):
    """How long a pool rests, and since when (µs)."""

    length: int
    since: int

    @property
    def until(self) -> int:
        """When it is asked again."""
        return self.since + self.length


@dataclass(slots=True)
class ProvisioningState:
    """``requests``: pool -> when machines were asked for; ``missing``: machine -> since when it is no node (µs); ``rests``: pool -> Rest
    """

    requests: Shelf = field(default_factory=Shelf)
    missing: Shelf = field(default_factory=Shelf)
    rests: Shelf = field(default_factory=Shelf)


def expect(scaler: ClusterAutoscaler, pool: str) -> None:
    """Machines of a pool were asked for."""
    scaler.own.provisioning.requests[pool] = scaler.kernel.now


def rests(scaler: ClusterAutoscaler, pool: str) -> bool:
    """Whether a pool is left alone."""
    found: Rest | None = scaler.own.provisioning.rests.get(pool)
    return found is not None and scaler.kernel.now < found.until


def is_late(scaler: ClusterAutoscaler, machine: str) -> bool:
    """Whether a machine has been no node for too long."""
    since = scaler.own.provisioning.missing.get(machine)
    return since is not None and scaler.kernel.now - since >= PROVISION_TIME


def look(scaler: ClusterAutoscaler) -> None:
    """Whoever has not come in time is given up."""
    state, now = scaler.own.provisioning, scaler.kernel.now
    missing = {one.name: state.missing.get(one.name, now) for pool in scaler.autoscaled for one in _missing(scaler, pool)}
    state.missing.clear()
    state.missing.update(missing)
    for pool in scaler.autoscaled:
        asked = state.requests.get(pool.name)
        if asked is not None and not _missing(scaler, pool):
            del state.requests[pool.name]
            state.rests.pop(pool.name, None)
        elif asked is not None and now - asked >= PROVISION_TIME:
            del state.requests[pool.name]
            _rest(scaler, pool)
        _delete_late(scaler, pool)


def _missing(scaler: ClusterAutoscaler, pool: NodePool) -> list[Instance]:
    """The machines of a pool that are no nodes."""
    machines = scaler.azure.instances_of(pool.name, CREATING, RUNNING)
    return [one for one in machines if scaler.informers["nodes"].get(one.name) is None]


def _rest(scaler: ClusterAutoscaler, pool: NodePool) -> None:
    """A pool has failed: it rests, the longer the more often."""
    now = scaler.kernel.now
    before: Rest | None = scaler.own.provisioning.rests.get(pool.name)
    again = before is not None and now - before.until < FORGOTTEN
    scaler.own.provisioning.rests[pool.name] = Rest(min(2 * before.length, MOST) if again and before is not None else FIRST, now)
    config_map = scaler.client.find("configmaps", status.NAME, status.NAMESPACE)
    if config_map is not None:
        said = f"Nodes added to group {pool.group} failed to register within {go_duration(PROVISION_TIME)}"
        scaler.say.event(config_map, "Warning", "ScaleUpTimedOut", said)
    scaler.decide("scale-up failed", pool.name, f"rests for {duration(scaler.own.provisioning.rests[pool.name].length)}")


def _delete_late(scaler: ClusterAutoscaler, pool: NodePool) -> None:
    late = [one.name for one in _missing(scaler, pool) if is_late(scaler, one.name)]
    gone = late[: max(0, pool.machines - pool.least)]
    if gone:
        scaler.decide("remove unregistered", ", ".join(gone), f"no nodes after {duration(PROVISION_TIME)}")
        scaler.azure.change_pool(pool.name, machines=pool.machines - len(gone))
        scaler.azure.delete(gone)
