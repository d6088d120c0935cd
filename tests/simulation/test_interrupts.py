"""■ pressed at any moment: one sentence, a whole cluster, and no trace of it in a replay."""

import signal
import sys
import threading

import pytest

from k8snb.cluster import Cluster
from k8snb.guests import turns
from k8snb.kubelet.images import Image
from k8snb.messages import LANGUAGES, Interrupted, set_language
from k8snb.sim.interrupts import holding
from tests.simulation.futures import whole


@pytest.fixture
def cluster():
    """A rollout is about to happen."""
    made = Cluster(nodes=2)
    made.kubectl("create deployment web --image=nginx:1.27 --replicas=3")
    return made


def press():
    signal.raise_signal(signal.SIGINT)


def ready(cluster):
    cluster.settle()
    return cluster.get("deployments", "web")["status"]["readyReplicas"]


class Presser:
    """Presses ■ once so many lines of the simulator have run: somewhere inside of an event."""

    def __init__(self, *moments):
        self.moments, self.lines, self.place = list(moments), 0, ""

    def __enter__(self):
        sys.settrace(self.trace)
        return self

    def __exit__(self, *_):
        sys.settrace(None)

    def trace(self, frame, event, _argument):
        if "/k8snb/" not in frame.f_code.co_filename or frame.f_code.co_filename.endswith("interrupts.py"):
            return None
        self.lines += event == "line"
        if self.moments and self.lines >= self.moments[0] and event == "line":
            self.moments.pop(0)
            if not self.moments:
                sys.settrace(None)
            press()
        return self.trace


@pytest.mark.parametrize("moment", [400, 2_003, 5_020, 9_777, 20_111, 31_007])
def test_the_first_press_waits_for_the_event_that_is_handled(cluster, moment):
    with pytest.raises(Interrupted, match="between two events") as stopped, Presser(moment):
        cluster.settle()
    assert "the cluster is whole" in str(stopped.value)
    assert whole(cluster)
    assert ready(cluster) == 3
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("moment", [400, 2_003, 5_020, 9_777, 20_111])
def test_the_second_press_stops_at_once_and_what_was_half_done_is_undone(cluster, moment):
    with pytest.raises(Interrupted, match="the cluster is whole"), Presser(moment, moment + 2):
        cluster.settle()
    assert whole(cluster)
    assert ready(cluster) == 3


def test_a_request_from_outside_is_done_before_it_stops(cluster):
    with pytest.raises(Interrupted), Presser(300):
        cluster.kubectl("scale deployment web --replicas=5")
    assert whole(cluster)
    with pytest.raises(Interrupted), Presser(900, 902):
        cluster.kubectl("scale deployment web --replicas=5")
    assert whole(cluster)


def test_every_way_to_let_time_pass_can_be_stopped(cluster):
    longer = [lambda: cluster.run_for(30), lambda: cluster.run_until(lambda _: False), cluster.settle]
    for way in (cluster.step, lambda: cluster.step("event"), *longer):
        with pytest.raises(Interrupted), Presser(150):
            way()
        assert whole(cluster)
    assert ready(cluster) == 3


def test_a_condition_that_hangs_is_stopped_by_the_first_press(cluster):
    def never(_cluster):
        press()
        while True:
            pass

    with pytest.raises(Interrupted, match="between two events"):
        cluster.run_until(never)
    assert whole(cluster)


class Hanging(Image):
    """Somebody loses patience while it begins."""

    name = "hanging"

    def start(self, process):
        """Hang, as far as anybody can tell."""
        press()


def test_in_a_learners_code_the_first_press_stops_at_once(cluster):
    cluster.images.add(Hanging)
    cluster.kubectl("run hangs --image=hanging")
    with pytest.raises(Interrupted, match=r"inside of your own code \(line \d+, in press\)"):
        cluster.settle()
    assert whole(cluster)
    cluster.images.add(type("Mended", (Hanging,), {"start": lambda self, process: None, "__module__": __name__}))
    cluster.settle()
    assert cluster.get("pods", "hangs")["status"]["phase"] == "Running"


def test_a_third_press_breaks_the_undoing_and_says_so(cluster, monkeypatch):
    monkeypatch.setattr(cluster.simulation, "past", lambda _position: press())
    with pytest.raises(Interrupted, match="broken now"), Presser(9_777, 9_779):
        cluster.settle()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notebook_shows_the_sentence_alone(cluster, language):
    set_language(language)
    with pytest.raises(Interrupted) as stopped, Presser(5_020):
        cluster.settle()
    set_language(LANGUAGES[0])
    assert stopped.value._render_traceback_() == [str(stopped.value)]
    assert "2026-01-01T00:00:02Z" in str(stopped.value)


def test_who_handles_the_signal_already_goes_on_handling_it(cluster):
    seen = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append("pressed"))
    with Presser(400):
        cluster.settle()
    signal.signal(signal.SIGINT, before)
    assert seen == ["pressed"]


def test_another_thread_runs_as_ever(cluster):
    threads = [threading.Thread(target=cluster.settle)]
    threads[0].start()
    threads[0].join()
    assert ready(cluster) == 3


def test_holding_inside_of_holding_is_one():
    with holding() as outer, holding() as inner:
        assert outer is inner


def test_what_was_cut_before_is_not_told_of_a_later_interrupt(cluster):
    with pytest.raises(turns.Cut, match=r"line \d+, in press"), turns.guest("start"):
        press()
    with pytest.raises(Interrupted) as stopped, Presser(900, 902):
        cluster.settle()
    assert "inside of your own code" not in str(stopped.value)
    assert whole(cluster)
