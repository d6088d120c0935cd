"""Job: completions, indexes, back-off, policies, deadlines; and Pods that vanish, controllers that are stopped in mid-count."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.apimachinery.meta import condition, parse_time
from k8snb.apimachinery.objects import freeze
from k8snb.controllers.job.account import FINALIZER, Account
from k8snb.controllers.job.indexes import parse, text_of
from k8snb.controllers.job.plan import Create, Delete, plan
from tests.controllers.job.words import JOBS, conditions, job, status
from tests.controllers.world import NS, cluster_of, names, pods, reasons


@pytest.fixture
def cluster():
    return cluster_of(2, "hollow-exits")




def start(cluster, **options):
    cluster.client.create(JOBS, job(**options), NS)






def set_phase(cluster, pod, phase, code=0):
    state = {"terminated": {"exitCode": code, "finishedAt": "2026-01-01T00:00:05Z", "startedAt": "2026-01-01T00:00:01Z"}}
    statuses = [{**s, "state": state} for s in pod["status"].get("containerStatuses") or ()]
    cluster.client.update_status("pods", freeze({**pod, "status": {**pod["status"], "phase": phase, "containerStatuses": statuses}}))


def test_it_runs_to_the_wanted_number_with_so_many_at_a_time(cluster):
    start(cluster, script="sleep 2", completions=5, parallelism=2)
    most = 0
    for _ in range(40):
        cluster.run_for(0.5)
        most = max(most, status(cluster).get("active", 0))
    assert most == 2
    assert conditions(cluster) == {"SuccessCriteriaMet": "CompletionsReached", "Complete": "CompletionsReached"}
    assert status(cluster)["succeeded"] == 5
    assert len(pods(cluster)) == 5
    assert all(FINALIZER not in p["metadata"].get("finalizers", ()) for p in pods(cluster))


def test_a_work_queue_ends_when_one_has_succeeded_and_all_have_ended(cluster):
    start(cluster, script="sleep 3", parallelism=3)
    cluster.run_for(30)
    assert status(cluster)["succeeded"] == 3
    assert "Complete" in conditions(cluster)


def test_after_a_failure_it_waits_ten_seconds_then_twenty_then_forty(cluster):
    start(cluster, script="exit 1", backoffLimit=3)
    cluster.run_for(120)
    made = sorted(parse_time(p["metadata"]["creationTimestamp"]) // 1_000_000 for p in pods(cluster))
    assert [later - earlier for earlier, later in itertools.pairwise(made)] == pytest.approx([10, 20, 40], abs=2)
    assert conditions(cluster) == {"FailureTarget": "BackoffLimitExceeded", "Failed": "BackoffLimitExceeded"}
    assert status(cluster)["failed"] == 4


def test_restarts_in_place_count_too_and_the_pod_is_deleted(cluster):
    start(cluster, script="exit 1", policy="OnFailure", backoffLimit=1)
    cluster.run_for(120)
    assert "Failed" in conditions(cluster)
    assert pods(cluster) == []


def test_a_deadline_ends_what_runs(cluster):
    start(cluster, script="sleep 600", activeDeadlineSeconds=5)
    cluster.run_for(60)
    assert conditions(cluster) == {"FailureTarget": "DeadlineExceeded", "Failed": "DeadlineExceeded"}
    assert pods(cluster) == []
    assert status(cluster)["failed"] == 1


def test_suspending_deletes_without_counting_and_resuming_starts_the_clock_anew(cluster):
    start(cluster, script="sleep 600", parallelism=2, completions=2, activeDeadlineSeconds=100)
    cluster.run_for(60)
    cluster.client.patch(JOBS, "work", {"spec": {"suspend": True}}, NS)
    cluster.run_for(60)
    assert pods(cluster) == []
    assert "failed" not in status(cluster)
    cluster.client.patch(JOBS, "work", {"spec": {"suspend": False}}, NS)
    cluster.run_for(60)
    assert len(pods(cluster)) == 2
    assert "Failed" not in conditions(cluster)


def test_each_index_is_done_once(cluster):
    start(cluster, completions=4, parallelism=2, completionMode="Indexed")
    cluster.run_for(30)
    assert status(cluster)["completedIndexes"] == "0-3"
    assert sorted(p["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"] for p in pods(cluster)) == ["0", "1", "2", "3"]


def test_an_index_fails_by_itself_and_the_others_go_on(cluster):
    script = "test $JOB_COMPLETION_INDEX -ne 1"
    start(cluster, script=script, completions=3, parallelism=3, completionMode="Indexed", backoffLimitPerIndex=1)
    cluster.run_for(60)
    assert (status(cluster)["completedIndexes"], status(cluster)["failedIndexes"]) == ("0,2", "1")
    counts = [
        p["metadata"]["annotations"]["batch.kubernetes.io/job-index-failure-count"] for p in pods(cluster) if "-1-" in p["metadata"]["name"]
    ]
    assert sorted(counts) == ["0", "1"]
    assert conditions(cluster)["Failed"] == "FailedIndexes"


def test_too_many_failed_indexes_end_the_job_early(cluster):
    spec = {"completions": 4, "parallelism": 1, "completionMode": "Indexed", "backoffLimitPerIndex": 0, "maxFailedIndexes": 1}
    start(cluster, script="exit 1", **spec)
    cluster.run_for(60)
    assert conditions(cluster)["Failed"] == "MaxFailedIndexesExceeded"
    assert status(cluster)["failedIndexes"] == "0,1"


def test_a_success_policy_is_content_with_the_leader(cluster):
    script = "test $JOB_COMPLETION_INDEX -eq 0 || sleep 600"
    rules = [{"succeededIndexes": "0"}]
    start(cluster, script=script, completions=3, parallelism=3, completionMode="Indexed", successPolicy={"rules": rules})
    cluster.run_for(60)
    assert conditions(cluster) == {"SuccessCriteriaMet": "SuccessPolicy", "Complete": "SuccessPolicy"}
    assert condition(cluster.get(JOBS, "work"), "Complete")["message"] == "Matched rules at index 0"
    assert len(pods(cluster)) == 1


@pytest.mark.parametrize(("action", "failed"), [("FailJob", 1), ("Ignore", 0), ("Count", 1)])
def test_a_failure_policy_says_what_an_exit_code_means(cluster, action, failed):
    rules = [{"action": action, "onExitCodes": {"operator": "In", "values": [42]}}]
    start(cluster, script="exit 42", backoffLimit=6, podFailurePolicy={"rules": rules})
    cluster.run_for(8)
    assert status(cluster).get("failed", 0) == failed
    assert ("Failed" in conditions(cluster)) == (action == "FailJob")
    if action == "FailJob":
        name = pods(cluster)[0]["metadata"]["name"]
        said = f"Container main for pod default/{name} failed with exit code 42 matching FailJob rule at index 0"
        assert condition(cluster.get(JOBS, "work"), "Failed")["message"] == said


def test_a_pod_that_somebody_deletes_is_counted_and_replaced():
    cluster = cluster_of(2, "faithful")
    start(cluster, script="sleep 30")
    cluster.run_for(5)
    cluster.client.delete("pods", pods(cluster)[0]["metadata"]["name"], NS)
    cluster.run_for(120)
    assert status(cluster)["failed"] == 1
    assert status(cluster)["succeeded"] == 1


def test_one_that_waits_for_the_end_is_replaced_only_then(cluster):
    start(cluster, script="sleep 600", podReplacementPolicy="Failed")
    cluster.run_for(5)
    pod = pods(cluster)[0]
    cluster.faults.partition_node(pod["spec"]["nodeName"])
    cluster.client.delete("pods", pod["metadata"]["name"], NS)
    cluster.run_for(20)
    assert pods(cluster) == []
    assert status(cluster)["terminating"] == 1


def test_a_job_managed_by_somebody_else_is_left_alone(cluster):
    start(cluster, managedBy="example.com/queue")
    cluster.run_for(10)
    assert pods(cluster) == []
    assert status(cluster) == {}


def test_a_deleted_pod_failed_when_it_was_deleted_and_not_at_the_end_of_its_grace():
    cluster = cluster_of(2, "faithful")
    start(cluster, script="trap '' TERM; sleep 60")
    cluster.run_for(20)
    (first,) = pods(cluster)
    deleted = cluster.now
    cluster.client.delete("pods", first["metadata"]["name"], NS)
    cluster.run_until(lambda now: len(pods(now)) > 1, 60)
    second = max(pods(cluster), key=lambda pod: pod["metadata"]["creationTimestamp"])
    assert 9_000_000 <= parse_time(second["metadata"]["creationTimestamp"]) - deleted <= 11_000_000


def test_deleted_with_orphans_its_pods_are_freed(cluster):
    start(cluster, script="sleep 600")
    cluster.run_for(5)
    cluster.client.delete(JOBS, "work", NS, propagation="Orphan")
    cluster.run_for(10)
    assert [p["metadata"].get("finalizers") for p in pods(cluster)] == [None]


def test_deleted_with_its_pods_nothing_stays(cluster):
    start(cluster, script="sleep 600", parallelism=2, completions=2)
    cluster.run_for(5)
    cluster.client.delete(JOBS, "work", NS, propagation="Foreground")
    cluster.run_for(60)
    assert names(cluster, "pods") == names(cluster, JOBS) == []




def test_stopped_at_any_moment_no_pod_is_counted_twice(cluster):
    start(cluster, script="sleep 1", completions=6, parallelism=3)
    for _ in range(8):
        cluster.run_for(1.3)
        cluster.faults.stop("kube-controller-manager")
        cluster.faults.start("kube-controller-manager")
    cluster.run_for(30)
    assert status(cluster)["succeeded"] == 6
    assert len(pods(cluster)) == 6


def test_conflicts_and_lost_watches_do_not_lose_a_count(cluster):
    start(cluster, script="sleep 1", completions=4, parallelism=2)
    cluster.run_for(1)
    cluster.faults.api_errors(3, verb="update", resource="jobs")
    cluster.faults.api_errors(2, verb="patch", resource="pods")
    cluster.run_for(3)
    cluster.faults.break_watches("kube-controller-manager")
    cluster.run_for(60)
    assert status(cluster)["succeeded"] == 4
    assert status(cluster)["uncountedTerminatedPods"] == {}
    assert reasons(cluster, "Job") == ["SuccessfulCreate", "Completed"]


def test_the_plan_is_pure():
    made = freeze({**job(completions=3, parallelism=2), "status": {}})
    assert plan(Account(made, (), 0)) == [Create((-1, -1))]
    indexed = freeze({**made, "spec": {**made["spec"], "completionMode": "Indexed"}, "status": {"completedIndexes": "0", "succeeded": 1}})
    assert plan(Account(indexed, (), 0)) == [Create((1, 2))]
    pod = freeze(
        {"metadata": {"name": "p", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"}, "spec": {}, "status": {"phase": "Running"}}
    )
    suspended = freeze({**made, "spec": {**made["spec"], "suspend": True}})
    assert plan(Account(suspended, (pod,), 0)) == [Delete((pod,))]


@given(st.sets(st.integers(0, 40)))
def test_sets_of_indexes_survive_being_written(indexes):
    assert parse(text_of(indexes), 41) == indexes


def test_pods_that_ended_while_the_controller_was_away_are_counted_when_it_is_back(cluster):
    start(cluster, script="sleep 5", completions=4, parallelism=2)
    cluster.run_for(3)
    cluster.faults.stop("kube-controller-manager")
    cluster.run_for(60)
    assert [p["status"]["phase"] for p in pods(cluster)] == ["Succeeded"] * 2
    assert "succeeded" not in status(cluster)
    cluster.faults.start("kube-controller-manager")
    cluster.run_for(30)
    assert status(cluster)["succeeded"] == 4
    assert len(pods(cluster)) == 4


@pytest.mark.parametrize("late", ["jobs.batch", "pods"])
def test_where_one_cache_is_older_than_the_other_nothing_is_made_twice(cluster, late):
    start(cluster, completions=3, parallelism=1)
    cluster.faults.delay_watches("kube-controller-manager", 4, late)
    cluster.run_for(90)
    assert conditions(cluster)["Complete"] == "CompletionsReached"
    assert (status(cluster)["succeeded"], len(pods(cluster))) == (3, 3)
