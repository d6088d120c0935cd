"""Bindings: the old way to say on which node a pod runs; today one writes ``pods/NAME/binding``.

Models: pkg/apis/core/validation (ValidatePodBinding), pkg/registry/core/pod/storage (LegacyBindingREST).
"""

from __future__ import annotations

from k8snb.apimachinery.errors import Errors, not_supported, required
from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.resources.discovery import served


def validate(obj: Object) -> Errors:
    """The target is a node, by its name."""
    target = obj.get("target") or EMPTY_DICT
    kind = target.get("kind", "")
    errors = [] if kind in ("", "Node") else [not_supported("target.kind", kind, ["Node", "<empty>"])]
    return errors if target.get("name") else [*errors, required("target.name")]


EXAMPLE = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "web"}, "target": {"kind": "Node", "name": "node-1"}}

RESOURCE = served("v1", "Binding", validate=validate, example=EXAMPLE)
