"""The catalogues of sentences: complete in every language, and nothing in them that nobody says."""

import ast
import re
import string
from pathlib import Path

import pytest

from k8snb import messages

NO_PROSE = re.compile(r"\{\w+[^}]*\}|k8snb \w+")  # placeholders, and commands of ours
PACKAGE = Path(messages.__file__).parent.parent


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def strings_in_the_package() -> set[str]:
    found = set()
    for file in PACKAGE.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        found |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return found


def keys_asked_for() -> set[tuple[str, str]]:
    asked = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            name = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
            if name == "text" and node.args and isinstance(node.args[0], ast.Constant) and "." in str(node.args[0].value):
                asked.add((str(file.relative_to(PACKAGE)), node.args[0].value))
    return asked


@pytest.mark.parametrize("language", messages.LANGUAGES[1:])
def test_every_language_says_the_same_things(language):
    english, other = messages.catalogue("en"), messages.catalogue(language)
    assert sorted(english) == sorted(other)
    assert {key: placeholders(english[key]) for key in english} == {key: placeholders(other[key]) for key in other}


def test_no_sentence_is_empty_or_left_in_english():
    english, japanese = messages.catalogue("en"), messages.catalogue("ja")
    assert all(sentence.strip() for catalogue in (english, japanese) for sentence in catalogue.values())
    same = [key for key in english if english[key] == japanese[key] and re.search(r"[A-Za-z]", NO_PROSE.sub("", english[key]))]
    assert same == [], "say these in Japanese too"


def test_every_sentence_is_said_somewhere():
    assert sorted(set(messages.catalogue("en")) - strings_in_the_package()) == []


def test_every_sentence_that_is_asked_for_exists():
    assert sorted(pair for pair in keys_asked_for() if pair[1] not in messages.catalogue("en")) == []


def test_the_language_can_be_chosen_and_values_go_in_by_name():
    assert messages.text("course.level", level=1, levels=3) == "Hint 1 of 3"
    messages.set_language("ja")
    try:
        assert messages.text("course.level", level=1, levels=3) == "ヒント 1/3"
    finally:
        messages.set_language("en")


@pytest.mark.parametrize("sentence", [s for s in messages.catalogue("en").values() if re.search(r"\{\w+:[^}]*\|", s)])
def test_a_number_chooses_its_word(sentence):
    names = placeholders(sentence)
    one, two = (messages.fill(sentence, dict.fromkeys(names, count)) for count in (1, 2))
    assert one.replace("1", "2") != two
    assert not re.search(r"\b1 (?:other |more |healthy )?(?:records|nodes|writes|requests|times|hints|documents|Pods)\b", one)


def test_an_unknown_language_is_refused_by_name():
    with pytest.raises(ValueError, match="klingon"):
        messages.set_language("klingon")


def test_a_missing_sentence_names_the_remedy():
    with pytest.raises(KeyError, match=r"course\.toml"):
        messages.text("course.nothing_of_the_kind")
