"""ControllerRevisions: the history of StatefulSets and DaemonSets. Their data never change.

Models: pkg/apis/apps/validation (ValidateControllerRevision), pkg/printers/internalversion (printControllerRevision).
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.errors import Errors, required
from k8snb.apimachinery.meta import controller_of
from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.validation import immutable, not_negative
from k8snb.resources.common.cells import NONE, age
from k8snb.resources.discovery import served


def validate(obj: Object) -> Errors:
    """There are data, and the revision is not negative."""
    errors = [required("data", "data is mandatory")] if obj.get("data") is None else []
    return errors + not_negative("revision", obj.get("revision", 0))


def validate_update(obj: Object, old: Object) -> Errors:
    """The data stay."""
    return immutable("data", obj.get("data"), old.get("data"))


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get controllerrevisions``."""
    owner = controller_of(obj)
    shown = NONE
    if owner is not None:
        group = owner["apiVersion"].rpartition("/")[0]
        shown = f"{owner['kind'].lower()}{'.' if group else ''}{group}/{owner['name']}"
    return [obj["metadata"]["name"], shown, obj.get("revision", 0), age(obj, now)]


EXAMPLE = {
    "apiVersion": "apps/v1",
    "kind": "ControllerRevision",
    "metadata": {"name": "db-1"},
    "data": {"spec": {"template": {"metadata": {"labels": {"app": "db"}}}}},
    "revision": 1,
}

RESOURCE = served(
    "apps/v1", "ControllerRevision", validate=validate, validate_update=validate_update, cells=cells, example=EXAMPLE, simulated=True
)
