"""A machine that is cut off goes on; the cluster gives it up, and it obeys when it is back."""

from __future__ import annotations

from k8snb.cluster import Cluster


def test_pods_of_a_cut_off_node_are_replaced_and_removed_when_it_is_back() -> None:
    cluster = Cluster(nodes=2, seed=3)
    cluster.kubectl("create deployment web --image=nginx:1.27 --replicas=4")
    cluster.settle(limit=60)
    here = {p["metadata"]["name"]: p for p in cluster.get("pods") if p["spec"]["nodeName"] == "node-1"}
    cluster.faults.partition_node("node-1")
    address = next(iter(here.values()))["status"]["podIP"]
    assert cluster.http(f"http://{address}", from_node="node-2").error == "timed out"
    assert cluster.http(f"http://{address}", from_node="node-1").status == 200
    cluster.run_for(60)
    assert {c["type"]: c["status"] for c in cluster.get("nodes", "node-1")["status"]["conditions"]}["Ready"] == "Unknown"
    cluster.run_for(400)
    running = [p for p in cluster.get("pods") if not p["metadata"].get("deletionTimestamp")]
    assert {p["spec"]["nodeName"] for p in running} == {"node-2"}
    kubelet = cluster.simulation.parts.machines.kubelets["node-1"]
    assert len(kubelet.own.pods) == len(here)
    cluster.faults.restore_node("node-1")
    cluster.run_for(60)
    assert len(cluster.get("pods")) == 4
    assert kubelet.own.pods == {}
    assert {c["type"]: c["status"] for c in cluster.get("nodes", "node-1")["status"]["conditions"]}["Ready"] == "True"
