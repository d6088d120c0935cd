"""From a request's body to an object of the stored version: kind checked, types checked, unknown fields pruned, defaults set.

Models: k8s.io/apiserver/pkg/endpoints/handlers/create.go and update.go (decoding with the strict serializer, FieldValidation).
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.decode import decode_object
from k8snb.apimachinery.errors import bad_request, quote
from k8snb.apimachinery.objects import Object, freeze
from k8snb.apimachinery.patched import decode_patched
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.context import Context
from k8snb.apiserver.request import APPLY_PATCH


def decoded(context: Context, resource: Resource, body: Any) -> Object:
    """The body as an object in the stored version, with defaults. Raises ApiError 400 for what cannot be one."""
    if not isinstance(body, dict):
        raise bad_request(
            f"the object provided is unrecognized (must be of type {resource.kind}): couldn't get version/kind; json parse error"
        )
    if body.get("apiVersion") != resource.api_version or body.get("kind") != resource.kind:
        _check_kind(context, resource, body)
        body = {**body, "apiVersion": resource.api_version, "kind": resource.kind}
    return resource.to_storage(resource.default(_typed(context, resource, freeze(body))))


def _check_kind(context: Context, resource: Resource, body: Object) -> None:
    version, kind = body.get("apiVersion"), body.get("kind")
    if kind and kind != resource.kind and not any(known.kind == kind for known in context.server.catalogue.all()):
        what = f"{kind} in version {quote(resource.version)} cannot be handled as a {resource.kind}"
        scheme = quote("pkg/api/legacyscheme/scheme.go:30")
        raise bad_request(f"{what}: no kind {quote(kind)} is registered for version {quote(version or '')} in scheme {scheme}")
    if kind and kind != resource.kind:
        raise bad_request(
            f'{kind} in version "{str(version).rpartition("/")[2]}" cannot be handled as a {resource.kind}: converting '
            f"({version}.{kind}) to ({resource.group}.{resource.kind}): unknown conversion"
        )
    if version and version != resource.api_version:
        raise bad_request(f"the API version in the data ({version}) does not match the expected API version ({resource.api_version})")


def of_typed_client(_schema: Any, body: Object) -> Object:
    """A body that a component made as a value of the Go type: it is already what decoding it would give.

    In a Go program nothing unknown and nothing of a wrong type can stand in an object. The few writers that make most of all
    writes (of Events, of a Pod's status) promise the same; all tests run with a check of each such body in this function's place
    (``tests/conftest.py``).
    """
    return body


def _typed(context: Context, resource: Resource, body: Object) -> Object:
    schema = resource.schema
    if schema is None:
        return body
    if context.request.typed:
        return of_typed_client(schema, body)
    request, mode = context.request, context.request.options.field_validation or "Warn"
    if request.verb == "patch" and request.patch_type != APPLY_PATCH:
        obj, warnings = decode_patched(schema, body, patch=request.body, media_type=request.patch_type, field_validation=mode)
    else:
        obj, warnings = decode_object(schema, body, kind=resource.kind, version=resource.version, field_validation=mode)
    for warning in warnings:
        context.warn(warning)
    if warnings:
        context.notes.append("decoding warned")
    return obj
