"""Makes ``v1_36.json`` out of the JSON schemas in the package ``kubernetes-validate`` 1.36. A tool for development.

    pip install --target kv kubernetes-validate==1.36.0
    python -m k8snb.resources.schema.derive kv/kubernetes_validate/kubernetes-json-schema

The schemas say which fields there are, their JSON types and widths, list types and merge keys. They do not say what Go's
types are like: which scalars are pointers (so that an explicit zero stays), which structs are values (so that ``{}`` is
printed), which structs are embedded (Go puts their names into error messages), which strings have named types. That is in
``go_facts.py``. Prose is dropped.

One type is one JSON object, one field one line of words, the first of which is its type in Go's notation:

    "containers": "[]io.k8s.api.core.v1.Container map=name key=name merge"
    "strategy":   "io.k8s.api.apps.v1.DeploymentStrategy retainKeys"
    "replicas":   "*int32"

``*`` a pointer; ``required`` OpenAPI says so; ``always`` no omitempty; ``null`` printed as null when empty; ``in=X`` inside
embedded struct X; ``go=X`` the named Go type; ``atomic``, ``set``, ``map=keys`` the list or map type; ``key=X`` the patch merge key;
``merge``, ``retainKeys``, ``replace`` the patch strategy.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from k8snb.resources.schema import go_facts as go

Definition = dict[str, Any]
META, MACHINERY, EXTENSIONS = (
    "io.k8s.apimachinery.pkg.apis.meta.v1.",
    "io.k8s.apimachinery.pkg.",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.",
)
SPECIAL = {  # types with a JSON form of their own
    MACHINERY + "api.resource.Quantity": "quantity",
    MACHINERY + "util.intstr.IntOrString": "int-or-string",
    MACHINERY + "runtime.RawExtension": "any",
    META + "Time": "time",
    META + "MicroTime": "microtime",
    META + "FieldsV1": "any",
    EXTENSIONS + "JSON": "any",
    EXTENSIONS + "JSONSchemaPropsOrBool": "any",
    EXTENSIONS + "JSONSchemaPropsOrArray": "any",
    EXTENSIONS + "JSONSchemaPropsOrStringArray": "any",
}
SCALARS = {
    ("integer", "int32"): "int32",
    ("integer", "int64"): "int64",
    ("integer", None): "int64",
    ("number", "double"): "float64",
    ("string", "byte"): "bytes",
    ("string", None): "string",
    ("boolean", None): "bool",
}
STRATEGIES = {"merge": "merge", "replace": "replace", "retainKeys": "retainKeys", "merge,retainKeys": "merge retainKeys", "": ""}


def definitions(folder: Path) -> dict[str, Definition]:
    """The definitions of 1.36 in the package's folder, by name."""
    text = (folder / "v1.36.0-local" / "_definitions.json").read_text(encoding="utf-8")
    found: dict[str, Definition] = json.loads(text)["$defs"]
    return found


def expression(schema: Definition) -> str:
    """A schema as a type in Go's notation, pointers apart."""
    if "$ref" in schema:
        name: str = schema["$ref"].rpartition("/")[2]
        return SPECIAL.get(name, name)
    kinds = schema.get("type", "any")
    kind = next(k for k in kinds if k != "null") if isinstance(kinds, list) else kinds
    if kind == "array":
        return "[]" + expression(schema["items"])
    if kind == "object":
        return "map[string]" + expression(schema["additionalProperties"]) if "additionalProperties" in schema else "any"
    return "any" if kind == "any" else SCALARS[(kind, schema.get("format"))]


def collection(schema: Definition) -> list[str]:
    """Words for the list type, the map type and the patch strategy."""
    words = []
    kind = schema.get("x-kubernetes-list-type", "")
    if kind:
        words.append("map=" + ",".join(schema["x-kubernetes-list-map-keys"]) if kind == "map" else kind)
    if schema.get("x-kubernetes-map-type") == "atomic":
        words.append("atomic")
    if "x-kubernetes-patch-merge-key" in schema:
        words.append("key=" + schema["x-kubernetes-patch-merge-key"])
    return words + STRATEGIES[schema.get("x-kubernetes-patch-strategy", "")].split()


def shape(what: str) -> str:
    """``list``, ``map``, ``struct``, ``any`` or ``scalar``."""
    for start, name in (("[]", "list"), ("map[", "map"), ("any", "any"), ("io.", "struct")):
        if what.startswith(start):
            return name
    return "scalar"


def is_pointer(key: str, what: str, required: bool) -> bool:
    """Whether Go holds the field by pointer, so that an explicit empty value differs from none."""
    if shape(what) == "struct":
        name = key.partition(".")[2]
        return key in go.STRUCT_POINTERS or not (required or name in go.VALUE_FIELDS or key in go.VALUE_STRUCTS)
    if shape(what) != "scalar" or required or what == "bytes":
        return False
    return key in go.STRING_POINTERS if what == "string" else key not in go.PLAIN


def field(owner: str, name: str, schema: Definition, required: bool) -> str:
    """One field as its line of words."""
    what = expression(schema)
    key = f"{owner.rpartition('.')[2]}.{name}"
    pointer = is_pointer(key, what, required or key in go.ALWAYS)
    words = ["*" * pointer + what]
    if (required or key in go.ALWAYS) and shape(what) != "struct" and not pointer:
        words.append("always")
    if required:
        words.append("required")
    if key in go.NULLS:
        words.append("null")
    words += collection(schema)
    if key in go.NAMED or (what == "any" and "$ref" in schema):
        words.append("go=" + (go.NAMED.get(key) or ".".join(schema["$ref"].split(".")[-2:])))
    embedded = go.EMBEDDED.get(key) or ("TypeMeta" if name in go.TYPE_META and "enum" in schema else "")
    if embedded:
        words.append("in=" + embedded)
    return " ".join(words)


def record(name: str, definition: Definition) -> dict[str, Any]:
    """One type: its fields, and the kinds it is the type of."""
    required = definition.get("required", ())
    properties = definition.get("properties", {})
    made: dict[str, Any] = {"fields": {key: field(name, key, properties[key], key in required) for key in sorted(properties)}}
    kinds = definition.get("x-kubernetes-group-version-kind", ())
    if kinds:
        made["kinds"] = sorted("/".join((k["group"], k["version"], k["kind"])) for k in kinds)
    if definition.get("x-kubernetes-map-type") == "atomic":
        made["atomic"] = True
    return made


def derive(folder: Path) -> str:
    """The text of ``v1_36.json``."""
    found = definitions(folder)
    table = {name: record(name, found[name]) for name in sorted(found) if name not in SPECIAL}
    return json.dumps(table, indent=0, sort_keys=True) + "\n"


if __name__ == "__main__":
    target = Path(__file__).parent / "v1_36.json"
    target.write_text(derive(Path(sys.argv[1])), encoding="utf-8")
