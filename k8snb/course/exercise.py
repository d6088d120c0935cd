"""What an exercise is, and what a chapter holds: records, read from the chapter's own folder.

    notebooks/src/10-deployment/
        en.md      the lesson: prose and code cells, each with an id        ja.md    its prose in Japanese
        en.toml    titles, hints, findings, quiz in words                   ja.toml  the same in Japanese
        checks.py  EXERCISES (starting cluster, check, solution, wrong answers) and QUIZ (the right options)

A check is a pure look: it gets the learner's cluster (a fork of it, so it may run it forward) and answer, and yields
:class:`Finding` records, the most helpful first; none means done. Its words stand in the catalogue of the chapter, so a finding
is a name and values. Laws, held by ``tests/course``: unsolved fails, the solution passes, and each wrong answer fails *with the
finding that explains it*.
"""

from __future__ import annotations

import functools
import importlib.util
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from k8snb.course import files
from k8snb.messages import LANGUAGES, language


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not right yet: its name in the chapter's catalogue, and the values for its sentence."""

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)


def finding(name: str, /, **values: Any) -> Finding:
    """Shorthand for checks: ``yield finding("too_few", have=1, want=3)``."""
    return Finding(name, values)


Check = Callable[[Any, Any], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Wrong:
    """A plausible wrong answer: code in place of the learner's cell, and the finding that must come first."""

    code: str
    finding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """One exercise. ``start`` builds its cluster (None: it asks for an answer only); ``check(cluster, answer)`` yields
    findings; ``solution`` is the code of the learner's cell when it is solved."""

    id: str
    check: Check
    solution: str
    wrong: tuple[Wrong, ...]
    start: Callable[[], Any] | None = None


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter of the course, by its folder ``NN-topic``."""

    folder: Path
    exercises: Mapping[str, Exercise]
    answers: Mapping[str, int]  # question -> index of the right option

    @property
    def number(self) -> str:
        """Two digits: ``"10"``."""
        return self.folder.name.partition("-")[0]

    def words(self, name: str | None = None) -> Mapping[str, Any]:
        """Titles, hints, findings and quiz in a language: the current one unless named, English where it is not translated."""
        wanted = self.folder / f"{name or language()}.toml"
        return _read(wanted if wanted.exists() else self.folder / f"{LANGUAGES[0]}.toml")

    def exercise_words(self, exercise: str) -> Mapping[str, Any]:
        """``title``, ``praise``, ``hints`` and ``findings`` of one exercise."""
        found: Mapping[str, Any] = self.words()["exercise"][exercise]
        return found


@functools.cache
def _read(path: Path) -> Mapping[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@functools.cache
def load(folder: Path) -> Chapter:
    """The chapter in this folder, with its checks imported."""
    spec = importlib.util.spec_from_file_location(f"k8snb_chapter_{folder.name.replace('-', '_')}", folder / "checks.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(folder / "checks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Chapter(folder, {exercise.id: exercise for exercise in module.EXERCISES}, module.QUIZ)


@functools.cache
def chapters() -> Mapping[str, Chapter]:
    """All chapters by their number, in order."""
    return {chapter.number: chapter for chapter in map(load, files.sources())}


def find(full_id: str) -> tuple[Chapter, Exercise]:
    """The exercise with the id ``"10.bad-revision"``. Raises ``KeyError`` where there is none."""
    number, _, name = full_id.partition(".")
    chapter = chapters()[number]
    return chapter, chapter.exercises[name]


def all_ids() -> tuple[str, ...]:
    """The full ids of all exercises, in the order of the course."""
    return tuple(f"{number}.{name}" for number, chapter in chapters().items() for name in chapter.exercises)


def all_questions() -> tuple[str, ...]:
    """The full ids of all quiz questions, in the order of the course."""
    return tuple(f"{number}.{name}" for number, chapter in chapters().items() for name in chapter.answers)
