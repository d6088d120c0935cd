"""An object looked at closely: its YAML, and the difference that its last change made."""

from __future__ import annotations

import difflib
from typing import Any, NamedTuple

from k8snb.apimachinery.objects import Object, drop
from k8snb.apimachinery.yaml_writer import dump

CONTEXT = 2  # unchanged lines around a change
_SIGNS = {" ": "", "+": "+", "-": "-"}


class Closeup(NamedTuple):
    """An object, as it was before its last change (None: it was made then), and who changed it, why."""

    obj: Object | None
    previous: Object | None = None
    said: str = ""


def to_yaml(obj: Object) -> str:
    """The object as ``kubectl get -o yaml`` shows it: managed fields left out."""
    return dump(drop(obj, "metadata.managedFields"))


def changes(old: Object | None, new: Object | None) -> list[tuple[str, str]]:
    """The lines that differ, as ``(sign, line)`` with sign ``+``, ``-``, empty (context) or ``…`` (lines left out).

    >>> changes({"spec": {"replicas": 1}}, {"spec": {"replicas": 3}})
    [('', 'spec:'), ('-', '  replicas: 1'), ('+', '  replicas: 3')]
    """
    before, after = ((to_yaml(obj).splitlines() if obj else []) for obj in (old, new))
    lines = list(difflib.unified_diff(before, after, lineterm="", n=CONTEXT))[2:]
    return [("…", "") if line.startswith("@@") else (_SIGNS[line[0]], line[1:]) for line in lines][1:]


def card(name: str, seen: Closeup) -> dict[str, Any]:
    """What a click on an object shows: ``yaml``, ``diff`` rows, and ``said``: who changed it last, and why."""
    shown = to_yaml(seen.obj) if seen.obj else ""
    return {"id": name, "yaml": shown, "diff": [list(row) for row in changes(seen.previous, seen.obj)], "said": seen.said}
