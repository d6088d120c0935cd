"""Pods that a kubelet refuses: those that name their node themselves never met the scheduler."""

from __future__ import annotations

from typing import Any

from k8snb.kubelet.admission import collide

Story = Any


def refused(story: Story, name: str) -> tuple[str, str]:
    """Reason and message of a pod that was refused."""
    status = story.status(name)
    assert status["phase"] == "Failed"
    assert "containerStatuses" not in status
    return status["reason"], status["message"]


def test_a_host_port_can_be_had_once(story: Story) -> None:
    port = {"ports": [{"containerPort": 80, "hostPort": 8080}]}
    story.pod("first", image="nginx:1.27", **port)
    story.pod("second", image="nginx:1.27", **port)
    story.run(3)
    assert story.status("first")["phase"] == "Running"
    assert refused(story, "second") == (
        "NodePorts", "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    )  # fmt: skip
    assert story.events("second", "NodePorts") == ["Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"]
    story.cluster.client.delete("pods", "first", "default")
    story.run(3)
    story.pod("third", image="nginx:1.27", **port)
    story.run(3)
    assert story.status("third")["phase"] == "Running"


def test_a_node_that_says_no_execute_takes_up_nobody_who_does_not_tolerate_it(story: Story) -> None:
    taint = {"spec": {"taints": [{"key": "maintenance", "value": "now", "effect": "NoExecute"}]}}
    story.cluster.client.patch("nodes", "node-1", taint, kind="strategic")
    story.run(1)
    story.cluster.faults.stop("kube-controller-manager")  # else it would delete the pod
    story.pod("plain", image="nginx:1.27")
    story.pod("tolerant", image="nginx:1.27", spec={"tolerations": [{"key": "maintenance", "operator": "Exists"}]})
    story.run(3)
    assert refused(story, "plain") == (
        "TaintToleration", "Pod was rejected: Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate",
    )  # fmt: skip
    assert story.status("tolerant")["phase"] == "Running"


def test_memory_and_the_number_of_pods_are_counted_and_given_back(story: Story) -> None:
    story.pod("first", image="nginx:1.27", resources={"requests": {"memory": "3Gi"}})
    story.pod("second", image="nginx:1.27", resources={"requests": {"memory": "2Gi"}})
    story.run(3)
    assert refused(story, "second")[1] == (
        "Pod was rejected: Node didn't have enough resource: memory, requested: 2147483648, used: 3221225472, capacity: 4294967296"
    )
    story.cluster.client.delete("pods", "first", "default")
    story.run(3)
    story.pod("third", image="nginx:1.27", resources={"requests": {"memory": "2Gi"}})
    story.run(3)
    assert story.status("third")["phase"] == "Running"


def test_a_selector_that_does_not_fit_is_said_in_full(story: Story) -> None:
    story.pod("elsewhere", "sleep", "9", spec={"nodeSelector": {"disk": "ssd"}})
    story.run(1)
    assert refused(story, "elsewhere") == (
        "NodeAffinity", "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
    )  # fmt: skip


def test_a_refused_pod_of_a_replicaset_is_replaced(story: Story) -> None:
    container = {"name": "main", "image": "nginx:1.27", "resources": {"requests": {"cpu": "1500m"}}}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"nodeName": "node-1", "containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    story.pod("first", image="nginx:1.27", resources={"requests": {"cpu": "1"}})
    whole = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web"}, "spec": spec}
    story.cluster.client.create("replicasets.apps", whole, "default")
    story.run(2)
    assert {p["status"].get("reason") for p in story.cluster.get("pods") if p["metadata"]["name"] != "first"} == {"OutOfcpu"}


def test_ports_collide_on_one_address_or_on_all() -> None:
    taken = frozenset({("10.0.0.1", "TCP", 80), ("0.0.0.0", "UDP", 53)})
    assert collide([("10.0.0.1", "TCP", 80)], taken)
    assert collide([("0.0.0.0", "TCP", 80)], taken)
    assert collide([("10.0.0.2", "UDP", 53)], taken)
    assert not collide([("10.0.0.2", "TCP", 80)], taken)
    assert not collide([("10.0.0.1", "UDP", 80)], taken)


def test_a_critical_pod_makes_room_for_itself_with_as_little_harm_as_possible(story: Story) -> None:
    sizes = {"small": "200m", "fitting": "600m", "large": "1100m"}
    for name, cpu in sizes.items():
        story.pod(name, "sleep", "999", resources={"requests": {"cpu": cpu}}, spec={"terminationGracePeriodSeconds": 5})
    story.run(3)
    critical = {"priorityClassName": "system-node-critical"}
    story.pod("critical", image="nginx:1.27", resources={"requests": {"cpu": "650m"}}, spec=critical)
    story.run(10)
    assert story.status("critical")["phase"] == "Running"
    ended = story.status("fitting")
    assert (ended["phase"], ended["reason"], ended["message"]) == ("Failed", "Preempting", "Preempted in order to admit critical pod")
    target = next(c for c in ended["conditions"] if c["type"] == "DisruptionTarget")
    assert (target["reason"], target["message"]) == (
        "TerminationByKubelet", "Pod was preempted by Kubelet to accommodate a critical pod.",
    )  # fmt: skip
    assert [story.status(name)["phase"] for name in ("small", "large")] == ["Running", "Running"]
    assert story.cluster.simulation.parts.machines.kubelets["node-1"].own.used["cpu"] == 200 + 1100 + 650


def test_a_critical_pod_that_could_never_fit_ends_nobody(story: Story) -> None:
    story.pod("app", "sleep", "999", resources={"requests": {"cpu": "1"}})
    story.run(3)
    story.pod("critical", image="nginx:1.27", resources={"requests": {"cpu": "3"}}, spec={"priorityClassName": "system-node-critical"})
    story.run(3)
    assert refused(story, "critical")[0] == "OutOfcpu"
    assert story.status("app")["phase"] == "Running"
