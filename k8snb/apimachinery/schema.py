"""What a value may look like: types, as data. One :class:`Type` serves every walk over objects.

    decode          prunes unknown fields, refuses wrong ones as Go does        (:mod:`k8snb.apimachinery.decode`)
    patch           merge keys and patch strategies                             (:mod:`k8snb.apimachinery.patch`)
    apply           which lists are sets, maps or atoms                         (:mod:`k8snb.apimachinery.apply`)
    explain         names of fields and of their types                          (:func:`field`)

Built-in types come from committed data (``k8snb.resources.schema``), those of custom resources from their CRD
(:mod:`k8snb.apimachinery.structural`). One definition is one ``Type``, so ``is`` compares types, and what was worked out
about a frozen subtree is remembered on it under its type.

A line of the data reads ``[]io.k8s.api.core.v1.Container map=name key=name merge``: a type in Go's notation, then words.

Models: k8s.io/kube-openapi/pkg/util/proto, k8s.io/apimachinery/pkg/util/strategicpatch/meta.go,
k8s.io/kube-openapi/pkg/schemaconv (how list types follow from OpenAPI).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from k8snb.sim.frozen import FrozenDict

STRUCT, LIST, MAP, ANY = "struct", "list", "map", "any"
STRING, BYTES, BOOL, INT32, INT64, FLOAT64 = "string", "bytes", "bool", "int32", "int64", "float64"
QUANTITY, TIME, MICROTIME, INT_OR_STRING, DURATION = "quantity", "time", "microtime", "int-or-string", "duration"
_GO = {
    ANY: "interface {}",
    BYTES: "[]uint8",
    QUANTITY: "resource.Quantity",
    TIME: "v1.Time",
    MICROTIME: "v1.MicroTime",
    INT_OR_STRING: "intstr.IntOrString",
}
_LABELS = {INT32: "integer", INT64: "integer", FLOAT64: "number", BOOL: "boolean"} | dict.fromkeys((STRING, BYTES, TIME, MICROTIME), STRING)
_PLAIN: dict[str, type] = {STRING: str, BOOL: bool}
_ZERO: dict[str, Any] = {STRING: "", BYTES: "", BOOL: False, INT32: 0, INT64: 0, FLOAT64: 0, QUANTITY: "0", INT_OR_STRING: 0}


class Type:
    """The type of a value. ``kind`` is one of the words above; a struct has ``fields``, a list or map an ``item``.

    ``relation`` says how the items of a list belong together: ``atomic``, ``set`` or ``map`` (then ``keys`` names the
    fields that tell items apart); for maps and structs ``atomic`` says that they are owned and replaced as a whole.
    ``go`` is the type's name in Go, as error messages print it. ``rules`` belong to the types of custom resources: decoding
    leaves their values as they are, for validation to judge; with ``preserve`` it keeps even fields that are not declared.
    """

    def __init__(
        self,
        kind: str,
        *,
        name: str = "",
        go: str = "",
        item: Type | None = None,
        relation: str = "",
        keys: tuple[str, ...] = (),
        fields: Mapping[str, Field] | None = None,
        zero: Any = None,
        kinds: tuple[str, ...] = (),
        preserve: bool = False,
        rules: Any = None,
    ):
        self.kind, self.name, self.item, self.relation, self.keys = kind, name, item, relation, keys
        self.go = go or _GO.get(kind, kind)
        self.kinds, self.preserve, self.rules = kinds, preserve, rules
        self.zero = zero if zero is not None else _ZERO.get(kind)
        if fields is not None:
            self.fields = fields

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """The fields of a struct by name; empty for all else."""
        return {}

    @cached_property
    def always(self) -> tuple[tuple[str, Field], ...]:
        """The fields that Go prints even where nothing was given: ``status: {}``, ``replicas: 0``."""
        return tuple((name, field) for name, field in self.fields.items() if field.always or field.null)

    @cached_property
    def parts(self) -> tuple[tuple[str, Type], ...]:
        """The fields that hold an object, with its type."""
        return tuple((name, field.type) for name, field in self.fields.items() if field.type.kind in (STRUCT, MAP, ANY))

    @cached_property
    def born(self) -> Any:
        """What Go starts from, as far as it prints it: structs held by value, zero scalars, null lists."""
        if self.kind != STRUCT:
            return self.zero
        return FrozenDict({name: field.type.born for name, field in self.fields.items() if field.present})

    @property
    def label(self) -> str:
        """The type's name in OpenAPI, as ``explain`` prints it: ``integer``, ``[]Container``, ``map[string]string``.

        >>> Type(LIST, item=Type(INT32)).label
        '[]integer'
        """
        if self.kind in (LIST, MAP) and self.item is not None:
            return ("[]" if self.kind == LIST else "map[string]") + self.item.label
        return _LABELS.get(self.kind) or self.go.rpartition(".")[2].replace("interface {}", "Object").replace("object", "Object")

    @property
    def atomic(self) -> bool:
        """Whether the value is owned and replaced as a whole."""
        return self.relation == "atomic"

    @property
    def open(self) -> bool:
        """Whether the value's own keys are data: a map, or anything at all."""
        return self.kind in (MAP, ANY)

    def __repr__(self) -> str:
        return f"<Type {self.name or self.go}>"


class Field:
    """One field of a struct: its type, how it is printed, how a strategic merge patch treats it.

    ``pointer``: an explicit empty value differs from none. ``present``: Go's zero object has it. ``always``: printed even when
    empty. ``null``: printed as null when empty; ``may_be_null``: printed as null where null was given. ``required``: OpenAPI says
    so, and ``explain`` shows it. ``embedded``: names of the Go structs around it that JSON does not show.
    """

    __slots__ = (
        "always", "embedded", "kept", "may_be_null", "merge", "merge_key", "null", "plain", "pointer", "present", "replace",
        "required", "retain_keys", "type",
    )  # fmt: skip

    def __init__(self, type_: Type, *, pointer: bool = False, words: Iterable[str] = (), options: Mapping[str, str] | None = None):
        words, options = set(words), options or {}
        self.type, self.pointer = type_, pointer
        self.null, self.required = "null" in words, "required" in words
        self.present = "always" in words or (type_.kind == STRUCT and not pointer)
        self.always = self.present and type_.kind not in (LIST, MAP)
        self.may_be_null = self.null or (self.always and type_.kind != STRUCT and type_.zero is None)
        self.kept = pointer or self.always  # where it was given, though its value is empty
        self.merge, self.retain_keys, self.replace = "merge" in words, "retainKeys" in words, "replace" in words
        self.merge_key = options.get("key", "")
        self.plain = _PLAIN.get(type_.kind) if type_.rules is None else None  # a value of this Python type is as it should be
        self.embedded = tuple(options["in"].split(".")) if "in" in options else ()

    def __repr__(self) -> str:
        return f"<Field {self.type!r}>"


class _Lazy(Type):
    """A struct of the data, whose fields are read when first looked at."""

    def __init__(self, types: Types, name: str, record: Mapping[str, Any]):
        version, _, short = name.rpartition(".")
        relation = "atomic" if record.get("atomic") else ""
        go = f"{version.rpartition('.')[2]}.{short}"
        super().__init__(STRUCT, name=name, go=go, relation=relation, kinds=tuple(record.get("kinds", ())))
        self._types, self._lines = types, record["fields"]

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        return {name: self._types.field(line) for name, line in self._lines.items()}


class Types(Mapping[str, Type]):
    """The types of the data by their OpenAPI names, each made when first asked for.

    >>> pods = Types({"v1.Pod": {"fields": {"name": "string", "ports": "[]int32 set"}, "kinds": ["/v1/Pod"]}})
    >>> pods.of_kind("", "v1", "Pod").fields["ports"].type.relation
    'set'
    """

    def __init__(self, records: Mapping[str, Mapping[str, Any]]):
        self._records = records
        self._made: dict[Any, Type] = {}
        self._kinds = {kind: name for name, record in records.items() for kind in record.get("kinds", ())}

    def __getitem__(self, name: str) -> Type:
        if name not in self._made:
            self._made[name] = _Lazy(self, name, self._records[name])
        return self._made[name]

    def __iter__(self) -> Any:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def of_kind(self, group: str, version: str, kind: str) -> Type | None:
        """The type of a kind; None where there is no such kind."""
        name = self._kinds.get(f"{group}/{version}/{kind}")
        return self[name] if name else None

    def field(self, line: str) -> Field:
        """A field from its line of the data."""
        what, *rest = line.split()
        options = dict(word.split("=", 1) for word in rest if "=" in word)
        type_ = self._type(what.removeprefix("*"), _relation(rest, options), options.get("go", ""))
        return Field(type_, pointer=what.startswith("*"), words=rest, options=options)

    def _type(self, what: str, relation: str, go: str) -> Type:
        if what.startswith("io."):
            return self[what]
        key = (what, relation, go)
        if key not in self._made:
            self._made[key] = self._make(what, relation, go)
        return self._made[key]

    def _make(self, what: str, relation: str, go: str) -> Type:
        if what.startswith("[]"):
            item = self._type(what[2:], "", go.removeprefix("[]") if go.startswith("[]") else "")
            kind, _, keys = relation.partition("=")
            return Type(LIST, item=item, go=go or f"[]{item.go}", relation=kind or "atomic", keys=tuple(keys.split(",")) if keys else ())
        if what.startswith("map["):
            item = self._type(what.partition("]")[2], "", "")
            return Type(MAP, item=item, go=go or f"map[string]{item.go}", relation=relation)
        return Type(what, go=go, relation=relation)


def _relation(words: list[str], options: Mapping[str, str]) -> str:
    """The list or map type. Where OpenAPI names none, the patch strategy tells it (as schemaconv has it)."""
    if "map" in options:
        return f"map={options['map']}"
    for relation in ("atomic", "set"):
        if relation in words:
            return relation
    if "merge" in words:
        return f"map={options['key']}" if "key" in options else "set"
    return ""


def field(type_: Type, path: str) -> Field | None:
    """The field at a dotted path, through lists and maps of structs: ``spec.containers.image``. None where there is none."""
    found: Field | None = None
    for name in re.sub(r"\[[^]]*\]", "", path).split("."):
        while type_.item is not None and type_.kind == LIST:
            type_ = type_.item
        if type_.kind == MAP and type_.item is not None:
            found = Field(type_.item)
        else:
            found = type_.fields.get(name)
        if found is None:
            return None
        type_ = found.type
    return found
