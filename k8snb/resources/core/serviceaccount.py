"""ServiceAccounts.

Models: pkg/registry/core/serviceaccount/strategy.go, pkg/printers (printServiceAccount).
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.apimachinery.resource import Subresource
from k8snb.resources.common.cells import age
from k8snb.resources.core.serviceaccount_token import issue
from k8snb.resources.discovery import served

ENFORCE = "kubernetes.io/enforce-mountable-secrets"
_ENFORCE_WARNING = f"metadata.annotations[{ENFORCE}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"


def warnings(obj: Object, old: Object | None) -> list[str]:
    """An annotation that is on its way out."""
    value = (obj["metadata"].get("annotations") or EMPTY_DICT).get(ENFORCE)
    was = (old["metadata"].get("annotations") or EMPTY_DICT).get(ENFORCE) if old else None
    return [_ENFORCE_WARNING] if value is not None and value != was else []


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get serviceaccounts``."""
    return [obj["metadata"]["name"], age(obj, now)]


EXAMPLE = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}}

TOKEN = Subresource(name="token", verbs=("create",), kind="authentication.k8s.io/v1 TokenRequest", handler=issue)

RESOURCE = served("v1", "ServiceAccount", subresources={"token": TOKEN}, warnings=warnings, cells=cells, example=EXAMPLE, simulated=True)
