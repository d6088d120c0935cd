"""PodTemplates: a template that stands alone. No controller uses them.

Models: pkg/apis/core/validation (ValidatePodTemplate), pkg/registry/core/podtemplate/strategy.go, pkg/printers.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.errors import Errors, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.resources.common.cells import containers_cells, labels_text
from k8snb.resources.common.fill import inside
from k8snb.resources.common.pod_template import default_pod_template, validate_pod_template, warnings_for_pod_template
from k8snb.resources.discovery import served


def default(obj: Object) -> Object:
    """The defaults of the template."""
    defaulted: Object = inside(obj, "template", default_pod_template)
    return defaulted


def validate(obj: Object) -> Errors:
    """The template, whole."""
    return within("template", validate_pod_template(obj["template"]))


def warnings(obj: Object, old: Object | None) -> list[str]:
    """What the template surely does not mean."""
    return warnings_for_pod_template("template", obj["template"], old["template"] if old else None)


def cells(obj: Object, _now: int) -> list[Any]:
    """One row of ``kubectl get podtemplates``."""
    template = obj.get("template") or EMPTY_DICT
    return [obj["metadata"]["name"], *containers_cells(template.get("spec") or EMPTY_DICT), labels_text(dig(template, "metadata.labels"))]


EXAMPLE = {
    "apiVersion": "v1",
    "kind": "PodTemplate",
    "metadata": {"name": "web"},
    "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "nginx", "image": "nginx:1.27"}]}},
}

RESOURCE = served(
    "v1",
    "PodTemplate",
    default=default,
    validate=validate,
    warnings=warnings,
    cells=cells,
    counts_generation=True,
    example=EXAMPLE,
    simulated=True,
)
