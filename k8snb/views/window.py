"""A window onto a running cluster: snapshots of now and of the past, what is in the trace, an object and its history.

Everything here reads; nothing writes, and nothing moves time. Positions on the *timeline* count changes in etcd's journal:
position n is the world after the n-th change, and the last position is the present. Leases and Events are not in the journal,
so every position differs visibly from its neighbours.

Simplified: an Event that came again later shows, in the past too, its latest count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from k8snb.apimachinery.meta import key_of, parse_time
from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, Object, dig
from k8snb.apiserver import keys
from k8snb.etcd.store import COMPONENT as ETCD
from k8snb.etcd.store import Change
from k8snb.messages import Missing, Mistake, several, text
from k8snb.scheduler.scheduler import KubeScheduler
from k8snb.sim.clock import SECOND, duration
from k8snb.sim.trace import Record
from k8snb.simulation.etcd import Etcd
from k8snb.simulation.faults import API_SERVER
from k8snb.simulation.past import Past
from k8snb.simulation.simulation import QUIET, Simulation
from k8snb.views import live
from k8snb.views.builders import no_service, ownership, traffic
from k8snb.views.container_lives import container_lives
from k8snb.views.flows import WRITES, components, from_outside
from k8snb.views.graph import Graph
from k8snb.views.inspect import Closeup
from k8snb.views.members import members
from k8snb.views.scheduling import Grid, is_decision
from k8snb.views.snapshot import Identity, Snapshot, identity
from k8snb.views.steps import sentence
from k8snb.views.storage import storage
from k8snb.views.timeline import Timeline, lifetimes
from k8snb.views.why import Why

_QUIET = ("events ", "leases.coordination.k8s.io ")
_TAIL = 150  # records looked back at for the log
_FAR = 20_000  # records looked back at for the last request of a user
_MOST = 2_000  # records looked at after a long step


class Window:
    """Reads one simulation. Holds nothing but the reference: a rewound simulation is read as it then is."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation

    @property
    def _journal(self) -> Sequence[Change]:
        return self.simulation.root.store.journal

    def snapshot(self, position: int | None = None, resources: Sequence[str] | None = None) -> Snapshot:
        """Objects by resource key, now or at a position of the timeline; of some resources or of all that have any."""
        server = self.simulation.parts.server
        if position is not None:
            return self._past(position)
        keys = resources if resources is not None else list(server.catalogue.by_key)
        return {key: found for key in keys if (found := server.stored_list(key))}

    def _past(self, position: int) -> Past:
        return Past(self.simulation, self._revision(position))

    def _revision(self, position: int) -> int:
        store = self.simulation.root.store
        if position >= len(self._journal):
            return store.revision
        return self._journal[position - 1].revision if position else store.journal_floor

    def moment(self, position: int | None, seen: int) -> live.Moment:
        """What the live view shows. ``position`` None is the present; ``seen`` is the newest record already shown."""
        length = len(self._journal)
        if position is None or position >= length:
            return self._present(seen, length)
        change = self._journal[max(0, position - 1)]
        snapshot = {**self._past(position), "events": self._events_before(change.time)}
        last = change.cause
        return self._moment(snapshot, last, fresh=last, now=change.time, revision=self._revision(position), index=position)

    def _present(self, seen: int, length: int) -> live.Moment:
        root, trace = self.simulation.root, self.simulation.parts.kernel.trace
        snapshot = self.snapshot(resources=live.RESOURCES) if root.store.running else self._past(length)
        fresh = min(seen, trace.last) + 1
        return self._moment(snapshot, trace.last, fresh=fresh, now=root.kernel.now, revision=root.store.revision, index=length)

    def _moment(self, snapshot: Snapshot, last: int, *, fresh: int, now: int, revision: int, index: int) -> live.Moment:
        root, trace = self.simulation.root, self.simulation.parts.kernel.trace
        begin = max(min(fresh - 1, last - _TAIL), last - _MOST)
        records = [record for record in trace.since(begin) if record.id <= last and not _quiet(record)]
        present = index == len(self._journal)
        return live.Moment(
            snapshot=snapshot, records=records, fresh=fresh, find=trace.get, now=now, start=root.config.start, revision=revision,
            stopped=tuple(self.stopped() if present else self._stopped_by(last)), index=index, length=len(self._journal),
            upcoming=self._upcoming() if present else "",
        )  # fmt: skip

    def _events_before(self, time: int) -> list[Object]:
        events = self.simulation.parts.server.stored_list("events") if self.simulation.root.store.running else []
        return [event for event in events if parse_time(dig(event, "metadata.creationTimestamp")) <= time]

    def _upcoming(self) -> str:
        event = self.simulation.parts.kernel.peek()
        if event is None or event.background:
            return ""
        return text("views.next", after=duration(event.time - self.simulation.now), component=event.component, why=event.why)

    def calm(self) -> bool:
        """Whether the cluster has settled: nothing but heartbeats is due before it will have been quiet for long enough."""
        due = next((event.time for event in self.simulation.parts.kernel.pending() if not event.background), None)
        return due is None or due > self.simulation.root.store.last_change + QUIET

    def stopped(self) -> list[str]:
        """The components that do not run now."""
        root = self.simulation.root
        down = [name for name, component in self.simulation.parts.components.items() if not component.state.running]
        return [*([] if root.store.running else [ETCD]), *([] if root.server.running else [API_SERVER]), *down]

    def _stopped_by(self, last: int) -> list[str]:
        """The components that did not run when that record was written, from the faults before it."""
        down: dict[str, bool] = {}
        for record in self.simulation.root.kernel.trace.records:
            if record.id <= last and record.kind == "fault" and record.verb in ("stop", "start"):
                down[record.subject] = record.verb == "stop"
        return [name for name, is_down in down.items() if is_down]

    def _changes(self, name: str, position: int | None) -> Iterator[Change]:
        """The changes of an object up to a position, the last one first; ``name`` is ``pods shop/web-1``."""
        named = Identity.of(name)
        resource = self.simulation.parts.server.catalogue.by_key.get(named.resource)
        if resource is None:
            return
        wanted = keys.key_of(resource, named.namespace, named.name)
        journal, opened = self._journal, self.simulation.parts.store.opened
        end = len(journal) if position is None else min(position, len(journal))
        yield from (opened(journal[i]) for i in range(end - 1, -1, -1) if journal[i].key == wanted)

    def _change(self, name: str, position: int | None) -> Change | None:
        return next(self._changes(name, position), None)

    def closeup(self, name: str, position: int | None = None) -> Closeup:
        """An object by its id, now or at a position, with what its last change did."""
        change = self._change(name, position)
        if change is None:
            return Closeup(None)
        record = self.simulation.parts.kernel.trace.get(change.cause)
        return Closeup(change.value, change.previous, self._told(record) if record else "")

    def _told(self, record: Record) -> str:
        because = [found for number in record.causes if (found := self.simulation.parts.kernel.trace.get(number))]
        reason = f" ({text('views.because', cause=_plainly(because[0]))})" if because else ""
        return f"#{record.id} {_plainly(record)}{reason}"

    def why(self, name: str, position: int | None = None) -> Why:
        """What led to an object's state, back to the users' requests. ``name`` is its id, ``pods shop/web-1``."""
        changes = [self._change(name, position), *(self._wish(owner, position) for owner in self._owners(name, position))]
        meta = dig(changes[0].value, "metadata", EMPTY_DICT) if changes[0] else EMPTY_DICT
        kept = meta.get("finalizers", ()) if "deletionTimestamp" in meta else ()
        ends = [change.cause for change in changes if change]
        return Why.of(self._called(name), self.simulation.parts.kernel.trace.get, ends, kept)

    def _called(self, name: str) -> str:
        """An object's id as it is spoken of: ``pod shop/web-1``."""
        named = Identity.of(name)
        resource = self.simulation.parts.server.catalogue.by_key.get(named.resource)
        return name if resource is None else f"{resource.singular} {named.where}"

    def _owners(self, name: str, position: int | None) -> Iterator[str]:
        """Ids of the controllers above an object, nearest first."""
        for _ in range(8):  # nothing in Kubernetes is owned more deeply; a learner's ring of owners ends here
            change = self._change(name, position)
            obj = (change.value or change.previous) if change else None
            owner = next((r for r in dig(obj, "metadata.ownerReferences", EMPTY_LIST) if r.get("controller")), None)
            resource = self.simulation.parts.server.catalogue.by_kind.get((owner["apiVersion"], owner["kind"])) if owner else None
            if owner is None or resource is None:
                return
            namespace = dig(obj, "metadata.namespace", "")
            name = f"{resource.key} {namespace}/{owner['name']}" if resource.namespaced else f"{resource.key} {owner['name']}"
            yield name

    def _wish(self, name: str, position: int | None) -> Change | None:
        """The last change of what is wanted of an object: of its spec, which its generation counts; or its creation."""
        return next(
            (c for c in self._changes(name, position) if c.previous is None or _generation(c.value) != _generation(c.previous)), None
        )

    def decision(self, name: str, attempt: int = 0) -> Grid | str:
        """The scheduler's last decision on a pod (``pods shop/web-1``), or that of one attempt; or a sentence that says why there is none.

        Raises ``LookupError`` for a pod that is not there, and for what is no pod.
        """
        named, trace = Identity.of(name), self.simulation.parts.kernel.trace
        if named.resource != "pods":
            raise Missing(text("views.scheduling.no_pod", name=name))
        records = (record for record in reversed(trace.state.records) if record.subject == named.where and is_decision(record))
        found = next((record for record in records if attempt in (0, record.detail["attempt"])), None)
        if found is not None:
            return Grid.of(found)
        pod = self.simulation.parts.server.stored("pods", named.name, named.namespace)
        if pod is None:
            raise Missing(text("views.no_such_object", name=f"pod {named.where}"))
        return text("views.scheduling.no_attempt", pod=key_of(pod), attempt=attempt) if attempt else self._undecided(pod)

    def _undecided(self, pod: Object) -> str:
        spec, component = pod["spec"], self.simulation.parts.components["kube-scheduler"]
        profiles = component.frameworks if isinstance(component, KubeScheduler) else {}
        if spec.get("nodeName"):
            return text("views.scheduling.came_with_node", pod=key_of(pod), node=spec["nodeName"])
        if spec.get("schedulingGates"):
            return text("views.scheduling.gated", pod=key_of(pod), gates=", ".join(gate["name"] for gate in spec["schedulingGates"]))
        if spec.get("schedulerName") not in profiles:
            return text("views.scheduling.no_scheduler", pod=key_of(pod), name=spec.get("schedulerName"), names=", ".join(profiles))
        return text("views.scheduling.not_yet", pod=key_of(pod))

    def timeline(self, name: str) -> Timeline:
        """The lives of all pods that an object owns or ever owned, directly or through a controller in between; of a pod, those
        of its containers."""
        if name.startswith("pods "):
            return self._containers(name)
        catalogue, family = self.simulation.parts.server.catalogue, {self._uid(name)}
        found: list[tuple[int, Object | None, Object | None]] = []
        for change in self._journal:
            obj = change.value or change.previous
            if any(owner["uid"] in family for owner in dig(obj, "metadata.ownerReferences", EMPTY_LIST)):
                family.add(dig(obj, "metadata.uid"))
                resource = catalogue.of_key(change.key)
                if resource is not None and resource.key == "pods":
                    found.append((change.time, change.value, change.previous))
        end = self._end([time for time, _, _ in found])
        return Timeline(text("views.timeline.title", name=self._called(name)), lifetimes(found, end))

    def _containers(self, name: str) -> Timeline:
        uid = self._uid(name)
        found = [(c.time, c.value) for c in self._journal if uid and dig(c.value or c.previous, "metadata.uid") == uid]
        end = self._end([time for time, _ in found])
        return Timeline(text("views.timeline.containers", name=self._called(name)), container_lives(found, end))

    def _end(self, times: Sequence[int]) -> int:
        """Where a timeline ends: a little beyond the last change, to show what it came to."""
        begin, last = (times[0], times[-1]) if times else (0, 0)
        return min(self.simulation.now, last + max(SECOND, (last - begin) // 10))

    def _uid(self, name: str) -> str:
        change = self._change(name, None)
        return str(dig((change.value or change.previous) if change else None, "metadata.uid", ""))

    def known(self, name: str) -> str:
        """The same id, where there is such an object, or was one as far back as is remembered. Raises ``LookupError``."""
        key, namespace, own = named = Identity.of(name)
        if self._change(name, None) is None and self.simulation.parts.server.stored(key, own, namespace) is None:
            raise Missing(text("views.never_seen", name=f"{key} {named.where}"))
        return name

    def identify(self, what: str | Object, namespace: str = "") -> str:
        """The id of what somebody means: an object, ``pod/web-1``, ``deployment/shop/web`` or an id itself.

        ``namespace``: that of a name without one; ``default`` where it is empty. Raises ``ValueError`` for a resource that nobody
        serves, ``LookupError`` where no name is given.
        """
        catalogue, namespace = self.simulation.parts.server.catalogue, namespace or "default"
        if not isinstance(what, str):
            resource = catalogue.by_kind.get((what.get("apiVersion", "v1"), what.get("kind", "")))
            if not dig(what, "metadata.name"):
                raise Missing(text("views.no_name", kind=resource.singular if resource else str(what.get("kind")).lower()))
            return identity(resource.key if resource else str(what.get("kind")), what)
        word, slash, rest = what.replace(" ", "/", 1).partition("/")
        resource = catalogue.named(word)
        if resource is None:
            raise Mistake(text("cluster.no_resource", resource=word) if slash else text("views.no_kind", name=what or "web"))
        if not rest or rest.endswith("/"):
            raise Missing(text("views.no_name", kind=resource.singular))
        return f"{resource.key} {rest if '/' in rest or not resource.namespaced else f'{namespace}/{rest}'}"

    def graph(self, kind: str, of: str | Object = "", namespace: str = "") -> Graph:
        """A picture: one of :data:`GRAPHS`. Raises ``ValueError`` for others, ``LookupError`` for an object that is not there."""
        if kind not in GRAPHS:
            raise Mistake(text("views.no_graph", kind=kind, names=", ".join(GRAPHS)))
        if namespace and not of:
            self._there(namespace)
        return GRAPHS[kind](self, of, namespace)

    def _there(self, namespace: str) -> None:
        """Raise ``LookupError`` for a namespace that does not exist."""
        known = [found["metadata"]["name"] for found in self.simulation.parts.server.stored_list("namespaces")]
        if namespace not in known:
            raise Missing(text("views.no_namespace", name=namespace, names=several(known)))

    def _inside(self, namespace: str, of: str | Object, *, around: bool = False) -> Snapshot:
        """All objects; where a namespace is given and no object, those in it (and ``around`` it those in none)."""
        found, wanted = self.snapshot(), (namespace, None) if around else (namespace,)
        if of or not namespace:
            return found
        return {key: [obj for obj in objects if dig(obj, "metadata.namespace") in wanted] for key, objects in found.items()}

    def _components(self, of: str | Object, _namespace: str) -> Graph:
        trace = self.simulation.parts.kernel.trace
        asked = next((r for r in reversed(trace.since(max(0, trace.last - _FAR))) if from_outside(r) and not _quiet(r)), None)
        records = trace.since(asked.id - 1) if asked else []
        title = text("views.components_since", cause=_plainly(asked)) if asked else text("views.components")
        return components(self.snapshot(resources=("nodes",)), records, stopped=self.stopped(), title=title, lit=str(of))

    def _ownership(self, of: str | Object, namespace: str) -> Graph:
        return ownership(self._inside(namespace, of), self.identify(of, namespace) if of else "")

    def _traffic(self, of: str | Object, namespace: str) -> Graph:
        named = of if not isinstance(of, str) or "/" in of else f"service/{of}"
        found = self.identify(named, namespace)
        key, namespace, name = Identity.of(found)
        if key != "services":
            raise no_service(self.snapshot(), self._called(found))
        return traffic(self.snapshot(), name, namespace=namespace)

    def _storage(self, of: str | Object, namespace: str) -> Graph:
        return storage(self._inside(namespace, of, around=True), self.identify(of, namespace) if of else "")

    def _etcd(self, _of: str | Object, _namespace: str) -> Graph:
        return members(Etcd(self.simulation).members())

    def _causes(self, of: str | Object, namespace: str) -> Graph:
        return self.why(self.known(self.identify(of, namespace))).graph


GRAPHS: dict[str, Callable[[Window, str | Object, str], Graph]] = {
    "components": Window._components,
    "ownership": Window._ownership,
    "traffic": Window._traffic,
    "storage": Window._storage,
    "causes": Window._causes,
    "etcd": Window._etcd,
}
"""The pictures that :meth:`Window.graph` can make, by name."""


def _generation(obj: Object | None) -> object:
    return dig(obj, "metadata.generation")


def _plainly(record: Record) -> str:
    return " ".join(sentence(record).split())


def _quiet(record: Record) -> bool:
    """Reads, heartbeats and Events: true, but not what one looks for."""
    return record.kind == "request" and (record.verb not in WRITES or record.subject.startswith(_QUIET))
