"""Words for stories about definitions."""

from k8snb.resources.apiextensions.customresourcedefinition import EXAMPLE

DEFINITIONS, WIDGETS = "customresourcedefinitions.apiextensions.k8s.io", "widgets.example.com"

__all__ = ["DEFINITIONS", "EXAMPLE", "WIDGETS", "widget"]


def widget(name, **spec):
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name}, "spec": spec}
