"""Every sentence that a learner reads, in English and in Japanese.

One TOML file a language and area: ``en/course.toml`` holds ``not_yet = "Not yet: {finding}"``, and its key is
``course.not_yet``. Values go in by name, as :meth:`str.format` does it, so a translation may order them as it needs.

    >>> text("course.level", level=1, levels=3)
    'Hint 1 of 3'

Kubernetes' own words (errors, reasons, event messages, kubectl's output) are behaviour, not prose: they never come from here.
Sentences that belong to one chapter stand in the chapter's own folder, ``notebooks/src/NN-topic/``.

Laws, held by ``tests/messages``: all languages have the same keys and the same placeholders; every key is used; every key
that is asked for exists.
"""

from __future__ import annotations

import functools
import string
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Self

LANGUAGES = ("en", "ja")
"""The languages of the course; the first is the one that chapters are written in."""

_chosen = [LANGUAGES[0]]  # presentation only: nothing that the simulator computes depends on it


def language() -> str:
    """The language in which a learner is spoken to now: ``"en"`` or ``"ja"``."""
    return _chosen[0]


def set_language(name: str) -> None:
    """Speak this language from now on.

    Raises ``ValueError`` for a language without a catalogue.
    """
    if name not in LANGUAGES:
        raise Mistake(text("messages.unknown_language", name=name, known=", ".join(LANGUAGES)))
    _chosen[0] = name


@functools.cache
def catalogue(name: str) -> dict[str, str]:
    """All sentences of a language: full key, such as ``course.not_yet``, to text with placeholders."""
    found: dict[str, str] = {}
    for file in sorted(resources.files(__package__).joinpath(name).iterdir(), key=lambda entry: entry.name):
        area, dot, ending = file.name.partition(".")
        if dot and ending == "toml":
            found.update(_flat(area, tomllib.loads(file.read_text(encoding="utf-8"))))
    return found


def _flat(prefix: str, table: dict[str, Any]) -> dict[str, str]:
    """Nested tables as dotted keys."""
    rows: dict[str, str] = {}
    for key, value in table.items():
        rows |= _flat(f"{prefix}.{key}", value) if isinstance(value, dict) else {f"{prefix}.{key}": str(value)}
    return rows


class Plain(str):
    """Lines that a notebook shows as they stand, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Told(int):
    """A number that a notebook shows as a sentence."""

    def __new__(cls, number: int, sentence: str = "") -> Self:
        """``sentence``: what it counts. (Who makes a copy hands over the number alone, and what else there is afterwards.)"""
        told = super().__new__(cls, number)
        told.sentence = sentence
        return told

    sentence: str

    def __repr__(self) -> str:
        return self.sentence

    def __str__(self) -> str:
        return int.__repr__(self)


class Mistake(ValueError):
    """Something that a learner asked for cannot be. The sentence is all there is to say: notebooks show it without a traceback.

    Models: IPython's hook for exceptions that render themselves.
    """

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class Interrupted(KeyboardInterrupt):
    """■ has stopped what a learner asked for. The sentence is all there is to say: notebooks show it without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class Missing(Mistake, LookupError):
    """A mistake about a name: there is nothing of that name."""


class NoSuchKey(Missing, KeyError):
    """A mistake about a key of something that is used like a dict."""

    __str__ = ValueError.__str__  # a KeyError would put quotes around the sentence


class NoSuchAttribute(Missing, AttributeError):
    """A mistake about the name of a method or of an attribute."""


class NotHere(Mistake, RuntimeError):
    """Something that cannot be done where the learner is."""


def text(key: str, /, **values: object) -> str:
    """The sentence ``key`` in the current language, with ``values`` put in.

    Raises ``KeyError`` for a key or a value that is missing: that is a mistake of ours, and a test finds it.
    """
    sentences = catalogue(language())
    if key not in sentences:
        raise KeyError(f"no sentence {key!r}: add it to k8snb/messages/*/{key.partition('.')[0]}.toml in every language")
    return fill(sentences[key], values) if values else sentences[key].replace("{{", "{").replace("}}", "}")


def fill(sentence: str, values: Mapping[str, object]) -> str:
    """The sentence with values put in. After a whole number may stand its word for one and for several: ``{count:hop|hops}``.

    >>> fill("{count} {count:hop|hops}", {"count": 1}), fill("{count} {count:hop|hops}", {"count": 2})
    ('1 hop', '2 hops')
    """
    return _SENTENCES.vformat(sentence, (), values)


def counted(count: int, one: str) -> str:
    """``1 node``, ``3 nodes``: for what is said in English alone, such as a ``repr``."""
    return f"{count} {one}" if count == 1 else f"{count} {one}s"


def several(names: Sequence[str], most: int = 20) -> str:
    """Names within a sentence; of more than so many the first ones.

    >>> several(["a", "b"]), several(["a", "b", "c"], 2)
    ('a, b', 'a, b, ...')
    """
    return ", ".join([*names[:most], *["..."] * (len(names) > most)])


class _Sentences(string.Formatter):
    """Values in a sentence, where a number can choose between a word for one and a word for several."""

    def format_field(self, value: Any, format_spec: str) -> str:
        one, bar, several = format_spec.partition("|")
        return (one if value == 1 else several) if bar else str(super().format_field(value, format_spec))


_SENTENCES = _Sentences()
