"""A reference to an object of any kind, as Ingresses and their classes have it.

Models: pkg/apis/networking/validation/validation.go (validateIngressTypedLocalObjectReference).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, required
from k8snb.apimachinery.validation import check, dns_subdomain
from k8snb.resources.common.formats import path_segment


def validate_typed_reference(reference: Mapping[str, Any]) -> Errors:
    """Group, kind and name."""
    group = reference.get("apiGroup")
    errors = check("apiGroup", group, dns_subdomain) if group is not None else []
    for name in ("kind", "name"):
        text = reference.get(name, "")
        errors += check(name, text, path_segment) if text else [required(name, f"{name} is required")]
    return errors
