"""What must hold in every cluster that has been left alone for long enough, whatever happened before."""

from __future__ import annotations

from collections import Counter
from typing import Any

from k8snb.cluster import Cluster
from k8snb.component_helpers import pod_requests, resource_amounts
from k8snb.component_helpers.pods import is_pod_active, is_pod_ready
from tests.simulation.scenario import digest


def live_pods(cluster: Cluster) -> list[dict[str, Any]]:
    """Pods that count: not over, not on their way out."""
    return [pod for pod in cluster.get("pods") if is_pod_active(pod)]


def replica_counts_are_met(cluster: Cluster) -> None:
    """Every Deployment has exactly its replicas, all ready, all of the present template."""
    for deployment in cluster.get("deployments.apps"):
        uid = deployment["metadata"]["uid"]
        sets = [rs for rs in cluster.get("replicasets.apps") if any(r["uid"] == uid for r in rs["metadata"].get("ownerReferences", ()))]
        owners = {rs["metadata"]["uid"] for rs in sets}
        pods = [p for p in live_pods(cluster) if any(r["uid"] in owners for r in p["metadata"].get("ownerReferences", ()))]
        wanted, name = deployment["spec"]["replicas"], deployment["metadata"]["name"]
        assert len(pods) == wanted, f"{name}: {len(pods)} pods instead of {wanted}"
        assert sum(map(is_pod_ready, pods)) == wanted, f"{name}: not all of {wanted} pods are ready"
        image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        assert {p["spec"]["containers"][0]["image"] for p in pods} <= {image}
        status = deployment["status"]
        counts = [status.get(key, 0) for key in ("replicas", "readyReplicas", "updatedReplicas", "availableReplicas")]
        assert counts == [wanted] * 4, f"{name}: status {status}"


def owned(cluster: Cluster, owner: dict[str, Any]) -> list[dict[str, Any]]:
    """The living Pods that an object controls itself."""
    uid = owner["metadata"]["uid"]
    return [p for p in live_pods(cluster) if any(r["uid"] == uid for r in p["metadata"].get("ownerReferences", ()))]


def other_workloads_are_whole(cluster: Cluster) -> None:
    """A StatefulSet has its numbered Pods, a DaemonSet one on each node, a Job is finished: all ready, none too many."""
    for found in cluster.get("statefulsets.apps"):
        name, pods = found["metadata"]["name"], owned(cluster, found)
        assert sorted(p["metadata"]["name"] for p in pods) == sorted(f"{name}-{n}" for n in range(found["spec"]["replicas"]))
        assert all(map(is_pod_ready, pods)), f"{name}: not all ready"
    for found in cluster.get("daemonsets.apps"):
        pods = owned(cluster, found)
        assert sorted(p["spec"]["nodeName"] for p in pods) == sorted(n["metadata"]["name"] for n in cluster.get("nodes"))
        assert all(map(is_pod_ready, pods)), f"{found['metadata']['name']}: not all ready"
    for found in cluster.get("jobs.batch"):
        ended = {c["type"] for c in found["status"].get("conditions", ()) if c["status"] == "True"}
        assert ended & {"Complete", "Failed"}, f"{found['metadata']['name']}: {found['status']}"
        assert not owned(cluster, found)


def no_pod_runs_twice(cluster: Cluster) -> None:
    """No two kubelets hold containers of the same Pod, and a StatefulSet's name exists once (names are unique anyway)."""
    kubelets = cluster.simulation.parts.machines.kubelets.values()
    held = Counter(uid for kubelet in kubelets for uid, state in kubelet.own.pods.items() if not state.static)
    assert not [uid for uid, count in held.items() if count > 1]
    known = {pod["metadata"]["uid"] for pod in cluster.get("pods")}
    assert set(held) <= known, "a kubelet runs a pod that no longer exists"


def static_pods_run_and_are_shown(cluster: Cluster) -> None:
    """For each file on a machine there is one running mirror, and no mirror without a file."""
    wanted = {
        f"{pod['metadata']['name']}": pod["metadata"]["uid"]
        for kubelet in cluster.simulation.parts.machines.kubelets.values()
        for pod in kubelet.own.static.values()
    }
    mark = "kubernetes.io/config.mirror"
    shown = [pod for pod in cluster.get("pods") if mark in (pod["metadata"].get("annotations") or {})]
    assert {pod["metadata"]["name"]: pod["metadata"]["annotations"][mark] for pod in shown} == wanted
    assert all(is_pod_ready(pod) for pod in shown if is_pod_active(pod))


def nobody_is_an_orphan(cluster: Cluster) -> None:
    """Every owner that an object names exists."""
    server = cluster.simulation.parts.server
    everything = [obj for key in server.catalogue.by_key for obj in server.stored_list(key)]
    uids = {obj["metadata"]["uid"] for obj in everything}
    for obj in everything:
        for ref in obj["metadata"].get("ownerReferences", ()):
            assert ref["uid"] in uids, f"{obj['kind']} {obj['metadata']['name']} names {ref['kind']} {ref['name']}, which is gone"


def no_node_is_overcommitted(cluster: Cluster) -> None:
    """The requests of a node's Pods fit into what the node can give."""
    for node in cluster.get("nodes"):
        room = resource_amounts(node["status"]["allocatable"])
        pods = [p for p in cluster.get("pods") if p["spec"].get("nodeName") == node["metadata"]["name"] and is_pod_active(p)]
        for name in ("cpu", "memory"):
            used = sum(pod_requests(pod).get(name, 0) for pod in pods)
            assert used <= room[name], f"{node['metadata']['name']}: {used} of {room[name]} {name}"
        assert len(pods) <= room["pods"]


def endpoints_are_the_ready_pods(cluster: Cluster) -> None:
    """For each Service the ready endpoints are exactly the ready Pods that it selects."""
    for service in cluster.get("services"):
        selector = service["spec"].get("selector")
        if not selector:
            continue
        namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
        slices = [s for s in cluster.get("endpointslices.discovery.k8s.io")
                  if s["metadata"]["namespace"] == namespace and s["metadata"]["labels"]["kubernetes.io/service-name"] == name]  # fmt: skip
        ready = [e["targetRef"]["uid"] for s in slices for e in s.get("endpoints") or () if e["conditions"]["ready"]]
        wanted = [p["metadata"]["uid"] for p in live_pods(cluster) if p["metadata"]["namespace"] == namespace
                  and selector.items() <= p["metadata"].get("labels", {}).items() and is_pod_ready(p)]  # fmt: skip
        assert sorted(ready) == sorted(wanted)


def the_past_can_be_replayed(cluster: Cluster) -> None:
    """fork = replay, to the byte."""
    replayed = Cluster._over(cluster.simulation.past(cluster.position))
    assert digest(replayed) == digest(cluster) == digest(cluster.fork())


INVARIANTS = (
    replica_counts_are_met, other_workloads_are_whole, no_pod_runs_twice, static_pods_run_and_are_shown, nobody_is_an_orphan,
    no_node_is_overcommitted, endpoints_are_the_ready_pods, the_past_can_be_replayed,
)  # fmt: skip
