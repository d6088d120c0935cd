"""The course: exercises, checks, hints, solutions, quizzes, and the builder of the notebooks.

What a chapter imports is lazy, so that building and testing may import one part without the others.
"""

from __future__ import annotations

from typing import Any

__all__ = ["begin", "check", "hint", "quiz", "solution", "start"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from k8snb.course import kit

    return getattr(kit, name)
