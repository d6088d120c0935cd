"""Objects as text: ``-o yaml``, ``json``, ``name``, ``jsonpath=...``, ``custom-columns=...``, ``go-template=...``, and "created".

    printer(call)(obj)                          what -o says; without -o the name
    printer(call, "created")(obj)               deployment.apps/web created (dry run)

Models: k8s.io/cli-runtime/pkg/printers (name.go, json.go, yaml.go, jsonpath.go), genericclioptions/print_flags.go.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from k8snb.apimachinery import yaml
from k8snb.apimachinery.errors import quote
from k8snb.apimachinery.gotext import go_json
from k8snb.apimachinery.jsonpath import JSONPathError, Template
from k8snb.apimachinery.objects import dig, drop
from k8snb.kubectl.api import Json
from k8snb.kubectl.call import Call
from k8snb.kubectl.gotemplate import GoTemplate, GoTemplateError
from k8snb.kubectl.mapper import group_of, label_of
from k8snb.kubectl.result import Failure
from k8snb.kubectl.structs import declared
from k8snb.kubectl.text import go_syntax

Print = Callable[[Json], None]

TEMPLATES = ("go-template", "go-template-file", "template", "templatefile", "jsonpath", "jsonpath-as-json", "jsonpath-file")
FORMATS = (*TEMPLATES, "json", "kyaml", "name", "yaml")
SUFFIX = {"none": "", "client": " (dry run)", "server": " (server dry run)"}


def printer(call: Call, operation: str = "", *, suffix: str | None = None, structs: bool = False) -> Print:
    """How this command prints an object: as ``-o`` says, else its name and what was done to it. ``structs``: it holds Go's structs."""
    output = call.flag("output", "") or ("go-template" if call.flag("template") else "")
    if output in ("", "name"):
        done = "" if output else operation + (SUFFIX[call.dry_run] if suffix is None else suffix)
        return lambda obj: _names(call, obj, done)
    return formatted(call, output, structs=structs)


def formatted(call: Call, output: str, formats: Sequence[str] = FORMATS, *, structs: bool = False) -> Print:
    """The printer of an output format. Raises Failure where there is none of that name."""
    name, equals, argument = output.partition("=")
    shown = (lambda obj: obj) if call.flag("show-managed-fields") else without_managed_fields
    if name in ("json", "yaml", "kyaml") and not equals:
        documents = _Documents(call, name, structs)
        return lambda obj: documents.print(shown(obj))
    if name == "name" and not equals:
        return lambda obj: _names(call, obj, "")
    if name in TEMPLATES:
        return _template(call, name, argument or str(call.flag("template", "") or ""))
    raise Failure(
        f"unable to match a printer suitable for the output format {quote(output)}, allowed formats are: {','.join(sorted(formats))}"
    )


def _names(call: Call, obj: Json, operation: str) -> None:
    for line in name_lines(obj, operation):
        call.out(line)


def name_lines(obj: Json, operation: str = "") -> list[str]:
    """``pod/web`` and, where given, what was done; one line for each item of a list."""
    if isinstance(obj.get("items"), list):
        return [line for item in obj["items"] for line in name_lines(item, operation)]
    label = label_of(group_of(obj), obj.get("kind") or "<unknown>")
    return [f"{label}/{dig(obj, 'metadata.name', '')}{' ' if operation else ''}{operation}"]


def without_managed_fields(obj: Json) -> Json:
    """The object, or the items of the list, without ``managedFields``."""
    if isinstance(obj.get("items"), list):
        return {**obj, "items": [without_managed_fields(item) for item in obj["items"]]}
    return drop(obj, "metadata.managedFields") if dig(obj, "metadata.managedFields") is not None else obj


class _Documents:
    """Prints JSON or YAML documents one after the other; YAML ones are separated."""

    def __init__(self, call: Call, form: str, structs: bool):
        self.call, self.form, self.structs, self.count = call, form, structs, 0

    def print(self, obj: Json) -> None:
        self.count += 1
        if self.form == "json":
            self.call.out(indented(declared(obj), sort=False) if self.structs else indented(obj))
        else:
            if self.count > 1 or self.form == "kyaml":
                self.call.out("---")
            self.call.write(kyaml(obj) + "\n" if self.form == "kyaml" else yaml.dump(obj))


def indented(obj: Any, *, sort: bool = True) -> str:
    """JSON as kubectl prints it."""
    return go_json(obj, sort=sort, indent=4)


def kyaml(value: Any, indent: str = "") -> str:
    """A value in KYAML, the flow style that needs no careful indentation."""
    deeper = indent + "  "
    if isinstance(value, dict) and value:
        inside = "".join(f"{deeper}{_key(key)}: {kyaml(value[key], deeper)},\n" for key in sorted(value))
        return f"{{\n{inside}{indent}}}"
    if isinstance(value, list) and value:
        if all(isinstance(item, dict) and item for item in value):
            return "[" + ", ".join(kyaml(item, indent) for item in value) + "]"
        inside = "".join(f"{deeper}{kyaml(item, deeper)},\n" for item in value)
        return f"[\n{inside}{indent}]"
    return json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    plain = key.replace("_", "a").replace("-", "a").replace(".", "a").replace("/", "a").isalnum() and not key[0].isdecimal()
    return key if plain and key.lower() not in ("y", "n", "yes", "no", "on", "off", "true", "false", "null", "~") else json.dumps(key)


def _template(call: Call, name: str, text: str) -> Print:
    what = "jsonpath" if name.startswith("jsonpath") else "template"
    if not text:
        raise Failure("template format specified but no template given")
    if name.endswith("file"):
        try:
            text = dict(call.inputs.files).get(text) or call.host.read(text)
        except OSError as problem:
            raise Failure(f"error reading --template {text}, {problem}") from None
    if what == "jsonpath":
        return _jsonpath(call, text, as_json=name == "jsonpath-as-json")
    return _gotemplate(call, text)


def _jsonpath(call: Call, text: str, *, as_json: bool) -> Print:
    try:
        template = Template(text, missing_keys=bool(call.flag("allow-missing-template-keys", True)))
    except JSONPathError as problem:
        raise Failure(f"error parsing jsonpath {text}, {problem}") from None

    def show(obj: Json) -> None:
        try:
            call.write(indented([value for values in template.results(obj) for value in values]) + "\n" if as_json else template.text(obj))
        except JSONPathError as problem:
            raise Failure(_debug("jsonpath", text, str(problem), obj)) from None

    return show


def _debug(what: str, text: str, problem: str, obj: Json) -> str:
    return (
        f"error executing {what} {quote(text)}: Error executing template: {problem}. "
        "Printing more information for debugging the template:\n"
        f"\ttemplate was:\n\t\t{text}\n\tobject given to {what} engine was:\n\t\t{go_syntax(obj)}\n\n"
    )


def _gotemplate(call: Call, text: str) -> Print:
    try:
        template = GoTemplate(text)
    except GoTemplateError as problem:
        raise Failure(f"error parsing template {text}, {problem}") from None

    def show(obj: Json) -> None:
        try:
            call.write(template.text(obj))
        except GoTemplateError as problem:
            raise Failure(f"error executing template {quote(text)}: {problem}") from None

    return show
