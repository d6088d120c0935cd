"""Pictures of objects: who owns whom, and where traffic goes. Pure functions of a snapshot.

:func:`ownership` follows ``ownerReferences`` from a root to its pods and on to their nodes; :func:`traffic` follows a Service
through its EndpointSlices to pods, with ports and readiness. Requests and causes are in :mod:`k8snb.views.flows`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8snb.apimachinery.meta import key_of
from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, Object, dig
from k8snb.messages import Missing, several, text
from k8snb.views import status
from k8snb.views.graph import Edge, Graph, Node
from k8snb.views.snapshot import Index, Snapshot, identity
from k8snb.views.summary import summarise

LIMIT = 12  # siblings of a kind in one picture; the rest are counted
_ALWAYS_THERE = ("nodes", "namespaces", "events", "leases.coordination.k8s.io")  # kinds that ownership starts from only when asked


def more(count: int, kind: str) -> str:
    """The words on a box that stands for many."""
    return text("views.more", count=count, kind=kind)


def node_of(resource: str, obj: Object, *extra: str) -> Node:
    """An object as a box: kind, name, ``extra`` lines, state and word."""
    seen = status.look(resource, obj)
    name = str(obj["metadata"]["name"])
    return Node(identity(resource, obj), str(obj["kind"]), (name, *filter(None, extra)), seen.state, seen.word)


def ownership(snapshot: Snapshot, root: str = "", *, namespace: str = "", limit: int = LIMIT) -> Graph:
    """Owners above what they own, down to pods and their nodes.

    ``root`` is an id such as ``"deployments.apps shop/web"``; without one, every object of the namespace (of all namespaces
    where that is empty too) that owns something or is a pod. Raises ``LookupError`` for a root that is not in the snapshot.
    """
    index = Index.of(snapshot)
    if root and root not in index.objects:
        raise Missing(text("views.no_such_object", name=root))
    roots = [root] if root else _roots(index, namespace)
    pairs = list(index.below(roots))
    ids = list(dict.fromkeys([*roots, *(child for _, child in pairs)]))
    edges = [Edge(owner, child, text("views.owns")) for owner, child in pairs]
    edges += [edge for name in ids for edge in _runs_on(index, name)]
    ids += [name for name in dict.fromkeys(edge.target for edge in edges) if name not in set(ids)]
    title = text("views.ownership_of", name=root) if root else text("views.ownership")
    return summarise(Graph(title, [node_of(*index.objects[name]) for name in ids], edges), limit, more)


def _roots(index: Index, namespace: str) -> list[str]:
    found = []
    for name, (resource, obj) in index.objects.items():
        inside = not namespace or dig(obj, "metadata.namespace") == namespace
        tells = resource == "pods" or index.children(name)
        if inside and tells and resource not in _ALWAYS_THERE and not index.owners(name):
            found.append(name)
    return found


def _runs_on(index: Index, name: str) -> list[Edge]:
    resource, obj = index.objects[name]
    host = f"nodes {dig(obj, 'spec.nodeName')}"
    return [Edge(name, host, text("views.runs_on"), "weak")] if resource == "pods" and host in index.objects else []


def no_service(snapshot: Snapshot, name: str) -> Missing:
    """What is said of a name that is no Service's: those that there are."""
    return Missing(text("views.no_service", name=name, names=several([key_of(service) for service in snapshot.get("services", ())])))


def traffic(snapshot: Snapshot, service: str, *, namespace: str = "default", limit: int = LIMIT) -> Graph:
    """A Service, the Ingresses that name it, its EndpointSlices and the pods behind them.

    An arrow to a pod that gets no traffic is crossed out and says why not; so is that of an Ingress which no controller serves.
    Raises ``LookupError`` for an unknown Service.
    """
    index = Index.of(snapshot)
    root = f"services {namespace}/{service}"
    if root not in index.objects:
        raise no_service(snapshot, f"{namespace}/{service}")
    _, obj = index.objects[root]
    slices = [s for s in snapshot.get("endpointslices.discovery.k8s.io", ()) if _belongs(s, namespace, service)]
    nodes, edges = [_service(obj, slices)], []
    for ingress, paths in _ingresses(snapshot, namespace, service):
        unserved = _unserved(snapshot, ingress)
        box = node_of("ingresses.networking.k8s.io", ingress)
        nodes.insert(0, Node(box.id, box.kind, box.label, "failed", unserved) if unserved else box)
        edges.append(Edge(box.id, root, paths, "broken" if unserved else "flow"))
    for piece in slices:
        name = identity("endpointslices.discovery.k8s.io", piece)
        nodes.append(node_of("endpointslices.discovery.k8s.io", piece, _ports(piece.get("ports") or EMPTY_LIST)))
        edges.append(Edge(root, name))
        for pod, edge in _endpoints(index, name, piece):
            nodes.append(pod)
            edges.append(edge)
    return summarise(Graph(text("views.traffic_of", name=f"{namespace}/{service}"), nodes, edges), limit, more)


def _belongs(piece: Object, namespace: str, service: str) -> bool:
    labels = dig(piece, "metadata.labels", EMPTY_DICT)
    return bool(dig(piece, "metadata.namespace") == namespace and labels.get("kubernetes.io/service-name") == service)


def _service(obj: Object, slices: Sequence[Object]) -> Node:
    ports = ", ".join(
        f"{p['port']}→{p.get('targetPort', p['port'])}/{p.get('protocol', 'TCP')}" for p in dig(obj, "spec.ports", EMPTY_LIST)
    )
    selector = ",".join(f"{key}={value}" for key, value in sorted(dig(obj, "spec.selector", EMPTY_DICT).items()))
    base = node_of("services", obj, str(dig(obj, "spec.clusterIP", "")), ports, selector)
    ready = sum(dig(e, "conditions.ready", True) is not False for s in slices for e in s.get("endpoints") or EMPTY_LIST)
    state = "ok" if ready else "failed"
    return Node(base.id, base.kind, base.label, state, text("views.ready_endpoints", count=ready))


def _ingresses(snapshot: Snapshot, namespace: str, service: str) -> Iterable[tuple[Object, str]]:
    for ingress in snapshot.get("ingresses.networking.k8s.io", ()):
        if dig(ingress, "metadata.namespace") != namespace:
            continue
        routes = [
            f"{rule.get('host', '*')}{path.get('path', '/')}"
            for rule in dig(ingress, "spec.rules", EMPTY_LIST)
            for path in dig(rule, "http.paths", EMPTY_LIST)
            if dig(path, "backend.service.name") == service
        ]
        if dig(ingress, "spec.defaultBackend.service.name") == service:
            routes.append("*")
        if routes:
            yield ingress, ", ".join(routes)


def _unserved(snapshot: Snapshot, ingress: Object) -> str:
    """Why no controller serves an Ingress; empty where one does. Which one it is says its class; that it is at work, the address."""
    named = dig(ingress, "spec.ingressClassName") or dig(ingress, ("metadata", "annotations", "kubernetes.io/ingress.class"))
    classes = [dig(one, "metadata.name") for one in snapshot.get("ingressclasses.networking.k8s.io", ())]
    if not named:
        return text("views.classless")
    if named not in classes:
        return text("views.no_class", name=named)
    return "" if dig(ingress, "status.loadBalancer.ingress") else text("views.unserved")


def _ports(ports: Iterable[Object]) -> str:
    return ", ".join(f"{port.get('name') or ''} {port.get('port')}/{port.get('protocol', 'TCP')}".strip() for port in ports)


def _endpoints(index: Index, name: str, piece: Object) -> Iterable[tuple[Node, Edge]]:
    port = ",".join(str(p.get("port")) for p in piece.get("ports") or EMPTY_LIST)
    for endpoint in piece.get("endpoints") or EMPTY_LIST:
        address = endpoint["addresses"][0]
        target = endpoint.get("targetRef") or EMPTY_DICT
        pod = f"pods {target.get('namespace')}/{target.get('name')}"
        box = node_of(*index.objects[pod], address) if pod in index.objects else Node(f"{name} {address}", "", (address,))
        yield box, _reach(name, box.id, port, endpoint.get("conditions") or EMPTY_DICT)


def _reach(source: str, target: str, port: str, conditions: Object) -> Edge:
    if conditions.get("terminating"):
        return Edge(source, target, text("views.terminating"), "broken")
    if conditions.get("ready", True) is False:
        return Edge(source, target, text("views.not_ready"), "broken")
    return Edge(source, target, f":{port}", "flow")
