"""The chapters in a real JupyterLab: every cell runs, a question can be answered with the keyboard, nothing leaves the machine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.house.source import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
CHAPTERS = sorted((ROOT / "notebooks/en").glob("*.ipynb"))


def index_of(chapter: Any, cell: str) -> int:
    cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    return next(number for number, found in enumerate(cells) if found["id"] == cell)


def test_a_chapter_runs_from_its_first_cell_to_its_last(open_notebook: Any, screenshot: Any) -> None:
    chapter = CHAPTERS[1]  # one is enough here: nbval runs them all, without a browser
    notebook = open_notebook(chapter, height=1400)
    outputs = notebook.run_all()
    assert [output["evalue"] for cell in outputs for output in cell if output["output_type"] == "error"] == []
    assert notebook.errors == []
    assert notebook.strangers == []
    screenshot(notebook.page, f"chapter-{chapter.stem}")


def test_a_question_is_answered_with_the_keyboard(open_notebook: Any, screenshot: Any) -> None:
    chapter = CHAPTERS[0]
    notebook = open_notebook(chapter, height=900)
    notebook.run(index_of(chapter, "setup"))
    at = index_of(chapter, "quiz-order")
    notebook.run(at)
    question = notebook.cell(at).locator(".k8snb-quiz")
    question.wait_for()
    question.get_by_role("radio").first.focus()
    notebook.page.keyboard.press("ArrowDown")
    notebook.page.keyboard.press("Enter")
    question.locator("output[data-state=right]").wait_for()
    assert question.locator("output").inner_text().startswith("✓ Right.")
    screenshot(notebook.page, "quiz")
