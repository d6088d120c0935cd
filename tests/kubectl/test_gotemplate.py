"""The part of Go's templates that ``-o go-template`` understands."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.kubectl.gotemplate import GoTemplate, GoTemplateError

OBJECT: dict[str, Any] = {
    "metadata": {"name": "web", "labels": {"b": "2", "a": "1"}},
    "items": [{"n": 1}, {"n": 2}],
    "data": {"key": "aGk="},
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{.metadata.name}} {{len .items}}", "web 2"),
        ('{{range .items}}{{.n}}{{"\\n"}}{{end}}', "1\n2\n"),
        ("{{range $k, $v := .metadata.labels}}{{$k}}={{$v}} {{end}}", "a=1 b=2 "),
        ("{{range .none}}x{{else}}nothing{{end}}", "nothing"),
        ('{{if eq .metadata.name "web"}}yes{{else}}no{{end}}', "yes"),
        ('{{if eq .metadata.name "x"}}1{{else if gt (len .items) 1}}2{{else}}3{{end}}', "2"),
        ('{{index .data "key" | base64decode}}', "hi"),
        ("{{with .metadata}}{{.name}}{{end}} {{$.metadata.name}}", "web web"),
        ('{{printf "%s-%d" .metadata.name 5}}', "web-5"),
        ("{{.missing}}", "<no value>"),
        ("a {{- /* gone */ -}} b", "ab"),
        ("{{.metadata.labels}}", "map[a:1 b:2]"),
    ],
)
def test_a_template_prints(template: str, text: str) -> None:
    assert GoTemplate(template).text(OBJECT) == text


@pytest.mark.parametrize("template", ["{{if .a}}", "{{end}}", "{{define}}", "{{nofunction .a}}", "{{$undefined}}", "{{.a .b}}"])
def test_what_is_not_understood_is_refused(template: str) -> None:
    with pytest.raises(GoTemplateError):
        GoTemplate(template).text(OBJECT)
