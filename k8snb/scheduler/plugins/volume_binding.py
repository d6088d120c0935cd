"""Volumes decide where a pod can run: bound ones must be reachable from the node, and late ones are bound for it.

    claim bound                  its volume's node affinity must allow the node
    claim unbound, immediate     the pod waits: the PersistentVolume controller binds it
    claim unbound, late          a free volume that the node can reach is bound to it, else one is made for this node

The choice is *assumed* in Reserve and written in PreBind (a volume's ``claimRef``, or a claim's annotation ``selected-node``); then
the pod waits in its binding cycle until the PersistentVolume controller has bound all its claims, looking once a second, at most
ten minutes. The two meet at the API server only.

Models: pkg/scheduler/framework/plugins/volumebinding (volume_binding.go, binder.go).
Simplified: nodes are not scored by how well volumes fit (upstream's scoring is off by default).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from k8snb.apimachinery import quantity
from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import annotation
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, dig, merge
from k8snb.apimachinery.selectors import from_label_selector
from k8snb.component_helpers.nodeaffinity import matches_node_selector
from k8snb.component_helpers.timing import timing
from k8snb.component_helpers.volume_matching import candidates, smallest
from k8snb.resources.core.persistentvolumeclaim import class_name
from k8snb.scheduler.cluster_event import ADD, NODE, UPDATE, UPDATE_NODE_LABEL, Change, Interest, interest
from k8snb.scheduler.diagnosis import ERROR, SKIP, WAIT, Status, unresolvable
from k8snb.scheduler.framework import Cluster, Cycle, FilterPlugin, PreBindPlugin, PreFilterPlugin, ReservePlugin
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.plugins.volume_claims import (
    CLAIMS,
    SELECTED_NODE,
    VOLUMES,
    binds_late,
    claim_matters,
    claim_names,
    class_of,
    is_bound,
)
from k8snb.scheduler.podinfo import PodInfo
from k8snb.scheduler.volumes import VolumePlan

UNBOUND = "pod has unbound immediate PersistentVolumeClaims"
NODE_CONFLICT = "node(s) didn't match PersistentVolume's node affinity"
BIND_CONFLICT = "node(s) didn't find available persistent volumes to bind"
NOT_ENOUGH_SPACE = "node(s) did not have enough free storage"
VOLUME_MISSING = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
NO_PROVISIONER = "kubernetes.io/no-provisioner"
BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
BIND_TIMEOUT = timing("volume binding")
DRIVERS, CAPACITIES = "csidrivers.storage.k8s.io", "csistoragecapacities.storage.k8s.io"


class Notes(NamedTuple):
    """What a cycle knows: the volumes of bound claims (None: it is gone), and the late claims with the volumes that fit each."""

    volumes: tuple[Object | None, ...]
    late: tuple[tuple[Object, tuple[Object, ...]], ...]


class VolumeBinding(PreFilterPlugin, FilterPlugin, ReservePlugin, PreBindPlugin):
    """Rejects pods with claims that are missing or unbound, and nodes where their volumes cannot be; binds late claims."""

    name = "VolumeBinding"

    # -- where it fits -----------------------------------------------------------------------------------------------

    def pre_filter(self, cycle: Cycle) -> Status | None:
        """Look up the claims; Skip for pods without any."""
        names = claim_names(cycle.pod)
        if not names:
            return Status(SKIP)
        claims = []
        for name, ephemeral in names:
            claim = cycle.cluster.get(CLAIMS, cycle.pod.namespace, name)
            if objection := _objection(claim, name, cycle.pod, ephemeral=ephemeral):
                return unresolvable(objection)
            claims.append(claim)
        late = [c for c in claims if c is not None and not is_bound(c) and binds_late(c, cycle.cluster)]
        bound = [c for c in claims if c is not None and is_bound(c)]
        if len(late) + len(bound) < len(claims):
            return unresolvable(UNBOUND)
        volumes = tuple(cycle.cluster.get(VOLUMES, "", claim["spec"]["volumeName"]) for claim in bound)
        cycle.data[self.name] = Notes(volumes, tuple(_candidates(late, cycle.cluster)))
        return None

    def filter(self, cycle: Cycle, node: NodeInfo) -> Status | None:
        """Bound volumes must be reachable, and late claims must find a volume, or somebody who makes one here."""
        if node.node is None:
            return None
        notes: Notes = cycle.data[self.name]
        reasons = []
        if any(volume is None for volume in notes.volumes):
            reasons.append(VOLUME_MISSING)
        if any(volume is not None and not _reaches(volume, node.node) for volume in notes.volumes):
            reasons.insert(0, NODE_CONFLICT)
        plan = _plan(notes, node.node, cycle.cluster) if notes.late else VolumePlan(node.name)
        if isinstance(plan, str):
            reasons.insert(1 if NODE_CONFLICT in reasons else 0, plan)
        return unresolvable(*reasons) if reasons else None

    # -- taking it ---------------------------------------------------------------------------------------------------

    def reserve(self, cycle: Cycle, node: str) -> Status | None:
        """Decide which volumes the pod gets on the node, and count them as taken."""
        notes: Notes | None = cycle.data.get(self.name)
        info = cycle.snapshot.get(node)
        if notes is None or not notes.late or info is None or info.node is None:
            return None
        plan = _plan(notes, info.node, cycle.cluster)
        if isinstance(plan, str):
            return unresolvable(plan)
        cycle.cluster.volumes.assume(cycle.pod.key, plan)
        return None

    def unreserve(self, cycle: Cycle, node: str) -> None:
        """The volumes are free again; what was written stays, and the next attempt finds it."""
        cycle.cluster.volumes.forget(cycle.pod.key)

    def pre_bind(self, pod: PodInfo, node: str, cluster: Cluster) -> Status | None:
        """Write the choice once, then wait until all claims are bound."""
        plan: VolumePlan | None = cluster.volumes.plans.get(pod.key)
        if plan is None:
            return None
        try:
            if not plan.written:
                _write(plan, cluster)
                plan = plan._replace(written=True, since=cluster.now)
                cluster.volumes.plans[pod.key] = plan
            problem, done = _check(plan, pod, cluster)
        except ApiError as error:
            problem, done = error.message, False
        if problem:
            return Status(ERROR, (f"binding volumes: {problem}",))
        if done:
            cluster.volumes.forget(pod.key)
            return None
        if cluster.now - plan.since >= BIND_TIMEOUT:
            return Status(ERROR, ("binding volumes: context deadline exceeded",))
        return Status(WAIT)

    def interests(self) -> tuple[Interest, ...]:
        """Claims, volumes and classes that appear or change; nodes; room at a driver."""
        return (
            interest("StorageClass", ADD, UPDATE, hint=_class_matters),
            interest("PersistentVolumeClaim", ADD, UPDATE, hint=claim_matters),
            interest("PersistentVolume", ADD, UPDATE),
            interest(NODE, ADD, UPDATE_NODE_LABEL),
            interest("CSIStorageCapacity", ADD, UPDATE, hint=_capacity_matters),
        )


def _objection(claim: Object | None, name: str, pod: PodInfo, *, ephemeral: bool) -> str:
    """Why a pod cannot be placed anywhere with this claim; empty where it can."""
    if claim is None:
        waiting = f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{name}"'
        return waiting if ephemeral else f'persistentvolumeclaim "{name}" not found'
    if dig(claim, "status.phase") == "Lost":
        volume = claim["spec"].get("volumeName", "")
        return f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{volume}"'
    if "deletionTimestamp" in claim["metadata"]:
        return f'persistentvolumeclaim "{name}" is being deleted'
    owners = [ref for ref in claim["metadata"].get("ownerReferences") or () if ref.get("controller")]
    if ephemeral and not any(ref["uid"] == pod.uid for ref in owners):
        return f"PVC {pod.namespace}/{name} was not created for pod {pod.namespace}/{pod.name} (pod is not owner)"
    return ""


def _candidates(late: Sequence[Object], cluster: Cluster) -> Iterable[tuple[Object, tuple[Object, ...]]]:
    """The late claims, the smallest first, each with the volumes that fit it (wherever they are)."""
    size = lambda claim: quantity.exact(dig(claim, "spec.resources.requests.storage", "0"))  # noqa: E731
    for claim in sorted(late, key=size):
        offers = [v for v in cluster.objects(VOLUMES) if class_name(v) == class_name(claim)]
        yield claim, tuple(candidates(offers, claim))


def _reaches(volume: Object, node: Object) -> bool:
    required = dig(volume, "spec.nodeAffinity.required")
    return required is None or matches_node_selector(required, node)


def _plan(notes: Notes, node: FrozenDict, cluster: Cluster) -> VolumePlan | str:
    """Volumes for all late claims on a node, or the reason why there are none."""
    name, taken = node["metadata"]["name"], set(cluster.volumes.taken)
    bindings, provisions = [], []
    for claim, offers in notes.late:
        chosen = annotation(claim, SELECTED_NODE)
        if chosen and chosen != name:
            return BIND_CONFLICT
        here = [v for v in offers if v["metadata"]["name"] not in taken and _reaches(v, node)] if not chosen else []
        found = smallest(here, claim)
        if found is not None:
            taken.add(found["metadata"]["name"])
            bindings.append((found, claim))
        elif problem := _cannot_provision(claim, node, cluster):
            return problem
        else:
            provisions.append(claim)
    return VolumePlan(name, tuple(bindings), tuple(provisions))


def _cannot_provision(claim: Object, node: Object, cluster: Cluster) -> str:
    """Why no volume can be made for the claim on this node; empty where one can."""
    found = class_of(claim, cluster) or EMPTY_DICT
    if found.get("provisioner", NO_PROVISIONER) == NO_PROVISIONER:
        return BIND_CONFLICT
    labels, terms = node["metadata"].get("labels") or EMPTY_DICT, found.get("allowedTopologies") or ()
    fits = lambda term: all(labels.get(e["key"]) in e["values"] for e in term.get("matchLabelExpressions") or ())  # noqa: E731
    if terms and not any(map(fits, terms)):
        return BIND_CONFLICT
    return "" if _has_room(found, claim, labels, cluster) else NOT_ENOUGH_SPACE


def _has_room(found: Object, claim: Object, labels: Object, cluster: Cluster) -> bool:
    """Where the driver says how much it has left: enough, for this class, on nodes like this one."""
    driver = cluster.get(DRIVERS, "", found["provisioner"])
    if driver is None or not dig(driver, "spec.storageCapacity"):
        return True
    wanted = quantity.exact(dig(claim, "spec.resources.requests.storage", "0"))
    return any(
        item["storageClassName"] == found["metadata"]["name"]
        and quantity.exact(_room(item)) >= wanted
        and item.get("nodeTopology") is not None
        and from_label_selector(item["nodeTopology"]).matches(labels)
        for item in cluster.objects(CAPACITIES)
    )


def _room(item: Object) -> str:
    return str(item.get("maximumVolumeSize") or item.get("capacity") or "0")


def _write(plan: VolumePlan, cluster: Cluster) -> None:
    """Tell the API server what was decided."""
    for volume, claim in plan.bindings:
        if (volume["spec"].get("claimRef") or EMPTY_DICT).get("uid") == claim["metadata"]["uid"]:
            continue
        names = {key: claim["metadata"][key] for key in ("namespace", "name", "uid", "resourceVersion")}
        ref = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **names}
        notes = {BY_CONTROLLER: "yes"} if volume["spec"].get("claimRef") is None else {}
        cluster.client.update(VOLUMES, merge(volume, {"metadata": {"annotations": notes}, "spec": {"claimRef": ref}}))
    for claim in plan.provisions:
        cluster.client.update(CLAIMS, merge(claim, {"metadata": {"annotations": {SELECTED_NODE: plan.node}}}))


def _check(plan: VolumePlan, pod: PodInfo, cluster: Cluster) -> tuple[str, bool]:
    """(what went wrong, whether all claims are bound), as the caches show it."""
    if cluster.get("pods", pod.namespace, pod.name) is None:
        return f'pod does not exist any more: pod "{pod.name}" not found', False
    done = True
    for volume, claim in plan.bindings:
        now = cluster.get(VOLUMES, "", volume["metadata"]["name"])
        held = now is not None and now["metadata"]["resourceVersion"] != volume["metadata"]["resourceVersion"]
        if held and not (now["spec"].get("claimRef") or EMPTY_DICT).get("uid"):  # type: ignore[index]
            return f'ClaimRef got reset for pv "{volume["metadata"]["name"]}"', False
        done = done and _is_bound_now(claim, cluster)
    for claim in plan.provisions:
        now = cluster.get(CLAIMS, pod.namespace, claim["metadata"]["name"])
        seen = now is not None and now["metadata"]["resourceVersion"] != claim["metadata"]["resourceVersion"]
        if now is not None and seen and not is_bound(now) and annotation(now, SELECTED_NODE) != plan.node:
            return f'provisioning failed for PVC "{claim["metadata"]["name"]}"', False
        done = done and _is_bound_now(claim, cluster)
    return "", done


def _is_bound_now(claim: Object, cluster: Cluster) -> bool:
    now = cluster.get(CLAIMS, claim["metadata"]["namespace"], claim["metadata"]["name"])
    return now is not None and is_bound(now)


def _class_matters(_pod: PodInfo, change: Change) -> bool:
    """Queueing hint: a new class, or one that allows other places."""
    return change.old is None or change.new is None or change.old.get("allowedTopologies") != change.new.get("allowedTopologies")


def _capacity_matters(_pod: PodInfo, change: Change) -> bool:
    """Queueing hint: there is more room than before."""
    if change.old is None or change.new is None:
        return True
    return quantity.exact(_room(change.new)) > quantity.exact(_room(change.old))
