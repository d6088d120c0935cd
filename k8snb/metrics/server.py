"""The metrics server: every fifteen seconds it asks each kubelet what its containers use, and answers from the last two rounds.

    kubelet of every node --"/metrics/resource"--> store (last round, the one before) --> metrics.k8s.io --> top, autoscalers

CPU is a rate, so one look is not enough: a container has metrics from its second round on (or from its first, if it had run
for ten seconds by then). What a kubelet did not answer in the last round is gone from the answers: so a node that fails has no
metrics soon after. All numbers are a few seconds old, and say so: ``timestamp`` and ``window``.

Models: metrics-server 0.8, pkg/server/server.go (tick), pkg/storage/{node,pod}.go, pkg/api/{node,pod}.go.
Simplified: it runs beside the cluster and not as a Deployment in it, so its Service has no endpoints; all kubelets answer at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from k8snb.apimachinery import selectors
from k8snb.apimachinery.duration import go_duration
from k8snb.apimachinery.errors import ApiError, bad_request, object_not_found
from k8snb.apimachinery.meta import timestamp
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, Object, freeze
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.context import Context
from k8snb.apiserver.request import MASTERS, User
from k8snb.apiserver.tables import table
from k8snb.client.component import Component, Environment
from k8snb.metrics.resources import usage
from k8snb.seams.kubelet import KubeletEndpoint, NodeStats
from k8snb.sim.clock import SECOND
from k8snb.sim.state import Shelf

NAME = "metrics-server"
RESOLUTION = 15 * SECOND
FRESH = 10 * SECOND  # a container that has run so long at its first round has metrics at once
UNAVAILABLE = "the server is currently unable to handle the request"


class Point(NamedTuple):
    """What one round found: when (µs), over which window (µs; 0: only one look so far), and by container (name, millicores, bytes)."""

    time: int
    window: int
    parts: tuple[tuple[str, int, int], ...]


@dataclass(slots=True)
class MetricsState:
    """The last round: nodes by name, pods by ``namespace/name`` and UID."""

    nodes: Shelf = field(default_factory=Shelf)
    pods: Shelf = field(default_factory=Shelf)


class MetricsServer(Component):
    """The process."""

    def __init__(self, env: Environment, kubelets: Callable[[str], KubeletEndpoint]):
        self.kubelets = kubelets
        super().__init__(NAME, env, user=User(f"system:serviceaccount:kube-system:{NAME}", (MASTERS, "system:authenticated")))
        self.nodes = self.informer("nodes")
        self.pods = self.informer("pods")

    def new_state(self) -> MetricsState:
        """Nothing is known yet."""
        return MetricsState()

    @property
    def own(self) -> MetricsState:
        """The last round."""
        found: MetricsState = self.state.own
        return found

    def on_start(self) -> None:
        """The first round comes at once, the others follow."""
        self.on_event(("scrape",))

    def on_event(self, key: Any) -> None:
        """One round: ask everybody."""
        self.kernel.after(RESOLUTION, NAME, ("scrape",), why="the metrics server asks the kubelets", background=True)
        nodes, pods = Shelf(), Shelf()
        for node in self.nodes.all():
            stats = self._ask(node["metadata"]["name"])
            if stats is not None:
                self._take(node["metadata"]["name"], stats, nodes, pods)
        self.own.nodes, self.own.pods = nodes, pods

    def _ask(self, node: str) -> NodeStats | None:
        try:
            return self.kubelets(node).stats()
        except ApiError:
            return None

    def _take(self, node: str, stats: NodeStats, nodes: Shelf, pods: Shelf) -> None:
        now = self.kernel.now
        before: Point | None = self.own.nodes.get(node)
        nodes[node] = Point(now, now - before.time if before else 0, (("", stats.cpu, stats.memory),))
        for pod in stats.pods:
            key = (pod.namespace, pod.name, pod.uid)
            known: Point | None = self.own.pods.get(key)
            parts = tuple((one.name, one.usage.cpu, one.usage.memory) for one in pod.containers)
            age = min((now - one.started_at for one in pod.containers), default=0)
            window = now - known.time if known else age if FRESH <= age <= RESOLUTION * 4 else 0
            if parts:
                pods[key] = Point(now, window, parts)

    # -- what the API server asks on behalf of clients ---------------------------------------------------------------

    def answer(self, context: Context, resource: Resource) -> Object:
        """A get or a list under ``metrics.k8s.io``. Raises ApiError 503 while the process does not run."""
        request = context.request
        if not self.state.running:
            raise ApiError(503, "ServiceUnavailable", f"{UNAVAILABLE} (get {resource.key})", {})
        if request.verb not in resource.verbs:
            raise ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})
        found = self._nodes() if resource.plural == "nodes" else self._pods(request.namespace)
        if request.verb == "get":
            return self._one(context, resource, found)
        keep = _selected(request.options.label_selector)
        items = [obj for obj in found if keep(obj)]
        if request.options.as_table:
            return table(context, resource, items, "", {})
        whole = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": EMPTY_DICT, "items": FrozenList(items)}
        return FrozenDict(whole)

    def _one(self, context: Context, resource: Resource, found: list[Object]) -> Object:
        request = context.request
        one = next((obj for obj in found if obj["metadata"]["name"] == request.name), None)
        if one is None:
            name = f"{request.namespace}/{request.name}" if resource.namespaced else request.name
            raise object_not_found(resource.group, f"{resource.plural[:-1]}metrics", name)
        return table(context, resource, [one], "", {}) if request.options.as_table else one

    def _nodes(self) -> list[Object]:
        found = []
        for node in sorted(self.nodes.all(), key=lambda node: str(node["metadata"]["name"])):
            point: Point | None = self.own.nodes.get(node["metadata"]["name"])
            if point is not None and point.window:
                found.append(self._object("NodeMetrics", node, point, {"usage": usage(*point.parts[0][1:])}))
        return found

    def _pods(self, namespace: str) -> list[Object]:
        found = []
        for (space, name, uid), point in sorted(self.own.pods.items()):
            pod = self.pods.get(f"{space}/{name}")
            if namespace in ("", space) and point.window and pod is not None and pod["metadata"]["uid"] == uid:
                containers = [{"name": part[0], "usage": usage(*part[1:])} for part in point.parts]
                found.append(self._object("PodMetrics", pod, point, {"containers": containers}))
        return found

    def _object(self, kind: str, about: Object, point: Point, values: dict[str, Any]) -> Object:
        meta = {key: about["metadata"][key] for key in ("name", "namespace", "labels") if key in about["metadata"]}
        whole: Object = freeze({
            "kind": kind, "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {**meta, "creationTimestamp": timestamp(self.kernel.now)},
            "timestamp": timestamp(point.time), "window": go_duration(point.window), **values,
        })  # fmt: skip
        return whole


def _selected(text: str) -> Callable[[Object], bool]:
    """Whether the labels of what is measured fit a selector."""
    try:
        selector = selectors.parse(text)
    except selectors.SelectorError as error:
        raise bad_request(str(error)) from None
    return lambda obj: selector.matches(obj["metadata"].get("labels") or EMPTY_DICT)
