"""etcd: revisions, compare-and-swap, ranges, history, compaction, leases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.etcd.store import COMPONENT, Compacted, CompareFailed, Store, StoreState, Unavailable
from k8snb.sim.clock import SECOND
from k8snb.sim.frozen import freeze
from k8snb.sim.kernel import Kernel, KernelState


def store():
    kernel = Kernel(KernelState())
    made = Store(StoreState(), kernel, coalesce=("/leases/",))
    kernel.handlers[COMPONENT] = made.handle
    return made


def test_every_write_gets_the_next_revision_of_the_whole_store():
    s = store()
    first, second = s.put("/a", freeze({})), s.put("/b", freeze({}))
    third = s.put("/a", freeze({"x": 1}))
    assert [c.revision for c in (first, second, third)] == [2, 3, 4]
    found = s.get("/a")
    assert (found.create_revision, found.mod_revision, found.version) == (2, 4, 2)


def test_two_writers_who_read_the_same_revision_the_second_loses():
    s = store()
    revision = s.put("/web", freeze({"replicas": 1})).revision
    s.put("/web", freeze({"replicas": 2}), expect=revision)
    with pytest.raises(CompareFailed) as lost:
        s.put("/web", freeze({"replicas": 3}), expect=revision)
    assert lost.value.actual == revision + 1
    assert s.get("/web").value == {"replicas": 2}


def test_zero_means_must_not_exist():
    s = store()
    s.put("/a", freeze({}), expect=0)
    with pytest.raises(CompareFailed):
        s.put("/a", freeze({}), expect=0)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 9) | st.none()), max_size=30), st.data())
def test_the_past_can_be_read_at_every_revision(writes, data):
    s, worlds = store(), {}
    worlds[s.revision] = {}
    for name, value in writes:
        if value is None:
            s.delete(f"/{name}")
        else:
            s.put(f"/{name}", freeze({"v": value}))
        worlds[s.revision] = {key: item.value for key, item in s.range("/")}
    revision = data.draw(st.sampled_from(sorted(worlds)))
    assert s.at(revision) == worlds[revision]


def test_a_range_is_sorted_and_begins_where_asked():
    s = store()
    for key in ("/pods/b", "/pods/a", "/nodes/x", "/pods/c"):
        s.put(key, freeze({}))
    assert [key for key, _ in s.range("/pods/")] == ["/pods/a", "/pods/b", "/pods/c"]
    assert [key for key, _ in s.range("/pods/", "/pods/b")] == ["/pods/b", "/pods/c"]
    assert s.count("/pods/") == 3


def test_after_compaction_an_old_watch_is_refused():
    s = store()
    for number in range(5):
        s.put("/a", freeze({"n": number}))
    assert [c.value["n"] for c in s.changes_since(4)] == [3, 4]
    s.compact(5)
    with pytest.raises(Compacted) as gone:
        s.changes_since(4)
    assert gone.value.floor == 5
    with pytest.raises(ValueError, match="cannot compact"):
        s.compact(99)


def test_heartbeats_are_kept_once_in_the_history():
    s = store()
    for number in range(100):
        s.put("/leases/node-1", freeze({"n": number}))
    s.put("/a", freeze({}))
    assert len(s.state.journal) == 1
    assert [c.key for c in s.changes_since(2)] == ["/leases/node-1", "/a"]


def test_a_lease_takes_its_keys_along_when_it_runs_out():
    s = store()
    lease = s.grant(60)
    s.put("/event-1", freeze({}), lease=lease)
    s.put("/event-2", freeze({}), lease=lease)
    s.put("/event-2", freeze({}), lease=0)  # moved off the lease: it stays
    s.kernel.run_until(s.kernel.now + 61 * SECOND)
    assert [key for key, _ in s.range("/")] == ["/event-2"]


def test_a_stopped_etcd_answers_nothing():
    s = store()
    s.state.running = False
    for call in (lambda: s.get("/a"), lambda: s.put("/a", freeze({})), lambda: s.range("/")):
        with pytest.raises(Unavailable):
            call()
