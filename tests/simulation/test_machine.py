"""A machine that does random things to a cluster, heals it, waits, and looks whether the invariants hold.

``K8SNB_NIGHT=1 pytest tests/simulation/test_machine.py`` looks for ten minutes and more.
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from k8snb.apimachinery.errors import ApiError
from k8snb.cluster import Cluster
from tests.simulation.invariants import INVARIANTS
from tests.simulation.scenario import SERVICE, deployment, workload

NIGHT = bool(os.environ.get("K8SNB_NIGHT"))
NAMES = st.sampled_from(["web", "api"])
NODES = st.sampled_from(["node-1", "node-2", "node-3"])
IMAGES = st.sampled_from(["nginx:1.25", "nginx:1.26", "nginx:1.27"])
STOPPABLE = st.sampled_from(["kube-controller-manager", "kube-scheduler", "kubelet/node-1", "kubelet/node-2"])
HEALING_TIME = 1300  # eviction after 300 s, a DaemonSet's back-off for failed Pods of at most 900 s, and some more


class AnythingMayHappen(RuleBasedStateMachine):
    """Users, faults and time, in any order."""

    @initialize(seed=st.integers(0, 2**16), shuffle=st.booleans())
    def a_cluster(self, seed, shuffle):
        self.cluster = Cluster(nodes=3, seed=seed, shuffle=shuffle)
        self.stopped, self.down = set(), set()

    def quietly(self, act):
        """A request that may be refused (the object is gone, somebody was faster): that is part of life."""
        try:
            act()
        except ApiError as error:
            if error.code >= 500 and "injected fault" not in error.message:
                raise

    # ------------------------------------------------------------------ users

    @rule(name=NAMES, replicas=st.integers(0, 5), image=IMAGES)
    def create_a_deployment(self, name, replicas, image):
        self.quietly(lambda: self.cluster.client.create("deployments.apps", deployment(name, replicas, image), "default"))

    @rule()
    def create_a_service(self):
        self.quietly(lambda: self.cluster.client.create("services", SERVICE, "default"))

    @rule(replicas=st.integers(0, 3), policy=st.sampled_from(["OrderedReady", "Parallel"]))
    def create_a_statefulset(self, replicas, policy):
        wanted = workload("StatefulSet", "db", replicas=replicas, podManagementPolicy=policy, serviceName="db")
        self.quietly(lambda: self.cluster.client.create("statefulsets.apps", wanted, "default"))

    @rule(replicas=st.integers(0, 3))
    def scale_the_statefulset(self, replicas):
        self.quietly(lambda: self.cluster.client.patch("statefulsets.apps", "db", {"spec": {"replicas": replicas}}, "default"))

    @rule()
    def create_a_daemonset(self):
        self.quietly(lambda: self.cluster.client.create("daemonsets.apps", workload("DaemonSet", "agent"), "default"))

    @rule(completions=st.integers(1, 3), parallelism=st.integers(1, 2))
    def create_a_job(self, completions, parallelism):
        command = ["sh", "-c", "sleep 3"]
        wanted = workload("Job", "batch", command=command, completions=completions, parallelism=parallelism, backoffLimit=20)
        self.quietly(lambda: self.cluster.client.create("jobs.batch", wanted, "default"))

    @rule(what=st.sampled_from([("statefulsets.apps", "db"), ("daemonsets.apps", "agent"), ("jobs.batch", "batch")]))
    def delete_another_workload(self, what):
        self.quietly(lambda: self.cluster.client.delete(*what, "default", propagation="Background"))

    @rule(name=NAMES, replicas=st.integers(0, 6))
    def scale(self, name, replicas):
        self.quietly(lambda: self.cluster.client.patch("deployments.apps", name, {"spec": {"replicas": replicas}}, "default"))

    @rule(name=NAMES, image=IMAGES)
    def release(self, name, image):
        change = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": image}]}}}}
        self.quietly(lambda: self.cluster.client.patch("deployments.apps", name, change, "default", kind="strategic"))

    @rule(name=NAMES, strategy=st.sampled_from([{"type": "Recreate", "rollingUpdate": None}, {"type": "RollingUpdate"}]))
    def change_the_strategy(self, name, strategy):
        self.quietly(lambda: self.cluster.client.patch("deployments.apps", name, {"spec": {"strategy": strategy}}, "default"))

    @rule(name=NAMES, propagation=st.sampled_from(["Background", "Foreground"]))
    def delete_a_deployment(self, name, propagation):
        self.quietly(lambda: self.cluster.client.delete("deployments.apps", name, "default", propagation=propagation))

    @rule(data=st.data(), grace=st.sampled_from([None, 0, 5]))
    def delete_a_pod(self, data, grace):
        names = sorted(pod["metadata"]["name"] for pod in self.cluster.get("pods"))
        if names:
            name = data.draw(st.sampled_from(names))
            self.quietly(lambda: self.cluster.client.delete("pods", name, "default", grace=grace))

    # ------------------------------------------------------------------ faults

    @rule(node=NODES, how=st.sampled_from(["fail_node", "partition_node"]))
    def lose_a_node(self, node, how):
        if node not in self.down:
            getattr(self.cluster.faults, how)(node)
            self.down.add(node)

    @precondition(lambda self: self.down)
    @rule()
    def a_node_comes_back(self):
        self.cluster.faults.restore_node(min(self.down))
        self.down.discard(min(self.down))

    @rule(component=STOPPABLE)
    def stop_a_component(self, component):
        self.cluster.faults.stop(component)
        self.stopped.add(component)

    @rule(node=NODES)
    def lose_a_runtime(self, node):
        self.cluster.faults.stop(f"containerd/{node}")
        self.stopped.add(f"containerd/{node}")

    @rule(node=NODES, memory=st.sampled_from(["0", "3Gi", "4050Mi", "4096Mi"]), disk=st.sampled_from(["0", "43Gi", "46Gi"]))
    def a_machine_runs_short(self, node, memory, disk):
        self.cluster.faults.use_memory(node, memory)
        self.cluster.faults.use_disk(node, disk)

    @rule(node=NODES, image=st.one_of(st.none(), IMAGES))
    def write_a_static_pod(self, node, image):
        files = self.cluster.node(node).static_pods
        if image is not None:
            container = {"name": "main", "image": image}
            files["motd.yaml"] = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "motd"}, "spec": {"containers": [container]}}
        elif "motd.yaml" in files:
            del files["motd.yaml"]

    @rule(component=st.sampled_from(["", "kube-controller-manager", "kube-scheduler"]))
    def break_watches(self, component):
        self.cluster.faults.break_watches(component)

    @rule(component=st.sampled_from(["kube-controller-manager", "kube-scheduler"]), delay=st.sampled_from([0.0, 0.2, 3.0]))
    def delay_watches(self, component, delay):
        self.cluster.faults.delay_watches(component, delay)

    @rule(count=st.integers(1, 4), verb=st.sampled_from(["create", "update", "patch", "*"]))
    def api_errors(self, count, verb):
        self.cluster.faults.api_errors(count, verb=verb)

    @rule(data=st.data())
    def a_process_dies(self, data):
        names = sorted(p["metadata"]["name"] for p in self.cluster.get("pods") if p["spec"].get("nodeName") in self._running())
        if names:
            self.cluster.faults.crash_container(data.draw(st.sampled_from(names)), code=1)

    def _running(self):
        return self.cluster.simulation.parts.machines.runtimes

    # ------------------------------------------------------------------ time

    @rule(duration=st.sampled_from([0.01, 0.5, 3.0, 20.0, 65.0, 320.0]))
    def time_passes(self, duration):
        self.cluster.run_for(duration)

    @rule(steps=st.integers(1, 6))
    def step(self, steps):
        for _ in range(steps):
            self.cluster.step()

    def teardown(self):
        """Heal everything, wait, and look."""
        if not hasattr(self, "cluster"):
            return
        cluster = self.cluster
        cluster.faults.api_errors(0)
        for verb in ("create", "update", "patch", "*"):
            cluster.faults.api_errors(0, verb=verb)
        for node in sorted(self.down):
            cluster.faults.restore_node(node)
        for component in sorted(self.stopped):
            cluster.faults.start(component)
        for component in ("kube-controller-manager", "kube-scheduler"):
            cluster.faults.delay_watches(component, 0)
        for node in ("node-1", "node-2", "node-3"):
            cluster.faults.use_memory(node, 0)
            cluster.faults.use_disk(node, 0)
        cluster.run_for(HEALING_TIME)
        cluster.settle(limit=600)
        for invariant in INVARIANTS:
            invariant(cluster)


TestAnythingMayHappen = AnythingMayHappen.TestCase
TestAnythingMayHappen.settings = settings(
    max_examples=2000 if NIGHT else 14,  # at night ten minutes and more
    stateful_step_count=40 if NIGHT else 16,
    deadline=None,
    derandomize=not NIGHT,
    suppress_health_check=list(HealthCheck),
)
