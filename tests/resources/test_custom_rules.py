"""x-kubernetes-validations: rules in CEL in the schema of a custom resource."""

import pytest

from k8snb.apimachinery.errors import ApiError
from k8snb.apiserver.request import MERGE_PATCH, Request
from k8snb.cluster import Cluster
from k8snb.resources.apiextensions.declared import escaped

CRDS, TABS = "customresourcedefinitions.apiextensions.k8s.io", "crontabs.stable.example.com"
COUNT = {"type": "integer"}


def define(cluster, spec, **root):
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", **spec}, "status": {"type": "object", "properties": {"n": COUNT}}},
    } | root
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}}}
    names = {"plural": "crontabs", "singular": "crontab", "kind": "CronTab"}
    whole = {"group": "stable.example.com", "scope": "Namespaced", "names": names, "versions": [version]}
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": TABS}, "spec": whole}
    cluster.client.create(CRDS, crd)
    cluster.run_for(1)


def rules(*rows):
    return {"x-kubernetes-validations": [{"rule": row} if isinstance(row, str) else row for row in rows]}


@pytest.fixture
def cluster():
    return Cluster(nodes=0)


def make(cluster, name="my", **spec):
    return cluster.client.create(
        TABS, {"apiVersion": "stable.example.com/v1", "kind": "CronTab", "metadata": {"name": name}, "spec": spec}, "default"
    )


def change(cluster, name="my", **spec):
    return cluster.client.patch(TABS, name, {"spec": spec}, "default")


def refused(call):
    with pytest.raises(ApiError) as error:
        call()
    return error.value.message.removeprefix('CronTab.stable.example.com "my" is invalid: ')


def test_a_rule_over_several_fields(cluster):
    ordered = {"rule": "self.minReplicas <= self.replicas", "message": "replicas should not be below minReplicas"}
    define(cluster, {"properties": {"replicas": COUNT, "minReplicas": COUNT}, "required": ["replicas", "minReplicas"]} | rules(ordered))
    make(cluster, "good", replicas=3, minReplicas=1)
    assert (
        refused(lambda: make(cluster, replicas=0, minReplicas=1))
        == 'spec: Invalid value: "object": replicas should not be below minReplicas'
    )
    assert refused(lambda: change(cluster, "good", replicas=0)).endswith(
        'spec: Invalid value: "object": replicas should not be below minReplicas'
    )


def test_words_paths_and_reasons(cluster):
    no_root = {"rule": "self != 'root'", "reason": "FieldValueForbidden", "message": "no root"}
    wanted = {"rule": "!has(self.size) || has(self.names)", "fieldPath": ".names", "reason": "FieldValueRequired", "message": "wanted"}
    positive = {"rule": "self > 0", "messageExpression": "'got ' + string(self)"}
    define(
        cluster,
        {"properties": {
            "size": COUNT | rules("self < 10"),
            "names": {"type": "array", "items": {"type": "string"} | rules(no_root)},
            "limits": {"type": "object", "additionalProperties": COUNT | rules(positive)},
        }} | rules(wanted),
    )  # fmt: skip
    assert refused(lambda: make(cluster, size=11, names=[])) == 'spec.size: Invalid value: "integer": failed rule: self < 10'
    assert refused(lambda: make(cluster, names=["a", "root"])) == "spec.names[1]: Forbidden: no root"
    assert refused(lambda: make(cluster, limits={"cpu": 0})) == 'spec.limits[cpu]: Invalid value: "integer": got 0'
    assert refused(lambda: make(cluster, size=1)) == "spec.names: Required value: wanted"


def test_transitions_are_judged_only_where_there_was_a_value(cluster):
    immutable = {"rule": "self == oldSelf", "message": "name is immutable"}
    define(cluster, {"properties": {"size": COUNT | rules({"rule": "self >= oldSelf", "message": "never shrinks"}),
                                    "name": {"type": "string"} | rules(immutable)}})  # fmt: skip
    make(cluster, size=5)
    cluster.client.patch(TABS, "my", {"spec": {"size": 6, "name": "first"}}, "default")
    assert refused(lambda: change(cluster, size=4)) == 'spec.size: Invalid value: "integer": never shrinks'
    renamed = refused(lambda: cluster.client.patch(TABS, "my", {"spec": {"name": "second"}}, "default"))
    assert renamed == 'spec.name: Invalid value: "string": name is immutable'


def test_optional_old_values(cluster):
    once = {"rule": "!oldSelf.hasValue() || oldSelf.value() == self", "optionalOldSelf": True, "message": "set once"}
    define(cluster, {"properties": {"size": COUNT | rules(once)}})
    make(cluster, size=5)
    assert refused(lambda: change(cluster, size=6)) == 'spec.size: Invalid value: "integer": set once'


def test_what_was_wrong_before_and_did_not_change_is_only_warned_of(cluster):
    define(cluster, {"properties": {"size": COUNT, "name": {"type": "string"}}})
    make(cluster, size=11)
    crd = cluster.get(CRDS, TABS)
    versions = [dict(crd["spec"]["versions"][0])]
    spec = {"type": "object", "properties": {"size": COUNT | rules("self < 10"), "name": {"type": "string"}}}
    versions[0]["schema"] = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    cluster.client.patch(CRDS, TABS, {"spec": {"versions": versions}})
    cluster.run_for(1)
    asked = Request("patch", "stable.example.com", "v1", "crontabs", "default", "my", body={"spec": {"name": "x"}}, patch_type=MERGE_PATCH)
    response = cluster.send(asked)
    assert response.code == 200
    assert 'spec.size: Invalid value: "integer": failed rule: self < 10' in response.warnings
    assert refused(lambda: change(cluster, size=12)) == 'spec.size: Invalid value: "integer": failed rule: self < 10'


def test_a_broken_shape_comes_first_and_rules_wait(cluster):
    define(cluster, {"required": ["size"], "properties": {"size": COUNT}} | rules("self.size < 10"))
    assert refused(make.__get__(cluster)) == (
        "[spec.size: Required value, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; "
        "correct the existing errors to complete validation]"
    )


def test_names_that_cel_cannot_write_are_escaped_and_of_metadata_only_the_name_is_seen(cluster):
    define(
        cluster,
        {"properties": {"max-size": COUNT, "namespace": {"type": "string"}}}
        | rules("self.max__dash__size < 5 && self.__namespace__ == 'a'"),
        **rules("self.metadata.name.startsWith('m') && self.kind == 'CronTab'"),
    )  # fmt: skip
    make(cluster, **{"max-size": 3, "namespace": "a"})
    assert "failed rule: self.max__dash__size < 5" in refused(lambda: make(cluster, "my2", **{"max-size": 6, "namespace": "a"}))
    assert escaped("1x") == ""


def test_an_evaluation_that_fails_says_why(cluster):
    define(
        cluster,
        {"properties": {"port": {"x-kubernetes-int-or-string": True}, "a": COUNT}} | rules("self.port > 1", "self.a / (self.a - 1) > 0"),
    )
    words = refused(lambda: make(cluster, port="http", a=1))
    assert (
        "'no such overload': call arguments did not match a supported operator, function or macro signature for rule: self.port > 1"
        in words
    )
    assert "division by zero evaluating rule: self.a / (self.a - 1) > 0" in words


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("self.size", "cel expression must evaluate to a bool"),
        ("self.size <", "compilation failed: ERROR: <input>:1:12: Syntax error: mismatched input '<EOF>'"),
        ("me.size < 3", "compilation failed: ERROR: <input>:1:1: undeclared reference to 'me' (in container '')\n | me.size < 3\n | ^"),
        ("", "x-kubernetes-validations[0].rule: Required value: rule is not specified"),
        ("self.size < 3 &&\nself.size > 1", "message must be specified if rule contains line breaks"),
    ],
)
def test_rules_that_cannot_be_rules_are_refused_with_the_definition(cluster, rule, says):
    assert says in refused(lambda: define(cluster, {"properties": {"size": COUNT}} | rules(rule)))


PARTS = {
    "size": COUNT, "share": {"type": "number"}, "title": {"type": "string"}, "on": {"type": "boolean"}, "fooBar": COUNT, "foo_bar": COUNT,
    "max-size": COUNT, "port": {"x-kubernetes-int-or-string": True}, "from": {"type": "string", "format": "date-time"},
    "day": {"type": "string", "format": "date"}, "every": {"type": "string", "format": "duration"},
    "key": {"type": "string", "format": "byte"},
    "nothing": {"type": "object"}, "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "unknown": {"x-kubernetes-preserve-unknown-fields": True}, "perhaps": {"type": "string", "nullable": True},
    "limits": {"type": "object", "additionalProperties": COUNT}, "Limits": {"type": "object", "additionalProperties": COUNT},
    "parts": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}, "port": COUNT}}},
    "table": {"type": "array", "items": {"type": "array", "items": COUNT}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "at", "says"),
    [
        ("self.length > 1", 5, "undefined field 'length'"),
        ("has(self.length)", 4, "undefined field 'length'"),
        ("self.size > 'x'", 11, "found no matching overload for '_>_' applied to '(int, string)'"),
        ("self.size == 1.5", 11, "found no matching overload for '_==_' applied to '(int, double)'"),
        ("self.title + 1 == 'x'", 12, "found no matching overload for '_+_' applied to '(string, int)'"),
        ("self.max-size > 1", 5, "undefined field 'max'"),
        ("self.parts.all(part, part.prot > 1)", 26, "undefined field 'prot'"),
        ("self.Limits.all(key, self.Limits[key] == 'x')", 39, "found no matching overload for '_==_' applied to '(int, string)'"),
        ("self.nothing.x == 1", 13, "undefined field 'x'"),
        ("self.open.x == 1", 10, "undefined field 'x'"),
        ("self.unknown == 1", 5, "undefined field 'unknown'"),
        ("self.from.startsWith('2026')", 21, "found no matching overload for 'startsWith' applied to 'timestamp.(string)'"),
        ("self.every < 5", 12, "found no matching overload for '_<_' applied to '(duration, int)'"),
        ("self.size < self.share && self.length > 1", 31, "undefined field 'length'"),
        ("self.metadata.name == 'x'", 5, "undefined field 'metadata'"),
    ],
)
def test_a_rule_is_checked_against_the_types_of_its_schema(cluster, rule, at, says):
    words = refused(lambda: define(cluster, {"properties": PARTS} | rules(rule)))
    assert f"compilation failed: ERROR: <input>:1:{at}: {says}\n | {rule}\n | {'.' * (at - 1)}^" in words


TRUE = {"size": 3, "share": 3.5, "title": "web", "on": True, "max-size": 3, "port": 80, "from": "2026-01-02T03:04:05+01:00",
        "day": "2026-01-02", "every": "90s", "key": "YWJj", "limits": {"cpu": 1}, "parts": [{"name": "a", "port": 1}],
        "table": [[1]]}  # fmt: skip


@pytest.mark.parametrize(
    "rule",
    [
        "self.on", "self.size < self.share", "self.share >= self.size && self.on", "self.max__dash__size == self.size",
        "type(self.port) == int", "self.port == 80 || self.port == 'http'",
        "self.from > timestamp('2026-01-01T00:00:00Z')", "self.from.getHours() == 2",
        "self.day == timestamp('2026-01-02T00:00:00Z')", "self.every == duration('1m30s')", "self.key == b'abc'",
        "!has(self.perhaps) || self.perhaps.size() > 0", "self.limits.cpu == 1", "'cpu' in self.limits", "!has(self.Limits)",
        "self.parts.exists_one(part, part.name == 'a')", "self.parts.map(part, part.port).sum() == 1", "self.table[0][0] == 1",
        "self.?title.orValue('') == 'web'", "!has(self.fooBar) && !has(self.foo_bar)", "has(self.nothing) || has(self.open) || true",
    ],
)  # fmt: skip
def test_a_value_has_the_types_that_its_schema_declares(cluster, rule):
    define(cluster, {"properties": PARTS} | rules(rule))
    make(cluster, **TRUE)


def test_a_rule_about_what_has_no_type_cannot_be(cluster):
    parts = {"properties": {"unknown": {"x-kubernetes-preserve-unknown-fields": True} | rules("true")}}
    assert refused(lambda: define(cluster, parts)).endswith(
        "properties[spec].properties[unknown].x-kubernetes-validations: Internal error: internal error: failed to construct type "
        "information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations"
    )


def test_of_the_root_and_of_an_embedded_resource_rules_see_the_name_and_no_label(cluster):
    template = {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
    inner = rules("self.kind == 'Pod' && self.metadata.name.size() > 0")
    labels = "undefined field 'labels'"
    assert labels in refused(lambda: define(cluster, {}, **rules("has(self.metadata.labels)")))
    assert labels in refused(lambda: define(cluster, {"properties": {"template": template | rules("has(self.metadata.labels)")}}))
    define(cluster, {"properties": {"template": template | inner}})
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "labels": {"a": "b"}}}
    make(cluster, template=pod)
    assert "failed rule: self.kind == 'Pod'" in refused(lambda: make(cluster, "other", template={**pod, "kind": "Job"}))
