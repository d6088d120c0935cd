"""The kernel: events in order of time, then of scheduling; data only; streams that do not disturb one another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.sim.clock import SECOND, duration, seconds
from k8snb.sim.kernel import Kernel, KernelState
from k8snb.sim.rng import SAFE_ALPHABET


def kernel(**state):
    made = Kernel(KernelState(**state))
    made.log = []
    made.handlers["loop"] = lambda event: made.log.append((event.time - made.begin, event.key))
    made.begin = made.now
    return made


@given(st.lists(st.integers(0, 20), max_size=30))
def test_events_happen_in_order_of_time_and_then_of_scheduling(delays):
    k = kernel()
    for number, delay in enumerate(delays):
        k.after(delay, "loop", number, why="test")
    k.run_until(k.now + 100)
    assert k.log == sorted(((delay, number) for number, delay in enumerate(delays)))


def test_time_only_moves_forward():
    k = kernel()
    with pytest.raises(ValueError, match="5 µs ago"):
        k.after(-5, "loop", 1, why="impossible")
    k.run_until(k.now + SECOND)
    before = k.now
    k.run_until(before - SECOND)
    assert k.now == before


def test_a_stopped_component_hears_nothing_of_what_was_scheduled_before():
    k = kernel()
    k.after(10, "loop", "old", why="before the stop")
    k.cancel("loop")
    k.after(20, "loop", "new", why="after the start")
    k.run_until(k.now + 100)
    assert [key for _, key in k.log] == ["new"]


def test_shuffling_draws_the_order_of_same_time_events_from_the_seed():
    orders = set()
    for seed in range(8):
        k = kernel(seed=seed, shuffle=True)
        for number in range(5):
            k.after(0, "loop", number, why="at once")
        k.run_until(k.now)
        orders.add(tuple(key for _, key in k.log))
    assert len(orders) > 1
    assert all(sorted(order) == [0, 1, 2, 3, 4] for order in orders)


def test_streams_are_independent_and_repeatable():
    one, two = kernel(seed=7), kernel(seed=7)
    two.rng("other").uid()
    assert one.rng("names").letters(5) == two.rng("names").letters(5)
    assert set(one.rng("names").letters(32)) <= set(SAFE_ALPHABET)
    assert kernel(seed=8).rng("names").uid() != kernel(seed=7).rng("names").uid()


def test_a_shuffled_list_keeps_its_items():
    k = kernel()
    assert sorted(k.rng("x").shuffled(list(range(20)))) == list(range(20))


@pytest.mark.parametrize(("value", "said"), [(250, "250µs"), (seconds(2.5), "2.5s"), (seconds(90), "1m30s"), (seconds(3600), "1h")])
def test_lengths_of_time_are_told_for_people(value, said):
    assert duration(value) == said
