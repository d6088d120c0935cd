"""FlowSchemas: which requests belong together, and which priority level serves them.

Models: pkg/apis/flowcontrol/validation/validation.go, pkg/apis/flowcontrol/v1/defaults.go, printFlowSchema.
Simplified: the simulator answers every request at once; nothing waits in a queue. The two mandatory schemas may be changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden, invalid, not_supported, required, within
from k8snb.apimachinery.meta import condition_status
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, dns_label, dns_subdomain
from k8snb.resources.common.cells import NONE, age
from k8snb.resources.common.fill import fill_empty, inside
from k8snb.resources.discovery import served

_LOWEST = 10_000
_DISTINGUISHERS = ("ByNamespace", "ByUser")
_SUBJECTS = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}
_NAMESPACES = "each member of this list must be '*' or a DNS-1123 label; "
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
        errors.append(not_supported("distinguisherMethod.type", {"Type": distinguisher.get("type", "")}, _DISTINGUISHERS))
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
        errors += within(f"nonResourceRules[{index}]", _validate_verbs(item) + _validate_urls(item.get("nonResourceURLs") or ()))
    return errors


def _validate_urls(urls: Sequence[str]) -> Errors:
    if not urls:
        return [required("nonResourceURLs", "nonResourceURLs must contain at least one value")]
    if "*" in urls:
        return _alone("nonResourceURLs", urls, "non-resource URLs")
    wrong = ((index, url, _wrong_url(url)) for index, url in enumerate(urls))
    return [invalid(f"nonResourceURLs[{index}]", url, why) for index, url, why in wrong if why]


def _wrong_url(url: str) -> str:
    """What is wrong with a path; empty for a sound one."""
    if not url.startswith("/"):
        return "must start with slash" if url else "must not be empty"
    if " " in url:
        return "must not contain white-space"
    if "//" in url:
        return "must not contain double slash"
    stars = url.count("*")
    return "wildcard can only do suffix matching" if stars > 1 or (stars and not url.endswith("/*")) else ""


def _alone(field: str, values: Sequence[str], words: str) -> Errors:
    """``*`` stands for all, so nothing may stand beside it."""
    return [invalid(field, list(values), f"if '*' is present, must not specify other {words}")] if len(values) > 1 and "*" in values else []


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
    if "*" in verbs:
        return _alone("verbs", verbs, "verbs")
    return errors + ([not_supported("verbs", verbs, _VERBS)] if set(verbs) - set(_VERBS) else [])


def _validate_resource_rule(rule: Mapping[str, Any]) -> Errors:
    errors = _validate_verbs(rule)
    for name, one, many in (("apiGroups", "api group", "api groups"), ("resources", "resource", "resources")):
        values = rule.get(name) or ()
        errors += _alone(name, values, many) if values else [required(name, f"resource rules must supply at least one {one}")]
    spaces = rule.get("namespaces") or ()
    if not spaces and not rule.get("clusterScope"):
        errors.append(required("namespaces", "resource rules that are not cluster scoped must supply at least one namespace"))
    if "*" in spaces:
        return errors + _alone("namespaces", spaces, "namespaces")
    wrong = ((index, name, message) for index, name in enumerate(spaces) for message in dns_label(name))
    return errors + [invalid(f"namespaces[{index}]", name, _NAMESPACES + message) for index, name, message in wrong]


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
