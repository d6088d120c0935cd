"""What a patch has made is decoded in words of its own."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.patch import apply_merge_patch, apply_strategic_merge_patch
from k8snb.apimachinery.patched import decode_patched
from k8snb.resources.schema import type_of

MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"
LIVE = {"metadata": {"name": "web"}, "spec": {"replicas": 1}}


def patched(patch: Any, media_type: str, field_validation: str = "Strict") -> Any:
    deployment = type_of("apps", "v1", "Deployment")
    assert deployment is not None
    made = apply_merge_patch(LIVE, patch) if media_type == MERGE else apply_strategic_merge_patch(LIVE, patch, deployment)
    return decode_patched(deployment, made, patch=patch, media_type=media_type, field_validation=field_validation)


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"replicas": "three"}, "unrecognized type: int32"),
        ({"replicas": 2.5}, "cannot convert float64 to int32"),
        ({"template": "x"}, "cannot restore struct from: string"),
        ({"strategy": {"rollingUpdate": {"maxSurge": True}}}, "json: cannot unmarshal bool into Go value of type int32"),
        ({"foo": "bar"}, 'strict decoding error: unknown field "spec.foo"'),
    ],
)
def test_a_strategic_patch_that_does_not_fit_is_shown_as_a_map(spec: Any, why: str) -> None:
    with pytest.raises(ApiError) as refused:
        patched({"spec": spec}, STRATEGIC)
    assert (refused.value.code, refused.value.reason) == (422, "Invalid")
    assert refused.value.message.startswith(' "" is invalid: patch: Invalid value: "map[spec:map[')
    assert refused.value.message.endswith(f']]": {why}')


def test_a_merge_patch_that_does_not_fit_is_shown_as_the_document_it_made() -> None:
    with pytest.raises(ApiError) as refused:
        patched({"spec": {"replicas": "three"}}, MERGE)
    assert refused.value.message == (
        ' "" is invalid: patch: Invalid value: "{\\"metadata\\":{\\"name\\":\\"web\\"},\\"spec\\":{\\"replicas\\":\\"three\\"}}": '
        "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
    )


def test_unknown_fields_of_a_patch_may_only_warn() -> None:
    value, warnings = patched({"spec": {"foo": 1}}, MERGE, "Warn")
    assert warnings == ['unknown field "spec.foo"']
    assert "foo" not in value["spec"]
    assert patched({"spec": {"foo": 1}}, MERGE, "Ignore")[1] == []
