"""How wide a text stands on a terminal, and in a notebook's fixed-width font: a Japanese letter takes two columns.

``len`` and ``str.ljust`` count letters. Whoever lines up columns that may hold a sentence of the catalogues counts with these.
"""

from __future__ import annotations

import unicodedata


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
