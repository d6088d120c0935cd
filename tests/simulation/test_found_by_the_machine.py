"""What the machine that does random things found, each as a story of its own."""

from k8snb.cluster import Cluster
from tests.simulation.invariants import digest
from tests.simulation.scenario import deployment, workload


def test_events_of_a_restarted_controller_manager_are_part_of_the_state():
    cluster = Cluster(nodes=1)
    cluster.faults.stop("kube-controller-manager")
    cluster.faults.start("kube-controller-manager")
    cluster.client.create("statefulsets.apps", workload("StatefulSet", "db", replicas=2, serviceName="db"), "default")
    cluster.run_for(5)
    said = cluster.simulation.root.components["kube-controller-manager"].recorder.said
    assert [sentence[3] for sentence in said].count("SuccessfulCreate") == 2
    assert digest(Cluster._over(cluster.simulation.past(cluster.position))) == digest(cluster) == digest(cluster.fork())


def test_a_restarted_kubelet_knows_its_node_before_it_judges_its_pods():
    cluster = Cluster(nodes=1)
    cluster.settle()
    cluster.kubectl("label node node-1 disk=ssd")
    web = deployment("web", 2, "nginx:1.25")
    web["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "ssd"}
    cluster.client.create("deployments.apps", web, "default")
    cluster.settle()
    before = {pod["metadata"]["uid"] for pod in cluster.get("pods")}
    cluster.faults.stop("kubelet/node-1")
    cluster.run_for(60)
    cluster.faults.start("kubelet/node-1")
    cluster.settle()
    assert {pod["metadata"]["uid"] for pod in cluster.get("pods")} == before
    assert {pod["status"]["phase"] for pod in cluster.get("pods")} == {"Running"}


def test_a_kubelet_that_starts_while_no_node_object_is_there_judges_by_its_own_machine():
    cluster = Cluster(nodes=2, seed=44)
    cluster.client.create("deployments.apps", deployment("web", 3, "nginx:1.26"), "default")
    cluster.faults.stop("kubelet/node-1")
    cluster.run_for(65)
    cluster.client.delete("nodes", "node-1", "")
    cluster.faults.start("kubelet/node-1")
    cluster.settle(limit=400)
    assert cluster.get("deployments", "web")["status"]["readyReplicas"] == 3


def test_looking_for_the_next_event_changes_nothing():
    cluster = Cluster(nodes=3, seed=8577, shuffle=True)
    cluster.client.create("deployments.apps", deployment("api", 3, "nginx:1.27"), "default")
    cluster.run_for(0.5)
    cluster.faults.fail_node("node-1")
    for _ in range(44):
        cluster.run_for(0.25)
        assert digest(Cluster._over(cluster.simulation.past(cluster.position))) == digest(cluster)


def test_a_kubelet_says_again_that_a_pod_is_ready_however_often_the_node_controller_says_otherwise():
    cluster = Cluster(nodes=3, seed=35448)
    cluster.faults.fail_node("node-1")
    cluster.client.create("daemonsets.apps", workload("DaemonSet", "agent"), "default")
    cluster.run_for(65)
    cluster.faults.stop("containerd/node-2")
    cluster.faults.stop("kube-controller-manager")
    for _ in range(6):
        cluster.step()
    cluster.faults.restore_node("node-1")
    cluster.faults.start("containerd/node-2")
    cluster.faults.start("kube-controller-manager")
    cluster.run_for(120)
    assert cluster.get("daemonsets", "agent")["status"]["numberReady"] == 3


def until_it_pulls(cluster):
    kubelet = cluster.simulation.parts.machines.kubelets["node-1"]
    assert cluster.run_until(lambda _: any(state.operation == ("pull", "main") for state in kubelet.own.pods.values()), 10)
    return kubelet


def test_a_static_pod_whose_file_goes_while_its_image_comes_and_its_runtime_is_away_is_forgotten():
    cluster = Cluster(nodes=1)
    main = {"name": "main", "image": "nginx:1.27"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "motd"}, "spec": {"containers": [main]}}
    cluster.node("node-1").static_pods["motd.yaml"] = pod
    kubelet = until_it_pulls(cluster)
    del cluster.node("node-1").static_pods["motd.yaml"]
    cluster.faults.stop("containerd/node-1")
    cluster.run_for(60)
    cluster.faults.start("containerd/node-1")
    cluster.run_for(60)
    assert (cluster.get("pods"), kubelet.own.pods) == ([], {})


def test_a_pod_that_is_deleted_by_force_while_its_image_comes_and_its_runtime_is_away_is_forgotten():
    cluster = Cluster(nodes=1)
    spec = {"containers": [{"name": "main", "image": "nginx:1.27"}]}
    cluster.client.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}, "default")
    kubelet = until_it_pulls(cluster)
    cluster.faults.stop("containerd/node-1")
    cluster.client.delete("pods", "web", "default", grace=0)
    cluster.run_for(60)
    cluster.faults.start("containerd/node-1")
    cluster.run_for(60)
    assert (cluster.get("pods"), kubelet.own.pods) == ([], {})
