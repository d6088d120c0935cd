"""kubectl's JSONPath."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apimachinery.jsonpath import JSONPathError, Template, relaxed

PODS: dict[str, Any] = {
    "items": [
        {"metadata": {"name": "a", "labels": {"app.kubernetes.io/name": "x"}}, "ports": [80, 81, 82], "ready": True, "cpu": 1.5},
        {"metadata": {"name": "b", "labels": {}}, "ports": [], "ready": False, "cpu": 3},
    ]
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{.items[*].metadata.name}", "a b"),
        ("{.items[0].metadata.name}/{.items[-1:].metadata.name}", "a/b"),
        ('{range .items[*]}{.metadata.name}:{.missing}{"\\n"}{end}', "a:\nb:\n"),
        ("{range .items[*]}{range .ports[*]}[{@}]{end};{end}", "[80][81][82];;"),
        ('{.items[?(@.metadata.name=="b")].ready}', "false"),
        ("{.items[?(@.cpu>2)].metadata.name}", "b"),
        ("{.items[?(@.ready)].metadata.name}", "a b"),
        ("{.items[0].ports[0:2]}", "80 81"),
        ("{.items[0].ports[0,2]}", "80 82"),
        ("{.items[0].ports}", "[80,81,82]"),
        ("{.items[0].metadata.labels.app\\.kubernetes\\.io/name}", "x"),
        ("{.items[0].metadata.labels['app.kubernetes.io/name']}", "x"),
        ("{..name}", "a b"),
        ("{$.items[1].metadata}", '{"labels":{},"name":"b"}'),
        ("plain text", "plain text"),
        ("{.items[0].cpu} {.items[0].ready}", "1.5 true"),
    ],
)
def test_a_template_prints(template: str, text: str) -> None:
    assert Template(template).text(PODS) == text


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{.items[*", "unterminated array"),
        ("{.items", "unclosed action"),
        ("{.items[x]}", "invalid array index x"),
        ("{foo}", "unrecognized identifier foo"),
        ('{"open}', "unterminated quoted string"),
    ],
)
def test_what_cannot_be_parsed_is_refused(template: str, words: str) -> None:
    with pytest.raises(JSONPathError) as refused:
        Template(template)
    assert str(refused.value) == words


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{.items[9]}", "array index out of bounds: index 9, length 2"),
        ("{.items[0].metadata[0]}", "map[string]interface {} is not array or slice"),
        ("{end}", "not in range, nothing to end"),
    ],
)
def test_what_does_not_fit_the_object_is_refused(template: str, words: str) -> None:
    with pytest.raises(JSONPathError) as refused:
        Template(template).text(PODS)
    assert str(refused.value) == words


def test_missing_fields_print_nothing_unless_they_must_be_there() -> None:
    assert Template("<{.nothing.at.all}>").text(PODS) == "<>"
    with pytest.raises(JSONPathError, match="nothing is not found"):
        Template("{.nothing}", missing_keys=False).text(PODS)


def test_relaxed_paths_need_no_braces() -> None:
    assert {relaxed(path) for path in ("a.b", ".a.b", "{a.b}", "{.a.b}")} == {"{.a.b}"}
