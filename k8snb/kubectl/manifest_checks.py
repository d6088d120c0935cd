"""What kubectl itself looks at in a manifest before a request goes out: that it says what it is, and that its metadata can be read.

Everything else is the server's business. The words are kubectl's.

Models: k8s.io/kubectl/pkg/util/openapi/validation (getObjectKind), k8s.io/cli-runtime/pkg/resource/{mapper,metadata_decoder}.go.
Simplified: kubectl's own validation against OpenAPI, which it falls back to for lists, is left to the server.
"""

from __future__ import annotations

import functools
from typing import Any

from k8snb.apimachinery.decode import DecodeError, decode
from k8snb.apimachinery.errors import aggregate, quote
from k8snb.apimachinery.gojson import json_name
from k8snb.apimachinery.gotext import go_json
from k8snb.apimachinery.objects import freeze
from k8snb.apimachinery.schema import STRUCT, Field, Type
from k8snb.kubectl.client_validation import wrong_items
from k8snb.kubectl.result import Failure
from k8snb.resources.schema import lookup


def check_says_what_it_is(document: Any, source: str, *, strict: bool = False) -> None:
    """``apiVersion`` and ``kind`` are there and are text: what ``--validate`` looks at; where it is strict, the items of a List too."""
    if not isinstance(document, dict):
        wrong = ["invalid object to validate"]
    else:
        wrong = [f"{key} not set" for key in ("apiVersion", "kind") if document.get(key) is None]
        wrong += [f"{key} isn't string type" for key in ("apiVersion", "kind") if not isinstance(document.get(key, ""), (str, type(None)))]
    if strict and not wrong and (document["apiVersion"], document["kind"]) == ("v1", "List"):
        wrong = list(wrong_items(document.get("items")))
    if wrong:
        tail = "if you choose to ignore these errors, turn validation off with --validate=false"
        raise Failure(f"error validating {quote(source)}: error validating data: {aggregate(wrong)}; {tail}")


@functools.cache
def _only_metadata() -> Type:
    meta = lookup("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
    return Type(STRUCT, name="metadataOnlyObject", go="metadataOnlyObject", fields={"metadata": Field(meta)} if meta is not None else {})


def check_can_be_decoded(obj: Any, source: str) -> None:
    """The object names its kind, and its metadata has the types that metadata has."""
    why = _undecodable(obj)
    if why:
        raise Failure(f"unable to decode {quote(source)}: {why}")


def _undecodable(obj: Any) -> str:
    if not isinstance(obj, dict):
        return f"json: cannot unmarshal {json_name(obj)} into Go value of type unstructured.detector"
    if not obj.get("kind"):
        return f"Object 'Kind' is missing in '{go_json(obj)}'"
    for key in ("kind", "apiVersion"):
        if not isinstance(obj.get(key, ""), (str, type(None))):
            return f"json: cannot unmarshal {json_name(obj[key])} into Go struct field metadataOnlyObject.TypeMeta.{key} of type string"
    try:
        decode(_only_metadata(), freeze({"metadata": obj["metadata"]} if "metadata" in obj else {}))
    except DecodeError as error:
        return str(error)
    return ""
