"""What runs on nodes is state like everything else: saved, loaded, forked."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from k8snb.cluster import Cluster
from k8snb.kubelet import restarts
from k8snb.kubelet.environment import expand
from k8snb.kubelet.state import APP, ContainerState
from k8snb.network.cni import CNI, CNIState
from k8snb.sim.clock import SECOND
from k8snb.sim.state import encode

Story = Any


def test_a_saved_cluster_goes_on_where_it_was(story: Story) -> None:
    story.pod("app", "sh", "-c", "trap 'echo bye; exit 0' TERM; i=0; while true; do i=$((i+1)); echo $i; sleep 1; done")
    story.pod("web", image="nginx:1.27", readinessProbe={"httpGet": {"port": 80}})
    story.pod("crash", "sh", "-c", "sleep 1; exit 2")
    story.run(20)
    copy = Cluster.load(story.cluster.save())
    for cluster in (story.cluster, copy):
        cluster.client.delete("pods", "app", "default")
        cluster.run_for(60)
    assert json.dumps(encode(copy.simulation.root)["root"]) == json.dumps(encode(story.cluster.simulation.root)["root"])
    assert copy.get("pods", "app") is None


@given(st.lists(st.sampled_from(["attach", "detach"]), max_size=60))
def test_no_two_pods_have_one_address(steps: list[str]) -> None:
    class Nobody:
        def listens(self, node: str, uid: str, port: int) -> bool:
            return False

        def serve(self, node: str, uid: str, request: object) -> None:
            return None

    cni, alive = CNI(CNIState(), Nobody()), {}
    for number, step in enumerate(steps):
        if step == "attach" and len(alive) < 12:
            alive[f"uid-{number}"] = cni.attach("node-1", f"uid-{number}", namespace="default", pod=f"pod-{number}", cidr="10.244.0.0/28")
        elif alive:
            uid = min(alive)
            cni.detach("node-1", uid)
            del alive[uid]
        assert len(set(alive.values())) == len(alive)
        assert {cni.state.addresses[uid] for uid in alive} == set(cni.state.owners)


@given(st.lists(st.integers(0, 900), min_size=1, max_size=20))
def test_the_crash_back_off_stays_between_its_bounds(runs: list[int]) -> None:
    container, now = ContainerState("c", APP), 0
    for seconds in runs:
        container.finished_at = now = now + seconds * SECOND
        retry = restarts.crash_retry(container)
        assert 0 <= retry - now <= restarts.BACKOFF_MOST
        now = max(now, retry)
        restarts.raise_crash_delay(container, now)
        assert restarts.BACKOFF_FIRST <= container.crash_delay <= restarts.BACKOFF_MOST


@given(st.dictionaries(st.from_regex(r"[A-Z]{1,3}", fullmatch=True), st.text("ab$()", max_size=5)), st.text("AB$()x", max_size=12))
def test_expansion_never_loops_and_keeps_what_it_does_not_know(values: dict[str, str], text: str) -> None:
    found = expand(text, values)
    if "$" not in text:
        assert found == text
