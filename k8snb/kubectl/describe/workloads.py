"""Descriptions of what runs: pods and the controllers that make them.

Models: k8s.io/kubectl/pkg/describe/describe.go (PodDescriber, DeploymentDescriber, ReplicaSetDescriber, JobDescriber ...).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8snb.apimachinery import meta
from k8snb.apimachinery.objects import dig
from k8snb.apimachinery.selectors import format_label_selector
from k8snb.kubectl.api import Json
from k8snb.kubectl.describe.containers import containers, field_value, pod_template, resources, spread, tolerations, volumes
from k8snb.kubectl.describe.writer import (
    Look,
    Writer,
    conditions_table,
    controller,
    events_table,
    format_labels,
    labels_and_annotations,
    name_and_namespace,
    or_none,
    shown,
    time_of,
    yes,
)
from k8snb.kubectl.history import replica_sets_of
from k8snb.resources.common.pod_annotations import MIRROR


def pod(obj: Json, look: Look) -> str:
    """A pod."""
    w, spec, status = Writer(), obj.get("spec") or {}, obj.get("status") or {}
    name_and_namespace(w, obj)
    _pod_head(w, obj, spec, status)
    labels_and_annotations(w, obj)
    _pod_status(w, obj, look.now)
    if controller(obj):
        w.field("Controlled By", controller(obj))
    if status.get("nominatedNodeName"):
        w.field("NominatedNodeName", status["nominatedNodeName"])
    if spec.get("resources"):
        w.line("Resources:")
        resources(w, spec["resources"], 1)
    _pod_containers(w, obj, spec, status)
    _pod_conditions(w, spec, status)
    volumes(w, spec.get("volumes"))
    w.field("QoS Class", status.get("qosClass", ""))
    w.labels("Node-Selectors", spec.get("nodeSelector"))
    tolerations(w, "Tolerations", spec.get("tolerations"))
    spread(w, spec.get("topologySpreadConstraints"))
    mirror = dig(obj, ("metadata", "annotations", MIRROR), "")
    events_table(w, look.events(obj, kind="", **({"uid": mirror} if mirror else {})), look.now)
    return w.text()


def _pod_head(w: Writer, obj: Json, spec: Json, status: Json) -> None:
    for title, key in (("Priority", "priority"), ("Priority Class Name", "priorityClassName"), ("Runtime Class Name", "runtimeClassName")):
        if spec.get(key) not in (None, ""):
            w.field(title, spec[key])
    if spec.get("serviceAccountName"):
        w.field("Service Account", spec["serviceAccountName"])
    w.field("Node", f"{spec['nodeName']}/{status.get('hostIP', '')}" if spec.get("nodeName") else "<none>")
    if status.get("startTime"):
        w.field("Start Time", time_of(status["startTime"]))


def _pod_status(w: Writer, obj: Json, now: int) -> None:
    status, known = obj.get("status") or {}, obj["metadata"]
    if known.get("deletionTimestamp") and status.get("phase") not in ("Failed", "Succeeded"):
        w.field("Status", f"Terminating (lasts {meta.age(known['deletionTimestamp'], now)})")
        w.field("Termination Grace Period", f"{known.get('deletionGracePeriodSeconds', 0)}s")
    else:
        w.field("Status", status.get("phase", ""))
    for key in ("reason", "message"):
        if status.get(key):
            w.field(key.capitalize(), status[key])
    profile = dig(obj, "spec.securityContext.seccompProfile")
    if profile:
        w.field("SeccompProfile", profile.get("type"))
    w.field("IP", status.get("podIP", ""))
    ips = status.get("podIPs") or ()
    w.line("IPs:" if ips else "IPs:\t<none>")
    for ip in ips:
        w.field("IP", ip.get("ip"), 1)


def _pod_containers(w: Writer, obj: Json, spec: Json, status: Json) -> None:
    resolve = field_value(obj)
    rows = (
        ("Init Containers", "initContainers", "initContainerStatuses"),
        ("Containers", "containers", "containerStatuses"),
        ("Ephemeral Containers", "ephemeralContainers", "ephemeralContainerStatuses"),
    )
    for title, key, statuses in rows:
        if spec.get(key) or key == "containers":
            containers(w, title, spec.get(key) or (), statuses=status.get(statuses) or (), resolve=resolve)


def _pod_conditions(w: Writer, spec: Json, status: Json) -> None:
    known = status.get("conditions") or ()
    if spec.get("readinessGates"):
        w.line("Readiness Gates:")
        w.table(("Type", "Status"))
        for gate in spec["readinessGates"]:
            found = meta.find_condition(known, gate["conditionType"])
            w.table((f"{gate['conditionType']} ", f"{found.get('status') if found else '<none>'} "))
    if known:
        w.line("Conditions:")
        w.table(("Type", "Status"))
        for one in known:
            w.table((f"{one.get('type')} ", f"{one.get('status')} "))


# -- controllers -------------------------------------------------------------------------------------------------------------


def _selector(selector: Json | None) -> str:
    """A selector as Go prints it: the empty one selects everything and prints nothing."""
    return format_label_selector(selector) if selector else ""


def pods_of(obj: Json, look: Look) -> str:
    """How many of a controller's pods are in which phase."""
    selector = dig(obj, "spec.selector")
    chosen = _selector(selector) if obj.get("kind") != "ReplicationController" else format_labels(selector)
    found = look.pods(obj["metadata"]["namespace"], label_selector=chosen)
    mine = [pod for pod in found if meta.is_controlled_by(pod, obj)]
    phases = [dig(pod, "status.phase") for pod in mine]
    running, waiting, succeeded, failed = (phases.count(phase) for phase in ("Running", "Pending", "Succeeded", "Failed"))
    return f"{running} Running / {waiting} Waiting / {succeeded} Succeeded / {failed} Failed"


def _end(w: Writer, obj: Json, look: Look) -> str:
    events_table(w, look.events(obj), look.now)
    return w.text()


def deployment(obj: Json, look: Look) -> str:
    """A deployment."""
    w, spec, status = Writer(), obj["spec"], obj.get("status") or {}
    name_and_namespace(w, obj)
    w.field("CreationTimestamp", time_of(obj["metadata"].get("creationTimestamp")))
    labels_and_annotations(w, obj)
    w.field("Selector", _selector(spec.get("selector")))
    counts = " | ".join(
        f"{status.get(key, 0)} {word}"
        for key, word in (
            ("updatedReplicas", "updated"), ("replicas", "total"), ("availableReplicas", "available"), ("unavailableReplicas",
             "unavailable"),
        )
    )  # fmt: skip
    w.field("Replicas", f"{spec.get('replicas')} desired | {counts}")
    w.field("StrategyType", dig(spec, "strategy.type"))
    w.field("MinReadySeconds", spec.get("minReadySeconds", 0))
    update = dig(spec, "strategy.rollingUpdate")
    if update:
        w.field("RollingUpdateStrategy", f"{update.get('maxUnavailable')} max unavailable, {update.get('maxSurge')} max surge")
    pod_template(w, spec["template"])
    conditions_table(w, status.get("conditions"))
    old, new = replica_sets_of(look.api, obj)
    if old or new:
        w.field("OldReplicaSets", _replica_sets(old))
        w.field("NewReplicaSet", _replica_sets([new] if new else []))
    return _end(w, obj, look)


def _replica_sets(found: Sequence[Json]) -> str:
    texts = [f"{rs['metadata']['name']} ({dig(rs, 'status.replicas', 0)}/{dig(rs, 'spec.replicas', 0)} replicas created)" for rs in found]
    return or_none(", ".join(texts))


def replica_set(obj: Json, look: Look) -> str:
    """A replica set, or a replication controller."""
    w, spec = Writer(), obj["spec"]
    name_and_namespace(w, obj)
    old = obj["kind"] == "ReplicationController"
    w.field("Selector", format_labels(spec.get("selector")) if old else format_label_selector(spec.get("selector")))
    labels_and_annotations(w, obj)
    if controller(obj):
        w.field("Controlled By", controller(obj))
    w.field("Replicas", f"{dig(obj, 'status.replicas', 0)} current / {spec.get('replicas')} desired")
    w.field("Pods Status", pods_of(obj, look))
    pod_template(w, spec["template"])
    conditions_table(w, dig(obj, "status.conditions"))
    return _end(w, obj, look)


_DAEMON = (
    ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"), ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
    ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
    ("Number of Nodes Scheduled with Available Pods", "numberAvailable"), ("Number of Nodes Misscheduled", "numberMisscheduled"),
)  # fmt: skip


def daemon_set(obj: Json, look: Look) -> str:
    """A daemon set."""
    w, spec, status = Writer(), obj["spec"], obj.get("status") or {}
    name_and_namespace(w, obj)
    w.field("Selector", _selector(spec.get("selector")))
    w.field("Node-Selector", format_labels(dig(spec, "template.spec.nodeSelector")))
    labels_and_annotations(w, obj)
    for title, key in _DAEMON:
        w.line(f"{title}: {status.get(key, 0)}")
    w.field("Pods Status", pods_of(obj, look))
    pod_template(w, spec["template"])
    return _end(w, obj, look)


def stateful_set(obj: Json, look: Look) -> str:
    """A stateful set."""
    w, spec = Writer(), obj["spec"]
    name_and_namespace(w, obj)
    w.field("CreationTimestamp", time_of(obj["metadata"].get("creationTimestamp")))
    w.field("Selector", _selector(spec.get("selector")))
    labels_and_annotations(w, obj)
    w.field("Replicas", f"{spec.get('replicas')} desired | {dig(obj, 'status.replicas', 0)} total")
    w.field("Update Strategy", dig(spec, "updateStrategy.type"))
    update = dig(spec, "updateStrategy.rollingUpdate") or {}
    if update.get("partition") is not None:
        w.field("Partition", update["partition"], 1)
        if update.get("maxUnavailable") is not None:
            w.field("MaxUnavailable", update["maxUnavailable"], 1)
    w.field("Pods Status", pods_of(obj, look))
    pod_template(w, spec["template"])
    _claims(w, spec.get("volumeClaimTemplates") or ())
    return _end(w, obj, look)


def _claims(w: Writer, templates: Sequence[Json]) -> None:
    w.line("Volume Claims:" if templates else "Volume Claims:\t<none>")
    for claim in templates:
        known = claim.get("metadata") or {}
        w.field("Name", known.get("name"), 1)
        w.field("StorageClass", dig(claim, "spec.storageClassName", ""), 1)
        w.labels("Labels", known.get("labels"), "  ")
        w.labels("Annotations", known.get("annotations"), "  ")
        w.field("Capacity", dig(claim, "spec.resources.requests.storage", "<default>"), 1)
        w.field("Access Modes", dig(claim, "spec.accessModes", []), 1)


def job(obj: Json, look: Look) -> str:
    """A job."""
    w, spec, status = Writer(), obj["spec"], obj.get("status") or {}
    name_and_namespace(w, obj)
    w.field("Selector", _selector(spec.get("selector")))
    labels_and_annotations(w, obj)
    if controller(obj):
        w.field("Controlled By", controller(obj))
    _job_spec(w, spec)
    _job_times(w, spec, status)
    ready = f" ({status['ready']} Ready)" if status.get("ready") is not None else ""
    counts = f"{status.get('active', 0)} Active{ready} / {status.get('succeeded', 0)} Succeeded / {status.get('failed', 0)} Failed"
    w.field("Pods Statuses", counts)
    if spec.get("completionMode") == "Indexed":
        w.field("Completed Indexes", _capped(status.get("completedIndexes") or ""))
    pod_template(w, spec["template"])
    return _end(w, obj, look)


def _job_spec(w: Writer, spec: Json) -> None:
    if spec.get("parallelism") is not None:
        w.field("Parallelism", spec["parallelism"])
    w.field("Completions", shown(spec.get("completions", "<unset>")))
    rows = (
        ("Completion Mode", "completionMode"), ("Suspend", "suspend"), ("Backoff Limit", "backoffLimit"),
        ("TTL Seconds After Finished", "ttlSecondsAfterFinished"),
    )  # fmt: skip
    for title, key in rows:
        if spec.get(key) is not None:
            w.field(title, spec[key])


def _job_times(w: Writer, spec: Json, status: Json) -> None:
    start, end = status.get("startTime"), status.get("completionTime")
    if start:
        w.field("Start Time", time_of(start))
    if end:
        w.field("Completed At", time_of(end))
    if start and end:
        w.field("Duration", meta.human_duration(meta.seconds_between(start, meta.parse_time(end))))
    if spec.get("activeDeadlineSeconds") is not None:
        w.field("Active Deadline Seconds", f"{spec['activeDeadlineSeconds']}s")


def _capped(indexes: str, limit: int = 50) -> str:
    comma = indexes.find(",", limit)
    return or_none(indexes) if comma < 0 else indexes[: comma + 1] + "..."


def cron_job(obj: Json, look: Look) -> str:
    """A cron job."""
    w, spec = Writer(), obj["spec"]
    name_and_namespace(w, obj)
    labels_and_annotations(w, obj)
    w.field("Schedule", spec.get("schedule"))
    w.field("Concurrency Policy", spec.get("concurrencyPolicy"))
    w.field("Suspend", yes(spec.get("suspend")))
    w.field("Time Zone", _or_unset(spec, "timeZone"))
    w.field("Successful Job History Limit", _or_unset(spec, "successfulJobsHistoryLimit"))
    w.field("Failed Job History Limit", _or_unset(spec, "failedJobsHistoryLimit"))
    w.field("Starting Deadline Seconds", _or_unset(spec, "startingDeadlineSeconds", "s"))
    template = dig(spec, "jobTemplate.spec") or {}
    w.field("Selector", _selector(template["selector"]) if template.get("selector") else "<unset>")
    w.field("Parallelism", _or_unset(template, "parallelism"))
    w.field("Completions", _or_unset(template, "completions"))
    if template.get("activeDeadlineSeconds") is not None:
        w.field("Active Deadline Seconds", f"{template['activeDeadlineSeconds']}s")
    pod_template(w, template.get("template") or {})
    last = dig(obj, "status.lastScheduleTime")
    w.field("Last Schedule Time", time_of(last) if last else "<unset>")
    w.field("Active Jobs", or_none(", ".join(ref.get("name", "") for ref in dig(obj, "status.active", []))))
    return _end(w, obj, look)


def _or_unset(spec: Json, key: str, unit: str = "") -> Any:
    return f"{spec[key]}{unit}" if spec.get(key) is not None else "<unset>"
