"""A question in the browser and as text."""

import pytest

from k8snb.widgets.quiz import Quiz


@pytest.fixture
def question():
    why = ("It only chooses a node.", "On its own node.")
    return Quiz("Who starts a container?", ("the scheduler", "the kubelet"), right=1, why=why, by_text="...")


def test_it_reads_well_without_a_browser(question):
    assert repr(question) == "Question: Who starts a container?\n  a) the scheduler\n  b) the kubelet\n..."


def test_the_page_does_not_hold_the_answer(question):
    sent = {name: value for name, value in question.get_state().items() if name not in {"_esm", "_anywidget_id"}}
    assert "On its own node" not in str(sent)
    assert "right" not in str(sent["answer"])


JUDGED = [(0, False, "Not this one. It only chooses a node."), (1, True, "Right. On its own node.")]


@pytest.mark.parametrize(("choice", "right", "said"), JUDGED)
def test_a_choice_is_judged_in_the_kernel(question, choice, right, said):
    question._received(question, {"choose": choice}, [])
    assert question.answer == {"index": choice, "right": right, "text": said}


@pytest.mark.parametrize("message", [{"choose": 7}, {"choose": "1"}, {}, None, "x"])
def test_nonsense_from_a_page_changes_nothing(question, message):
    question._received(question, message, [])
    assert question.answer == {}
