"""The collector rests while events are handled, and what was made meanwhile is neither walked at once nor kept for ever."""

import gc
import weakref

from k8snb.sim.collector import resting_collector


class Thing:
    """Something that can refer to itself."""


def test_nothing_is_walked_meanwhile_and_the_collector_runs_as_before_afterwards():
    with resting_collector():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_was_made_meanwhile_is_old_afterwards():
    with resting_collector():
        made = Thing()
    assert any(old is made for old in gc.get_objects(generation=2))


def test_a_cycle_that_was_made_meanwhile_is_freed_by_the_next_full_collection():
    with resting_collector():
        thing = Thing()
        thing.itself = thing
        gone = weakref.ref(thing)
        del thing
    assert gone() is not None
    gc.collect()
    assert gone() is None


def test_what_the_user_keeps_frozen_stays_frozen():
    gc.freeze()
    try:
        kept = gc.get_freeze_count()
        with resting_collector():
            pass
        assert 0 < gc.get_freeze_count() <= kept
    finally:
        gc.unfreeze()


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    try:
        with resting_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
