"""The contract of every chapter: unsolved fails, solved passes, wrong answers are explained, hints help, languages agree."""

import ast
import inspect
import re
import time

import pytest

from k8snb.course import build, source, tables
from k8snb.course.exercise import chapters
from tests.course.lesson import Lesson

CHAPTERS = list(chapters().values())
EXERCISES = [(chapter, exercise) for chapter in CHAPTERS for exercise in chapter.exercises.values()]
every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.folder.name)
every_exercise = pytest.mark.parametrize(
    ("chapter", "exercise"), EXERCISES, ids=[f"{chapter.number}.{exercise.id}" for chapter, exercise in EXERCISES]
)
TRANSLATIONS = [(chapter, language) for chapter in CHAPTERS for language in source.languages(chapter.folder)[1:]]


@pytest.fixture
def lesson(tmp_path):
    made = []

    def begin(chapter):
        made.append(Lesson(chapter, tmp_path))
        return made[-1]

    yield begin
    for one in made:
        one.close()


@every_chapter
def test_unsolved_fails_with_a_finding_and_a_hint(lesson, chapter):
    verdicts = lesson(chapter).whole(solved=False)
    assert sorted(verdicts) == sorted(chapter.exercises)
    assert {name: verdict.passed for name, verdict in verdicts.items()} == dict.fromkeys(verdicts, False)
    for name, verdict in verdicts.items():
        assert verdict.finding in chapter.exercise_words(name)["findings"]
        assert chapter.exercise_words(name)["hints"][0] in repr(verdict)


@every_chapter
def test_solved_passes_within_its_time(lesson, chapter):
    began = time.process_time()  # of this process, so that a busy machine fails no chapter
    verdicts = lesson(chapter).whole(solved=True)
    assert {name: verdict.lines for name, verdict in verdicts.items() if not verdict.passed} == {}
    assert time.process_time() - began < 5


@every_exercise
def test_an_exercise_stands_on_its_own(lesson, chapter, exercise):
    verdict = lesson(chapter).alone(exercise, exercise.solution)
    assert verdict.passed, verdict


@every_exercise
def test_wrong_answers_are_told_what_is_wrong(lesson, chapter, exercise):
    assert len(exercise.wrong) >= 2
    one = lesson(chapter)
    said = {wrong.code: one.alone(exercise, wrong.code) for wrong in exercise.wrong}
    assert {code: (verdict.passed, verdict.finding) for code, verdict in said.items()} == {
        wrong.code: (False, wrong.finding) for wrong in exercise.wrong
    }


ANSWERS = ("None", "42", "{'a': object()}", "[[[]]]", "(lambda: 1 / 0)", "type", "float('nan')", "'\\ud800'")
DEEDS = (
    "%kubectl delete deployments,replicasets,pods,services --all",
    "%kubectl delete nodes --all",
    "from k8snb import current; current().faults.stop('kube-apiserver')",
    "from k8snb import current; current().faults.stop('etcd')",
)


@every_exercise
def test_nothing_that_a_learner_does_makes_a_check_raise(lesson, chapter, exercise):
    one = lesson(chapter)
    for code in DEEDS if exercise.start else [f"answer = {value}" for value in ANSWERS]:
        one.run("before", "answer = None")
        verdict = one.alone(exercise, code)
        assert not verdict.passed
        assert "Traceback" not in repr(verdict)
        assert exercise.start is None or verdict.finding != "unreadable", code


@every_exercise
def test_hints_form_a_ladder(chapter, exercise):
    words = chapter.exercise_words(exercise.id)
    assert 2 <= len(words["hints"]) <= 5
    assert all(len(hint.strip()) > 20 for hint in words["hints"])
    assert len(set(words["hints"])) == len(words["hints"])
    assert "?" in words["hints"][0], "the first hint is a question"
    assert words["praise"].strip()
    assert words["title"].strip()


@every_chapter
def test_a_chapter_has_its_form(chapter):
    assert 3 <= len(chapter.exercises) <= 6
    assert 3 <= len(chapter.answers) <= 5
    words = chapter.words("en")
    assert sorted(words["exercise"]) == sorted(chapter.exercises)
    assert sorted(words["quiz"]) == sorted(chapter.answers)
    assert 10 <= words["minutes"] <= 60


@every_chapter
def test_every_answer_of_the_quiz_is_explained(chapter):
    for name, right in chapter.answers.items():
        question = chapter.words("en")["quiz"][name]
        assert len(question["options"]) == len(question["why"]) >= 3
        assert 0 <= right < len(question["options"])
        assert all(why.strip() for why in question["why"])


@every_chapter
def test_the_right_answers_of_a_quiz_do_not_all_stand_in_one_place(chapter):
    assert len(set(chapter.answers.values())) > 1


@every_chapter
def test_exercises_and_questions_are_called_by_their_full_id(chapter):
    code = "\n".join(cell.text for cell in source.cells(chapter.folder, "en"))
    for name in chapter.exercises:
        assert f'check("{chapter.number}.{name}"' in code
    for name in chapter.answers:
        assert f'quiz("{chapter.number}.{name}")' in code


@every_chapter
def test_cells_are_small(chapter):
    cells = source.cells(chapter.folder, "en")
    code = [len(cell.text.splitlines()) for cell in cells if cell.kind == "code" and not cell.text.startswith("%%manifest")]
    assert sorted(code)[len(code) // 2] <= 8
    assert max(code) <= 30
    prose = {cell.id: len(cell.text.split()) for cell in cells if cell.kind == "markdown"}
    assert {name: words for name, words in prose.items() if words > 220} == {}, "no wall of text: split the cell"


@every_chapter
def test_every_finding_of_a_check_has_words_and_is_used(chapter):
    text = (chapter.folder / "checks.py").read_text(encoding="utf-8")
    shared = inspect.getsource(tables) if "k8snb.course.tables" in text else ""  # what is found in every table
    trees = map(ast.parse, (text, shared))
    literals = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    for name in chapter.exercises:
        assert set(chapter.exercise_words(name)["findings"]) <= literals


@every_chapter
def test_the_committed_notebook_is_built_from_this_text(chapter):
    for language in source.languages(chapter.folder):
        committed = build.target(chapter.folder, language)
        assert committed.exists(), "python -m k8snb.course build"
        found = build.nbformat.read(committed, as_version=4)
        expected = build.notebook(chapter.folder, language)
        assert [(cell.id, cell.source) for cell in found.cells] == [(cell.id, cell.source) for cell in expected.cells]


@pytest.mark.parametrize(("chapter", "language"), TRANSLATIONS)
def test_a_translation_says_what_the_english_says_now(chapter, language):
    assert source.stale(chapter.folder, language) == []
    english, other = chapter.words("en"), chapter.words(language)
    assert shape(other) == shape(english)


def shape(words):
    """The keys, the lengths of lists and the placeholders: what two languages must have in common."""
    if isinstance(words, dict):
        return {key: shape(value) for key, value in words.items()}
    if isinstance(words, list):
        return [shape(value) for value in words]
    return sorted(set(re.findall(r"\{\w+\}", str(words))))
