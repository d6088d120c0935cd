"""Namespaces.

Models: pkg/registry/core/namespace/strategy.go, pkg/apis/core/validation (ValidateNamespace ...), defaults.go (the name label).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, invalid, object_not_found, within
from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, FrozenList, Object, dig, put
from k8snb.apimachinery.validation import STANDARD_FINALIZERS, check, dns_label, qualified_name
from k8snb.resources.common.cells import age
from k8snb.resources.discovery import served, with_handlers

NAME_LABEL = "kubernetes.io/metadata.name"
FINALIZER = "kubernetes"
POD_SECURITY = "pod-security.kubernetes.io/"
LEVELS = ("privileged", "baseline", "restricted")


def default(obj: Object) -> Object:
    """Every namespace carries its name as a label."""
    name = dig(obj, "metadata.name", "")
    return put(obj, ("metadata", "labels", NAME_LABEL), name) if name and dig(obj, ("metadata", "labels", NAME_LABEL)) != name else obj


def prepare_for_create(obj: Object) -> Object:
    """Active, and not gone before its content is."""
    obj = put(obj, "status", {"phase": "Active"})
    finalizers = list(dig(obj, "spec.finalizers", EMPTY_LIST))
    return put(obj, "spec.finalizers", finalizers if FINALIZER in finalizers else [*finalizers, FINALIZER])


def prepare_for_update(obj: Object, old: Object) -> Object:
    """Finalizers change through ``finalize`` only."""
    return put(obj, "spec.finalizers", FrozenList(dig(old, "spec.finalizers", EMPTY_LIST)))


def validate(obj: Object) -> Errors:
    """Names of finalizers."""
    errors: Errors = []
    for name in dig(obj, "spec.finalizers", EMPTY_LIST):
        errors += check("", name, qualified_name)
        if "/" not in name and name not in STANDARD_FINALIZERS:
            errors.append(invalid("", name, "name is neither a standard finalizer name nor is it fully qualified"))
    return within("spec.finalizers", errors) + _validate_pod_security(obj["metadata"].get("labels") or EMPTY_DICT)


def _validate_pod_security(labels: Mapping[str, str]) -> Errors:
    """The levels of pod security; upstream's admission plugin reports them as errors of the Namespace."""
    errors: Errors = []
    for mode in ("enforce", "audit", "warn"):
        level, version = (labels.get(f"{POD_SECURITY}{mode}{suffix}") for suffix in ("", "-version"))
        if level is not None and level not in LEVELS:
            errors.append(invalid(f"metadata.labels[{POD_SECURITY}{mode}]", level, f"must be one of {', '.join(LEVELS)}"))
        if version is not None and not re.fullmatch(r"latest|v1\.(0|[1-9][0-9]*)", version):
            errors.append(invalid(f"metadata.labels[{POD_SECURITY}{mode}-version]", version, 'must be "latest" or "v1.x"'))
    return errors


def validate_status_update(obj: Object, _old: Object) -> Errors:
    """The phase tells whether it is being deleted."""
    deleting, phase = bool(obj["metadata"].get("deletionTimestamp")), dig(obj, "status.phase", "")
    wanted, state = ("Terminating", "not empty") if deleting else ("Active", "empty")
    return [] if phase == wanted else [invalid("status.Phase", phase, f"may only be '{wanted}' if `deletionTimestamp` is {state}")]


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get namespaces``."""
    return [obj["metadata"]["name"], dig(obj, "status.phase", ""), age(obj, now)]


EXAMPLE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}


def holds_deletion(obj: Object) -> bool:
    """A namespace goes when its ``spec.finalizers`` are gone: the namespace controller removes them when it is empty."""
    return bool(dig(obj, "spec.finalizers", EMPTY_LIST))


def terminating(obj: Object) -> Object:
    """The phase of a namespace that waits for its end."""
    return put(obj, "status.phase", "Terminating")


def finalize(context: Any, request: Any, obj: Object | None) -> Object:
    """PUT namespaces/NAME/finalize: only ``spec.finalizers`` of the body count."""
    if obj is None:
        raise object_not_found("", "namespaces", request.name)
    left = FrozenList(dig(request.body, "spec.finalizers", EMPTY_LIST))
    return context.replace("namespaces", put(obj, "spec.finalizers", left))  # type: ignore[no-any-return]


_NAMESPACE = served(
    "v1",
    "Namespace",
    default=default,
    prepare_for_delete=terminating,
    holds_deletion=holds_deletion,
    prepare_for_create=prepare_for_create,
    prepare_for_update=prepare_for_update,
    validate=validate,
    validate_status_update=validate_status_update,
    validate_name=dns_label,
    cells=cells,
    selectable_fields={"status.phase": lambda obj: str(dig(obj, "status.phase", "")), "name": lambda obj: str(obj["metadata"]["name"])},
    example=EXAMPLE,
    simulated=True,
)
RESOURCE = with_handlers(_NAMESPACE, finalize=finalize)
