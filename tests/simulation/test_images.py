"""A learner's images are inputs of the simulation: what was added when, forks, rewinds and files know."""

from __future__ import annotations

import pytest

from k8snb.cluster import Cluster
from k8snb.kubelet.images import Image, Process
from k8snb.messages import Mistake
from k8snb.seams.cni import HTTPReply, HTTPRequest


class Teller(Image):
    """Says one."""

    name = "teller"
    ports = (80,)

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """Count, and say it."""
        process.memory["asked"] = process.memory.get("asked", 0) + 1
        return HTTPReply(body=f"one, asked {process.memory['asked']} times\n")


class OtherTeller(Teller):
    """Says two."""

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """Another answer."""
        return HTTPReply(body="two\n")


@pytest.fixture
def cluster() -> Cluster:
    """A teller runs."""
    made = Cluster(nodes=1)
    made.images.add(Teller)
    made.kubectl("run teller --image=teller")
    made.run_for(5)
    return made


def ask(cluster: Cluster) -> str:
    """What the teller says."""
    address = cluster.get("pods", "teller")["status"]["podIP"]
    return str(cluster.http(f"http://{address}", from_node="node-1").body)


def test_a_fork_and_a_rewind_run_the_images_of_their_moment(cluster: Cluster) -> None:
    early = cluster.simulation.position
    fork = cluster.fork()
    cluster.images.add(OtherTeller)
    assert (ask(cluster), ask(fork)) == ("two\n", "one, asked 1 times\n")
    cluster.rewind(early)
    assert ask(cluster) == "one, asked 1 times\n"


def test_a_replay_runs_every_image_from_the_moment_at_which_it_was_added(cluster: Cluster) -> None:
    ask(cluster)
    cluster.images.add(OtherTeller)
    ask(cluster)
    cluster.run_for(5)
    position, saved = cluster.simulation.position, cluster.save()
    cluster.run_for(5)
    cluster.simulation.history.checkpoints = cluster.simulation.history.checkpoints[:1]  # so that everything is replayed
    cluster.rewind(position)
    assert cluster.save() == saved
    assert ask(cluster) == "two\n"


def test_before_it_was_added_nobody_knew_the_image(cluster: Cluster) -> None:
    cluster.rewind(cluster.simulation.history.checkpoints[0].position)
    assert "teller" not in cluster.images


def test_a_file_names_the_images_that_it_misses_and_goes_on_once_they_are_there(cluster: Cluster) -> None:
    ask(cluster)
    loaded = Cluster.load(cluster.save())
    assert "teller (Teller)" in repr(loaded.images)
    assert "asked" not in ask(loaded)
    loaded = Cluster.load(cluster.save())
    loaded.images.add(Teller)
    assert "teller (Teller)" not in repr(loaded.images)
    assert ask(loaded) == ask(cluster) == "one, asked 2 times\n"


def test_what_cannot_be_an_image_is_no_input(cluster: Cluster) -> None:
    before = len(cluster.simulation.history.inputs)
    with pytest.raises(Mistake):
        cluster.images.add("nginx")
    assert len(cluster.simulation.history.inputs) == before
