"""YAML as ``kubectl get -o yaml`` writes it.

Keys are in Go's natural order (``a2`` before ``a10``), lists are not indented, text of several lines is literal, and text is in
quotes only where it would otherwise be read as something else.

Models: sigs.k8s.io/yaml/goyaml.v2/{encode,sorter}.go.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable
from typing import Any

import yaml

from k8snb.apimachinery.yaml_scalars import is_date, resolve

_Dumper: Any = getattr(yaml, "CDumper", yaml.Dumper)
_BASE60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?", re.ASCII)


def dump(obj: Any) -> str:
    """An object as ``kubectl get -o yaml`` prints it: keys in order, lists not indented, quotes only where they are needed."""
    events = [yaml.StreamStartEvent(), yaml.DocumentStartEvent(explicit=False), *_events(obj)]
    return str(
        yaml.emit([*events, yaml.DocumentEndEvent(explicit=False), yaml.StreamEndEvent()], Dumper=_Dumper, width=80, allow_unicode=True)
    )


def _events(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        yield yaml.MappingStartEvent(None, None, implicit=True, flow_style=not value)
        for key in sorted(value, key=_natural):
            yield _text(key)
            yield from _events(value[key])
        yield yaml.MappingEndEvent()
    elif isinstance(value, list):
        yield yaml.SequenceStartEvent(None, None, implicit=True, flow_style=not value)
        for item in value:
            yield from _events(item)
        yield yaml.SequenceEndEvent()
    else:
        yield _text(value) if isinstance(value, str) else _plain(_number(value))


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else json.dumps(value)


def _plain(text: str) -> Any:
    return yaml.ScalarEvent(None, None, (True, False), text)


def _text(text: str) -> Any:
    """Text in the style that Go chooses: literal for several lines, plain where it reads back as text, else in quotes."""
    if "\n" in text:
        return yaml.ScalarEvent(None, None, (True, True), text, style="|")
    plain = isinstance(resolve(text), str) and not _BASE60.fullmatch(text) and not is_date(text)
    return yaml.ScalarEvent(None, None, (True, True), text, style=None if plain else '"')


def _compare(a: str, b: str) -> int:
    """Go's natural order: digits by their number, letters after everything else."""
    for i in range(min(len(a), len(b))):
        if a[i] == b[i]:
            continue
        if a[i].isalpha() or b[i].isalpha():
            both = a[i].isalpha() and b[i].isalpha()
            return (-1 if a[i] < b[i] else 1) if both else (-1 if b[i].isalpha() else 1)
        left, right = _digits(a, i, b), _digits(b, i, a)
        if left != right:
            return -1 if left < right else 1
        return -1 if a[i] < b[i] else 1
    return len(a) - len(b)


def _digits(text: str, at: int, other: str) -> tuple[int, int]:
    """The number that begins here (after digits that both have in common, where a zero follows them), and its length."""
    run = re.compile(r"[0-9]*").match(text, at)
    digits = run[0] if run else ""
    common = re.search(r"[0-9]*$", text[:at])
    shared = bool(common and common[0].strip("0")) and "0" in (text[at : at + 1], other[at : at + 1])
    return int(f"{'1' if shared else ''}{digits}" or "0"), len(digits)


_natural = functools.cmp_to_key(_compare)
