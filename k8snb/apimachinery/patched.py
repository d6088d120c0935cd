"""Decoding an object that a patch has made: the same walk as any decoding, but other words when it fails.

    The "" is invalid: patch: Invalid value: "map[spec:map[replicas:three]]": unrecognized type: int32

A JSON or merge patch leaves a document, which Go's JSON decoder reads; the error shows that document. A strategic merge patch is
merged as a map and then converted field by field; the error shows the patch, in the words of that converter, which names no field.

Models: k8s.io/apiserver/pkg/endpoints/handlers/patch.go (applyJSPatch, applyPatchToObject),
k8s.io/apimachinery/pkg/runtime/converter.go.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.decode import FATAL, DecodeError, Problem, decode
from k8snb.apimachinery.errors import ApiError, invalid, object_invalid
from k8snb.apimachinery.gotext import go_json
from k8snb.apimachinery.objects import FrozenDict, Object
from k8snb.apimachinery.patch import go_text
from k8snb.apimachinery.schema import LIST, MAP, STRUCT, Type

STRATEGIC = "application/strategic-merge-patch+json"
_CONTAINERS = {STRUCT: "struct from: ", LIST: "slice from ", MAP: "map from "}
_GO_KINDS = {"array": "slice", "object": "map", "number": "int64"}


def decode_patched(
    type_: Type, patched: Object, *, patch: Any, media_type: str, field_validation: str = ""
) -> tuple[FrozenDict, list[str]]:
    """The object that a patch has made, decoded, and the warnings about unknown fields.

    ``patch`` is the body of the request. Raises ApiError (422) where a value has the wrong type, and under Strict validation
    for unknown fields.
    """
    try:
        value, strict_errors = decode(type_, patched)
    except DecodeError as wrong:
        words = converter_words(wrong.problem) if media_type == STRATEGIC else str(wrong)
        raise _invalid(patched, patch, media_type, words) from None
    if strict_errors and field_validation == "Strict":
        raise _invalid(patched, patch, media_type, f"strict decoding error: {', '.join(strict_errors)}")
    return value, [] if field_validation == "Ignore" else list(strict_errors)


def _invalid(patched: Object, patch: Any, media_type: str, why: str) -> ApiError:
    return object_invalid("", "", "", [invalid("patch", go_text(patch) if media_type == STRATEGIC else go_json(patched), why)])


def converter_words(problem: Problem) -> str:
    """What is wrong in a merged map, as the converter says it."""
    if problem.message:
        return problem.message
    if problem.rank == FATAL:  # the type's own UnmarshalJSON
        return f"json: cannot unmarshal {problem.got} into Go value of type {problem.want}"
    name, _, digits = problem.got.partition(" ")
    got = "float64" if "." in digits else _GO_KINDS.get(name, name)
    if problem.kind in _CONTAINERS:
        return f"cannot restore {_CONTAINERS[problem.kind]}{got}"
    if name == "number":
        return f"cannot convert {got} to {problem.want}"
    return f"unrecognized type: {problem.kind}"
