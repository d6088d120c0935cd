"""Where in a manifest an error is: from Kubernetes' words to the line of the manifest.

The server says ``unknown field "spec.replcas"`` and knows no lines, for it sees JSON. The learner has written YAML, and wants to know
which line. So each complaint of an answer is taken by itself: of which object of the manifest is it, and of which field? The line is shown
with the field underlined, and below it what usually is behind such a mistake, where that can be said:

    line 6 of the manifest
      │   replcas: 3
      │   ^^^^^^^
    There is no field replcas here. Is replicas meant?

Which object: the one that the complaint names, by kind and name; of several, the one in which the place is found best. Which field:
Go names no list items (``spec.containers.ports.containerPort``) and of an amount nothing at all, so the object is decoded once more
as the server does it, which tells the path. A path that does not exist (a *Required value*) points at its nearest ancestor that does.
Where nothing can be found nothing is shown: the server's words always stand above, unchanged.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.apimachinery import yaml
from k8snb.apimachinery.decode import DecodeError, decode
from k8snb.apimachinery.errors import quote
from k8snb.apimachinery.patched import converter_words
from k8snb.apimachinery.resource import Resource
from k8snb.apimachinery.schema import Type
from k8snb.apimachinery.yaml import Document, Mark
from k8snb.kubectl.hints import ABSENT, NAMESPACE, NO_MATCH, NO_OBJECT, ODD_BLANK, culprit, hint, misspelt, no_object, parser_hint
from k8snb.kubectl.spelling import slip
from k8snb.messages import text
from k8snb.messages.columns import columns

Kinds = Mapping[tuple[str, str], Resource]  # (apiVersion, kind) -> what the server knows of it
Path = tuple[str | int, ...]

STDIN = "STDIN"  # so kubectl calls what it is handed without a file
WIDTH = 72  # characters of a line that are shown: as many as there is room for in a narrow window
LEAD = 30  # of a longer one: before the place
COMPLAINT = re.compile(r"^(?=error:|Error from server|error |Warning: |The \w+ \"|The request is invalid|unable to )", re.M)
QUOTED = r'"((?:[^"\\]|\\.)*)"'  # as Go prints text
FIELDS = (
    re.compile(rf"(?<!\): )unknown field {QUOTED}"),
    re.compile(rf"ValidationError\(\w+\.?([\w.\[\]-]*)\)(?:: (?:unknown|missing required) field {QUOTED})?"),
    re.compile(r"(?:^|^\* | is invalid: \[?|, )([a-z]\w*(?:[\w./-]|\[[^\]\n]*\])*): ", re.M),  # where its kind has a field of that name
)
ESCAPES = {"t": "\t", "n": "\n", "r": "\r"}  # of those that a path can hold; all else stands for itself
PATCHED = "The request is invalid: patch"
GO_FIELD = re.compile(r"Go struct field \w+\.([\w.]+) of type")
NAMES = (  # how a complaint names the object that it is about
    re.compile(r'\b(?P<kind>\w+)(?:\.[\w.-]+)? "(?P<name>(?:[^"\\]|\\.)*)" is invalid'),
    re.compile(r'(?P<kind>\w+) in version "[^"]*" cannot be handled'),
    re.compile(r"ValidationError\((?P<kind>\w+)\."),
    re.compile(r'Kind=(?P<kind>\w+)"\nName: "(?P<name>[^"]*)"'),
    re.compile(r'for name: "(?P<name>[^"]*)" .* no matches for kind "(?P<kind>(?:[^"\\]|\\.)*)"'),
    re.compile(r'the provided object "(?P<namespace>[^"]*)"'),
)
OTHER_NAMESPACE = re.compile('the provided object "([^"]*)"')
UNREADABLE = "cannot be handled"
LEADS = (*FIELDS, GO_FIELD, re.compile(f"{UNREADABLE}|^{PATCHED}"), NO_MATCH, NAMESPACE, OTHER_NAMESPACE, *(words for words, _ in ABSENT))
"""A complaint in which none of these is found is about no place: that of what exists already, say."""


class Place(NamedTuple):
    """A place of the manifest, and a sentence of ours to stand below it."""

    mark: Mark
    hint: str = ""


class Thing(NamedTuple):
    """One object of a manifest: a document, or an item of one that is a List."""

    document: Document
    prefix: Path
    value: Mapping[str, Any]

    def locate(self, path: Sequence[str | int]) -> Mark:
        """The place of a field of the object, or of its nearest ancestor."""
        return self.document.locate([*self.prefix, *path])

    def at(self, *path: str | int) -> Any:
        """The value of a field; None where there is none."""
        value: Any = self.value
        for key in path:
            try:
                value = value[key]
            except (LookupError, TypeError):
                return None
        return value


def things(documents: Sequence[Document]) -> list[Thing]:
    """The objects of a manifest, in its order."""
    found: list[Thing] = []
    for document in documents:
        value = document.value
        items = value.get("items") if isinstance(value, dict) and str(value.get("kind")).endswith("List") else None
        if isinstance(items, list):
            found += (Thing(document, ("items", number), item) for number, item in enumerate(items) if isinstance(item, dict))
        if isinstance(value, dict):
            found.append(Thing(document, (), value))
    return found


def places(manifest: str, said: str, kinds: Kinds, first: int = 1) -> list[Place]:
    """The places in ``manifest`` that the answer ``said`` is about, in the answer's order; then the keys that stand twice.

    ``first``: the number that its first line has for a reader.
    """
    try:
        documents = list(yaml.documents(manifest))
    except yaml.YamlError as broken:
        return [_broken(manifest, broken, said)] if said else []
    two = list(filter(_second, documents))  # whatever is said of such a mixture: that it is one is the mistake
    left = things([document for document in documents if document not in two])
    found = [Place(mark, text("notebook.second_object")) for mark in map(_second, two) if mark]
    for complaint in COMPLAINT.split(said):
        thing, best = _best(left, complaint, kinds)
        found += best
        if best:
            left = [one for one in left if one is not thing]  # each object is complained about once
    return list(dict.fromkeys([*found, *_no_objects(documents, said), *_repeated(documents, first)]))


def _best(left: Sequence[Thing], complaint: str, kinds: Kinds) -> tuple[Thing | None, list[Place]]:
    """The object that a complaint is about: the one in which most of its places are found, or the first in which all are."""
    best: tuple[Thing | None, list[Place]] = (None, [])
    most = -1
    for thing in left if any(words.search(complaint) for words in LEADS) else ():
        found = _places(thing, complaint, kinds) if _is_meant(thing, complaint) else []
        exact = sum(place.mark.exact for place in found)
        if found and exact > most:
            best, most = (thing, found), exact
        if found and exact == len(found):
            break
    return best


def _broken(manifest: str, error: yaml.YamlError, said: str) -> Place:
    """Where text is no YAML: where the parser could not go on, or where a template was left in, which YAML takes for a mapping."""
    lines = manifest.split("\n")
    braces = next((number for number, line in enumerate(lines, 1) if "{{" in line), 1)
    mark = error.mark or Mark(braces, lines[braces - 1].find("{{"), 2)
    return Place(*(culprit(lines, mark, said) or (mark, parser_hint(lines, mark, said))))


def _no_objects(documents: Sequence[Document], said: str) -> Iterator[Place]:
    """The first document that is no object at all, where that was said."""
    other = next((document for document in documents if not isinstance(document.value, dict)), None)
    if other is not None and NO_OBJECT.search(said):
        yield Place(other.locate(""), no_object(other.value))


def _is_meant(thing: Thing, complaint: str) -> bool:
    """Whether a complaint can be about an object: it names none, or this one."""
    own = {"kind": thing.at("kind"), "name": thing.at("metadata", "name"), "namespace": thing.at("metadata", "namespace")}
    said = [match.groupdict() for names in NAMES if (match := names.search(complaint))]
    return all(quote(str(own[key] or ""))[1:-1].lower() == value.lower() for names in said for key, value in names.items())


def _places(thing: Thing, complaint: str, kinds: Kinds) -> list[Place]:
    """What a complaint would be about if it was about this object."""
    told = (_unreadable(thing, complaint, kinds), _fields(thing, complaint, kinds), _absent(thing, complaint))
    paths = [*itertools.chain(*told), *_of_another(thing, complaint, kinds)]
    wrong = _wrong_type(thing, complaint, kinds)  # whose words name the type, where those of a patch do not
    return [_place(thing, f"{complaint} {wrong or ''}", path, kinds) for path in dict.fromkeys(paths)]


def _place(thing: Thing, complaint: str, path: Path, kinds: Kinds) -> Place:
    """The place of a field that is complained about: where its name is misspelt that of the key, and what is meant."""
    wrong = slip(thing.value, path, _schema(thing, kinds))
    if wrong is not None:
        return Place(thing.locate(wrong.path), misspelt(wrong, str(thing.at("kind"))))
    return Place(thing.locate(path), hint(complaint, thing.value, path, thing.at(*path), kinds))


def _schema(thing: Thing, kinds: Kinds) -> Type | None:
    resource = kinds.get((str(thing.at("apiVersion")), str(thing.at("kind"))))
    return resource.schema if resource is not None else None


def _unreadable(thing: Thing, complaint: str, kinds: Kinds) -> Iterator[Path]:
    """The field that Go could not read; of an unknown kind, as Go prints the path."""
    if wrong := _wrong_type(thing, complaint, kinds):
        yield wrong.problem.path
    elif _schema(thing, kinds) is None and (named := GO_FIELD.search(complaint)):
        yield tuple(named[1].split("."))


def _wrong_type(thing: Thing, complaint: str, kinds: Kinds) -> DecodeError | None:
    """What decoding this object comes to, if that is what was said."""
    named, patched = GO_FIELD.search(complaint), complaint.startswith(PATCHED)
    schema = _schema(thing, kinds)
    if schema is None or not (named or patched or UNREADABLE in complaint):
        return None
    meta_only = complaint.startswith("error: unable to decode")  # by kubectl, which looks at nothing else
    try:
        decode(schema, {"metadata": thing.at("metadata")} if meta_only else thing.value)
    except DecodeError as error:
        names = ".".join(key for key in error.problem.path if isinstance(key, str))
        words = converter_words(error.problem) if patched else str(error)
        return error if words in complaint or (named and names.startswith(named[1])) else None
    return None


def _fields(thing: Thing, complaint: str, kinds: Kinds) -> list[Path]:
    """The field paths that a complaint names, in its order: ``("spec", "containers", 0, "image")``."""
    schema = _schema(thing, kinds)
    own = {"metadata", *thing.value, *(schema.fields if schema else ())}
    *unknown, named = FIELDS
    said = [(match.start(), ".".join(map(_unquoted, filter(None, match.groups())))) for one in unknown for match in one.finditer(complaint)]
    fields = [(match.start(), match[1]) for match in named.finditer(complaint) if yaml.split_path(match[1])[0] in own]
    return [tuple(yaml.split_path(path)) for _, path in sorted([*said, *fields])]


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda escaped: ESCAPES.get(escaped[1], escaped[1]), text)


def _absent(thing: Thing, complaint: str) -> list[Path]:
    return [path for words, path in ABSENT if words.search(complaint) and not thing.at(*path)]


def _of_another(thing: Thing, complaint: str, kinds: Kinds) -> Iterator[Path]:
    """The part of what an object says of itself that nobody knows: its namespace; of its kind and version the one that is wrong."""
    named = NAMESPACE.search(complaint) or OTHER_NAMESPACE.search(complaint)
    if named and thing.at("metadata", "namespace") == named[1]:
        yield ("metadata", "namespace")
    if NO_MATCH.search(complaint):
        known = any(kind == thing.at("kind") for _, kind in kinds)
        yield ("apiVersion",) if known else ("kind",)


def _second(document: Document) -> Mark | None:
    """Where a second object begins in a document, which is read as one: the line between them is missing."""
    own = [one for one in document.repeated if not one.last.column]
    return min(one.last for one in own) if {one.key for one in own}.issuperset(("apiVersion", "kind")) else None


def _repeated(documents: Sequence[Document], number: int) -> Iterator[Place]:
    """The last of several equal keys in a mapping: no error to kubectl, and hardly ever meant."""
    for document in documents:
        for key, first, last in document.repeated if not _second(document) else ():
            yield Place(last, text("notebook.twice", key=key, line=first.line + number - 1))


def pointer(manifest: str, said: str, kinds: Kinds, source: str = "") -> str:
    """The places as text to stand under an answer; empty where there are none. ``said``: the error, empty where there was none.

    ``source``: the manifest's name as kubectl calls it. Without one it is a cell, whose lines are counted as the cell has them: the
    magic's own line is the first.
    """
    before = 0 if source else 1
    where = "notebook.line_of" if source not in ("", STDIN) else "notebook.line_of_text" if source else "notebook.line"
    lines = manifest.rstrip().split("\n")
    rows: list[str] = []
    for found, remarks in itertools.groupby(places(manifest, said, kinds, 1 + before), key=lambda place: place.mark):
        mark = found if found.line <= len(lines) else Mark(len(lines), len(lines[-1]))  # what is missing at the end: behind the last line
        rows += [text(where, line=mark.line + before, source=source), *_underlined(lines[mark.line - 1], mark.column, mark.width)]
        rows += filter(None, (place.hint for place in remarks))
    return "\n".join(rows)


def _underlined(source: str, column: int, width: int) -> list[str]:
    """A line, cut around the place where it is long, and the arrows below it. Tabs and odd blanks are shown: they are hard to see."""
    first = max(0, column - LEAD) if len(source) > WIDTH else 0
    last = min(len(source), first + WIDTH)
    before, place = "…" * (first > 0) + source[first:column], source[column : min(column + width, last)]
    shown = "…" * (first > 0) + source[first:last] + "…" * (last < len(source))
    shown = ODD_BLANK.sub(lambda blank: "·" * columns(blank[0]), shown.replace("\t", "→"))
    return [f"  │ {shown}".rstrip(), f"  │ {' ' * columns(before)}{'^' * max(1, columns(place))}"]
