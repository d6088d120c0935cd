"""What the kinds refuse, in which words: the example of a kind, damaged in one place, and what the server then says."""

from typing import Any

import pytest

from k8snb.apimachinery.objects import drop, freeze, put
from k8snb.resources import OWN

BY_KIND = {resource.kind: resource for resource in OWN if resource.group not in ("", "events.k8s.io")}
BY_KIND["HorizontalPodAutoscaler"] = next(r for r in OWN if r.kind == "HorizontalPodAutoscaler" and r.version == "v2")
GONE = object()


def errors(kind: str, path: Any, value: Any) -> list[str]:
    """The errors of the kind's example with ``value`` at ``path``."""
    resource = BY_KIND[kind]
    example = freeze(resource.example)
    broken = drop(example, path) if value is GONE else put(example, path, value)
    obj = _created(resource, broken)
    return [str(error) for error in [*resource.validate(obj), *resource.validate_create(obj)]]


def _created(resource: Any, example: Any) -> Any:
    obj = resource.default(example)
    system = {"uid": "0f3a", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return resource.prepare_for_create(put(obj, "metadata", {**obj.get("metadata", {}), **system, "namespace": "shop"}))


REFUSED = [
    ("Deployment", "spec.replicas", -1, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
    (
        "Deployment",
        "spec.strategy",
        {"type": "Rolling"},
        'spec.strategy: Unsupported value: {"Type":"Rolling","RollingUpdate":null}: supported values: "Recreate", "RollingUpdate"',
    ),
    (
        "Deployment",
        "spec.progressDeadlineSeconds",
        0,
        "spec.progressDeadlineSeconds: Invalid value: 0: must be greater than minReadySeconds",
    ),
    ("Deployment", "spec.selector", {}, "spec.selector: Invalid value: {}: empty selector is invalid for deployment"),
    (
        "Deployment",
        "spec.template.spec.activeDeadlineSeconds",
        5,
        "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported",
    ),
    ("StatefulSet", "spec.serviceName", "a.b", 'spec.serviceName: Invalid value: "a.b": must not contain dots'),
    (
        "StatefulSet",
        "spec.selector",
        {"matchExpressions": [{"key": "a", "operator": "?"}]},
        'spec.selector: Invalid value: {"matchExpressions":[{"key":"a","operator":"?"}]}',
    ),
    (
        "StatefulSet",
        "spec.volumeClaimTemplates",
        [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}],
        "spec.volumeClaimTemplates[0].spec.resources[storage]: Required value",
    ),
    (
        "DaemonSet",
        "spec.updateStrategy",
        {"type": "x"},
        'spec.updateStrategy: Unsupported value: {"Type":"x","RollingUpdate":null}: supported values: "RollingUpdate", "OnDelete"',
    ),
    (
        "DaemonSet",
        "spec.updateStrategy",
        {"rollingUpdate": {"maxSurge": 1}},
        "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero",
    ),
    (
        "StatefulSet",
        "spec.podManagementPolicy",
        "Any",
        "spec.podManagementPolicy: Invalid value: \"Any\": must be 'OrderedReady' or 'Parallel'",
    ),
    (
        "StatefulSet",
        "spec.persistentVolumeClaimRetentionPolicy",
        {"whenDeleted": "x"},
        'spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: "x": supported values: "Delete", "Retain"',
    ),
    (
        "StatefulSet",
        "spec.updateStrategy",
        {"type": "x"},
        'spec.updateStrategy: Invalid value: {"Type":"x","RollingUpdate":null}: must be \'RollingUpdate\' or \'OnDelete\'',
    ),
    ("ControllerRevision", "revision", -1, "revision: Invalid value: -1: must be greater than or equal to 0"),
    ("Job", "spec.parallelism", -1, "spec.parallelism: Invalid value: -1: must be greater than or equal to 0"),
    ("Job", "spec.backoffLimitPerIndex", 1, "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"),
    ("Job", "spec.managedBy", "x", 'spec.managedBy: Invalid value: "x": must be a domain-prefixed path (such as "acme.io/foo")'),
    (
        "Job",
        "spec.podFailurePolicy",
        {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [3, 1]}}]},
        "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [3,1]: must be ordered",
    ),
    (
        "Job",
        "spec.template.spec.restartPolicy",
        "Always",
        'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ),
    ("CronJob", "spec.schedule", "61 * * * *", 'spec.schedule: Invalid value: "61 * * * *": end of range (61) above maximum (59): 61'),
    ("CronJob", "spec.schedule", GONE, "spec.schedule: Required value"),
    ("CronJob", "spec.timeZone", "Mars/Phobos", 'spec.timeZone: Invalid value: "Mars/Phobos": unknown time zone Mars/Phobos'),
    (
        "CronJob",
        "spec.concurrencyPolicy",
        "Maybe",
        'spec.concurrencyPolicy: Unsupported value: "Maybe": supported values: "Allow", "Forbid", "Replace"',
    ),
    ("CronJob", "metadata.name", "a" * 53, f'metadata.name: Invalid value: "{"a" * 53}": must be no more than 52 characters'),
    ("HorizontalPodAutoscaler", "spec.maxReplicas", 0, "spec.maxReplicas: Invalid value: 0: must be greater than 0"),
    (
        "HorizontalPodAutoscaler",
        "spec.scaleTargetRef.apiVersion",
        "v1",
        'spec.scaleTargetRef.apiVersion: Invalid value: "v1": apiVersion must specify API group',
    ),
    (
        "HorizontalPodAutoscaler",
        "spec.behavior",
        {"scaleUp": {"stabilizationWindowSeconds": 4000}},
        "spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 4000: must be less than or equal to 3600",
    ),
    ("Ingress", "spec", {}, "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"),
    ("Ingress", "spec.ingressClassName", "A_b", "spec.ingressClassName: Invalid value"),
    (
        "IngressClass",
        "spec.controller",
        "nginx",
        'spec.controller: Invalid value: "nginx": must be a domain-prefixed path (such as "acme.io/foo")',
    ),
    ("NetworkPolicy", "spec.ingress", [{"from": [{}]}], "spec.ingress[0].from[0]: Required value: must specify a peer"),
    (
        "NetworkPolicy",
        "spec.egress",
        [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}}]}],
        'spec.egress[0].to[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
    ),
    ("NetworkPolicy", "spec.policyTypes", ["In"], 'spec.policyTypes[0]: Unsupported value: "In": supported values: "Ingress", "Egress"'),
    (
        "ServiceCIDR",
        "spec.cidrs",
        ["10.0.0.1/8"],
        'spec.cidrs[0]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length',
    ),
    ("PodDisruptionBudget", "spec.minAvailable", "200%", 'spec.minAvailable: Invalid value: "200%": must not be greater than 100%'),
    ("PodDisruptionBudget", "spec.maxUnavailable", 1, "minAvailable and maxUnavailable cannot be both set"),
    ("Role", ("rules",), [{"verbs": []}], "rules[0].verbs: Required value: verbs must contain at least one value"),
    ("RoleBinding", "roleRef.kind", "Group", 'roleRef.kind: Unsupported value: "Group": supported values: "Role", "ClusterRole"'),
    ("ClusterRoleBinding", "roleRef.kind", "Role", 'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"'),
    ("StorageClass", "provisioner", GONE, "provisioner: Required value"),
    (
        "CSIDriver",
        "spec.fsGroupPolicy",
        "x",
        'spec.fsGroupPolicy: Unsupported value: "x": supported values: "File", "None", "ReadWriteOnceWithFSType"',
    ),
    ("PriorityClass", "value", 2_000_000_000, "value: Forbidden: maximum allowed value of a user defined priority is 1000000000"),
    ("Lease", "spec.leaseDurationSeconds", 0, "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"),
    ("RuntimeClass", "handler", "A", 'handler: Invalid value: "A": a lowercase RFC 1123 label'),
    ("EndpointSlice", "addressType", "IPv5", 'addressType: Unsupported value: "IPv5": supported values: "FQDN", "IPv4", "IPv6"'),
    ("EndpointSlice", "endpoints", [{"addresses": ["127.0.0.1"]}], "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
    (
        "ValidatingAdmissionPolicy",
        "spec.validations",
        [],
        "spec.validations: Required value: validations or auditAnnotations must contain at least one item",
    ),
    (
        "ValidatingAdmissionPolicy",
        "spec.variables",
        [{"name": "while", "expression": "1"}],
        'spec.variables[0].name: Invalid value: "while": name is not a valid CEL identifier',
    ),
    (
        "ValidatingAdmissionPolicy",
        "spec.validations",
        [{"expression": "true", "reason": "Unauthorized"}],
        'spec.validations[0].reason: Unsupported value: "Unauthorized": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
    ),
    (
        "ValidatingAdmissionPolicy",
        "spec.auditAnnotations",
        [{"key": key, "valueExpression": "'x'"} for key in ("a", "a")],
        'spec.auditAnnotations[1].key: Duplicate value: "a"',
    ),
    (
        "ValidatingAdmissionPolicy",
        "spec.auditAnnotations",
        [{"key": "a/b", "valueExpression": "'x'"}],
        'spec.auditAnnotations[0].key: Invalid value: "few-replicas/a/b"',
    ),
    (
        "ValidatingAdmissionPolicy",
        "spec.paramKind",
        {"apiVersion": "A/v1", "kind": "Limit"},
        'spec.paramKind.apiVersion: Invalid value: "A": a lowercase RFC 1123 subdomain',
    ),
    (
        "ValidatingAdmissionPolicy",
        "spec.paramKind",
        {"apiVersion": "a/", "kind": "Limit"},
        'spec.paramKind.apiVersion: Invalid value: "a/": version must be specified',
    ),
    (
        "ValidatingAdmissionPolicyBinding",
        "spec.paramRef",
        {"name": "a", "selector": {}, "parameterNotFoundAction": "Deny"},
        "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
    ),
    (
        "ValidatingAdmissionPolicyBinding",
        "spec.matchResources",
        {"matchPolicy": "Some"},
        'spec.matchResouces.matchPolicy: Unsupported value: "Some": supported values: "Equivalent", "Exact"',
    ),
    (
        "ValidatingWebhookConfiguration",
        ("webhooks", 0, "matchConditions"),
        [{"name": "a", "expression": " 1 "}],
        'webhooks[0].matchConditions[0].expression: Invalid value: "1": must evaluate to bool',
    ),
    (
        "ValidatingWebhookConfiguration",
        ("webhooks", 0, "rules", 0, "resources"),
        ["pods/*", "pods/status"],
        "webhooks[0].rules[0].resources[1]: Invalid value: \"pods/status\": if 'pods/*' is present, must not specify pods/status",
    ),
    (
        "ValidatingWebhookConfiguration",
        ("webhooks", 0, "rules", 0, "resources"),
        ["*", "pods"],
        "if '*' is present, must not specify other resources without subresources",
    ),
    (
        "ValidatingAdmissionPolicyBinding",
        "spec.validationActions",
        [],
        "spec.validationActions: Required value: at least one validation action is required",
    ),
    (
        "CustomResourceDefinition",
        "spec.scope",
        "Everywhere",
        'spec.scope: Unsupported value: "Everywhere": supported values: "Cluster", "Namespaced"',
    ),
    ("CustomResourceDefinition", "metadata.name", "x.y", 'metadata.name: Invalid value: "x.y": must be spec.names.plural+"."+spec.group'),
    (
        "CustomResourceDefinition",
        ("spec", "versions", 0, "schema", "openAPIV3Schema", "properties", "spec"),
        {},
        "properties[spec].type: Required value: must not be empty for specified object fields",
    ),
    (
        "APIService",
        "spec.version",
        "v2",
        'metadata.name: Invalid value: "v1.example.com": must be `spec.version+"."+spec.group`: "v2.example.com"',
    ),
    ("FlowSchema", "spec.matchingPrecedence", -1, "spec.matchingPrecedence: Invalid value: -1: must be a positive value"),
    (
        "DeviceClass",
        "spec.selectors",
        [{"cel": {"expression": "device.driver == 'a' &&"}}],
        "compilation failed: ERROR: <input>:1:24: Syntax error: mismatched input '<EOF>' expecting",
    ),
    (
        "DeviceClass",
        "spec.selectors",
        [{"cel": {"expression": "'a'"}}],
        "spec.selectors[0].cel.expression: Invalid value: \"'a'\": must evaluate to bool or the unknown type, not string",
    ),
    (
        "ResourceClaim",
        "spec.devices.requests",
        [{"name": "a"}],
        "spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required",
    ),
]


@pytest.mark.parametrize(("kind", "path", "value", "words"), REFUSED)
def test_a_damaged_example_is_refused(kind: str, path: Any, value: Any, words: str) -> None:
    assert any(words in text for text in errors(kind, path, value)), errors(kind, path, value)


FROZEN = [
    (
        "Deployment",
        "spec.selector",
        {"matchLabels": {"a": "b"}},
        'spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: field is immutable',
    ),
    ("StatefulSet", "spec.serviceName", "x", "spec: Forbidden: updates to statefulset spec for fields other than 'replicas'"),
    ("ControllerRevision", "data", {}, "data: Invalid value: {}: field is immutable"),
    ("Job", "spec.completions", 3, "spec.completions: Invalid value: 3: field is immutable"),
    ("IngressClass", "spec.controller", "a.b/c", 'spec.controller: Invalid value: "a.b/c": field is immutable'),
    (
        "RoleBinding",
        "roleRef.name",
        "x",
        'roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"Role","Name":"x"}: cannot change roleRef',
    ),
    ("StorageClass", "provisioner", "x", "provisioner: Forbidden: updates to provisioner are forbidden."),
    ("PriorityClass", "value", 1, "value: Forbidden: may not be changed in an update."),
    ("RuntimeClass", "handler", "x", 'handler: Invalid value: "x": field is immutable'),
    ("EndpointSlice", "addressType", "IPv6", 'addressType: Invalid value: "IPv6": field is immutable'),
    ("CustomResourceDefinition", "spec.group", "x.y", 'spec.group: Invalid value: "x.y": field is immutable'),
    ("ResourceClaim", "spec.devices", {}, "spec: Invalid value"),
]


@pytest.mark.parametrize(("kind", "path", "value", "words"), FROZEN)
def test_what_may_not_change(kind: str, path: Any, value: Any, words: str) -> None:
    resource = BY_KIND[kind]
    old = _created(resource, freeze(resource.example))
    said = [str(error) for error in resource.validate_update(put(old, path, value), old)]
    assert any(words in text for text in said), said
