"""No object breaks the server: every example, damaged at every place in several ways, is accepted or refused in words."""

from collections.abc import Iterator
from typing import Any

import pytest

from k8snb.apimachinery.decode import decode_object
from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import freeze, put, thaw
from k8snb.apimachinery.resource import Resource
from k8snb.resources import OWN

NOW = 1_767_225_600_000_000
SYSTEM = {"uid": "0f3a", "creationTimestamp": "2026-01-01T00:00:00Z", "namespace": "shop"}
BY_KIND = {(resource.group, resource.version, resource.kind): resource for resource in OWN}
GONE = object()


def paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where there is something to damage."""
    if here:
        yield here
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*here, key))


def damages(value: Any) -> list[Any]:
    """Ways to damage a value."""
    if isinstance(value, bool):
        return [GONE, None, not value]
    if isinstance(value, str):
        return [GONE, None, "", "No Such Thing!", "x" * 300, 7]
    if isinstance(value, int):
        return [GONE, None, 0, -1, 2**31 - 1, "x"]
    return [GONE, None, [] if isinstance(value, list) else {}, value * 2 if isinstance(value, list) else "x"]


def damaged(example: Any, path: tuple[Any, ...], damage: Any) -> Any:
    """A copy of the example with one place damaged."""
    copy = thaw(example)
    parent = copy
    for key in path[:-1]:
        parent = parent[key]
    if damage is GONE:
        del parent[path[-1]]
    else:
        parent[path[-1]] = damage
    return freeze(copy)


def judge(resource: Resource, body: Any, old: Any) -> Any:
    """What a server does with a body, as far as the kind is concerned; the stored object."""
    obj, _ = decode_object(resource.schema, body, kind=resource.kind, version=resource.version, field_validation="Ignore")
    obj = resource.to_storage(resource.default(obj))
    group, slash, version = (resource.storage or resource.version).rpartition("/")
    stored = BY_KIND[group if slash else resource.group, version, resource.kind]
    obj = stored.canonicalize(stored.prepare_for_create(put(obj, "metadata", {**(obj.get("metadata") or {"name": "x"}), **SYSTEM})))
    if stored.validate(obj) or stored.validate_create(obj):
        return None
    stored.warnings(obj, None)
    if "name" in obj["metadata"]:
        resource.cells(resource.from_storage(obj), NOW)
    if old is not None:
        changed = stored.prepare_for_update(obj, old)
        stored.validate_update(changed, old)
        stored.validate_status_update(changed, old)
        stored.warnings(changed, old)
    return obj


@pytest.mark.parametrize("resource", [r for r in OWN if r.answer is None and "list" in r.verbs], ids=repr)
def test_a_damaged_object_is_judged_and_not_choked_on(resource: Resource) -> None:
    example = freeze(resource.example)
    sound = judge(resource, example, None)
    assert sound is not None
    for path in paths(example):
        for damage in damages(_at(example, path)) if path[0] not in ("apiVersion", "kind") else ():
            refused = _code_of(resource, damaged(example, path, damage), sound)
            assert refused in (0, 400), (path, damage)


def _code_of(resource: Resource, body: Any, old: Any) -> int:
    """The code with which a body cannot even be decoded; 0 where it was judged."""
    try:
        judge(resource, body, old)
    except ApiError as refusal:
        return refusal.code
    return 0


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value
