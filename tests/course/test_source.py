"""Chapters as text: ids, languages and the fingerprint that finds a stale translation."""

import pytest

from k8snb.course.source import SourceError, cells, parse, stale

ENGLISH = """+++ {"id": "title"}

# Pods

```{code-cell} ipython3
:id: setup

begin("06", language="en")
```

+++ {"id": "words"}

## The words

```{code-cell} ipython3
:id: try
:tags: [exercise]
:exercise: fit

answer = ...
```
"""


def japanese(of: str) -> str:
    return f"""+++ {{"id": "title", "of": "{of}"}}

# Pod とは

+++ {{"id": "words", "of": "00000000"}}

## 用語
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "en.md").write_text(ENGLISH)
    return tmp_path


def test_cells_have_the_ids_tags_and_exercises_of_their_source(folder):
    found = cells(folder, "en")
    assert [(cell.id, cell.kind) for cell in found] == [("title", "markdown"), ("setup", "code"), ("words", "markdown"), ("try", "code")]
    assert found[-1].tags == ("exercise",)
    assert found[-1].exercise == "fit"


def test_a_translation_has_the_same_code_but_for_its_language(folder):
    (folder / "ja.md").write_text(japanese("x"))
    found = {cell.id: cell.text for cell in cells(folder, "ja")}
    assert found["title"] == "# Pod とは"
    assert found["setup"] == 'begin("06", language="ja")'
    assert found["try"] == "answer = ..."


def test_a_translation_of_other_prose_is_stale(folder):
    fingerprint = cells(folder, "en")[0].fingerprint
    (folder / "ja.md").write_text(japanese(fingerprint))
    assert stale(folder, "ja") == ["words"]
    (folder / "en.md").write_text(ENGLISH.replace("# Pods", "# Pods, again"))
    assert stale(folder, "ja") == ["title", "words"]


def test_a_translation_may_not_lose_a_cell(folder):
    (folder / "ja.md").write_text(japanese("x").partition("+++ {\"id\": \"words\"")[0])
    with pytest.raises(SourceError, match="missing or unknown cells: words"):
        cells(folder, "ja")


def test_a_cell_without_an_id_is_refused_with_its_beginning():
    with pytest.raises(SourceError, match=r"give this markdown cell an id: '# Pods'"):
        parse("# Pods\n", "06/en.md")


def test_an_id_that_stands_twice_is_refused():
    with pytest.raises(SourceError, match="these ids stand twice: title"):
        parse('+++ {"id": "title"}\n\nA\n\n+++ {"id": "title"}\n\nB\n', "06/en.md")
