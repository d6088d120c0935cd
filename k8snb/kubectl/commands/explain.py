"""``kubectl explain``: what fields a resource has, and what they mean.

Models: k8s.io/kubectl/pkg/explain/v2 (templates/plaintext.tmpl).
"""

from __future__ import annotations

from k8snb.apimachinery.errors import ApiError, quote
from k8snb.apimachinery.schema import Type
from k8snb.kubectl.call import Call, Command
from k8snb.kubectl.explanation import explain
from k8snb.kubectl.flags import Flag, boolean
from k8snb.kubectl.mapper import Kind
from k8snb.kubectl.result import Failure, NoMatch, Several
from k8snb.kubectl.schemas import type_of
from k8snb.resources.apiextensions.custom_resource import custom_resource


def run(call: Call) -> None:
    """Explain a resource or one of its fields."""
    if not call.args:
        raise Failure(
            'You must specify the type of resource to explain. Use "kubectl api-resources" for a complete list of supported resources.'
        )
    if len(call.args) > 1:
        raise Failure("We accept only this format: explain RESOURCE")
    word, *path = call.args[0].split(".")
    try:
        kind = call.mapper.resource(word)
    except NoMatch as unknown:
        raise Several([unknown]) from None  # kubectl prints it without the word error
    if call.flag("output") not in ("plaintext", "plaintext-openapiv2"):
        raise Failure(f"unrecognized format: {call.flag('output')}")
    if call.flag("api-version"):
        found = call.mapper.kind(call.flag("api-version"), kind.kind)
        if found is None:
            where = f"{call.flag('api-version')}, Resource={kind.resource}"
            raise Failure(f"couldn't find resource for {quote(where)}")
        kind = found
    here = type_of(kind.api_version, kind.kind) or _custom_type(call, kind)
    text, problem = explain(kind, here, path, recursive=bool(call.flag("recursive")))
    call.write(text)
    if problem:
        raise Failure(problem)


def _custom_type(call: Call, kind: Kind) -> Type | None:
    """The type of a custom resource, from its definition: the real kubectl reads it in the server's OpenAPI document."""
    definitions = call.mapper.resource("customresourcedefinitions.apiextensions.k8s.io")
    try:
        crd = call.api.get(definitions, "", f"{kind.resource}.{kind.group}")
        found = custom_resource(crd, kind.version).schema
    except (ApiError, KeyError):
        return None
    return found if isinstance(found, Type) else None


COMMAND = Command(
    "explain", "Get documentation for a resource", "kubectl explain TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group]", run,
    (boolean("recursive"), Flag("api-version"), Flag("output", default="plaintext")),
)  # fmt: skip
