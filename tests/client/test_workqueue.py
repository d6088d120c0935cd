"""The work queue: fair, stingy, patient; keys with all their causes."""

from k8snb.client.workqueue import QueueState, WorkQueue
from k8snb.sim.clock import MILLISECOND, SECOND
from k8snb.sim.kernel import Kernel, KernelState


def queue():
    kernel = Kernel(KernelState())
    made = WorkQueue(QueueState(), kernel, "process", "loop")
    made.events = []
    kernel.handlers["process"] = made.events.append
    return made


def test_a_key_added_many_times_is_handled_once_with_all_causes():
    q = queue()
    for cause in (7, 8, 9):
        q.add("shop/web", cause)
    q.add("shop/db", 8)
    assert q.take() == ("shop/web", (7, 8, 9))
    assert q.take() == ("shop/db", (8,))
    assert q.take() is None


def test_a_key_added_while_it_is_handled_is_handled_again():
    q = queue()
    q.add("web", 1)
    q.take()
    q.add("web", 2)
    q.done(busy=0)
    assert q.take() == ("web", (2,))


def test_a_loop_that_is_busy_takes_the_next_key_when_it_is_free():
    q = queue()
    q.add("a")
    q.kernel.step()
    q.take()
    q.done(busy=10 * MILLISECOND)
    q.add("b")
    assert q.kernel.peek().time == q.kernel.now + 10 * MILLISECOND


def test_failures_wait_longer_and_longer_until_they_are_forgotten():
    q = queue()
    delays = [q.retry("web", "test") for _ in range(4)]
    assert delays == [5 * MILLISECOND, 10 * MILLISECOND, 20 * MILLISECOND, 40 * MILLISECOND]
    assert max(q.retry("web", "test") for _ in range(40)) == 1000 * SECOND
    q.forget("web")
    assert q.retry("web", "test") == 5 * MILLISECOND


def test_of_two_later_times_the_earlier_one_counts():
    q = queue()
    q.add_after("web", 10 * SECOND, "late")
    q.add_after("web", 2 * SECOND, "soon")
    q.add_after("web", 5 * SECOND, "in between")
    assert [event.time - q.kernel.now for event in q.kernel.pending()] == [2 * SECOND, 10 * SECOND]
