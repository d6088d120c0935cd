"""FlowSchemas: which requests belong together, and which priority level serves them.

Models: pkg/apis/flowcontrol/validation/validation.go, pkg/apis/flowcontrol/v1/defaults.go, printFlowSchema.
Simplified: the simulator answers every request at once; nothing waits in a queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, duplicate, forbidden, invalid, not_supported, required, within
from k8snb.apimachinery.meta import condition_status
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, dns_label, dns_subdomain
from k8snb.resources.common.cells import NONE, age
from k8snb.resources.common.fill import fill_empty, inside
from k8snb.resources.common.formats import path_segment
from k8snb.resources.discovery import served

_LOWEST = 10_000
_DISTINGUISHERS = ("ByNamespace", "ByUser")
_SUBJECTS = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")


def default(obj: Object) -> Object:
    """The middle of the order."""
    return inside(obj, "spec", lambda spec: fill_empty(spec, {"matchingPrecedence": 1000}))


def validate(obj: Object) -> Errors:
    """``spec``; precedence 1 is for the exempt schema alone."""
    name = obj["metadata"].get("name", "")
    return within("spec", _validate_spec(obj.get("spec") or EMPTY_DICT) + _validate_exempt(name, obj.get("spec") or EMPTY_DICT))


def _validate_exempt(name: str, spec: Mapping[str, Any]) -> Errors:
    if spec.get("matchingPrecedence") == 1 and name != "exempt":
        return [invalid("matchingPrecedence", 1, "only the schema named 'exempt' may have matchingPrecedence 1")]
    return []


@once
def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    precedence, distinguisher = spec.get("matchingPrecedence", 0), spec.get("distinguisherMethod")
    errors: Errors = []
    if precedence <= 0:
        errors.append(invalid("matchingPrecedence", precedence, "must be a positive value"))
    if precedence > _LOWEST:
        errors.append(invalid("matchingPrecedence", precedence, f"must not be greater than {_LOWEST}"))
    if distinguisher is not None and distinguisher.get("type") not in _DISTINGUISHERS:
        errors.append(not_supported("distinguisherMethod", {"Type": distinguisher.get("type", "")}, _DISTINGUISHERS))
    level = dig(spec, "priorityLevelConfiguration.name", "")
    errors += check("priorityLevelConfiguration.name", level, dns_subdomain) if level else [
        required("priorityLevelConfiguration.name", "must reference a priority level")
    ]  # fmt: skip
    for index, rule in enumerate(spec.get("rules") or ()):
        errors += within(f"rules[{index}]", _validate_rule(rule))
    return errors


@once
def _validate_rule(rule: Mapping[str, Any]) -> Errors:
    subjects, resources, urls = (rule.get(name) or () for name in ("subjects", "resourceRules", "nonResourceRules"))
    errors = [] if subjects else [required("subjects", "subjects must contain at least one value")]
    for index, subject in enumerate(subjects):
        errors += within(f"subjects[{index}]", _validate_subject(subject))
    if not resources and not urls:
        errors.append(required("", "at least one of resourceRules and nonResourceRules has to be non-empty"))
    for index, item in enumerate(resources):
        errors += within(f"resourceRules[{index}]", _validate_resource_rule(item))
    for index, item in enumerate(urls):
        errors += within(f"nonResourceRules[{index}]", _validate_verbs(item))
        errors += [] if item.get("nonResourceURLs") else [required(f"nonResourceRules[{index}].nonResourceURLs")]
    return errors


def _validate_subject(subject: Mapping[str, Any]) -> Errors:
    kind = subject.get("kind", "")
    if kind not in _SUBJECTS:
        return [not_supported("kind", kind, _SUBJECTS)]
    field = _SUBJECTS[kind]
    given = subject.get(field)
    errors = [] if given is not None else [required(field, f"{field} is required when subject kind is '{kind}'")]
    others = [other for other in _SUBJECTS.values() if other != field and subject.get(other) is not None]
    errors += [forbidden(other, f"{other} is forbidden when subject kind is not '{_kind_of(other)}'") for other in others]
    if given is None:
        return errors
    name = given.get("name", "")
    errors += [] if name else [required(f"{field}.name")]
    if kind == "ServiceAccount":
        errors += check(f"{field}.name", name, dns_subdomain) if name not in ("", "*") else []
        where = given.get("namespace", "")
        errors += (
            check(f"{field}.namespace", where, dns_label)
            if where
            else [required(f"{field}.namespace", "must specify namespace for service account")]
        )
    return errors


def _kind_of(field: str) -> str:
    return next(kind for kind, name in _SUBJECTS.items() if name == field)


def _validate_verbs(rule: Mapping[str, Any]) -> Errors:
    verbs = list(rule.get("verbs") or ())
    errors = [] if verbs else [required("verbs", "verbs must contain at least one value")]
    if "*" in verbs and len(verbs) > 1:
        errors.append(invalid("verbs", verbs, "if '*' is present, must not specify other verbs"))
    return errors + (
        [not_supported("verbs", verbs, (*_VERBS, "*"))] if set(verbs) - {*_VERBS, "*"} and "nonResourceURLs" not in rule else []
    )


def _validate_resource_rule(rule: Mapping[str, Any]) -> Errors:
    errors = _validate_verbs(rule)
    errors += [] if rule.get("apiGroups") else [required("apiGroups", "resource rules must supply at least one api group")]
    errors += [] if rule.get("resources") else [required("resources", "resource rules must supply at least one resource")]
    if not rule.get("namespaces") and not rule.get("clusterScope"):
        errors.append(required("namespaces", "resource rules that are not cluster scoped must supply at least one namespace"))
    for index, name in enumerate(rule.get("namespaces") or ()):
        errors += check(f"namespaces[{index}]", name, path_segment) if name != "*" else []
        errors += [duplicate(f"namespaces[{index}]", name)] if name in (rule.get("namespaces") or ())[:index] else []
    return errors


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get flowschemas``."""
    spec = obj.get("spec") or EMPTY_DICT
    level = dig(spec, "priorityLevelConfiguration.name") or NONE
    method = dig(spec, "distinguisherMethod.type") or NONE
    return [
        obj["metadata"]["name"],
        level,
        spec.get("matchingPrecedence", 0),
        method,
        age(obj, now),
        condition_status(obj, "Dangling") or "?",
    ]


EXAMPLE = {
    "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
    "kind": "FlowSchema",
    "metadata": {"name": "shop"},
    "spec": {
        "priorityLevelConfiguration": {"name": "workload-low"},
        "rules": [
            {
                "subjects": [{"kind": "Group", "group": {"name": "shop"}}],
                "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}],
            }
        ],
    },
}

RESOURCE = served(
    "flowcontrol.apiserver.k8s.io/v1",
    "FlowSchema",
    default=default,
    validate=validate,
    cells=cells,
    counts_generation=True,
    example=EXAMPLE,
)
