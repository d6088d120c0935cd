"""A List is judged by kubectl itself, item by item, against the server's OpenAPI document."""

from __future__ import annotations

import json
from typing import Any

from tests.kubectl.shell import Shell

POD: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "a", "image": "b"}]}}


def judged(*items: Any, validate: str = "strict") -> str:
    done = Shell(nodes=1).run(
        f"create --dry-run=server --validate={validate} -f list.json",
        list__json=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}),
    )
    return done.stderr.partition("error validating data: ")[2].partition("; if you choose")[0] or done.stdout


def pod(**spec: Any) -> dict[str, Any]:
    return POD | {"spec": POD["spec"] | spec}


def test_a_sound_list_goes_through_and_unknown_kinds_are_passed_over():
    assert judged(pod(hostNetwork=True)) == "pod/a created (server dry run)\n"
    assert judged({"apiVersion": "example.com/v1", "kind": "Unknown", "nope": 1}) == ""  # refused later: no such kind


def test_everything_wrong_is_told_at_once_by_item_and_by_sorted_field():
    wrong = pod(containers=[{"name": "a", "args": "x", "ports": [{"port": 80}]}], nope=1)
    assert judged(wrong, pod(restartPolicy=["x"])).strip("[]").split(", ValidationError") == [
        'ValidationError(Pod.spec.containers[0].args): invalid type for io.k8s.api.core.v1.Container.args: got "string", expected "array"',
        '(Pod.spec.containers[0].ports[0]): unknown field "port" in io.k8s.api.core.v1.ContainerPort',
        '(Pod.spec.containers[0].ports[0]): missing required field "containerPort" in io.k8s.api.core.v1.ContainerPort',
        '(Pod.spec): unknown field "nope" in io.k8s.api.core.v1.PodSpec',
        '(Pod.spec.restartPolicy): invalid type for io.k8s.api.core.v1.PodSpec.restartPolicy: got "array", expected "string"',
    ]


def test_a_number_does_as_text_but_text_not_as_a_number_and_null_only_in_a_field():
    assert judged(pod(priority="5")) == (
        'ValidationError(Pod.spec.priority): invalid type for io.k8s.api.core.v1.PodSpec.priority: got "string", expected "integer"'
    )
    assert judged(pod(nodeSelector={"a": None})) == 'unknown object type "nil" in "Pod.spec.nodeSelector.a"'
    assert judged(pod(priority=None, hostname=5)) == ""  # the server refuses it: a number is no text to Go


def test_only_strict_validation_looks_into_a_list():
    assert judged(pod(nope=1), validate="ignore") == "pod/a created (server dry run)\n"
