"""A kubelet that is stopped in the middle of anything finishes it when it is back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kubelet.test_containers import container, pod, states
from tests.kubelet.test_termination import seconds_until_gone

Story = Any
KUBELET = "kubelet/node-1"


def away(story: Story, seconds: float = 5) -> None:
    """The kubelet is not there for a while."""
    story.cluster.faults.stop(KUBELET)
    story.run(seconds)
    story.cluster.faults.start(KUBELET)


@pytest.mark.parametrize("moment", [0.02, 0.1, 0.3, 1.0, 1.25, 2.0, 4.0, 7.0])
def test_a_pod_comes_up_wherever_its_kubelet_was_interrupted(story: Story, moment: float) -> None:
    hook = {"postStart": {"exec": {"command": ["sh", "-c", "sleep 3"]}}}
    probe = {"exec": {"command": ["true"]}, "periodSeconds": 1}
    sidecar = container("sidecar", "sleep 999", restartPolicy="Always", startupProbe=probe)
    main = container("main", "sleep 999", lifecycle=hook, readinessProbe=probe)
    pod(story, "app", main, init=[container("setup", "sleep 1"), sidecar])
    story.run(moment)
    away(story)
    story.run(20)
    assert states(story, "app") == {"setup": "terminated", "sidecar": "running", "main": "running"}
    assert (story.ready("app"), story.status("app")["phase"]) == (True, "Running")
    runtime = story.cluster.simulation.parts.machines.runtimes["node-1"]
    alive = [c.config.name for c in runtime.state.containers.values() if not c.ended_at]
    assert sorted(alive) == ["main", "sidecar"]


@pytest.mark.parametrize("moment", [0.01, 1.0, 8.0])
def test_a_deletion_is_finished_wherever_its_kubelet_was_interrupted(story: Story, moment: float) -> None:
    sidecar = container("sidecar", "sleep 999", restartPolicy="Always")
    pod(story, "app", container("main", "sleep 999"), init=[sidecar], terminationGracePeriodSeconds=6)
    story.run(4)
    story.cluster.client.delete("pods", "app", "default")
    story.run(moment)
    away(story, 3)
    assert seconds_until_gone(story, "app") < 12
    story.run(1)
    machines = story.cluster.simulation.parts.machines
    assert (machines.kubelets["node-1"].own.pods, machines.runtimes["node-1"].state.containers) == ({}, {})


def test_a_crash_loop_goes_on_where_it_was(story: Story) -> None:
    story.pod("app", "sh", "-c", "exit 1")
    story.run(20)  # its third start has failed: 20 s to wait
    before = story.main("app")["restartCount"]
    away(story, 2)
    story.run(2)
    assert (story.main("app")["restartCount"], story.waiting("app")) == (before, "CrashLoopBackOff")
    story.run(40)
    assert story.main("app")["restartCount"] > before


def test_what_ended_while_it_was_away_is_noticed_and_started_again(story: Story) -> None:
    story.pod("app", "sh", "-c", "sleep 6; exit 3")
    story.run(3)
    away(story, 10)
    story.run(3)
    assert story.main("app")["restartCount"] == 1
    assert story.main("app")["lastState"]["terminated"]["exitCode"] == 3


@pytest.mark.parametrize("seconds", [0, 0.03, 0.1, 5])
def test_an_end_that_was_on_its_way_to_it_is_not_lost(story: Story, seconds: float) -> None:
    story.pod("app", "sleep", "999")
    story.run(3)
    story.cluster.faults.crash_container("app", code=7)
    away(story, seconds)
    story.run(3)
    assert story.main("app")["restartCount"] == 1
    assert story.main("app")["lastState"]["terminated"]["exitCode"] == 7


def test_a_broken_watch_loses_nothing(story: Story) -> None:
    for number in range(3):
        story.pod(f"app-{number}", image="nginx:1.27")
        story.cluster.faults.break_watches(KUBELET)
        story.run(0.3)
    story.cluster.client.delete("pods", "app-0", "default")
    story.cluster.faults.break_watches(KUBELET)
    story.run(8)
    assert [story.status(f"app-{number}")["phase"] for number in (1, 2)] == ["Running", "Running"]
    assert story.get("app-0") is None


def test_errors_of_the_api_server_delay_a_status_and_nothing_else(story: Story) -> None:
    story.pod("app", image="nginx:1.27", readinessProbe={"httpGet": {"port": 80}, "periodSeconds": 1})
    story.cluster.faults.api_errors(6, verb="update", resource="pods")
    story.run(1.5)
    runtime = story.cluster.simulation.parts.machines.runtimes["node-1"]
    assert [c.config.pod for c in runtime.state.containers.values()] == ["app"]
    story.run(30)
    assert story.ready("app")
