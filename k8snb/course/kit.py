"""What a learner calls: ``begin``, ``start``, ``check``, ``hint``, ``solution`` and ``quiz``.

    begin("10", language="en")
    cluster = start("10.bad-revision")       # a cluster of this exercise's own, made current for the magics
    ...
    check("10.bad-revision")                 # ✗ Not yet. Revision 3 is still being rolled out: ...
    hint("10.bad-revision", 2)

Laws: nothing here raises on what a learner wrote into an exercise, and no traceback reaches a learner; a check looks at a *fork*, so
looking changes nothing; an exercise depends on no cell but the chapter's first and its own.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from k8snb.cluster import current, use
from k8snb.course.exercise import Chapter, Exercise, all_ids, all_questions, chapters, find
from k8snb.course.files import code_cells
from k8snb.course.progress import Progress
from k8snb.course.verdict import Note
from k8snb.guests.arguments import careful_function as careful
from k8snb.messages import fill, set_language, several, text
from k8snb.notebook.order import lesson
from k8snb.widgets.quiz import Quiz

LETTERS = "abcdefgh"


class Lesson:
    """What the kit remembers while a kernel lives: the clusters that exercises were started on, and the progress."""

    def __init__(self) -> None:
        self.clusters: dict[str, Any] = {}
        self.progress = Progress()
        self.chapter = ""  # which was begun last: "10"


LESSON = Lesson()


@careful
def begin(number: Any, *, language: str = "en") -> Note:
    """Open a chapter: speak its language from now on, and say what it is called and how long it takes.

    ``number``: ``"01"``; ``"1"`` and ``1`` mean the same.
    """
    known, asked = chapters(), str(number).zfill(2)
    if asked not in known:
        return _unknown("chapter", number)
    set_language(language)
    words = known[asked].words()
    lesson(functools.partial(code_cells, asked))
    if asked != LESSON.chapter:  # whoever runs the first cell again goes on with what was begun
        LESSON.clusters.clear()
        LESSON.progress, LESSON.chapter = Progress(), asked
    return Note("note", (text("course.chapter", number=int(asked), title=words["title"], minutes=words["minutes"]),))


@careful
def start(exercise: str) -> Any:
    """The starting cluster of an exercise, fresh; it becomes the current one for ``%kubectl``, ``%%manifest`` and ``%step``."""
    try:
        _, found = find(exercise)
    except KeyError:
        return _unknown("exercise", exercise)
    if found.start is None:
        return Note("note", (text("course.needs_no_cluster", id=exercise),))
    cluster = LESSON.clusters[exercise] = use(found.start())
    return cluster


@careful
def check(exercise: str, *answers: Any) -> Note:
    """Whether the exercise is done; if not, the first thing to look at and the first hint.

    Exercises that ask for an answer get it as the second argument: ``check("01.observed", answer)``. The magics mean this
    exercise's cluster from now on, so that a learner who goes back and forth always mends the one that was just checked.
    """
    try:
        chapter, found = find(exercise)
    except KeyError:
        return _unknown("exercise", exercise)
    if found.start is not None and exercise not in LESSON.clusters:
        return Note("not-yet", (text("course.not_started", id=exercise),), finding="not_started")
    moved = _act_on(exercise) if found.start is not None else ()
    verdict = _verdict(chapter, found, exercise, answers[0] if len(answers) == 1 else answers or None)
    LESSON.progress.note(exercise, passed=verdict.passed)
    return replace(verdict, lines=(*verdict.lines, *moved))


def _act_on(exercise: str) -> tuple[str, ...]:
    """Make the exercise's cluster the one that the magics mean; a line that says so, where they meant another one."""
    try:
        before = current()
    except LookupError:
        before = None
    cluster = use(LESSON.clusters[exercise])
    return () if before in (None, cluster) else (text("course.magics_moved", id=exercise),)


def _verdict(chapter: Chapter, exercise: Exercise, full_id: str, answer: Any) -> Note:
    words = chapter.exercise_words(exercise.id)
    try:
        cluster = LESSON.clusters[full_id].fork() if exercise.start else None
        if cluster is not None and not (asked := cluster.kubectl("get namespaces")).ok:
            return Note("not-yet", (text("course.no_answer", said=asked.text.strip(), id=full_id),), finding="no_answer")
        first = next(iter(exercise.check(cluster, answer)), None)
        if first is None:
            return Note("passed", (text("course.passed", praise=words["praise"]),))
        said = fill(words["findings"][first.name], first.values)
    except (Exception, SystemExit) as error:  # noqa: BLE001  whatever a learner hands over, they get a sentence and no traceback
        reason = (str(error).splitlines() or [""])[0]
        return Note("not-yet", (text("course.unreadable", kind=type(error).__name__, reason=reason),), finding="unreadable")
    lines = (text("course.not_yet", finding=said), text("course.first_hint", hint=words["hints"][0]), _more(full_id, words["hints"], 1))
    return Note("not-yet", lines, finding=first.name)


def _more(exercise: str, hints: list[str], level: int) -> str:
    """Where to go after the hint of this level."""
    if level < len(hints):
        return text("course.more_hints", id=exercise, level=level + 1)
    return text("course.no_more_hints", id=exercise, levels=len(hints))


@careful
def hint(exercise: str, level: int | str = 1) -> Note:
    """A hint; higher levels say more. A level beyond the last gives the last."""
    try:
        chapter, found = find(exercise)
    except KeyError:
        return _unknown("exercise", exercise)
    hints = chapter.exercise_words(found.id)["hints"]
    asked = min(max(int(level), 1), len(hints)) if str(level).isdecimal() else 1
    return Note("note", (text("course.level", level=asked, levels=len(hints)), hints[asked - 1], _more(exercise, hints, asked)))


@careful
def solution(exercise: str) -> Note:
    """One way to solve it: what the learner's cell could say."""
    try:
        _, found = find(exercise)
    except KeyError:
        return _unknown("exercise", exercise)
    return Note("note", (text("course.solution_title"),), code=found.solution.strip())


@careful
def quiz(question: str, choice: str | None = None) -> Any:
    """A question as a widget; with ``choice`` (``"a"``, ``"b"`` ...) the verdict on that answer, for where no widget shows."""
    number, _, name = question.partition(".")
    chapter = chapters().get(number)
    if chapter is None or name not in chapter.answers:
        return _unknown("question", question)
    words, right, by_text = chapter.words()["quiz"][name], chapter.answers[name], text("quiz.by_text", id=question)
    widget = Quiz(words["question"], tuple(words["options"]), right=right, why=tuple(words["why"]), by_text=by_text)
    if choice is None:
        return widget
    index = LETTERS.find(str(choice).strip().lower()[:1] or "?")
    if not 0 <= index < len(words["options"]):
        return Note("not-yet", (text("quiz.letters", letters=", ".join(LETTERS[: len(words["options"])])),))
    return Note("passed" if index == right else "not-yet", (widget.verdict(index),))


class Names(NamedTuple):
    """What one kind of name is called in sentences: the nearest is suggested, all are listed, or it is a name of another kind."""

    known: Callable[[], Iterable[str]]
    near: str
    listed: str
    nameless: str
    other: Callable[[], Iterable[str]] = tuple
    but: str = ""


NAMES = {
    "chapter": Names(lambda: list(chapters()), "course.unknown_chapter", "course.unknown_chapter_of", "course.no_chapter"),
    "exercise": Names(
        all_ids, "course.unknown_exercise", "course.unknown_exercise_of", "course.no_exercise", all_questions, "course.unknown_exercise_but"
    ),
    "question": Names(
        all_questions, "course.unknown_quiz", "course.unknown_quiz_of", "course.no_question", all_ids, "course.unknown_quiz_but"
    ),
}


def _unknown(kind: str, name: Any) -> Note:
    """The answer to a name that does not exist: the nearest one that does; if none is near, those of its chapter, or all.

    A name without a number belongs to the chapter that was begun.
    """
    names = NAMES[kind]
    if name in names.other():
        return Note("not-yet", (text(names.but, id=name),), finding="unknown")
    number, dot, own = str(name).partition(".")
    known = list(names.known())
    here = _of_chapter(known, number.zfill(2)) or _of_chapter(known, LESSON.chapter)
    if not str(name).strip():
        return Note("not-yet", (text(names.nameless, example=(here or known)[0], names=several(here or known)),), finding="unknown")
    near = difflib.get_close_matches(number.zfill(2) + dot + own, here or known, 1, 0.6 if here else 0.8)
    said = text(names.near, id=name, nearest=near[0]) if near else text(names.listed, id=name, names=several(here or known))
    return Note("not-yet", (said,), finding="unknown")


def _of_chapter(names: list[str], number: str) -> list[str]:
    return [one for one in names if one.startswith(f"{number}.")]
