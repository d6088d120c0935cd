"""Custom resources walk the same way as built-in ones: pruned, defaulted, merged; and are refused in the server's words."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apimachinery.apply import server_side_apply
from k8snb.apimachinery.decode import DecodeError, decode
from k8snb.apimachinery.objects import freeze
from k8snb.apimachinery.schema import Type, field
from k8snb.apimachinery.structural import apply_defaults, structural_type, validate
from k8snb.resources.schema import lookup

SCHEMA = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        "spec": {
            "type": "object",
            "required": ["size"],
            "properties": {
                "size": {"type": "integer", "minimum": 1, "maximum": 10},
                "color": {"type": "string", "enum": ["red", "blue"], "default": "red"},
                "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
                "port": {"x-kubernetes-int-or-string": True},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "parts": {
                    "type": "array",
                    "maxItems": 2,
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": {"type": "object", "properties": {"name": {"type": "string"}, "weight": {"type": "integer", "default": 1}}},
                },
                "maybe": {"type": "string", "nullable": True},
                "mode": {"type": "object", "default": {}, "properties": {"fast": {"type": "boolean", "default": True}}},
            },
        }
    },
}


def widgets() -> Type:
    meta = lookup("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
    assert meta is not None
    return structural_type(SCHEMA, object_meta=meta, kind="Widget", api_version="example.com/v1")


WIDGET = widgets()


def widget(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": spec}


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        ({}, "spec.size: Required value"),
        ({"size": "big"}, 'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"'),
        ({"size": 0}, "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"),
        ({"size": 11}, "spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10"),
        ({"size": 1, "color": "green"}, 'spec.color: Unsupported value: "green": supported values: "red", "blue"'),
        ({"size": 1, "name": "A"}, "spec.name: Invalid value: \"A\": spec.name in body should match '^[a-z]+$'"),
        ({"size": 1, "port": 1.5}, 'spec.port: Invalid value: "number": spec.port in body must be of type integer,string: "number"'),
        ({"size": None}, 'spec.size: Invalid value: "null": spec.size in body must be of type integer: "null"'),
        ({"size": 1, "parts": [{"name": "a"}, {"name": "a"}]}, 'spec.parts[1]: Duplicate value: {"name":"a"}'),
        ({"size": 1, "parts": [{}, {"name": "b"}, {"name": "c"}]}, "spec.parts: Too many: 3: must have at most 2 items"),
        ({"size": 1, "name": 1}, 'spec.name: Invalid value: "integer": spec.name in body must be of type string: "integer"'),
    ],
)
def test_a_wrong_custom_resource_is_refused_in_the_words_of_the_server(spec: dict[str, Any], error: str) -> None:
    assert [str(e) for e in validate(WIDGET, widget(**spec))] == [error]


def test_a_sound_one_has_no_errors() -> None:
    assert validate(WIDGET, widget(size=1, maybe=None, port="http", parts=[{"name": "a"}, {"name": "b"}])) == []


def test_what_is_not_declared_is_pruned_but_where_it_is_to_be_preserved() -> None:
    decoded = decode(WIDGET, widget(size=1, free={"any": {"thing": 1}}, extra=1) | {"other": 2})
    assert decoded.strict_errors == ('unknown field "other"', 'unknown field "spec.extra"')
    assert decoded.value["spec"] == {"size": 1, "free": {"any": {"thing": 1}}}


def test_metadata_is_decoded_as_that_of_any_object() -> None:
    with pytest.raises(DecodeError, match="cannot unmarshal number into Go struct field"):
        decode(WIDGET, widget(size=1) | {"metadata": {"labels": {"a": 1}}})


def test_defaults_are_set_at_every_level_and_null_is_replaced_by_them() -> None:
    done = apply_defaults(WIDGET, freeze(widget(size=1, parts=[{"name": "a"}], color=None)))
    assert done["spec"] == {"size": 1, "parts": [{"name": "a", "weight": 1}], "color": "red", "mode": {"fast": True}}
    assert apply_defaults(WIDGET, done) is done


def test_custom_resources_are_applied_by_the_keys_of_their_lists() -> None:
    def apply(live: Any, entries: Any, manager: str, **spec: Any) -> Any:
        return server_side_apply(
            live, widget(**spec), entries=entries, manager=manager, api_version="example.com/v1", time=0, schema=WIDGET
        )

    one = apply(None, None, "one", parts=[{"name": "a", "weight": 1}])
    two = apply(one.object, one.entries, "two", parts=[{"name": "b"}])
    assert [part["name"] for part in two.object["spec"]["parts"]] == ["a", "b"]


def test_explain_looks_into_them() -> None:
    found = field(WIDGET, "spec.parts.weight")
    assert found is not None
    assert found.type.kind == "int64"
