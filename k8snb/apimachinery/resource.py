"""What the API server knows about a kind: one :class:`Resource` record, exported as ``RESOURCE`` by one file per kind.

Most of a kind is data (its schema, its columns); the rest are small pure functions with the names that Kubernetes' own
strategies have. They get and give **frozen** objects (:mod:`k8snb.apimachinery.objects`): a hook that has nothing to change
returns what it was given, so that work on an unchanged subtree is done once (:func:`once`).

    decode -> prune -> default -> (mutating admission) -> prepare_for_create | prepare_for_update -> validate -> store

Models: k8s.io/apiserver/pkg/registry/rest (RESTCreateStrategy, RESTUpdateStrategy) and pkg/registry/*/strategy.go.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from k8snb.apimachinery.errors import Errors
from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.prefixes import prefix

Hook = Callable[[Object], Object]
UpdateHook = Callable[[Object, Object], Object]
T = TypeVar("T")


def once(function: Callable[[Any], T]) -> Callable[[Any], T]:
    """Remember the result of a pure function of one frozen dict or list on that value itself."""

    @functools.wraps(function)
    def remembered(value: Any) -> T:
        try:
            known = value.memo
        except AttributeError:  # the slot is empty: nothing was ever asked of this value
            known = value.memo = {}
        if function in known:
            return known[function]  # type: ignore[no-any-return]
        result = known[function] = function(value)
        return result

    return remembered


def same(obj: Object) -> Object:
    """The hook that changes nothing."""
    return obj


def keep_new(obj: Object, _old: Object) -> Object:
    """The update hook that changes nothing."""
    return obj


def no_errors(_obj: Object) -> Errors:
    """The validation that accepts everything."""
    return []


def no_update_errors(_obj: Object, _old: Object) -> Errors:
    """The update validation that accepts everything."""
    return []


def no_warnings(_obj: Object, _old: Object | None) -> list[str]:
    """The kind that never warns."""
    return []


def never(_obj: Object) -> bool:
    """The kind that nothing of its own keeps from being deleted."""
    return False


def no_cells(obj: Object, _now: int) -> list[Any]:
    """The row of a kind without columns of its own: name and creation time."""
    return [obj["metadata"]["name"], obj["metadata"].get("creationTimestamp")]


def no_schema() -> None:
    """The kind whose type is not known: everything is kept as it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subresource:
    """A named part of an object with its own verbs: ``status``, ``scale``, ``eviction``, ``binding``, ``log`` ...

    ``handler(context, request, obj)`` answers requests for it and returns the response body; ``status`` and ``scale`` need
    none, the server handles them. ``context`` is the server's :class:`~k8snb.apiserver.server.Context`. A subresource with
    ``part`` is an update of which only that part counts: ``part(new, old)`` gives the object to write, ``validate(new, old)``
    says what is wrong with it, instead of the kind's own ``validate_update``.
    """

    name: str
    verbs: tuple[str, ...] = ("get", "patch", "update")
    kind: str = ""  # of the body, where it differs from the parent: "apps/v1 Scale"
    handler: Callable[[Any, Any, Object | None], Object] | None = None
    part: UpdateHook | None = None
    validate: Callable[[Object, Object], Errors] = no_update_errors
    own_names: bool = False  # its names say more than which object (``http:web:80``): the handler finds that itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One served resource. The first block comes from discovery data, the rest from the file of the kind."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    verbs: tuple[str, ...]
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    columns: tuple[Mapping[str, Any], ...] = ()  # name, type, format, priority (reference/tables.json)
    subresources: Mapping[str, Subresource] = field(default_factory=dict)

    schema_source: Callable[[], Any] = no_schema  # gives `schema`; called when it is first needed, remembers by itself
    storage: str = ""  # "v1": the version that is stored, where the kind is served in several
    to_storage: Hook = same  # this version -> the stored one
    from_storage: Hook = same

    default: Hook = same
    prepare_for_create: Hook = same  # after the generic part: status dropped, generation 1
    prepare_for_update: UpdateHook = keep_new  # after the generic part: status kept, generation counted
    prepare_for_status_update: UpdateHook = keep_new
    canonicalize: Hook = same
    validate: Callable[[Object], Errors] = no_errors  # spec and kind-specific metadata; ObjectMeta is the server's
    validate_create: Callable[[Object], Errors] = no_errors  # beside validate(): what only a new object may not have
    validate_update: Callable[[Object, Object], Errors] = no_update_errors  # beside validate(): what may not change
    validate_status_update: Callable[[Object, Object], Errors] = no_update_errors
    warnings: Callable[[Object, Object | None], list[str]] = no_warnings
    validate_name: Callable[[str], list[str]] | None = None  # name -> messages; None: DNS-1123 subdomain
    cells: Callable[[Object, int], list[Any]] = no_cells  # obj, now (µs) -> one value per column
    selectable_fields: Mapping[str, Callable[[Object], str]] = field(default_factory=dict)
    custom: bool = False  # defined by a CustomResourceDefinition
    status_on_create: bool = False  # a new object may bring its status (Node, Namespace ...)
    counts_generation: bool = False  # metadata.generation counts changes of spec
    graceful_delete: Callable[[Object, int | None], int] | None = None  # obj, asked seconds -> granted seconds
    allocate: Callable[[Any, Object, Object | None], Object] | None = None  # context, obj, old: take IPs, ports; after validation
    listed: Callable[[Any], list[Object]] | None = None  # context: the objects that there are, where nothing is stored
    answer: Callable[[Any, Object], Object] | None = None  # context, obj: the response to a creation; nothing is stored (reviews)
    release: Callable[[Any, Object], None] | None = None  # context, obj: give them back after deletion
    prepare_for_delete: Hook = same  # an object that now waits for its end: a Namespace becomes Terminating
    holds_deletion: Callable[[Object], bool] = never  # beside finalizers and grace: a Namespace's spec.finalizers
    update_errors_first: bool = False  # validate_update() is told before validate(), as most of core does
    default_propagation: str = "Background"  # of a deletion that does not say: Background or Orphan
    deprecated: str = ""  # the warning that goes with every answer, where the API version is on its way out
    example: Object | None = None  # a small manifest that a real server accepts
    simulated: bool = False  # some component acts on it; otherwise its creation warns once

    api_version: str = field(init=False, default="")  # "apps/v1", or "v1" for the core group
    key: str = field(init=False, default="")  # how it is named in code: "deployments.apps", "pods"; one for all versions
    prefix: str = field(init=False, default="")  # under what its objects lie in etcd: "/registry/deployments/"

    def __post_init__(self) -> None:
        """Names that are asked for with every request are made once."""
        object.__setattr__(self, "api_version", f"{self.group}/{self.version}" if self.group else self.version)
        object.__setattr__(self, "key", f"{self.plural}.{self.group}" if self.group else self.plural)
        object.__setattr__(self, "prefix", prefix(self.key, custom=self.custom))

    @property
    def schema(self) -> Any:
        """The type of the whole object (:class:`k8snb.apimachinery.schema.Type`), or None where it is not known."""
        return self.schema_source()

    def __repr__(self) -> str:
        return f"<Resource {self.key} {self.api_version} {self.kind}>"
