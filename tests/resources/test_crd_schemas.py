"""Schemas of CustomResourceDefinitions: what is refused, and where Go's internal form has it."""

import textwrap
from typing import Any

import pytest

from k8snb.apimachinery.objects import freeze
from k8snb.apimachinery.yaml import documents
from k8snb.resources import OWN

CRD = next(resource for resource in OWN if resource.kind == "CustomResourceDefinition")
SCHEMA = "spec.validation.openAPIV3Schema"


def definition(*versions: dict[str, Any], **spec: Any) -> Any:
    names = {"plural": "foos", "kind": "Foo"}
    whole = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": list(versions)} | spec
    crd = {"apiVersion": CRD.version, "kind": "CustomResourceDefinition", "metadata": {"name": "foos.example.com"}, "spec": whole}
    return CRD.prepare_for_create(CRD.default(freeze(crd)))


def version(schema: Any, name: str = "v1", *, storage: bool = True, **more: Any) -> dict[str, Any]:
    return {"name": name, "served": True, "storage": storage, "schema": {"openAPIV3Schema": schema}} | more


def errors(*versions: dict[str, Any], **spec: Any) -> list[str]:
    return [str(error) for error in CRD.validate(definition(*versions, **spec))]


def read(text: str) -> Any:
    return next(documents(textwrap.dedent(text))).value


REFUSED = {
    "no types": (
        """
        properties:
          foo: {properties: {a: {}}}
          bar: {items: {additionalProperties: {items: {}}}}
          any: {x-kubernetes-preserve-unknown-fields: true}
          either: {x-kubernetes-int-or-string: true}
        """,
        [
            "properties[bar].items.additionalProperties.items.type: Required value: must not be empty for specified array items",
            "properties[bar].items.additionalProperties.type: Required value: must not be empty for specified object fields",
            "properties[bar].items.type: Required value: must not be empty for specified array items",
            "properties[bar].type: Required value: must not be empty for specified object fields",
            "properties[foo].properties[a].type: Required value: must not be empty for specified object fields",
            "properties[foo].type: Required value: must not be empty for specified object fields",
            "type: Required value: must not be empty at the root",
        ],
    ),
    "more than constraints under logic": (
        """
        type: object
        properties: {foo: {type: string}}
        not: {type: string, additionalProperties: true, title: hello, nullable: true}
        anyOf: [{items: {description: world}}]
        """,
        [
            "anyOf[0].items.description: Forbidden: must be empty to be structural",
            "items: Required value: because it is defined in spec.validation.openAPIV3Schema.anyOf[0].items",
            "not.additionalProperties: Forbidden: must be undefined to be structural",
            "not.nullable: Forbidden: must be false to be structural",
            "not.title: Forbidden: must be empty to be structural",
            "not.type: Forbidden: must be empty to be structural",
        ],
    ),
    "logic about what is not declared": (
        """
        type: object
        properties: {b: {type: object, properties: {b: {type: array, items: {type: string}}}}}
        oneOf: [{properties: {g: {}}}, {properties: {b: {not: {properties: {a: {}, b: {items: {}}}}}}}]
        """,
        [
            (
                "properties[b].properties[a]: Required value: because it is defined in "
                "spec.validation.openAPIV3Schema.oneOf[1].properties[b].not.properties[a]"
            ),
            "properties[g]: Required value: because it is defined in spec.validation.openAPIV3Schema.oneOf[0].properties[g]",
        ],
    ),
    "a number or a text": (
        """
        type: object
        properties:
          ok: {x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}], allOf: [{pattern: abc}]}
          too: {x-kubernetes-int-or-string: true, allOf: [{anyOf: [{type: integer}, {type: string}]}]}
          bad: {x-kubernetes-int-or-string: true, anyOf: [{type: string}, {type: integer}]}
        """,
        [
            "properties[bad].anyOf[0].type: Forbidden: must be empty to be structural",
            "properties[bad].anyOf[1].type: Forbidden: must be empty to be structural",
        ],
    ),
    "metadata": (
        "{type: object, properties: {kind: {type: integer}, metadata: {type: object, properties: {name: {}, labels: {type: object}}}}}",
        [
            'properties[kind].type: Invalid value: "integer": must be string',
            "properties[metadata].properties[name].type: Required value: must not be empty for specified object fields",
            (
                "properties[metadata]: Forbidden: must not specify anything other than name and generateName, "
                "but metadata is implicitly specified"
            ),
        ],
    ),
    "objects inside": (
        """
        type: object
        additionalProperties: false
        properties:
          a: {type: object, x-kubernetes-embedded-resource: true}
          b: {type: array, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}
        """,
        [
            "additionalProperties: Forbidden: must not be used at the root",
            (
                "properties[a].properties: Required value: must not be empty if x-kubernetes-embedded-resource is true "
                "without x-kubernetes-preserve-unknown-fields"
            ),
            "properties[b].items: Required value: must be specified",
            'properties[b].type: Invalid value: "array": must be object if x-kubernetes-embedded-resource is true',
            "additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
        ],
    ),
    "patterns as Go reads them": (
        "{type: object, properties: {a: {type: string, pattern: +}, b: {type: string, pattern: '(?!x)'}}}",
        [
            (
                'properties[a].pattern: Invalid value: "+": must be a valid regular expression, but isn\'t: '
                "error parsing regexp: missing argument to repetition operator: `+`"
            ),
            (
                'properties[b].pattern: Invalid value: "(?!x)": must be a valid regular expression, but isn\'t: '
                "error parsing regexp: invalid or unsupported Perl syntax: `(?!`"
            ),
        ],
    ),
    "what cannot be read as structural": (
        "{type: object, properties: {a: {$ref: '#/b'}, c: {type: object, x-kubernetes-preserve-unknown-fields: false}}}",
        [
            "properties[a].$ref: Forbidden: $ref is not supported",
            "properties[c].x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined",
        ],
    ),
    "lists": (
        """
        type: object
        properties:
          a: {type: object, x-kubernetes-list-type: atomic}
          b: {type: array, items: {type: string}, x-kubernetes-list-type: map}
          c:
            type: array
            items: {type: object, properties: {k: {type: object}}}
            x-kubernetes-list-type: map
            x-kubernetes-list-map-keys: [k, q, k]
          d: {type: array, items: {type: object}, x-kubernetes-list-type: set}
          e: {type: array, items: {type: string, nullable: true}, x-kubernetes-list-type: set, x-kubernetes-list-map-keys: [k]}
          f: {type: array, items: {type: string}, x-kubernetes-list-type: bag, x-kubernetes-map-type: granular}
        """,
        [
            'properties[a].type: Invalid value: "object": must be array if x-kubernetes-list-type is specified',
            "properties[b].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map",
            'properties[b].items.type: Invalid value: "string": must be object if parent array\'s x-kubernetes-list-type is map',
            *[
                (
                    'properties[c].items.properties[k].type: Invalid value: "object": must be a scalar type '
                    "if parent array's x-kubernetes-list-type is map"
                ),
                'properties[c].x-kubernetes-list-map-keys: Invalid value: ["k","q","k"]: entries must all be names of item properties',
                (
                    'properties[c].items.properties[k].type: Invalid value: "object": must be a scalar type '
                    "if parent array's x-kubernetes-list-type is map"
                ),
                'properties[c].x-kubernetes-list-map-keys: Invalid value: ["k","q","k"]: must not contain duplicate entries',
            ],
            *[
                (
                    "properties[c].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, "
                    "so it must have a default or be a required property"
                )
            ]
            * 2,
            (
                "properties[d].items.x-kubernetes-map-type: Invalid value: null: "
                "must be atomic as item of a list with x-kubernetes-list-type=set"
            ),
            'properties[e].x-kubernetes-list-type: Invalid value: "set": must be map if x-kubernetes-list-map-keys is non-empty',
            "properties[e].items.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is set",
            'properties[f].type: Invalid value: "array": must be object if x-kubernetes-map-type is specified',
            'properties[f].x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "set", "map"',
        ],
    ),
    "defaults that do not fit": (
        """
        type: object
        properties:
          a: {type: integer, default: x}
          b: {type: object, default: {z: 1}, properties: {x: {type: string}}}
          c: {type: string, enum: [p, q], default: r}
          d: {type: object, default: {x: 1}, required: [w], properties: {x: {type: string}, w: {type: string}}}
        """,
        [
            'properties[a].default: Invalid value: "string":  in body must be of type integer: "string"',
            'properties[b].default: Invalid value: {"z":1}: must not have unknown fields',
            'properties[c].default: Unsupported value: "r": supported values: "p", "q"',
            "properties[d].default.w: Required value",
            'properties[d].default.x: Invalid value: "integer": x in body must be of type string: "integer"',
        ],
    ),
    "rules": (
        """
        type: object
        x-kubernetes-validations:
        - {rule: ' '}
        - {rule: 'true', message: ' ', reason: Why, fieldPath: .a.c, messageExpression: ' '}
        - {rule: "true &&\\ntrue", fieldPath: ".a['b']"}
        properties: {a: {type: object, properties: {b: {type: string}}}}
        """,
        [
            "x-kubernetes-validations[0].rule: Required value: rule is not specified",
            'x-kubernetes-validations[1].message: Invalid value: " ": message must be non-empty if specified',
            "x-kubernetes-validations[1].messageExpression: Required value: messageExpression must be non-empty if specified",
            (
                'x-kubernetes-validations[1].reason: Unsupported value: "Why": supported values: "FieldValueDuplicate", '
                '"FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"'
            ),
            'x-kubernetes-validations[1].fieldPath: Invalid value: ".a.c": fieldPath must be a valid path',
            "x-kubernetes-validations[2].message: Required value: message must be specified if rule contains line breaks",
        ],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    text, words = REFUSED[name]
    assert errors(version(read(text))) == [f"{SCHEMA}.{line}" for line in words]


def test_what_all_versions_share_is_reported_once_and_beside_them() -> None:
    wrong = {"type": "string"}
    assert errors(version(wrong), version(wrong, "v2", storage=False)) == [
        f'{SCHEMA}.type: Invalid value: "string": must be object at the root'
    ]
    columns = [{"name": "A", "type": "text", "jsonPath": "spec.a"}]
    assert errors(version({"type": "object"}, additionalPrinterColumns=columns), version(wrong, "v2", storage=False)) == [
        'spec.versions[0].additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
        'spec.versions[0].additionalPrinterColumns[0].JSONPath: Invalid value: "spec.a": must be a simple json path starting with .',
        'spec.versions[1].schema.openAPIV3Schema.type: Invalid value: "string": must be object at the root',
    ]


def test_a_version_is_stored() -> None:
    shown = (
        '{"Name":"v1","Served":true,"Storage":false,"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,'
        '"AdditionalPrinterColumns":null,"SelectableFields":null}'
    )
    assert errors(version({"type": "object"}, storage=False)) == [
        f"spec.versions: Invalid value: [{shown}]: must have exactly one version marked as storage version",
        "status.storedVersions: Invalid value: null: must have at least one stored version",
    ]
    two = errors(version({"type": "object"}), version({"type": "object"}, "v2"))
    assert two[1:] == ['status.storedVersions: Invalid value: ["v1"]: must have the storage version v2']


def test_a_bad_name_is_bad_in_both_places() -> None:
    assert [line.partition(":")[0] for line in errors(version({"type": "object"}, "V1"))] == ["spec.versions[0].name", "spec.version"]


def test_the_root_of_a_schema_whose_status_is_taken_out_says_little() -> None:
    found = errors(version({"type": "object", "oneOf": [{"required": ["a"]}]}, subresources={"status": {}}))
    assert found[0].startswith(
        f'{SCHEMA}: Invalid value: {{"type":"object","oneOf":[{{"required":["a"]}}]}}: only [Description Type Format Title Maximum '
    )


def test_webhooks_convert_in_a_known_version() -> None:
    webhook = {"clientConfig": {"url": "https://x.example"}, "conversionReviewVersions": ["V2", "v3", "v3"]}
    found = errors(version({"type": "object"}), conversion={"strategy": "Webhook", "webhook": webhook})
    assert found[0].startswith('spec.conversion.conversionReviewVersions[0]: Invalid value: "V2": a DNS-1035 label')
    assert found[1:] == [
        'spec.conversion.conversionReviewVersions[2]: Invalid value: "v3": duplicate version',
        'spec.conversion.conversionReviewVersions: Invalid value: ["V2","v3","v3"]: must include at least one of v1, v1beta1',
    ]
    assert errors(version({"type": "object"}), conversion={"strategy": "None", "webhook": webhook}) == [
        f"spec.conversion.{name}: Forbidden: should not be set when strategy is not set to Webhook"
        for name in ("webhookClientConfig", "conversionReviewVersions")
    ]


def test_formats_that_nobody_checks() -> None:
    lists = "{type: array, format: cidr, items: {type: string, format: date-time}}"
    text = f"{{a: {{type: string, format: ulid}}, b: {lists}, c: {{type: integer, format: int32}}}}"
    crd = definition(version({"type": "object", "properties": read(text)}))
    assert CRD.warnings(crd, None) == ['unrecognized format "ulid"', 'unrecognized format "cidr"']
    assert CRD.warnings(crd, crd) == []


def test_selectable_fields() -> None:
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": {"type": "string"}}}}}
    fields = [{"jsonPath": path} for path in (".spec.a", ".spec.a", ".spec", ".spec.b", ".metadata.name")]
    assert [line.split(": ", 1)[1] for line in errors(version(schema, selectableFields=fields))] == [
        'Duplicate value: ".spec.a"',
        (
            'Invalid value: ".spec": must point to a field of type string, boolean or integer. '
            "Enum string fields and strings with formats are allowed."
        ),
        'Invalid value: ".spec.b": is an invalid path: does not refer to a valid field',
        'Invalid value: ".metadata.name": must not point to fields in metadata',
    ]


def test_what_is_no_schema_at_all_is_judged_too() -> None:
    for items in ("x", 5, True, [], [1], [{}]):
        rule = {"rule": "true", "fieldPath": ".a"}
        assert errors(version({"type": "object", "items": items, "x-kubernetes-validations": [rule]}))
    odd = {"type": "string", "enum": ["a", None, True, 1, {"b": 1}], "default": "q"}
    assert errors(version({"type": "object", "properties": {"p": odd}})) == [
        rf'{SCHEMA}.properties[p].default: Unsupported value: "q": supported values: "a", "null", "true", "1", "{{\"b\":1}}"'
    ]
