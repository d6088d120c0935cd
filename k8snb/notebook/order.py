"""A cell that was run before the cells above it: Python says that it knows no ``shop``, and we say who makes it.

The chapter tells its code (:func:`lesson`); the extension asks IPython to be told of every NameError of a cell. Where the chapter has
a cell that makes the name, Python's own words are shown in short, and one sentence of ours; every other NameError looks as always.
A name that is nearly one that is known is misspelt: below Python's words stands which one is meant.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from traceback import extract_tb
from types import TracebackType
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

from k8snb.kubectl.spelling import near
from k8snb.messages import text

_MISSED: tuple[type[BaseException], ...] = (NameError,)
_cells: list[Callable[[], Sequence[str]]] = []  # at most one: what gives the code cells of the chapter that was begun, in its order


def lesson(cells: Callable[[], Sequence[str]]) -> None:
    """From now on this chapter is read. ``cells`` gives its code cells, and is called when a name is missed."""
    _cells[:] = [cells]


def register(shell: Any) -> None:
    """Have IPython tell of names that are missed; where somebody has asked to be told of exceptions already, it stays so."""
    if not shell.custom_exceptions:
        shell.set_custom_exc(_MISSED, _shown)


def unregister(shell: Any) -> None:
    """Leave it to IPython again."""
    if shell.custom_exceptions is _MISSED:
        shell.custom_exceptions = ()


def _shown(shell: Any, kind: type[BaseException], error: BaseException, trace: TracebackType, tb_offset: int | None = None) -> None:
    """IPython's handler of exceptions: shows one that a cell has raised."""
    name = getattr(error, "name", None)
    where = extract_tb(trace)[-1]
    own = _innermost(trace) is shell.user_ns
    if own and name and any(name in made(cell) for cell in _above(shell.user_ns.get("_ih", [""])[-1])):
        rows = [f"{kind.__name__}: {error}", f"  {where.line}", text("notebook.out_of_order", name=name)]
        error._render_traceback_ = lambda: rows  # type: ignore[attr-defined]  # IPython's hook, as in k8snb.messages.Mistake
    elif own and name and (meant := near(name, _known(shell))):
        error.add_note(text("notebook.near_name", near=meant))
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def _known(shell: Any) -> list[str]:
    """The names that a cell can use, but for those that IPython put there."""
    return [name for name in shell.user_ns if name not in shell.user_ns_hidden and not name.startswith("_")]


def _innermost(trace: TracebackType) -> dict[str, Any]:
    """The names of the code that has raised: of a learner's cell, or of a module."""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_globals


def _above(cell: str) -> Sequence[str]:
    """The chapter's cells above this one; all of them where the learner has changed it."""
    cells = [one.strip() for give in _cells for one in give()]
    return cells[: cells.index(cell.strip())] if cell.strip() in cells else cells


def made(cell: str) -> set[str]:
    """The names that a cell makes when it runs: assigned, defined or imported."""
    try:
        return set(_names(ast.parse(TransformerManager().transform_cell(cell))))
    except SyntaxError:
        return set()


def _names(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield child.name
        elif isinstance(child, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in child.names)
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id
        elif not isinstance(child, ast.Lambda | ast.comprehension):
            yield from _names(child)
