"""Decoding as Go decodes: the words are those of a real server's refusals."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8snb.apimachinery.decode import DecodeError, decode, decode_object
from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import freeze, put, thaw
from k8snb.apimachinery.schema import Type, field
from k8snb.resources.schema import type_of

BAD_QUANTITY = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
UNREADABLE_TIMES = [("tomorrow", "tomorrow", "2006"), ("2024-01-01", "", "T"), ("2024-01-01T00:00:00", "", "Z07:00")]
COMMAND = "Go struct field ExecAction.spec.containers.livenessProbe.ProbeHandler.exec.command of type []string"
PORT = "Go struct field ContainerPort.spec.containers.ports.containerPort of type int32"


def kind(name: str, group: str = "", version: str = "v1") -> Type:
    found = type_of(group, version, name)
    assert found is not None
    return found


def pod(**container: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [{"name": "web"} | container]}}


@pytest.mark.parametrize(
    ("container", "error"),
    [
        ({"ports": [{"containerPort": "80"}]}, f"json: cannot unmarshal string into {PORT}"),
        ({"ports": [{"containerPort": 2**31}]}, f"json: cannot unmarshal number 2147483648 into {PORT}"),
        ({"ports": [80]}, "json: cannot unmarshal number into Go struct field Container.spec.containers.ports of type v1.ContainerPort"),
        ({"env": {"A": "b"}}, "json: cannot unmarshal object into Go struct field Container.spec.containers.env of type []v1.EnvVar"),
        ({"args": [1]}, "json: cannot unmarshal number into Go struct field Container.spec.containers.args of type string"),
        ({"livenessProbe": {"exec": {"command": "true"}}}, f"json: cannot unmarshal string into {COMMAND}"),
        ({"resources": {"limits": {"memory": "1 Gi"}}}, BAD_QUANTITY),
    ],
)
def test_a_wrong_type_is_refused_in_the_words_of_go(container: dict[str, Any], error: str) -> None:
    with pytest.raises(DecodeError) as refused:
        decode(kind("Pod"), pod(**container))
    assert str(refused.value) == error


def test_the_first_wrong_field_in_key_order_is_reported() -> None:
    with pytest.raises(DecodeError, match=r"Container\.spec\.containers\.command"):
        decode(kind("Pod"), pod(tty="yes", command="run"))


def test_an_error_of_a_quantity_comes_before_all_others() -> None:
    with pytest.raises(DecodeError, match="quantities must match"):
        decode(kind("Pod"), pod(command="run", resources={"limits": {"cpu": "x"}}))


def test_int_or_string_takes_no_fraction() -> None:
    service = {"spec": {"ports": [{"port": 80, "targetPort": 80.5}]}}
    with pytest.raises(DecodeError) as refused:
        decode(kind("Service"), service)
    assert str(refused.value) == "json: cannot unmarshal number 80.5 into Go struct field ServicePort.spec.ports.targetPort of type int32"


@pytest.mark.parametrize(
    ("text", "byte"), [("hello!", 5), ("-----BEGIN", 0), ("ab", 0), ("aGk=x", 4), ("YQ=x", 2), ("YQ=", 3), ("a=bc", 1)]
)
def test_base64_is_checked_and_the_first_bad_byte_named(text: str, byte: int) -> None:
    with pytest.raises(DecodeError, match=f"illegal base64 data at input byte {byte}"):
        decode(kind("Secret"), {"data": {"a": text}})


def test_base64_comes_out_in_one_line() -> None:
    assert decode(kind("Secret"), {"data": {"a": "aG\nk=\n", "b": ""}}).value["data"] == {"a": "aGk=", "b": ""}


@pytest.mark.parametrize(("time", "rest", "element"), UNREADABLE_TIMES)
def test_a_time_is_read_as_go_reads_it(time: str, rest: str, element: str) -> None:
    with pytest.raises(DecodeError) as refused:
        decode(kind("Pod"), {"metadata": {"deletionTimestamp": time}})
    assert str(refused.value) == f'parsing time "{time}" as "2006-01-02T15:04:05Z07:00": cannot parse "{rest}" as "{element}"'


def test_a_time_comes_out_in_utc_seconds() -> None:
    decoded = decode(kind("Pod"), {"metadata": {"creationTimestamp": "2024-01-01T01:30:00.5+02:00"}}).value
    assert decoded["metadata"]["creationTimestamp"] == "2023-12-31T23:30:00Z"


def test_unknown_fields_are_pruned_and_told_with_their_paths() -> None:
    body = put(pod(imagePullpolicy="Always"), "metadata.lables", {"a": "b"})
    decoded = decode(kind("Pod"), body)
    assert decoded.strict_errors == ('unknown field "metadata.lables"', 'unknown field "spec.containers[0].imagePullpolicy"')
    assert decoded.value["spec"]["containers"][0] == {"name": "web", "resources": {}}


def test_field_validation_decides_what_unknown_fields_do() -> None:
    body = pod() | {"replicas": 1}
    with pytest.raises(ApiError) as refused:
        decode_object(kind("Pod"), body, kind="Pod", version="v1", field_validation="Strict")
    assert refused.value.code == 400
    assert refused.value.message == 'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "replicas"'
    assert decode_object(kind("Pod"), body, kind="Pod", version="v1")[1] == ['unknown field "replicas"']
    assert decode_object(kind("Pod"), body, kind="Pod", version="v1", field_validation="Ignore")[1] == []


def test_empty_values_stay_only_where_go_has_a_pointer() -> None:
    pods = {"hostNetwork": False, "hostUsers": False, "volumes": []}
    body = {"spec": {"replicas": 0, "paused": False, "minReadySeconds": 0, "template": {"spec": pods}}}
    spec = decode(kind("Deployment", "apps"), body).value["spec"]
    assert spec == {"replicas": 0, "template": {"metadata": {}, "spec": {"hostUsers": False}}, "strategy": {}}


def test_null_is_absence_in_structs_and_the_zero_value_in_maps_and_lists() -> None:
    decoded = decode(kind("ConfigMap"), {"data": {"a": None}, "immutable": None, "binaryData": None}).value
    assert decoded == {"data": {"a": ""}, "metadata": {}}
    assert decode(kind("Pod"), pod(args=[None], resources={"limits": {"memory": None}})).value["spec"]["containers"][0] == {
        "name": "web", "args": [""], "resources": {"limits": {"memory": "0"}},
    }  # fmt: skip


def test_whole_floats_are_integers() -> None:
    assert decode(kind("Deployment", "apps"), {"spec": {"replicas": 2.0}}).value["spec"]["replicas"] == 2


def test_decoding_shares_what_was_decoded_before() -> None:
    first = decode(kind("Pod"), pod(image="nginx", resources={"limits": {"cpu": "0.5"}})).value
    assert decode(kind("Pod"), first).value is first
    changed = put(first, "metadata.labels", {"app": "web"})
    assert decode(kind("Pod"), changed).value["spec"] is first["spec"]


def test_a_list_at_the_root_has_no_field_to_name() -> None:
    with pytest.raises(DecodeError, match=r"^json: cannot unmarshal array into Go value of type v1\.Pod$"):
        decode(kind("Pod"), freeze([]))


def test_explain_finds_fields_through_lists_and_maps() -> None:
    found = field(kind("Pod"), "spec.containers[*].resources.limits.cpu")
    assert found is not None
    assert found.type.kind == "quantity"
    assert field(kind("Pod"), "spec.container") is None


@pytest.mark.parametrize(
    ("path", "label", "required"),
    [
        ("spec.template.spec.containers", "[]Container", True),
        ("spec.template.spec.nodeSelector", "map[string]string", False),
        ("spec.strategy.rollingUpdate.maxSurge", "IntOrString", False),
        ("metadata.creationTimestamp", "string", False),
        ("metadata.managedFields.fieldsV1", "FieldsV1", False),
        ("spec.selector", "LabelSelector", True),
        ("spec.replicas", "integer", False),
    ],
)
def test_types_have_the_names_that_explain_prints(path: str, label: str, required: bool) -> None:
    found = field(kind("Deployment", "apps"), path)
    assert found is not None
    assert (found.type.label, found.required) == (label, required)


SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "string": st.sampled_from(["", "a", "b"]),
    "bool": st.booleans(),
    "int32": st.integers(-3, 3) | st.just(2.0),
    "int64": st.integers(-3, 3),
    "float64": st.floats(0, 9),
    "bytes": st.sampled_from(["", "aGk="]),
    "quantity": st.sampled_from(["1", "0.5", 1, "1e3", "100Mi"]),
    "time": st.sampled_from(["2024-01-01T00:00:00Z", "2024-02-29T23:59:59.5+01:00"]),
    "microtime": st.just("2024-01-01T00:00:00.000001Z"),
    "int-or-string": st.integers(0, 3) | st.just("25%"),
    "any": st.dictionaries(st.sampled_from("xy"), st.integers(), max_size=2),
}


@st.composite
def values(draw: st.DrawFn, type_: Type, depth: int = 6) -> Any:
    """A JSON value that fits a type, with empty and null parts and a field that does not exist now and then."""
    if draw(st.integers(0, 9)) == 0:
        return None
    if type_.kind == "list":
        return draw(st.lists(values(type_.item, depth - 1), max_size=2)) if depth else []
    if type_.kind == "map":
        return draw(st.dictionaries(st.sampled_from("ab"), values(type_.item, depth - 1), max_size=2)) if depth else {}
    if type_.kind != "struct":
        return draw(SCALARS[type_.kind])
    names = draw(st.lists(st.sampled_from(sorted(type_.fields)), unique=True, max_size=5)) if depth and type_.fields else []
    made = {name: draw(values(type_.fields[name].type, depth - 1)) for name in names}
    return made | ({"nothingLikeThis": 1} if draw(st.integers(0, 9)) == 0 else {})


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([kind("Pod"), kind("Deployment", "apps"), kind("Service"), kind("Node")]), st.data())
def test_decoding_what_was_decoded_changes_nothing(type_: Type, data: st.DataObject) -> None:
    first = decode(type_, data.draw(values(type_)) or {}).value
    again = decode(type_, thaw(first))
    assert again.value == first
    assert again.strict_errors == ()
    assert decode(type_, first).value is first


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ([104, 105], "aGk="),
        ([], ""),
        (["YQ=="], "json: cannot unmarshal string into Go struct field Secret.data of type uint8"),
        ([300], "json: cannot unmarshal number 300 into Go struct field Secret.data of type uint8"),
    ],
)
def test_bytes_may_be_a_list_of_numbers(value: list[Any], meant: str) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"k": value}}
    if meant.startswith("json"):
        with pytest.raises(DecodeError) as refused:
            decode(kind("Secret"), secret)
        assert str(refused.value) == meant
    else:
        assert decode(kind("Secret"), secret).value["data"] == {"k": meant}
