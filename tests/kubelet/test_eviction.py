"""A node runs out of memory or disk: who goes, in which order, and what the node says meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.cluster import Cluster
from k8snb.kubelet.configuration import DEFAULTS
from k8snb.kubelet.images import Image, Process
from k8snb.kubelet.oom import adjustment
from k8snb.kubelet.thresholds import Observation, met
from k8snb.messages import Mistake

Story = Any
MIB = 1 << 20


class Eater(Image):
    """Uses so many MiB as its command says, and leaks so many more each second."""

    name = "eater"
    programs = ("eat",)

    def start(self, process: Process) -> None:
        amount, leak = (int(word) * MIB for word in (*process.argv[1:], "0")[:2])
        process.use(memory=amount, growth=leak)


def eater(story: Story, name: str, use: int, leak: int = 0, *, request: str = "", limit: str = "", priority: str = "") -> None:
    """A pod that uses so much memory (MiB)."""
    story.cluster.images.add(Eater)
    resources = {key: {"memory": text} for key, text in (("requests", request), ("limits", limit)) if text}
    spec = {"priorityClassName": priority} if priority else {}
    story.pod(name, "eat", str(use), str(leak), image="eater", resources=resources, spec=spec)


def condition(story: Story, kind: str) -> Any:
    """That condition of the node."""
    return next(c for c in story.cluster.get("nodes", "node-1")["status"]["conditions"] if c["type"] == kind)


def taints(story: Story) -> list[str]:
    """The node's taints."""
    return [taint["key"].rpartition("/")[2] for taint in story.cluster.get("nodes", "node-1")["spec"].get("taints") or ()]


def evicted(story: Story) -> list[str]:
    """The pods that were evicted, in order."""
    found = [e for e in story.cluster.get("events") if e["reason"] == "Evicted"]
    return [e["involvedObject"]["name"] for e in sorted(found, key=lambda e: e["firstTimestamp"])]


def test_under_memory_pressure_the_pod_furthest_above_its_request_goes(story: Story) -> None:
    eater(story, "modest", 300, request="512Mi")
    eater(story, "greedy", 900, request="100Mi")
    story.run(5)
    story.cluster.faults.use_memory("node-1", "2430Mi")
    story.run(15)
    status = story.status("greedy")
    assert (status["phase"], status["reason"]) == ("Failed", "Evicted")
    assert status["message"] == (
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 46Mi. "
        "Container main was using 900Mi, request is 100Mi, has larger consumption of memory. "
    )
    target = next(c for c in status["conditions"] if c["type"] == "DisruptionTarget")
    assert (target["status"], target["reason"], target["message"]) == ("True", "TerminationByKubelet", status["message"])
    assert story.status("modest")["phase"] == "Running"
    assert evicted(story) == ["greedy"]


def test_the_node_says_so_is_tainted_and_recovers_five_minutes_after(story: Story) -> None:
    eater(story, "greedy", 900)
    story.run(5)
    story.cluster.faults.use_memory("node-1", "2780Mi")
    story.run(12)
    pressure = condition(story, "MemoryPressure")
    assert (pressure["status"], pressure["reason"], pressure["message"]) == (
        "True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available",
    )  # fmt: skip
    assert taints(story) == ["memory-pressure"]
    events = [e["message"] for e in story.cluster.get("events") if e["involvedObject"]["kind"] == "Node"]
    assert "Node node-1 status is now: NodeHasInsufficientMemory" in events
    assert "Attempting to reclaim memory" in events
    story.cluster.faults.use_memory("node-1", 0)
    story.run(280)
    assert condition(story, "MemoryPressure")["status"] == "True"
    story.run(30)
    assert (condition(story, "MemoryPressure")["reason"], taints(story)) == ("KubeletHasSufficientMemory", [])


def test_a_node_under_memory_pressure_takes_up_no_best_effort_pod(story: Story) -> None:
    story.cluster.faults.use_memory("node-1", "3630Mi")
    story.run(12)
    story.pod("idle", "sleep", "9")
    story.pod("asking", "sleep", "99", resources={"requests": {"memory": "1Mi"}})
    story.run(2)
    assert story.status("idle")["message"] == "Pod was rejected: The node had condition: [MemoryPressure]. "
    assert (story.status("idle")["phase"], story.status("idle")["reason"]) == ("Failed", "Evicted")
    assert story.status("asking")["phase"] == "Running"


def test_first_who_exceeds_its_request_then_the_lower_priority_then_who_exceeds_it_most(story: Story) -> None:
    story.cluster.client.create(
        "priorityclasses.scheduling.k8s.io",
        {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 1000},
    )
    eater(story, "within", 500, request="600Mi")
    eater(story, "important", 800, priority="high")
    eater(story, "small", 300)
    eater(story, "large", 400)
    story.run(5)
    for foreign in (1630, 2030, 2330):  # each time 46 MiB are left
        story.cluster.faults.use_memory("node-1", f"{foreign}Mi")
        story.run(20)
    assert evicted(story) == ["large", "small", "important"]
    assert story.status("within")["phase"] == "Running"


def test_critical_and_static_pods_stay(story: Story) -> None:
    eater(story, "critical", 900, priority="system-node-critical")
    eater(story, "plain", 100)
    story.run(5)
    story.cluster.faults.use_memory("node-1", "2730Mi")
    story.run(60)
    assert (story.status("critical")["phase"], story.status("plain")["phase"]) == ("Running", "Failed")


def test_a_replicaset_replaces_an_evicted_pod_elsewhere() -> None:
    cluster = Cluster(nodes=2)
    cluster.images.add(Eater)
    cluster.kubectl("cordon node-2")
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main", "image": "eater", "command": ["eat", "900"]}]},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    cluster.client.create(
        "replicasets.apps", {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web"}, "spec": spec}, "default"
    )
    cluster.settle()
    cluster.kubectl("uncordon node-2")
    cluster.faults.use_memory("node-1", "2780Mi")
    cluster.run_for(30)
    found = {p["spec"]["nodeName"]: p["status"]["phase"] for p in cluster.get("pods")}
    assert found == {"node-1": "Failed", "node-2": "Running"}


def test_a_leak_that_outruns_the_kubelet_is_ended_by_the_kernel_at_once(story: Story) -> None:
    eater(story, "guaranteed", 500, request="600Mi", limit="600Mi")
    eater(story, "leaking", 100, 900)
    story.run(12)
    main = story.main("leaking")
    ended = (main["lastState"] or main["state"])["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "OOMKilled")
    assert story.status("guaranteed")["containerStatuses"][0]["restartCount"] == 0
    assert [e["message"] for e in story.cluster.get("events") if e["reason"] == "SystemOOM"] == ["System OOM encountered"]


def test_a_container_over_its_own_limit_is_killed_and_the_node_does_not_care(story: Story) -> None:
    eater(story, "app", 50, 10, limit="100Mi")
    story.run(20)
    ended = story.main("app")["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"], story.status("app")["phase"]) == (137, "OOMKilled", "Running")
    assert condition(story, "MemoryPressure")["status"] == "False"


def test_disk_pressure_removes_unused_images_before_it_evicts_anybody(story: Story) -> None:
    story.pod("web", image="nginx:1.27")
    story.pod("old", image="nginx:1.26")
    story.run(5)
    story.cluster.client.delete("pods", "old", "default")
    story.run(450)  # an image is first noticed within five minutes, and two minutes later it may go
    free = 50 * (1 << 30) * 15 // 100
    story.cluster.faults.use_disk("node-1", 50 * (1 << 30) - free - 100 * MIB)  # 100 MiB above the threshold: two images are too many
    story.run(15)
    assert list(story.cluster.simulation.parts.machines.runtimes["node-1"].images()) == ["docker.io/library/nginx:1.27"]
    assert (story.status("web")["phase"], evicted(story), taints(story)) == ("Running", [], ["disk-pressure"])


def test_disk_pressure_evicts_when_nothing_else_helps(story: Story) -> None:
    story.pod("web", image="nginx:1.27")
    story.run(5)
    story.cluster.faults.use_disk("node-1", "45Gi")
    story.run(15)
    status = story.status("web")
    assert (status["phase"], status["reason"]) == ("Failed", "Evicted")
    assert status["message"].startswith("The node was low on resource: ephemeral-storage. Threshold quantity: 5368709200, available: ")
    assert condition(story, "DiskPressure")["reason"] == "KubeletHasDiskPressure"


def test_images_are_collected_at_85_percent_the_one_that_was_used_longest_ago_first(story: Story) -> None:
    for tag in ("1.25", "1.26", "1.27"):
        story.pod(f"web-{tag[-2:]}", image=f"nginx:{tag}")
    story.run(310)
    for tag in ("26", "25"):
        story.cluster.client.delete("pods", f"web-{tag}", "default")
        story.run(10)
    runtime = story.cluster.simulation.parts.machines.runtimes["node-1"]
    story.cluster.faults.use_disk("node-1", 50 * (1 << 30) * 845 // 1000 - sum(runtime.images().values()) - runtime.written()[0])
    story.run(300)
    assert list(runtime.images()) == ["docker.io/library/nginx:1.27"]
    said = [e["message"] for e in story.cluster.get("events") if e["reason"] == "FreeDiskSpaceFailed"]
    found = f"Attempted to free 2415919104 bytes, but only found {2 * 72188133} bytes eligible to free."
    assert said == [f"Failed to garbage collect required amount of images. {found}"]
    assert evicted(story) == []


def test_the_node_lists_its_images(story: Story) -> None:
    story.pod("web", image="nginx:1.27")
    story.run(15)
    images = story.cluster.get("nodes", "node-1")["status"]["images"]
    assert [(image["names"][1], image["sizeBytes"]) for image in images] == [("docker.io/library/nginx:1.27", 72188133)]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"volume": "1Ki"}, 'Usage of EmptyDir volume "scratch" exceeds the limit "1Ki". '),
        ({"container": "1Ki"}, "Pod ephemeral local storage usage exceeds the total limit of containers 1Ki. "),
    ],
)
def test_a_pod_over_its_own_limit_on_storage_is_evicted(story: Story, limits: dict[str, str], message: str) -> None:
    text = "x" * 3000
    volumes = [{"name": "scratch", "emptyDir": {"sizeLimit": limits["volume"]} if "volume" in limits else {}}]
    resources = {"limits": {"ephemeral-storage": limits["container"]}} if "container" in limits else {}
    mount = [{"name": "scratch", "mountPath": "/scratch"}]
    story.pod(
        "app", "sh", "-c", f"echo {text} > /scratch/file; sleep 999", spec={"volumes": volumes}, volumeMounts=mount, resources=resources
    )
    story.pod("other", "sh", "-c", f"echo {text} > /tmp/file; sleep 999")
    story.run(15)
    assert (story.status("app")["reason"], story.status("app")["message"]) == ("Evicted", message)
    assert story.status("other")["phase"] == "Running"


def test_a_restarted_kubelet_remembers_pressure_and_goes_on_evicting(story: Story) -> None:
    for number in range(3):
        eater(story, f"eater-{number}", 400)
    story.run(5)
    story.cluster.faults.use_memory("node-1", "3480Mi")
    story.run(6)
    story.cluster.faults.stop("kubelet/node-1")
    story.run(20)
    story.cluster.faults.start("kubelet/node-1")
    story.run(60)
    assert len(evicted(story)) == 3
    assert condition(story, "MemoryPressure")["status"] == "True"


def test_amounts_are_checked_before_anything_happens(story: Story) -> None:
    with pytest.raises(Mistake, match="no amount of bytes"):
        story.cluster.faults.use_memory("node-1", "much")
    with pytest.raises(Mistake, match="no machine"):
        story.cluster.faults.use_disk("node-9", "1Gi")


@given(st.integers(-(1 << 32), 1 << 32))
def test_thresholds_are_met_below_and_never_above(available: int) -> None:
    found = {threshold.signal for threshold in met(DEFAULTS.thresholds, {"memory.available": Observation(available, 1 << 32)})}
    assert found == ({"memory.available"} if available < 100 * MIB else set())


@given(st.integers(0, 8 << 30), st.integers(1 << 30, 64 << 30))
def test_scores_lie_between_the_guaranteed_and_the_best_effort(request: int, capacity: int) -> None:
    container = {"name": "c", "resources": {"requests": {"memory": str(request), "cpu": "1m"}}}
    pod = {"metadata": {}, "spec": {"containers": [container]}}
    assert 3 <= adjustment(_frozen(pod), _frozen(container), capacity) <= 999


def _frozen(value: Any) -> Any:
    from k8snb.apimachinery.objects import freeze

    return freeze(value)
