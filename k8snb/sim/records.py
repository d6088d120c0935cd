"""Making named tuples where one is made with every event.

``Record(1, 2, 3)`` calls a function written in Python, which is half of what it costs. A maker takes the values as one tuple, all of
them in the order of the fields, and calls none:

    _record = maker(Record)
    _record((1, 2, 3)) == Record(1, 2, 3)
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T", bound=tuple[Any, ...])


def maker(kind: type[T]) -> Callable[[tuple[Any, ...]], T]:
    """How to make a record of that kind out of the tuple of its values. Nothing looks whether they are all there."""
    return functools.partial(tuple.__new__, kind)
