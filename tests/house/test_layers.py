"""Dependencies run one way: the contract in ``pyproject.toml``, held by import-linter (imports inside functions count)."""

import os
import subprocess
import sys

from tests.house.source import ROOT


def test_dependencies_run_one_way():
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    linted = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment, timeout=120)
    assert linted.returncode == 0, linted.stdout[-4000:] + linted.stderr[-2000:]
