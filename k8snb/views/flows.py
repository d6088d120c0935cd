"""Pictures of what happened: requests between components, and the causes of a state. Pure functions of trace records.

A record of the trace names its causes, so the records are a directed acyclic graph; :func:`causes` draws a
part of it, and :func:`components` counts the requests of a window by who sent them. Walking back to the user is in
:mod:`k8snb.views.why`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence

from k8snb.messages import Missing, text
from k8snb.sim.clock import duration
from k8snb.sim.trace import Record
from k8snb.views.graph import Edge, Graph, Group, Node
from k8snb.views.snapshot import Snapshot
from k8snb.views.status import look
from k8snb.views.steps import sentence
from k8snb.views.summary import summarise

API, ETCD, SCHEDULER, MANAGER = "kube-apiserver", "etcd", "kube-scheduler", "kube-controller-manager"
ON_NODES = ("kubelet", "kube-proxy")  # one on each node: ``kubelet/node-1``
OWN = ("nodes", "nodes/status", "csinodes.storage.k8s.io")  # what each of them writes about its own node only
INSIDE = (  # how the names of components begin
    "kube-", "kubelet", "coredns", "cloud-controller-manager", "network-policy", "ingress-nginx", "nginx-ingress-controller", "learner-",
    "cluster-autoscaler", "aks", "metrics-server",
)  # fmt: skip
_ALSO = {"default-scheduler": SCHEDULER}  # a scheduler speaks under the name of its profile
CONTROL_PLANE = (ETCD, API, SCHEDULER, MANAGER)
HEARTBEATS = ("leases.coordination.k8s.io ",)
WRITES = ("create", "update", "patch", "delete", "deletecollection")
_KUBELETS = 8  # kubelets drawn one by one; the rest are counted


def component(actor: str) -> str:
    """The component behind an actor: ``kube-controller-manager/deployment`` is a part of the kube-controller-manager."""
    parts = actor.split("/")
    return "/".join(parts[:2]) if parts[0] in ON_NODES else _ALSO.get(parts[0], parts[0])


def sender(record: Record, find: Callable[[int], Record | None]) -> str:
    """The component that did this. What runs on every node sends its requests under one name (``kubelet``): its cause tells which.

    A report about its own node (``nodes/status node-1``) comes from a timer, without a cause; there the object tells.
    """
    name = component(record.actor)
    if name in ON_NODES:
        resource, _, about = record.subject.partition(" ")
        if resource in OWN:
            return f"{name}/{about}"
        causes = (component(cause.actor) for number in record.causes if (cause := find(number)) is not None)
        return next((found for found in causes if found.startswith(f"{name}/")), name)
    return name


def from_outside(record: Record) -> bool:
    """Whether a record is somebody's doing: a fault, or a request that no component sent."""
    inside = component(record.actor).startswith(INSIDE)
    return record.kind == "fault" or (record.kind == "request" and not record.causes and not inside)


def refused(record: Record) -> str:
    """For a request that was refused its code and message, such as ``409 the object has been modified``; else empty."""
    if record.kind != "request" or not isinstance(record.detail, tuple) or record.detail[0] < 400:
        return ""
    return f"{record.detail[0]} {record.detail[1]}".strip()


def components(
    snapshot: Snapshot, records: Iterable[Record], *, stopped: Collection[str] = (), title: str = "", lit: str = ""
) -> Graph:
    """The parts of the cluster and the requests between them in a window of the trace.

    ``stopped`` are the components that do not run now; ``lit``, one by name or all of a kind (``kubelet``), is set off. Everybody
    talks to the API server only, and only it talks to etcd. Raises ``LookupError`` for a ``lit`` that is not there.
    """
    sent: dict[str, Counter[str]] = defaultdict(Counter)
    stored, known = 0, {record.id: record for record in records}
    for record in known.values():
        if record.kind == "request" and not record.subject.startswith(HEARTBEATS):
            resource = record.subject.partition(" ")[0]
            sent[sender(record, known.get)][f"{record.verb} {resource}"] += 1
            stored += record.verb in WRITES and not refused(record) and not _only_answered(resource)
    kubelets = [f"kubelet/{node['metadata']['name']}" for node in snapshot.get("nodes", ())]
    names = list(dict.fromkeys([*CONTROL_PLANE, *(name for name in sent if name not in kubelets), *kubelets]))
    states = {f"kubelet/{n['metadata']['name']}": look("nodes", n) for n in snapshot.get("nodes", ())}
    boxes = [_component(name, stopped, states.get(name, ("ok", ""))[0], lit=lit in (name, name.partition("/")[0])) for name in names]
    if lit and not any(box.lit for box in boxes):
        raise Missing(text("views.no_such_object", name=lit))
    edges = [_talks(name, sent[name]) for name in names if name not in (API, ETCD) and boxes[names.index(name)].state != "failed"]
    edges.append(Edge(API, ETCD, text("views.writes", count=stored), "flow") if stored else Edge(API, ETCD, kind="weak"))
    graph = Graph(title or text("views.components"), boxes, edges, [Group("plane", text("views.control_plane"))])
    return summarise(graph, _KUBELETS, lambda count, kind: text("views.more", count=count, kind=kind))


def _only_answered(resource: str) -> bool:
    """Whether a create of this stores nothing: a token is signed, a review is judged."""
    return resource == "serviceaccounts/token" or resource.partition(".")[0].endswith("reviews")


def _talks(name: str, counts: Counter[str]) -> Edge:
    return Edge(name, API, _said(counts), "flow") if counts else Edge(name, API, kind="weak")


def _component(name: str, stopped: Collection[str], state: str, *, lit: bool) -> Node:
    kind, _, rest = name.partition("/")
    label = (rest,) if rest else ()
    group = "plane" if kind in CONTROL_PLANE else ""
    if name in stopped or kind in stopped:
        return Node(name, kind, label, "failed", text("views.stopped"), group, lit=lit)
    return Node(name, kind, label, state if rest else "", group=group, lit=lit)


def _said(counts: Counter[str]) -> str:
    """The most frequent requests of a component, one a line: ``create pods ×3``; Events last, they are its notes."""
    first = sorted(counts.items(), key=lambda item: (item[0].endswith(" events"), -item[1], item[0]))
    words = [what if count == 1 else f"{what} ×{count}" for what, count in first[:4]]
    return "\n".join([*words, "…"] if len(first) > 4 else words)


def again(records: Iterable[Record]) -> dict[int, int]:
    """Which records only say again what their own cause said: id -> id of the first of the run (its own id for all others).

    A kubelet comes back to a pod four times before it runs; the story is told once, with a number.
    """
    first: dict[int, int] = {}
    said: dict[int, str] = {}
    for record in records:
        said[record.id] = sentence(record)
        twin = next((cause for cause in record.causes if said.get(cause) == said[record.id]), record.id)
        first[record.id] = first.get(twin, twin)
    return first


def causes(records: Sequence[Record], title: str) -> Graph:
    """The causal chain as a graph: an arrow from each record to those that it caused, in order of time."""
    first, start = again(records), records[0].time if records else 0
    times = Counter(first.values())
    nodes = [_step(record, start, times[record.id]) for record in records if first[record.id] == record.id]
    pairs = [(first[cause], first[record.id]) for record in records for cause in record.causes if cause in first]
    edges = [Edge(f"#{cause}", f"#{effect}") for cause, effect in pairs if cause != effect]
    return Graph(title, nodes, edges, direction="TB" if len(nodes) > 6 else "LR")


def _step(record: Record, start: int, times: int) -> Node:
    no = refused(record)
    state = "failed" if no or record.kind == "fault" else ""
    when = text("views.after", duration=duration(record.time - start)) if record.time > start else ""
    what = f"{record.verb} {record.subject}{f' ×{times}' if times > 1 else ''}".strip()
    lines = tuple(filter(None, (record.actor, what, when)))
    return Node(f"#{record.id}", record.kind, lines, state, no[:60], note=f"#{record.id} {sentence(record)}")
