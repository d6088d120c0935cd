"""A managed cluster in motion: the same bytes under every hash seed, in a replay, and with the order of simultaneous events drawn."""

from __future__ import annotations

import os
import subprocess
import sys

from k8snb.sim.state import digest
from tests.cloud.scenario import run
from tests.cloud.world import node_names


def under(seed: str) -> str:
    command = [sys.executable, "-m", "tests.cloud.scenario"]
    return subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True).stdout.strip()


def test_hash_seeds_change_nothing_and_a_replay_is_the_same() -> None:
    cluster = run()
    whole = digest(cluster.simulation.root)
    assert under("4242") == whole
    assert digest(cluster.simulation.past(cluster.position).root) == whole


def test_whatever_order_simultaneous_events_have_it_ends_well() -> None:
    cluster = run(shuffle=True)
    cluster.run_for(300)
    assert sum(pod["status"]["phase"] == "Running" for pod in cluster.get("pods")) == 7
    assert sorted(node_names(cluster)) == sorted(cluster.cloud.instances)
