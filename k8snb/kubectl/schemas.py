"""What kubectl knows about the built-in types: for merge keys, for ``explain``.

The real kubectl carries them compiled in (its scheme) or reads them from the server's OpenAPI documents; the data are the same.
"""

from __future__ import annotations

from k8snb.apimachinery.schema import Type
from k8snb.resources import schema


def type_of(api_version: str, kind: str) -> Type | None:
    """The type of a built-in kind; None for others."""
    group, _, version = api_version.rpartition("/")
    return schema.type_of(group, version, kind)
