"""What every built-in type looks like: names, kinds, integer widths, list types, merge keys. Data, made by ``derive.py``.

    type_of("apps", "v1", "Deployment").fields["spec"].type.go      # "v1.DeploymentSpec"
    lookup("io.k8s.api.core.v1.PodSpec")                            # by the name that OpenAPI gives it

The file is read once, when first asked for; a type is built when somebody first looks at it.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

from k8snb.apimachinery.schema import Type, Types

DATA = Path(__file__).parent / "v1_36.json"
NUMBERS = Path(__file__).parent / "numbers.json"
INLINE = ">"  # before a message whose fields stand, in JSON, among those of the message around it


@functools.cache
def types() -> Types:
    """All built-in types of Kubernetes 1.36."""
    return Types(json.loads(DATA.read_text(encoding="utf-8")))


@functools.cache
def numbers() -> dict[str, list[str | None]]:
    """Protobuf message -> the names of its fields 1, 2, 3 ...; None where a number is not used."""
    found: dict[str, list[str | None]] = json.loads(NUMBERS.read_text(encoding="utf-8"))
    return found


def lookup(name: str) -> Type | None:
    """The type of this OpenAPI name; None where there is none."""
    return types().get(name)


def type_of(group: str, version: str, kind: str) -> Type | None:
    """The type of a kind as its API version serves it; None where there is no such kind."""
    return types().of_kind(group, version, kind)
