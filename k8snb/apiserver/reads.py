"""Requests that change nothing: get, list (in chunks, filtered, as tables) and the opening of a watch.

Models: k8s.io/apiserver/pkg/endpoints/handlers/get.go, pkg/storage/etcd3/store.go (GetList), pkg/storage/continue.go.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from typing import Any

from k8snb.apimachinery import selectors
from k8snb.apimachinery.errors import ApiError, bad_request, expired, object_not_found, quote
from k8snb.apimachinery.objects import FrozenDict, FrozenList, Object
from k8snb.apimachinery.resource import Resource
from k8snb.apimachinery.strconv import parse_uint
from k8snb.apiserver import tables
from k8snb.apiserver.context import Context
from k8snb.apiserver.keys import key_of
from k8snb.apiserver.watch import field_value, too_old
from k8snb.etcd.store import Compacted

_CONTINUE_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the "
    "continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with "
    "the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the "
    "first chunk was returned and now may show up in the list."
)


def get(context: Context, resource: Resource) -> Object:
    """GET of one object; 404 where there is none."""
    server, request = context.server, context.request
    stored = server.catalogue.storage_of(resource)
    key = key_of(stored, request.namespace if stored.namespaced else "", request.name)
    if stored.listed is not None:
        value = next((one for one in stored.listed(context) if one["metadata"]["name"] == request.name), None)
    else:
        found = server.store.get(key)
        value = found and found.value
    if value is None:
        raise object_not_found(resource.group, resource.plural, request.name)
    obj = _outward(context, resource, stored, key, value)
    return tables.table(context, resource, [obj], obj["metadata"].get("resourceVersion", "")) if request.options.as_table else obj


def _outward(context: Context, resource: Resource, stored: Resource, key: str, obj: Object) -> Object:
    shown = resource.from_storage(obj)
    if context.request.options.as_table or not context.from_outside:
        return shown
    return context.server.managed.shown(stored, key, shown)


def list_objects(context: Context, resource: Resource) -> Object:
    """GET of a collection: a list object with the revision at which it was true."""
    server, options = context.server, context.request.options
    stored = server.catalogue.storage_of(resource)
    revision, start = _position(context)
    keep = matcher(stored, options.label_selector, options.field_selector)
    entries = _entries(context, stored, revision, start)
    page, more = _page(entries, keep, options.limit)
    meta: dict[str, Any] = {"resourceVersion": str(revision)}
    if more:
        meta["continue"] = _token(revision, more[0][0])
        if not options.label_selector and not options.field_selector:
            meta["remainingItemCount"] = len(more)
    items = FrozenList([_outward(context, resource, stored, key, obj) for key, obj in page])
    if options.as_table:
        return tables.table(context, resource, items, str(revision), meta)
    return FrozenDict({"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": FrozenDict(meta), "items": items})


Entry = tuple[str, Object]


def _position(context: Context) -> tuple[int, str]:
    """The revision to read at, and the key to start from."""
    options, store = context.request.options, context.server.store
    if options.continue_token:
        try:
            token = json.loads(base64.urlsafe_b64decode(options.continue_token + "=="))
            return int(token["rv"]), str(token["start"])
        except (ValueError, KeyError, TypeError, OverflowError):
            raise bad_request("continue key is not valid: illegal base64 data at input byte 0") from None
    revision = revision_of(options.resource_version)
    if options.resource_version_match == "Exact" and revision:
        return revision, ""
    if revision > store.revision:
        raise ApiError(504, "Timeout", f"Too large resource version: {options.resource_version}, current: {store.revision}", {})
    return store.revision, ""


def revision_of(text: str) -> int:
    """A resourceVersion as a number; 0 where none is named. Raises ApiError 500, in the server's words."""
    try:
        return parse_uint(text) if text else 0
    except ValueError as problem:
        raise ApiError(500, "", f"resourceVersion: Invalid value: {quote(text)}: {problem}", {}) from None


def _entries(context: Context, stored: Resource, revision: int, start: str) -> list[Entry]:
    store, request = context.server.store, context.request
    if stored.listed is not None:
        return [(key_of(stored, "", one["metadata"]["name"]), one) for one in stored.listed(context)]
    prefix = stored.prefix + (f"{request.namespace}/" if stored.namespaced and request.namespace else "")
    if revision == store.revision:
        return [(key, item.value) for key, item in store.range(prefix, start)]
    try:
        world = store.at(revision, prefix)
    except Compacted:
        raise expired(_CONTINUE_EXPIRED if start else "The resourceVersion for the provided list is too old.") from None
    if revision < store.state.compacted:
        raise expired(_CONTINUE_EXPIRED if start else "The resourceVersion for the provided list is too old.")
    return [(key, value) for key, value in world.items() if key >= start]


def _page(entries: list[Entry], keep: Callable[[Object], bool], limit: int) -> tuple[list[Entry], list[Entry]]:
    """The entries that match, at most ``limit``, and all that follow the page."""
    page: list[Entry] = []
    for index, entry in enumerate(entries):
        if limit and len(page) == limit:
            return page, entries[index:]
        if keep(entry[1]):
            page.append(entry)
    return page, []


def _token(revision: int, start: str) -> str:
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": revision, "start": start}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def matcher(resource: Resource, labels: str, fields: str) -> Callable[[Object], bool]:
    """What decides whether an object is listed. Raises ApiError 400 for selectors that cannot be read."""
    if not labels and not fields:
        return lambda _obj: True
    try:
        by_label = selectors.parse(labels)
        by_field = selectors.parse_fields(fields)
        selectors.check_fields(by_field, ["metadata.name", *_namespace(resource), *resource.selectable_fields])
    except selectors.SelectorError as error:
        raise bad_request(str(error)) from None
    return lambda obj: by_label.matches(obj["metadata"].get("labels")) and by_field.matches(lambda name: field_value(resource, name, obj))


def _namespace(resource: Resource) -> Iterable[str]:
    return ["metadata.namespace"] if resource.namespaced else []


def watch(context: Context, resource: Resource) -> Object:
    """GET with ``watch``: opens a watch and gives its number; the caller takes events from the server's ``visitors``, and closes it.

    With a resourceVersion, everything since then comes first; where that is gone, one ERROR is all that comes. Without, or
    with ``sendInitialEvents``, the present objects come as ADDED, then a bookmark where those were asked for.
    """
    server, request = context.server, context.request
    options, stored = request.options, server.catalogue.storage_of(resource)
    keep = matcher(stored, options.label_selector, options.field_selector)
    field_selector = f"metadata.name={request.name}" if request.name else options.field_selector
    begin = revision_of(options.resource_version)
    opened = server.visitors.open(
        stored.key, namespace=request.namespace if stored.namespaced else "", labels=options.label_selector,
        fields=field_selector, component="", revision=server.store.revision,
    )  # fmt: skip
    if not begin or options.send_initial_events:
        entries = _entries(context, stored, server.store.revision, "")
        server.visitors.preload(opened, [obj for _, obj in entries if keep(obj)], bookmark=options.send_initial_events)
    else:
        try:
            server.visitors.replay(opened, stored, server.store.changes_since(begin, stored.prefix))
        except Compacted as gone:
            server.visitors.fail(opened.id, too_old(begin, gone.floor))
    return FrozenDict({"kind": "Watch", "apiVersion": "k8snb", "id": opened.id})
