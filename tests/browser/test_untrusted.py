"""A notebook that somebody else has run: JupyterLab shows of its stored outputs only what is harmless. It must still be readable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

from k8snb.cluster import Cluster

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
CODE = 'from k8snb import Cluster\ncluster = Cluster(nodes=2)\ncluster.graph("components")'


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A notebook with a stored picture, twice, that nobody has signed."""
    graph = Cluster(nodes=2).graph("components")
    cells = [nbformat.v4.new_code_cell(CODE, id=f"picture-{number}", execution_count=1) for number in range(2)]
    for cell in cells:
        data = {"text/plain": repr(graph), "text/html": graph.html}
        cell.outputs = [nbformat.v4.new_output("execute_result", data, execution_count=1)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "foreign.ipynb")
    return tmp_path / "foreign.ipynb"


def test_a_stored_picture_that_is_not_trusted_shows_its_words(open_notebook: Any, foreign: Path, screenshot: Any) -> None:
    notebook = open_notebook(foreign)
    words = notebook.cell(1).locator("figure pre")
    words.get_by_text("kubelet node-1").wait_for()
    assert notebook.cell(1).locator("svg.k8snb-graph").count() == 0
    assert not notebook.cell(1).locator(".k8snb-picture").is_visible(), "the labels without their boxes are nobody's reading"
    screenshot(notebook.page, "untrusted")

    notebook.run(0)  # from now on the style of a trusted picture is on the page; it must not hide the other's words
    assert notebook.cell(0).locator("svg.k8snb-graph").is_visible()
    assert not notebook.cell(0).locator("figure pre").is_visible()
    assert words.is_visible()
    assert not notebook.cell(1).locator(".k8snb-picture").is_visible()
    screenshot(notebook.page, "half-trusted")
