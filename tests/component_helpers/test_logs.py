"""A log that is followed shows each line once, and ends with its container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from k8snb.component_helpers.logs import FollowedLog, has_ended

ENDED = {"name": "first", "state": {"terminated": {}}}


class Container:
    """Writes lines, and keeps the last few of them."""

    def __init__(self) -> None:
        self.now, self.lines = 1_000, list[tuple[int, str]]()

    def writes(self, *texts: str, later: int = 0) -> None:
        self.now += later
        self.lines = [*self.lines, *((self.now, text) for text in texts)][-4:]

    def log(self, parameters: Mapping[str, str]) -> str:
        shown = [f"{text}\n" for at, text in self.lines if at >= int(parameters.get("sinceMicros", "0"))]
        tail, most = int(parameters.get("tailLines", "9")), int(parameters.get("limitBytes", "99"))
        return "".join(shown[max(0, len(shown) - tail) :])[:most]

    def followed(self, **parameters: str) -> FollowedLog:
        return FollowedLog(parameters, self.log, lambda: self.now)


def test_each_look_shows_what_is_new_also_what_came_at_the_moment_of_the_last() -> None:
    one = Container()
    log = one.followed()
    one.writes("a", "b")
    assert log.look() == "a\nb\n"
    one.writes("c")
    assert log.look() == "c\n"
    assert log.look() == ""
    one.writes("d", "e", "f", later=1)
    assert log.look() == "d\ne\nf\n"
    one.writes("f", "g", later=1)
    assert log.look() == "f\ng\n"


def test_what_was_not_asked_for_at_first_is_not_shown_later() -> None:
    one = Container()
    one.writes("a", "b", "c")
    log = one.followed(tailLines="1")
    assert log.look() == "c\n"
    one.writes("d", later=1)
    assert log.look() == "d\n"


def test_a_limit_counts_for_all_looks_together() -> None:
    one = Container()
    one.writes("aé")
    log = one.followed(limitBytes="7")
    assert (log.look(), log.full) == ("aé\n", False)
    one.writes("bcdef", later=1)
    assert (log.look(), log.full) == ("bcd", True)


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        ({}, False),
        ({"containerStatuses": [{"name": "main", "state": {"waiting": {}}}]}, False),
        ({"containerStatuses": [{"name": "main", "state": {"running": {}}, "lastState": {"terminated": {}}}]}, False),
        ({"containerStatuses": [{"name": "main", "state": {"terminated": {}}}]}, True),
        ({"containerStatuses": [{"name": "main", "state": {"waiting": {}}, "lastState": {"terminated": {}}}]}, True),
        ({"containerStatuses": [{"name": "main", "state": {"running": {}}}], "initContainerStatuses": [ENDED]}, False),
    ],
)  # fmt: skip
def test_a_container_that_has_not_begun_has_not_ended(status: dict[str, Any], ended: bool) -> None:
    assert has_ended({"status": status}, "main") is ended
    assert has_ended({"status": status}, "") is ended
