"""Same seed, same inputs: the same bytes. Under every hash seed, in every fork, in every replay."""

import json
import os
import re
import subprocess
import sys

import pytest

from k8snb.cluster import Cluster
from tests.simulation.scenario import begin, deployment, digest, go_on


@pytest.fixture(scope="module")
def middle():
    return begin()


def run_under(hash_seed):
    env = os.environ | {"PYTHONHASHSEED": hash_seed}
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation.scenario"], env=env, capture_output=True, text=True, check=True, timeout=120
    ).stdout.strip()


def test_three_hash_seeds_give_identical_bytes():
    assert len({run_under(seed) for seed in ("0", "1", "4242")}) == 1


def test_another_seed_gives_another_run():
    assert digest(begin(seed=1)) != digest(begin(seed=2))


def test_of_two_futures_only_one_loses_a_node(middle):
    alive, dead = go_on(middle.fork(), dead_node=False), go_on(middle.fork(), dead_node=True)
    nodes = lambda cluster: {p["spec"].get("nodeName") for p in cluster.get("pods") if "deletionTimestamp" not in p["metadata"]}  # noqa: E731
    assert "node-2" in nodes(alive)
    assert "node-2" not in nodes(dead)
    assert digest(middle) == digest(begin())  # neither future has touched the past


def test_fork_equals_replay(middle):
    dead = go_on(middle.fork(), dead_node=True)
    replayed = dead.simulation.past(dead.position)
    assert digest(Cluster._over(replayed)) == digest(dead)
    fresh = go_on(begin(), dead_node=True)
    assert digest(fresh) == digest(dead)


def test_rewinding_and_going_on_again_gives_the_same_future(middle):
    cluster = middle.fork()
    moment = cluster.position
    first = digest(go_on(cluster, dead_node=True))
    cluster.rewind(moment)
    assert digest(cluster) == digest(middle)
    assert digest(go_on(cluster, dead_node=True)) == first


def test_a_saved_cluster_goes_on_as_if_it_had_not_been_saved(middle):
    loaded = Cluster.load(middle.save())
    assert digest(go_on(loaded, dead_node=True)) == digest(go_on(middle.fork(), dead_node=True))


def test_a_saved_cluster_tells_its_records_in_the_words_of_the_source_whatever_the_version_of_python(middle):
    kinds = json.loads(middle.save())["kinds"]
    in_words = re.compile(r"\w+: [\w., |\[\]]+")
    assert len(kinds) > 20
    assert [field for _, fields in kinds for field in fields if not in_words.fullmatch(field)] == []


def test_the_order_of_simultaneous_events_may_change_the_path_but_not_the_end():
    ends = set()
    for seed in range(3):
        cluster = Cluster(nodes=3, seed=seed, shuffle=True)
        cluster.client.create("deployments.apps", deployment("web", 3, "nginx:1.27"), "default")
        cluster.settle()
        status = cluster.get("deployments.apps", "web")["status"]
        ends.add((status["readyReplicas"], status["updatedReplicas"], len(cluster.get("pods"))))
    assert ends == {(3, 3, 3)}
