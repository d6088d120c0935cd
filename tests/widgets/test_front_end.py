"""The browser half, tested where Node is: `npm ci` once in tests/widgets/front_end, then this runs vitest and the type check."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from k8snb.views import live

HERE = Path(__file__).parent / "front_end"
needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not (HERE / "node_modules").is_dir(), reason="needs Node and `npm ci` in tests/widgets/front_end"
)


def run(*command: str) -> str:
    done = subprocess.run(["node", *command], cwd=HERE, capture_output=True, text=True, timeout=120, check=False, env={"NO_COLOR": "1"})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_node
def test_the_browser_half_does_what_its_tests_say() -> None:
    assert "failed" not in run("node_modules/vitest/vitest.mjs", "run")


@needs_node
def test_the_browser_half_is_well_typed() -> None:
    assert run("node_modules/typescript/bin/tsc", "-p", ".") == ""


@pytest.mark.parametrize("case", json.loads((HERE / "patches.json").read_text(encoding="utf-8")), ids=lambda case: case["title"])
def test_both_halves_agree_on_what_a_patch_means(case: dict[str, live.Frame]) -> None:
    assert live.diff(case["old"], case["new"]) == case["patch"]
    result = live.patched(case["old"], case["patch"])
    assert {name: list(rows) for name, rows in result.items()} == {name: list(rows) for name, rows in case["new"].items()}


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
