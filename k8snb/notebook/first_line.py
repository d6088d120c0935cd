"""``%%manifest`` stands in the first line of its cell: what stands above it is a comment, or a mistake that one sentence tells.

IPython takes ``%%`` for a magic in the first line only. Below a comment it would read the whole manifest as Python, and complain
of a line of YAML. Comments are the same in YAML, so they change places with the magic: no line gets another number.
"""

from __future__ import annotations

import ast
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

from k8snb.messages import Mistake, text

MAGIC = "%%manifest"


def lifted(lines: list[str]) -> list[str]:
    """The lines of a cell, with the magic above its comments. Raises a Mistake where Python stands above it."""
    at = next((number for number, line in enumerate(lines) if line.split()[:1] == [MAGIC] and line.startswith(MAGIC)), 0)
    above = lines[:at]
    if not at or lines[0].startswith("%%"):
        return lines
    if not all(line.lstrip().startswith("#") or not line.strip() for line in above):
        if _is_python("".join(above)):  # else it may be inside of a text
            raise Mistake(text("notebook.first_line", magic=MAGIC))
        return lines
    return [lines[at], *above, *lines[at + 1 :]]


def _is_python(code: str) -> bool:
    try:
        ast.parse(TransformerManager().transform_cell(code))
    except SyntaxError:
        return False
    return True


def register(shell: Any) -> None:
    """Have IPython read cells so; twice is the same as once."""
    if lifted not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(lifted)


def unregister(shell: Any) -> None:
    """Leave cells to IPython as they are."""
    if lifted in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(lifted)
