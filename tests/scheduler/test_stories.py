"""The scheduler in a whole cluster, with kubelets and controllers, and with what goes wrong on the way."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from k8snb.apimachinery.meta import parse_time
from k8snb.cluster import Cluster
from k8snb.sim.clock import SECOND


def run(cluster: Cluster, name: str, *, cpu: str = "100m", image: str = "nginx", labels: str = "", **spec: Any) -> None:
    """A Pod whose one container requests ``cpu``; the rest goes into its spec."""
    container = {"name": name, "image": image, "resources": {"requests": {"cpu": cpu}}}
    overrides = json.dumps({"apiVersion": "v1", "spec": {"containers": [container], **spec}})
    marked = [f"--labels={labels}"] if labels else []
    assert cluster.kubectl(["run", name, f"--image={image}", "--overrides", overrides, *marked]).ok


def home(cluster: Cluster, name: str) -> str:
    node: str = cluster.get("pods", name)["spec"].get("nodeName", "")
    return node


def reasons(cluster: Cluster, name: str) -> list[str]:
    return [event["reason"] for event in cluster.get("events") if event["involvedObject"]["name"] == name]


def important(cluster: Cluster) -> None:
    cluster.kubectl("create priorityclass important --value=1000")


def test_a_victim_has_its_grace_period_before_the_important_pod_starts() -> None:
    cluster = Cluster(nodes=1)
    important(cluster)
    run(cluster, "low", cpu="1500m", image="k8snb/stubborn:1.0", terminationGracePeriodSeconds=20)
    cluster.settle()
    run(cluster, "vip", cpu="1500m", priorityClassName="important")
    cluster.run_for(1)
    asked = cluster.now
    low = cluster.get("pods", "low")
    assert low["metadata"]["deletionGracePeriodSeconds"] == 20
    assert (cluster.get("pods", "vip")["status"]["nominatedNodeName"], home(cluster, "vip")) == ("node-1", "")
    cluster.run_for(17)
    assert cluster.get("pods", "low") is not None
    cluster.run_until(lambda now: now.get("pods", "vip")["status"]["phase"] == "Running", limit=30)
    assert cluster.get("pods", "low") is None
    started = parse_time(cluster.get("pods", "vip")["status"]["startTime"])
    assert started - asked >= 17 * SECOND
    assert "Preempted" in reasons(cluster, "low")


def test_a_budget_sends_the_choice_to_another_node() -> None:
    cluster = Cluster(nodes=2)
    important(cluster)
    for name, number in (("guarded", 1), ("free", 2)):
        run(cluster, name, cpu="1500m", labels=f"app={name}", nodeSelector={"kubernetes.io/hostname": f"node-{number}"})
    cluster.kubectl("create poddisruptionbudget keep --selector=app=guarded --min-available=1")
    cluster.settle()
    run(cluster, "vip", cpu="1500m", priorityClassName="important")
    cluster.settle()
    assert home(cluster, "vip") == "node-2"
    assert cluster.get("pods", "free") is None
    assert cluster.get("pods", "guarded")["status"]["phase"] == "Running"


def test_one_that_is_polite_waits_for_others_to_go() -> None:
    cluster = Cluster(nodes=1)
    cluster.kubectl("create priorityclass polite --value=1000 --preemption-policy=Never")
    run(cluster, "low", cpu="1500m")
    cluster.settle()
    run(cluster, "polite", cpu="1500m", priorityClassName="polite")
    run(cluster, "later", cpu="1500m")
    cluster.settle()
    assert (home(cluster, "polite"), cluster.get("pods", "low")["status"]["phase"]) == ("", "Running")
    cluster.kubectl("delete pod low")
    cluster.settle()
    assert (home(cluster, "polite"), home(cluster, "later")) == ("node-1", "")


def test_watches_that_break_lose_no_pod_and_place_none_twice() -> None:
    cluster = Cluster(nodes=3)
    cluster.kubectl("create deployment web --image=nginx --replicas=12")
    for _ in range(5):
        cluster.step()
        cluster.faults.break_watches("kube-scheduler")
    cluster.settle()
    pods = cluster.get("pods")
    assert [pod["status"]["phase"] for pod in pods] == ["Running"] * 12
    assert [reasons(cluster, pod["metadata"]["name"]).count("Scheduled") for pod in pods] == [1] * 12


def test_pods_that_the_watch_has_not_confirmed_count_all_the_same() -> None:
    cluster = Cluster(nodes=2)
    cluster.faults.delay_watches("kube-scheduler", 3)
    for number in range(6):
        run(cluster, f"p{number}", cpu="900m")
    cluster.run_for(30)
    used = Counter(home(cluster, f"p{number}") for number in range(6))
    assert used == {"node-1": 2, "node-2": 2, "": 2}


def test_somebody_else_binds_the_pod_first() -> None:
    cluster = Cluster(nodes=2)
    run(cluster, "web")
    while not cluster.simulation.parts.components["kube-scheduler"].own.binding:  # type: ignore[attr-defined]
        cluster.step("event")
    chosen = cluster.diagnosis("web").selected
    other = "node-1" if chosen == "node-2" else "node-2"
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "web"}, "target": {"kind": "Node", "name": other}}
    cluster.client.create("pods", binding, "default", subresource="binding", name="web")
    cluster.settle()
    assert (home(cluster, "web"), cluster.get("pods", "web")["status"]["phase"]) == (other, "Running")
    assert "Scheduled" not in reasons(cluster, "web")
    run(cluster, "next", cpu="1500m", nodeSelector={"kubernetes.io/hostname": chosen})
    cluster.settle()
    assert home(cluster, "next") == chosen, "what was assumed there has been taken back"


def test_a_restart_takes_up_all_that_wait() -> None:
    cluster = Cluster(nodes=1)
    run(cluster, "big", cpu="8")
    cluster.settle()
    cluster.faults.stop("kube-scheduler")
    run(cluster, "small")
    cluster.run_for(10)
    assert home(cluster, "small") == ""
    cluster.faults.start("kube-scheduler")
    cluster.settle()
    assert home(cluster, "small") == "node-1"
    assert [waiting.pod for waiting in cluster.scheduler.queue] == ["default/big"]
