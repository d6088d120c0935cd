"""How pods end, and what survives what."""

from __future__ import annotations

from typing import Any

Story = Any


def seconds_until_gone(story: Story, name: str) -> float:
    begin = story.cluster.now
    assert story.cluster.run_until(lambda _cluster: story.get(name) is None, 120)
    return float((story.cluster.now - begin) / 1_000_000)


def test_nginx_ends_at_once(story: Story) -> None:
    story.pod("web", image="nginx:1.27")
    story.run(3)
    story.cluster.client.delete("pods", "web", "default")
    assert seconds_until_gone(story, "web") < 1
    assert story.events("web", "Killing") == ["Stopping container main"]


def test_a_shell_that_ignores_sigterm_takes_the_whole_grace_period(story: Story) -> None:
    story.pod("app", "sh", "-c", "sleep 999", spec={"terminationGracePeriodSeconds": 10})
    story.run(3)
    story.cluster.client.delete("pods", "app", "default")
    assert 10 <= seconds_until_gone(story, "app") < 11


def test_a_shorter_grace_is_quicker_but_every_process_has_two_seconds(story: Story) -> None:
    story.pod("app", "sleep", "999")
    story.run(3)
    story.cluster.client.delete("pods", "app", "default", grace=1)
    assert 2 <= seconds_until_gone(story, "app") < 2.2


def test_a_pre_stop_hook_comes_before_sigterm(story: Story) -> None:
    hook = {"preStop": {"exec": {"command": ["sh", "-c", "echo bye > /tmp/bye; sleep 3"]}}}
    story.pod("web", image="nginx:1.27", lifecycle=hook)
    story.run(3)
    story.cluster.client.delete("pods", "web", "default")
    assert 3 <= seconds_until_gone(story, "web") < 4


def test_a_pod_without_its_grace_shows_137(story: Story) -> None:
    story.pod("app", "sleep", "999", spec={"terminationGracePeriodSeconds": 2})
    story.run(3)
    pod = story.get("app")
    story.cluster.client.patch("pods", "app", {"metadata": {"finalizers": ["example.com/hold"]}}, "default")
    story.cluster.client.delete("pods", "app", "default")
    story.run(4)
    terminated = story.main("app")["state"]["terminated"]
    assert (terminated["exitCode"], terminated["reason"]) == (137, "Error")
    assert pod["metadata"]["uid"] == story.get("app")["metadata"]["uid"]


def test_containers_outlive_their_kubelet(story: Story) -> None:
    story.pod("app", "sh", "-c", "while true; do echo tick; sleep 1; done")
    story.run(5)
    story.cluster.faults.stop("kubelet/node-1")
    story.run(10)
    story.cluster.faults.start("kubelet/node-1")
    story.run(3)
    assert story.main("app")["restartCount"] == 0
    assert story.cluster.kubectl("logs app").text.count("tick") >= 17


def test_a_pod_deleted_while_the_kubelet_was_away_is_cleaned_up(story: Story) -> None:
    story.pod("web", image="nginx:1.27")
    story.run(3)
    story.cluster.faults.stop("kubelet/node-1")
    story.cluster.client.delete("pods", "web", "default", grace=0)
    story.run(1)
    assert story.get("web") is None
    story.cluster.faults.start("kubelet/node-1")
    story.run(40)
    machines = story.cluster.simulation.parts.machines
    assert machines.kubelets["node-1"].own.pods == {}
    assert machines.cni.state.owners == {}


def test_after_a_reboot_pods_start_again_with_new_sandboxes(story: Story) -> None:
    story.pod("web", image="nginx:1.27")
    story.run(3)
    story.cluster.faults.fail_node("node-1")
    story.run(20)
    story.cluster.faults.restore_node("node-1")
    story.run(5)
    assert story.status("web")["phase"] == "Running"
    assert story.main("web")["restartCount"] == 1
    assert story.main("web")["lastState"]["terminated"]["exitCode"] == 255
    assert "SandboxChanged" in story.events("web")


def test_a_crashed_container_comes_back(story: Story) -> None:
    story.pod("web", image="nginx:1.27")
    story.run(3)
    assert story.cluster.faults.crash_container("web")
    story.run(3)
    assert (story.main("web")["restartCount"], story.main("web")["lastState"]["terminated"]["exitCode"]) == (1, 137)


def test_another_image_makes_a_running_container_anew(story: Story) -> None:
    story.pod("web", image="nginx:1.26")
    story.run(3)
    story.cluster.kubectl("set image pod/web main=nginx:1.27")
    story.run(5)
    assert story.main("web")["image"] == "docker.io/library/nginx:1.27"
    assert (story.status("web")["phase"], story.main("web")["restartCount"]) == ("Running", 1)
    assert story.events("web", "Killing") == ["Container main definition changed, will be restarted"]


def test_kill_1_in_a_container_restarts_it(story: Story) -> None:
    story.pod("web", image="nginx:1.27")
    story.run(3)
    story.cluster.kubectl("exec web -- sh -c 'kill 1'")
    story.run(3)
    assert (story.main("web")["restartCount"], story.main("web")["lastState"]["terminated"]["reason"]) == (1, "Completed")


def test_hollow_containers_run_at_once_and_end_at_once(hollow: Story) -> None:
    hollow.pod("web", image="nginx:1.27", readinessProbe={"httpGet": {"port": 1}})
    hollow.run(1)
    assert (hollow.status("web")["phase"], hollow.ready("web"), hollow.events("web"), hollow.writes("web")) == ("Running", True, [], 1)
    hollow.cluster.client.delete("pods", "web", "default")
    assert seconds_until_gone(hollow, "web") < 1


def test_the_node_says_that_it_is_well(story: Story) -> None:
    node = story.cluster.get("nodes", "node-1")
    assert {c["type"]: c["status"] for c in node["status"]["conditions"]} == {
        "MemoryPressure": "False", "DiskPressure": "False", "PIDPressure": "False", "Ready": "True",
    }  # fmt: skip
    before = story.cluster.get("leases.coordination.k8s.io", "node-1", "kube-node-lease")["spec"]["renewTime"]
    story.run(25)
    after = story.cluster.get("leases.coordination.k8s.io", "node-1", "kube-node-lease")["spec"]["renewTime"]
    assert before < after
