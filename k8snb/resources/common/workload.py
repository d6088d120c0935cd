"""What the kinds that make pods from a template share: the selector, how it meets the template, surge and percentages.

All validations are relative to the ``spec`` they are given, and remembered on it.

Models: pkg/apis/apps/validation/validation.go (ValidatePodTemplateSpecForReplicaSet, ValidateRollingUpdateDeployment),
pkg/apis/core/validation (ValidatePodTemplateSpecForRC), pkg/api/pod/warnings.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, FieldError, forbidden, invalid, not_supported, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.selectors import from_label_selector
from k8snb.apimachinery.strconv import integer
from k8snb.apimachinery.validation import IMMUTABLE, check, dns_label, not_negative, percentage, validate_label_selector
from k8snb.resources.common.internal_form import internal
from k8snb.resources.common.pod_template import validate_pod_template, warnings_for_pod_template

IntOrString = int | str


def shown_selector(selector: Mapping[str, Any]) -> dict[str, Any]:
    """A selector as Go prints it in an error: its fields in their order, its labels sorted."""
    shown: dict[str, Any] = {}
    if selector.get("matchLabels"):
        shown["matchLabels"] = dict(sorted(selector["matchLabels"].items()))
    if selector.get("matchExpressions"):
        names = ("key", "operator", "values")
        shown["matchExpressions"] = [{n: e.get(n, "") for n in names if n != "values" or e.get(n)} for e in selector["matchExpressions"]]
    return shown


def shown_template(template: Mapping[str, Any]) -> dict[str, Any]:
    """A pod template as Go prints its internal form: metadata without a field of its own, then the whole spec."""
    return {**(template.get("metadata") or EMPTY_DICT), "Spec": internal("PodSpec", template.get("spec") or EMPTY_DICT)}


def immutable_selector(obj: Object, old: Object) -> Errors:
    """The selector stays."""
    new, before = obj["spec"].get("selector"), old["spec"].get("selector")
    return [] if new == before else [invalid("spec.selector", None if new is None else shown_selector(new), IMMUTABLE)]


MISMATCH = "`selector` does not match template `labels`"


def validate_selector(spec: Mapping[str, Any], empty: str) -> Errors:
    """``spec.selector``: given, well-formed, not empty. ``empty`` is the sentence for an empty one."""
    selector = spec.get("selector")
    if selector is None:
        return [required("selector")]
    errors = within("selector", validate_label_selector(selector))
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        errors.append(invalid("selector", shown_selector(selector), empty))
    return errors


def validate_template_labels(spec: Mapping[str, Any], *, why: str = "invalid label selector", always: bool = False) -> tuple[bool, Errors]:
    """Whether the selector can be read, and the error where it does not match the labels of the template.

    A selector that selects everything needs no labels (``always`` compares all the same); one that is absent selects
    nothing, so nothing matches it.
    """
    labels, found = dig(spec, "template.metadata.labels"), spec.get("selector")
    if found is not None and validate_label_selector(found):
        return False, [invalid("selector", shown_selector(found), why)]
    selector = from_label_selector(found)
    if (selector.empty and not always) or selector.matches(labels or EMPTY_DICT):
        return True, []
    return True, [mismatch(labels)]


def mismatch(labels: Mapping[str, str] | None) -> FieldError:
    """The labels of a template that its own selector does not select."""
    return invalid("template.metadata.labels", labels and dict(sorted(labels.items())), MISMATCH)


def validate_always_template(spec: Mapping[str, Any], kind: str) -> Errors:
    """The template of a kind whose pods run for ever."""
    readable, errors = validate_template_labels(spec)
    if not readable:
        return errors
    template = spec.get("template") or EMPTY_DICT
    errors = errors + within("template", validate_pod_template(template))
    errors += only_restart_always(template)
    if dig(template, "spec.activeDeadlineSeconds") is not None:
        errors.append(forbidden("template.spec.activeDeadlineSeconds", f"activeDeadlineSeconds in {kind} is not Supported"))
    return errors


def only_restart_always(template: Mapping[str, Any]) -> Errors:
    """The restart policy of pods that a controller replaces."""
    policy = dig(template, "spec.restartPolicy", "")
    return [] if policy == "Always" else [not_supported("template.spec.restartPolicy", policy, ["Always"])]


def validate_int_or_percent(field: str, value: IntOrString) -> Errors:
    """A number that is not negative, or a percentage."""
    return check(field, value, percentage) if isinstance(value, str) else not_negative(field, value)


LARGEST = (1 << 63) - 1  # what Go reads of a number that is larger


def percent_of(value: IntOrString) -> int | None:
    """The number of a percentage; None where the value is none."""
    if not isinstance(value, str) or percentage(value):
        return None
    found = integer(value[:-1])
    return LARGEST if found is None else found


def plain_number(value: IntOrString) -> int:
    """The value as the checks for zero see it: 25 for both 25 and "25%"."""
    percent = percent_of(value)
    if percent is not None:
        return percent
    return value if isinstance(value, int) else integer(value) or 0


def not_more_than_all(field: str, value: IntOrString) -> Errors:
    """A percentage is at most 100."""
    return [invalid(field, value, "must not be greater than 100%")] if (percent_of(value) or 0) > 100 else []


def workload_warnings(obj: Object, old: Object | None) -> list[str]:
    """Warnings about the template, and on creation about a name that makes a poor host name."""
    return (name_warnings(obj) if old is None else []) + template_warnings(obj, old)


def name_warnings(obj: Object) -> list[str]:
    """The name of what makes pods becomes part of theirs, and so of host names."""
    wrong = dns_label(obj["metadata"].get("name", ""))
    words = "this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended"
    return [f"metadata.name: {words}: [{' '.join(wrong)}]"] if wrong else []


def template_warnings(obj: Object, old: Object | None) -> list[str]:
    """Warnings about ``spec.template`` when it is new or changed."""
    if old is not None and old["metadata"].get("generation") == obj["metadata"].get("generation"):
        return []
    before = dig(old, "spec.template") if old is not None else None
    return warnings_for_pod_template("spec.template", dig(obj, "spec.template", EMPTY_DICT), before)
