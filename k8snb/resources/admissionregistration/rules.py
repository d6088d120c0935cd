"""What webhooks and admission policies share: which requests they are about.

Models: staging/src/k8s.io/api/admissionregistration, pkg/apis/admissionregistration/{v1/defaults,validation/validation}.go.
CEL expressions are compiled in :mod:`k8snb.resources.admissionregistration.expressions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.apimachinery.cel import BOOL
from k8snb.apimachinery.errors import Errors, duplicate, forbidden, invalid, not_supported, required, too_many, within
from k8snb.apimachinery.objects import Object, put
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, dns_1035_label, dns_subdomain, one_of, qualified_name, validate_label_selector
from k8snb.resources.admissionregistration.expressions import validate_expression
from k8snb.resources.common.fill import each, fill, where_given
from k8snb.resources.common.formats import path_segment

FAILURE_POLICIES = ("Fail", "Ignore")
MATCH_POLICIES = ("Equivalent", "Exact")
REINVOCATION_POLICIES = ("IfNeeded", "Never")
_OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_SCOPES = ("*", "Cluster", "Namespaced")
_MOST_CONDITIONS = 64
_NAME_OR_SELECTOR = "name and selector are mutually exclusive"


@once
def default_rule(rule: Mapping[str, Any]) -> Any:
    """Rules are about both namespaced and cluster-wide objects."""
    return fill(rule, {"scope": "*"})


@once
def default_match_resources(match: Mapping[str, Any]) -> Any:
    """Equivalent kinds match too, in every namespace, with any labels."""
    match = fill(match, {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}})
    for name in ("resourceRules", "excludeResourceRules"):
        match = where_given(match, name, each(default_rule))
    return match


@once
def validate_rule(rule: Mapping[str, Any]) -> Errors:
    """Resource names where a policy has them, operations, groups, versions, resources, scope."""
    names, operations = rule.get("resourceNames") or (), rule.get("operations") or ()
    errors: Errors = []
    for index, name in enumerate(names):
        errors += check(f"resourceNames[{index}]", name, path_segment)
        errors += [duplicate(f"resourceNames[{index}]", name)] if name in names[:index] else []
    errors += ([] if operations else [required("operations")]) + _wildcard("operations", operations, "operations")
    errors += [not_supported(f"operations[{i}]", op, _OPERATIONS) for i, op in enumerate(operations) if op not in _OPERATIONS]
    for name, words in (("apiGroups", "API groups"), ("apiVersions", "API versions")):
        values = rule.get(name) or ()
        errors += ([] if values else [required(name)]) + _wildcard(name, values, words)
    errors += [required(f"apiVersions[{i}]") for i, version in enumerate(rule.get("apiVersions") or ()) if not version]
    errors += _validate_resources(rule.get("resources") or ())
    scope = rule.get("scope")
    return errors + (one_of("scope", scope, _SCOPES) if scope is not None else [])


def _wildcard(field: str, values: Sequence[str], words: str) -> Errors:
    if len(values) > 1 and "*" in values:
        return [invalid(field, list(values), f"if '*' is present, must not specify other {words}")]
    return []


def _validate_resources(resources: Sequence[str]) -> Errors:
    """As upstream: a name is compared with those before it, and ``*`` with the last name that has no subresource."""
    if not resources:
        return [required("resources")]
    errors: Errors = []
    whole: set[str] = set()
    every: set[str] = set()
    plain = False
    for index, name in enumerate(resources):
        resource, slash, sub = name.partition("/")
        field = f"resources[{index}]"
        if not name:
            errors.append(required(field))
        elif not slash:
            plain = name != "*"
        else:
            errors += [invalid(field, name, f"if '{resource}/*' is present, must not specify {name}")] if resource in whole else []
            errors += [invalid(field, name, f"if '*/{sub}' is present, must not specify {name}")] if sub in every else []
            whole |= {resource} if sub == "*" else set()
            every |= {sub} if resource == "*" else set()
    if len(resources) > 1 and "*/*" in resources:
        errors.append(invalid("resources", list(resources), "if '*/*' is present, must not specify other resources"))
    if "*" in resources and plain:
        errors.append(invalid("resources", list(resources), "if '*' is present, must not specify other resources without subresources"))
    return errors


@once
def validate_match_resources(match: Mapping[str, Any]) -> Errors:
    """``matchConstraints`` of a policy, ``matchResources`` of a binding."""
    policy = match.get("matchPolicy")
    errors = [required("matchPolicy")] if policy is None else one_of("matchPolicy", policy, MATCH_POLICIES)
    for name in ("namespaceSelector", "objectSelector"):
        selector = match.get(name)
        errors += [required(name)] if selector is None else within(name, validate_label_selector(selector))
    for name in ("resourceRules", "excludeResourceRules"):
        for index, rule in enumerate(match.get(name) or ()):
            errors += within(f"{name}[{index}]", validate_rule(rule))
    return errors


def validate_match_conditions(conditions: Sequence[Mapping[str, Any]], known: Mapping[str, str]) -> Errors:
    """Names, and expressions over the variables that are ``known``. Paths start with an index."""
    errors = [] if len(conditions) <= _MOST_CONDITIONS else [too_many("", len(conditions), _MOST_CONDITIONS)]
    for index, condition in enumerate(conditions):
        name, expression = condition.get("name", ""), condition.get("expression", "").strip()
        errors += (
            validate_expression(f"[{index}].expression", expression, known, (BOOL,)) if expression else [required(f"[{index}].expression")]
        )
        errors += check(f"[{index}].name", name, qualified_name) if name else [required(f"[{index}].name")]
        if name and name in [other.get("name") for other in conditions[:index]]:
            errors.append(duplicate(f"[{index}].name", name))
    return errors


def validate_selectors(hook: Mapping[str, Any]) -> Errors:
    """The two selectors of a webhook, where it has them."""
    names = ("namespaceSelector", "objectSelector")
    return [e for name in names if hook.get(name) is not None for e in within(name, validate_label_selector(hook[name]))]


def validate_param_kind(kind: Mapping[str, Any]) -> Errors:
    """The kind of a policy's parameters."""
    version, name = kind.get("apiVersion", ""), kind.get("kind", "")
    errors = _validate_group_version(version) if version else [required("apiVersion")]
    if not name:
        return [*errors, required("kind")]
    wrong = dns_1035_label(name.lower())
    return errors + ([invalid("kind", name, f"may have mixed case, but should otherwise match: {','.join(wrong)}")] if wrong else [])


def _validate_group_version(text: str) -> Errors:
    if text.count("/") > 1:
        return [invalid("apiVersion", text, f"unexpected GroupVersion string: {text}")]
    group, _, version = text.rpartition("/")
    wrong = dns_subdomain(group) if group else []
    errors = [invalid("apiVersion", group, ",".join(wrong))] if wrong else []
    if not version:
        return [*errors, invalid("apiVersion", text, "version must be specified")]
    wrong = dns_1035_label(version)
    return errors + ([invalid("apiVersion", version, ",".join(wrong))] if wrong else [])


def default_param_ref(spec: Mapping[str, Any]) -> Any:
    """Missing parameters deny."""
    return where_given(spec, "paramRef", lambda reference: fill(reference, {"parameterNotFoundAction": "Deny"}))


def validate_param_ref(reference: Mapping[str, Any]) -> Errors:
    """By name or by selector, and what to do when there is nothing."""
    name, selector, action = reference.get("name", ""), reference.get("selector"), reference.get("parameterNotFoundAction")
    errors: Errors = []
    if name:
        errors += check("name", name, path_segment)
        errors += [forbidden("name", _NAME_OR_SELECTOR)] if selector is not None else []
    if selector is not None:
        errors += within("selector", validate_label_selector(selector))
        errors += [forbidden("selector", _NAME_OR_SELECTOR)] if name else []
    if not name and selector is None:
        errors.append(required("", "one of name or selector must be specified"))
    if not action:
        return [*errors, required("parameterNotFoundAction")]
    return errors + one_of("parameterNotFoundAction", action, ["Deny", "Allow"])


def param_ref_cell(reference: Mapping[str, Any] | None, unset: str) -> str:
    """The ParamRef column."""
    if reference is None:
        return unset
    where = f"{reference['namespace']}/" if reference.get("namespace") else ""
    return f"{where}{reference.get('name') or '*'}"


def count_webhook_generation(obj: Object, old: Object) -> Object:
    """A change of the webhooks counts a generation: these kinds have no ``spec``."""
    if obj.get("webhooks") == old.get("webhooks"):
        return obj
    return put(obj, "metadata.generation", old["metadata"].get("generation", 0) + 1)
