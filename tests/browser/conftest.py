"""Fixtures for browser tests. ``open_notebook`` is the one to use; the course's chapter tests use it too."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.house.source import ROOT

from .lab import ARGUMENTS, Notebook, Server, chromium

SCREENSHOTS = Path(__file__).parent / "screenshots"
PICTURES = ROOT / "notebooks/pictures"
OpenNotebook = Callable[..., Notebook]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One headless Chromium for all tests."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    if not chromium():
        pytest.skip("needs a Chromium")
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One JupyterLab on an empty folder of its own."""
    folder = tmp_path_factory.mktemp("lab") / "work"
    folder.mkdir()
    running = Server(folder)
    yield running
    running.stop()


@pytest.fixture
def open_notebook(server: Server, browser: Any) -> Iterator[OpenNotebook]:
    """``open_notebook(source, theme="light", width=1280, height=900)`` opens a notebook and gives a :class:`Notebook`.

    ``source`` is a path (the file is copied, the original is never touched) or a list of code cells.
    """
    contexts = []

    def open_it(source: Path | list[str], *, theme: str = "light", width: int = 1280, height: int = 900) -> Notebook:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
        contexts.append(context)
        return Notebook(server, context.new_page(), _put(source, server.folder), theme)

    yield open_it
    for context in contexts:
        context.close()
    server.close_sessions()


def _put(source: Path | list[str], folder: Path) -> str:
    number = len(list(folder.iterdir()))  # a name of its own: a notebook of the same name would get the same kernel
    if isinstance(source, Path):
        name = f"{source.stem}-{number}.ipynb"
        shutil.copy(source, folder / name)
        return name
    cells = [nbformat.v4.new_code_cell(code, id=f"cell-{at}") for at, code in enumerate(source)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    name = f"test-{number}.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / name)
    return name


@pytest.fixture
def screenshot(request: pytest.FixtureRequest) -> Callable[..., Path]:
    """``screenshot(page_or_locator, "name")`` keeps a picture in ``tests/browser/screenshots`` (not in git).

    With ``picture="live-view"`` it is one of the README's, and ``--rewrite`` puts it there. (Two machines' fonts never give the same
    bytes, so it is looked at, not compared.)
    """

    def keep(what: Any, name: str, picture: str = "") -> Path:
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        what.screenshot(path=str(path))
        if picture and request.config.getoption("--rewrite"):
            shutil.copyfile(path, PICTURES / f"{picture}.png")
        return path

    return keep
