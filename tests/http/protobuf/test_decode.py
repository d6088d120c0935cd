"""Bodies as Go's typed clients send them become the JSON that they stand for."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.apimachinery.errors import ApiError
from k8snb.http.protobuf.decode import decode
from k8snb.http.protobuf.wire import records, signed
from k8snb.resources.schema import INLINE, lookup, numbers


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number, value):
    """One field: text and bytes length-delimited, numbers as varints, floats in eight bytes."""
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def envelope(api_version, kind, raw):
    return b"k8s\x00" + field(1, field(1, api_version) + field(2, kind)) + field(2, raw) + field(3, "") + field(4, "")


def number(message, name):
    return numbers()["io.k8s.api." + message].index(name) + 1


def meta(name):
    return field(1, field(1, name) + field(2, "") + field(3, "") + field(8, b""))  # Go sends what is empty, too


def test_a_config_map_with_its_data():
    raw = meta("a") + field(2, field(1, "k") + field(2, "v"))
    assert decode(envelope("v1", "ConfigMap", raw)) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a"},
        "data": {"k": "v"},
    }


def test_bytes_quantities_and_numbers_or_text():
    secret = decode(envelope("v1", "Secret", meta("s") + field(2, field(1, "k") + field(2, b"\x00\xff"))))
    assert secret["data"] == {"k": "AP8="}
    quota = decode(envelope("v1", "ResourceQuota", meta("q") + field(2, field(1, field(1, "cpu") + field(2, field(1, "500m"))))))
    assert quota["spec"]["hard"] == {"cpu": "500m"}
    for sent, read in ((field(1, 0) + field(2, 3) + field(3, ""), 3), (field(1, 1) + field(2, 0) + field(3, "50%"), "50%")):
        budget = decode(envelope("policy/v1", "PodDisruptionBudget", meta("p") + field(2, field(1, sent))))
        assert budget["spec"]["minAvailable"] == read


def test_what_go_inlines_stands_beside_the_rest():
    source = field(number("core.v1.VolumeSource", "emptyDir"), field(1, ""))
    volume = field(number("core.v1.PodSpec", "volumes"), field(1, "data") + field(2, source))
    pod = decode(envelope("v1", "Pod", meta("p") + field(2, volume)))
    assert pod["spec"]["volumes"] == [{"name": "data", "emptyDir": {}}]


def test_an_explicit_zero_of_a_pointer_stays():
    spec = field(number("apps.v1.DeploymentSpec", "replicas"), 0)
    assert decode(envelope("apps/v1", "Deployment", meta("d") + field(2, spec)))["spec"] == {"replicas": 0}


def test_times_are_written_as_kubernetes_does():
    stamped = field(1, field(1, "e") + field(8, field(1, 1_767_225_600) + field(2, 0)))
    assert decode(envelope("v1", "ConfigMap", stamped))["metadata"]["creationTimestamp"] == "2026-01-01T00:00:00Z"


def test_a_type_without_numbers_is_refused_as_custom_resources_are():
    with pytest.raises(ApiError) as refused:
        decode(envelope("example.com/v1", "Thing", b""))
    assert refused.value.code == 415


@given(st.binary(max_size=60))
def test_anything_else_is_a_bad_request(data):
    for body in (data, b"k8s\x00" + data, envelope("v1", "Pod", data)):
        with contextlib.suppress(ApiError):
            assert isinstance(decode(body), dict)


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_keep_their_sign(value):
    assert [signed(found) for _, found in records(field(1, value))] == [value]


def test_the_table_names_only_what_there_is():
    for message, names in numbers().items():
        type_ = lookup(message)
        for name in filter(None, names):
            assert name[1:] in numbers() if name.startswith(INLINE) else type_ is None or name in type_.fields
