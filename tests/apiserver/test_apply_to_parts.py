"""Server-side apply of a part of a Pod: ``resize`` and ``ephemeralcontainers``."""

import pytest

from k8snb.apiserver.request import APPLY_PATCH, Options, Request
from k8snb.cluster import Cluster

POD = """
apiVersion: v1
kind: Pod
metadata: {name: p}
spec: {containers: [{name: c, image: "nginx:1.27", resources: {requests: {cpu: 100m}}}]}
"""


@pytest.fixture
def cluster():
    cluster = Cluster(nodes=1)
    cluster.apply(POD, "--server-side --field-manager=owner")
    cluster.settle()
    return cluster


def applied(cluster, part, spec, *, name="p", force=False):
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    options = Options(field_manager="me", force=force)
    return cluster.send(Request("patch", "", "v1", "pods", "default", name, part, body, patch_type=APPLY_PATCH, options=options))


def sized(cpu):
    return {"containers": [{"name": "c", "image": "other", "resources": {"requests": {"cpu": cpu}}}]}


def mine(answer):
    return [entry for entry in answer.body["metadata"]["managedFields"] if entry["manager"] == "me"]


def test_a_resize_changes_sizes_alone_and_owns_them_alone(cluster):
    refused = applied(cluster, "resize", sized("200m"))
    assert (refused.code, '.spec.containers[name="c"].resources.requests.cpu' in refused.body["message"]) == (409, True)
    answer = applied(cluster, "resize", sized("200m"), force=True)
    container = cluster.get("pods", "p")["spec"]["containers"][0]
    assert (answer.code, container["image"], container["resources"]["requests"]["cpu"]) == (200, "nginx:1.27", "200m")
    (entry,) = mine(answer)
    fields = {"f:spec": {"f:containers": {'k:{"name":"c"}': {"f:resources": {"f:requests": {"f:cpu": {}}}}}}}
    assert (entry["subresource"], entry["operation"], entry["fieldsV1"]) == ("resize", "Apply", fields)


def test_an_ephemeral_container_is_applied_and_runs(cluster):
    debugger = {"name": "d", "image": "busybox:1.36", "command": ["sleep", "1000"]}
    answer = applied(cluster, "ephemeralcontainers", {"ephemeralContainers": [debugger]})
    assert (answer.code, mine(answer)[0]["subresource"]) == (200, "ephemeralcontainers")
    cluster.settle()
    assert "running" in cluster.get("pods", "p")["status"]["ephemeralContainerStatuses"][0]["state"]
    changed = applied(cluster, "ephemeralcontainers", {"ephemeralContainers": [{**debugger, "image": "busybox:1.37"}]})
    assert (changed.code, "may not be changed" in changed.body["message"]) == (422, True)


@pytest.mark.parametrize("part", ["resize", "ephemeralcontainers"])
def test_a_part_of_nothing_cannot_be_applied(cluster, part):
    assert applied(cluster, part, {}, name="none").code == 404
