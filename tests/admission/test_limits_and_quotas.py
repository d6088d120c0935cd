"""LimitRanges and ResourceQuotas: what is filled in, what is refused, what is counted."""

import pytest

from k8snb.admission.quota_usage import matches, total_usage, usage_of
from k8snb.apimachinery.objects import freeze, put

QUOTAS = "resourcequotas"


def limits(desk, **bounds):
    desk.create("limitranges", "LimitRange", "bounds", spec={"limits": [{"type": "Container", **bounds}]})


def container(**resources):
    return [{"name": "web", "image": "nginx", "resources": resources}]


def test_containers_get_what_the_namespace_gives_them(desk):
    limits(desk, default={"cpu": "500m"}, defaultRequest={"cpu": "100m"})
    pod = desk.pod()
    assert pod["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "500m"}, "requests": {"cpu": "100m"}}
    note = pod["metadata"]["annotations"]["kubernetes.io/limit-ranger"]
    assert note == "LimitRanger plugin set: cpu request for container web; cpu limit for container web"


@pytest.mark.parametrize(
    ("bounds", "resources", "words"),
    [
        ({"min": {"memory": "1Gi"}}, {}, "minimum memory usage per Container is 1Gi. No request is specified"),
        (
            {"min": {"memory": "1Gi"}},
            {"requests": {"memory": "1Mi"}},
            "minimum memory usage per Container is 1Gi, but request is 1Mi",
        ),
        (
            {"max": {"cpu": "1"}},
            {"limits": {"cpu": "2"}},
            "maximum cpu usage per Container is 1, but limit is 2",
        ),
        (
            {"maxLimitRequestRatio": {"cpu": "2"}},
            {"limits": {"cpu": "3"}, "requests": {"cpu": "1"}},
            "cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000",
        ),
    ],
)
def test_bounds_are_kept(desk, bounds, resources, words):
    limits(desk, **bounds)
    if bounds.get("min") and not resources:  # the bound itself becomes the default request
        assert desk.pod(containers=container())["spec"]["containers"][0]["resources"]["requests"] == {"memory": "1Gi"}
        return
    assert desk.refusal(lambda: desk.pod(containers=container(**resources))) == f'pods "web" is forbidden: {words}'


def quota(desk, used=None, **hard):
    desk.create(QUOTAS, "ResourceQuota", "team", spec={"hard": hard})
    made = desk.client.get(QUOTAS, "team", "default")
    status = {"hard": hard, "used": used or dict.fromkeys(hard, "0")}
    desk.client.update(QUOTAS, put(made, "status", freeze(status)), subresource="status")


def test_a_quota_counts_and_then_refuses(desk):
    quota(desk, secrets="1")
    desk.create("secrets", "Secret", "one")
    assert desk.client.get(QUOTAS, "team", "default")["status"]["used"] == {"secrets": "1"}
    message = desk.refusal(lambda: desk.create("secrets", "Secret", "two"))
    assert message == 'secrets "two" is forbidden: exceeded quota: team, requested: secrets=1, used: secrets=1, limited: secrets=1'


def test_where_cpu_is_counted_every_container_must_say(desk):
    quota(desk, pods="3", **{"requests.cpu": "300m", "requests.memory": "512Mi"})
    words = 'pods "web" is forbidden: failed quota: team: must specify requests.cpu for: web; requests.memory for: web'
    assert desk.refusal(desk.pod) == words
    desk.pod("fits", containers=container(requests={"cpu": "100m", "memory": "64Mi"}))
    used = desk.client.get(QUOTAS, "team", "default")["status"]["used"]
    assert used == {"pods": "1", "requests.cpu": "100m", "requests.memory": "64Mi"}


def test_node_ports_are_counted_by_port(desk):
    quota(desk, **{"services.nodeports": "1"})
    ports = [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}]
    message = desk.refusal(lambda: desk.create("services", "Service", "np", spec={"type": "NodePort", "ports": ports}))
    assert message.endswith("requested: services.nodeports=2, used: services.nodeports=0, limited: services.nodeports=1")


POD = freeze({
    "metadata": {"name": "a"},
    "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"cpu": "1"}}}]},
})  # fmt: skip


def test_what_a_pod_uses():
    usage = usage_of("pods", POD, 0)
    assert usage == {
        "count/pods": "1", "pods": "1", "cpu": "250m", "requests.cpu": "250m", "memory": "1Gi", "requests.memory": "1Gi", "limits.cpu": "1",
    }  # fmt: skip
    assert usage_of("pods", put(POD, "status.phase", "Succeeded"), 0) == {"count/pods": "1"}
    assert usage_of("deployments.apps", POD, 0) == {"count/deployments.apps": "1"}


def test_scopes_decide_which_pods_are_meant():
    best_effort = {"spec": {"hard": {"pods": "1"}, "scopes": ["BestEffort"]}}
    assert not matches(best_effort, "pods", POD)
    assert matches(best_effort, "pods", freeze({"metadata": {}, "spec": {"containers": [{"name": "c"}]}}))


def test_a_total_counts_everything_that_the_quota_names():
    made = {"spec": {"hard": {"requests.cpu": "2", "count/deployments.apps": "5", "secrets": "1"}}}
    total = total_usage(made, {"pods": [POD, POD], "deployments.apps": [POD]}, 0)
    assert total == {"requests.cpu": "500m", "count/deployments.apps": "1", "secrets": "0"}
