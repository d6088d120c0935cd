"""Jobs that are over: they stay for as long as they were told to, and then go with their pods."""

import pytest

from tests.controllers.job.words import JOBS, job
from tests.controllers.world import NS, cluster_of, names


@pytest.fixture
def cluster():
    return cluster_of(2, "hollow-exits")


def start(cluster, **options):
    cluster.client.create(JOBS, job(**options), NS)
















def test_a_finished_job_goes_when_its_time_has_come(cluster):
    start(cluster, ttlSecondsAfterFinished=20)
    cluster.run_for(15)
    assert names(cluster, JOBS) == ["work"]
    cluster.run_for(20)
    assert names(cluster, JOBS) == names(cluster, "pods") == []


def test_one_that_ended_while_the_controller_was_away_has_its_time_from_its_end(cluster):
    start(cluster, ttlSecondsAfterFinished=60)
    cluster.run_for(10)  # it is over
    cluster.faults.stop("kube-controller-manager")
    cluster.run_for(40)
    cluster.faults.start("kube-controller-manager")
    cluster.run_for(5)
    assert names(cluster, JOBS) == ["work"]
    cluster.run_for(15)
    assert names(cluster, JOBS) == names(cluster, "pods") == []


def test_a_longer_time_that_nobody_told_the_cache_yet_is_respected(cluster):
    start(cluster, ttlSecondsAfterFinished=20)
    cluster.run_for(10)
    cluster.faults.delay_watches("kube-controller-manager", 30, "jobs.batch")
    cluster.client.patch(JOBS, "work", {"spec": {"ttlSecondsAfterFinished": 600}}, NS)
    cluster.run_for(100)
    assert names(cluster, JOBS) == ["work"]  # it asks the API server once more before it deletes
