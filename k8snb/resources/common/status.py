"""Checks of ``status`` that several workload kinds share. Paths are relative to the status.

Models: pkg/apis/apps/validation (ValidateDeploymentStatus, ValidateStatefulSetStatusUpdate ...), IsDecremented.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, invalid


def not_more_than(status: Mapping[str, Any], whole: str, parts: Iterable[str], why: str) -> Errors:
    """Errors for the counts that exceed the count ``whole``."""
    limit = status.get(whole, 0)
    return [invalid(name, status[name], why) for name in parts if status.get(name, 0) > limit]


def decremented(status: Mapping[str, Any], old: Mapping[str, Any]) -> Errors:
    """``collisionCount`` only grows."""
    before, after = old.get("collisionCount"), status.get("collisionCount")
    if before is None or (after is not None and after >= before):
        return []
    return [invalid("collisionCount", after or 0, "cannot be decremented")]
