"""The template of a pod, as the kinds that make pods hold it: defaults, validation, warnings in one place to import from.

Models: pkg/apis/core/validation/validation.go, ValidatePodTemplateSpec; pkg/api/pod/warnings.go, GetWarningsForPodTemplate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden, within
from k8snb.apimachinery.objects import EMPTY_DICT
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import validate_annotations, validate_labels
from k8snb.resources.common.pod_annotations import validate_pod_annotations, validate_profiles_agree
from k8snb.resources.common.pod_defaults import default_pod_template
from k8snb.resources.common.pod_validation import validate_pod_spec
from k8snb.resources.common.pod_warnings import warnings_for_pod_template

__all__ = ["default_pod_template", "validate_pod_template", "warnings_for_pod_template"]


@once
def validate_pod_template(template: Mapping[str, Any]) -> Errors:
    """Everything about a template but what its owner demands of it; paths relative to the template.

    Labels and annotations are reported at ``labels`` and ``annotations``, without ``metadata``, as upstream does.
    """
    meta, spec = template.get("metadata") or EMPTY_DICT, template.get("spec") or EMPTY_DICT
    annotations = meta.get("annotations") or EMPTY_DICT
    errors = within("labels", validate_labels(meta.get("labels") or EMPTY_DICT))
    errors += within("annotations", validate_annotations(annotations))
    errors += within("annotations", validate_pod_annotations(annotations, spec))
    errors += within("spec", validate_pod_spec(spec) + validate_profiles_agree(annotations, spec))
    if spec.get("ephemeralContainers"):
        errors.append(forbidden("spec.ephemeralContainers", "ephemeral containers not allowed in pod template"))
    return errors
