"""How much a pod asks for: see :mod:`k8snb.resources.common.pod_requests`, where the API server needs it too."""

from __future__ import annotations

from k8snb.resources.common.pod_requests import (
    Amounts,
    container_limits,
    container_requests,
    non_zero_requests,
    pod_limits,
    pod_requests,
    resource_amounts,
)

__all__ = ["Amounts", "container_limits", "container_requests", "non_zero_requests", "pod_limits", "pod_requests", "resource_amounts"]
