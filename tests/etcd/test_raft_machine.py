"""Random stops, partitions, losses, delays and proposals: Raft's four promises hold at every moment.

Election safety, leader completeness and state machine safety are looked at whenever somebody leads or applies, log matching after
each rule; see :mod:`tests.etcd.raft_group`.
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.etcd.raft_group import World

NIGHT = bool(os.environ.get("K8SNB_NIGHT"))
NAMES = st.sampled_from(["etcd-1", "etcd-2", "etcd-3"])


class MembersComeAndGo(RuleBasedStateMachine):
    """Whatever happens to the members, they agree."""

    @initialize(seed=st.integers(0, 2**16))
    def a_group(self, seed):
        self.world, self.number, self.answered = World(seed), 0, {}

    @rule(through=NAMES | st.just(""), key=st.sampled_from(["/a", "/b"]))
    def write(self, through, key):
        self.number += 1
        if self.world.put(key, self.number, through) == "OK":
            self.answered[key] = self.number
            assert self.world.store.state.keys[key].value == {"v": self.number}

    @rule(name=NAMES)
    def stop(self, name):
        self.world.group.stop(name)
        self.world.store.refresh()

    @rule(name=NAMES)
    def start(self, name):
        self.world.group.start(name)
        self.world.store.refresh()

    @rule(name=NAMES)
    def cut_off(self, name):
        self.world.cut(name)

    @rule(name=NAMES)
    def connect(self, name):
        self.world.group.state.network.cut.pop(name, None)
        self.world.store.refresh()

    @rule(name=NAMES, percent=st.sampled_from([0, 20, 60]), delay=st.sampled_from([0, 5_000, 400_000]))
    def bad_links(self, name, percent, delay):
        self.world.group.state.network.loss[name] = percent
        self.world.group.state.network.delay[name] = delay

    @rule(seconds=st.sampled_from([0.0005, 0.05, 0.9, 4.0]))
    def time_passes(self, seconds):
        self.world.run(seconds)

    @rule()
    def trim_the_leaders_log(self):
        if self.world.leader():
            leader = self.world.members[self.world.leader()]
            leader.log.trim(leader.applied)

    @invariant()
    def logs_match(self):
        if hasattr(self, "world"):
            self.world.logs_match()

    def teardown(self):
        """Healed, the group serves again; all members agree, and nothing that was answered is forgotten."""
        if not hasattr(self, "world"):
            return
        world = self.world
        world.mend()
        world.run(15)
        assert world.put("/end", 1) == "OK"
        world.run(1)
        held = [world.keys(name) for name in world.members]
        assert held == [{key: item.value["v"] for key, item in world.store.range("/")}] * 3
        assert {m.machine.revision for m in world.members.values()} == {world.store.revision}
        assert all(held[0][key] >= number for key, number in self.answered.items())


MembersComeAndGo.TestCase.settings = settings(
    max_examples=2000 if NIGHT else 40, stateful_step_count=60 if NIGHT else 30, deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
TestMembersComeAndGo = MembersComeAndGo.TestCase
