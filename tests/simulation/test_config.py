"""The choices of a cluster: what cannot be is said in one sentence, before anything is made."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster
from k8snb.messages import LANGUAGES, Mistake, language, set_language
from k8snb.sim.clock import EPOCH

NAMED = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"nodes": -1}, "how many workers"),
    ({"nodes": "3"}, "how many workers"),
    ({"nodes": 2.5}, "how many workers"),
    ({"nodes": NAMED}, "how many workers"),
    ({"nodes": [{"kind": "Node"}]}, "a name of its own"),
    ({"nodes": ["node-1"]}, "a name of its own"),
    ({"nodes": [NAMED, NAMED]}, "a name of its own"),
    ({"seed": "lucky"}, "a whole number, not 'lucky'"),
    ({"start": "2026-01-01"}, "microseconds since 1970"),
    ({"runtime": "docker"}, "no runtime 'docker'"),
    ({"etcd": 2}, "1, 3, 5 members, not with 2"),
    ({"etcd": "3"}, "not with '3'"),
    ({"storage": "standard"}, "storage is True or False, not 'standard'"),
    ({"metrics": "yes"}, "metrics is True or False, not 'yes'"),
    ({"cloud": "gcp"}, "no cloud 'gcp' here; known: aks"),
    ({"cloud": "aks", "nodes": -1}, "number of machines, from 0 to 1000, not -1"),
    ({"cloud": "aks", "nodes": [NAMED]}, "number of machines"),
    ({"scheduler": "kind: Pod"}, 'Unsupported value: "Pod"'),
]


@pytest.mark.parametrize(("choices", "says"), WRONG)
def test_a_wrong_choice_is_one_sentence(choices: dict[str, Any], says: str) -> None:
    with pytest.raises(Mistake) as mistake:
        Cluster(**choices)
    assert says in str(mistake.value)


def test_in_every_language() -> None:
    before = language()
    try:
        for name in LANGUAGES:
            set_language(name)
            for choices, _ in WRONG:
                with pytest.raises(Mistake, match=r"\S"):
                    Cluster(**choices)
    finally:
        set_language(before)


def test_a_learners_manifests_and_moment_are_taken() -> None:
    cluster = Cluster(nodes=iter([NAMED]), start=EPOCH + 60_000_000, runtime="hollow", settled=False)
    assert cluster.now == EPOCH + 60_000_000
    assert [node["metadata"]["name"] for node in cluster.simulation.root.config.nodes] == ["a"]


@pytest.mark.parametrize("rate", ["10", (1, 2, 3), (), None])
def test_a_rate_is_one_number_or_two(rate: Any) -> None:
    with pytest.raises(Mistake, match="requests a second, or"):
        Cluster(nodes=0, runtime="hollow", settled=False).load_test("http://web", rate=rate)


def test_a_pool_is_checked_when_it_is_made() -> None:
    pools = Cluster(nodes=0, cloud="aks", runtime="hollow", settled=False).cloud.node_pools
    with pytest.raises(Mistake, match="between 0 and 1000 machines, not '2'"):
        pools.add("user", count="2")  # type: ignore[arg-type]
    with pytest.raises(Mistake, match="at least 1, not 0"):
        pools.add("user", max_surge=0)
    assert "user" not in pools
