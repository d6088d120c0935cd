"""An API server and a scheduler, and nothing else: no controllers, no kubelets. For stories that go through the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8snb.apimachinery.objects import FrozenDict, Object
from k8snb.apiserver.request import User
from k8snb.apiserver.server import Server, ServerConfig
from k8snb.client.client import Client
from k8snb.client.component import Environment
from k8snb.etcd import store as etcd
from k8snb.etcd.store import Store
from k8snb.resources import RESOURCES
from k8snb.scheduler.configuration import Settings
from k8snb.scheduler.framework import Profile
from k8snb.scheduler.plugins import DEFAULT_PROFILE
from k8snb.scheduler.scheduler import KubeScheduler
from k8snb.sim.clock import SECOND
from k8snb.sim.kernel import Kernel
from k8snb.simulation.bootstrap import bootstrap
from k8snb.simulation.config import Config
from k8snb.simulation.root import Root


class ControlPlane:
    """Wires a scheduler over a root of state; a new root is bootstrapped, another one continued."""

    def __init__(self, nodes: Sequence[FrozenDict] = (), *, root: Root | None = None, profiles: Sequence[Profile] = (DEFAULT_PROFILE,)):
        self.root = root or Root(Config())
        self.kernel = Kernel(self.root.kernel)
        store = Store(self.root.store, self.kernel)
        self.kernel.handlers[etcd.COMPONENT] = store.handle
        self.server = Server(self.root.server, store, self.kernel, resources=RESOURCES, admission=(), config=ServerConfig(loud=False))
        self.env = Environment(self.kernel, self.server.handle, self.server.hub, self.root.components)
        self.scheduler = KubeScheduler(self.env, Settings(tuple(profiles)))
        self.client = Client(self.server.handle, User(), "kubectl")
        if root is None:
            bootstrap(self.server)
            for machine in nodes:
                self.client.create("nodes", {"apiVersion": "v1", **machine})
            self.scheduler.start()

    def create(self, *pods: FrozenDict) -> None:
        for item in pods:
            meta = {key: value for key, value in item["metadata"].items() if key != "uid"}
            self.client.create("pods", {**item, "metadata": meta}, meta["namespace"])

    def run(self, seconds: float = 1) -> ControlPlane:
        self.kernel.run_until(self.kernel.now + round(seconds * SECOND))
        return self

    def pod(self, name: str) -> Object:
        return self.client.get("pods", name, "default")

    def node_of(self, name: str) -> str:
        node: str = self.pod(name)["spec"].get("nodeName", "")
        return node

    def condition(self, name: str, kind: str = "PodScheduled") -> Any:
        conditions = self.pod(name).get("status", {}).get("conditions", ())
        return next((item for item in conditions if item["type"] == kind), None)

    def events(self, name: str) -> list[tuple[str, str]]:
        """Reason and message of the Events about a pod, in order."""
        found = [event for event in self.client.list("events", "default") if event["involvedObject"]["name"] == name]
        return [(event["reason"], event["message"]) for event in sorted(found, key=lambda event: int(event["metadata"]["resourceVersion"]))]
