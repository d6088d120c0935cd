"""Where a pod may run: node selectors, affinity, tolerations, spreading; and how it finds names.

Models: pkg/apis/core/validation/validation.go (ValidateNodeSelector, validateAffinity, ValidateTolerations,
validateTopologySpreadConstraints, validatePodDNSConfig).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.apimachinery.errors import Errors, duplicate, forbidden, invalid, not_supported, required, within
from k8snb.apimachinery.objects import EMPTY_DICT
from k8snb.apimachinery.validation import (
    check,
    dns_label,
    dns_subdomain,
    dns_subdomain_with_underscore,
    label_value,
    qualified_name,
    validate_label_selector,
)
from k8snb.resources.common.formats import ip

Items = Sequence[Mapping[str, Any]]
REQUIRED, PREFERRED = "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def _validate_requirement(requirement: Mapping[str, Any], *, check_values: bool) -> Errors:
    operator, values = requirement.get("operator", ""), requirement.get("values") or ()
    errors: Errors = []
    if operator in ("In", "NotIn"):
        errors += [] if values else [required("values", "must be specified when `operator` is 'In' or 'NotIn'")]
    elif operator in ("Exists", "DoesNotExist"):
        errors += [forbidden("values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")] if values else []
    elif operator in ("Gt", "Lt"):
        errors += [] if len(values) == 1 else [required("values", "must be specified single value when `operator` is 'Lt' or 'Gt'")]
    else:
        errors.append(invalid("operator", operator, "not a valid selector operator"))
    errors += check("key", requirement.get("key", ""), qualified_name)
    if check_values:
        errors += [error for index, value in enumerate(values) for error in check(f"values[{index}]", value, label_value)]
    return errors


def _validate_field_requirement(requirement: Mapping[str, Any]) -> Errors:
    operator, key, values = requirement.get("operator", ""), requirement.get("key", ""), requirement.get("values") or ()
    errors: Errors = []
    if operator not in ("In", "NotIn"):
        errors.append(invalid("operator", operator, "not a valid selector operator"))
    elif len(values) != 1:
        errors.append(required("values", "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"))
    if key != "metadata.name":
        return [*errors, invalid("key", key, "not a valid field selector key")]
    return errors + [error for index, value in enumerate(values) for error in check(f"values[{index}]", value, dns_subdomain)]


def _validate_term(term: Mapping[str, Any], *, check_values: bool) -> Errors:
    errors: Errors = []
    for index, requirement in enumerate(term.get("matchExpressions") or ()):
        errors += within(f"matchExpressions[{index}]", _validate_requirement(requirement, check_values=check_values))
    for index, requirement in enumerate(term.get("matchFields") or ()):
        errors += within(f"matchFields[{index}]", _validate_field_requirement(requirement))
    return errors


def validate_node_selector(selector: Mapping[str, Any]) -> Errors:
    """A ``NodeSelector``: at least one term, each sound."""
    terms = selector.get("nodeSelectorTerms") or ()
    if not terms:
        return [required("nodeSelectorTerms", "must have at least one node selector term")]
    return [e for i, term in enumerate(terms) for e in within(f"nodeSelectorTerms[{i}]", _validate_term(term, check_values=True))]


def _weight(index: int, term: Mapping[str, Any]) -> Errors:
    weight = term.get("weight", 0)
    return [] if 1 <= weight <= 100 else [invalid(f"[{index}].weight", weight, "must be in the range 1-100")]


def _validate_node_affinity(affinity: Mapping[str, Any]) -> Errors:
    errors: Errors = []
    if affinity.get(REQUIRED) is not None:
        errors += within(REQUIRED, validate_node_selector(affinity[REQUIRED]))
    for index, term in enumerate(affinity.get(PREFERRED) or ()):
        found = _weight(index, term) + within(
            f"[{index}].preference", _validate_term(term.get("preference") or EMPTY_DICT, check_values=False)
        )
        errors += within(PREFERRED, found)
    return errors


def _validate_pod_term(term: Mapping[str, Any]) -> Errors:
    errors: Errors = []
    for field in ("labelSelector", "namespaceSelector"):
        if term.get(field) is not None:
            errors += within(field, validate_label_selector(term[field]))
    for namespace in term.get("namespaces") or ():
        errors += check("namespace", namespace, dns_label)
    errors += _validate_label_keys(term)
    key = term.get("topologyKey", "")
    return errors + ([] if key else [required("topologyKey", "can not be empty")]) + check("topologyKey", key, qualified_name)


def _validate_label_keys(term: Mapping[str, Any]) -> Errors:
    matching, selector = term.get("matchLabelKeys") or (), term.get("labelSelector")
    errors: Errors = []
    for field in ("matchLabelKeys", "mismatchLabelKeys"):
        keys = term.get(field) or ()
        if keys and selector is None:
            errors.append(forbidden(field, "must not be specified when labelSelector is not set"))
        elif keys:
            errors += [error for index, key in enumerate(keys) for error in check(f"{field}[{index}]", key, qualified_name)]
    seen = set((selector or EMPTY_DICT).get("matchLabels") or ())
    for expression in (selector or EMPTY_DICT).get("matchExpressions") or ():
        key = expression.get("key", "")
        if key in matching and key in seen:
            errors.append(invalid(f"[{list(matching).index(key)}]", key, "exists in both matchLabelKeys and labelSelector"))
        seen.add(key)
    both = set(term.get("mismatchLabelKeys") or ())
    why = "exists in both matchLabelKeys and mismatchLabelKeys"
    return errors + [invalid(f"matchLabelKeys[{index}]", key, why) for index, key in enumerate(matching) if key in both]


def _validate_pod_affinity(affinity: Mapping[str, Any]) -> Errors:
    errors: Errors = []
    for index, term in enumerate(affinity.get(REQUIRED) or ()):
        errors += within(f"{REQUIRED}[{index}]", _validate_pod_term(term))
    for index, weighted in enumerate(affinity.get(PREFERRED) or ()):
        term = weighted.get("podAffinityTerm") or EMPTY_DICT
        errors += within(PREFERRED, _weight(index, weighted) + within(f"[{index}].podAffinityTerm", _validate_pod_term(term)))
    return errors


def validate_affinity(affinity: Mapping[str, Any]) -> Errors:
    """``affinity``: to nodes, to pods, and against pods."""
    rules = {"nodeAffinity": _validate_node_affinity, "podAffinity": _validate_pod_affinity, "podAntiAffinity": _validate_pod_affinity}
    return [e for field, rule in rules.items() if affinity.get(field) is not None for e in within(field, rule(affinity[field]))]


def taint_effect(field: str, effect: str) -> Errors:
    """What a taint does to pods."""
    return [] if effect in EFFECTS else [not_supported(field, effect, EFFECTS)]


def validate_tolerations(tolerations: Items) -> Errors:
    """Which taints a pod endures."""
    return [e for i, toleration in enumerate(tolerations) for e in within(f"[{i}]", _validate_toleration(toleration))]


def _validate_toleration(toleration: Mapping[str, Any]) -> Errors:
    key, operator = toleration.get("key", ""), toleration.get("operator", "")
    value, effect = toleration.get("value", ""), toleration.get("effect", "")
    errors = check("key", key, qualified_name) if key else []
    if not key and operator != "Exists":
        errors.append(
            invalid("operator", operator, 'operator must be Exists when `key` is empty, which means "match all values and all keys"')
        )
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        errors.append(invalid("effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"))
    if operator in ("", "Equal"):
        if wrong := label_value(value):
            errors.append(invalid("operator", value, ";".join(wrong)))
    elif operator == "Exists":
        if value:
            errors.append(invalid("operator", value, "value must be empty when `operator` is 'Exists'"))
    else:
        known = ("Equal", "Exists", "Lt", "Gt") if operator in ("Lt", "Gt") else ("Equal", "Exists")
        errors.append(not_supported("operator", operator, known))
    return errors + (taint_effect("effect", effect) if effect else [])


def validate_spread(constraints: Items) -> Errors:
    """How evenly pods spread."""
    errors: Errors = []
    for index, constraint in enumerate(constraints):
        errors += within(f"[{index}]", _validate_constraint(constraint, constraints[index + 1 :]))
    return errors


def _validate_constraint(constraint: Mapping[str, Any], following: Items) -> Errors:
    skew, key, action = constraint.get("maxSkew", 0), constraint.get("topologyKey", ""), constraint.get("whenUnsatisfiable", "")
    errors = [] if skew > 0 else [invalid("maxSkew", skew, "must be greater than zero")]
    errors += [] if key else [required("topologyKey", "can not be empty")]
    if action not in ("DoNotSchedule", "ScheduleAnyway"):
        errors.append(not_supported("whenUnsatisfiable", action, ("DoNotSchedule", "ScheduleAnyway")))
    if any(other.get("topologyKey") == key and other.get("whenUnsatisfiable") == action for other in following):
        errors.append(duplicate("{topologyKey, whenUnsatisfiable}", f"{{{key}, {action}}}"))
    domains = constraint.get("minDomains")
    if domains is not None and domains <= 0:
        errors.append(invalid("minDomains", domains, "must be greater than zero"))
    if domains is not None and action != "DoNotSchedule":
        errors.append(invalid("minDomains", domains, f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"))
    for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
        if constraint.get(field) not in (None, "Honor", "Ignore"):
            errors.append(not_supported(field, constraint[field], ("Honor", "Ignore")))
    errors += _validate_label_keys(constraint)
    selector = constraint.get("labelSelector")
    return errors + (within("labelSelector", validate_label_selector(selector)) if selector is not None else [])


def validate_gates(gates: Items) -> Errors:
    """What a pod waits for before it is scheduled."""
    errors: Errors = []
    seen: set[str] = set()
    for index, gate in enumerate(gates):
        name = gate.get("name", "")
        errors += check(f"[{index}]", name, qualified_name)
        errors += [duplicate(f"[{index}]", name)] if name in seen else []
        seen.add(name)
    return errors


def validate_dns(config: Mapping[str, Any] | None, policy: str) -> Errors:
    """``dnsConfig``, which the policy None demands."""
    if policy == "None" and config is None:
        return [required("", "must provide `dnsConfig` when `dnsPolicy` is None")]
    if policy == "None" and not (config or EMPTY_DICT).get("nameservers"):
        return [required("nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None")]
    return _validate_dns_config(config) if config else []


def _validate_dns_config(config: Mapping[str, Any]) -> Errors:
    servers, searches = config.get("nameservers") or (), config.get("searches") or ()
    errors: Errors = []
    if len(servers) > 3:
        errors.append(invalid("nameservers", list(servers), "must not have more than 3 nameservers"))
    errors += [error for index, server in enumerate(servers) for error in ip(f"nameservers[{index}]", server)]
    if len(searches) > 32:
        errors.append(invalid("searches", list(searches), "must not have more than 32 search paths"))
    if len(" ".join(searches)) > 2048:
        errors.append(invalid("searches", list(searches), "must not have more than 2048 characters (including spaces) in the search list"))
    for index, search in enumerate(searches):
        if search != ".":
            errors += check(f"searches[{index}]", search.removesuffix("."), dns_subdomain_with_underscore)
    for index, option in enumerate(config.get("options") or ()):
        errors += [] if option.get("name") else [required(f"options[{index}]", "must not be empty")]
    return errors


def validate_host_aliases(aliases: Items) -> Errors:
    """Lines for ``/etc/hosts``."""
    errors: Errors = []
    for index, alias in enumerate(aliases):
        errors += ip(f"[{index}].ip", alias.get("ip", ""))
        for number, name in enumerate(alias.get("hostnames") or ()):
            errors += check(f"[{index}].hostnames[{number}]", name, dns_subdomain)
    return errors
