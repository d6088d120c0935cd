"""Descriptions of nodes, namespaces, storage and the rules about resources.

Models: k8s.io/kubectl/pkg/describe/describe.go (NodeDescriber, NamespaceDescriber, PersistentVolumeClaimDescriber ...).
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.apimachinery import meta, quantity
from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import dig
from k8snb.apimachinery.selectors import format_label_selector
from k8snb.kubectl.api import Json
from k8snb.kubectl.describe.containers import volume_source
from k8snb.kubectl.describe.sums import pod_total, pods_total
from k8snb.kubectl.describe.writer import (
    Look,
    Writer,
    amount,
    events_table,
    format_labels,
    labels_and_annotations,
    name_and_namespace,
    or_none,
    status_line,
    time_of,
    yes,
)

ROLE_LABEL = "node-role.kubernetes.io/"
_INFO = (
    ("Machine ID", "machineID"), ("System UUID", "systemUUID"), ("Boot ID", "bootID"), ("Kernel Version", "kernelVersion"),
    ("OS Image", "osImage"), ("Operating System", "operatingSystem"), ("Architecture", "architecture"),
    ("Container Runtime Version", "containerRuntimeVersion"), ("Kubelet Version", "kubeletVersion"),
)  # fmt: skip


def node(obj: Json, look: Look) -> str:
    """A node, with the pods on it and what they ask for."""
    w, spec, status = Writer(), obj.get("spec") or {}, obj.get("status") or {}
    labels = obj["metadata"].get("labels") or {}
    roles = {key.removeprefix(ROLE_LABEL) for key in labels if key.startswith(ROLE_LABEL)} | {labels.get("kubernetes.io/role", "")}
    w.field("Name", obj["metadata"]["name"])
    w.field("Roles", or_none(",".join(sorted(roles - {""}))))
    labels_and_annotations(w, obj)
    w.field("CreationTimestamp", time_of(obj["metadata"].get("creationTimestamp")))
    taints = sorted(spec.get("taints") or (), key=lambda taint: f"{taint.get('effect')},{taint.get('key')}")
    w.pairs("Taints", [taint_text(taint) for taint in taints])
    w.field("Unschedulable", bool(spec.get("unschedulable")))
    _lease(w, obj["metadata"]["name"], look)
    _conditions(w, status.get("conditions") or (), "lastHeartbeatTime")
    w.line("Addresses:")
    for address in status.get("addresses") or ():
        w.field(address["type"], address["address"], 1)
    for title in ("Capacity", "Allocatable"):
        if status.get(title.lower()):
            w.line(f"{title}:")
            for name in sorted(status[title.lower()]):
                w.field(name, amount(status[title.lower()][name]), 1)
    _node_end(w, spec, status)
    _node_pods(w, obj, look)
    events_table(w, look.events(obj), look.now)
    return w.text()


def taint_text(taint: Json) -> str:
    """``key=value:effect``."""
    key, value, effect = taint.get("key", ""), taint.get("value", ""), taint.get("effect", "")
    if not effect:
        return f"{key}={value}:" if value else str(key)
    return f"{key}={value}:{effect}" if value else f"{key}:{effect}"


def _lease(w: Writer, name: str, look: Look) -> None:
    try:
        spec = look.api.find("coordination.k8s.io/v1", "Lease", "kube-node-lease", name).get("spec") or {}
    except ApiError as problem:
        w.field("Lease", f"Failed to get lease: {problem.message}")
        return
    w.line("Lease:")
    w.field("HolderIdentity", spec.get("holderIdentity", "<unset>"), 1)
    for title, key in (("AcquireTime", "acquireTime"), ("RenewTime", "renewTime")):
        w.field(title, time_of(spec[key]) if spec.get(key) else "<unset>", 1)


def _conditions(w: Writer, conditions: Sequence[Json], seen: str) -> None:
    """The conditions of a node or a claim; ``seen``: the field of the time at which each was looked at last."""
    if not conditions:
        return
    w.line("Conditions:")
    w.table(("Type", "Status", f"{seen[0].upper()}{seen[1:]}", "LastTransitionTime", "Reason", "Message"))
    w.table(("----", "------", "-----------------", "------------------", "------", "-------"))
    for one in conditions:
        at, moved = time_of(one.get(seen)), time_of(one.get("lastTransitionTime"))
        w.table(
            (f"{one.get('type')} ", f"{one.get('status')} ", f"{at} ", f"{moved} ", f"{one.get('reason', '')} ", one.get("message", ""))
        )


def _node_end(w: Writer, spec: Json, status: Json) -> None:
    w.line("System Info:")
    for title, key in _INFO:
        w.field(title, dig(status, ("nodeInfo", key), ""), 1)
    for title, value in (
        ("PodCIDR", spec.get("podCIDR")),
        ("PodCIDRs", ",".join(spec.get("podCIDRs") or ())),
        ("ProviderID", spec.get("providerID")),
    ):
        if value:
            w.field(title, value)


def _node_pods(w: Writer, obj: Json, look: Look) -> None:
    chosen = f"spec.nodeName={obj['metadata']['name']},status.phase!=Succeeded,status.phase!=Failed"
    try:
        pods = look.pods("", field_selector=chosen)
    except ApiError as problem:
        if problem.reason != "Forbidden":
            raise
        w.field("Pods", "not authorized")
        return
    free = dig(obj, "status.allocatable") or dig(obj, "status.capacity") or {}
    w.field("Non-terminated Pods", f"({len(pods)} in total)")
    w.line("Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge", 1)
    w.line("---------\t----\t\t------------\t----------\t---------------\t-------------\t---", 1)
    for pod in pods:
        cells = [_share(pod_total(pod, what).get(name), free.get(name)) for name in ("cpu", "memory") for what in ("requests", "limits")]
        known = pod["metadata"]
        w.line("\t".join((known["namespace"], known["name"], "", *cells, meta.age(known.get("creationTimestamp"), look.now))), 1)
    _allocated(w, pods, free)


def _share(wanted: str | None, free: str | None) -> str:
    """An amount and its share of what there is."""
    asked, there = quantity.exact(wanted or "0"), quantity.exact(str(free or "0"))
    return f"{amount(wanted)} ({int(asked / there * 100) if there else 0}%)"


def _allocated(w: Writer, pods: Sequence[Json], free: Json) -> None:
    totals = [pods_total(pods, what) for what in ("requests", "limits")]
    w.line("Allocated resources:")
    w.line("(Total limits may be over 100 percent, i.e., overcommitted.)", 1)
    w.table(("Resource", "Requests", "Limits"), ("--------", "--------", "------"))
    names = ["cpu", "memory", "ephemeral-storage", *sorted(name for name in free if name.startswith("hugepages-"))]
    for name in names:
        w.table((name, *(_share(total.get(name), free.get(name)) for total in totals)))
    for name in sorted(set(free) - set(names) - {"pods"}):
        w.table((name, *(amount(total.get(name)) for total in totals)))


# -- namespaces and their limits ---------------------------------------------------------------------------------------------


def namespace(obj: Json, look: Look) -> str:
    """A namespace, with its quotas and limit ranges."""
    w, name = Writer(), obj["metadata"]["name"]
    w.field("Name", name)
    labels_and_annotations(w, obj)
    w.field("Status", dig(obj, "status.phase", ""))
    conditions = dig(obj, "status.conditions") or ()
    if conditions:
        w.line("Conditions:")
        w.table(
            ("Type", "Status", "LastTransitionTime", "Reason", "Message"), ("----", "------", "------------------", "------", "-------")
        )
        for one in conditions:
            w.table((one.get("type"), one.get("status"), time_of(one.get("lastTransitionTime")), one.get("reason"), one.get("message")))
    w.line()
    _quotas(w, look.api.items("v1", "ResourceQuota", name))
    w.line()
    _limit_ranges(w, look.api.items("v1", "LimitRange", name))
    return w.text()


_SCOPES = {
    "Terminating": "all pods that have an active deadline. "
    "These pods have a limited lifespan on a node before being actively terminated by the system.",
    "NotTerminating": "all pods that do not have an active deadline. "
    "These pods usually include long running pods whose container command is not expected to terminate.",
    "BestEffort": "all pods that do not have resource requirements set. These pods have a best effort quality of service.",
    "NotBestEffort": "all pods that have at least one resource requirement set. "
    "These pods have a burstable or guaranteed quality of service.",
}


def _scopes(w: Writer, quota: Json, level: int, bullet: str) -> None:
    scopes = sorted(dig(quota, "spec.scopes") or ())
    if scopes:
        w.field("Scopes", ", ".join(scopes), level)
    for scope in scopes:
        if scope in _SCOPES:
            w.line(f"{bullet}* Matches {_SCOPES[scope]}", level)


def _quotas(w: Writer, quotas: Sequence[Json]) -> None:
    w.line("Resource Quotas" if quotas else "No resource quota.")
    for quota in sorted(quotas, key=lambda quota: str(quota["metadata"]["name"])):
        w.field("Name", quota["metadata"]["name"], 1)
        _scopes(w, quota, 1, "")
        w.table(("Resource", "Used", "Hard"), ("--------", "---", "---"))
        w.table(*_used(quota))


def _used(quota: Json) -> list[tuple[str, str, str]]:
    hard, used = dig(quota, "status.hard", {}), dig(quota, "status.used", {})
    return [(name, amount(used.get(name)), amount(hard[name])) for name in sorted(hard)]


def resource_quota(obj: Json, _look: Look) -> str:
    """A resource quota: used and hard."""
    w = Writer()
    name_and_namespace(w, obj)
    _scopes(w, obj, 0, " ")
    w.table(("Resource", "Used", "Hard"), ("--------", "----", "----"), *_used(obj), level=0)
    return w.text()


_LIMITS = ("Type", "Resource", "Min", "Max", "Default Request", "Default Limit", "Max Limit/Request Ratio")
_LIMIT_KEYS = ("min", "max", "defaultRequest", "default", "maxLimitRequestRatio")


def _limit_rows(obj: Json) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for item in dig(obj, "spec.limits") or ():
        for name in sorted({name for key in _LIMIT_KEYS for name in item.get(key) or ()}):
            values = (dig(item, (key, name)) for key in _LIMIT_KEYS)
            rows.append((item["type"], name, *("-" if value is None else amount(value) for value in values)))
    return rows


def _dashes(titles: Sequence[str]) -> tuple[str, ...]:
    return tuple("-" * len(title) for title in titles)


def _limit_ranges(w: Writer, found: Sequence[Json]) -> None:
    if not found:
        w.line("No LimitRange resource.")
        return
    w.line("Resource Limits")
    for row in (_LIMITS, _dashes(_LIMITS), *(row for one in found for row in _limit_rows(one))):
        w.line(" " + "\t".join(row))


def limit_range(obj: Json, _look: Look) -> str:
    """A limit range."""
    w = Writer()
    name_and_namespace(w, obj)
    w.table(_LIMITS, _dashes(_LIMITS), *_limit_rows(obj), level=0)
    return w.text()


# -- storage -----------------------------------------------------------------------------------------------------------------

_MODES = (("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP"))
STORAGE_CLASS = "volume.beta.kubernetes.io/storage-class"


def access_modes(modes: Sequence[str] | None) -> str:
    """RWO,ROX and so on."""
    return ",".join(short for long, short in _MODES if long in (modes or ()))


def _storage_class(obj: Json) -> str:
    return str(dig(obj, ("metadata", "annotations", STORAGE_CLASS)) or dig(obj, "spec.storageClassName", ""))


def volume_claim(obj: Json, look: Look) -> str:
    """A persistent volume claim, and the pods that use it."""
    w, spec, bound = Writer(), obj.get("spec") or {}, bool(dig(obj, "spec.volumeName"))
    name_and_namespace(w, obj)
    w.field("StorageClass", _storage_class(obj))
    status_line(w, obj, look.now)
    w.field("Volume", spec.get("volumeName", ""))
    labels_and_annotations(w, obj)
    w.field("Finalizers", obj["metadata"].get("finalizers") or [])
    w.field("Capacity", amount(dig(obj, "status.capacity.storage")) if bound else "")
    w.field("Access Modes", access_modes(dig(obj, "status.accessModes")) if bound else "")
    if spec.get("volumeMode"):
        w.field("VolumeMode", spec["volumeMode"])
    source = spec.get("dataSource")
    if source:
        w.line("DataSource:")
        for title, key in (("APIGroup", "apiGroup"), ("Kind", "kind"), ("Name", "name")):
            if source.get(key):
                w.field(title, source[key], 1)
    w.pairs("Used By", sorted(_users(obj, look)))
    _conditions(w, dig(obj, "status.conditions") or (), "lastProbeTime")
    events_table(w, look.events(obj), look.now)
    return w.text()


def _users(obj: Json, look: Look) -> list[str]:
    """The pods that name the claim, and those that own it, because it is the claim of their ephemeral volume."""
    name = obj["metadata"]["name"]
    owners = {ref.get("uid") for ref in obj["metadata"].get("ownerReferences") or () if ref.get("kind") == "Pod"}
    return [
        pod["metadata"]["name"]
        for pod in look.pods(obj["metadata"]["namespace"])
        if pod["metadata"]["uid"] in owners
        or any(dig(volume, "persistentVolumeClaim.claimName") == name for volume in dig(pod, "spec.volumes") or ())
    ]


def persistent_volume(obj: Json, look: Look) -> str:
    """A persistent volume."""
    w, spec = Writer(), obj.get("spec") or {}
    w.field("Name", obj["metadata"]["name"])
    labels_and_annotations(w, obj)
    w.field("Finalizers", obj["metadata"].get("finalizers") or [])
    w.field("StorageClass", _storage_class(obj))
    status_line(w, obj, look.now)
    claim = spec.get("claimRef")
    w.field("Claim", f"{claim.get('namespace')}/{claim.get('name')}" if claim else "")
    w.field("Reclaim Policy", spec.get("persistentVolumeReclaimPolicy"))
    w.field("Access Modes", access_modes(spec.get("accessModes")))
    if spec.get("volumeMode"):
        w.field("VolumeMode", spec["volumeMode"])
    w.field("Capacity", amount(dig(spec, "capacity.storage")))
    _node_affinity(w, dig(spec, "nodeAffinity.required.nodeSelectorTerms"))
    w.field("Message", dig(obj, "status.message", ""))
    w.line("Source:")
    volume_source(w, spec)
    events_table(w, look.events(obj), look.now)
    return w.text()


def _node_affinity(w: Writer, terms: Sequence[Json] | None) -> None:
    w.line("Node Affinity:\t" + ("<none>" if terms is None else ""))
    if terms is None:
        return
    w.line("Required Terms:\t" + ("" if terms else "<none>"), 1)
    for index, term in enumerate(terms):
        lines = [_requirement(one) for one in term.get("matchExpressions") or ()]
        w.pairs(f"Term {index}", lines, "    ")


def _requirement(one: Json) -> str:
    values = f" [{', '.join(one['values'])}]" if one.get("values") else ""
    return f"{one.get('key')} {str(one.get('operator', '')).lower()}{values}"


def storage_class(obj: Json, look: Look) -> str:
    """A storage class."""
    w, known = Writer(), obj["metadata"].get("annotations") or {}
    default = any(known.get(f"storageclass.{beta}kubernetes.io/is-default-class") == "true" for beta in ("", "beta."))
    w.field("Name", obj["metadata"]["name"])
    w.field("IsDefaultClass", "Yes" if default else "No")
    w.field("Annotations", format_labels(known))
    w.field("Provisioner", obj.get("provisioner"))
    w.field("Parameters", format_labels(obj.get("parameters")))
    w.field("AllowVolumeExpansion", yes(obj.get("allowVolumeExpansion")))
    options = obj.get("mountOptions") or ()
    w.line("MountOptions:" if options else "MountOptions:\t<none>")
    for option in options:
        w.line(option, 1)
    for title, key in (("ReclaimPolicy", "reclaimPolicy"), ("VolumeBindingMode", "volumeBindingMode")):
        if obj.get(key):
            w.field(title, obj[key])
    _topologies(w, obj.get("allowedTopologies"))
    events_table(w, look.events(obj), look.now)
    return w.text()


def _topologies(w: Writer, terms: Sequence[Json] | None) -> None:
    if terms is None:
        return
    w.line("AllowedTopologies:\t" + ("" if terms else "<none>"))
    for index, term in enumerate(terms):
        w.pairs(f"Term {index}", [_requirement({**one, "operator": "In"}) for one in term.get("matchLabelExpressions") or ()], "  ")


# -- disruption, priority ----------------------------------------------------------------------------------------------------


def disruption_budget(obj: Json, look: Look) -> str:
    """A pod disruption budget."""
    w, spec, status = Writer(), obj.get("spec") or {}, obj.get("status") or {}
    name_and_namespace(w, obj)
    for title, key in (("Min available", "minAvailable"), ("Max unavailable", "maxUnavailable")):
        if spec.get(key) is not None:
            w.field(title, spec[key])
            break
    w.field("Selector", format_label_selector(spec["selector"]) if spec.get("selector") is not None else "<unset>")
    w.line("Status:")
    rows = (
        ("Allowed disruptions", "disruptionsAllowed"),
        ("Current", "currentHealthy"),
        ("Desired", "desiredHealthy"),
        ("Total", "expectedPods"),
    )
    for title, key in rows:
        w.field(title, status.get(key, 0), 2)
    events_table(w, look.events(obj), look.now)
    return w.text()


def priority_class(obj: Json, look: Look) -> str:
    """A priority class."""
    w = Writer()
    w.field("Name", obj["metadata"]["name"])
    w.field("Value", obj.get("value", 0))
    w.field("GlobalDefault", bool(obj.get("globalDefault")))
    w.field("PreemptionPolicy", obj.get("preemptionPolicy", ""))
    w.field("Description", obj.get("description", ""))
    w.field("Annotations", format_labels(obj["metadata"].get("annotations")))
    events_table(w, look.events(obj), look.now)
    return w.text()
