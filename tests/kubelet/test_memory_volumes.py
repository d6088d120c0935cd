"""Volumes in memory: what is written there is memory of the container that wrote it, and of the node."""

from __future__ import annotations

from typing import Any

import pytest

Story = Any
MIB = 1 << 20


def start(story: Story, script: str, *, name: str = "app", limit: str = "", size: str = "", medium: str = "Memory") -> None:
    """A pod with such a volume at /cache, that runs a script and then sleeps."""
    volume = {"name": "cache", "emptyDir": {"medium": medium, **({"sizeLimit": size} if size else {})}}
    resources = {"limits": {"memory": limit}} if limit else {}
    mounts = [{"name": "cache", "mountPath": "/cache"}]
    story.pod(
        name, "sh", "-c", f"{script}; sleep 9999", spec={"volumes": [volume]}, volumeMounts=mounts, resources=resources,
    )  # fmt: skip
    story.run(3)


def sh(story: Story, script: str, name: str = "app") -> str:
    """What a script prints in the container."""
    return str(story.cluster.kubectl(f"exec {name} -- sh -c '{script}'").text)


def memory(story: Story, name: str = "app") -> int:
    """What the container uses."""
    runtime = story.cluster.simulation.parts.machines.runtimes["node-1"]
    return int(runtime.pod_usage(story.get(name)["metadata"]["uid"])["main"].memory)


def test_a_file_in_memory_is_memory_of_who_wrote_it_until_it_is_deleted(story: Story) -> None:
    start(story, "dd if=/dev/zero of=/cache/a bs=1M count=40", limit="100Mi")
    assert memory(story) == 41 * MIB
    assert sh(story, "cat /sys/fs/cgroup/memory.current").strip() == str(41 * MIB)
    sh(story, "rm /cache/a")
    assert memory(story) == MIB


def test_a_container_is_killed_for_what_it_writes_into_memory_and_again_while_it_is_there(story: Story) -> None:
    start(story, "[ -f /cache/a ] || sleep 5; dd if=/dev/zero of=/cache/a bs=1M count=64", limit="64Mi")
    story.run(60)
    ended = story.main("app")["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "OOMKilled")
    assert story.main("app")["restartCount"] > 1, "the volume outlives the container, and so does what is in it"
    assert story.waiting("app") == "CrashLoopBackOff"


def test_without_a_size_the_volume_is_as_large_as_the_pod_s_memory_or_the_node_s(story: Story) -> None:
    start(story, "true", limit="64Mi")
    start(story, "true", name="free")
    start(story, "true", name="small", limit="64Mi", size="16Mi")
    sizes = {name: sh(story, "df -k /cache", name).splitlines()[-1].split()[1] for name in ("app", "free", "small")}
    assert sizes == {"app": "65536", "free": str(4 << 20), "small": "16384"}


def test_a_volume_that_is_full_refuses_the_write_and_nobody_is_evicted(story: Story) -> None:
    start(story, "true", size="16Mi")
    assert "No space left on device" in sh(story, "dd if=/dev/zero of=/cache/a bs=1M count=17")
    story.run(20)
    assert story.status("app")["phase"] == "Running"


def test_files_in_memory_press_on_the_node_and_their_pod_is_evicted_for_them(story: Story) -> None:
    start(story, "dd if=/dev/zero of=/cache/a bs=1M count=900")
    start(story, "true", name="other")
    story.cluster.faults.use_memory("node-1", "2700Mi")
    story.run(15)
    assert story.status("app")["reason"] == "Evicted"
    assert "Container main was using 901Mi, request is 0, has larger consumption of memory. " in story.status("app")["message"]
    assert story.status("other")["phase"] == "Running"


@pytest.mark.parametrize(("medium", "evicted"), [("", True), ("Memory", False)])
def test_files_in_memory_do_not_count_towards_a_limit_on_ephemeral_storage(story: Story, medium: str, evicted: bool) -> None:
    volume = {"name": "cache", "emptyDir": {"medium": medium} if medium else {}}
    mounts = [{"name": "cache", "mountPath": "/cache"}]
    story.pod(
        "app", "sh", "-c", "dd if=/dev/zero of=/cache/a bs=1M count=20; sleep 999", spec={"volumes": [volume]}, volumeMounts=mounts,
        resources={"limits": {"ephemeral-storage": "10Mi"}},
    )  # fmt: skip
    story.run(15)
    assert (story.status("app").get("reason") == "Evicted") is evicted


def test_the_container_s_log_and_its_own_layer_count_towards_its_limit_on_ephemeral_storage(story: Story) -> None:
    resources = {"limits": {"ephemeral-storage": "10Mi"}}
    for name, script in (("layer", "fallocate -l 11M /tmp/a"), ("under", "fallocate -l 9M /tmp/a")):
        story.pod(name, "sh", "-c", f"{script}; sleep 999", resources=resources)
    story.run(15)
    assert story.status("layer")["message"] == "Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. "
    assert story.status("under")["phase"] == "Running"


def test_a_fork_goes_on_with_the_same_files(story: Story) -> None:
    start(story, "dd if=/dev/zero of=/cache/a bs=1M count=40", limit="100Mi")
    other = story.cluster.fork()
    for cluster in (story.cluster, other):
        cluster.kubectl("exec app -- dd if=/dev/zero of=/cache/b bs=1M count=60")
        cluster.run_for(20)
    assert story.main("app")["lastState"]["terminated"]["reason"] == "OOMKilled"
    assert other.save() == story.cluster.save()
    assert len(other.save()) < 2 * MIB, "zeros are not kept one by one"
