"""A Raft group without a cluster around it, for tests, and the promises that Raft makes."""

from k8snb.etcd.raft.group import COMPONENT, new_group
from k8snb.etcd.raft.log import Command
from k8snb.etcd.raft.store import RaftStore
from k8snb.etcd.store import StoreState, Unavailable
from k8snb.sim.frozen import freeze
from k8snb.sim.kernel import Kernel, KernelState


class World:
    """Three members, their time, and what was ever seen of them."""

    def __init__(self, seed=0, count=3):
        self.kernel = Kernel(KernelState(seed=seed))
        self.store = RaftStore(StoreState(), self.kernel, (), group=new_group(count), stamp=lambda value, _revision: value)
        self.kernel.handlers[COMPONENT] = self.store.handle_raft
        self.group, self.members = self.store.group, self.store.group.state.members
        self.leaders, self.applied, self.changes = {}, {}, []
        self.store.listeners.append(self.changes.append)
        for name, member in self.group.members.items():
            self._watch(name, member)
        self.store.found()

    def _watch(self, name, member):
        """Look at each thing that a member applies and at each leader, at the moment when it happens."""
        lead, commit = member._lead, member._commit

        def led():
            assert self.leaders.setdefault(member.state.term, name) == name, "election safety: two leaders in one term"
            self._complete(member.state)
            lead()

        def committed(index):
            before = member.state.applied
            commit(index)
            for at in range(before + 1, member.state.applied + 1):
                if at > member.state.log.offset:
                    entry = member.state.log.at(at)
                    assert self.applied.setdefault(at, entry) == entry, "state machine safety: two entries applied at one index"

        member._lead, member._commit = led, committed

    def _complete(self, leader):
        for index, entry in self.applied.items():
            assert index <= leader.log.offset or leader.log.at(index) == entry, "leader completeness: a committed entry is missing"

    def logs_match(self):
        logs = [member.log for member in self.members.values()]
        for one in logs:
            for other in logs:
                first = max(one.offset, other.offset) + 1
                same = [i for i in range(first, min(one.last, other.last) + 1) if one.term_at(i) == other.term_at(i)]
                if same:
                    assert all(one.at(i) == other.at(i) for i in range(first, same[-1] + 1)), "log matching"

    def leader(self):
        led = [m for m in self.members.values() if m.running and m.role == "leader"]
        return max(led, key=lambda m: m.term).name if led else ""

    def followers(self):
        return [name for name in self.members if name != self.leader()]

    def run(self, seconds):
        self.kernel.run_until(self.kernel.now + round(seconds * 1_000_000))

    def put(self, key, value, through=""):
        """Whether it was committed."""
        try:
            self.store.propose(Command("put", key, freeze({"v": value})), through)
        except Unavailable as error:
            return str(error)
        return "OK"

    def cut(self, name):
        self.group.state.network.cut[name] = True
        self.store.refresh()

    def mend(self):
        for shelf in (self.group.state.network.cut, self.group.state.network.delay, self.group.state.network.loss):
            shelf.clear()
        for name in self.members:
            self.group.start(name)
        self.store.refresh()

    def keys(self, name):
        return {key: held.value["v"] for key, held in sorted(self.members[name].machine.keys.items())}
