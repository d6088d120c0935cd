"""The committed notebooks are a product: deterministic bytes, no state of a widget or a clock, and readable by everybody."""

import itertools
import json
import re
from pathlib import Path

import pytest

from tests.house.source import ROOT

NOTEBOOKS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "notebooks").glob("*/*.ipynb"))
SIZE = 400_000
STATEFUL = {"widgets", "execution", "ExecuteTime", "collapsed", "scrolled"}


def read(name: str) -> dict:
    return json.loads((ROOT / name).read_text(encoding="utf-8"))


def source(cell: dict) -> str:
    return cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_state_of_widgets_or_clocks_is_stored(name):
    notebook = read(name)
    assert STATEFUL & set(notebook["metadata"]) == set()
    assert [cell["id"] for cell in notebook["cells"] if STATEFUL & set(cell["metadata"])] == []
    kinds = [(cell["id"], kind) for cell in notebook["cells"] for out in cell.get("outputs", ()) for kind in out.get("data", {})]
    assert [(cell, kind) for cell, kind in kinds if "widget" in kind] == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_outputs_hold_no_address_and_no_stderr(name):
    for cell in read(name)["cells"]:
        for output in cell.get("outputs", ()):
            assert output.get("name") != "stderr", cell["id"]
            assert not re.search(r" at 0x[0-9a-f]+>", json.dumps(output)), cell["id"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_picture_has_words_beside_it(name):
    for cell in read(name)["cells"]:
        assert not re.search(r"!\[\s*\]\(", source(cell)), f"alt text is missing: {cell['id']}"
        for output in cell.get("outputs", ()):
            kinds = output.get("data", {})
            if any(kind.startswith("image/") for kind in kinds):
                assert "".join(kinds.get("text/plain", "")).strip(), f"a picture without a text form: {cell['id']}"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_headings_go_down_one_level_at_a_time(name):
    levels = []
    for cell in read(name)["cells"]:
        if cell["cell_type"] == "markdown":
            levels += [len(found) for found in re.findall(r"^(#+) ", re.sub(r"```.*?```", "", source(cell), flags=re.S), flags=re.M)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_ids_are_names_and_there_is_one_of_each(name):
    ids = [cell["id"] for cell in read(name)["cells"]]
    assert len(ids) == len(set(ids))
    assert [cell for cell in ids if not re.fullmatch(r"[a-z][a-z0-9-]{1,63}", cell)] == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_stays_small(name):
    assert Path(ROOT / name).stat().st_size < SIZE


def test_the_course_is_there():
    assert [Path(name).name[:2] for name in NOTEBOOKS if "/en/" in name][:2] == ["01", "02"]
