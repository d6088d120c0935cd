"""How wide a text stands on a terminal, and in a notebook's fixed-width font: a Japanese letter takes two columns.

``len`` and ``str.ljust`` count letters. Whoever lines up columns that may hold a sentence of the catalogues counts with these.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


def columns(text: str) -> int:
    """How many columns a text takes: East-Asian wide characters take two, combining marks none.

    >>> columns("pod"), columns("ポッド")
    (3, 6)
    """
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def padded(text: str, width: int) -> str:
    """The text, filled up with blanks to so many columns.

    >>> padded("理由", 6)
    '理由  '
    """
    return text + " " * (width - columns(text))


def table(rows: Iterable[Iterable[object]], gap: int = 2) -> list[str]:
    """Rows of equally many cells as lines, in which each column begins below itself, with so many blanks between them.

    >>> table([("名前", "n"), ("pod", 10)])
    ['名前  n', 'pod   10']
    """
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(columns, column)) for column in zip(*cells, strict=True)]
    return [(" " * gap).join(map(padded, row, widths)).rstrip() for row in cells]
