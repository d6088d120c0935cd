"""What the kinds of the core group refuse, in which words: the example of a kind, damaged in one place."""

from typing import Any

import pytest

from k8snb.apimachinery.objects import FrozenDict, drop, freeze, put
from k8snb.resources import OWN

BY_KIND = {resource.kind: resource for resource in OWN if resource.group == ""}
GONE = object()


def created(kind: str, changes: dict[str, Any]) -> Any:
    """The example of a kind with other values at some paths, as the server has it when it validates."""
    resource = BY_KIND[kind]
    example: Any = freeze(resource.example)
    for path, value in changes.items():
        example = drop(example, path) if value is GONE else put(example, path, freeze(value))
    obj: Any = resource.default(example)
    system = {"uid": "0f3a", "creationTimestamp": "2026-01-01T00:00:00Z", "resourceVersion": "7", "generation": 1}
    where = {"namespace": "shop"} if resource.namespaced else {}
    return resource.prepare_for_create(put(obj, "metadata", FrozenDict({**obj.get("metadata", {}), **system, **where})))


def errors(kind: str, **changes: Any) -> list[str]:
    resource, obj = BY_KIND[kind], created(kind, {path.replace("__", "."): value for path, value in changes.items()})
    return [str(error) for error in [*resource.validate(obj), *resource.validate_create(obj)]]


def update_errors(kind: str, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What an update from the example (changed to ``before``) says that also changes ``after``."""
    resource = BY_KIND[kind]
    old, new = created(kind, before), created(kind, before | after)
    return [str(error) for error in resource.validate_update(resource.prepare_for_update(new, old), old)]


CONTAINER = {"name": "web", "image": "nginx"}
PROBE = {"httpGet": {"port": 80}}


def container(**more: Any) -> dict[str, Any]:
    return {"spec__containers": [CONTAINER | more]}


REFUSED = [
    ("Pod", {"spec__containers": []}, "spec.containers: Required value"),
    (
        "Pod",
        {"spec__restartPolicy": "Sometimes"},
        'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
    ),
    ("Pod", container(image=""), "spec.containers[0].image: Required value"),
    ("Pod", container(ports=[{"containerPort": 0}]), "spec.containers[0].ports[0].containerPort: Required value"),
    (
        "Pod",
        container(ports=[{"containerPort": 70000}]),
        "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
    ),
    (
        "Pod",
        container(env=[{"name": "A", "valueFrom": {}}]),
        'spec.containers[0].env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, ',
    ),
    (
        "Pod",
        container(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}),
        'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ),
    (
        "Pod",
        container(resources={"limits": {"cpu": "-1"}}),
        'spec.containers[0].resources.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
    ),
    ("Pod", container(livenessProbe={}), "spec.containers[0].livenessProbe: Required value: must specify a handler type"),
    (
        "Pod",
        container(livenessProbe=PROBE | {"successThreshold": 2}),
        "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
    ),
    (
        "Pod",
        container(livenessProbe=PROBE | {"periodSeconds": -1}),
        "spec.containers[0].livenessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0",
    ),
    ("Pod", container(volumeMounts=[{"name": "data", "mountPath": "/x"}]), 'spec.containers[0].volumeMounts[0].name: Not found: "data"'),
    (
        "Pod",
        container(securityContext={"privileged": True, "allowPrivilegeEscalation": False}),
        "cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
    ),
    (
        "Pod",
        {"spec__volumes": [{"name": "a", "emptyDir": {}, "hostPath": {"path": "/x"}}]},
        "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type",
    ),
    (
        "Pod",
        {"spec__tolerations": [{"key": "a", "operator": "Exists", "value": "x"}]},
        "spec.tolerations[0].operator: Invalid value: \"x\": value must be empty when `operator` is 'Exists'",
    ),
    (
        "Pod",
        {"spec__activeDeadlineSeconds": 0},
        "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
    ),
    (
        "Pod",
        {"spec__resources": {"requests": {"cpu": "10m"}}, **container(resources={"requests": {"cpu": "20m"}})},
        'spec.resources.requests[cpu]: Invalid value: "10m": must be greater than or equal to aggregate container requests of 20m',
    ),
    ("Service", {"spec__ports": []}, "spec.ports: Required value"),
    ("Service", {"spec__ports": [{"port": 80}, {"port": 81}]}, "spec.ports[0].name: Required value"),
    ("Service", {"spec__type": "ExternalName"}, "spec.externalName: Required value"),
    (
        "Service",
        {"spec__type": "Balanced"},
        'spec.type: Unsupported value: "Balanced": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ),
    ("ConfigMap", {"data": {"a": "x"}, "binaryData": {"a": "eA=="}}, 'data[a]: Invalid value: "a": duplicate of key present in binaryData'),
    ("Secret", {"type": "kubernetes.io/tls", "data": {}}, "data[tls.crt]: Required value"),
    (
        "Namespace",
        {"metadata__labels": {"pod-security.kubernetes.io/enforce": "tight"}},
        'metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "tight": must be one of privileged, baseline, restricted',
    ),
    ("PersistentVolumeClaim", {"spec__accessModes": []}, "spec.accessModes: Required value: at least 1 access mode is required"),
    ("PersistentVolumeClaim", {"spec__resources": {}}, "spec.resources[storage]: Required value"),
    ("PersistentVolume", {"spec__capacity": {}}, "spec.capacity: Required value"),
    ("ReplicationController", {"spec__replicas": -1}, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
    (
        "ReplicationController",
        {"spec__selector": {"app": "other"}},
        'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ),
    (
        "LimitRange",
        {"spec__limits": [{"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}}]},
        'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
    ),
    (
        "PersistentVolume",
        {"spec__local": {"path": "/x"}},
        "spec.local: Forbidden: may not specify more than 1 volume type",
    ),
    (
        "PersistentVolume",
        {"spec__hostPath": GONE, "spec__iscsi": {"targetPortal": "x" * 64, "iqn": "iqn.2001-04.com.example:a", "initiatorName": "eui.0"}},
        "spec.iscsi.targetportal: Invalid value",
    ),
    (
        "Secret",
        {"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": "{auths: 1}"}},
        "invalid character 'a' looking for beginning of object key string",
    ),
    (
        "Service",
        {"metadata__annotations": {"service.kubernetes.io/topology-mode": "Auto", "service.kubernetes.io/topology-aware-hints": "auto"}},
        "must match annotations[service.kubernetes.io/topology-aware-hints] when both are specified",
    ),
    (
        "ReplicationController",
        {"spec__template.metadata.labels": {"z": "<", "a": "b"}},
        'spec.template.metadata.labels: Invalid value: {"a":"b","z":"\\u003c"}: `selector` does not match template `labels`',
    ),
    (
        "Pod",
        {"spec__volumes": [{"name": "v", "ephemeral": {"volumeClaimTemplate": {"metadata": {"name": "x"}, "spec": {}}}}]},
        "spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set",
    ),
    ("ResourceQuota", {"spec__hard": {"pods": "1.5"}}, 'spec.hard[pods]: Invalid value: "1500m": must be an integer'),
    ("Event", {"involvedObject__namespace": "other"}, 'involvedObject.namespace: Invalid value: "other": does not match event.namespace'),
]


@pytest.mark.parametrize(("kind", "changes", "words"), REFUSED)
def test_a_damaged_example_is_refused(kind: str, changes: dict[str, Any], words: str) -> None:
    assert words in "\n".join(errors(kind, **changes))


POD_FIELDS = (
    "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
TOLERATION = {"key": "a", "operator": "Exists", "effect": "NoSchedule"}
CLAIM = "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
UPDATES = [
    ("Pod", {"spec.containers": [CONTAINER]}, {"spec.containers": [CONTAINER | {"image": "nginx:2", "imagePullPolicy": "Always"}]}, ""),
    ("Pod", {}, {"spec.activeDeadlineSeconds": 5}, ""),
    ("Pod", {"spec.activeDeadlineSeconds": 5}, {"spec.activeDeadlineSeconds": 6}, "must be less than or equal to previous value"),
    ("Pod", {}, {"spec.tolerations": [TOLERATION]}, ""),
    (
        "Pod",
        {"spec.tolerations": [TOLERATION]},
        {"spec.tolerations": []},
        "existing toleration can not be modified except its tolerationSeconds",
    ),
    ("Pod", {}, {"spec.hostNetwork": True}, POD_FIELDS),
    ("Pod", {}, {"spec.nodeName": "node1"}, POD_FIELDS),
    (
        "Pod",
        {},
        {"spec.containers": [CONTAINER, {"name": "more", "image": "x"}]},
        "spec.containers: Forbidden: pod updates may not add or remove containers",
    ),
    (
        "Service",
        {"spec.clusterIP": "10.96.0.9", "spec.clusterIPs": ["10.96.0.9"]},
        {"spec.clusterIP": "10.96.0.8", "spec.clusterIPs": ["10.96.0.8"]},
        "may not change once set",
    ),
    ("Service", {}, {"spec.selector": {"app": "other"}}, ""),
    ("ConfigMap", {"immutable": True}, {"data": {"a": "b"}}, "data: Forbidden: field is immutable when `immutable` is set"),
    ("ConfigMap", {"immutable": True}, {"immutable": False}, "immutable: Forbidden: field is immutable when `immutable` is set"),
    ("Secret", {}, {"type": "example.com/other"}, 'type: Invalid value: "example.com/other": field is immutable'),
    ("PersistentVolumeClaim", {}, {"spec.accessModes": ["ReadWriteMany"]}, CLAIM),
    ("PersistentVolumeClaim", {"spec.storageClassName": "slow"}, {"spec.storageClassName": "fast"}, CLAIM),
    ("PersistentVolumeClaim", {}, {"spec.storageClassName": "fast"}, ""),
    ("PersistentVolumeClaim", {}, {"metadata.labels": {"a": "b"}}, ""),
    ("ReplicationController", {}, {"spec.replicas": 5}, ""),
]


@pytest.mark.parametrize(("kind", "before", "after", "words"), UPDATES)
def test_what_may_change_and_what_not(kind: str, before: dict[str, Any], after: dict[str, Any], words: str) -> None:
    said = update_errors(kind, before, after)
    assert words in "\n".join(said)
    assert bool(said) == bool(words)


def test_the_resources_of_a_pod_follow_from_its_containers() -> None:
    sidecar = CONTAINER | {"name": "log", "restartPolicy": "Always", "resources": {"requests": {"cpu": "100m"}}}
    pod = created(
        "Pod",
        {
            "spec.containers": [CONTAINER | {"resources": {"requests": {"cpu": "500m"}, "limits": {"hugepages-2Mi": "4Mi"}}}],
            "spec.initContainers": [sidecar],
            "spec.resources": {"limits": {"cpu": "2", "memory": "1Gi"}},
        },
    )
    assert pod["spec"]["resources"]["limits"] == {"cpu": "2", "memory": "1Gi", "hugepages-2Mi": "4Mi"}
    assert pod["spec"]["resources"]["requests"] == {"cpu": "600m", "memory": "1Gi", "hugepages-2Mi": "4Mi"}


def test_a_service_is_told_which_of_its_fields_do_nothing() -> None:
    headless = {
        "spec.clusterIP": "None",
        "spec.clusterIPs": ["None"],
        "spec.externalIPs": ["fd00:0::1"],
        "spec.sessionAffinity": "ClientIP",
    }
    service = created("Service", headless | {"spec.loadBalancerSourceRanges": ["10.0.0.1/8"]})
    assert BY_KIND["Service"].warnings(service, None) == [
        "spec.externalIPs is ignored for headless services",
        "spec.SessionAffinity is ignored for headless services",
        'spec.externalIPs[0]: IPv6 address "fd00:0::1" should be in RFC 5952 canonical format ("fd00::1")',
        'spec.loadBalancerSourceRanges[0]: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)',
    ]


def test_host_ports_are_judged_before_the_restart_policy() -> None:
    said = errors("Pod", spec__hostNetwork=True, spec__restartPolicy="x", spec__containers=[
        CONTAINER | {"ports": [{"containerPort": 80, "hostPort": 81, "protocol": "TCP"}]},
    ])  # fmt: skip
    assert [text.partition(":")[0] for text in said] == ["spec.containers[0].ports[0].hostPort", "spec.restartPolicy"]


def test_what_a_feature_gate_of_1_36_keeps_closed_is_taken_out_in_silence() -> None:
    sources = [{"clusterTrustBundle": {"name": "ca", "path": "ca.pem"}}, {"podCertificate": {"keyType": "?"}}]
    volumes = [{"name": "v", "projected": {"sources": sources}}]
    pod = created("Pod", {"spec.volumes": volumes, "spec.schedulingGroup": {"podGroupName": "a"}})
    assert pod["spec"]["volumes"][0]["projected"]["sources"] == [{}, {}]
    assert "schedulingGroup" not in pod["spec"]
    assert 'volume "v" (Projected) has no sources provided' in BY_KIND["Pod"].warnings(pod, None)
    elsewhere = {"kind": "PersistentVolumeClaim", "name": "a", "namespace": "other"}
    assert "dataSourceRef" not in created("PersistentVolumeClaim", {"spec.dataSourceRef": elsewhere})["spec"]
