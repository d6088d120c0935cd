"""Answers that are tables: what is said of those that are none, of empty ones, and of each line."""

import pytest

from k8snb.course.exercise import finding
from k8snb.course.tables import EACH, filled, is_pair, lines

CASES = {"a": 1, "b": 2}


def line(case, right, given):
    if given is ...:
        yield finding("missing", case=case)
    elif given != right:
        yield finding("wrong", case=case)


def found(answer, **choices):
    return [(one.name, *one.values.values()) for one in lines(CASES, **choices)(line)(None, answer)]


@pytest.mark.parametrize(
    ("answer", "choices", "says"),
    [
        ({"a": 1, "b": 2}, {}, []),
        ({"a": 1, "b": 3}, {}, [("wrong", "b")]),
        ({"b": 2}, {}, [("missing", "a")]),
        ({"a": ..., "b": ...}, {}, [("unanswered",), ("missing", "a"), ("missing", "b")]),
        ({"a": ..., "b": ...}, {"blank": EACH}, [("missing", "a"), ("missing", "b")]),
        ({"a": (..., ...), "b": (..., ...)}, {"blank": (..., ...)}, [("unanswered",), ("wrong", "a"), ("wrong", "b")]),
        ([1, 2], {}, [("not_a_table",)]),
        (None, {"blank": EACH}, [("not_a_table",)]),
    ],
)
def test_a_table_is_looked_at_as_a_whole_and_then_line_by_line(answer, choices, says):
    assert found(answer, **choices) == says


def test_the_code_of_an_answer_is_the_table_but_for_what_is_changed():
    table = filled(CASES)
    assert (table(), table(b=5)) == ("answer = {'a': 1, 'b': 2}", "answer = {'a': 1, 'b': 5}")


PAIRS = [((1, 2), True), ([1, 2], True), ((1, 2.0), False), ((True, 1), False), ((1,), False), (5, False)]


@pytest.mark.parametrize(("given", "is_one"), PAIRS)
def test_a_pair_is_two_whole_numbers(given, is_one):
    assert is_pair(given) is is_one
