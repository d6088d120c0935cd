"""etcd as an operator sees it: its members, its keys, and what can go wrong between the members.

``cluster.etcd`` is an :class:`Etcd`. It reads what is there; what changes something goes through the simulation as an input, so
that it is recorded and replayed like a request. The columns and fields are those of ``etcdctl endpoint status`` and
``etcdctl get -w fields``; values are printed as JSON, where a real etcd holds protobuf.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8snb.apiserver.storage import stamped
from k8snb.etcd.raft import group as raft
from k8snb.etcd.raft.log import Command
from k8snb.etcd.raft.member import MemberState
from k8snb.etcd.raft.store import RaftStore
from k8snb.etcd.store import COMPONENT, KeyValue, Store, Unavailable
from k8snb.guests.arguments import careful
from k8snb.messages import Mistake, text
from k8snb.sim.clock import SECOND
from k8snb.sim.kernel import Kernel
from k8snb.simulation.etcd_tables import Held, Keys, Log, MemberRow, Members, Messages, Proposal
from k8snb.simulation.root import Root

if TYPE_CHECKING:
    from k8snb.simulation.simulation import Simulation

COALESCED = ("/registry/leases/", "/registry/events/")
OWN = "/registry/"
STEP_LIMIT = 10 * SECOND


def open_store(root: Root, kernel: Kernel) -> Store:
    """The store over the root's state: one member, or a Raft group."""
    if root.etcd is None:
        store = Store(root.store, kernel, coalesce=COALESCED)
    else:
        store = RaftStore(root.store, kernel, COALESCED, group=root.etcd, stamp=stamped)
        kernel.handlers[raft.COMPONENT] = store.handle_raft
    kernel.handlers[COMPONENT] = store.handle
    return store


# ---------------------------------------------------------------------- inputs


def _raft(simulation: Simulation) -> RaftStore | None:
    store = simulation.parts.etcd
    return store if isinstance(store, RaftStore) else None


def known_member(simulation: Simulation, member: str, **_rest: Any) -> None:
    """Raise ValueError for a member that is not there."""
    group = simulation.root.etcd
    if group is None:
        raise Mistake(text("fault.one_member"))
    if member not in group.members:
        raise Mistake(text("fault.no_member", member=member, names=", ".join(group.members)))


def stop_member(simulation: Simulation, member: str) -> None:
    """A member stops; its disk stays."""
    store = _raft(simulation)
    if store is not None:
        store.group.stop(member)
        store.refresh()


def start_member(simulation: Simulation, member: str) -> None:
    """A stopped member starts again."""
    store = _raft(simulation)
    if store is not None:
        store.group.start(member)
        store.refresh()


def partition_member(simulation: Simulation, member: str) -> None:
    """A member is cut off from the others and from the API server."""
    _link(simulation, "cut", member, True)


def restore_member(simulation: Simulation, member: str) -> None:
    """The links of a member are as they were at first."""
    for trouble in ("cut", "delay", "loss"):
        _link(simulation, trouble, member, 0)


def slow_member(simulation: Simulation, member: str, microseconds: int) -> None:
    """Every message from or to a member takes that much longer."""
    _link(simulation, "delay", member, microseconds)


def lossy_member(simulation: Simulation, member: str, percent: int) -> None:
    """So many of the messages from or to a member are lost."""
    _link(simulation, "loss", member, percent)


def _link(simulation: Simulation, trouble: str, member: str, value: int) -> None:
    store = _raft(simulation)
    if store is not None:
        shelf = getattr(store.group.state.network, trouble)
        shelf.pop(member, None)
        if value:
            shelf[member] = value
        store.refresh()


def known_percent(simulation: Simulation, member: str, percent: int) -> None:
    """Raise ValueError unless the member is there and the percentage is one."""
    known_member(simulation, member)
    if not 0 <= percent <= 100:
        raise Mistake(text("fault.no_percent", percent=percent))


def own_key(simulation: Simulation, key: str, value: str, member: str = "") -> None:
    """Raise ValueError for a key that is the API server's, and for a member that is not there."""
    if key.startswith(OWN):
        raise Mistake(text("fault.own_key", key=key))
    if member:
        known_member(simulation, member)


def put_key(simulation: Simulation, key: str, value: str, member: str = "") -> Proposal:
    """Propose a write of the learner's own, through a member."""
    store = simulation.parts.etcd
    try:
        if isinstance(store, RaftStore):
            change = store.propose(Command("put", key, value), through=member)
        else:
            change = store.put(key, value)
    except Unavailable as refused:
        return Proposal(key, 0, str(refused))
    return Proposal(key, change.revision if change else 0, "")


def can_compact(simulation: Simulation, revision: int) -> None:
    """Raise ValueError for a revision that is compacted already or has not come yet, in etcd's words."""
    state = simulation.root.store
    if revision > state.revision:
        raise Mistake("etcdserver: mvcc: required revision is a future revision")
    if revision <= state.compacted:
        raise Mistake("etcdserver: mvcc: required revision has been compacted")


def compact(simulation: Simulation, revision: int) -> None:
    """Forget what was before a revision."""
    simulation.parts.etcd.compact(revision)


# ---------------------------------------------------------------------- looking


@careful("cluster.etcd")
class Etcd:
    """``cluster.etcd``: members, keys and messages."""

    def __init__(self, simulation: Simulation):
        self._simulation = simulation

    def __repr__(self) -> str:
        return repr(self.members())

    def members(self) -> Members:
        """All members with their roles, terms and logs, as ``etcdctl endpoint status`` lists them. Its repr is a table."""
        group, state = self._simulation.root.etcd, self._simulation.root.store
        if group is None:
            role = "leader" if state.running else "stopped"
            return Members((MemberRow(COMPONENT, role, COMPONENT, 1, state.revision, state.revision, state.revision, state.revision),))
        return Members(tuple(MemberRow.of(member, group.network) for member in group.members.values()), group.latency)

    def get(self, key: str, member: str = "") -> Held | None:
        """A key as etcd holds it; None where it does not exist.

        Linearizable unless a ``member`` is named: then what that member has applied, even if it is out of date. Raises
        ``k8snb.etcd.store.Unavailable`` where there is no quorum for a linearizable read.
        """
        found = self._keys(member).get(key) if member else self._simulation.parts.etcd.get(key)
        return Held(key, found) if found is not None else None

    def range(self, prefix: str = OWN, member: str = "") -> Keys:
        """All keys with a prefix, in order; ``member`` and errors as in :meth:`get`. Its repr is a table."""
        if not member:
            return Keys(tuple(Held(key, found) for key, found in self._simulation.parts.etcd.range(prefix)))
        keys = self._keys(member)
        return Keys(tuple(Held(key, keys[key]) for key in sorted(keys) if key.startswith(prefix)))

    def _keys(self, member: str) -> dict[str, KeyValue]:
        state = self._member(member)
        if not state.running:
            raise Unavailable
        return state.machine.keys

    def _member(self, member: str) -> MemberState:
        known_member(self._simulation, member)
        assert self._simulation.root.etcd is not None
        return self._simulation.root.etcd.members[member]

    def log(self, member: str, last: int = 10) -> Log:
        """The last entries of a member's log, the newest last: which are applied, committed, only proposed."""
        state = self._member(member)
        return Log(tuple(state.log.entries[-last:]), state.commit, state.applied)

    def put(self, key: str, value: str, member: str = "") -> Proposal:
        """Write a key of your own (not below ``/registry/``), perhaps through a certain member; the answer says what came of it."""
        answer: Proposal = self._simulation.fault("etcd_put", key=key, value=value, member=member)
        return answer

    def compact(self, revision: int) -> None:
        """Forget the history before a revision: watches from before it must list again. Raises ValueError where that cannot be."""
        self._simulation.fault("etcd_compact", revision=revision)

    def messages(self, last: int = 12) -> Messages:
        """The last messages between the members and what became of them."""
        group = self._simulation.root.etcd
        passed = group.network.passed if group is not None else ()
        return Messages(tuple(passed[max(0, len(passed) - last) :]), self._simulation.root.config.start)

    def step(self) -> Messages:
        """Go on until the next message between members has arrived, or has not; the cluster goes on meanwhile."""
        group = self._simulation.root.etcd
        if group is None:
            raise Mistake(text("fault.one_member"))
        before = group.network.handled
        self._simulation.run_until(lambda: group.network.handled != before, STEP_LIMIT)
        return self.messages(group.network.handled - before)
