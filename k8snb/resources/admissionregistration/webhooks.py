"""The rules for one admission webhook, validating or mutating. Paths are relative to it.

Models: pkg/apis/admissionregistration/validation/validation.go (validateValidatingWebhook),
k8s.io/apiserver/pkg/util/webhook/validation.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from k8snb.apimachinery.errors import Errors, duplicate, invalid, not_supported, required, within
from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import dns_1035_label, dns_subdomain, one_of, port_number
from k8snb.resources.admissionregistration.expressions import plain_variables
from k8snb.resources.admissionregistration.rules import (
    FAILURE_POLICIES,
    MATCH_POLICIES,
    REINVOCATION_POLICIES,
    default_rule,
    validate_match_conditions,
    validate_rule,
    validate_selectors,
)
from k8snb.resources.common.cells import age
from k8snb.resources.common.fill import each, fill, where_given

_REVIEW_VERSIONS = ("v1", "v1beta1")
_SIDE_EFFECTS = ("None", "NoneOnDryRun")
_FORM = "; desired format: https://host[/path]"


@once
def default_webhook(hook: Mapping[str, Any]) -> Any:
    """Refuse when the webhook does not answer within ten seconds."""
    values = {"failurePolicy": "Fail", "matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}, "timeoutSeconds": 10}
    hook = where_given(fill(hook, values), "rules", each(default_rule))
    return where_given(hook, "clientConfig", default_client_config)


def default_client_config(config: Mapping[str, Any]) -> Any:
    """HTTPS has its port."""
    return where_given(config, "service", lambda service: fill(service, {"port": 443}))


def validate_webhooks(obj: Object) -> Errors:
    """All webhooks of a configuration; their names are unique."""
    errors: Errors = []
    names: list[str] = []
    for index, hook in enumerate(obj.get("webhooks") or ()):
        errors += within(f"webhooks[{index}]", _validate_webhook(hook))
        name = hook.get("name", "")
        errors += [duplicate(f"webhooks[{index}].name", name)] if name and name in names else []
        names.append(name)
    return errors


@once
def _validate_webhook(hook: Mapping[str, Any]) -> Errors:
    errors = _fully_qualified(hook.get("name", ""))
    for index, rule in enumerate(hook.get("rules") or ()):
        errors += within(f"rules[{index}]", validate_rule(rule))
    errors += _chosen(hook, "failurePolicy", FAILURE_POLICIES) + _chosen(hook, "matchPolicy", MATCH_POLICIES)
    effects, seconds = hook.get("sideEffects"), hook.get("timeoutSeconds")
    if effects is None:
        errors.append(required("sideEffects", f"must specify one of {', '.join(_SIDE_EFFECTS)}"))
    elif effects not in _SIDE_EFFECTS:
        errors.append(not_supported("sideEffects", effects, _SIDE_EFFECTS))
    if seconds is not None and not 1 <= seconds <= 30:
        errors.append(invalid("timeoutSeconds", seconds, "the timeout value must be between 1 and 30 seconds"))
    errors += validate_selectors(hook) + _chosen(hook, "reinvocationPolicy", REINVOCATION_POLICIES)
    errors += within("clientConfig", validate_client_config(hook.get("clientConfig") or {}))
    errors += within("matchConditions", validate_match_conditions(hook.get("matchConditions") or (), plain_variables({})))
    return errors + within("admissionReviewVersions", _validate_versions(hook.get("admissionReviewVersions") or ()))


def _chosen(hook: Mapping[str, Any], name: str, choices: Sequence[str]) -> Errors:
    return one_of(name, hook[name], choices) if hook.get(name) is not None else []


def _fully_qualified(name: str) -> Errors:
    if not name:
        return [required("name")]
    if wrong := dns_subdomain(name):
        return [invalid("name", name, ",".join(wrong))]
    if name.count(".") < 2:
        return [invalid("name", name, "should be a domain with at least three segments separated by dots")]
    return []


def _validate_versions(versions: Sequence[str]) -> Errors:
    known = ", ".join(_REVIEW_VERSIONS)
    if not versions:
        return [required("", f"must specify one of {known}")]
    errors: Errors = []
    for index, version in enumerate(versions):
        if version in versions[:index]:
            errors.append(invalid(f"[{index}]", version, "duplicate version"))
        else:
            errors += [invalid(f"[{index}]", version, message) for message in dns_1035_label(version)]
    if not set(versions) & set(_REVIEW_VERSIONS):
        errors.append(invalid("", list(versions), f"must include at least one of {known}"))
    return errors


def validate_client_config(config: Mapping[str, Any]) -> Errors:
    """Either a URL or a Service; relative to ``clientConfig``."""
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        return [required("", "exactly one of url or service is required")]
    return within("url", _validate_url(url)) if url is not None else within("service", validate_service(service or {}))


def _validate_url(url: str) -> Errors:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        return [required("", f"url must be a valid URL: {error}{_FORM}")]
    errors = [] if parts.scheme == "https" else [invalid("", parts.scheme, f"'https' is the only allowed URL scheme{_FORM}")]
    if not parts.netloc:
        errors.append(invalid("", parts.netloc, f"host must be specified{_FORM}"))
    if "@" in parts.netloc:
        errors.append(invalid("", parts.netloc.rpartition("@")[0], "user information is not permitted in the URL"))
    if parts.fragment:
        errors.append(invalid("", parts.fragment, "fragments are not permitted in the URL"))
    return errors + ([invalid("", parts.query, "query parameters are not permitted in the URL")] if parts.query else [])


def validate_service(service: Mapping[str, Any]) -> Errors:
    """The Service behind which a webhook listens."""
    errors = [required(name, f"service {name} is required") for name in ("name", "namespace") if not service.get(name)]
    wrong = port_number(service.get("port", 443))
    errors += [invalid("port", service["port"], f"port is not valid: {','.join(wrong)}")] if wrong else []
    path = service.get("path")
    return errors if path in (None, "", "/") else errors + _validate_path(str(path))


def _validate_path(path: str) -> Errors:
    if path == "//":
        return [invalid("path", path, "segment[0] may not be empty")]
    errors = [] if path.startswith("/") else [invalid("path", path, "must start with a '/'")]
    for index, step in enumerate(path[1:].removesuffix("/").split("/")):
        wrong = dns_subdomain(step) if step else []
        errors += [invalid("path", path, f"segment[{index}]: {message}") for message in wrong]
        errors += [] if step else [invalid("path", path, f"segment[{index}] may not be empty")]
    return errors


def webhook_cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get validatingwebhookconfigurations``."""
    return [obj["metadata"]["name"], len(obj.get("webhooks") or ()), age(obj, now)]


def example(kind: str) -> dict[str, Any]:
    """The example of a kind of webhooks."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": "judge"},
        "webhooks": [
            {
                "name": "judge.example.com",
                "clientConfig": {"service": {"namespace": "default", "name": "judge"}},
                "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}],
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
            }
        ],
    }
