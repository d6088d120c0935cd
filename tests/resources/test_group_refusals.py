"""What the kinds of the smaller API groups refuse, rule by rule: flow control, certificates, storage, nodes, leases."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.cluster import Cluster
from tests.resources.test_refusals import GONE, errors

RULES = ("spec", "rules")
SUBJECT = {"kind": "Group", "group": {"name": "shop"}}


def rule(**resource_rule: Any) -> list[Any]:
    """The rules of a FlowSchema, with a part of its one resource rule changed."""
    whole = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], **resource_rule}
    return [{"subjects": [SUBJECT], "resourceRules": [whole]}]


def urls(*paths: str, verbs: tuple[str, ...] = ("get",)) -> list[Any]:
    """The rules of a FlowSchema about paths of the server."""
    return [{"subjects": [SUBJECT], "nonResourceRules": [{"verbs": list(verbs), "nonResourceURLs": list(paths)}]}]


def queuing(**values: int) -> dict[str, Any]:
    """How a priority level lets requests wait."""
    return {"type": "Queue", "queuing": {"queues": 64, "handSize": 8, "queueLengthLimit": 50, **values}}


RESOURCE, PATHS = "spec.rules[0].resourceRules[0]", "spec.rules[0].nonResourceRules[0]"
VERBS = '"create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"'
REFUSED = [
    ("FlowSchema", "spec.distinguisherMethod", {"type": "x"}, 'spec.distinguisherMethod.type: Unsupported value: {"Type":"x"}: supported'),
    ("FlowSchema", RULES, rule(verbs=["get", "*"]), f'{RESOURCE}.verbs: Invalid value: ["get","*"]: if \'*\' is present, must not'),
    ("FlowSchema", RULES, rule(verbs=["grab"]), f'{RESOURCE}.verbs: Unsupported value: ["grab"]: supported values: {VERBS}'),
    ("FlowSchema", RULES, rule(apiGroups=["*", "apps"]), "if '*' is present, must not specify other api groups"),
    ("FlowSchema", RULES, rule(resources=[]), f"{RESOURCE}.resources: Required value: resource rules must supply at least one resource"),
    ("FlowSchema", RULES, rule(namespaces=["A"]), "namespaces[0]: Invalid value: \"A\": each member of this list must be '*' or a"),
    ("FlowSchema", RULES, rule(namespaces=[]), "resource rules that are not cluster scoped must supply at least one namespace"),
    ("FlowSchema", RULES, urls(), f"{PATHS}.nonResourceURLs: Required value: nonResourceURLs must contain at least one value"),
    ("FlowSchema", RULES, urls("healthz"), f'{PATHS}.nonResourceURLs[0]: Invalid value: "healthz": must start with slash'),
    ("FlowSchema", RULES, urls("/a*b"), "wildcard can only do suffix matching"),
    ("FlowSchema", RULES, urls("/a//b"), "must not contain double slash"),
    ("FlowSchema", RULES, urls("/", verbs=("grab",)), f"{PATHS}.verbs: Unsupported value"),
    ("FlowSchema", RULES, [{"subjects": [{"kind": "User"}], "resourceRules": rule()[0]["resourceRules"]}], "user is required when subject"),
    ("PriorityLevelConfiguration", "spec.type", "Exempt", "type must be 'Exempt' if and only if name is 'exempt'"),
    ("PriorityLevelConfiguration", "metadata.name", "exempt", 'spec.type: Invalid value: "Limited": type must be'),
    ("PriorityLevelConfiguration", "spec.limited.borrowingLimitPercent", -1, "if specified, must be a non-negative integer"),
    ("PriorityLevelConfiguration", "spec.limited.limitResponse", queuing(handSize=65), "should not be greater than queues (64)"),
    ("PriorityLevelConfiguration", "spec.limited.limitResponse", queuing(queues=512), "entropy bits of deckSize 512 and handSize 8"),
    ("CertificateSigningRequest", "spec.usages", ["client"], 'spec.usages[0]: Unsupported value: "client": supported values: "any"'),
    ("CertificateSigningRequest", "spec.signerName", GONE, "spec.signerName: Required value"),
    ("CertificateSigningRequest", "spec.signerName", "a/b", 'Invalid value: "a": should be a domain with at least two segments'),
    ("CertificateSigningRequest", "spec.signerName", "a.b", "a fully qualified domain and path of the form 'example.com/signer-name'"),
    ("CertificateSigningRequest", "spec.signerName", "kubernetes.io/legacy-unknown", "the legacy signerName is not allowed via this API"),
    ("CSIDriver", "spec.volumeLifecycleModes", ["x"], 'Unsupported value: "x": supported values: "Persistent", "Ephemeral"'),
    ("CSIDriver", "spec.nodeAllocatableUpdatePeriodSeconds", 9, "must be greater than or equal to 10 seconds"),
    ("CSIDriver", "spec.tokenRequests", [{"audience": "a"}, {"audience": "a"}], 'spec.tokenRequests[1].audience: Duplicate value: "a"'),
    ("CSINode", "spec.drivers", [{"name": "A_b", "nodeID": "x"}], 'spec.drivers[0].name: Invalid value: "A_b": a lowercase RFC 1123'),
    ("CSINode", "spec.drivers", [{"name": "a", "nodeID": "x", "topologyKeys": [""]}], "spec.drivers[0]: Required value"),
    ("VolumeAttributesClass", "parameters", GONE, "parameters: Required value: must contain at least one key/value pair"),
    ("VolumeAttributesClass", "driverName", "a/b/c", 'driverName: Invalid value: "a/b/c": a valid label key must'),
    ("VolumeAttachment", "spec.nodeName", GONE, 'spec.nodeName: Invalid value: ""'),
    ("VolumeAttachment", "spec.source.inlineVolumeSpec", {}, "spec.source: Forbidden: must specify exactly one of inlineVolumeSpec and"),
    ("RuntimeClass", "overhead", {"podFixed": {"memory": "-1"}}, 'overhead.limits[memory]: Invalid value: "-1": must be greater than or'),
    ("RuntimeClass", "scheduling", {"tolerations": [{"operator": "x", "key": "a"}]}, "scheduling.tolerations[0].operator: Unsupported"),
    ("Lease", "spec.preferredHolder", "b", "spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined"),
    ("Lease", "spec.strategy", "Oldest", 'spec.strategy.strategy: Unsupported value: "Oldest": supported values: "OldestEmulationVersion"'),
]


@pytest.mark.parametrize(("kind", "path", "value", "words"), REFUSED)
def test_a_damaged_example_is_refused(kind: str, path: Any, value: Any, words: str) -> None:
    assert any(words in text for text in errors(kind, path, value)), errors(kind, path, value)


def test_a_level_may_be_what_it_is_for_its_name_alone() -> None:
    assert errors("PriorityLevelConfiguration", "spec.limited.limitResponse", queuing()) == []
    assert errors("FlowSchema", RULES, rule(namespaces=["shop"], verbs=["get", "list"])) == []
    assert errors("FlowSchema", RULES, urls("/healthz/*", "/")) == []


@pytest.mark.parametrize(
    ("kind", "path", "value", "words"),
    [
        (
            "PriorityLevelConfiguration",
            "spec.limited.limitResponse",
            {"type": "Queue"},
            "must not be empty if limited.limitResponse.type is",
        ),
        (
            "HorizontalPodAutoscaler",
            "spec.metrics",
            [{"type": "ContainerResource", "containerResource": {"name": "disk", "container": "a", "target": {"type": "Utilization"}}}],
            'containerResource.name: Invalid value: "disk": must be a standard resource for containers',
        ),
    ],
)
def test_what_defaults_do_not_mend_is_refused(kind: str, path: str, value: Any, words: str) -> None:
    assert any(words in text for text in errors(kind, path, value)), errors(kind, path, value)


def test_a_taint_of_a_device_is_dated() -> None:
    from k8snb.resources.resource_k8s_io.resourceslice import EXAMPLE

    cluster = Cluster(nodes=1)
    spec = {**EXAMPLE["spec"], "devices": [{"name": "gpu-0", "taints": [{"key": "worn", "effect": "NoSchedule"}]}]}  # type: ignore[dict-item]
    made = cluster.client.create("resourceslices.resource.k8s.io", {**EXAMPLE, "spec": spec})
    taint = made["spec"]["devices"][0]["taints"][0]
    assert taint["timeAdded"] == made["metadata"]["creationTimestamp"]


def test_a_request_that_is_approved_cannot_be_denied() -> None:
    from k8snb.resources.certificates.certificatesigningrequest import EXAMPLE

    cluster = Cluster(nodes=1)
    cluster.client.create("certificatesigningrequests.certificates.k8s.io", EXAMPLE)
    assert "approved" in cluster.kubectl("certificate approve jane").text
    said = cluster.kubectl("certificate deny jane").text
    assert 'status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive' in said
