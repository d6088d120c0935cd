"""A Raft group: elections, quorum, a leader that is cut off, a follower that lags, logs that contradict each other."""

import pytest

from k8snb.etcd.raft.log import Command, Entry, Log
from k8snb.etcd.store import CompareFailed, Unavailable
from k8snb.sim.clock import MILLISECOND
from k8snb.sim.frozen import freeze
from tests.etcd.raft_group import World


@pytest.fixture
def world():
    return World()


def test_a_new_group_elects_one_leader_before_the_api_server_comes(world):
    assert [m.role for m in world.members.values()].count("leader") == 1
    assert {m.leader for m in world.members.values()} == {world.leader()}
    assert {m.term for m in world.members.values()} == {1}
    assert world.store.state.running


def test_a_write_is_committed_by_a_majority_and_reaches_everybody_with_the_next_messages(world):
    before = world.kernel.now
    change = world.store.put("/a", freeze({"v": 1}))
    assert (change.revision, world.store.get("/a").value) == (2, {"v": 1})
    assert world.kernel.now == before, "a request takes no time of the kernel"
    assert world.group.state.latency == 600, "one round trip between the leader and the faster follower"
    world.run(0.01)
    assert [world.keys(name) for name in world.members] == [{"/a": 1}] * 3


def test_of_two_who_write_what_they_read_the_second_loses_as_in_a_single_etcd(world):
    revision = world.store.put("/a", freeze({"v": 1})).revision
    world.store.put("/a", freeze({"v": 2}), expect=revision)
    with pytest.raises(CompareFailed) as lost:
        world.store.put("/a", freeze({"v": 3}), expect=revision)
    assert lost.value.actual == revision + 1
    world.run(0.5)
    assert [world.keys(name) for name in world.members] == [{"/a": 2}] * 3


def test_the_loss_of_one_member_is_survived_of_two_it_is_not(world):
    first, second = world.followers()
    world.group.stop(first)
    world.store.refresh()
    assert world.put("/a", 1) == "OK"
    world.group.stop(second)
    world.store.refresh()
    assert world.put("/a", 2) == "etcdserver: request timed out"
    with pytest.raises(Unavailable, match="request timed out"):
        world.store.get("/a")
    world.run(5)
    assert world.put("/a", 3) == "etcdserver: no leader"
    world.mend()
    world.run(5)
    assert world.put("/a", 4) == "OK"


def test_a_stopped_leader_is_replaced_within_two_election_timeouts_and_a_term_later(world):
    old = world.leader()
    world.group.stop(old)
    world.store.refresh()
    assert world.put("/a", 1) == "etcdserver: request timed out"
    world.run(3)
    assert world.leader() not in ("", old)
    assert world.members[world.leader()].term == 2
    assert world.put("/a", 1) == "OK"
    world.mend()
    world.run(1)
    assert (world.members[old].role, world.keys(old)) == ("follower", {"/a": 1})


def test_what_a_cut_off_leader_proposes_is_not_committed_and_gives_way_to_what_the_others_agreed_on(world):
    old = world.leader()
    world.cut(old)
    assert world.put("/x", "old", through=old) == "etcdserver: request timed out"
    assert world.members[old].log.at(world.members[old].log.last).command.key == "/x"
    assert world.members[old].commit < world.members[old].log.last
    world.run(3)
    assert world.members[old].role != "leader", "it steps down: no majority answers"
    assert world.put("/x", "new") == "OK"
    assert world.keys(old) == {}, "a read from the member itself is stale"
    world.mend()
    world.run(1)
    assert [world.keys(name) for name in world.members] == [{"/x": "new"}] * 3
    assert [change.value["v"] for change in world.changes] == ["new"]
    world.logs_match()


def test_a_proposal_that_timed_out_may_still_be_carried_out(world):
    leader = world.leader()
    for name in world.followers():
        world.group.state.network.cut[name] = True
    assert world.put("/x", 1, through=leader) == "etcdserver: request timed out"
    world.mend()
    world.run(1)
    assert world.leader() == leader
    assert [world.keys(name) for name in world.members] == [{"/x": 1}] * 3


def test_who_was_cut_off_does_not_depose_a_good_leader_when_it_is_back(world):
    leader, away = world.leader(), world.followers()[0]
    world.cut(away)
    world.run(20)
    assert (world.members[away].role, world.members[away].term) == ("pre-candidate", 1), "a pre-vote raises no term"
    world.mend()
    world.run(2)
    assert (world.leader(), world.members[leader].term) == (leader, 1)


def test_a_slow_follower_lags_answers_from_the_past_and_catches_up(world):
    slow = world.followers()[0]
    world.group.state.network.delay[slow] = 400 * MILLISECOND
    for number in range(200):
        assert world.put("/a", number) == "OK"
    world.run(0.2)
    assert world.keys(slow) == {}
    world.run(2)
    assert world.keys(slow) == {"/a": 199}


def test_a_follower_that_was_away_for_too_long_gets_the_whole_store():
    world = World()
    away = world.followers()[0]
    world.group.stop(away)
    leader = world.members[world.leader()]
    for number in range(30):
        world.put(f"/{number % 7}", number)
    leader.log.trim(leader.applied)  # as after ten thousand entries
    world.mend()
    world.run(1)
    assert world.members[away].log.offset == leader.log.offset
    assert world.keys(away) == world.keys(world.leader())
    assert world.put("/after", 1) == "OK"
    world.run(1)
    assert world.keys(away)["/after"] == 1


def test_messages_that_are_lost_are_sent_again(world):
    for name in world.members:
        world.group.state.network.loss[name] = 30
    said = [world.put("/a", number) for number in range(20)]
    assert said.count("OK") > 10
    world.mend()
    world.run(3)
    assert len({str(world.keys(name)) for name in world.members}) == 1


def test_compaction_goes_through_the_log_to_all_members(world):
    for number in range(5):
        world.put("/a", number)
    world.store.compact(4)
    world.run(0.5)
    assert [m.machine.compacted for m in world.members.values()] == [4, 4, 4]
    assert world.store.state.compacted == 4
    with pytest.raises(ValueError, match="cannot compact"):
        world.store.compact(3)


def test_a_log_is_repaired_after_a_conflict():
    log = Log()
    for term in (1, 1, 2, 2, 2):
        log.add(term, Command("noop"))
    assert not log.accept(4, 3, ()), "the entry before has another term"
    assert log.agreement(4, 3) == 3
    assert not log.accept(7, 3, ()), "the entry before is missing"
    newer = (Entry(1, 2, Command("noop")), Entry(3, 3, Command("put", "/a")))
    assert log.accept(1, 1, newer)
    assert [entry.term for entry in log.entries] == [1, 1, 3], "what contradicts the leader is cut off"
    assert log.accept(1, 1, newer[:1])
    assert log.last == 3, "an old message cuts nothing off"
