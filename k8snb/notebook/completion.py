"""What may stand at the cursor after ``%kubectl``: commands, resource types, flags, and the names of live objects.

kubectl itself knows (:meth:`k8snb.kubectl.kubectl.Kubectl.complete`); this only finds the command in the cell and speaks IPython's
protocol. It suppresses IPython's own suggestions, which would be random Python names.
"""

from __future__ import annotations

from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from k8snb.cluster import current

MAGIC = "%kubectl "


def command_at(context: CompletionContext) -> str | None:
    """The kubectl command up to the cursor; None where the cursor is not in one."""
    line = context.full_text.split("\n")[context.cursor_line][: context.cursor_position]
    return line.lstrip()[len(MAGIC) :] if line.lstrip().startswith(MAGIC) else None


@context_matcher()
def kubectl_matcher(context: CompletionContext) -> Any:
    """IPython's matcher (API v2) for ``%kubectl``."""
    command = command_at(context)
    if command is None:
        return SimpleMatcherResult(completions=[])
    try:
        found = current().complete(command)
    except LookupError:
        found = []
    fragment = command.rpartition(" ")[2]
    completions = [SimpleCompletion(text=word, type="kubectl") for word in found]
    return SimpleMatcherResult(completions=completions, suppress=True, matched_fragment=fragment)
