"""Requests that change something: create, update, patch, and the door to subresources.

Models: k8s.io/apiserver/pkg/registry/generic/registry/store.go (Create, Update), pkg/registry/rest/create.go and update.go
(BeforeCreate, BeforeUpdate), pkg/endpoints/handlers/patch.go.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from k8snb.apimachinery import apply as ssa
from k8snb.apimachinery import patch as patches
from k8snb.apimachinery.decode import decode, trust
from k8snb.apimachinery.errors import ApiError, Errors, already_exists, bad_request, conflict, object_invalid, object_not_found, within
from k8snb.apimachinery.meta import timestamp
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, drop, put
from k8snb.apimachinery.resource import Resource, Subresource
from k8snb.apimachinery.schema import Type
from k8snb.apimachinery.validation import validate_object_meta, validate_object_meta_update
from k8snb.apiserver import admission, deletion, tables
from k8snb.apiserver.context import Context
from k8snb.apiserver.decode import decoded
from k8snb.apiserver.keys import key_of
from k8snb.apiserver.managed import Write
from k8snb.apiserver.request import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH
from k8snb.etcd.store import CompareFailed

_NAME_TRIES = 8
_UNOWNED = ("events", "leases.coordination.k8s.io")  # so many, and nobody asks who owns their fields
_IMMUTABLE = ("uid", "creationTimestamp")  # taken from the old object where absent; otherwise validation compares
_SYSTEM_METADATA = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")
_NEVER_GIVEN = frozenset((*_SYSTEM_METADATA, "selfLink", "resourceVersion", "managedFields"))  # the server sets, or drops, them


def create(context: Context, resource: Resource) -> Object:
    """POST: a new object. 409 where the name is taken, 422 where it is not valid."""
    request = context.request
    obj = decoded(context, resource, request.body)
    if resource.answer is not None:
        return resource.answer(context, obj)
    return create_decoded(context, resource, obj, managed=(obj.get("metadata") or {}).get("managedFields"))


def create_decoded(context: Context, resource: Resource, obj: Object, managed: Any = None) -> Object:
    """The rest of a creation, from an object of the stored version (server-side apply also comes here)."""
    server, stored = context.server, context.server.catalogue.storage_of(resource)
    obj = _placed(context, stored, obj)
    context.claimed = obj if stored.status_on_create or "status" not in stored.subresources else drop(obj, "status")
    obj = admission.mutate(context, stored, obj, None)
    obj = _before_create(context, stored, obj)
    _refuse(stored, obj, _meta_errors(stored, obj) + stored.validate(obj) + stored.validate_create(obj))
    admission.validate(context, stored, obj, None)
    if stored.allocate is not None:
        obj = stored.allocate(context, obj, None)
    for warning in stored.warnings(obj, None):
        context.warn(warning)
    if not stored.simulated:
        _say_if_unsimulated(context, stored)
    if not context.request.options.dry_run:
        obj = _store_new(context, stored, obj, managed)
    shown = resource.from_storage(obj)
    return server.managed.shown(stored, _key(stored, obj), shown) if context.from_outside else shown


def _placed(context: Context, resource: Resource, obj: Object) -> Object:
    """The object in the request's namespace."""
    given = (obj.get("metadata") or {}).get("namespace", "")
    wanted = context.request.namespace if resource.namespaced else ""
    if given == wanted:
        return obj
    if given and resource.namespaced:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    meta = {key: value for key, value in (obj.get("metadata") or {}).items() if key != "namespace"}
    return put(obj, ("metadata",), meta | ({"namespace": wanted} if wanted else {}))


def _before_create(context: Context, resource: Resource, obj: Object) -> Object:
    given = obj.get("metadata") or EMPTY_DICT
    kept = _NEVER_GIVEN.isdisjoint(given)  # most often nothing stands there that does not count
    meta = dict(given) if kept else {key: value for key, value in given.items() if key not in _NEVER_GIVEN}
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = _generated_name(context, resource, meta)
    meta["uid"], meta["creationTimestamp"] = context.uid(), timestamp(context.now)
    if resource.counts_generation:
        meta["generation"] = 1
    changed = obj | {"metadata": FrozenDict(meta)}
    if "status" in resource.subresources and not resource.status_on_create:
        changed.pop("status", None)
        changed |= blank_status(resource)
    return resource.canonicalize(resource.prepare_for_create(FrozenDict(changed)))


def blank_status(resource: Resource) -> dict[str, Object]:
    """The status of a new object: what Go prints of an empty one, such as ``{"replicas": 0}``; nothing where it is a pointer."""
    schema = resource.schema
    field = schema.fields.get("status") if schema is not None else None
    return {"status": _blank(field.type)} if field is not None and field.always else {}


@functools.lru_cache(maxsize=512)
def _blank(type_: Type) -> Object:
    blank: Object = decode(type_, EMPTY_DICT).value
    return blank


def _generated_name(context: Context, resource: Resource, meta: dict[str, Any]) -> str:
    """The prefix and five letters; drawn again where the name is taken, as the real server does."""
    base = str(meta["generateName"])[:58]
    name = base + context.token(5)
    for _ in range(_NAME_TRIES - 1):
        if context.server.store.get(key_of(resource, meta.get("namespace", ""), name)) is None:
            break
        name = base + context.token(5)
    return name


def _store_new(context: Context, resource: Resource, obj: Object, managed: Any) -> Object:
    server, key = context.server, _key(resource, obj)
    obj = _stamped(server, obj)
    lease = event_lease(context) if resource.key == "events" else 0
    existing = server.store.get(key)
    if existing is not None:
        raise _taken(resource, obj, existing.value)
    _note(context, resource, key, obj, old=None, managed=managed)
    _put(server, resource, key, obj, expect=0, lease=lease)
    return obj


def _put(server: Any, resource: Resource, key: str, obj: Object, *, expect: int, lease: int) -> None:
    server.store.put(key, obj, expect=expect, lease=lease)
    if not lease and (schema := resource.schema) is not None:  # an Event hardly ever comes back
        trust(schema, obj)


def _stamped(server: Any, obj: Object) -> Object:
    """The object with the revision in which it is about to be written."""
    meta = FrozenDict(obj["metadata"] | {"resourceVersion": str(server.store.state.revision + 1)})
    return FrozenDict(obj | {"metadata": meta})


def event_lease(context: Context) -> int:
    """The etcd lease that new Events hang on: they are kept for an hour, and one lease serves a minute of Events."""
    server = context.server
    number: int = server.state.warned.get("event lease", 0)
    held = server.store.state.leases.get(number)
    if held is None or held[1] - context.now < 3600 * 1_000_000:
        number = server.state.warned["event lease"] = server.store.grant(3660)
    return number


def _taken(resource: Resource, obj: Object, existing: Object) -> ApiError:
    name = obj["metadata"]["name"]
    error = already_exists(resource.group, resource.plural, name)
    if existing["metadata"].get("deletionTimestamp"):
        return ApiError(409, "AlreadyExists", f"object is being deleted: {error.message}", error.details)
    return error


def update(context: Context, resource: Resource) -> Object:
    """PUT: the object as it should be. With a resourceVersion in it, only if nobody was faster."""
    old = current(context, resource)
    obj = decoded(context, resource, context.request.body)
    return update_decoded(context, resource, obj, old)


def current(context: Context, resource: Resource) -> Object:
    """The stored object that a request names; raises 404."""
    request, stored = context.request, context.server.catalogue.storage_of(resource)
    found = context.server.store.get(key_of(stored, request.namespace if stored.namespaced else "", request.name))
    if found is None:
        raise object_not_found(resource.group, resource.plural, request.name)
    obj: Object = found.value
    return obj


def update_decoded(
    context: Context, resource: Resource, obj: Object, old: Object, *, status: bool = False, managed: Any = None,
    validate_change: Callable[[Object, Object], Errors] | None = None,
) -> Object:  # fmt: skip
    """The rest of an update, from the desired object in the stored version. ``status``: only the status part changes;
    ``validate_change`` says what is wrong with the change, where that is not the kind's own ``validate_update``."""
    server, stored = context.server, context.server.catalogue.storage_of(resource)
    name = (obj.get("metadata") or {}).get("name", "")
    if name != context.request.name:
        if name:
            raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({context.request.name})")
        raise bad_request("name must be provided")
    obj = _placed(context, stored, obj)
    _preconditions(stored, obj, old, context.request.verb)
    given_managed = obj["metadata"].get("managedFields") if managed is None else managed
    obj = context.claimed = _before_update(context, stored, obj, old, status)
    if not status:
        obj = admission.mutate(context, stored, obj, old)
        obj = _after_mutation(stored, obj, old)
    obj = stored.canonicalize(obj)
    _validate_update(stored, obj, old, status, validate_change or stored.validate_update)
    admission.validate(context, stored, obj, old)
    if stored.allocate is not None and not status:
        obj = stored.allocate(context, obj, old)
    if not status:
        for warning in stored.warnings(obj, old):
            context.warn(warning)
    key = _key(stored, old)
    if not context.request.options.dry_run:
        if obj != old or server.store.stale(key) or (given_managed is not None and given_managed != server.managed.of(stored, key)):
            obj = _written(context, stored, key, obj, old=old, managed=given_managed, status=status)
        else:
            obj = old
    shown = resource.from_storage(obj)
    return server.managed.shown(stored, key, shown) if context.from_outside else shown


def _written(context: Context, resource: Resource, key: str, obj: Object, *, old: Object, managed: Any, status: bool) -> Object:
    if obj is context.claimed:  # then what is stored says the same of ownership, and the journal keeps that anyway
        context.claimed = None
    obj = store_update(context.server, resource, key, obj, old)
    if context.server.store.get(key) is not None:
        _note(context, resource, key, obj, old=old, managed=managed, sub="status" if status else "")
    return obj


def _preconditions(resource: Resource, obj: Object, old: Object, verb: str) -> None:
    meta, was = obj["metadata"], old["metadata"]
    if meta.get("uid") and meta["uid"] != was["uid"] and verb == "update":
        why = f"Precondition failed: UID in precondition: {meta['uid']}, UID in object meta: {was['uid']}"
        raise conflict(resource.group, resource.plural, was["name"], why)
    if meta.get("resourceVersion") and meta["resourceVersion"] != was["resourceVersion"]:
        raise conflict(resource.group, resource.plural, was["name"])


def _before_update(context: Context, resource: Resource, obj: Object, old: Object, status: bool) -> Object:
    meta = _metadata(obj["metadata"], old["metadata"], ("labels", "ownerReferences") if status else ())
    if status:
        changed = dict(old)
        del changed["metadata"]
        changed.pop("status", None)
        changed["metadata"] = meta
        if "status" in obj:
            changed["status"] = obj["status"]
        return _shared(resource.prepare_for_status_update(FrozenDict(changed), old), old)
    changed = dict(obj) | {"metadata": meta}
    if "status" in resource.subresources:
        changed.pop("status", None)
        if "status" in old:
            changed["status"] = old["status"]
    return _after_mutation(resource, resource.prepare_for_update(FrozenDict(changed), old), old)


def _metadata(given: Object, was: Object, kept: Sequence[str]) -> Object:
    """What the client gave, with what the system sets, and the fields ``kept``, as they were. Most often nothing differs."""
    if given is was:
        return was
    meta = {key: value for key, value in given.items() if key not in _NEVER_GIVEN and key not in kept}
    meta |= {key: given.get(key, was[key]) if key in _IMMUTABLE else was[key] for key in _SYSTEM_METADATA if key in was}
    meta |= {key: was[key] for key in ("resourceVersion", *kept) if key in was}
    return FrozenDict(meta)


def _after_mutation(resource: Resource, obj: Object, old: Object) -> Object:
    """Unchanged parts become the very parts of the old object again; a changed spec counts a generation."""
    obj = _shared(obj, old)
    was = old["metadata"].get("generation")
    if (
        resource.counts_generation
        and was is not None
        and obj["metadata"].get("generation") == was
        and obj.get("spec") is not old.get("spec")
    ):
        return put(obj, ("metadata", "generation"), was + 1)
    return obj


def _shared(obj: Object, old: Object) -> Object:
    """``obj`` with those top-level parts that equal the old ones replaced by them, so that memos and identity hold."""
    equal: dict[str, Any] = {}
    for key, value in obj.items():
        if value is not (was := old.get(key)) and value == was:
            equal[key] = was
    return FrozenDict(obj | equal) if equal else obj


def _validate_update(
    resource: Resource, obj: Object, old: Object, status: bool, validate_change: Callable[[Object, Object], Errors]
) -> None:  # fmt: skip
    meta, was = obj["metadata"], old["metadata"]
    errors: Errors = [] if meta is was else within("metadata", validate_object_meta_update(meta, was))  # what is stored is valid
    if status:
        errors += resource.validate_status_update(obj, old)
    else:
        whole, change = resource.validate(obj), validate_change(obj, old)
        errors += [*_meta_errors(resource, obj), *(change + whole if resource.update_errors_first else whole + change)]
    _refuse(resource, obj, errors)


def _meta_errors(resource: Resource, obj: Object) -> Errors:
    errors = validate_object_meta(obj["metadata"], namespaced=resource.namespaced, name_format=resource.validate_name)
    return within("metadata", errors)


def store_update(server: Any, resource: Resource, key: str, obj: Object, old: Object) -> Object:
    """Write the changed object under its key, or remove it where this write took away what kept it from deletion."""
    if deletion.finished(resource, obj):
        return deletion.remove(server, resource, key, obj, old)
    obj = _stamped(server, obj)
    try:
        _put(server, resource, key, obj, expect=int(old["metadata"]["resourceVersion"]), lease=server.store.state.keys[key].lease)
    except (CompareFailed, KeyError):
        raise conflict(resource.group, resource.plural, old["metadata"]["name"]) from None
    return obj


def patch(context: Context, resource: Resource, *, status: bool = False) -> Object:
    """PATCH, of four kinds. Server-side apply creates the object where there is none."""
    request = context.request
    if request.patch_type == APPLY_PATCH:
        return _apply(context, resource, status)
    old = current(context, resource)
    patched = _patched(context, resource, _before_patch(context, resource, old))
    obj = decoded(context, resource, patched)
    if "resourceVersion" not in (obj.get("metadata") or {}):
        obj = put(obj, ("metadata", "resourceVersion"), old["metadata"]["resourceVersion"])
    return update_decoded(context, resource, obj, old, status=status)


def _before_patch(context: Context, resource: Resource, old: Object) -> Object:
    """What a patch begins with. A JSON patch may point into the managed fields, as kubectl's migration to server-side apply does."""
    stored, live = context.server.catalogue.storage_of(resource), resource.from_storage(old)
    points = context.request.patch_type == JSON_PATCH and isinstance(context.request.body, (list, tuple))
    if points and any(str((step or {}).get("path", "")).startswith("/metadata/managedFields") for step in context.request.body):
        return context.server.managed.shown(stored, _key(stored, old), live)
    return live


def _patched(context: Context, resource: Resource, live: Object) -> Object:
    request = context.request
    result = patches.apply_patch(live, request.body, request.patch_type, None if resource.custom else resource.schema)
    if result is not None:
        return result
    supported = [JSON_PATCH, MERGE_PATCH, *([] if resource.custom else [STRATEGIC_MERGE_PATCH]), APPLY_PATCH]
    raise ApiError(
        415, "UnsupportedMediaType",
        f"the body of the request was in an unknown format - accepted media types include: {', '.join(supported)}", {},
    )  # fmt: skip


def _apply(context: Context, resource: Resource, status: bool = False, part: Subresource | None = None) -> Object:
    """Server-side apply of a whole object, of its status, or of another part of it."""
    server, request = context.server, context.request
    stored = server.catalogue.storage_of(resource)
    if not request.options.field_manager:
        raise bad_request('PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch')
    found = server.store.get(key_of(stored, request.namespace if stored.namespaced else "", request.name))
    live = found.value if found else None
    entries = server.managed.of(stored, _key(stored, live)) if live is not None else None
    decoded(context, resource, request.body)  # refuses what is no such object; unknown fields are reported once, here
    outcome = ssa.server_side_apply(
        live, request.body, entries=entries, manager=request.options.field_manager, force=request.options.force,
        api_version=resource.api_version, time=context.now, subresource=_applied_part(status, part), schema=stored.schema,
    )  # fmt: skip
    obj = decoded(context, resource, outcome.object)
    if live is None:
        return create_decoded(context, resource, obj, managed=outcome.entries)
    if part is not None:
        assert part.part is not None
        return update_decoded(context, resource, part.part(obj, live), live, managed=outcome.entries, validate_change=part.validate)
    return update_decoded(context, resource, obj, live, status=status, managed=outcome.entries)


def _applied_part(status: bool, part: Subresource | None) -> str:
    return "status" if status else part.name if part is not None else ""


def subresource(context: Context, resource: Resource) -> Object:
    """A request for a part of an object: its own handler, or the generic one of ``status``."""
    request = context.request
    found = resource.subresources.get(request.subresource)
    if found is None:
        raise ApiError(404, "NotFound", "the server could not find the requested resource", {})
    if request.verb not in found.verbs:
        raise ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})
    if found.handler is not None:
        obj = current(context, resource) if request.name and not found.own_names else None
        answer = found.handler(context, request, obj)
        return tables.scale_table(context, answer) if request.options.as_table and answer.get("kind") == "Scale" else answer
    if found.part is not None:
        return _update_part(context, resource, found)
    if request.subresource != "status":
        raise ApiError(501, "NotImplemented", f"k8snb does not simulate {resource.plural}/{request.subresource}", {})
    if request.verb == "get":
        return resource.from_storage(current(context, resource))
    if request.verb == "patch":
        return patch(context, resource, status=True)
    obj = decoded(context, resource, request.body)
    return update_decoded(context, resource, obj, current(context, resource), status=True)


def _update_part(context: Context, resource: Resource, sub: Subresource) -> Object:
    """GET, PUT or PATCH of a part of an object that changes by rules of its own."""
    assert sub.part is not None
    request, old = context.request, current(context, resource)
    if request.verb == "get":
        return resource.from_storage(old)
    if request.verb == "patch" and request.patch_type == APPLY_PATCH:
        return _apply(context, resource, part=sub)
    body = _patched(context, resource, resource.from_storage(old)) if request.verb == "patch" else request.body
    new = decoded(context, resource, body)
    if request.verb == "patch" and "resourceVersion" not in (new.get("metadata") or {}):
        new = put(new, ("metadata", "resourceVersion"), old["metadata"]["resourceVersion"])
    return update_decoded(context, resource, sub.part(new, old), old, validate_change=sub.validate)


delete = deletion.delete
delete_collection = deletion.delete_collection


def _note(context: Context, resource: Resource, key: str, new: Object, *, old: Object | None, managed: Any, sub: str = "") -> None:
    """Keep who owns what. Server-side apply hands in the entries it computed; an empty list given by a client resets."""
    server, request = context.server, context.request
    if request.patch_type == APPLY_PATCH and managed is not None:
        server.managed.applied(key, managed)
        return
    if resource.key in _UNOWNED:
        return
    if managed is not None:
        server.managed.applied(key, ssa.entries_of_update(managed, server.managed.of(resource, key)))
    manager = request.options.field_manager or request.agent.partition("/")[0]
    part = sub or (request.subresource if request.subresource in ("scale", "resize", "ephemeralcontainers") else "")
    write = Write(old, context.claimed or new, manager, resource.api_version, context.now, part)
    server.managed.wrote(resource, key, write)


def _refuse(resource: Resource, obj: Object, errors: Errors) -> None:
    if errors:
        raise object_invalid(resource.group, resource.kind, obj["metadata"].get("name", ""), errors)


def _say_if_unsimulated(context: Context, resource: Resource) -> None:
    server = context.server
    acted_on = resource.custom or resource.key in server.config.acted_on
    if server.config.loud and not acted_on and resource.key not in server.state.warned:
        server.state.warned[resource.key] = True
        context.warn(f"k8snb stores {resource.kind} objects, but nothing in the simulation acts on them")


def _key(resource: Resource, obj: Object) -> str:
    meta = obj["metadata"]
    return key_of(resource, meta.get("namespace", ""), meta["name"])
