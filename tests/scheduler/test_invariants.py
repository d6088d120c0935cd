"""Whatever happens: no node is overcommitted, and no pod waits that would fit (so no queueing hint is too sceptical)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from k8snb.apimachinery.objects import Object, put
from k8snb.scheduler.podinfo import pod_info
from tests.scheduler.control_plane import ControlPlane
from tests.scheduler.world import UNTOLERATED, World, anti_affinity, node, pod, spread

WISHES: tuple[dict[str, Any], ...] = (
    {},
    {"cpu": "300m"},
    {"cpu": "700m"},
    {"ports": [80]},
    {"nodeSelector": {"disk": "ssd"}},
    {"tolerations": [{"operator": "Exists"}], "cpu": "600m"},
    {"labels": {"app": "web"}, "affinity": anti_affinity("web")},
    {"labels": {"app": "web"}, "affinity": anti_affinity("db", kind="podAffinity")},
    {"labels": {"app": "db"}, "topologySpreadConstraints": spread("db")},
)
WHAT = st.sampled_from(["pod", "pod", "pod", "delete", "node", "label", "taint", "cordon", "grow", "remove"])
STEPS = st.tuples(WHAT, st.integers(0, 30))


class Story:
    """One random history. Numbers pick what is meant among what is there."""

    def __init__(self) -> None:
        self.plane = ControlPlane([node("n0", zone="z0"), node("n1", zone="z1")])
        self.count = 2

    def step(self, what: str, number: int) -> None:
        self.count += 1
        client, nodes = self.plane.client, self.nodes()
        if what == "pod":
            self.plane.create(pod(f"p{self.count}", **WISHES[number % len(WISHES)]))
        elif what == "node":
            client.create("nodes", {"apiVersion": "v1", **node(f"n{self.count}", zone=f"z{number % 3}")})
        elif what == "delete" and self.pods():
            client.delete("pods", self.pods()[number % len(self.pods())]["metadata"]["name"], "default", grace=0)
        elif what == "remove" and len(nodes) > 1:
            self._remove(nodes[number % len(nodes)])
        elif nodes:
            self._change(what, nodes[number % len(nodes)])

    def _remove(self, machine: Object) -> None:
        name = machine["metadata"]["name"]
        for item in self.pods():
            if item["spec"].get("nodeName") == name:
                self.plane.client.delete("pods", item["metadata"]["name"], "default", grace=0)
        self.plane.client.delete("nodes", name)

    def _change(self, what: str, machine: Object) -> None:
        spec, labels = machine.get("spec") or {}, machine["metadata"]["labels"]
        if what == "grow":
            allocatable = dict(machine["status"]["allocatable"], cpu="2")
            self.plane.client.update_status("nodes", put(machine, "status.allocatable", allocatable))
            return
        patches: dict[str, Any] = {
            "label": {"metadata": {"labels": {"disk": "hdd" if labels.get("disk") == "ssd" else "ssd"}}},
            "taint": {"spec": {"taints": [] if spec.get("taints") else [UNTOLERATED]}},
            "cordon": {"spec": {"unschedulable": not spec.get("unschedulable")}},
        }
        if what in patches:
            self.plane.client.patch("nodes", machine["metadata"]["name"], patches[what])

    def pods(self) -> list[Object]:
        return self.plane.client.list("pods", "default")

    def nodes(self) -> list[Object]:
        return self.plane.client.list("nodes")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(STEPS, st.sampled_from([0, 0.001, 0.01, 2])), max_size=25))
def test_nobody_is_overcommitted_and_nobody_waits_in_vain(story: list[tuple[tuple[str, int], float]]) -> None:
    told = Story()
    for (what, number), pause in story:
        told.step(what, number)
        told.plane.run(pause)
    told.plane.run(30)
    bound: list[Any] = [item for item in told.pods() if item["spec"].get("nodeName")]
    machines: list[Any] = told.nodes()
    asked: Counter[str] = Counter()
    for item in bound:
        asked[item["spec"]["nodeName"]] += pod_info(item).requests.get("cpu", 0)
    room = {machine["metadata"]["name"]: 1000 * int(machine["status"]["allocatable"]["cpu"]) for machine in machines}
    assert all(asked[name] <= room[name] for name in room)  # a pod may have been bound to a node that went at that moment
    waiting: list[Any] = told.pods()
    for item in waiting:
        if not item["spec"].get("nodeName"):
            assert World(machines, bound).schedule(item).node == "", f"{item['metadata']['name']} would fit"
    assert set(told.plane.scheduler.own.cache.pods) == {pod_info(item).key for item in bound}
