"""What a learner calls: it never raises, never shows a traceback, and says what to do next."""

import pytest

from k8snb import current, messages, use
from k8snb.course import kit
from k8snb.course.exercise import Chapter, Exercise, finding
from k8snb.course.verdict import Note
from k8snb.kubectl.result import Result

WORDS = """
title = "Pods"
minutes = 20

[exercise.fit]
title = "Make it fit"
praise = "It fits."
hints = ["What does it need?", "Less memory would do.", "Ask for 1Gi."]

[exercise.fit.findings]
big = "It asks for {size}."

[exercise.world]
title = "A cluster"
praise = "Done."
hints = ["Which one?", "That one, surely."]

[exercise.world.findings]
missing = "There is no Pod."

[quiz.who]
question = "Who starts it?"
options = ["the scheduler", "the kubelet", "you"]
why = ["It chooses.", "On its own node.", "You wish."]
"""


class World:
    """Stands for a cluster: remembers whether it was touched."""

    def __init__(self, pods=0):
        self.pods, self.forks = pods, 0

    def fork(self):
        self.forks += 1
        return World(self.pods)

    def kubectl(self, _line):
        return Result((("stdout", "default"),) if self.pods >= 0 else (("stderr", "The connection was refused"),), int(self.pods < 0))


def check_fit(_cluster, answer):
    if answer.upper() != "1GI":
        yield finding("big", size=answer)


def check_world(cluster, _answer):
    cluster.pods += 1
    if cluster.pods < 2:
        yield finding("missing")


@pytest.fixture(autouse=True)
def course(tmp_path, monkeypatch):
    (tmp_path / "en.toml").write_text(WORDS)
    exercises = {
        "fit": Exercise(id="fit", check=check_fit, solution='answer = "1Gi"', wrong=()),
        "world": Exercise(id="world", check=check_world, solution="lab.pods = 1", wrong=(), start=World),
    }
    found = {"06": Chapter(tmp_path, exercises, {"who": 1})}
    for module in ("kit", "exercise"):
        monkeypatch.setattr(f"k8snb.course.{module}.chapters", lambda: found)
    monkeypatch.setattr(kit, "LESSON", kit.Lesson())
    yield
    messages.set_language("en")


def test_an_unsolved_exercise_says_the_first_finding_and_a_hint():
    assert repr(kit.check("06.fit", "8Gi")) == ('✗ Not yet. It asks for 8Gi.\n  Hint: What does it need?\n  More: hint("06.fit", 2)')


def test_a_solved_exercise_is_praised_and_remembered():
    verdict = kit.check("06.fit", "1Gi")
    assert verdict
    assert repr(verdict) == "✓ Correct. It fits."
    assert kit.LESSON.progress.passed() == ("06.fit",)


@pytest.mark.parametrize("answer", [None, 42, ["1Gi"], object])
def test_an_answer_that_makes_the_check_stumble_gives_a_sentence(answer):
    verdict = kit.check("06.fit", answer)
    assert not verdict
    assert "could not be read" in repr(verdict)
    assert "Traceback" not in repr(verdict)


def test_an_answer_that_ends_the_program_ends_nothing():
    class Quits:
        def upper(self):
            raise SystemExit(1)

    assert "could not be read (SystemExit: 1)" in repr(kit.check("06.fit", Quits()))


def test_looking_changes_nothing():
    lab = kit.start("06.world")
    assert not kit.check("06.world")
    assert not kit.check("06.world")
    assert (lab.pods, lab.forks) == (0, 2)
    lab.pods = 1
    assert kit.check("06.world")


def test_a_cluster_that_does_not_answer_is_told_in_its_own_words():
    kit.start("06.world").pods = -1
    assert 'kubectl says "The connection was refused". Start what was stopped' in repr(kit.check("06.world"))


def test_an_exercise_that_was_not_started_says_so():
    assert 'start("06.world")' in repr(kit.check("06.world"))


def test_a_name_that_does_not_exist_is_answered_with_the_nearest():
    for call in (kit.check, kit.hint, kit.solution, kit.start):
        assert "Did you mean 06.fit?" in repr(call("06.fitt"))
    assert "Did you mean 06.who?" in repr(kit.quiz("06.whom"))
    assert "Did you mean 06.fit?" in repr(kit.solution("6.fit"))


def test_where_no_name_is_near_those_of_the_chapter_are_listed_or_all():
    assert "There are: 06.fit, 06.world" in repr(kit.solution("06.nope"))
    assert "There are: 06.fit, 06.world" in repr(kit.check("nonsense"))
    assert "There is no chapter 99. Chapters: 06" in repr(kit.begin("99"))


def test_who_names_nothing_is_told_what_to_write_and_what_there_is():
    for call in (kit.check, kit.hint, kit.solution, kit.start):
        assert repr(call("")) == '✗ Write the id of an exercise in quotes, such as "06.fit". There are: 06.fit, 06.world'
    assert 'such as "06.who"' in repr(kit.quiz(" "))
    assert 'such as "06". Chapters: 06' in repr(kit.begin(""))


def test_a_name_without_a_number_is_looked_for_in_the_chapter_that_was_begun():
    kit.begin("06")
    assert "Did you mean 06.world?" in repr(kit.check("world"))


def test_a_check_that_changes_what_the_magics_mean_says_so_once():
    mine = kit.start("06.world")
    assert "magics" not in repr(kit.check("06.world"))
    use(World())
    assert repr(kit.check("06.world")).endswith("From here on %kubectl and the other magics act on the cluster of 06.world.")
    assert current() is mine
    assert "magics" not in repr(kit.check("06.world"))
    use(World())
    assert "magics" not in repr(kit.check("06.fit", "1Gi"))  # it asks for an answer only


def test_a_name_of_another_kind_leads_to_what_asks_for_it():
    assert 'check("06.fit")' in repr(kit.quiz("06.fit"))
    assert 'quiz("06.who")' in repr(kit.check("06.who"))


def test_a_chapter_is_opened_by_its_number_however_it_is_written():
    assert repr(kit.begin(6)) == repr(kit.begin("6")) == repr(kit.begin("06"))


def test_who_opens_the_same_chapter_again_goes_on_with_what_was_begun():
    kit.begin("06")
    kit.start("06.world").pods = 1
    kit.check("06.fit", "1Gi")
    kit.begin("06")
    assert repr(kit.check("06.world")) == "✓ Correct. Done."
    assert kit.LESSON.progress.passed() == ("06.fit", "06.world")


LADDER = [(1, "What does it need?"), (2, "Less memory"), (3, "1Gi"), (99, "1Gi"), (0, "What"), ("x", "What")]


@pytest.mark.parametrize(("level", "said"), LADDER)
def test_hints_form_a_ladder_that_nobody_falls_off(level, said):
    assert said in repr(kit.hint("06.fit", level))


def test_after_the_last_hint_comes_the_solution():
    assert 'solution("06.fit")' in repr(kit.hint("06.fit", 3))
    assert repr(kit.solution("06.fit")) == '→ One way to do it:\n\nanswer = "1Gi"'


def test_a_question_can_be_answered_without_a_browser():
    assert "b) the kubelet" in repr(kit.quiz("06.who"))
    assert repr(kit.quiz("06.who", "b")) == "✓ Right. On its own node."
    assert repr(kit.quiz("06.who", "A)")) == "✗ Not this one. It chooses."
    assert repr(kit.quiz("06.who", "z")) == "✗ The answers have the letters a, b, c."


def test_a_chapter_opens_in_its_language():
    assert repr(kit.begin("06")) == "→ Chapter 6: Pods (about 20 minutes)"
    kit.begin("06", language="ja")
    assert repr(kit.check("06.fit", "8Gi")).startswith("✗ もう少しです。")


def test_what_a_learner_wrote_is_shown_as_text_and_never_as_markup():
    page = kit.check("06.fit", "<img src=x>")._repr_html_()
    assert "<img" not in page
    assert "&lt;img src=x&gt;" in page
    assert 'role="status"' in page


def test_a_verdict_says_its_state_in_words_and_a_sign():
    assert Note("passed", ("Correct.",))._repr_html_().count("✓") == 1
    assert not Note("note", ("x",)).passed
