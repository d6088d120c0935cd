"""What an API server answers when it says no: ``Status`` objects, and the field errors inside them.

Two kinds of trouble, kept apart:

* a *field error* says which field of an object is wrong and why. Validation collects all of them, never only the first.
  Paths are **relative** to the value that was validated; the caller puts its own path in front with :func:`within`.
  Therefore the verdict on a frozen subtree can be remembered on it, wherever it is used.
* an *API error* is the answer to a request: code, reason and message in Kubernetes' exact words, raised as
  :class:`ApiError` and sent as a ``Status`` object.

Models: k8s.io/apimachinery/pkg/util/validation/field/errors.go, pkg/api/errors/errors.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from k8snb.apimachinery.gotext import go_json

_NO_VALUE = {"FieldValueRequired", "FieldValueForbidden", "FieldValueTooLong", "FieldValueTooMany", "InternalError"}
_WORDS = {
    "FieldValueNotFound": "Not found",
    "FieldValueRequired": "Required value",
    "FieldValueDuplicate": "Duplicate value",
    "FieldValueInvalid": "Invalid value",
    "FieldValueNotSupported": "Unsupported value",
    "FieldValueForbidden": "Forbidden",
    "FieldValueTooLong": "Too long",
    "FieldValueTooMany": "Too many",
    "FieldValueTypeInvalid": "Invalid value",
    "InternalError": "Internal error",
}


class FieldError(NamedTuple):
    """One thing that is wrong with one field: ``reason`` is the machine word, ``message`` Kubernetes' sentence."""

    field: str
    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


Errors = list[FieldError]


def show(value: Any) -> str:
    """A bad value as Go prints it in an error: text quoted, the rest as compact JSON in the order given, safe in HTML."""
    return quote(value) if isinstance(value, str) else go_json(value, sort=False)


def quote(text: str) -> str:
    """Text as Go's ``%q`` prints it.

    >>> print(quote('say "日本"\\n'), quote("\\x00\\x7f\\u200b"))
    "say \\"日本\\"\\n" "\\x00\\x7f\\u200b"
    """
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return f'"{"".join(char if char.isprintable() and char not in _NAMED else _escaped(char) for char in text)}"'


_NAMED = {'"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}


def _escaped(char: str) -> str:
    code = ord(char)
    if 0xD800 <= code < 0xE000:  # no text in Go can hold half a pair
        return "\ufffd"
    return _NAMED.get(char) or (f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")


def _error(reason: str, field: str, value: Any, detail: str) -> FieldError:
    words = _WORDS[reason] if reason in _NO_VALUE else f"{_WORDS[reason]}: {show(value)}"
    return FieldError(field, reason, f"{words}: {detail}" if detail else words)


def required(field: str, detail: str = "") -> FieldError:
    """The field must have a value."""
    return _error("FieldValueRequired", field, None, detail)


def invalid(field: str, value: Any, detail: str) -> FieldError:
    """The field's value breaks a rule: ``detail`` says which."""
    return _error("FieldValueInvalid", field, value, detail)


def type_invalid(field: str, value: Any, detail: str) -> FieldError:
    """The field's value has the wrong type (custom resources)."""
    return _error("FieldValueTypeInvalid", field, value, detail)


def forbidden(field: str, detail: str) -> FieldError:
    """The field may not be set here, or may not change."""
    return _error("FieldValueForbidden", field, None, detail)


def internal(field: str, detail: str) -> FieldError:
    """The server itself failed over the field."""
    return _error("InternalError", field, None, detail)


def duplicate(field: str, value: Any) -> FieldError:
    """The value must be unique within its list, and is not."""
    return _error("FieldValueDuplicate", field, value, "")


def not_found(field: str, value: Any) -> FieldError:
    """The value names something that does not exist in the same object."""
    return _error("FieldValueNotFound", field, value, "")


def not_supported(field: str, value: Any, supported: Iterable[str]) -> FieldError:
    """The value is none of an enumeration. ``supported`` is printed in the order given."""
    choices = ", ".join(quote(choice) for choice in supported)
    return _error("FieldValueNotSupported", field, value, f"supported values: {choices}" if choices else "")


def too_long(field: str, limit: int) -> FieldError:
    """The text is longer than ``limit`` bytes."""
    return _error("FieldValueTooLong", field, None, f"may not be more than {limit} bytes")


def too_many(field: str, count: int, limit: int) -> FieldError:
    """The list has ``count`` items where ``limit`` are allowed."""
    return FieldError(field, "FieldValueTooMany", f"Too many: {count}: must have at most {limit} items")


def within(prefix: str, errors: Iterable[FieldError]) -> Errors:
    """The same errors seen from the parent: ``within("spec", [ports[0]: ...])`` gives ``spec.ports[0]: ...``."""
    return [e._replace(field=_join(prefix, e.field)) for e in errors] if errors else []


def _join(prefix: str, field: str) -> str:
    if not field or not prefix:
        return prefix or field
    return prefix + field if field.startswith("[") else f"{prefix}.{field}"


NAMESPACE_TERMINATING = "NamespaceTerminating"
"""The cause of what a namespace refuses because it is going away."""


class ApiError(Exception):
    """A request was refused. ``status`` is the Kubernetes ``Status`` object that says why."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None):
        super().__init__(message)
        self.code, self.reason, self.message, self.details = code, reason, message, details

    def _render_traceback_(self) -> list[str]:
        """In a notebook a refusal is an answer, not a crash: IPython asks here, and shows no traceback."""
        return [f"Error from server ({self.reason or self.code}): {self.message}"]

    @property
    def status(self) -> dict[str, Any]:
        """The ``Status`` object as the server sends it."""
        status: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message}
        if self.reason:
            status["reason"] = self.reason
        if self.details:
            status["details"] = self.details
        return status | {"code": self.code}


def aggregate(messages: Iterable[str]) -> str:
    """One error as it is, several in brackets, each message once; empty: there is none.

    Models: k8s.io/apimachinery/pkg/util/errors (Aggregate).

    >>> aggregate(["too long"]), aggregate(["too long", "too wide", "too long"])
    ('too long', '[too long, too wide]')
    """
    once = list(dict.fromkeys(messages))
    return f"[{', '.join(once)}]" if len(once) > 1 else "".join(once)


def has_cause(error: ApiError, reason: str) -> bool:
    """Whether the details of a refusal name this cause. Models: k8s.io/apimachinery/pkg/api/errors (HasStatusCause)."""
    return any(cause.get("reason") == reason for cause in (error.details or {}).get("causes") or ())


def qualified(group: str, plural: str) -> str:
    """``deployments.apps``, or ``pods`` for the core group."""
    return f"{plural}.{group}" if group else plural


def _details(group: str, kind: str, name: str, causes: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    pairs: dict[str, Any] = {"name": name, "group": group, "kind": kind, "causes": list(causes)}
    return {key: value for key, value in pairs.items() if value}


def object_not_found(group: str, plural: str, name: str) -> ApiError:
    """404: there is no such object."""
    return ApiError(404, "NotFound", f'{qualified(group, plural)} "{name}" not found', _details(group, plural, name))


def already_exists(group: str, plural: str, name: str) -> ApiError:
    """409: an object of this name is there already."""
    return ApiError(409, "AlreadyExists", f'{qualified(group, plural)} "{name}" already exists', _details(group, plural, name))


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def conflict(group: str, plural: str, name: str, why: str = MODIFIED) -> ApiError:
    """409: somebody was faster (optimistic concurrency), or the operation does not fit the object's state."""
    message = f'Operation cannot be fulfilled on {qualified(group, plural)} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(group, plural, name))


def object_invalid(group: str, kind: str, name: str, errors: Sequence[FieldError]) -> ApiError:
    """422: validation refused the object."""
    message = f'{qualified(group, kind)} "{name}" is invalid'
    if errors:
        message += f": {aggregate(map(str, errors))}"
    causes = [{"reason": e.reason, "message": e.message, "field": e.field} for e in errors]
    return ApiError(422, "Invalid", message, _details(group, kind, name, causes))


def request_forbidden(group: str, plural: str, name: str, why: str) -> ApiError:
    """403: authorization or an admission plugin said no."""
    where = qualified(group, plural)
    message = f'{where} "{name}" is forbidden: {why}' if name else f"{where} is forbidden: {why}"
    return ApiError(403, "Forbidden", message, _details(group, plural, name))


def bad_request(message: str) -> ApiError:
    """400: the request cannot be understood."""
    return ApiError(400, "BadRequest", message)


def expired(message: str) -> ApiError:
    """410: the revision asked for is compacted away; list again."""
    return ApiError(410, "Expired", message)
