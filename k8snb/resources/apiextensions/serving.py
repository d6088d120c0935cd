"""The server serves what stored definitions define: a definition that is established adds its kinds, its end takes them away.

What is served is derived from what is stored, so a fork or a restored cluster serves the same after :func:`serve_definitions`.

Models: k8s.io/apiextensions-apiserver pkg/apiserver/customresource_handler.go (updateCustomResourceDefinition).
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.meta import is_true
from k8snb.apimachinery.objects import Object
from k8snb.resources.apiextensions.custom_resource import custom_resources
from k8snb.resources.apiextensions.customresourcedefinition import RESOURCE as DEFINITIONS


def serve_definitions(server: Any) -> None:
    """Serve the kinds of all stored definitions, now and whenever one changes."""

    server.when_changed(DEFINITIONS.key, lambda change: _define(server, change.value, change.previous))
    for crd in server.store.kept(DEFINITIONS.prefix):
        _define(server, crd, None)


def _define(server: Any, crd: Object | None, old: Object | None) -> None:
    if crd is None:
        server.catalogue.define(old["metadata"]["name"] if old else "", ())
    elif is_true(crd, "Established") and (old is None or crd["spec"] != old["spec"] or not is_true(old, "Established")):
        server.catalogue.define(crd["metadata"]["name"], custom_resources(crd))
