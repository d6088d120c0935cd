"""What a container's variables are: order, references, what replaces what, and what is missing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.apimachinery.objects import freeze
from k8snb.kubelet.environment import ConfigError, Sources, expand, service_variables, variables

POD = {
    "metadata": {"name": "web", "namespace": "shop", "uid": "u-1", "labels": {"b": "2", "a": "1"}, "annotations": {"note": 'say "hi"'}},
    "spec": {
        "nodeName": "node-1", "serviceAccountName": "robot",
        "containers": [{"name": "main", "resources": {"limits": {"cpu": "1500m", "memory": "64Mi"}, "requests": {"cpu": "250m"}}}],
    },
}  # fmt: skip
NODE = {"status": {"allocatable": {"cpu": "2", "memory": "4Gi"}}}
STATUS = {"podIP": "10.244.0.7", "hostIP": "192.168.10.3"}
OBJECTS = {
    ("configmaps", "conf"): {"data": {"COLOUR": "blue", "my.key": "odd", "SIZE": "big"}, "binaryData": {"logo": "cGljdHVyZQ=="}},
    ("secrets", "word"): {"data": {"PASS": "c2VzYW1l"}},
}


def made(env: list[dict[str, Any]] | None = None, services: dict[str, str] | None = None, **container: Any) -> dict[str, str]:
    """The variables of the pod's container."""
    whole = {**POD["spec"]["containers"][0], "env": env or [], **container}  # type: ignore[index]
    return variables(whole, Sources(POD, STATUS, NODE, lambda resource, name: OBJECTS.get((resource, name))), services)


def field(path: str) -> dict[str, Any]:
    return {"name": "X", "valueFrom": {"fieldRef": {"fieldPath": path}}}


def amount(resource: str, divisor: str = "0", **more: str) -> dict[str, Any]:
    return {"name": "X", "valueFrom": {"resourceFieldRef": {"resource": resource, "divisor": divisor, **more}}}


def test_later_ones_replace_earlier_ones_and_env_replaces_env_from():
    both = [{"configMapRef": {"name": "conf"}}, {"secretRef": {"name": "word"}, "prefix": "THE_"}]
    found = made([{"name": "COLOUR", "value": "red"}, {"name": "NEW", "value": "1"}, {"name": "NEW", "value": "2"}], envFrom=both)
    assert found == {"COLOUR": "red", "SIZE": "big", "my.key": "odd", "THE_PASS": "sesame", "NEW": "2"}


def test_references_see_what_stands_before_them_and_services():
    env = [
        {"name": "A", "value": "$(B)"}, {"name": "B", "value": "b"}, {"name": "C", "value": "$(B)-$(WEB_PORT)"},
        {"name": "D", "value": "$$(B)"}, {"name": "B", "value": "$(B)$(B)"},
    ]  # fmt: skip
    found = made(env, {"WEB_PORT": "80"})
    assert found == {"A": "$(B)", "B": "bb", "C": "b-80", "D": "$(B)", "WEB_PORT": "80"}


def test_a_variable_of_its_own_hides_that_of_a_service():
    assert made([{"name": "WEB_PORT", "value": "mine"}], {"WEB_PORT": "80", "DB_PORT": "5432"}) == {"WEB_PORT": "mine", "DB_PORT": "5432"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "web"), ("metadata.namespace", "shop"), ("metadata.uid", "u-1"), ("spec.nodeName", "node-1"),
        ("spec.serviceAccountName", "robot"), ("status.podIP", "10.244.0.7"), ("status.podIPs", "10.244.0.7"),
        ("status.hostIP", "192.168.10.3"), ("metadata.labels['a']", "1"), ("metadata.annotations['none']", ""),
        ("metadata.labels", 'a="1"\nb="2"'), ("metadata.annotations", 'note="say \\"hi\\""'),
    ],
)  # fmt: skip
def test_fields_of_the_pod(path: str, value: str):
    assert made([field(path)]) == {"X": value}


@pytest.mark.parametrize(
    ("resource", "divisor", "value"),
    [
        ("limits.cpu", "0", "2"), ("limits.cpu", "1m", "1500"), ("requests.cpu", "1m", "250"), ("limits.memory", "1Mi", "64"),
        ("limits.memory", "0", str(64 << 20)), ("requests.memory", "0", "0"), ("limits.memory", "1Gi", "1"),
    ],
)  # fmt: skip
def test_resources_are_counted_in_divisors_and_rounded_up(resource: str, divisor: str, value: str):
    assert made([amount(resource, divisor)]) == {"X": value}


def test_without_a_limit_it_is_what_the_node_has():
    assert made([amount("limits.memory", "1Gi")], resources={}) == {"X": "4"}


@pytest.mark.parametrize(
    ("container", "why"),
    [
        ({"envFrom": [{"configMapRef": {"name": "nope"}}]}, 'configmap "nope" not found'),
        ({"envFrom": [{"secretRef": {"name": "nope"}}]}, 'secret "nope" not found'),
        ({"env": [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "conf", "key": "k"}}}]},
         "couldn't find key k in ConfigMap shop/conf"),
        ({"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "word", "key": "k"}}}]}, "couldn't find key k in Secret shop/word"),
        ({"env": [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "conf", "key": "logo"}}}]},
         "couldn't find key logo in ConfigMap shop/conf"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(container: dict[str, Any], why: str):
    with pytest.raises(ConfigError, match=why):
        made(**container)


def test_what_is_optional_may_be_missing():
    optional = {"name": "nope", "optional": True}
    env = [{"name": "X", "valueFrom": {"configMapKeyRef": {**optional, "key": "k"}}},
           {"name": "Y", "valueFrom": {"secretKeyRef": {"name": "word", "key": "k", "optional": True}}}]  # fmt: skip
    assert made(env, envFrom=[{"configMapRef": optional}, {"secretRef": optional}]) == {}


def test_services_are_told_in_the_old_way():
    web = {"metadata": {"name": "my-web"}, "spec": {"clusterIP": "10.96.0.9", "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}}
    headless = {"metadata": {"name": "db"}, "spec": {"clusterIP": "None", "ports": [{"port": 5432}]}}
    assert service_variables([freeze(web), freeze(headless)]) == {
        "MY_WEB_SERVICE_HOST": "10.96.0.9", "MY_WEB_SERVICE_PORT": "80", "MY_WEB_SERVICE_PORT_HTTP": "80",
        "MY_WEB_PORT": "tcp://10.96.0.9:80", "MY_WEB_PORT_80_TCP": "tcp://10.96.0.9:80", "MY_WEB_PORT_80_TCP_PROTO": "tcp",
        "MY_WEB_PORT_80_TCP_PORT": "80", "MY_WEB_PORT_80_TCP_ADDR": "10.96.0.9",
    }  # fmt: skip


@given(st.text(alphabet="$()AB x", max_size=20))
def test_expansion_knows_no_surprises(text: str):
    """With nothing known, only ``$$`` changes, and not inside a reference; and what is put in is not looked at again."""
    if not re.search(r"\$\([^)]*\)", text):
        assert expand(text, {}) == text.replace("$$", "$")
    assert expand("$($$) $($(A)", {"A": "a"}) == "$($$) $($(A)"
    assert "$(A)" not in expand("$(B)", {"B": "x"})
    assert expand("$(B)", {"B": "$(A)", "A": "a"}) == "$(A)"
