"""Leases: who leads, and which node still breathes.

Models: pkg/apis/coordination/validation (ValidateLease), printLease.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden, invalid, not_supported, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.validation import check, not_negative, qualified_name
from k8snb.resources.common.cells import age
from k8snb.resources.discovery import served

_STRATEGIES = ("OldestEmulationVersion",)


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", _validate_spec(obj.get("spec") or EMPTY_DICT))


def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    seconds, strategy = spec.get("leaseDurationSeconds"), spec.get("strategy")
    errors = [invalid("leaseDurationSeconds", seconds, "must be greater than 0")] if seconds is not None and seconds <= 0 else []
    errors += not_negative("leaseTransitions", spec.get("leaseTransitions"))
    if strategy is not None and "/" in strategy:
        errors += check("strategy.strategy", strategy, qualified_name)
    elif strategy not in (None, *_STRATEGIES):
        errors.append(not_supported("strategy.strategy", strategy, _STRATEGIES))
    if spec.get("preferredHolder") and not strategy:
        errors.append(forbidden("preferredHolder", "may only be specified if `strategy` is defined"))
    return errors


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get leases``."""
    return [obj["metadata"]["name"], dig(obj, "spec.holderIdentity", ""), age(obj, now)]


EXAMPLE = {
    "apiVersion": "coordination.k8s.io/v1",
    "kind": "Lease",
    "metadata": {"name": "leader"},
    "spec": {"holderIdentity": "a", "leaseDurationSeconds": 15},
}

RESOURCE = served("coordination.k8s.io/v1", "Lease", validate=validate, cells=cells, example=EXAMPLE, simulated=True)
