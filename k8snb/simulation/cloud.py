"""The controls of a managed cluster's cloud: what ``az aks`` and the portal are for.

    cluster.cloud.node_pools                                   # a table
    cluster.cloud.node_pools.add("user", size="Standard_D4s_v5", count=2, zones="123")
    cluster.cloud.node_pools.scale("user", 4)
    cluster.cloud.node_pools.autoscale("user", least=1, most=5)
    cluster.cloud.node_pools.upgrade("user")
    cluster.cloud.instances, cluster.cloud.load_balancers      # what there is

What changes something is an input of the simulation, like a request: recorded and replayed (:data:`COMMANDS`). What the cloud
does then takes time; let it pass and look again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from k8snb.apimachinery.objects import FrozenDict, freeze
from k8snb.cloud.aks import Operation
from k8snb.cloud.autoscaler.autoscaler import Verdict
from k8snb.cloud.autoscaler.scale_up import EXPANDERS
from k8snb.cloud.azure import CREATING, RUNNING, STOPPED, Azure
from k8snb.cloud.balancers import Balancer
from k8snb.cloud.disks import DISK, FILE
from k8snb.cloud.pools import Instance, NodePool
from k8snb.cloud.sizes import SIZES
from k8snb.guests.arguments import careful
from k8snb.messages import Mistake, text
from k8snb.messages.columns import table
from k8snb.sim.clock import duration
from k8snb.simulation.commands import Command
from k8snb.simulation.config import MOST_MACHINES
from k8snb.simulation.storage import STATE as STORAGE
from k8snb.storage.disks import Disk, StorageState

if TYPE_CHECKING:
    from k8snb.simulation.simulation import Simulation
    from k8snb.simulation.wiring import Managed

T = TypeVar("T")
FIRST_POOL = "nodepool1"
ZONES = ("1", "2", "3")
_NAME = re.compile(r"[a-z][a-z0-9]{0,11}")  # what AKS allows for Linux pools


def managed(simulation: Simulation) -> Managed:
    """The cloud of a managed cluster."""
    found = simulation.parts.cloud
    assert found is not None
    return found


def found_pool(simulation: Simulation) -> None:
    """A managed cluster begins with one system pool, whose machines have booted."""
    config = simulation.root.config
    if config.cloud:
        pool = NodePool(FIRST_POOL, "", machines=config.pool, mode="System", zones=ZONES, max_surge=1)
        managed(simulation).azure.add_pool(pool, ready=True)


# ---------------------------------------------------------------------- inputs


def _known_pool(simulation: Simulation, pool: str, **_rest: Any) -> None:
    pools = managed(simulation).azure.state.pools
    if pool not in pools:
        raise Mistake(text("cloud.no_pool", name=pool, names=", ".join(pools)))


def _can_add(
    simulation: Simulation, *, pool: str, size: str, count: int, zones: Sequence[str], mode: str, max_surge: int, **_rest: Any
) -> None:  # fmt: skip
    if not _NAME.fullmatch(pool):
        raise Mistake(text("cloud.bad_name", name=pool))
    if pool in managed(simulation).azure.state.pools:
        raise Mistake(text("cloud.taken", name=pool))
    if size not in SIZES:
        raise Mistake(text("cloud.no_size", size=size, names=", ".join(SIZES)))
    if not set(zones) <= set(ZONES):
        raise Mistake(text("cloud.no_zone", zone=", ".join(zones), names=", ".join(ZONES)))
    if mode not in ("System", "User"):
        raise Mistake(text("cloud.no_mode", mode=mode))
    _surge(max_surge)
    _count(count)


def _count(count: Any) -> None:
    if not isinstance(count, int) or not 0 <= count <= MOST_MACHINES:
        raise Mistake(text("cloud.bad_count", count=repr(count), most=MOST_MACHINES))


def _surge(max_surge: Any) -> None:
    if not isinstance(max_surge, int) or max_surge < 1:
        raise Mistake(text("cloud.bad_surge", surge=max_surge))


def _add(simulation: Simulation, pool: str, count: int, zones: Sequence[str], **fields: Any) -> None:
    managed(simulation).azure.add_pool(NodePool(pool, "", machines=count, zones=tuple(zones), **fields))


def _can_scale(simulation: Simulation, pool: str, count: int) -> None:
    _known_pool(simulation, pool)
    _count(count)
    found = managed(simulation).azure.pool(pool)
    if found.mode == "System" and not count:
        raise Mistake(text("cloud.last_system", name=pool))
    if found.autoscale:
        raise Mistake(text("cloud.autoscaled", name=pool))
    _idle(simulation, pool)


def _idle(simulation: Simulation, pool: str) -> None:
    operation = managed(simulation).aks.own.operations.get(pool)
    if operation is not None and not operation.ended:
        raise Mistake(text("cloud.busy", name=pool, what=operation.kind))


def _scale(simulation: Simulation, pool: str, count: int) -> None:
    cloud = managed(simulation)
    machines = cloud.azure.instances_of(pool, CREATING, RUNNING, STOPPED)
    if count < len(machines):
        cloud.aks.scale_down(pool, count)
    else:
        cloud.azure.set_count(pool, count)


def _can_autoscale(simulation: Simulation, pool: str, on: bool, least: Any, most: Any) -> None:
    _known_pool(simulation, pool)
    if on and not (isinstance(least, int) and isinstance(most, int) and 0 <= least <= most <= MOST_MACHINES):
        raise Mistake(text("cloud.bad_bounds", least=repr(least), most=repr(most)))


def _autoscale(simulation: Simulation, pool: str, on: bool, least: int, most: int) -> None:
    cloud = managed(simulation)
    cloud.azure.change_pool(pool, autoscale=on, least=least, most=most)
    if on:
        cloud.azure.set_count(pool, max(least, cloud.azure.pool(pool).machines))
        cloud.autoscaler.wake()


def _known_expander(_simulation: Simulation, expander: str) -> None:
    if expander not in EXPANDERS:
        raise Mistake(text("cloud.no_expander", expander=expander, names=", ".join(EXPANDERS)))


def _expander(simulation: Simulation, expander: str) -> None:
    managed(simulation).autoscaler.own.expander = expander


def _can_remove(simulation: Simulation, pool: str) -> None:
    _known_pool(simulation, pool)
    if managed(simulation).azure.pool(pool).mode == "System":
        raise Mistake(text("cloud.last_system", name=pool))
    _idle(simulation, pool)


def _remove(simulation: Simulation, pool: str) -> None:
    managed(simulation).azure.remove_pool(pool)


def _can_upgrade(simulation: Simulation, pool: str, image: str, max_surge: int) -> None:
    _known_pool(simulation, pool)
    _idle(simulation, pool)
    _surge(max_surge)
    if managed(simulation).azure.pool(pool).image == image:
        raise Mistake(text("cloud.same_image", name=pool, image=image))


def _upgrade(simulation: Simulation, pool: str, image: str, max_surge: int) -> None:
    cloud = managed(simulation)
    cloud.azure.change_pool(pool, max_surge=max_surge)
    cloud.aks.upgrade(pool, image)


def _known_instance(simulation: Simulation, instance: str) -> None:
    instances = managed(simulation).azure.state.instances
    if instance not in instances:
        raise Mistake(text("cloud.no_instance", name=instance, names=", ".join(instances)))


def _can_stop(simulation: Simulation, instance: str) -> None:
    _known_instance(simulation, instance)
    if managed(simulation).azure.state.instances[instance].state != RUNNING:
        raise Mistake(text("cloud.not_running", name=instance))


def _can_start(simulation: Simulation, instance: str) -> None:
    _known_instance(simulation, instance)
    if managed(simulation).azure.state.instances[instance].state != STOPPED:
        raise Mistake(text("cloud.not_stopped", name=instance))


def _can_evict(simulation: Simulation, instance: str) -> None:
    _known_instance(simulation, instance)
    azure = managed(simulation).azure
    found: Instance = azure.state.instances[instance]
    if not azure.pool(found.pool).spot:
        raise Mistake(text("cloud.not_spot", name=instance, pool=found.pool))
    if found.evicted:
        raise Mistake(text("cloud.already_evicted", name=instance))


def _known_zone(_simulation: Simulation, zone: str) -> None:
    if zone not in ZONES:
        raise Mistake(text("cloud.no_zone", zone=zone, names=", ".join(ZONES)))


def _on_azure(method: Callable[[Azure, str], None]) -> Callable[..., None]:
    """Something that the cloud does to the one thing that is named."""

    def apply(simulation: Simulation, **named: str) -> None:
        (name,) = named.values()
        method(managed(simulation).azure, name)

    return apply


COMMANDS: dict[str, Command] = {
    "cloud_add_pool": Command("add pool", _can_add, _add, ("pool",)),
    "cloud_scale": Command("scale pool", _can_scale, _scale),
    "cloud_autoscale": Command("autoscale pool", _can_autoscale, _autoscale),
    "cloud_expander": Command("set expander", _known_expander, _expander),
    "cloud_upgrade": Command("upgrade pool", _can_upgrade, _upgrade),
    "cloud_remove_pool": Command("remove pool", _can_remove, _remove),
    "cloud_delete": Command("delete instance", _known_instance, lambda simulation, instance: managed(simulation).azure.delete([instance])),
    "cloud_stop": Command("stop instance", _can_stop, _on_azure(Azure.stop)),
    "cloud_start": Command("start instance", _can_start, _on_azure(Azure.start)),
    "cloud_preempt": Command("preempt", _can_evict, _on_azure(Azure.preempt)),
    "cloud_fail_zone": Command("fail zone", _known_zone, _on_azure(Azure.fail_zone)),
    "cloud_restore_zone": Command("restore zone", _known_zone, _on_azure(Azure.restore_zone)),
    "cloud_fail_boots": Command("fail boots", _known_pool, _on_azure(Azure.fail_boots)),
    "cloud_restore_boots": Command("restore boots", _known_pool, _on_azure(Azure.restore_boots)),
}


# ---------------------------------------------------------------------- looking, and asking


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], nothing: str) -> str:
    return "\n".join(table([head, *rows], gap=3)) if rows else text(nothing)


class _Things(Mapping[str, T]):
    """What there is of one sort, by name, in the order in which it was made."""

    _sort = ""  # where it is in the state of the cloud
    _missing = ""  # the sentence about a name that nobody has

    def __init__(self, simulation: Simulation):
        self._simulation = simulation

    @property
    def _all(self) -> dict[str, T]:
        found: dict[str, T] = getattr(managed(self._simulation).azure.state, self._sort)
        return found

    def __getitem__(self, name: str) -> T:
        if name not in self._all:
            raise Mistake(text(self._missing, name=name, names=", ".join(self._all) or "-"))
        return self._all[name]

    def __contains__(self, name: object) -> bool:
        return name in self._all

    def get(self, name: str, default: Any = None) -> Any:
        """The one of that name, or ``default``."""
        return self._all.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


class NodePools(_Things[NodePool]):
    """The node pools by name."""

    _sort, _missing = "pools", "cloud.no_pool"

    def add(
        self, name: str, size: str = "Standard_D2s_v5", count: int = 1, *, zones: str | Sequence[str] = (), mode: str = "User",
        labels: Mapping[str, str] | None = None, taints: str | Sequence[str] = (), spot: bool = False, max_surge: int = 1,
    ) -> NodePools:  # fmt: skip
        """Make a pool. ``zones`` such as ``"123"``; ``taints`` as ``key=value:Effect``. Raises ValueError with the reason."""
        made = [_taint(one) for one in ([taints] if isinstance(taints, str) else taints)]
        self._simulation.fault(
            "cloud_add_pool", pool=name, size=size, count=count, zones=list(zones), mode=mode,
            labels=FrozenDict(labels or {}), taints=freeze(made), spot=spot, max_surge=max_surge,
        )  # fmt: skip
        return self

    def scale(self, name: str, count: int) -> NodePools:
        """Ask for so many machines. Those that are too many are drained first, the newest before the others."""
        self._simulation.fault("cloud_scale", pool=name, count=count)
        return self

    def autoscale(self, name: str, least: int = 0, most: int = 0, *, on: bool = True) -> NodePools:
        """Leave the number to the cluster autoscaler, between ``least`` and ``most``; or (``on=False``) no more."""
        self._simulation.fault("cloud_autoscale", pool=name, on=on, least=least, most=most)
        return self

    def upgrade(self, name: str, image: str = "AKSUbuntu-2204gen2containerd-202612.01.0", max_surge: int = 1) -> NodePools:
        """Give every machine of the pool a new node image, ``max_surge`` at a time."""
        self._simulation.fault("cloud_upgrade", pool=name, image=image, max_surge=max_surge)
        return self

    @property
    def operations(self) -> Mapping[str, Operation]:
        """What is being done to pools, or was done last: by pool (a preemption by machine)."""
        return dict(managed(self._simulation).aks.own.operations)

    def delete(self, name: str) -> NodePools:
        """Delete a pool with all its machines, undrained."""
        self._simulation.fault("cloud_remove_pool", pool=name)
        return self

    def __repr__(self) -> str:
        """A table, and what is being done to a pool."""
        head = text("cloud.pool_head").split("|")
        return "\n".join([_table(head, [self._row(pool) for pool in self.values()], "cloud.no_pools"), *self._operations()])

    def _row(self, pool: NodePool) -> list[str]:
        machines = managed(self._simulation).azure.instances_of(pool.name)
        running = sum(one.state == RUNNING for one in machines)
        scaling = f"{pool.least}-{pool.most}" if pool.autoscale else "-"
        zones, priority = ",".join(pool.zones) or "-", "spot" if pool.spot else "-"
        return [pool.name, pool.mode, pool.size, f"{running}/{pool.machines}", scaling, zones, priority]

    def _operations(self) -> Iterator[str]:
        for operation in managed(self._simulation).aks.own.operations.values():
            if operation.failure:
                yield text("cloud.failed", kind=operation.kind, pool=operation.pool, why=operation.failure)
            elif not operation.ended:
                took = duration(self._simulation.now - operation.began) or "0s"
                now = ", ".join(f"{name} ({step.what})" for name, step in operation.now.items()) or "-"
                yield text("cloud.working", kind=operation.kind, pool=operation.pool, took=took, now=now, left=len(operation.waiting))
                yield from (text("cloud.blocked", pod=pod, why=why) for pod, why in operation.blocked.items())


def _taint(words: str) -> dict[str, str]:
    found = re.fullmatch(r"([^=:]+)(?:=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)", words)
    if not found:
        raise Mistake(text("cloud.bad_taint", taint=words))
    return {"key": found[1], **({"value": found[2]} if found[2] else {}), "effect": found[3]}


class Instances(_Things[Instance]):
    """The virtual machines by name, which is the name of their Node, too."""

    _sort, _missing = "instances", "cloud.no_instance"

    def stop(self, name: str) -> None:
        """Switch a machine off, and keep it."""
        self._simulation.fault("cloud_stop", instance=name)

    def start(self, name: str) -> None:
        """Switch it on again."""
        self._simulation.fault("cloud_start", instance=name)

    def delete(self, name: str) -> None:
        """Delete a machine as it is, undrained: its pool is one short then."""
        self._simulation.fault("cloud_delete", instance=name)

    def preempt(self, name: str) -> None:
        """The cloud wants a spot machine back: it says so now, and takes it in thirty seconds."""
        self._simulation.fault("cloud_preempt", instance=name)

    def __repr__(self) -> str:
        rows = [[one.name, one.pool, one.size, one.zone or "-", one.state, one.address] for one in self.values()]
        return _table(text("cloud.instance_head").split("|"), rows, "cloud.no_instances")


class LoadBalancers(_Things[Balancer]):
    """The load balancers by the key of their Service."""

    _sort, _missing = "balancers", "cloud.no_balancer"

    def __repr__(self) -> str:
        rows = [
            [one.service, one.address, str(frontend.port), f"{frontend.probe_port}{frontend.probe_path}", self._health(one, frontend.port)]
            for one in self.values()
            for frontend in one.frontends
        ]
        return _table(text("cloud.balancer_head").split("|"), rows, "cloud.no_balancers")

    def _health(self, one: Balancer, port: int) -> str:
        if one.ready > self._simulation.now:
            return text("cloud.pending", wait=duration(one.ready - self._simulation.now))
        return text("cloud.healthy", healthy=len(one.healthy(port)), nodes=len(one.nodes))


class Disks(_Things[Disk]):
    """The disks and file shares by handle, as a PersistentVolume names them."""

    _missing = "cloud.no_disk"

    @property
    def _all(self) -> dict[str, Disk]:
        state: StorageState = self._simulation.root.components[STORAGE].own
        return {handle: disk for driver in (DISK, FILE) for handle, disk in state.disks.get(driver, {}).items()}

    def __repr__(self) -> str:
        rows = [
            [handle, f"{disk.size >> 30} GiB", ", ".join(value for _, value in disk.segments) or "-", ", ".join(disk.nodes) or "-"]
            for handle, disk in self._all.items()
        ]
        return _table(text("cloud.disk_head").split("|"), rows, "cloud.no_disks")


class Autoscaler:
    """What the cluster autoscaler last found of each machine of the pools that are left to it."""

    def __init__(self, simulation: Simulation):
        self._simulation = simulation

    @property
    def expander(self) -> str:
        """How it chooses between pools that would all help: ``random``, ``least-waste`` or ``most-pods``. May be set."""
        return managed(self._simulation).autoscaler.own.expander

    @expander.setter
    def expander(self, name: str) -> None:
        self._simulation.fault("cloud_expander", expander=name)

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """By machine: how much of it is asked for, and what keeps it (nothing: it is unneeded)."""
        return dict(managed(self._simulation).autoscaler.own.verdicts)

    def __repr__(self) -> str:
        own = managed(self._simulation).autoscaler.own
        rows = [[node, f"{verdict.utilization:.0%}", self._state(node, verdict.why)] for node, verdict in own.verdicts.items()]
        return _table(text("cloud.autoscaler_head").split("|"), rows, "cloud.nothing_found")

    def _state(self, node: str, why: str) -> str:
        own = managed(self._simulation).autoscaler.own
        if node in own.leaving:
            return text("cloud.leaving")
        since = own.unneeded.get(node)
        return why if since is None else text("cloud.unneeded", took=duration(self._simulation.now - since) or "0s")


@careful("cluster.cloud")
class Cloud:
    """Everything that the cloud lets one see and ask for."""

    def __init__(self, simulation: Simulation):
        self._simulation = simulation
        self.node_pools = NodePools(simulation)
        self.instances = Instances(simulation)
        self.load_balancers = LoadBalancers(simulation)
        self.disks = Disks(simulation)
        self.autoscaler = Autoscaler(simulation)

    def fail_zone(self, zone: str) -> None:
        """A zone (``"1"``, ``"2"`` or ``"3"``) loses power: all machines there are off."""
        self._simulation.fault("cloud_fail_zone", zone=str(zone))

    def restore_zone(self, zone: str) -> None:
        """The zone is back."""
        self._simulation.fault("cloud_restore_zone", zone=str(zone))

    def fail_boots(self, pool: str) -> None:
        """From now on the machines that a node pool is given do not come up (a broken image, say)."""
        self._simulation.fault("cloud_fail_boots", pool=pool)

    def restore_boots(self, pool: str) -> None:
        """They come up again."""
        self._simulation.fault("cloud_restore_boots", pool=pool)

    def __repr__(self) -> str:
        return "\n\n".join(map(repr, (self.node_pools, self.instances, self.load_balancers, self.disks)))
