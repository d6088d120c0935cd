"""The API server: requests in, objects out. The only door to etcd, and the only place where components meet.

Every request walks the same pipeline, and the trace keeps one record of it that names the stages which changed or refused
something, so that "why was this refused?" has an address:

    authenticate > authorize > decode, prune, default > mutating admission > prepare > validate > validating admission > store

Models: k8s.io/apiserver/pkg/endpoints/handlers, pkg/registry/generic/registry/store.go, pkg/server/config.go
(DefaultBuildHandlerChain). Simplified: a request takes no virtual time here; the client that sent it accounts for its latency.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from k8snb.apimachinery.errors import ApiError, object_not_found
from k8snb.apimachinery.objects import EMPTY_DICT, Object, freeze
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver import reads, writes
from k8snb.apiserver.admission import Chain
from k8snb.apiserver.auth import Authorizer
from k8snb.apiserver.catalogue import Catalogue
from k8snb.apiserver.context import Context
from k8snb.apiserver.keys import key_of
from k8snb.apiserver.managed import ManagedFields
from k8snb.apiserver.request import Request, Response
from k8snb.apiserver.watch import Hub, HubState
from k8snb.etcd.store import Change, Store, Unavailable
from k8snb.sim.kernel import Kernel
from k8snb.sim.records import maker
from k8snb.sim.state import Shelf

_READS = ("get", "list", "watch")
NOT_RUNNING = "the API server is not running"  # over a network nobody would say so: the connection is refused


@dataclass(slots=True)
class ServerState:
    """What an API server remembers beside etcd: open watches, field ownership not yet computed, allocators."""

    hub: HubState = field(default_factory=HubState)
    managed: Shelf = field(default_factory=Shelf)  # etcd key -> chain of writes, see managed.py
    allocated: dict[str, Shelf] = field(default_factory=dict)  # "cluster ips", "node ports": value -> owner
    warned: Shelf = field(default_factory=Shelf)  # kinds that have been warned about
    running: bool = True
    faults: Shelf = field(default_factory=Shelf)  # injected: (verb, resource) -> remaining failures


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Choices of a cluster. ``loud``: warn where what is accepted is not simulated (off when recordings are replayed);
    ``acted_on``: kinds that something in this cluster acts on, beside those that are always simulated."""

    loud: bool = True
    acted_on: tuple[str, ...] = ()
    version: str = "v1.36.2"
    service_cidr: str = "10.96.0.0/16"
    node_port_range: tuple[int, int] = (30000, 32767)


_response = maker(Response)
Handler = Callable[[Context, Resource], Object]
_VERBS: dict[str, Handler] = {
    "get": reads.get,
    "list": reads.list_objects,
    "watch": reads.watch,
    "create": writes.create,
    "update": writes.update,
    "patch": writes.patch,
    "delete": writes.delete,
    "deletecollection": writes.delete_collection,
}


class Server:
    """Serves requests against the store. Holds wiring; its state is :class:`ServerState`."""

    def __init__(
        self,
        state: ServerState,
        store: Store,
        kernel: Kernel,
        *,
        resources: Iterable[Resource],
        admission: tuple[Any, ...] = (),
        config: ServerConfig = ServerConfig(),
        paths: Callable[[Context], Object] | None = None,
    ):
        self.state, self.store, self.kernel, self.config = state, store, kernel, config
        self.catalogue = Catalogue(resources)
        self._remembered: dict[str, list[Object]] = {}
        self.admission = Chain(admission, self.remembered)
        self.hub = Hub(state.hub, kernel)
        self.visitors = Hub(HubState(), kernel)  # watches from outside: connections are no state, nothing of them is forked or replayed
        self.managed = ManagedFields(state.managed)
        self.authorizer = Authorizer(self.stored_list)
        self.paths = paths
        self.components: Callable[[], Mapping[str, bool]] = dict  # which of the control plane runs; set by the wiring
        self.kubelets: Callable[[str], Any] | None = None  # node name -> its kubelet's endpoint; set by the wiring
        self.dial: Callable[[str, Any], Any] | None = None  # address, request -> what a pod answers; set by the wiring
        self.aggregated: dict[str, Handler] = {}  # APIService -> the server behind it (see aggregation.py)
        self._on_change: dict[str, list[Callable[[Change], None]]] = {}  # wiring inside the server: CRDs, aggregation
        store.listeners.append(self._changed)

    def handle(self, request: Request) -> Response:
        """Answer a request. Refusals are answers too (a ``Status``); only a defect of the simulator raises."""
        context, kernel = Context(self, request), self.kernel
        outer, record = kernel.causes, self._begin(request)
        code, note = 200, ""
        try:
            body = self._serve(context)
            code = 201 if request.verb == "create" and body.get("kind") != "Status" else 200
        except ApiError as error:
            code, note, body = error.code, error.message, freeze(error.status)
        except Unavailable as silent:
            lost = ApiError(500, "", str(silent))
            code, note, body = lost.code, lost.message, freeze(lost.status)
        finally:
            kernel.causes = outer
        if record:
            notes = "; ".join([*context.notes, note] if note else context.notes)
            made = _made(body) if code == 201 and not request.name and not request.path else ""
            kernel.trace.amend(record, (code, notes, self.store.state.revision), made)
        return _response((code, body, tuple(context.warnings), record))

    def _begin(self, request: Request) -> int:
        kernel = self.kernel
        causes = request.causes or kernel.causes
        if request.verb in _READS and (request.agent.startswith("kube") or not causes):
            return 0  # of components there are too many; those from outside are no inputs, so a replay would not have them
        record = kernel.trace.add(kernel.state.now, "request", request.agent, request.verb, _subject(request), None, causes)
        kernel.causes = (record,)
        return record

    def _serve(self, context: Context) -> Object:
        request = context.request
        if not self.state.running:
            raise ApiError(503, "ServiceUnavailable", NOT_RUNNING)
        self.authorizer.check(request)
        if self.state.faults:
            self._injected(request)
        if request.path:
            if self.paths is None:
                raise ApiError(404, "NotFound", "the server could not find the requested resource")
            return self.paths(context)
        return self.route(context)

    def route(self, context: Context) -> Object:
        """Find the resource and the verb of a request, or the subresource that handles it."""
        request = context.request
        resource = self.catalogue.by_path.get((request.group, request.version, request.resource))
        if resource is None:
            raise ApiError(404, "NotFound", "the server could not find the requested resource", {})
        if resource.deprecated:
            context.warn(resource.deprecated)
        if self.aggregated and (elsewhere := self.aggregated.get(f"{resource.version}.{resource.group}")) is not None:
            return elsewhere(context, resource)
        if request.subresource:
            return writes.subresource(context, resource)
        handler = _VERBS.get(request.verb)
        if handler is None or request.verb not in resource.verbs:
            raise ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})
        return handler(context, resource)

    def _injected(self, request: Request) -> None:
        """A fault that the learner asked for: this request, or every one like it, fails."""
        for key in ((request.verb, request.resource), (request.verb, "*"), ("*", request.resource), ("*", "*")):
            left = self.state.faults.get(key, 0)
            if left:
                self.state.faults[key] = left - 1
                raise ApiError(500, "InternalError", "Internal error occurred: injected fault")

    def delegate(self, context: Context, **changes: Any) -> Object:
        """Serve another request inside this one, under the same trace record; raises ApiError."""
        return self.route(context.asking(context.request._replace(**changes)))

    def stored(self, resource: str, name: str, namespace: str = "") -> Object | None:
        """The stored object, or None where there is none."""
        found = self.store.get(key_of(self.catalogue.by_key[resource], namespace, name))
        return found.value if found else None

    def stored_list(self, resource: str, namespace: str = "") -> list[Object]:
        """All stored objects of a resource (of one namespace), sorted by key."""
        kind = self.catalogue.by_key[resource]
        prefix = kind.prefix + (f"{namespace}/" if namespace and kind.namespaced else "")
        return [item.value for _, item in self.store.range(prefix)]

    def remembered(self, resource: str) -> list[Object]:
        """The same of a resource that every request asks for and that hardly ever changes, such as admission policies."""
        found = self._remembered.get(resource)
        if found is None:
            found = self._remembered[resource] = self.stored_list(resource)
        return found

    def write_back(self, resource: Resource, obj: Object) -> Object:
        """Store a changed object, whatever its last change was. Used inside a request that has checked what it must."""
        meta = obj["metadata"]
        key = key_of(resource, meta.get("namespace", ""), meta["name"])
        old = self.store.get(key)
        if old is None:
            raise object_not_found(resource.group, resource.plural, meta["name"])
        return writes.store_update(self, resource, key, obj, old.value)

    def when_changed(self, resource: str, listener: Callable[[Change], None]) -> None:
        """Tell a part of this server of every change of a resource (by key), before anybody outside hears of it."""
        self._on_change.setdefault(resource, []).append(listener)

    def _changed(self, change: Change) -> None:
        resource = self.catalogue.of_key(change.key)
        if resource is None:
            return
        for listener in self._on_change.get(resource.key, ()):
            listener(change)
        if resource.group == "rbac.authorization.k8s.io":
            self.authorizer.forget()
        if self._remembered.pop(resource.key, None) is not None:
            self.admission.forget()
        self.hub.dispatch(resource, change)
        if self.visitors.state.watches:
            self.visitors.dispatch(resource, change)


def _subject(request: Request) -> str:
    """What a request is about, for the trace: ``pods default/web-1``, ``deployments.apps/status shop/web``."""
    if request.path:
        return request.path
    return f"{_place(request.resource, request.group, request.subresource, request.namespace)}{request.name or ''}"


def _made(body: Object) -> str:
    """The name of what was made, which ends what the request was about."""
    return f"{(body.get('metadata') or EMPTY_DICT).get('name') or ''}"


@functools.lru_cache(maxsize=4096)
def _place(resource: str, group: str, subresource: str, namespace: str) -> str:
    kind = f"{resource}.{group}" if group else resource
    return f"{kind}{f'/{subresource}' if subresource else ''} {f'{namespace}/' if namespace else ''}"
