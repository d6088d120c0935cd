"""Answers that are tables: a line a case, and beside it what the learner says of it.

    WORKS = {"a running Pod answers": True, "a new Pod gets a node": False}

    @lines(WORKS)
    def check_works(fact, right, given):            a check of one line; ``given`` is ... where it has no answer
        if given is ...:
            yield finding("missing", fact=fact)
        elif given != right:
            yield finding("stops", fact=fact)

    works = filled(WORKS)                           works(**{"a new Pod gets a node": True}) is the code of a wrong answer

That there is a table, and that something is filled in, is checked here: the findings ``not_a_table`` and ``unanswered``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from k8snb.course.exercise import Check, Finding, finding

Line = Callable[[Any, Any, Any], Iterator[Finding]]
EACH: Any = object()
"""As ``blank``: every line says itself that it is not filled in."""


def lines(cases: Mapping[Any, Any], *, blank: Any = ...) -> Callable[[Line], Check]:
    """A check of a whole table out of that of one line, ``(case, right, given)``. ``blank`` stands in a line that nobody has filled in."""

    def whole(line: Line) -> Check:
        def check(_cluster: Any, answer: Any) -> Iterator[Finding]:
            if not isinstance(answer, dict):
                yield finding("not_a_table")
                return
            if blank is not EACH and all(answer.get(case) == blank for case in cases):
                yield finding("unanswered")
            for case, right in cases.items():
                yield from line(case, right, answer.get(case, ...))

        return check

    return whole


def filled(right: Mapping[Any, Any]) -> Callable[..., str]:
    """What gives the code of a learner's cell: the table with the right answers, but for those that are handed in."""
    return lambda **changes: f"answer = {dict(right) | changes!r}"


def is_pair(given: Any) -> bool:
    """Whether a line holds two whole numbers."""
    return isinstance(given, (tuple, list)) and len(given) == 2 and all(type(number) is int for number in given)
