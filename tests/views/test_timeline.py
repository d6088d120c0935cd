"""A rollout as bars: the lives of pods, those that are gone too."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from k8snb.sim.frozen import freeze
from k8snb.views.timeline import MOST, Life, Span, Timeline, lifetimes

from .world import pod, thing

SECOND = 1_000_000
OWNER = thing("ReplicaSet", "web-1")


def story() -> list[Life]:
    pending = freeze(pod("a", OWNER, "node-1", "ContainerCreating"))
    running = freeze(pod("a", OWNER, "node-1"))
    ending = freeze({**running, "metadata": {**running["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}})
    touched = freeze({**running, "metadata": {**running["metadata"], "labels": {"x": "y"}}})
    other = freeze(pod("b", thing("ReplicaSet", "web-2"), "node-1"))
    changes = [
        (0, pending, None),
        (2 * SECOND, running, pending),
        (3 * SECOND, touched, running),
        (6 * SECOND, other, None),
        (8 * SECOND, ending, touched),
        (9 * SECOND, None, ending),
    ]
    return lifetimes(changes, 12 * SECOND)


def test_a_life_is_told_in_spans_and_a_change_of_labels_is_none() -> None:
    first, second = story()
    assert first.spans == [
        Span(0, 2 * SECOND, "pending", "ContainerCreating"),
        Span(2 * SECOND, 8 * SECOND, "ok", "Running"),
        Span(8 * SECOND, 9 * SECOND, "ending", "Terminating"),
    ]
    assert second.spans == [Span(6 * SECOND, 12 * SECOND, "ok", "Running")]


def test_the_text_form_draws_time_from_left_to_right() -> None:
    assert repr(Timeline("Pods of web", story())).splitlines() == [
        "Pods of web, over 12s",
        "ReplicaSet web-1",
        "  a  " + "◌" * 10 + "●" * 30 + "◐" * 5,
        "ReplicaSet web-2",
        "  b  " + " " * 30 + "●" * 30,
        "one sign is 200ms   ◌ ContainerCreating   ● Running   ◐ Terminating",
    ]


def test_the_picture_says_each_life_in_words_and_is_the_same_twice() -> None:
    timeline = Timeline("Pods of <web>", story())
    root = ET.fromstring(timeline.svg)
    labels = [group.get("aria-label") for group in root.iter("{http://www.w3.org/2000/svg}g") if group.get("role")]
    assert labels == ["a: ContainerCreating 2s, Running 6s, Terminating 1s", "b: Running 6s"]
    assert timeline.html == Timeline("Pods of <web>", story()).html


def test_a_pod_that_runs_and_is_not_ready_is_told_apart_from_one_that_is() -> None:
    ready = pod("a", None, "n")
    unready = freeze({**ready, "status": {**ready["status"], "conditions": [{"type": "Ready", "status": "False"}]}})
    (life,) = lifetimes([(0, freeze(ready), None), (5, unready, None)], 9)
    assert life.spans == [Span(0, 5, "ok", "Running"), Span(5, 9, "pending", "Running, not ready")]


def test_a_pod_of_the_same_name_is_another_life() -> None:
    one = freeze(pod("db-0", None, "n"))
    two = freeze({**one, "metadata": {**one["metadata"], "uid": "another"}})
    assert len(lifetimes([(0, one, None), (5, None, one), (6, two, None)], 9)) == 2


def test_of_very_many_lives_the_last_ones_are_shown() -> None:
    lives = [Life(f"p{i}", "", [Span(i, i + 10, "ok", "Running")]) for i in range(100)]
    timeline = Timeline("t", lives)
    assert len(timeline.lives) == MOST
    assert "… and 60 more Pods" in repr(timeline)


def test_nothing_is_said_so() -> None:
    assert "No Pod" in repr(Timeline("t", []))
    ET.fromstring(Timeline("t", []).svg)
