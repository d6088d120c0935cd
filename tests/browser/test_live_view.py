"""The live view in a real JupyterLab: step, play, rewind, inspect, by mouse and by keyboard, in light and in dark."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

SET_UP = """
from k8snb.cluster import Cluster
from k8snb.apiserver.request import Request
labels = {"app": "web"}
template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "nginx:1.27"}]}}
manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"replicas": 3, "selector": {"matchLabels": labels}, "template": template}}
cluster = Cluster(nodes=3, seed=7)
cluster.send(Request("create", "apps", "v1", "deployments", namespace="default", body=manifest)).code
"""
STEP, PLAY, BACK, NOW = "Step: reconcile", "▶ Play", "◀ One change back", "Back to now"


def press(view: Any, name: str) -> None:
    view.get_by_role("button", name=name, exact=True).click()


def revision(view: Any) -> int:
    return int(re.findall(r"revision (\d+)", view.locator(".k8snb-clock").inner_text())[0])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_step_play_rewind_and_inspect(open_notebook: Any, screenshot: Any, theme: str) -> None:
    notebook = open_notebook([SET_UP, "cluster.view()"], theme=theme, height=1200)
    assert notebook.run(0)[0].get("data", {}).get("text/plain") == "201"
    notebook.run(1)
    view = notebook.page.locator(".k8snb-view")
    view.wait_for()
    before = revision(view)
    for _ in range(3):
        press(view, STEP)
    view.locator("[data-object^='replicasets.apps default/web']").wait_for()
    screenshot(view, f"live-step-{theme}")

    press(view, PLAY)
    view.get_by_role("button", name="Pause", exact=True).wait_for()
    view.locator("[data-object^='pods default/web']").nth(2).wait_for()
    view.get_by_role("button", name=PLAY, exact=True).wait_for(timeout=60_000)  # it pauses by itself when nothing is left
    screenshot(view, f"live-played-{theme}")
    assert revision(view) > before

    view.locator("[data-object^='pods default/web']").first.click()
    view.locator(".k8snb-diff").wait_for()
    assert "kind: Pod" in view.locator(".k8snb-card").inner_text()
    screenshot(view, f"live-inspect-{theme}")

    at = revision(view)
    press(view, BACK)
    view.get_by_text("You are looking at the past").wait_for()
    assert revision(view) < at
    view.get_by_role("slider").fill("0")
    view.locator("[data-object^='pods default/web']").first.wait_for(state="detached")
    screenshot(view, f"live-past-{theme}")
    press(view, NOW)
    view.locator("[data-object^='pods default/web']").nth(2).wait_for()
    assert revision(view) == at

    assert notebook.errors == []
    assert notebook.strangers == []  # nothing is asked of the network


def test_the_keyboard_is_enough(open_notebook: Any) -> None:
    notebook = open_notebook([SET_UP, "cluster.view()"])
    notebook.run(0)
    notebook.run(1)
    view = notebook.page.locator(".k8snb-view")
    view.wait_for()
    view.get_by_role("button", name=STEP, exact=True).focus()
    for _ in range(6):
        notebook.page.keyboard.press("Enter")
    chips = view.locator("[data-object^='pods default/web']")
    chips.nth(2).wait_for()
    assert view.locator(".k8snb-nodes button[tabindex='0']").count() == 1
    view.locator(".k8snb-nodes button[tabindex='0']").focus()
    notebook.page.keyboard.press("End")
    notebook.page.keyboard.press("Enter")
    view.locator(".k8snb-diff").wait_for()
    assert view.get_by_role("status").inner_text() != ""


def test_a_cell_and_the_view_show_one_cluster(open_notebook: Any) -> None:
    notebook = open_notebook([SET_UP, "cluster.view()", "cluster.settle()\nlen(cluster.get('pods'))", "cluster.view()"])
    for index in (0, 1):
        notebook.run(index)
    first = notebook.page.locator(".k8snb-view").first
    first.wait_for()
    assert notebook.run(2)[0]["data"]["text/plain"] == "3"
    first.locator("[data-object^='pods default/web']").nth(2).wait_for()
    notebook.run(3)  # the same widget a second time
    second = notebook.page.locator(".k8snb-view").nth(1)
    second.locator("[data-object^='pods default/web']").nth(2).wait_for()
    press(second, BACK)
    first.get_by_text("You are looking at the past").wait_for()


def test_a_click_while_a_cell_runs_waits_for_its_end(open_notebook: Any) -> None:
    busy = "import time\nbefore = cluster.revision\ntime.sleep(4)\ncluster.revision == before"
    notebook = open_notebook([SET_UP, "cluster.view()", busy, "cluster.revision > before"])
    for index in (0, 1):
        notebook.run(index)
    view = notebook.page.locator(".k8snb-view")
    view.wait_for()
    shown = revision(view)
    notebook.run(2, wait=False)
    press(view, STEP)
    notebook.page.wait_for_function(f"() => !document.querySelector('.k8snb-clock').textContent.endsWith(' {shown}')", timeout=20_000)
    said = notebook.page.evaluate("() => jupyterapp.shell.currentWidget.content.widgets[2].model.sharedModel.getOutputs()")
    assert said[0]["data"]["text/plain"] == "True", "while the cell ran, nothing touched its cluster"
    assert notebook.run(3)[0]["data"]["text/plain"] == "True", "afterwards the click was carried out"


def test_pictures_follow_the_theme(open_notebook: Any, screenshot: Any) -> None:
    pictures = ["cluster.settle(); cluster.graph('ownership')", "cluster.graph('components')"]
    notebook = open_notebook([SET_UP, *pictures], theme="dark", height=1200)
    for index in range(3):
        notebook.run(index)
    graph = notebook.page.locator("svg.k8snb-graph").first
    graph.wait_for()
    colour = graph.locator("text.name").first.evaluate("node => getComputedStyle(node).fill")
    assert sum(map(float, re.findall(r"[\d.]+", colour)[:3])) > 500, "light text on a dark page"
    assert graph.get_by_text("web", exact=True).count() >= 1
    path: Path = screenshot(notebook.page, "pictures-dark")
    assert path.stat().st_size > 10_000
