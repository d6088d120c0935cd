"""The cloud: scale sets of virtual machines that boot, stop and go, in virtual time. It has no idea of Kubernetes.

    set_count(pool, 3) -> Creating --"vm boot"--> Running --delete--> Deleting --"vm deletion"--> gone
                                        |  ^
                                   stop v  | start
                                       Stopped

New machines go to the zone of their pool that has the fewest. A zone can fail: its machines lose power, and none can be made
there until it is back. A machine of a spot pool can be taken back by the cloud, thirty seconds after it has said so.

Its kernel events are ``("boot", name)``, ``("delete", name)`` and ``("reclaim", name)`` for the component ``azure``.
Models: Microsoft.Compute virtual machine scale sets as AKS uses them; the eviction notice of spot virtual machines.
Machines can be made to fail to come up (:meth:`Azure.fail_boots`).
Simplified: quotas and capacity never run out; machines boot in a constant time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from k8snb.cloud.pools import REGION, Instance, NodePool, instance_name, manifest, provider_id, zone_label
from k8snb.seams.cloud import Hall, InstanceMetadata
from k8snb.sim.clock import LATENCY, SECOND
from k8snb.sim.kernel import Event, Kernel
from k8snb.sim.state import Shelf

NAME, AKS = "azure", "aks"
CREATING, RUNNING, STOPPED, DELETING = "Creating", "Running", "Stopped", "Deleting"
SPOT_NOTICE = 30 * SECOND
FIRST_ADDRESS = 4  # of the subnet: the cloud keeps the ones before


@dataclass(slots=True)
class AzureState:
    """What there is in the cloud."""

    pools: Shelf = field(default_factory=Shelf)  # name -> NodePool
    instances: Shelf = field(default_factory=Shelf)  # name -> Instance
    balancers: Shelf = field(default_factory=Shelf)  # service -> LoadBalancer
    zones_down: Shelf = field(default_factory=Shelf)
    stuck: Shelf = field(default_factory=Shelf)  # pools whose machines do not come up
    addresses: int = 0  # private addresses given to machines
    public: int = 0  # public addresses given to load balancers
    cluster: str = ""  # the eight digits in the names of this cluster's scale sets


class Azure:
    """Implements :class:`k8snb.seams.cloud.Instances`, and what node pools are made of."""

    def __init__(self, kernel: Kernel, state: AzureState, hall: Hall):
        self.kernel, self.state, self.hall = kernel, state, hall
        kernel.handlers[NAME] = self.handle

    # -- looking -----------------------------------------------------------------------------------------------------

    def pool(self, name: str) -> NodePool:
        """A pool. Raises KeyError where there is none."""
        found: NodePool = self.state.pools[name]
        return found

    def instances_of(self, pool: str, *states: str) -> list[Instance]:
        """The machines of a pool (in one of these states), oldest first."""
        return [one for one in self.state.instances.values() if one.pool == pool and (not states or one.state in states)]

    def instance(self, node: str) -> InstanceMetadata | None:
        """What the cloud-controller-manager asks."""
        found: Instance | None = self.state.instances.get(node)
        if found is None:
            return None
        addresses = (("InternalIP", found.address), ("Hostname", found.name))
        return InstanceMetadata(provider_id(found), found.size, zone_label(found.zone), REGION, addresses, found.state == STOPPED)

    def pool_of(self, node: str) -> NodePool | None:
        """The pool of a node, or None for a machine that is not of this cloud."""
        found: Instance | None = self.state.instances.get(node)
        return self.state.pools.get(found.pool) if found is not None else None

    # -- pools -------------------------------------------------------------------------------------------------------

    def add_pool(self, pool: NodePool, *, ready: bool = False) -> NodePool:
        """Make a pool and its machines. ``ready``: they have booted already, as at the beginning of a cluster."""
        if not self.state.cluster:
            self.state.cluster = str(10_000_000 + self.kernel.rng(NAME).below(90_000_000))
        made = pool._replace(group=f"aks-{pool.name}-{self.state.cluster}-vmss")
        self.state.pools[made.name] = made
        for _ in range(made.machines):
            self.create(made.name, ready=ready)
        return self.pool(made.name)

    def change_pool(self, name: str, **fields: object) -> NodePool:
        """Change what is asked of a pool; its machines stay as they are."""
        self.state.pools[name] = self.pool(name)._replace(**fields)  # type: ignore[arg-type]
        return self.pool(name)

    def remove_pool(self, name: str) -> None:
        """Delete a pool's machines, and then the pool."""
        self.change_pool(name, machines=0, going=True)
        self.delete(one.name for one in self.instances_of(name, CREATING, RUNNING, STOPPED))
        self._forget(name)

    def _forget(self, name: str) -> None:
        """A pool that is being removed is gone with its last machine."""
        pool = self.state.pools.get(name)
        if pool is not None and pool.going and not self.instances_of(name):
            del self.state.pools[name]

    def set_count(self, name: str, count: int) -> list[Instance]:
        """Ask for so many machines: the new ones, where there are too few. (Which ones go is for others to say.)"""
        pool = self.change_pool(name, machines=count)
        missing = count - len(self.instances_of(pool.name, CREATING, RUNNING, STOPPED))
        return [self.create(pool.name) for _ in range(max(0, missing))]

    # -- machines ----------------------------------------------------------------------------------------------------

    def create(self, pool_name: str, *, ready: bool = False) -> Instance:
        """Begin to make a machine of a pool (``ready``: it has booted at once)."""
        pool = self.pool(pool_name)
        name = instance_name(pool, pool.made)
        self.state.addresses += 1
        number = FIRST_ADDRESS + self.state.addresses - 1
        address = f"10.224.{number // 256}.{number % 256}"
        made = Instance(name, pool.name, pool.made, pool.size, self._zone(pool), address, CREATING, self.kernel.now, pool.image)
        self.change_pool(pool.name, made=pool.made + 1)
        self.state.instances[name] = made
        self._note("create", name)
        if ready:
            self._boot(name)
        else:
            self._later("vm boot", ("boot", name), f"{name} boots")
        return made

    def _zone(self, pool: NodePool) -> str:
        """The zone with the fewest machines of the pool, of those that work."""
        open_zones = [zone for zone in pool.zones if zone not in self.state.zones_down] or list(pool.zones)
        counts = {zone: sum(one.zone == zone for one in self.instances_of(pool.name)) for zone in open_zones}
        return min(counts, key=lambda zone: (counts[zone], zone)) if counts else ""

    def delete(self, names: Iterable[str]) -> None:
        """Begin to delete machines."""
        for name in names:
            found: Instance = self.state.instances[name]
            if found.state != DELETING:
                self._set(found, DELETING)
                self._note("delete", name)
                self._later("vm deletion", ("delete", name), f"{name} is deleted")

    def reimage(self, name: str) -> None:
        """Give a machine its pool's present image: everything on it is gone, and it boots anew under the same name."""
        found: Instance = self.state.instances[name]
        self.hall.take_down(name)
        self.state.instances[name] = found._replace(state=CREATING, since=self.kernel.now, image=self.pool(found.pool).image)
        self._note("reimage", name)
        self._later("vm boot", ("boot", name), f"{name} boots")

    def stop(self, name: str) -> None:
        """Switch a machine off (and keep it)."""
        self._set(self.state.instances[name], STOPPED)
        self.hall.switch(name, on=False)

    def start(self, name: str) -> None:
        """Switch it on again."""
        self._set(self.state.instances[name], RUNNING)
        self.hall.switch(name, on=True)

    def preempt(self, name: str) -> None:
        """A spot machine will be taken back: that is announced now, and done when the notice is over."""
        found: Instance = self.state.instances[name]
        self.state.instances[name] = found._replace(evicted=self.kernel.now + SPOT_NOTICE)
        self._note("announce eviction", name)
        self.kernel.after(0, AKS, ("preempt", name), why=f"the cloud announces that it takes {name} back", causes=self.kernel.causes)
        self.kernel.after(SPOT_NOTICE, NAME, ("reclaim", name), why=f"the cloud takes {name} back", causes=self.kernel.causes)

    def fail_zone(self, zone: str) -> None:
        """A zone loses power."""
        self.state.zones_down[zone] = True
        self._switch_zone(zone, on=False)

    def fail_boots(self, pool: str) -> None:
        """From now on no machine of a pool comes up."""
        self.state.stuck[pool] = True

    def restore_boots(self, pool: str) -> None:
        """They come up again, those that have been waiting, too."""
        self.state.stuck.pop(pool, None)

    def restore_zone(self, zone: str) -> None:
        """It is back."""
        self.state.zones_down.pop(zone, None)
        self._switch_zone(zone, on=True)

    def _switch_zone(self, zone: str, *, on: bool) -> None:
        for one in list(self.state.instances.values()):
            if one.zone == zone and one.state == RUNNING:
                self.hall.switch(one.name, on=on)

    # -- events ------------------------------------------------------------------------------------------------------

    def handle(self, event: Event) -> None:
        """Something that takes time has ended."""
        kind, name = event.key
        if name in self.state.instances:
            {"boot": self._boot, "delete": self._gone, "reclaim": self._gone}[kind](name)

    def _boot(self, name: str) -> None:
        found: Instance = self.state.instances[name]
        if found.state != CREATING:
            return
        if found.zone in self.state.zones_down or found.pool in self.state.stuck:
            why = f"pool {found.pool} is stuck" if found.pool in self.state.stuck else f"zone {found.zone} is down"
            self._later("vm boot", ("boot", name), f"{why}, so {name} cannot boot")
            return
        self._set(found, RUNNING)
        self._note("boot", name)
        self.hall.put_up(name, manifest(self.pool(found.pool), found))

    def _gone(self, name: str) -> None:
        found: Instance = self.state.instances.pop(name)
        if found.evicted and found.state != DELETING:
            self.change_pool(found.pool, machines=max(0, self.pool(found.pool).machines - 1))
        self._note("gone", name)
        self.hall.take_down(name)
        self._forget(found.pool)

    # -- small things ------------------------------------------------------------------------------------------------

    def _set(self, instance: Instance, state: str) -> None:
        self.state.instances[instance.name] = instance._replace(state=state, since=self.kernel.now)

    def _later(self, latency: str, key: tuple[str, str], why: str) -> None:
        self.kernel.after(LATENCY[latency], NAME, key, why=why, causes=self.kernel.causes)

    def _note(self, verb: str, name: str) -> None:
        kernel = self.kernel
        kernel.causes = (kernel.trace.add(kernel.now, "runtime", NAME, verb, name, None, kernel.causes),)
