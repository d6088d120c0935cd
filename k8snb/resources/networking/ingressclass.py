"""IngressClasses: which controller serves an Ingress.

Models: pkg/apis/networking/v1/defaults.go, pkg/apis/networking/validation (ValidateIngressClass),
pkg/printers/internalversion (printIngressClass).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden, not_supported, required, too_long, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, dns_label, immutable
from k8snb.resources.common.cells import NONE, age, name_marked_default
from k8snb.resources.common.fill import fill, where_given
from k8snb.resources.common.formats import domain_prefixed_path
from k8snb.resources.discovery import served
from k8snb.resources.networking.references import validate_typed_reference

IS_DEFAULT = "ingressclass.kubernetes.io/is-default-class"
_LONGEST = 250


def default(obj: Object) -> Object:
    """Parameters are a cluster-wide object."""
    return where_given(obj, "spec", lambda spec: where_given(spec, "parameters", lambda p: fill(p, {"scope": "Cluster"})))


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", _validate_spec(obj.get("spec") or EMPTY_DICT))


@once
def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    controller, parameters = spec.get("controller", ""), spec.get("parameters")
    errors = [too_long("controller", _LONGEST)] if len(controller) > _LONGEST else []
    errors += domain_prefixed_path("controller", controller)
    return errors + (within("parameters", _validate_parameters(parameters)) if parameters is not None else [])


def _validate_parameters(parameters: Mapping[str, Any]) -> Errors:
    errors = validate_typed_reference(parameters)
    scope, namespace = parameters.get("scope"), parameters.get("namespace")
    if scope is None:
        return [*errors, required("scope")]
    if scope not in ("Cluster", "Namespace"):
        return [*errors, not_supported("scope", scope, ["Cluster", "Namespace"])]
    if scope == "Cluster":
        return errors + ([forbidden("namespace", "`parameters.scope` is set to 'Cluster'")] if namespace is not None else [])
    if namespace is None:
        return [*errors, required("namespace", "`parameters.scope` is set to 'Namespace'")]
    return errors + check("namespace", namespace, dns_label)


def validate_update(obj: Object, old: Object) -> Errors:
    """The controller stays."""
    return immutable("spec.controller", dig(obj, "spec.controller"), dig(old, "spec.controller"))


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get ingressclasses``."""
    parameters = dig(obj, "spec.parameters")
    shown = NONE
    if parameters is not None:
        group = parameters.get("apiGroup")
        shown = f"{parameters.get('kind', '')}{'.' + group if group is not None else ''}/{parameters.get('name', '')}"
    return [name_marked_default(obj, IS_DEFAULT), dig(obj, "spec.controller", ""), shown, age(obj, now)]


EXAMPLE = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "IngressClass",
    "metadata": {"name": "example"},
    "spec": {"controller": "example.com/ingress"},
}

RESOURCE = served(
    "networking.k8s.io/v1",
    "IngressClass",
    default=default,
    validate=validate,
    validate_update=validate_update,
    cells=cells,
    counts_generation=True,
    example=EXAMPLE,
    simulated=True,
)
