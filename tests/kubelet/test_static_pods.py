"""Static pods: files on a machine, which its kubelet runs without asking anybody."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.cluster import Cluster
from k8snb.messages import Mistake

MANIFEST = """
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web}
spec:
  containers:
  - name: main
    image: IMAGE
"""


def manifest(image: str = "nginx:1.27") -> str:
    """A Pod of that image, as a file."""
    return MANIFEST.replace("IMAGE", image)


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster(nodes=2)
    made.node("node-1").static_pods["web.yaml"] = manifest()
    made.run_for(3)
    return made


def mirror(cluster: Cluster) -> Any:
    """The mirror pod, or None."""
    return cluster.get("pods", "web-node-1")


def running(cluster: Cluster) -> list[str]:
    """What runs on node-1, by image."""
    runtime: Any = cluster.simulation.parts.machines.runtimes["node-1"]
    return [c.config.image for c in runtime.state.containers.values() if not c.ended_at]


def test_a_file_becomes_a_pod_with_a_mirror_in_the_api(cluster: Cluster) -> None:
    pod = mirror(cluster)
    meta = pod["metadata"]
    assert (pod["status"]["phase"], pod["spec"]["nodeName"]) == ("Running", "node-1")
    assert meta["annotations"]["kubernetes.io/config.source"] == "file"
    assert meta["annotations"]["kubernetes.io/config.mirror"] == meta["annotations"]["kubernetes.io/config.hash"]
    owner = meta["ownerReferences"][0]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("Node", "node-1", True)
    assert {"operator": "Exists", "effect": "NoExecute"} in pod["spec"]["tolerations"]
    assert meta["uid"] != meta["annotations"]["kubernetes.io/config.hash"]
    assert cluster.http(f"http://{pod['status']['podIP']}", from_node="node-2").status == 200
    assert cluster.get("pods", "web-node-2") is None


def test_whoever_deletes_the_mirror_gets_a_new_one_and_the_container_never_noticed(cluster: Cluster) -> None:
    before = mirror(cluster)
    cluster.kubectl("delete pod web-node-1 --wait=false")
    cluster.run_for(3)
    after = mirror(cluster)
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert after["status"]["containerStatuses"] == before["status"]["containerStatuses"]


def test_removing_the_file_ends_the_pod(cluster: Cluster) -> None:
    del cluster.node("node-1").static_pods["web.yaml"]
    cluster.run_for(3)
    assert (mirror(cluster), running(cluster)) == (None, [])
    assert cluster.simulation.parts.machines.kubelets["node-1"].own.pods == {}


def test_a_changed_file_ends_the_old_pod_and_starts_another(cluster: Cluster) -> None:
    before = mirror(cluster)["metadata"]["annotations"]["kubernetes.io/config.hash"]
    cluster.node("node-1").static_pods["web.yaml"] = manifest("nginx:1.26")
    cluster.run_for(5)
    assert running(cluster) == ["nginx:1.26"]
    assert mirror(cluster)["spec"]["containers"][0]["image"] == "nginx:1.26"
    assert mirror(cluster)["metadata"]["annotations"]["kubernetes.io/config.hash"] != before


def test_without_an_api_server_static_pods_start_crash_and_come_back() -> None:
    cluster = Cluster(nodes=1)
    cluster.faults.stop("kube-apiserver")
    cluster.node("node-1").static_pods["web.yaml"] = manifest()
    cluster.run_for(3)
    assert running(cluster) == ["nginx:1.27"]
    runtime: Any = cluster.simulation.parts.machines.runtimes["node-1"]
    runtime.crash(next(iter(runtime.state.pods)), "", 1)
    cluster.run_for(3)
    assert running(cluster) == ["nginx:1.27"]
    cluster.faults.start("kube-apiserver")
    cluster.run_for(15)
    assert (mirror(cluster)["status"]["phase"], mirror(cluster)["status"]["containerStatuses"][0]["restartCount"]) == ("Running", 1)


def test_an_ordinary_pod_is_restarted_without_an_api_server_too() -> None:
    cluster = Cluster(nodes=1)
    cluster.kubectl("run web --image=nginx:1.27")
    cluster.run_for(3)
    cluster.faults.stop("kube-apiserver")
    runtime: Any = cluster.simulation.parts.machines.runtimes["node-1"]
    runtime.crash(cluster.get("pods", "web")["metadata"]["uid"], "", 1)
    cluster.run_for(3)
    assert running(cluster) == ["nginx:1.27"]
    assert cluster.get("pods", "web")["status"]["containerStatuses"][0]["restartCount"] == 0  # nobody could be told
    cluster.faults.start("kube-apiserver")
    cluster.run_for(15)
    assert cluster.get("pods", "web")["status"]["containerStatuses"][0]["restartCount"] == 1


def test_files_outlive_kubelet_and_power(cluster: Cluster) -> None:
    cluster.faults.stop("kubelet/node-1")
    cluster.run_for(5)
    cluster.faults.start("kubelet/node-1")
    cluster.run_for(3)
    assert mirror(cluster)["status"]["containerStatuses"][0]["restartCount"] == 0
    cluster.faults.fail_node("node-1")
    cluster.run_for(5)
    cluster.faults.restore_node("node-1")
    cluster.run_for(5)
    assert (running(cluster), mirror(cluster)["status"]["containerStatuses"][0]["restartCount"]) == (["nginx:1.27"], 1)


def test_a_file_that_goes_while_the_kubelet_is_away_takes_its_mirror_with_it(cluster: Cluster) -> None:
    cluster.faults.stop("kubelet/node-1")
    del cluster.node("node-1").static_pods["web.yaml"]
    cluster.run_for(5)
    assert mirror(cluster) is not None
    cluster.faults.api_errors(3, verb="delete")
    cluster.faults.start("kubelet/node-1")
    cluster.run_for(60)
    assert (mirror(cluster), running(cluster)) == (None, [])


def test_a_mirror_that_somebody_made_up_is_removed(cluster: Cluster) -> None:
    notes = {"kubernetes.io/config.mirror": "x", "kubernetes.io/config.source": "file", "kubernetes.io/config.hash": "x"}
    spec = {"nodeName": "node-1", "containers": [{"name": "main", "image": "nginx:1.27"}]}
    cluster.faults.api_errors(2, verb="delete")
    cluster.client.create("pods", {"metadata": {"name": "made-up", "annotations": notes}, "spec": spec}, "default")
    cluster.run_for(60)
    assert cluster.get("pods", "made-up") is None
    assert running(cluster) == ["nginx:1.27"]


def test_no_execute_taints_and_drains_leave_static_pods_alone(cluster: Cluster) -> None:
    uid = mirror(cluster)["metadata"]["uid"]
    assert "drained" in cluster.kubectl("drain node-1").text
    cluster.kubectl("taint nodes node-1 maintenance=now:NoExecute")
    cluster.run_for(30)
    assert (mirror(cluster)["metadata"]["uid"], mirror(cluster)["status"]["phase"]) == (uid, "Running")


def test_files_are_inputs_that_a_rewind_takes_back_and_a_fork_repeats(cluster: Cluster) -> None:
    before = cluster.position
    del cluster.node("node-1").static_pods["web.yaml"]
    cluster.run_for(3)
    cluster.rewind(before)
    assert (list(cluster.node("node-1").static_pods), running(cluster)) == (["web.yaml"], ["nginx:1.27"])
    cluster.run_for(60)
    assert mirror(Cluster.load(cluster.save()))["status"] == mirror(cluster)["status"]


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("apiVersion: v1\nkind: Service\nmetadata: {name: x}", "a kubelet runs v1 Pods"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {}", "spec.containers"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a, image: b, imge: c}]}", "imge"),
        ("- 1", "one Pod"), ("a: b\n---\na: b", "one Pod"), ("a: [", "YAML"),
    ],
)  # fmt: skip
def test_what_no_kubelet_could_run_is_refused_before_anything_happens(cluster: Cluster, file: str, why: str) -> None:
    inputs = len(cluster.simulation.history.inputs)
    with pytest.raises(Mistake, match=why):
        cluster.node("node-1").static_pods["bad.yaml"] = file
    assert len(cluster.simulation.history.inputs) == inputs
    with pytest.raises(Mistake, match="no machine"):
        cluster.node("node-9")


def test_a_mirror_that_came_and_went_while_nobody_could_see_it_is_made_again():
    cluster = Cluster(nodes=1)
    container = {"name": "main", "image": "nginx:1.27"}
    cluster.node("node-1").static_pods["web.yaml"] = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [container]},
    }  # fmt: skip
    cluster.settle()
    first = cluster.get("pods", "web-node-1")["metadata"]["uid"]
    cluster.client.delete("pods", "web-node-1", "default", grace=0)
    cluster.run_until(lambda c: any(pod["metadata"]["uid"] != first for pod in c.get("pods")), 60)
    cluster.faults.partition_node("node-1")  # the news of its own second mirror does not reach the kubelet
    cluster.client.delete("pods", "web-node-1", "default", grace=0)
    cluster.faults.restore_node("node-1")
    cluster.run_for(60)
    assert cluster.get("pods", "web-node-1")["metadata"]["uid"] != first
