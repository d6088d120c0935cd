"""How the parts of a cluster are put together over a root of state.

    Root (state)  --wire-->  Kernel, Store, Server, components   (code over that state; holds nothing itself)

The same function wires a new cluster, a fork, a restored checkpoint and a loaded file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from k8snb.admission import PLUGINS
from k8snb.apiserver import discovery
from k8snb.apiserver.aggregation import aggregate
from k8snb.apiserver.encryption import EncryptedStore
from k8snb.apiserver.request import User
from k8snb.apiserver.server import Server, ServerConfig
from k8snb.client.component import Component, ComponentState, Environment
from k8snb.client.controller import ControllerProcess
from k8snb.client.learner import LearnerProcess, Program
from k8snb.cloud.aks import Aks
from k8snb.cloud.autoscaler.autoscaler import ClusterAutoscaler
from k8snb.cloud.azure import NAME as AZURE
from k8snb.cloud.azure import Azure, AzureState
from k8snb.cloud.balancers import LoadBalancerService
from k8snb.cloud.controller_manager import CloudControllerManager
from k8snb.cloud.disks import DRIVERS as DISK_DRIVERS
from k8snb.controllers.registry import CONTROLLERS
from k8snb.etcd.store import Store
from k8snb.kubelet.images import Catalogue
from k8snb.metrics.resources import API_SERVICE
from k8snb.metrics.resources import RESOURCES as METRICS
from k8snb.metrics.server import MetricsServer
from k8snb.network.api_server import ApiServerDoor
from k8snb.network.ingress.controller import INGRESSES
from k8snb.network.ingress.webhook import IngressNginxWebhook
from k8snb.resources import RESOURCES
from k8snb.resources.apiextensions.serving import serve_definitions
from k8snb.scheduler.configuration import settings
from k8snb.scheduler.learner import PluginProgram
from k8snb.scheduler.scheduler import KubeScheduler
from k8snb.scheduler.simulator import FilterSimulator
from k8snb.seams.services import Services
from k8snb.sim.kernel import Kernel
from k8snb.simulation.bootstrap import OwnService
from k8snb.simulation.config import Config
from k8snb.simulation.etcd import open_store
from k8snb.simulation.history import Code
from k8snb.simulation.load import LoadGenerator
from k8snb.simulation.machines import Machines, put_up
from k8snb.simulation.root import Root
from k8snb.simulation.storage import drivers
from k8snb.storage import SIDECARS
from k8snb.storage.sidecar import CSIProcess

CONTROLLER_MANAGER = "kube-controller-manager"


@dataclass(slots=True)
class Parts:
    """The running code of one cluster."""

    kernel: Kernel
    etcd: Store  # what etcd holds
    store: Store  # the same as the API server sees it
    server: Server
    components: dict[str, Component]
    env: Environment
    machines: Machines
    load: LoadGenerator
    cloud: Managed | None = None


@dataclass(slots=True)
class Managed:
    """The cloud around a managed cluster, and the service that manages it."""

    azure: Azure
    balancers: LoadBalancerService
    aks: Aks
    autoscaler: ClusterAutoscaler


def admission_of(config: Config) -> tuple[Any, ...]:
    """The admission plugins; where an Ingress controller is installed, its webhook stands among them, before the quotas."""
    return (*PLUGINS[:-1], IngressNginxWebhook(), PLUGINS[-1]) if config.ingress else PLUGINS


def wire(root: Root, catalogue: Catalogue | None = None, programs: Sequence[Code] = ()) -> Parts:
    """All the code of a cluster over its state. Starts nothing. ``catalogue``: the images that containers can run; ``programs``:
    the code that a learner has written."""
    kernel = Kernel(root.kernel)
    held = open_store(root, kernel)
    store = EncryptedStore(held) if root.config.encrypt_secrets else held
    config = ServerConfig(loud=root.config.loud, acted_on=(INGRESSES,) if root.config.ingress else ())
    admission = admission_of(root.config)
    server = Server(root.server, store, kernel, resources=RESOURCES, admission=admission, config=config, paths=discovery.answer)
    serve_definitions(server)
    OwnService(server)
    services = Services(drivers(root.components, DISK_DRIVERS if root.config.cloud else ()))
    env = Environment(kernel, server.handle, server.hub, root.components, services=services)
    machines, on_nodes = put_up(root, env, catalogue if catalogue is not None else Catalogue())
    server.kubelets, server.dial = machines.endpoint, machines.dial
    machines.network.paths.api = ApiServerDoor(server) if root.config.runtime == "faithful" else None
    parts = Parts(kernel, held, store, server, {}, env, machines, LoadGenerator(kernel, env.states, machines))
    controllers = ControllerProcess(
        CONTROLLER_MANAGER, env, CONTROLLERS, user=User("system:kube-controller-manager", ("system:authenticated",))
    )
    scheduler = KubeScheduler(env, settings(root.config.scheduler), [one for one in programs if isinstance(one, PluginProgram)])
    in_cloud: tuple[Component, ...] = build_cloud(parts, scheduler) if root.config.cloud else ()
    in_cloud += serve_metrics(parts) if root.config.metrics else ()
    theirs = [LearnerProcess(one, env) for one in programs if isinstance(one, Program)]
    for component in (controllers, scheduler, CSIProcess(env, SIDECARS), *in_cloud, *on_nodes, *theirs):
        parts.components[component.name] = component
    machines.components = parts.components
    server.components = lambda: {name: component.state.running for name, component in parts.components.items()}
    return parts


def serve_metrics(parts: Parts) -> tuple[Component, ...]:
    """A metrics server, and its API behind the API server."""
    found = MetricsServer(parts.env, parts.machines.endpoint)
    aggregate(parts.server, API_SERVICE, METRICS, found.answer)
    return (found,)


def build_cloud(parts: Parts, scheduler: KubeScheduler) -> tuple[Component, ...]:
    """The cloud around a managed cluster, and the components that speak with it."""
    kernel, env = parts.kernel, parts.env
    state: AzureState = env.states.setdefault(AZURE, ComponentState(own=AzureState())).own
    azure = Azure(kernel, state, parts.machines)
    balancers = LoadBalancerService(kernel, state, parts.machines.network)
    parts.machines.network.paths.cloud = balancers
    aks, autoscaler = Aks(env, azure), ClusterAutoscaler(env, azure, FilterSimulator(scheduler))
    parts.cloud = Managed(azure, balancers, aks, autoscaler)
    return CloudControllerManager(env, azure, balancers), aks, autoscaler
