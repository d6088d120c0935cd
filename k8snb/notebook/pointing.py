"""Where in a manifest an error is: from the field path in Kubernetes' words to the line of the cell.

The server says ``unknown field "spec.replcas"`` and knows no lines, for it sees JSON. The learner has written YAML, and wants to know
which line. So paths are read out of the answer, looked up in the YAML's tree, and shown as the line itself, underlined:

    line 7 of this cell
      │   replcas: 3
      │   ^^^^^^^

A path that does not exist (a *Required value*) points at its nearest ancestor that does. Where nothing can be found nothing is
shown: the server's words always stand above, unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import yaml

from k8snb.messages import text

PATHS = (
    re.compile(r'unknown field "([^"]+)"'),
    re.compile(r"^(?:\* |The [A-Z].* is invalid: )?((?:metadata|spec|data|type|rules|roleRef|subjects|webhooks)[\w.\[\]/-]*): ", re.M),
    re.compile(r"Go struct field \w+\.([\w.]+) of type"),
)
YAML_LINE = re.compile(r"yaml: line (\d+):")
KEYS = re.compile(r"[^.\[\]]+")


class Place(NamedTuple):
    """A line of the cell (1-based, the magic's own line is the first), and the columns to underline."""

    line: int
    begin: int
    end: int


def paths(said: str) -> list[tuple[str, ...]]:
    """The field paths that an answer names, each once, in the answer's order: ``("spec", "containers", "0", "image")``."""
    found = sorted((match.start(1), match[1]) for pattern in PATHS for match in pattern.finditer(said))
    return list(dict.fromkeys(tuple(KEYS.findall(path)) for _, path in found))


def places(manifest: str, said: str, magic_lines: int = 1) -> list[Place]:
    """The places in ``manifest`` that the answer ``said`` is about. ``magic_lines`` stand above the manifest in the cell."""
    if broken := YAML_LINE.search(said):
        number = min(int(broken[1]), len(manifest.splitlines()))
        return [_line(manifest, number, magic_lines)] if number else []
    try:
        roots = list(yaml.compose_all(manifest, Loader=yaml.SafeLoader))
    except yaml.YAMLError:
        return []
    found = (_best(roots, path) for path in paths(said))
    return list(dict.fromkeys(_mark(node, magic_lines) for node in found if node is not None))


def _line(manifest: str, number: int, magic_lines: int) -> Place:
    line = manifest.splitlines()[number - 1]
    return Place(number + magic_lines, len(line) - len(line.lstrip()), len(line))


def _mark(node: yaml.Node, magic_lines: int) -> Place:
    start, end = node.start_mark, node.end_mark
    return Place(start.line + 1 + magic_lines, start.column, end.column if end.line == start.line else start.column + 1)


def _best(roots: list[yaml.Node], path: tuple[str, ...]) -> yaml.Node | None:
    """The key node at ``path`` in the document that has most of it; None where no document has even its first key."""
    walks = [list(_walk(root, path)) for root in roots]
    longest = max(walks, key=len, default=[])
    return longest[-1] if longest else None


def _walk(node: yaml.Node, path: tuple[str, ...]) -> Iterator[yaml.Node]:
    """The nodes to point at along ``path``, as far as it exists: keys of mappings, items of sequences."""
    for step in path:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == step), None)
            if pair is None:
                return
            yield pair[0]
            node = pair[1]
        elif isinstance(node, yaml.SequenceNode) and step.isdecimal() and int(step) < len(node.value):
            node = node.value[int(step)]
            yield node
        else:
            return


def pointer(manifest: str, said: str, magic_lines: int = 1) -> str:
    """The places as text to stand under an error; empty where there are none."""
    lines = manifest.splitlines()
    rows = []
    for place in places(manifest, said, magic_lines):
        source = lines[place.line - 1 - magic_lines]
        rows.append(text("notebook.line", line=place.line))
        rows += [f"  │ {source}", f"  │ {' ' * place.begin}{'^' * max(1, place.end - place.begin)}"]
    return "\n".join(rows)
