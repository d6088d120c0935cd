"""The cloud-controller-manager: the loops that know the cloud, in a process of their own.

    cloud-node            a new Node with the taint "uninitialized": tell what the cloud knows of its machine, remove the taint
    cloud-node-lifecycle  a Node that is not ready: is its machine gone, or switched off?
    service               a Service of type LoadBalancer: have the cloud make one

They were once part of kube-controller-manager; since they stand apart, every cloud can bring its own.

Models: k8s.io/cloud-provider/controllers/{node,nodelifecycle,service}; cmd/cloud-controller-manager.
Simplified: no route controller (pods have addresses that need no routes); addresses are told once, at initialisation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8snb.apimachinery.meta import condition_status
from k8snb.apimachinery.objects import FrozenDict, Object, freeze
from k8snb.apiserver.request import MASTERS, User
from k8snb.client.component import Environment
from k8snb.client.controller import Controller, ControllerProcess, Watches
from k8snb.cloud.pools import SHUTDOWN, UNINITIALIZED
from k8snb.cloud.service_controller import ServiceController
from k8snb.seams.cloud import Balancers, InstanceMetadata, Instances
from k8snb.sim.clock import SECOND

NAME = "cloud-controller-manager"
MONITOR_PERIOD = 5 * SECOND
TICK = "*"


class CloudControllerManager(ControllerProcess):
    """The process. It runs with a certificate of a cluster administrator, as in a managed cluster."""

    def __init__(self, env: Environment, instances: Instances, balancers: Balancers):
        self.instances, self.balancers = instances, balancers
        super().__init__(NAME, env, CLOUD_CONTROLLERS, user=User(f"system:{NAME}", (MASTERS, "system:authenticated")))

    def user_of(self, controller: Controller) -> User:
        """All loops act as the process."""
        return self.user


class CloudController(Controller):
    """A loop that may ask the cloud."""

    if TYPE_CHECKING:
        process: CloudControllerManager

    def instance(self, node: Object) -> InstanceMetadata | None:
        """What the cloud says of a Node's machine."""
        return self.process.instances.instance(node["metadata"]["name"])


class CloudNodeController(CloudController):
    """Initialises new Nodes."""

    name = "cloud-node"
    watches = (Watches("nodes"),)

    def reconcile(self, key: str) -> None:
        """Tell what the cloud knows of the machine; then the Node may be used."""
        node = self.informers["nodes"].get(key)
        taints = (node["spec"].get("taints") or ()) if node is not None else ()
        if node is None or not any(taint["key"] == UNINITIALIZED for taint in taints):
            return
        found = self.instance(node)
        if found is None:
            return  # not a machine of this cloud: somebody else will initialise it, or nobody
        kept = [taint for taint in taints if taint["key"] != UNINITIALIZED]
        spec = {key: value for key, value in node["spec"].items() if key != "taints"} | {"providerID": found.provider_id}
        meta = FrozenDict({**node["metadata"], "labels": FrozenDict({**node["metadata"]["labels"], **_labels(found)})})
        changed = FrozenDict({**node, "metadata": meta, "spec": freeze({**spec, **({"taints": kept} if kept else {})})})
        self.client.update("nodes", changed)
        addresses = [{"type": kind, "address": address} for kind, address in found.addresses]
        self.client.patch("nodes", key, {"status": {"addresses": addresses}}, subresource="status")
        self.recorder.event(node, "Normal", "Synced", "Node synced successfully")


def _labels(found: InstanceMetadata) -> dict[str, str]:
    """What only the cloud knows of a machine, as labels."""
    return {
        "beta.kubernetes.io/instance-type": found.instance_type, "node.kubernetes.io/instance-type": found.instance_type,
        "failure-domain.beta.kubernetes.io/region": found.region, "failure-domain.beta.kubernetes.io/zone": found.zone,
        "topology.kubernetes.io/region": found.region, "topology.kubernetes.io/zone": found.zone,
    }  # fmt: skip


class CloudNodeLifecycleController(CloudController):
    """Every five seconds: of Nodes that are not ready, is the machine gone, or only switched off?"""

    name = "cloud-node-lifecycle"
    reads = ("nodes",)

    def on_start(self) -> None:
        self.queue.add_after(TICK, MONITOR_PERIOD, "looking for nodes without a machine", background=True)

    def reconcile(self, key: str) -> None:
        """One look at all Nodes that are not ready."""
        self.on_start()
        for node in self.informers["nodes"].all():
            shutdown = any(taint["key"] == SHUTDOWN for taint in node["spec"].get("taints") or ())
            ready = condition_status(node, "Ready") == "True"
            if ready and shutdown:
                self._taint(node, shutdown=False)
            elif not ready and node["spec"].get("providerID"):
                self._look(node, shutdown)

    def _look(self, node: Object, tainted: bool) -> None:
        found, name = self.instance(node), node["metadata"]["name"]
        if found is None:
            self.recorder.event(node, "Normal", "DeletingNode", f"Deleting node {name} because it does not exist in the cloud provider")
            self.client.delete("nodes", name)
        elif found.shutdown and not tainted:
            self._taint(node, shutdown=True)

    def _taint(self, node: Object, *, shutdown: bool) -> None:
        taints: list[Any] = [taint for taint in node["spec"].get("taints") or () if taint["key"] != SHUTDOWN]
        taints += [{"key": SHUTDOWN, "effect": "NoSchedule"}] if shutdown else []
        spec = {key: value for key, value in node["spec"].items() if key != "taints"} | ({"taints": taints} if taints else {})
        self.client.update("nodes", FrozenDict({**node, "spec": freeze(spec)}))


CLOUD_CONTROLLERS: tuple[type[Controller], ...] = (CloudNodeController, CloudNodeLifecycleController, ServiceController)
