"""CronJob: times, policies, limits; and runs that were missed, Jobs that others made or deleted, a controller that was away."""

import pytest

from k8snb.apimachinery.meta import parse_time
from k8snb.apimachinery.objects import freeze
from k8snb.controllers.cronjob.schedule import decide, job_name
from tests.controllers.cronjob.words import CRONS, JOBS, cron
from tests.controllers.world import NS, cluster_of, names, reasons

MINUTE = 60_000_000


@pytest.fixture
def cluster():
    return cluster_of(2, "hollow-exits")




def start(cluster, **options):
    cluster.client.create(CRONS, cron(**options), NS)


def status(cluster):
    return cluster.get(CRONS, "tick")["status"]


def running(cluster):
    return len(status(cluster).get("active", ()))


def test_a_job_each_minute_and_the_oldest_go(cluster):
    start(cluster, successfulJobsHistoryLimit=2)
    cluster.run_for(5 * 60 + 30)
    assert len(names(cluster, JOBS)) == 2
    assert parse_time(status(cluster)["lastScheduleTime"]) % MINUTE == 0
    assert status(cluster)["lastSuccessfulTime"] > status(cluster)["lastScheduleTime"]
    assert {"SuccessfulCreate", "SuccessfulDelete", "SawCompletedJob"} <= set(reasons(cluster, "CronJob"))


@pytest.mark.parametrize(("policy", "jobs", "active"), [("Allow", 3, 3), ("Forbid", 1, 1), ("Replace", 1, 1)])
def test_what_happens_while_the_last_one_still_runs(cluster, policy, jobs, active):
    start(cluster, seconds=600, concurrencyPolicy=policy)
    cluster.run_for(61)
    first = names(cluster, JOBS)
    cluster.run_for(120)
    assert (len(names(cluster, JOBS)), running(cluster)) == (jobs, active)
    assert (first[0] in names(cluster, JOBS)) == (policy != "Replace")
    assert ("JobAlreadyActive" in reasons(cluster, "CronJob")) == (policy == "Forbid")


def test_suspended_it_starts_nothing_and_resumed_only_what_is_due(cluster):
    start(cluster, suspend=True)
    cluster.run_for(300)
    assert names(cluster, JOBS) == []
    cluster.client.patch(CRONS, "tick", {"spec": {"suspend": False}}, NS)
    cluster.run_for(10)
    assert len(names(cluster, JOBS)) == 1  # five times were missed: one Job


def test_after_a_long_absence_one_run_is_made_up(cluster):
    start(cluster)
    cluster.run_for(70)
    cluster.faults.stop("kube-controller-manager")
    cluster.run_for(600)
    cluster.faults.start("kube-controller-manager")
    cluster.run_for(20)
    assert len(names(cluster, JOBS)) == 2


def test_with_a_deadline_a_run_that_is_too_late_is_not_made_up(cluster):
    start(cluster, schedule="*/10 * * * *", startingDeadlineSeconds=60)
    cluster.run_for(500)
    cluster.faults.stop("kube-controller-manager")
    cluster.run_for(400)
    cluster.faults.start("kube-controller-manager")
    cluster.run_for(20)
    assert names(cluster, JOBS) == []


def test_a_schedule_means_the_time_of_its_zone(cluster):
    start(cluster, schedule="30 9 * * *", timeZone="Asia/Tokyo")  # 00:30 in London
    cluster.run_for(29 * 60)
    assert names(cluster, JOBS) == []
    cluster.run_for(120)
    made = cluster.get(JOBS)[0]
    assert made["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] == "2026-01-01T09:30:00+09:00"


def test_a_job_that_somebody_deletes_is_missed(cluster):
    start(cluster, seconds=600)
    cluster.run_for(65)
    cluster.client.delete(JOBS, names(cluster, JOBS)[0], NS, propagation="Background")
    cluster.run_for(10)
    assert running(cluster) == 0
    assert "MissingJob" in reasons(cluster, "CronJob")


def test_a_run_whose_status_did_not_get_through_is_not_started_twice(cluster):
    start(cluster, seconds=600)
    cluster.run_for(50)
    cluster.faults.api_errors(2, verb="update", resource="cronjobs")
    cluster.run_for(60)
    assert len(names(cluster, JOBS)) == 1
    assert running(cluster) == 1


def test_a_lost_watch_delays_nothing_for_long(cluster):
    start(cluster, seconds=5)
    cluster.run_for(55)
    cluster.faults.break_watches("kube-controller-manager")
    cluster.run_for(30)
    assert status(cluster)["lastSuccessfulTime"]


def test_deleted_with_its_jobs(cluster):
    start(cluster, seconds=600)
    cluster.run_for(65)
    cluster.client.delete(CRONS, "tick", NS)
    cluster.run_for(60)
    assert names(cluster, JOBS) == names(cluster, "pods") == []


def observed(now="2026-01-01T10:00:30Z", last=None, **spec):
    meta = {"name": "tick", "namespace": NS, "creationTimestamp": "2026-01-01T09:58:10Z"}
    whole = {"schedule": "* * * * *", "concurrencyPolicy": "Allow", **spec}
    return freeze({"metadata": meta, "spec": whole, "status": {"lastScheduleTime": last} if last else {}}), parse_time(now)


def test_the_decision_is_pure():
    cronjob, now = observed()
    decision = decide(cronjob, now)
    assert decision.start == parse_time("2026-01-01T10:00:00Z")
    assert decision.wait == 30_100_000
    assert job_name(cronjob, decision.start) == f"tick-{decision.start // MINUTE}"
    assert decide(*observed(last="2026-01-01T10:00:00Z")).start is None
    assert [said.reason for said in decide(*observed(timeZone="Mars/Base")).said] == ["UnknownTimeZone"]
    assert [said.reason for said in decide(*observed(now="2026-01-01T12:00:30Z")).said] == ["TooManyMissedTimes"]
    late = decide(*observed(now="2026-01-01T10:00:50Z", schedule="0 * * * *", startingDeadlineSeconds=20))
    assert late.start is None


def test_a_schedule_that_never_comes_starts_nothing():
    decision = decide(*observed(schedule="0 0 31 2 *"))
    assert (decision.start, decision.wait) == (None, None)
