"""What containers use of CPU and memory, what limits do to them, and when they are killed for it."""

from __future__ import annotations

from typing import Any

from k8snb.cluster import Cluster
from k8snb.kubelet.images import Image, Process
from k8snb.kubelet.images.consumption import MIB, WINDOW, Appetite
from k8snb.seams.cni import HTTPReply, HTTPRequest
from k8snb.seams.cri import Resources, Usage

Story = Any


class Leaky(Image):
    """Uses 10 MiB at first, and 1 MiB more every second."""

    name = "test/leaky"
    uses = Appetite(memory=10 * MIB, growth=MIB)


class Worker(Image):
    """Every request costs 100 ms of CPU time, and keeps a mebibyte for each request per second."""

    name = "test/worker"
    uses = Appetite(cpu=5, memory=10 * MIB, request=100_000, load=MIB)
    ports = (8080,)

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """Done; or, on request, a hog."""
        if request.path == "/hog":
            process.use(memory=500 * MIB)
        return HTTPReply(body="done\n")


class Quick(Worker):
    """Every request costs 8 ms."""

    name = "test/quick"
    uses = Appetite(request=8_000)


def start(story: Story, image: type[Image], limits: dict[str, str], **spec: Any) -> None:
    story.cluster.images.add(image)
    story.pod("app", image=image.name, resources={"limits": limits}, spec=spec)
    story.run(3)


def usage(story: Story) -> Usage:
    machines = story.cluster.simulation.parts.machines
    found: Usage = machines.runtimes["node-1"].pod_usage(story.get("app")["metadata"]["uid"])["main"]
    return found


def latency(story: Story, path: str = "/") -> float:
    response = story.cluster.http(f"http://{story.status('app')['podIP']}:8080{path}", from_node="node-1", timeout=60)
    return float(response.latency / 1_000_000)


def test_a_leak_is_killed_at_the_instant_at_which_it_passes_its_limit(story: Story) -> None:
    start(story, Leaky, {"memory": "30Mi"})
    began = story.main("app")["state"]["running"]["startedAt"]
    events = story.cluster.simulation.parts.kernel.state.processed
    story.run(15)
    assert 10 * MIB < usage(story).memory < 30 * MIB
    assert story.cluster.simulation.parts.kernel.state.processed - events < 30, "a leak is not polled"
    story.run(4)
    last = story.main("app")["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"], last["startedAt"]) == (137, "OOMKilled", began)
    assert story.main("app")["restartCount"] == 1
    lived = int(last["finishedAt"][-3:-1]) - int(last["startedAt"][-3:-1])
    assert lived % 60 == 20


def test_without_a_limit_a_leak_goes_on(story: Story) -> None:
    start(story, Leaky, {})
    story.run(600)
    assert story.main("app")["restartCount"] == 0
    assert usage(story).memory > 600 * MIB


def test_a_request_that_takes_too_much_memory_kills_the_container_at_once(story: Story) -> None:
    start(story, Worker, {"memory": "100Mi"})
    latency(story, "/hog")
    story.run(1)
    assert story.main("app")["lastState"]["terminated"]["reason"] == "OOMKilled"


def test_a_fork_is_killed_at_the_same_instant(story: Story) -> None:
    start(story, Leaky, {"memory": "30Mi"})
    story.run(10)
    other = story.cluster.fork()
    for cluster in (story.cluster, other):
        cluster.run_for(60)
    assert other.get("pods", "app")["status"] == story.get("app")["status"]
    assert other.save() == story.cluster.save()


def test_idle_it_uses_what_its_image_says_and_looking_leaves_no_mark(story: Story) -> None:
    start(story, Worker, {"memory": "100Mi"})
    before = story.cluster.save()
    assert usage(story)[:2] == (5, 10 * MIB)
    assert story.cluster.save() == before


def test_cpu_and_memory_follow_the_load_and_fall_again(story: Story) -> None:
    start(story, Worker, {})
    story.run(WINDOW)
    for _ in range(WINDOW):
        for _ in range(2):
            latency(story)
        story.run(1)
    busy = usage(story)
    assert busy.cpu in range(190, 206)  # 2 requests a second, 100 ms each, and 5m
    assert busy.memory in range(12 * MIB - MIB // 5, 12 * MIB + 1)
    story.run(WINDOW + 1)
    assert usage(story)[:2] == (5, 10 * MIB)


def test_a_limit_makes_requests_wait_for_each_other(story: Story) -> None:
    start(story, Worker, {"cpu": "200m"})
    first, second = latency(story), latency(story)
    assert 0.3 < first < 0.41  # 20 ms of every 100 ms: 100 ms of CPU time need five periods, or six where it begins late in the first
    assert 0.48 < second - first < 0.52  # and so does the next one
    story.run(1.2)
    assert latency(story) < 0.41, "the queue is empty again"


def test_a_quota_that_is_not_used_up_slows_nothing_down(story: Story) -> None:
    start(story, Quick, {"cpu": "200m"})
    assert [latency(story) < 0.01 for _ in range(3)] == [True, True, False]  # 8 ms each, and 20 ms in a period
    story.run(0.3)
    assert latency(story) < 0.01, "every period has its quota"


def test_without_a_limit_nobody_waits_below_the_nodes_cores(story: Story) -> None:
    start(story, Worker, {})
    assert latency(story) < 0.01
    assert 0.04 < latency(story) < 0.06  # two cores share the first request's 100 ms


def test_use_of_cpu_never_passes_the_limit(story: Story) -> None:
    start(story, Worker, {"cpu": "200m"})
    for _ in range(45):
        latency(story)
    story.run(WINDOW + 2)
    assert usage(story).cpu == 200


def test_other_limits_hold_at_once(story: Story) -> None:
    start(story, Worker, {"cpu": "200m", "memory": "100Mi"})
    runtime = story.cluster.simulation.parts.machines.runtimes["node-1"]
    runtime.update_resources(story.main("app")["containerID"], Resources(cpu_limit=1000, memory_limit=100 * MIB))
    assert latency(story) < 0.01
    runtime.update_resources(story.main("app")["containerID"], Resources(memory_limit=5 * MIB))
    story.run(1)
    assert story.main("app")["lastState"]["terminated"]["reason"] == "OOMKilled"


def test_hollow_containers_use_nothing() -> None:
    cluster = Cluster(nodes=1, runtime="hollow")
    assert cluster.simulation.parts.machines.runtimes["node-1"].usage("anything") is None


def test_a_busy_loop_uses_a_whole_cpu_or_its_limit(story: Story) -> None:
    story.pod("app", "sh", "-c", "while true; do :; done", resources={"limits": {"cpu": "2"}})
    story.run(20)
    assert 950 < usage(story).cpu <= 1000


def hog(story: Story, name: str, cpus: int = 4, **resources: dict[str, str]) -> None:
    """A pod that computes on so many cores for ever."""
    story.pod(name, "stress", "--cpu", str(cpus), image="polinux/stress", resources=resources)


def cores(story: Story, *names: str) -> list[int]:
    """What pods use of the CPU."""
    runtime = story.cluster.simulation.parts.machines.runtimes["node-1"]
    return [runtime.pod_usage(story.get(name)["metadata"]["uid"])["main"].cpu for name in names]


FOR_PODS = 2000 - 60
"""The machine's two cores, but for what its own programs use."""


def test_a_container_alone_may_have_the_whole_machine_whatever_it_asked_for(story: Story) -> None:
    hog(story, "alone", requests={"cpu": "100m"})
    story.run(3)
    assert cores(story, "alone") == [FOR_PODS]


def test_on_a_busy_machine_cpu_is_divided_as_the_requests_are(story: Story) -> None:
    hog(story, "asks-300m", requests={"cpu": "300m"})
    hog(story, "asks-900m", requests={"cpu": "900m"})
    hog(story, "asks-nothing")
    story.run(3)
    third, most, nothing = cores(story, "asks-300m", "asks-900m", "asks-nothing")
    assert abs(most - 3 * third) < 5
    assert third + most + nothing in (FOR_PODS, FOR_PODS - 1)
    assert 0 < nothing < 5, "best effort means what is left over"


def test_what_one_does_not_want_the_others_get_and_a_limit_holds_all_the_same(story: Story) -> None:
    hog(story, "modest", requests={"cpu": "900m"}, cpus=1)
    hog(story, "limited", requests={"cpu": "100m"}, limits={"cpu": "200m"})
    hog(story, "left-over")
    story.run(3)
    assert cores(story, "modest", "limited", "left-over") == [1000, 200, FOR_PODS - 1200]


def test_a_noisy_neighbour_makes_requests_slow_unless_one_has_asked_for_cpu(story: Story) -> None:
    start(story, Worker, {})
    hog(story, "noisy", requests={"cpu": "1"})
    story.run(3)
    starved = latency(story)
    story.cluster.images.add(Worker)
    story.pod("asked", image=Worker.name, resources={"requests": {"cpu": "500m"}})
    story.run(3)
    response = story.cluster.http(f"http://{story.status('asked')['podIP']}:8080/", from_node="node-1", timeout=60)
    assert starved > 10, "100 ms of CPU time, at two thousandths of the machine"
    assert 0.03 < response.latency / 1_000_000 < 0.08, "a third of the machine is two thirds of a CPU"
    story.cluster.client.delete("pods", "noisy", "default", grace=0)
    story.run(60)
    assert latency(story) < 0.01


def test_the_metrics_of_a_busy_machine_do_not_exceed_it() -> None:
    cluster = Cluster(nodes=1, metrics=True)
    for name in ("one", "two"):
        cluster.kubectl(f"run {name} --image=polinux/stress -- stress --cpu 4")
    cluster.run_for(60)
    assert " ".join(cluster.kubectl("top node").text.split()).endswith("node-1 2000m 100% 422Mi 10%")
    assert [line.split()[1] for line in cluster.kubectl("top pods --no-headers").text.splitlines()] == ["970m", "970m"]
