"""Pod Security: what each level refuses, who is only warned, and labels that make no sense."""

import pytest

from k8snb.admission.pod_security_checks import violations
from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import freeze, put
from k8snb.apiserver.request import Request

LABEL = "pod-security.kubernetes.io/"
GOOD = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
POD_GOOD = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def spec(context=None, **fields):
    return freeze({"containers": [{"name": "web", "image": "nginx", "securityContext": context or {}}], **fields})


@pytest.mark.parametrize(
    ("pod", "words"),
    [
        (spec({"privileged": True}), 'privileged (container "web" must not set securityContext.privileged=true)'),
        (spec(hostNetwork=True, hostPID=True), "host namespaces (hostNetwork=true, hostPID=true)"),
        (spec(volumes=[{"name": "a", "hostPath": {}}]), 'hostPath volumes (volume "a")'),
        (
            spec({"capabilities": {"add": ["NET_ADMIN", "CHOWN"]}}),
            'non-default capabilities (container "web" must not include "NET_ADMIN" in securityContext.capabilities.add)',
        ),
        (
            spec(securityContext={"seccompProfile": {"type": "Unconfined"}}),
            'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
        ),
        (spec(securityContext={"sysctls": [{"name": "kernel.x"}]}), "forbidden sysctls (kernel.x)"),
    ],
)
def test_the_baseline_refuses_known_ways_out(pod, words):
    assert violations("baseline", pod) == [words]
    assert violations("privileged", pod) == []


def test_an_ordinary_pod_breaks_four_rules_of_the_restricted_level():
    assert violations("baseline", spec()) == []
    assert violations("restricted", spec()) == [
        'allowPrivilegeEscalation != false (container "web" must set securityContext.allowPrivilegeEscalation=false)',
        'unrestricted capabilities (container "web" must set securityContext.capabilities.drop=["ALL"])',
        'runAsNonRoot != true (pod or container "web" must set securityContext.runAsNonRoot=true)',
        'seccompProfile (pod or container "web" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    ]
    assert violations("restricted", spec(GOOD, securityContext=POD_GOOD)) == []


def namespace(desk, **labels):
    marked = {LABEL + key: value for key, value in labels.items()}
    return desk.create("namespaces", "Namespace", "strict", "", metadata={"labels": marked})


def test_a_namespace_that_enforces_refuses_pods(desk):
    namespace(desk, enforce="baseline")
    desk.create("serviceaccounts", "ServiceAccount", "default", "strict")
    bad = {"containers": [{"name": "web", "image": "nginx"}], "hostNetwork": True}
    message = desk.refusal(lambda: desk.create("pods", "Pod", "web", "strict", spec=bad))
    assert message == 'pods "web" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)'


def test_what_makes_pods_is_warned_and_accepted(desk):
    namespace(desk, warn="restricted")
    pod = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "web", "image": "nginx"}]}}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
    body["spec"] = {"selector": {"matchLabels": {"a": "b"}}, "template": pod}
    response = desk.cluster.send(Request("create", "apps", "v1", "deployments", "strict", body=body))
    assert response.code == 201
    assert response.warnings[0].startswith('would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false (')


def test_a_level_that_does_not_exist_is_invalid(desk):
    with pytest.raises(ApiError) as error:
        namespace(desk, enforce="tight")
    assert error.value.message == (
        f'Namespace "strict" is invalid: metadata.labels[{LABEL}enforce]: Invalid value: "tight": '
        "must be one of privileged, baseline, restricted"
    )


def test_a_stricter_label_warns_about_pods_that_are_there(desk):
    made = namespace(desk)
    desk.create("serviceaccounts", "ServiceAccount", "default", "strict")
    desk.create("pods", "Pod", "web", "strict", spec={"containers": [{"name": "web", "image": "nginx"}], "hostPID": True})
    body = put(made, ("metadata", "labels", f"{LABEL}enforce"), "baseline")
    response = desk.cluster.send(Request("update", resource="namespaces", name="strict", body=body))
    assert response.warnings == (
        'existing pods in namespace "strict" violate the new PodSecurity enforce level "baseline:latest"',
        "web: host namespaces",
    )
