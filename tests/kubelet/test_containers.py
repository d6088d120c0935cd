"""The three sorts of containers of a pod, their own restart policies, their hooks, and the order in which they end."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apimachinery.errors import ApiError
from k8snb.apiserver.request import STRATEGIC_MERGE_PATCH, Request
from tests.kubelet.test_termination import seconds_until_gone

Story = Any


def container(name: str, script: str, **more: Any) -> dict[str, Any]:
    """A container that runs a script."""
    return {"name": name, "image": "busybox:1.36", "command": ["sh", "-c", script], **more}


def pod(story: Story, name: str, *containers: Any, init: Any = (), **spec: Any) -> None:
    """Make a pod of these containers."""
    story.create(
        {"metadata": {"name": name}, "spec": {"nodeName": "node-1", "initContainers": list(init), "containers": list(containers), **spec}}
    )


def states(story: Story, name: str) -> dict[str, str]:
    """By container, what its status says it does."""
    status = story.status(name)
    rows = [*(status.get("initContainerStatuses") or ()), *status["containerStatuses"]]
    return {row["name"]: next(iter(row["state"])) for row in rows}


# -- ephemeral containers --------------------------------------------------------------------------------------------


def debug(story: Story, name: str, *containers: dict[str, Any]) -> Any:
    """PATCH pods/NAME/ephemeralcontainers."""
    body = {"spec": {"ephemeralContainers": list(containers)}}
    request = Request(
        "patch", "", "v1", "pods", "default", name, "ephemeralcontainers", body=body, patch_type=STRATEGIC_MERGE_PATCH,
        user=story.cluster.client.user,
    )  # fmt: skip
    response = story.cluster.send(request)
    if not response.ok:
        raise ApiError(response.code, response.body["reason"], response.body["message"])
    return response.body


def test_an_ephemeral_container_joins_a_running_pod_and_is_never_restarted(story: Story) -> None:
    story.pod("app", image="nginx:1.27")
    story.run(3)
    assert debug(story, "app", container("debugger", "echo looking; sleep 5"))["metadata"]["generation"] == 2
    story.run(3)
    visitor = story.main("app", "ephemeralContainerStatuses")
    assert (visitor["name"], "running" in visitor["state"], visitor["ready"]) == ("debugger", True, False)
    assert story.cluster.kubectl("logs app -c debugger").text == "looking\n"
    story.run(20)
    assert story.main("app", "ephemeralContainerStatuses")["state"]["terminated"]["exitCode"] == 0
    assert (story.status("app")["phase"], story.ready("app"), story.main("app")["restartCount"]) == ("Running", True, 0)


def test_it_can_look_into_a_pod_that_keeps_crashing(story: Story) -> None:
    story.pod("app", "sh", "-c", "exit 1")
    story.run(3)
    debug(story, "app", container("debugger", "sleep 999"))
    story.run(3)
    assert "running" in story.main("app", "ephemeralContainerStatuses")["state"]
    story.cluster.client.delete("pods", "app", "default")
    assert seconds_until_gone(story, "app") >= 30


def test_it_can_be_added_but_neither_changed_nor_removed_nor_given_to_a_new_pod(story: Story) -> None:
    story.pod("app", image="nginx:1.27")
    debug(story, "app", container("debugger", "sleep 1"))
    with pytest.raises(ApiError, match="may not be changed"):
        debug(story, "app", container("debugger", "sleep 2"))
    with pytest.raises(ApiError, match="cannot be set for an Ephemeral Container"):
        debug(story, "app", container("other", "sleep 2", resources={"requests": {"cpu": "1"}}))
    debug(story, "app", container("second", "sleep 2"))
    assert sorted(c["name"] for c in story.get("app")["spec"]["ephemeralContainers"]) == ["debugger", "second"]
    with pytest.raises(ApiError, match="cannot be set on create"):
        pod(story, "new", container("main", "sleep 9"), ephemeralContainers=[container("debugger", "sleep 1")])


# -- restart policies ------------------------------------------------------------------------------------------------


def test_a_container_may_have_a_restart_policy_of_its_own(story: Story) -> None:
    always, once = container("always", "sleep 4; exit 1", restartPolicy="Always"), container("once", "sleep 4; exit 1")
    pod(story, "app", always, once, restartPolicy="Never")
    story.run(8)
    counts = {c["name"]: c["restartCount"] for c in story.status("app")["containerStatuses"]}
    assert (counts, story.status("app")["phase"]) == ({"always": 1, "once": 0}, "Running")


def test_rules_restart_a_container_by_its_exit_code(story: Story) -> None:
    rules = [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]
    script = "test -f /scratch/seen && exit 7; touch /scratch/seen; exit 42"
    mount = {"volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]}
    main = container("main", script, restartPolicy="Never", restartPolicyRules=rules, **mount)
    pod(story, "app", main, restartPolicy="Never", volumes=[{"name": "scratch", "emptyDir": {}}])
    story.run(5)
    assert (story.status("app")["phase"], story.main("app")["restartCount"]) == ("Failed", 1)
    assert story.main("app")["state"]["terminated"]["exitCode"] == 7


def test_a_rule_may_restart_all_containers_in_place(story: Story) -> None:
    rules = [{"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [88]}}]
    mount = {"volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]}
    setup = container("setup", "echo x >> /scratch/log", **mount)
    watcher = container("watcher", "test -f /scratch/done && sleep 999; touch /scratch/done; sleep 5; exit 88",
                        restartPolicy="Always", restartPolicyRules=rules, **mount)  # fmt: skip
    main = container("main", "sleep 999", **mount)
    pod(story, "app", main, init=[setup, watcher], restartPolicy="Never", volumes=[{"name": "scratch", "emptyDir": {}}])
    story.run(4)
    address = story.status("app")["podIP"]
    story.run(2.5)
    assert {c["type"]: c["status"] for c in story.status("app")["conditions"]}["AllContainersRestarting"] == "True"
    story.run(8)
    status = story.status("app")
    assert {c["type"]: c["status"] for c in status["conditions"]}["AllContainersRestarting"] == "False"
    assert states(story, "app") == {"setup": "terminated", "watcher": "running", "main": "running"}
    assert [c["restartCount"] for c in (*status["initContainerStatuses"], *status["containerStatuses"])] == [1, 1, 1]
    assert (status["podIP"], status["phase"]) == (address, "Running")
    assert story.cluster.kubectl("exec app -c main -- cat /scratch/log").text == "x\nx\n"


def test_after_a_reboot_init_containers_run_again(story: Story) -> None:
    pod(story, "app", container("main", "sleep 999"), init=[container("setup", "echo ready")])
    story.run(4)
    story.cluster.faults.fail_node("node-1")
    story.run(5)
    story.cluster.faults.restore_node("node-1")
    story.run(5)
    assert (story.main("app", "initContainerStatuses")["restartCount"], story.main("app")["restartCount"]) == (1, 1)


# -- init containers and sidecars ------------------------------------------------------------------------------------


def test_a_sidecar_holds_back_what_follows_until_its_startup_probe_has_passed(story: Story) -> None:
    probe = {"exec": {"command": ["cat", "/tmp/up"]}, "periodSeconds": 1, "failureThreshold": 60}
    sidecar = container("sidecar", "sleep 6; touch /tmp/up; sleep 999", restartPolicy="Always", startupProbe=probe)
    pod(story, "app", container("main", "sleep 999"), init=[sidecar])
    story.run(5)
    assert states(story, "app") == {"sidecar": "running", "main": "waiting"}
    story.run(6)
    assert states(story, "app") == {"sidecar": "running", "main": "running"}


def test_a_sidecar_does_not_keep_a_job_from_ending(story: Story) -> None:
    sidecar = container("sidecar", "trap 'exit 0' TERM; while true; do sleep 1; done", restartPolicy="Always")
    template = {"restartPolicy": "Never", "initContainers": [sidecar], "containers": [container("main", "sleep 3")]}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job"}, "spec": {"template": {"spec": template}}}
    story.cluster.client.create("jobs.batch", job, "default")
    story.run(15)
    assert {c["type"]: c["status"] for c in story.cluster.get("jobs", "job")["status"]["conditions"]}["Complete"] == "True"


def test_sidecars_end_after_the_others_and_the_last_one_first(story: Story) -> None:
    def talker(name: str, **more: Any) -> dict[str, Any]:
        return container(name, f"trap 'echo {name} >> /scratch/log; exit 0' TERM; while true; do sleep 1; done",
                         volumeMounts=[{"name": "scratch", "mountPath": "/scratch"}], **more)  # fmt: skip

    volumes = [{"name": "scratch", "emptyDir": {}}]
    sidecars = [talker("first", restartPolicy="Always"), talker("second", restartPolicy="Always")]
    pod(story, "app", talker("main"), init=sidecars, volumes=volumes)
    story.run(4)
    uid = story.get("app")["metadata"]["uid"]
    story.cluster.client.delete("pods", "app", "default")
    story.cluster.run_until(lambda _: len(ended(story)) == 3, 30)
    assert [name for name, _ in sorted(ended(story).items(), key=lambda item: item[1])] == ["main", "second", "first"]
    assert uid


def ended(story: Story) -> dict[str, int]:
    """When each container of node-1 ended."""
    runtime = story.cluster.simulation.parts.machines.runtimes["node-1"]
    return {c.config.name: c.ended_at for c in runtime.state.containers.values() if c.ended_at}


def test_all_containers_share_one_grace_period(story: Story) -> None:
    stubborn = container("sidecar", "sleep 999", restartPolicy="Always")
    pod(story, "app", container("main", "sleep 999"), init=[stubborn], terminationGracePeriodSeconds=10)
    story.run(4)
    story.cluster.client.delete("pods", "app", "default")
    assert 12 <= seconds_until_gone(story, "app") < 13  # 10 s for main, then the 2 s that every process gets
    assert sorted(story.events("app", "Killing")) == ["Stopping container main", "Stopping container sidecar"]


# -- hooks -----------------------------------------------------------------------------------------------------------


def test_a_container_counts_as_running_when_its_post_start_hook_is_over(story: Story) -> None:
    hook = {"postStart": {"exec": {"command": ["sh", "-c", "sleep 5"]}}}
    pod(story, "app", container("one", "sleep 999", lifecycle=hook), container("two", "sleep 999"))
    story.run(4)
    assert states(story, "app") == {"one": "waiting", "two": "waiting"}
    story.run(5)
    assert states(story, "app") == {"one": "running", "two": "running"}


def test_a_post_start_hook_that_fails_kills_the_container(story: Story) -> None:
    story.pod("app", image="nginx:1.27", lifecycle={"postStart": {"exec": {"command": ["sh", "-c", "exit 3"]}}})
    story.run(4)
    assert story.events("app", "FailedPostStartHook") == ["PostStartHook failed"]
    assert story.events("app", "Killing") == ["FailedPostStartHook"]
    assert story.main("app")["restartCount"] >= 1


def test_hooks_over_http_reach_the_container_and_tcp_hooks_are_refused(story: Story) -> None:
    story.pod("web", image="nginx:1.27", lifecycle={"preStop": {"httpGet": {"port": 80, "path": "/nope"}}})
    story.pod("old", image="nginx:1.27", lifecycle={"preStop": {"tcpSocket": {"port": 80}}})
    story.pod("nap", image="nginx:1.27", lifecycle={"preStop": {"sleep": {"seconds": 4}}})
    story.run(4)
    for name in ("web", "old", "nap"):
        story.cluster.client.delete("pods", name, "default")
    story.run(2)
    assert story.events("web", "FailedPreStopHook") == ["PreStopHook failed"]
    assert story.events("old", "FailedPreStopHook") == ["PreStopHook failed"]
    assert (story.get("web"), story.get("old")) == (None, None)
    assert story.get("nap") is not None
    story.run(3)
    assert story.get("nap") is None


def test_a_hook_longer_than_the_grace_leaves_the_process_two_seconds(story: Story) -> None:
    hook = {"preStop": {"sleep": {"seconds": 5}}}
    story.pod("app", "sleep", "999", lifecycle=hook, spec={"terminationGracePeriodSeconds": 5})
    story.run(3)
    story.cluster.client.delete("pods", "app", "default")
    assert 7 <= seconds_until_gone(story, "app") < 7.3


def test_a_stop_signal_of_its_own_ends_a_container_that_ignores_sigterm(story: Story) -> None:
    script = "trap 'exit 0' USR1; while true; do sleep 1; done"
    pod(story, "app", container("main", script, lifecycle={"stopSignal": "SIGUSR1"}), os={"name": "linux"})
    story.run(4)
    assert story.main("app")["stopSignal"] == "SIGUSR1"
    story.cluster.client.delete("pods", "app", "default")
    assert seconds_until_gone(story, "app") < 2


def test_an_ephemeral_container_may_not_do_what_the_namespace_forbids(story: Story) -> None:
    story.pod("app", image="nginx:1.27")
    story.cluster.kubectl("label namespace default pod-security.kubernetes.io/enforce=baseline")
    with pytest.raises(ApiError, match="violates PodSecurity"):
        debug(story, "app", container("debugger", "sleep 1", securityContext={"privileged": True}))
    debug(story, "app", container("debugger", "sleep 1"))
