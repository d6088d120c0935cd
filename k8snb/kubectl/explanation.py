"""The text of ``kubectl explain``: structure from the schema data, sentences from a package where it is installed.

The data that this simulator carries have names, types and required fields but no prose. The descriptions are read, at run time
and as text, from the source files of the package ``lightkube-models``; without it the structure is shown alone.

Models: k8s.io/kubectl/pkg/explain/v2 (templates/plaintext.tmpl, funcs.go).
Simplified: values of enumerations are known for the commonest types only.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from k8snb.apimachinery.errors import quote
from k8snb.apimachinery.schema import LIST, MAP, Field, Type
from k8snb.kubectl.enums import ENUMS
from k8snb.kubectl.mapper import Kind
from k8snb.kubectl.text import wrap

WIDTH = 76
SHOWN_VALUES = 4
_PARAMETER = re.compile(r"^\s*\* \*\*(\w+)\*\* ``.*?`` - ", re.MULTILINE)


def explain(kind: Kind, here: Type | None, path: Sequence[str], *, recursive: bool) -> tuple[str, str]:
    """The explanation of a resource of some type or of a field, and what went wrong after its head (nothing where all went well)."""
    head = "".join(f"{title}:{' ' * (11 - len(title))}{value}\n" for title, value in _head(kind) if value) + "\n"
    if here is None:
        return "", f"couldn't find resource for {quote(kind.api_version)}, Kind={kind.kind}"
    owner, field = here, None
    for name in path:
        field = inner(here).fields.get(name)
        if field is None:
            return head, f"field {quote(name)} does not exist"
        owner, here = inner(here), field.type
    return head + _body(here, owner, path[-1] if path else "", field, recursive=recursive), ""


def _head(kind: Kind) -> tuple[tuple[str, str], ...]:
    return ("GROUP", kind.group), ("KIND", kind.kind), ("VERSION", kind.version)


def inner(type_: Type) -> Type:
    """The struct inside lists and maps."""
    while type_.kind in (LIST, MAP) and type_.item is not None:
        type_ = type_.item
    return type_


def _body(here: Type, owner: Type, name: str, field: Field | None, *, recursive: bool) -> str:
    text, fields = "", inner(here).fields
    if field is not None:
        text += f"FIELD: {name} <{here.label}>\n"
        values = ENUMS.get((_short(owner), name))
        text += "ENUM:\n" + "".join(f"    {value}\n" for value in values) + "\n" if values else "\n\n"
    paragraphs = [field_prose(owner, name)] if field is not None else []
    if fields and (field is None or here.rules is None):  # of a custom resource a field and its type are one
        paragraphs.append(type_prose(inner(here)))
    lines = [line for paragraph in paragraphs if paragraph for line in wrap(paragraph, WIDTH)]
    text += "DESCRIPTION:\n" + ("".join(f"    {line}\n" for line in lines) + "    \n" if lines else "    <empty>\n")
    if fields:
        text += "FIELDS:\n" + "".join(_fields(inner(here), 1, recursive=recursive, seen=()))
    return text + "\n"


def _fields(owner: Type, level: int, *, recursive: bool, seen: tuple[Type, ...]) -> Iterator[str]:
    indent = "  " * level
    for name in sorted(owner.fields):
        field = owner.fields[name]
        yield f"{indent}{name}\t<{field.type.label}>{' -required-' if field.required else ''}\n"
        values = ENUMS.get((_short(owner), name))
        if values:
            shown = ", ".join(values[:SHOWN_VALUES]) + (", ...." if len(values) > SHOWN_VALUES else "")
            yield f"{indent}enum: {shown}\n"
        below = inner(field.type)
        if not recursive:
            lines = wrap(field_prose(owner, name), WIDTH) or ["<no description>"]
            yield "".join(f"    {line}\n" for line in lines) + "\n"
        elif below not in seen and below is not owner:
            yield from _fields(below, level + 1, recursive=True, seen=(*seen, owner))


def _short(type_: Type) -> str:
    return type_.name.rpartition(".")[2]


# -- prose -------------------------------------------------------------------------------------------------------------------


@functools.cache
def _docstrings(module: str) -> dict[str, str]:
    """Class name -> docstring of one module of the models package; empty where it is not installed."""
    try:
        package = importlib.util.find_spec("lightkube")
    except (ImportError, ValueError):
        package = None
    for place in (package.submodule_search_locations if package else None) or ():
        source = Path(place) / "models" / f"{module}.py"
        if source.is_file():
            tree = ast.parse(source.read_text(encoding="utf-8"))
            return {node.name: ast.get_docstring(node) or "" for node in tree.body if isinstance(node, ast.ClassDef)}
    return {}


def _docstring(type_: Type) -> str:
    """The docstring of ``io.k8s.api.apps.v1.DeploymentStrategy``: class DeploymentStrategy of apps_v1."""
    parts = type_.name.split(".")
    return _docstrings(f"{parts[-3]}_{parts[-2]}").get(parts[-1], "") if len(parts) > 3 else ""


def _own_prose(type_: Type) -> str:
    """What the definition of a custom resource says."""
    return str(type_.rules.schema.get("description", "")) if type_.rules is not None else ""


def type_prose(type_: Type) -> str:
    """What a type is for; empty where nobody says."""
    if type_.rules is not None:
        return _own_prose(type_)
    return _docstring(type_).partition("**parameters**")[0].strip()


def field_prose(owner: Type, name: str) -> str:
    """What a field is for; empty where nobody says."""
    if owner.rules is not None and name in owner.fields and owner.fields[name].type.rules is not None:
        return _own_prose(owner.fields[name].type)
    pieces = _PARAMETER.split(_docstring(owner))
    return dict(zip(pieces[1::2], pieces[2::2], strict=True)).get(name, "").strip()
