"""JSON patch (RFC 6902): a list of operations, applied in order; all or none.

    apply_json_patch(pod, [{"op": "test", "path": "/spec/replicas", "value": 1}, {"op": "replace", "path": "/spec/replicas", "value": 2}])

Models: github.com/evanphx/json-patch v4 as k8s.io/apiserver/pkg/endpoints/handlers/patch.go uses it: negative indexes count from the
end, a ``test`` for null succeeds where nothing is, and a failure is answered with one sentence that does not say which.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from k8snb.apimachinery.errors import ApiError, bad_request
from k8snb.apimachinery.gojson import json_name
from k8snb.apimachinery.objects import FrozenDict, FrozenList, Object, freeze

MOST_OPERATIONS = 10_000


def equal(a: Any, b: Any) -> bool:
    """Whether two JSON values are equal. Unlike Python's, JSON's true is not 1."""
    if a is b:
        return True
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b) and isinstance(a, bool) == isinstance(b, bool)


def rejected() -> ApiError:
    """422: the server's answer to a JSON patch that does not fit the object. It does not say more, and neither do we."""
    return ApiError(422, "Invalid", "the server rejected our request due to an error in our request")


class _Mismatch(LookupError):
    """An operation of a JSON patch does not fit the document."""


def apply_json_patch(obj: Object, operations: Any) -> FrozenDict:
    """The object with the operations of a JSON patch (RFC 6902) applied in order; all or none.

    Raises ApiError: 400 if this is no list of operations, 422 if one does not fit (a ``test`` that fails, a path that is not there).
    """
    if not isinstance(operations, list):
        raise bad_request(f"json: cannot unmarshal {json_name(operations)} into Go value of type jsonpatch.Patch")
    if len(operations) > MOST_OPERATIONS:
        limit = f"The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {len(operations)}"
        raise ApiError(413, "RequestEntityTooLarge", limit)
    result: Any = freeze(obj)
    try:
        for operation in operations:
            result = _OPERATIONS[operation["op"]](result, operation)
    except (_Mismatch, KeyError, TypeError):
        raise rejected() from None
    if not isinstance(result, FrozenDict):
        raise rejected()
    return result


def _pointer(path: str) -> list[str]:
    if not path:
        return []
    if not path.startswith("/"):
        raise _Mismatch(path)
    return [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]


def _index(items: list[Any], part: str, *, adding: bool = False) -> int:
    if adding and part == "-":
        return len(items)
    try:
        index = int(part)
    except ValueError:
        raise _Mismatch(part) from None
    size = len(items) + adding
    if not -size <= index < size:
        raise _Mismatch(part)
    return index + size if index < 0 else index


def _child(node: Any, part: str) -> Any:
    if isinstance(node, dict) and part in node:
        return node[part]
    if isinstance(node, list):
        return node[_index(node, part)]
    raise _Mismatch(part)


def _at(node: Any, parts: list[str]) -> Any:
    for part in parts:
        node = _child(node, part)
    return node


def _edit(node: Any, parts: list[str], leaf: Callable[[Any, str], Any]) -> Any:
    """``node`` with its part at ``parts`` edited by ``leaf(parent, last part)``."""
    head, rest = parts[0], parts[1:]
    if not rest:
        return leaf(node, head)
    new = _edit(_child(node, head), rest, leaf)
    if isinstance(node, dict):
        return FrozenDict({**node, head: new})
    at = _index(node, head)
    return FrozenList([*node[:at], new, *node[at + 1 :]])


def _put_at(doc: Any, path: str, value: Any, *, replace: bool) -> Any:
    parts = _pointer(path)
    if not parts:
        return freeze(value)

    def leaf(node: Any, part: str) -> Any:
        if replace:
            _child(node, part)
        if isinstance(node, dict):
            return FrozenDict({**node, part: freeze(value)})
        if not isinstance(node, list):
            raise _Mismatch(part)
        at = _index(node, part, adding=not replace)
        return FrozenList([*node[:at], freeze(value), *node[at + replace :]])

    return _edit(doc, parts, leaf)


def _add(doc: Any, operation: Mapping[str, Any]) -> Any:
    return _put_at(doc, operation["path"], operation.get("value"), replace=False)


def _replace(doc: Any, operation: Mapping[str, Any]) -> Any:
    return _put_at(doc, operation["path"], operation.get("value"), replace=True)


def _remove(doc: Any, operation: Mapping[str, Any]) -> Any:
    def leaf(node: Any, part: str) -> Any:
        _child(node, part)
        if isinstance(node, dict):
            return FrozenDict({key: value for key, value in node.items() if key != part})
        at = _index(node, part)
        return FrozenList([*node[:at], *node[at + 1 :]])

    parts = _pointer(operation["path"])
    if not parts:
        raise _Mismatch("")
    return _edit(doc, parts, leaf)


def _move(doc: Any, operation: Mapping[str, Any]) -> Any:
    value = _at(doc, _pointer(operation["from"]))
    return _put_at(_remove(doc, {"path": operation["from"]}), operation["path"], value, replace=False)


def _copy(doc: Any, operation: Mapping[str, Any]) -> Any:
    return _put_at(doc, operation["path"], _at(doc, _pointer(operation["from"])), replace=False)


def _test(doc: Any, operation: Mapping[str, Any]) -> Any:
    try:
        found = _at(doc, _pointer(operation["path"]))
    except _Mismatch:
        found = None  # evanphx/json-patch: what is not there equals null
    if not equal(found, operation.get("value")):
        raise _Mismatch(operation["path"])
    return doc


_OPERATIONS = {"add": _add, "copy": _copy, "move": _move, "remove": _remove, "replace": _replace, "test": _test}
