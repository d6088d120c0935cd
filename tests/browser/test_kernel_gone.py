"""A widget whose kernel is gone, or whose notebook has the keyboard too: it says so, and it takes nothing away."""

from __future__ import annotations

from typing import Any

import pytest

from .lab import Notebook
from .test_live_view import SET_UP, STEP, press, revision

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
QUIZ = ["from k8snb.course import begin, quiz\nbegin('01', language='en')", "quiz('01.order')"]
WRONG, RIGHT = 0, 1
SILENT = "No answer from the kernel."


def answer(page: Any, option: int) -> Any:
    question = page.locator(".k8snb-quiz")
    question.wait_for()
    question.get_by_role("radio").nth(option).check()
    question.get_by_role("button").click()
    return question.locator("output")


def test_after_a_restart_no_verdict_stands_beside_another_choice(open_notebook: Any, screenshot: Any) -> None:
    notebook = open_notebook(QUIZ)
    notebook.run_all()
    verdict = answer(notebook.page, WRONG)
    verdict.get_by_text("Not this one.").wait_for()
    notebook.restart_kernel()
    answer(notebook.page, RIGHT)
    verdict.get_by_text(SILENT).wait_for()
    assert "Not this one." not in verdict.inner_text()
    screenshot(notebook.page, "quiz-after-restart")


def test_the_live_view_says_that_its_kernel_was_restarted(open_notebook: Any, screenshot: Any) -> None:
    notebook = open_notebook([SET_UP, "cluster.view()"])
    notebook.run_all()
    view = notebook.page.locator(".k8snb-view")
    view.wait_for()
    notebook.restart_kernel()
    press(view, STEP)
    view.get_by_role("alert").get_by_text(SILENT).wait_for()
    screenshot(view, "live-after-restart")


def test_a_notebook_that_is_opened_again_shows_its_widgets_as_they_were(open_notebook: Any, server: Any, screenshot: Any) -> None:
    notebook = open_notebook([*QUIZ, SET_UP, "cluster.view()"], height=1200)
    notebook.run_all()
    answer(notebook.page, RIGHT).get_by_text("Right.").wait_for()
    view = notebook.page.locator(".k8snb-view")
    for _ in range(3):
        press(view, STEP)
    view.locator("[data-object^='replicasets.apps default/web']").wait_for()
    notebook.page.wait_for_timeout(1500)  # the newest frame is put into the model after a second of rest
    shown = revision(view)
    notebook.command("docmanager:save")
    name = notebook.page.evaluate("() => jupyterapp.shell.currentWidget.context.path")
    server.close_sessions()

    again = Notebook(server, notebook.page.context.new_page(), name)
    again.page.locator(".k8snb-quiz output").get_by_text("Right.").wait_for()
    assert revision(again.page.locator(".k8snb-view")) == shown
    assert again.page.get_by_text("Error displaying widget").count() == 0
    press(again.page.locator(".k8snb-view"), STEP)
    again.page.get_by_role("alert").get_by_text(SILENT).wait_for()
    screenshot(again.page, "opened-again")


def test_keys_that_are_pressed_in_a_view_do_nothing_to_the_cells(open_notebook: Any) -> None:
    notebook = open_notebook([SET_UP, "cluster.view()", "1"])
    notebook.run_all()
    view = notebook.page.locator(".k8snb-view")
    view.wait_for()
    slider = view.get_by_role("slider")
    slider.focus()
    before = int(slider.input_value())
    for key in ("x", "d", "d", "ArrowLeft"):
        notebook.page.keyboard.press(key)
    view.get_by_text("You are looking at the past").wait_for()
    assert int(slider.input_value()) == before - 1
    assert notebook.page.locator(".jp-Notebook .jp-Cell").count() == 3


def test_the_end_of_a_long_error_is_on_the_page(open_notebook: Any, screenshot: Any) -> None:
    misspelt = "cluster.kubectl('create -f -', stdin='{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {replcas: 3}}')"
    notebook = open_notebook(["%load_ext k8snb", SET_UP, misspelt], width=900)
    notebook.run_all()
    said = notebook.cell(2).locator(".jp-OutputArea-output pre")
    assert 'unknown field "spec.replcas"\n' in said.inner_text()
    assert said.inner_text().rstrip().endswith("Is replicas meant?")
    assert said.evaluate("pre => pre.scrollWidth <= pre.clientWidth")
    screenshot(notebook.page, "long-error")
