"""A quiz question: a group of radio buttons in the browser, plain text where there is no browser.

The right answer and the explanations stay in the kernel: the page learns only what it needs to show. A choice comes as a
message, the verdict goes back as one trait; nothing here touches a cluster, so it does not matter which thread it runs on.
"""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from k8snb.messages import text
from k8snb.widgets.assets import asset

LETTERS = "abcdefgh"


class Quiz(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget publishes no types for its base class
    """One question. ``right`` is the index of the right option, ``why`` explains each option, ``by_text`` says how to answer in code."""

    _esm = asset("quiz.js")
    question = traitlets.Unicode().tag(sync=True)
    options = traitlets.List(traitlets.Unicode()).tag(sync=True)
    labels = traitlets.Dict().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)  # {"index", "right", "text"} after a choice

    def __init__(self, question: str, options: tuple[str, ...], *, right: int, why: tuple[str, ...], by_text: str) -> None:
        self.right, self.why, self.by_text = right, why, by_text
        labels = {"group": text("quiz.label"), "check": text("quiz.check"), "choose": text("quiz.choose"), "silent": text("quiz.silent")}
        super().__init__(question=question, options=list(options), labels=labels, answer={})
        self.on_msg(self._received)

    def verdict(self, index: int) -> str:
        """What to say to the choice of this option."""
        return text("quiz.right" if index == self.right else "quiz.wrong", why=self.why[index])

    def _received(self, _widget: Any, content: Any, _buffers: Any) -> None:
        index = content.get("choose") if isinstance(content, dict) else None
        if isinstance(index, int) and 0 <= index < len(self.options):
            self.answer = {"index": index, "right": index == self.right, "text": self.verdict(index)}

    def __repr__(self) -> str:
        rows = [f"  {LETTERS[number]}) {option}" for number, option in enumerate(self.options)]
        return "\n".join([f"{text('quiz.label')}: {self.question}", *rows, self.by_text])
