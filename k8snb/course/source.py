"""A chapter's text, read into cells.

``en.md`` is MyST Markdown. A new prose cell begins with ``+++ {"id": "words"}``, a code cell is a fenced ``{code-cell}`` with an
``:id:`` and, where needed, ``:tags:``; an exercise's cell also names it with ``:exercise:``. Code cells exist once, in English;
``ja.md`` holds prose only, keyed by the same ids, each with the fingerprint of the English that it translates:

    +++ {"id": "words", "of": "3f2a91c0"}

so a translation that has become stale is found by a test and not by a reader. The builder puts the language into the cell
with the id ``setup``: that line is the only code that differs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext

from k8snb.messages import LANGUAGES

ENGLISH = LANGUAGES[0]


class SourceError(ValueError):
    """A chapter's text does not follow the format; the message is for its author."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: ``kind`` is ``markdown`` or ``code``; ``exercise`` names the exercise whose answer goes into it."""

    id: str
    kind: str
    text: str
    tags: tuple[str, ...] = ()
    exercise: str = ""
    of: str = ""

    @property
    def fingerprint(self) -> str:
        """What a translation is a translation of: eight hexadecimal digits of the text's SHA-256."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:8]


def parse(text: str, name: str) -> list[Cell]:
    """The cells of a MyST text. Raises :class:`SourceError` for a cell without an id, or two with the same."""
    cells = [_cell(cell, name) for cell in jupytext.reads(text, fmt="md:myst").cells]
    ids = [cell.id for cell in cells]
    if twice := sorted({one for one in ids if ids.count(one) > 1}):
        raise SourceError(f"{name}: these ids stand twice: {', '.join(twice)}")
    return cells


def _cell(cell: Any, name: str) -> Cell:
    given = cell.metadata
    if "id" not in given:
        raise SourceError(f"{name}: give this {cell.cell_type} cell an id: {cell.source[:60]!r}")
    return Cell(given["id"], cell.cell_type, cell.source, tuple(given.get("tags", ())), given.get("exercise", ""), str(given.get("of", "")))


def languages(folder: Path) -> tuple[str, ...]:
    """The languages in which this chapter is written."""
    return tuple(language for language in LANGUAGES if (folder / f"{language}.md").exists())


def cells(folder: Path, language: str) -> list[Cell]:
    """The chapter's cells in one language. Raises :class:`SourceError` where a translation has other cells than the English."""
    english = parse((folder / f"{ENGLISH}.md").read_text(encoding="utf-8"), f"{folder.name}/{ENGLISH}.md")
    if language == ENGLISH:
        return english
    other = {cell.id: cell for cell in parse((folder / f"{language}.md").read_text(encoding="utf-8"), f"{folder.name}/{language}.md")}
    prose = [cell.id for cell in english if cell.kind == "markdown"]
    if differing := sorted(set(prose) ^ set(other)):
        raise SourceError(f"{folder.name}/{language}.md: missing or unknown cells: {', '.join(differing)}")
    return [_spoken(cell, language) if cell.kind == "code" else other[cell.id] for cell in english]


def _spoken(cell: Cell, language: str) -> Cell:
    """A code cell as the other language has it: the same, but for the language named in the first."""
    if cell.id != "setup":
        return cell
    return Cell(cell.id, cell.kind, cell.text.replace(f'language="{ENGLISH}"', f'language="{language}"'), cell.tags)


def stale(folder: Path, language: str) -> list[str]:
    """The ids of cells whose English has changed since they were translated."""
    english = {cell.id: cell.fingerprint for cell in cells(folder, ENGLISH)}
    return [cell.id for cell in cells(folder, language) if cell.kind == "markdown" and cell.of != english[cell.id]]
