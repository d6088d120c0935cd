"""StatefulSet: names, order, claims, revisions; and Pods that break, claims that go, controllers that are stopped."""

import pytest

from k8snb.apimachinery.objects import freeze
from k8snb.controllers.statefulset.plan import Create, Delete, Observed, plan
from tests.controllers.promises import one_of_a_name
from tests.controllers.world import NS, cluster_of, images, names, new_image, pods, reasons, workload

SETS, CLAIMS = "statefulsets.apps", "persistentvolumeclaims"
STORAGE = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


@pytest.fixture
def cluster():
    return cluster_of(3)


def start(cluster, replicas=3, **spec):
    cluster.client.create(SETS, workload("StatefulSet", "db", serviceName="db", replicas=replicas, **spec), NS)
    cluster.settle()


def change(cluster, **spec):
    cluster.client.patch(SETS, "db", {"spec": spec}, NS)
    cluster.settle()


def update(cluster, image="nginx:1.27"):
    cluster.client.patch(SETS, "db", new_image(image), NS, kind="strategic")


def status(cluster):
    return cluster.get(SETS, "db")["status"]


def by_name(cluster):
    return {pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"].partition(":")[2] for pod in pods(cluster)}


def gated(cluster, **spec):
    """Pods that do not become ready by themselves."""
    template = {"metadata": {"labels": {"app": "db"}},
                "spec": {"readinessGates": [{"conditionType": "go"}], "containers": [{"name": "main", "image": "nginx:1.26"}]}}  # fmt: skip
    start(cluster, template=template, **spec)


def let_go(cluster, name):
    pod = next(p for p in pods(cluster) if p["metadata"]["name"] == name)
    conditions = [*pod["status"]["conditions"], {"type": "go", "status": "True"}]
    cluster.client.update_status("pods", freeze({**pod, "status": {**pod["status"], "conditions": conditions}}))
    cluster.settle()


def deleted(cluster):
    """The Pods that the set has deleted, in order."""
    return [e["message"].split()[2] for e in cluster.get("events") if e["reason"] == "SuccessfulDelete"]


def claim(name="data"):
    return {"metadata": {"name": name}, "spec": STORAGE}


def test_each_pod_waits_for_the_one_before(cluster):
    gated(cluster)
    assert names(cluster, "pods") == ["db-0"]
    let_go(cluster, "db-0")
    assert names(cluster, "pods") == ["db-0", "db-1"]


def test_in_parallel_nobody_waits(cluster):
    gated(cluster, podManagementPolicy="Parallel")
    assert names(cluster, "pods") == ["db-0", "db-1", "db-2"]
    change(cluster, replicas=0)
    assert names(cluster, "pods") == []


def test_ordinals_begin_where_one_wants(cluster):
    start(cluster, replicas=2, ordinals={"start": 5})
    assert names(cluster, "pods") == ["db-5", "db-6"]
    change(cluster, ordinals={"start": 6})
    assert names(cluster, "pods") == ["db-6", "db-7"]


def test_the_highest_goes_first_one_at_a_time(cluster):
    start(cluster)
    change(cluster, replicas=0)
    assert deleted(cluster) == ["db-2", "db-1", "db-0"]


def test_a_pod_comes_back_with_its_name_and_its_claim(cluster):
    start(cluster, replicas=2, volumeClaimTemplates=[claim()], podManagementPolicy="Parallel")
    uid = next(c["metadata"]["uid"] for c in cluster.get(CLAIMS) if c["metadata"]["name"] == "data-db-1")
    cluster.client.delete("pods", "db-1", NS)
    cluster.settle()
    pod = next(p for p in pods(cluster) if p["metadata"]["name"] == "db-1")
    assert pod["spec"]["volumes"][0] == {"name": "data", "persistentVolumeClaim": {"claimName": "data-db-1"}}
    assert uid in [c["metadata"]["uid"] for c in cluster.get(CLAIMS)]


def test_claims_stay_unless_the_policy_says_otherwise(cluster):
    policy = {"whenScaled": "Delete", "whenDeleted": "Retain"}
    start(cluster, 2, volumeClaimTemplates=[claim()], podManagementPolicy="Parallel", persistentVolumeClaimRetentionPolicy=policy)
    change(cluster, replicas=1)
    cluster.run_for(30)
    assert names(cluster, CLAIMS) == ["data-db-0"]
    cluster.client.delete(SETS, "db", NS)
    cluster.run_for(30)
    assert names(cluster, CLAIMS) == ["data-db-0"]


def test_claims_can_go_with_the_set(cluster):
    policy = {"whenScaled": "Retain", "whenDeleted": "Delete"}
    start(cluster, 2, volumeClaimTemplates=[claim()], podManagementPolicy="Parallel", persistentVolumeClaimRetentionPolicy=policy)
    change(cluster, replicas=1)
    assert names(cluster, CLAIMS) == ["data-db-0", "data-db-1"]
    cluster.client.delete(SETS, "db", NS)
    cluster.run_for(30)
    assert names(cluster, CLAIMS) == []


def test_the_policy_can_be_changed_later(cluster):
    start(cluster, 1, volumeClaimTemplates=[claim()])
    assert "ownerReferences" not in cluster.get(CLAIMS, "data-db-0")["metadata"]
    change(cluster, persistentVolumeClaimRetentionPolicy={"whenScaled": "Retain", "whenDeleted": "Delete"})
    assert [ref["kind"] for ref in cluster.get(CLAIMS, "data-db-0")["metadata"]["ownerReferences"]] == ["StatefulSet"]
    change(cluster, persistentVolumeClaimRetentionPolicy={"whenScaled": "Retain", "whenDeleted": "Retain"})
    assert "ownerReferences" not in cluster.get(CLAIMS, "data-db-0")["metadata"]


def test_an_update_goes_down_from_the_highest_and_stops_at_the_partition(cluster):
    start(cluster, updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 1}})
    update(cluster)
    cluster.settle()
    assert deleted(cluster) == ["db-2", "db-1"]
    assert by_name(cluster) == {"db-0": "1.26", "db-1": "1.27", "db-2": "1.27"}
    assert status(cluster)["currentRevision"] != status(cluster)["updateRevision"]


def test_several_at_once_where_max_unavailable_allows(cluster):
    start(cluster, 4, podManagementPolicy="Parallel", updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}})
    update(cluster)
    fewest = 4
    for _ in range(80):
        cluster.run_for(0.02)
        fewest = min(fewest, status(cluster).get("readyReplicas", 0))
    cluster.settle()
    assert images(pods(cluster)) == ["nginx:1.27"] * 4
    assert fewest == 2


def test_on_delete_changes_only_what_somebody_deletes(cluster):
    start(cluster, 2, updateStrategy={"type": "OnDelete"})
    update(cluster)
    cluster.settle()
    assert by_name(cluster) == {"db-0": "1.26", "db-1": "1.26"}
    cluster.client.delete("pods", "db-0", NS)
    cluster.settle()
    assert by_name(cluster) == {"db-0": "1.27", "db-1": "1.26"}


def test_a_stuck_pod_is_not_replaced_by_mending_the_template(cluster):
    spec = {"nodeSelector": {"disk": "ssd"}, "containers": [{"name": "main", "image": "nginx:1.26"}]}
    start(cluster, 2, template={"metadata": {"labels": {"app": "db"}}, "spec": spec})
    change(cluster, template={"spec": {"nodeSelector": None}})
    assert [p["status"]["phase"] for p in pods(cluster)] == ["Pending"]
    cluster.client.delete("pods", "db-0", NS)
    cluster.settle()
    assert [p["status"]["phase"] for p in pods(cluster)] == ["Running", "Running"]


def test_going_back_gives_the_old_revision_the_newest_number(cluster):
    start(cluster, 1)
    for image in ("nginx:1.27", "nginx:1.26"):
        update(cluster, image)
        cluster.settle()
    assert sorted(r["revision"] for r in cluster.get("controllerrevisions.apps")) == [2, 3]
    assert status(cluster)["currentRevision"] == status(cluster)["updateRevision"]


def test_old_revisions_beyond_the_limit_are_forgotten(cluster):
    start(cluster, 1, revisionHistoryLimit=1)
    for image in ("nginx:1.27", "nginx:1.28", "nginx:1.29"):
        update(cluster, image)
        cluster.settle()
    assert sorted(r["revision"] for r in cluster.get("controllerrevisions.apps")) == [3, 4]


def test_a_pod_that_ended_is_made_again(cluster):
    start(cluster, 1)
    pod = pods(cluster)[0]
    cluster.client.update_status("pods", freeze({**pod, "status": {**pod["status"], "phase": "Failed"}}))
    cluster.settle()
    assert pods(cluster)[0]["metadata"]["uid"] != pod["metadata"]["uid"]
    assert "RecreatingFailedPod" in reasons(cluster, "StatefulSet")


def test_only_pods_called_after_the_set_are_adopted(cluster):
    for name in ("db-0", "other-0"):
        cluster.client.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "db"}},
                                       "spec": {"containers": [{"name": "main", "image": "nginx:1.26"}]}}, NS)  # fmt: skip
    cluster.settle()
    start(cluster, 1, updateStrategy={"type": "OnDelete"})
    owned = {p["metadata"]["name"]: "ownerReferences" in p["metadata"] for p in pods(cluster)}
    assert owned == {"db-0": True, "other-0": False}
    assert next(p for p in pods(cluster) if p["metadata"]["name"] == "db-0")["metadata"]["labels"]["apps.kubernetes.io/pod-index"] == "0"


def test_stopped_in_the_middle_cut_off_and_refused_it_arrives_all_the_same(cluster):
    start(cluster, 3)
    cluster.faults.api_errors(2, verb="delete", resource="pods")
    update(cluster)
    cluster.run_for(0.1)
    cluster.faults.stop("kube-controller-manager")
    cluster.run_for(5)
    cluster.faults.start("kube-controller-manager")
    cluster.run_for(1)
    cluster.faults.break_watches("kube-controller-manager")
    cluster.run_for(60)
    assert by_name(cluster) == {"db-0": "1.27", "db-1": "1.27", "db-2": "1.27"}
    assert "FailedDelete" in reasons(cluster, "StatefulSet")


def test_the_plan_is_pure():
    statefulset = freeze(workload("StatefulSet", "db", replicas=2, podManagementPolicy="OrderedReady", updateStrategy={"type": "OnDelete"}))
    assert plan(Observed(statefulset, "db-a", "db-a", (), 0)) == [Create(0, updated=True)]
    assert plan(Observed(statefulset, "db-a", "db-a", (), 0, frozenset({0}))) == []
    parallel = freeze({**statefulset, "spec": {**statefulset["spec"], "podManagementPolicy": "Parallel"}})
    surplus = freeze({"metadata": {"name": "db-7"}, "spec": {}, "status": {"phase": "Pending"}})
    assert plan(Observed(parallel, "db-a", "db-a", (surplus,), 0)) == [Create(0, updated=True), Create(1, updated=True), Delete(surplus)]


def test_a_number_is_not_given_to_two_pods_while_nobody_knows_whether_the_first_still_runs():
    cluster = cluster_of(3, "faithful")
    start(cluster, 2)
    first = next(pod for pod in pods(cluster) if pod["metadata"]["name"] == "db-0")
    home, alone = first["spec"]["nodeName"], one_of_a_name()
    cluster.faults.partition_node(home)  # its machine goes on, unseen
    cluster.run_for(60)
    cluster.faults.stop("kube-controller-manager")
    cluster.faults.start("kube-controller-manager")
    cluster.run_until(alone, 600)  # asked after every event, and never content
    stuck = cluster.get("pods", "db-0")
    assert (stuck["metadata"]["uid"], "deletionTimestamp" in stuck["metadata"]) == (first["metadata"]["uid"], True)
    cluster.faults.restore_node(home)
    cluster.run_until(alone, 120)
    assert cluster.get("pods", "db-0")["metadata"]["uid"] != first["metadata"]["uid"]
    assert status(cluster)["readyReplicas"] == 2


def test_who_forces_a_deletion_takes_the_risk_that_two_of_one_number_run():
    cluster = cluster_of(3, "faithful")
    start(cluster, 1)
    home = pods(cluster)[0]["spec"]["nodeName"]
    cluster.faults.partition_node(home)
    cluster.run_for(120)
    cluster.kubectl("delete pod db-0 --force --grace-period=0")
    cluster.run_for(60)
    with pytest.raises(AssertionError, match="running at the same time"):
        one_of_a_name()(cluster)


def test_a_set_whose_pod_never_ran_goes_in_the_foreground_and_its_revision_stays_gone(cluster):
    unplaced = workload("StatefulSet", "db", serviceName="db", replicas=2)
    template = {**unplaced["spec"]["template"], "spec": {**unplaced["spec"]["template"]["spec"], "nodeSelector": {"disk": "none"}}}
    cluster.client.create(SETS, {**unplaced, "spec": {**unplaced["spec"], "template": template}}, NS)
    cluster.settle()
    assert [pod["status"]["phase"] for pod in pods(cluster)] == ["Pending"]
    cluster.client.delete(SETS, "db", NS, propagation="Foreground")
    cluster.run_for(60)
    assert (pods(cluster), cluster.get(SETS), cluster.get("controllerrevisions.apps")) == ([], [], [])


def test_a_pod_watch_that_is_ten_minutes_late_leads_to_one_request_for_each_pod(cluster):
    cluster.faults.delay_watches("kube-controller-manager", 600, "pods")
    cluster.client.create(SETS, workload("StatefulSet", "db", serviceName="db", replicas=2, podManagementPolicy="Parallel"), NS)
    cluster.run_for(540)
    cluster.client.patch(SETS, "db", {"metadata": {"labels": {"seen": "again"}}}, NS)
    cluster.run_for(700)
    trace = cluster.simulation.parts.kernel.trace.since(0)
    made = [record for record in trace if record.verb == "create" and record.subject.startswith("pods default/")]
    assert names(cluster, "pods") == ["db-0", "db-1"]
    assert len(made) == 2
