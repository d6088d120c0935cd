"""A machine is shut down: with time for its pods, and without."""

from __future__ import annotations

from typing import Any

from k8snb.cluster import Cluster
from tests.kubelet.story import Story

KIND = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}
DEAF = "trap : TERM; while true; do sleep 1; done"


def told(nodes: int = 1, **fields: Any) -> Story:
    """Machines whose kubelets have read such a file."""
    story = Story()
    story.cluster = Cluster(nodes=nodes, kubelet={**KIND, **fields})
    return story


def ready(story: Story) -> tuple[str, str, str]:
    """What the node says of itself."""
    found = next(c for c in story.cluster.get("nodes", "node-1")["status"]["conditions"] if c["type"] == "Ready")
    return found["status"], found["reason"], found["message"]


def powered(story: Story) -> bool:
    """Whether the machine is on."""
    return bool(story.cluster.simulation.parts.components["kubelet/node-1"].state.running)


def graceful() -> Story:
    """Half a minute in all, ten seconds of it for critical pods."""
    return told(shutdownGracePeriod="30s", shutdownGracePeriodCriticalPods="10s")


def test_pods_are_ended_in_good_order_and_their_status_says_why() -> None:
    story = graceful()
    story.pod("web", image="nginx:1.27")
    story.run(5)
    story.cluster.faults.shut_down_node("node-1")
    assert ready(story) == ("False", "KubeletNotReady", "node is shutting down")
    story.run(2)
    status = story.status("web")
    message = "Pod was terminated in response to imminent node shutdown."
    assert (status["phase"], status["reason"], status["message"]) == ("Failed", "Terminated", message)
    target = next(c for c in status["conditions"] if c["type"] == "DisruptionTarget")
    assert (target["status"], target["reason"], target["message"]) == ("True", "TerminationByKubelet", message)
    assert story.main("web")["state"]["terminated"]["exitCode"] == 0, "nginx had the time to end well"
    assert not powered(story), "nobody is waited for any more"
    said = {e["reason"]: e["message"] for e in story.cluster.get("events") if e["involvedObject"]["kind"] == "Node"}
    assert said["Shutdown"] == "Shutdown manager detected shutdown event"


def test_a_period_below_zero_is_the_shortest() -> None:
    story = told(shutdownGracePeriodByPodPriority=[{"priority": 0, "shutdownGracePeriodSeconds": -5}])
    story.pod("web", image="nginx:1.27")
    story.run(5)
    story.cluster.faults.shut_down_node("node-1")
    story.run(2)
    assert not powered(story)


def test_critical_pods_come_last_and_each_group_has_its_period() -> None:
    story = graceful()
    story.pod("plain", "sh", "-c", DEAF, spec={"terminationGracePeriodSeconds": 300})
    story.pod("critical", "sh", "-c", DEAF, spec={"terminationGracePeriodSeconds": 300, "priorityClassName": "system-node-critical"})
    story.run(5)
    story.cluster.faults.shut_down_node("node-1")
    story.run(19)
    assert [story.status(name)["phase"] for name in ("plain", "critical")] == ["Running", "Running"]
    story.run(2)
    assert [story.status(name)["phase"] for name in ("plain", "critical")] == ["Failed", "Running"]
    assert story.main("plain")["state"]["terminated"]["exitCode"] == 137
    assert powered(story)
    story.run(10)
    assert not powered(story)


def test_a_pod_that_asks_for_less_gets_less() -> None:
    story = graceful()
    story.pod("quick", "sh", "-c", DEAF, spec={"terminationGracePeriodSeconds": 3})
    story.run(5)
    story.cluster.faults.shut_down_node("node-1")
    story.run(5)
    assert (story.status("quick")["reason"], powered(story)) == ("Terminated", False)


def test_periods_by_priority_end_one_class_after_the_other() -> None:
    periods = [{"priority": 1000, "shutdownGracePeriodSeconds": 5}, {"priority": 0, "shutdownGracePeriodSeconds": 8}]
    story = told(shutdownGracePeriodByPodPriority=periods)
    high = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 5000}
    story.cluster.client.create("priorityclasses.scheduling.k8s.io", high)
    story.pod("low", "sh", "-c", DEAF)
    story.pod("high", "sh", "-c", DEAF, spec={"priorityClassName": "high"})
    story.run(5)
    story.cluster.faults.shut_down_node("node-1")
    story.run(9)
    assert [story.status(name)["phase"] for name in ("low", "high")] == ["Failed", "Running"]
    story.run(6)
    assert not powered(story)


def test_a_node_that_is_shutting_down_takes_up_no_pods() -> None:
    story = graceful()
    story.pod("slow", "sh", "-c", DEAF)
    story.run(5)
    story.cluster.faults.shut_down_node("node-1")
    story.run(2)
    story.pod("late", "sleep", "9")
    story.run(2)
    status = story.status("late")
    assert (status["phase"], status["reason"]) == ("Failed", "NodeShutdown")
    assert status["message"] == "Pod was rejected: Pod was rejected as the node is shutting down."


def test_a_deployment_is_whole_again_elsewhere_within_seconds_and_the_failed_pods_stay_to_be_read() -> None:
    story = told(2, shutdownGracePeriod="30s", shutdownGracePeriodCriticalPods="10s")
    story.cluster.kubectl("create deployment web --image=nginx:1.27 --replicas=4")
    story.cluster.settle(limit=60)
    story.cluster.faults.shut_down_node("node-1")
    story.run(15)
    found = [(p["spec"]["nodeName"], p["status"]["phase"]) for p in story.cluster.get("pods")]
    assert found.count(("node-2", "Running")) == 4
    assert ("node-1", "Failed") in found


def test_without_a_grace_period_the_machine_is_off_at_once_and_its_pods_seem_to_run() -> None:
    story = told(2)
    story.cluster.kubectl("create deployment web --image=nginx:1.27 --replicas=4")
    story.cluster.settle(limit=60)
    story.cluster.faults.shut_down_node("node-1")
    story.run(15)
    assert not powered(story)
    assert {p["status"]["phase"] for p in story.cluster.get("pods")} == {"Running"}
    assert ready(story)[0] == "True", "silence is not noticed before the grace period of the node is over"
    story.run(60)
    assert ready(story)[0] == "Unknown"


def test_switched_on_again_it_serves_and_replaces_what_its_file_directory_holds() -> None:
    story = graceful()
    story.pod("web", image="nginx:1.27")
    story.run(5)
    story.cluster.faults.shut_down_node("node-1")
    story.run(40)
    story.cluster.faults.restore_node("node-1")
    story.run(30)
    story.pod("new", image="nginx:1.27")
    story.run(5)
    assert (ready(story)[0], story.status("new")["phase"], story.status("web")["phase"]) == ("True", "Running", "Failed")


def test_a_fork_in_the_middle_ends_the_same_way() -> None:
    story = graceful()
    story.pod("deaf", "sh", "-c", DEAF)
    story.run(5)
    story.cluster.faults.shut_down_node("node-1")
    story.run(10)
    other = story.cluster.fork()
    for cluster in (story.cluster, other):
        cluster.run_for(30)
    assert not powered(story)
    assert other.save() == story.cluster.save()
