"""What usually is behind a mistake in a manifest: one sentence of ours, below Kubernetes' own words and the line.

Tables: what a parser's problem mostly comes from, and what a complaint of the server does. Where none knows, nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.apimachinery.resource import Resource
from k8snb.apimachinery.yaml import Mark
from k8snb.guests.arguments import shown
from k8snb.kubectl.spelling import Slip, near
from k8snb.messages import text

PARSER = (  # in the words of libyaml, the first that fits
    (re.compile("found unexpected end of stream"), "notebook.open_quote"),
    (re.compile(r"did not find expected ',' or '[\]}]'"), "notebook.open_bracket"),
    (re.compile("could not find expected ':'"), "notebook.no_colon"),
    (re.compile("mapping values are not allowed"), "notebook.no_key"),
    (re.compile("block sequence entries are not allowed"), "notebook.no_item"),
    (re.compile("did not find expected (?:key|'-' indicator)"), "notebook.columns"),
)
ODD_BLANK = re.compile("[\u00a0\u2000-\u200a\u202f\u3000]")  # which look like spaces and are none
GLUED = (  # what makes a text of a line that should have been a key or an item; the next line is the first that does not fit
    (re.compile(r"\s*(?:- +)*[\w./-]+(:)(?=[^\s/])"), "notebook.no_colon"),
    (re.compile(r"\s*(?:- +)*(-)(?=[A-Za-z])"), "notebook.no_dash"),
)
TYPE = re.compile(r"cannot unmarshal (?P<given>\w+).* of type (?P<wanted>\S+)")
WANTED = (  # Go's type, what was given instead, and what to say of it: the first that fits
    (r"u?int\d+", "", "notebook.wants_number"),
    (r"bool", "", "notebook.wants_flag"),
    (r"string|\[\]uint8", "number|bool", "notebook.wants_text"),
    (r"string", "", "notebook.wants_one"),
    (r"\[\].*", "", "notebook.wants_list"),
    (r"map\[.*|v\d\w*\.\w+", "array", "notebook.wants_no_dash"),
    (r"map\[.*|v\d\w*\.\w+", "", "notebook.wants_keys"),
)
SIGNS = "@`%*&"  # which mean something to YAML where a value begins
NO_MATCH = re.compile(r"no matches for kind|no kind \"\w+\" is registered")
FIXED = re.compile("pod updates may not change fields")
AMOUNT = re.compile("quantities must match|unable to parse quantity")
ABSENT: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile("apiVersion not set"), ("apiVersion",)),
    (re.compile("kind not set|Object 'Kind' is missing"), ("kind",)),
    (re.compile("resource name may not be empty|name or generateName is required"), ("metadata", "name")),
)
NO_OBJECT = re.compile(r"invalid object to validate|Go value of type unstructured\.detector")
FILE = re.compile(r"\S+\.(?:ya?ml|json)")
NAMESPACE = re.compile(r'namespaces "([^"]*)" not found')


def culprit(lines: Sequence[str], mark: Mark, said: str) -> tuple[Mark, str] | None:
    """Where the mistake is and what it is, if that is not where the parser could not go on: a line that reads as text, so the next
    does not fit. None where it is."""
    if not any(words.search(said) for words, _ in PARSER):
        return None
    before = next((number for number in range(mark.line - 1, 0, -1) if lines[number - 1].strip()), 0)
    for number in filter(None, (before, mark.line)):
        odd = ODD_BLANK.search(lines[number - 1]) if number <= len(lines) else None
        if odd:
            return Mark(number, odd.start()), text("notebook.blank")
    glued = ((words.match(lines[before - 1]), key) for words, key in GLUED if before and "mapping values" in said)
    return next(((Mark(before, found.start(1)), text(key)) for found, key in glued if found), None)


def parser_hint(lines: Sequence[str], mark: Mark, said: str) -> str:
    """What to look for where the parser could not go on. ``lines``: of the manifest."""
    line = lines[mark.line - 1] if 0 < mark.line <= len(lines) else ""
    indent, sign = line[: len(line) - len(line.lstrip())], line[mark.column : mark.column + 1]
    if "\t" in indent or sign == "\t":
        return text("notebook.tab")
    if "{{" in line:
        return text("notebook.template")
    if sign and sign in SIGNS:
        return text("notebook.sign", sign=sign)
    if line[: mark.column].rstrip().endswith(("'", '"')) and "expected key" in said:
        return text("notebook.quotes")
    return next((text(key) for words, key in PARSER if words.search(said)), "")


def hint(complaint: str, obj: Mapping[str, Any], path: Sequence[str | int], value: Any, kinds: Mapping[tuple[str, str], Resource]) -> str:
    """What to do about a complaint that is about the field ``path`` of an object, where ``value`` stands (None: nothing)."""
    if isinstance(value, str) and "{{" in value:
        return text("notebook.template")
    if any(isinstance(one, str) and "\t" in one for one in (*path[-1:], value)):
        return text("notebook.tab_inside")
    if value is None and any(words.search(complaint) and list(path) == list(field) for words, field in ABSENT):
        return text("notebook.absent", field=".".join(map(str, path)))
    if NO_MATCH.search(complaint) and list(path) in (["apiVersion"], ["kind"]):
        return _known(obj, kinds)
    if AMOUNT.search(complaint):
        return text("notebook.amount", value=shown(value))
    if FIXED.search(complaint) and list(path) == ["spec"]:
        return text("notebook.fixed", name=str(obj["metadata"]["name"]))
    if wrong := TYPE.search(complaint):
        return _of_type(wrong["wanted"], wrong["given"])
    missing = NAMESPACE.search(complaint)
    return text("notebook.namespace", name=missing[1]) if missing and value == missing[1] else ""


def _of_type(wanted: str, given: str) -> str:
    """What belongs where Go could not read a value."""
    return next((text(key) for type_, kinds, key in WANTED if re.fullmatch(type_, wanted) and re.match(kinds, given)), "")


def misspelt(wrong: Slip, kind: str) -> str:
    """What is meant by a key that is no field; where nothing is like it, where it would be one, or where to read what there is."""
    *above, key = wrong.path
    if ODD_BLANK.search(str(key)):
        return text("notebook.blank")
    field = str(key).replace("\t", "→")
    if wrong.meant:
        return text("notebook.near_field", field=field, near=" / ".join(wrong.meant))
    if wrong.homes:
        return text("notebook.at_home", field=field, places=", ".join(home or text("notebook.top") for home in wrong.homes))
    return text("notebook.no_field", field=field, path=".".join([kind.lower(), *(name for name in above if isinstance(name, str))]))


def no_object(value: Any) -> str:
    """What to write in place of a document that is no object: text, a number, a list."""
    if isinstance(value, list):
        return text("notebook.a_list")
    if isinstance(value, str) and FILE.fullmatch(value):
        return text("notebook.a_file", file=value)
    return text("notebook.no_object")


def _known(obj: Mapping[str, Any], kinds: Mapping[tuple[str, str], Resource]) -> str:
    """The versions that a kind has; of an unknown kind, the one that is spelled alike."""
    kind = str(obj.get("kind"))
    found = kind if any(kind == known for _, known in kinds) else near(kind, (known for _, known in kinds))
    versions = ", ".join(dict.fromkeys(version for version, known in kinds if known == found))
    key = "notebook.no_kind" if not found else "notebook.versions" if found == kind else "notebook.near"
    return text(key, kind=kind, near=found, versions=versions)
