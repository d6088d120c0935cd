"""A kubelet with thresholds of its own: soft ones with their grace, inodes, process ids, and what is wrong with a configuration."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from k8snb.apimachinery.objects import freeze
from k8snb.cluster import Cluster
from k8snb.kubelet.configuration import DEFAULTS, TYPES, settings
from k8snb.kubelet.images import Image, Process
from k8snb.kubelet.thresholds import Observation, met, thresholds_of
from k8snb.messages import Mistake
from tests.kubelet.story import Story
from tests.kubelet.test_eviction import condition, eater, evicted, taints

MIB = 1 << 20
KIND = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}


def told(**fields: Any) -> Story:
    """A machine whose kubelet has read such a file."""
    story = Story()
    story.cluster = Cluster(nodes=1, kubelet={**KIND, **fields})
    return story


class Forker(Image):
    """Becomes so many processes as its command says."""

    name = "forker"
    programs = ("fork",)

    def start(self, process: Process) -> None:
        process.use(processes=int(process.argv[1]))


def fork(story: Story, name: str, count: int, **spec: Any) -> None:
    story.cluster.images.add(Forker)
    story.pod(name, "fork", str(count), image="forker", spec=spec)


SOFT = {"evictionSoft": {"memory.available": "500Mi"}, "evictionSoftGracePeriod": {"memory.available": "1m30s"}}


def test_a_soft_threshold_says_so_at_once_and_evicts_only_after_its_grace() -> None:
    story = told(**SOFT)
    eater(story, "greedy", 900)
    story.run(5)
    story.cluster.faults.use_memory("node-1", "2400Mi")  # 376 MiB are left
    story.run(80)
    assert (condition(story, "MemoryPressure")["status"], taints(story), evicted(story)) == ("True", ["memory-pressure"], [])
    story.run(30)
    assert evicted(story) == ["greedy"]
    assert "Threshold quantity: 500Mi, available: 376Mi. " in story.status("greedy")["message"]


def test_a_soft_threshold_that_is_kept_again_within_its_grace_evicts_nobody() -> None:
    story = told(**SOFT)
    eater(story, "greedy", 900)
    story.run(5)
    for foreign in ("2400Mi", "0", "2400Mi"):
        story.cluster.faults.use_memory("node-1", foreign)
        story.run(60)
    assert evicted(story) == []


@pytest.mark.parametrize(("most", "took"), [(0, 30), (10, 10), (-5, 2)])
def test_a_soft_eviction_gives_the_pod_its_own_grace_or_the_one_that_is_configured(most: int, took: int) -> None:
    story = told(**SOFT, evictionMaxPodGracePeriod=most)
    story.pod("deaf", "sh", "-c", "trap : TERM; while true; do sleep 1; done")
    story.run(5)
    story.cluster.faults.use_memory("node-1", "3300Mi")
    story.run(150)
    times = {e["reason"]: e["firstTimestamp"] for e in story.cluster.get("events") if e["involvedObject"]["name"] == "deaf"}
    ended = story.main("deaf")["state"]["terminated"]
    assert ended["exitCode"] == 137
    assert _seconds(ended["finishedAt"]) - _seconds(times["Evicted"]) == took


def _seconds(time: str) -> int:
    hours, minutes, seconds = map(int, time[11:19].split(":"))
    return hours * 3600 + minutes * 60 + seconds


def test_the_pressure_s_end_is_waited_for_as_long_as_is_configured() -> None:
    story = told(evictionPressureTransitionPeriod="30s")
    story.cluster.faults.use_memory("node-1", "3630Mi")
    story.run(12)
    story.cluster.faults.use_memory("node-1", 0)
    story.run(20)
    assert condition(story, "MemoryPressure")["status"] == "True"
    story.run(25)
    assert condition(story, "MemoryPressure")["status"] == "False"


def test_a_minimum_to_reclaim_goes_on_until_there_is_that_much_more() -> None:
    story = told(evictionMinimumReclaim={"memory.available": "500Mi"})
    for name in ("first", "second", "third"):
        eater(story, name, 400)
    story.run(5)
    story.cluster.faults.use_memory("node-1", "2430Mi")  # 46 MiB are left; each pod that goes gives 400
    story.run(60)
    assert len(evicted(story)) == 2, "446 MiB are less than 100 and 500, 846 are enough"


def test_too_many_files_are_disk_pressure_and_who_has_the_most_of_them_goes() -> None:
    story = told()
    for name, count in (("tidy", 3), ("messy", 40)):
        story.pod(name, "sh", "-c", f"for i in $(seq {count}); do touch /tmp/$i; done; sleep 999")
    story.run(5)
    runtime, inodes = story.cluster.simulation.parts.machines.runtimes["node-1"], 50 * (1 << 30) // (16 << 10)
    mine = runtime.written()[1] + sum(runtime.images().values()) // (24 << 10)
    story.cluster.faults.use_inodes("node-1", inodes * 95 // 100 - mine + 20)
    story.run(15)
    status = story.status("messy")
    assert (condition(story, "DiskPressure")["status"], evicted(story)) == ("True", ["messy"])
    assert status["message"].startswith("The node was low on resource: inodes. Threshold quantity: 160Ki, available: 163")


def test_process_ids_that_run_short_evict_by_priority_and_by_number() -> None:
    story = told(evictionHard={"pid.available": "20k"})
    fork(story, "few", 10)
    fork(story, "many", 500)
    fork(story, "important", 900, priorityClassName="system-node-critical")
    story.run(5)
    story.cluster.faults.use_pids("node-1", 11_400)
    story.run(20)
    pressure = condition(story, "PIDPressure")
    assert (pressure["status"], pressure["reason"]) == ("True", "KubeletHasInsufficientPID")
    assert (taints(story), evicted(story)) == (["pid-pressure"], ["many"])
    assert story.status("many")["message"].startswith("The node was low on resource: pids. Threshold quantity: 20k, available: 19")
    story.pod("new", "sleep", "9", resources={"requests": {"memory": "1Mi"}})
    story.run(2)
    assert story.status("new")["message"] == "Pod was rejected: The node had condition: [PIDPressure]. "
    story.cluster.faults.use_pids("node-1", "12k")
    story.run(60)
    assert evicted(story) == ["many", "new", "few"], "who is refused is said to be evicted, too"
    assert story.status("important")["phase"] == "Running"


def test_one_threshold_of_one_s_own_switches_the_other_defaults_off_unless_they_are_merged() -> None:
    alone = thresholds_of({"evictionHard": {"memory.available": "200Mi"}}, [])
    merged = thresholds_of({"evictionHard": {"memory.available": "200Mi"}, "mergeDefaultEvictionSettings": True}, [])
    assert [one.signal for one in alone] == ["memory.available", "allocatableMemory.available"]
    assert [one.signal for one in merged if one.signal.startswith("nodefs")] == ["nodefs.available", "nodefs.inodesFree"]


def test_a_threshold_of_no_percent_is_none() -> None:
    assert thresholds_of({"evictionHard": {"nodefs.available": "0%"}}, []) == ()


def test_a_tenth_of_a_disk_is_what_a_kubelet_takes_for_it() -> None:
    (tenth,) = thresholds_of({"evictionHard": {"nodefs.available": "10%"}}, [])
    assert tenth.amount.text(50 << 30) == "5368709200", "10 % as a number of single precision is a little more"
    assert met([tenth], {"nodefs.available": Observation(5368709199, 50 << 30)}) == [tenth]


WRONG = [
    ({"evictionSoft": {"memory.available": "1Gi"}}, "grace period must be specified for the soft eviction threshold memory.available"),
    ({"evictionHard": {"cpu.available": "1"}}, "unsupported eviction signal cpu.available"),
    ({"evictionHard": {"memory.available": "-1Mi"}}, "eviction threshold memory.available must be positive: -1Mi"),
    ({"evictionHard": {"nodefs.available": "120%"}}, "eviction percentage threshold nodefs.available must be <= 100%: 120%"),
    ({"evictionPressureTransitionPeriod": "soon"}, 'time: invalid duration "soon"'),
    ({"evictionHard": "10%"}, "KubeletConfiguration.evictionHard of type map[string]string"),
    ({"evictionhard": {}}, 'strict decoding error: unknown field "evictionhard"'),
    ({"kind": "Pod"}, 'no kind "Pod" is registered for version "kubelet.config.k8s.io/v1beta1"'),
    ({"imageGCHighThresholdPercent": 50}, "imageGCLowThresholdPercent (--image-gc-low-threshold) 80 must be less than"),
    (
        {"shutdownGracePeriod": "10s", "shutdownGracePeriodCriticalPods": "20s"},
        "invalid configuration: shutdownGracePeriodCriticalPods 20s must be <= shutdownGracePeriod 10s",
    ),
    ({"shutdownGracePeriod": "-1s"}, "invalid configuration: shutdownGracePeriod -1s must be either zero or otherwise >= 1 sec"),
    ({"imageMinimumGCAge": "-2m"}, "invalid configuration: imageMinimumGCAge -2m0s must not be negative"),
    ({"imageMinimumGCAge": 120}, "cannot unmarshal number into Go struct field KubeletConfiguration.imageMinimumGCAge of type string"),
    ({"evictionHard": {"nodefs.available": "٣%"}}, 'strconv.ParseFloat: parsing "٣": invalid syntax'),
    ({"evictionHard": {"nodefs.available": "1e300%"}}, 'strconv.ParseFloat: parsing "1e300": value out of range'),
    ({"evictionHard": {"memory.available": "9" * 5000}}, "quantities must match the regular expression"),
    ({"shutdownGracePeriod": "3000000h"}, 'time: invalid duration "3000000h"'),
    ({"evictionHard": {"nodefs.available": 10}}, "cannot unmarshal number into Go struct field KubeletConfiguration.evictionHard of type"),
    ({"evictionMaxPodGracePeriod": 2**31}, "KubeletConfiguration.evictionMaxPodGracePeriod of type int32"),
    (
        {"shutdownGracePeriodByPodPriority": ["x"]},
        "KubeletConfiguration.shutdownGracePeriodByPodPriority of type v1beta1.ShutdownGracePeriodByPodPriority",
    ),
    (
        {"shutdownGracePeriodByPodPriority": [{"priority": "abc"}]},
        "ShutdownGracePeriodByPodPriority.shutdownGracePeriodByPodPriority.priority of type int32",
    ),
    (
        {"shutdownGracePeriodByPodPriority": [{"priority": 1, "seconds": 5}]},
        'strict decoding error: unknown field "shutdownGracePeriodByPodPriority[0].seconds"',
    ),
]


@pytest.mark.parametrize(("fields", "says"), WRONG)
def test_what_a_kubelet_could_not_start_with_is_one_mistake(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(Mistake) as mistake:
        Cluster(nodes=1, kubelet={**KIND, **fields})
    assert says in str(mistake.value)


def test_a_share_that_is_no_number_evicts_nobody() -> None:
    found = thresholds_of({"evictionHard": {"nodefs.available": "nan%"}}, [])
    assert met(found, {"nodefs.available": Observation(0, 100)}) == []


def test_null_is_as_if_it_were_not_there() -> None:
    names = [name for type_ in TYPES for name in TYPES[type_].fields if type_.endswith(KIND["kind"]) and name not in KIND]
    assert settings(freeze({**KIND, **dict.fromkeys(names)})) == DEFAULTS


def test_a_field_that_has_no_effect_is_named_and_the_file_may_be_text() -> None:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        Cluster(nodes=1, kubelet="apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPods: 20\n")
    assert [str(one.message) for one in found] == ["Accepted, but without effect here: maxPods"]


def test_a_fork_waits_out_the_same_grace() -> None:
    story = told(**SOFT)
    eater(story, "greedy", 900)
    story.run(5)
    story.cluster.faults.use_memory("node-1", "2400Mi")
    story.run(50)
    other = story.cluster.fork()
    for cluster in (story.cluster, other):
        cluster.run_for(60)
    assert evicted(story) == ["greedy"]
    assert other.save() == story.cluster.save()
