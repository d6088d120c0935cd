"""Columns, times and values are laid out as Go lays them out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from k8snb.apimachinery.gotext import go_json
from k8snb.kubectl.text import align, columns, go_syntax, go_value, long_time, wrap


def test_a_column_ends_where_a_line_has_no_such_cell() -> None:
    text = "Name:\tweb\nLabels:\tapp=web\n\ttier=front\nEvents:\nType\tReason\nNormal\tScheduled\n"
    assert align(text).splitlines() == [
        "Name:    web", "Labels:  app=web", "         tier=front", "Events:", "Type    Reason", "Normal  Scheduled",
    ]  # fmt: skip


def test_nested_columns_are_aligned_each_on_its_own() -> None:
    assert align("a\tb\tc\nlonger\tx\ty\n").splitlines() == ["a       b  c", "longer  x  y"]


def test_tables_are_at_least_six_wide_with_three_blanks_between() -> None:
    assert columns([["A", "B"], ["1", "2"]]) == "A     B\n1     2\n"
    assert columns([["NAME", "READY"], ["a-long-name", "1/1"]]) == "NAME          READY\na-long-name   1/1\n"


@given(st.lists(st.lists(st.text("ab ", max_size=4), min_size=1, max_size=4), min_size=1, max_size=6))
def test_aligning_changes_only_blanks(rows: list[list[str]]) -> None:
    lines = align("\n".join("\t".join(row) for row in rows)).split("\n")
    assert [line.replace(" ", "") for line in lines] == ["".join(row).replace(" ", "") for row in rows]


def test_values_print_as_gos_verbs_do() -> None:
    value = {"b": [1, None], "a": True, "c": 1.5}
    assert go_value(value) == "map[a:true b:[1 <nil>] c:1.5]"
    assert go_syntax({"a": ["x"]}) == 'map[string]interface {}{"a":[]interface {}{"x"}}'
    assert go_json({"b": "<&>", "a": 1}) == '{"a":1,"b":"\\u003c\\u0026\\u003e"}'


def test_times() -> None:
    assert long_time("2026-01-02T03:04:05Z") == "Fri, 02 Jan 2026 03:04:05 +0000"


def test_prose_is_wrapped_and_long_words_stand_alone() -> None:
    assert wrap("one two abcdefghij three", 8) == ["one two", "abcdefghij", "three"]
