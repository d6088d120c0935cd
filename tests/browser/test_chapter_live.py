"""Chapter 02 as a learner uses it: run everything, then step, play, rewind and inspect in its live view."""

from __future__ import annotations

from typing import Any

import pytest

from tests.house.source import ROOT

from .test_chapters import index_of
from .test_live_view import BACK, NOW, PLAY, STEP, press, revision

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
CHAPTER = ROOT / "notebooks/en/02-components.ipynb"


def test_chapter_02_can_be_watched(open_notebook: Any, screenshot: Any) -> None:
    notebook = open_notebook(CHAPTER, height=1300)
    notebook.run_all()
    at = index_of(CHAPTER, "live-view")
    notebook.page.evaluate("(at) => jupyterapp.shell.currentWidget.content.scrollToItem(at)", at)
    view = notebook.page.locator(".k8snb-view")
    view.wait_for()
    before = revision(view)
    press(view, STEP)
    notebook.page.wait_for_function("() => document.querySelectorAll('.k8snb-flow .busy').length > 0")
    press(view, PLAY)
    view.locator("[data-object^='pods default/web'][data-state='ok']").nth(3).wait_for(timeout=90_000)
    screenshot(view, "chapter-02-played", picture="live-view")
    view.get_by_role("button", name=PLAY, exact=True).wait_for(timeout=90_000)
    view.locator("[data-object^='pods default/web']").first.click()
    view.locator(".k8snb-diff").wait_for()
    screenshot(view, "chapter-02-inspect")
    press(view, BACK)
    view.get_by_text("You are looking at the past").wait_for()
    press(view, NOW)
    view.get_by_text("You are looking at the past").wait_for(state="hidden")
    assert revision(view) > before
    assert notebook.errors == []
