"""Every control loop has a folder of stories, told in peace and in trouble, and no folder is anybody's but a loop's."""

import ast
from pathlib import Path

import pytest

from k8snb.controllers.registry import CONTROLLERS
from tests.house.source import ROOT

CONTROLLED = ROOT / "tests" / "controllers"
LOOPS = [kind.name for kind in CONTROLLERS]


def folder_of(loop: str) -> Path:
    """Where the stories of a loop stand."""
    return CONTROLLED / loop.replace("-", "_")


def told(folder: Path) -> list[ast.FunctionDef]:
    """The stories in a folder."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("test_*.py"))]
    return [node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]


def is_of_trouble(story: ast.FunctionDef) -> bool:
    """Whether something is broken in it: ``cluster.faults...``."""
    return any(isinstance(node, ast.Attribute) and node.attr == "faults" for node in ast.walk(story))


@pytest.mark.parametrize("loop", LOOPS)
def test_every_loop_has_stories_of_peace_and_of_trouble(loop: str) -> None:
    stories = told(folder_of(loop))
    assert [story for story in stories if not is_of_trouble(story)], f"{folder_of(loop).name} tells no story of peace"
    assert [story for story in stories if is_of_trouble(story)], f"{folder_of(loop).name} tells no story of trouble"


@pytest.mark.parametrize("loop", LOOPS)
def test_every_loop_has_a_scenario_for_all_troubles(loop: str) -> None:
    tree = ast.parse((folder_of(loop) / "scenario.py").read_text(encoding="utf-8"))
    loops = {node.value.value for node in ast.walk(tree)
             if isinstance(node, ast.keyword) and node.arg == "loop" and isinstance(node.value, ast.Constant)}  # fmt: skip
    assert loops == {loop}


def test_no_folder_is_left_over() -> None:
    folders = {path.name for path in CONTROLLED.iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert folders == {folder_of(loop).name for loop in LOOPS}
