"""From Ingress objects to servers and locations, and which of them a request meets. Pure functions over plain data.

    host   exact before wildcard (one label) before "no host"; a host that nobody claims meets the default backend
    path   Exact before Prefix; of several prefixes the longest; Prefix goes by whole elements: /shop is not /shopping
    twice  two Ingresses claim the same host and path: the older one has it

Models: networking.k8s.io/v1 Ingress as its API documents it; ingress-nginx: internal/ingress/controller/controller.go
(createServers, getBackendServers), template/template.go (buildLocation).
Simplified: annotations other than those in :data:`ANNOTATIONS` change nothing, and the controller says so; there is no canary, no
authentication.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, Object, dig
from k8snb.apimachinery.patterns import Match, PatternError, go, pcre
from k8snb.component_helpers.timing import timing
from k8snb.sim.clock import SECOND

PREFIX = "nginx.ingress.kubernetes.io/"
ANNOTATIONS = (
    "ssl-redirect", "force-ssl-redirect", "rewrite-target", "use-regex", "proxy-connect-timeout", "proxy-read-timeout",
    "permanent-redirect", "temporal-redirect", "app-root",
)  # fmt: skip
EXACT, PREFIX_PATH = "Exact", "Prefix"
CONNECT_TIMEOUT, READ_TIMEOUT = timing("ingress connect") // SECOND, timing("ingress read") // SECOND


class Target(NamedTuple):
    """The Service and port that a path leads to; ``port`` is a number or a name, as the Ingress has it."""

    namespace: str
    service: str
    port: int | str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.service}:{self.port}"


class Location(NamedTuple):
    """One path of one host."""

    host: str  # empty: every host that has no server of its own
    path: str
    kind: str  # pathType
    ingress: str  # namespace/name
    target: Target | None  # None: a resource backend, which nobody serves
    options: tuple[tuple[str, str], ...] = ()  # annotations without their prefix
    unheard: tuple[str, ...] = ()  # annotations of the controller that are not simulated

    def option(self, name: str, default: str = "") -> str:
        """The value of an annotation."""
        return dict(self.options).get(name, default)

    @property
    def regex(self) -> bool:
        """Whether the path is a regular expression."""
        return self.kind != EXACT and (self.option("use-regex") == "true" or bool(self.option("rewrite-target")))

    def __str__(self) -> str:
        return f"{self.host or '*'}{self.path}"

    def timeout(self, name: str, default: int) -> int:
        """A timeout in seconds."""
        value = self.option(name)
        return int(value) if value.isdecimal() and int(value) else default


def options_of(ingress: Object) -> tuple[tuple[str, str], ...]:
    """The annotations that matter."""
    given = ingress["metadata"].get("annotations") or EMPTY_DICT
    return tuple((name, str(given[PREFIX + name])) for name in ANNOTATIONS if PREFIX + name in given)


def unheard_in(ingress: Object) -> tuple[str, ...]:
    """The controller's annotations on an Ingress that are not simulated (or are misspelled), in order of their names."""
    given = ingress["metadata"].get("annotations") or EMPTY_DICT
    return tuple(sorted(name for name in given if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in ANNOTATIONS))


def locations_of(ingresses: Iterable[Object]) -> tuple[Location, ...]:
    """All locations, in the order in which they are tried. The Ingresses must come oldest first."""
    found: dict[tuple[str, str, bool], Location] = {}
    for ingress in ingresses:
        for location in _of_one(ingress):
            found.setdefault((location.host, location.path, location.kind == EXACT), location)
    return tuple(sorted(found.values(), key=_precedence))


def _precedence(location: Location) -> tuple[bool, str, bool, bool, int, str]:
    host = location.host
    return host == "", host, location.kind != EXACT, location.path == "/" and location.kind == "", -len(location.path), location.path


def _of_one(ingress: Object) -> Iterable[Location]:
    meta, options, unheard = ingress["metadata"], options_of(ingress), unheard_in(ingress)
    key = f"{meta['namespace']}/{meta['name']}"
    rules = dig(ingress, "spec.rules", EMPTY_LIST)
    for rule in rules:
        for path in dig(rule, "http.paths", EMPTY_LIST):
            target = _target(path["backend"], meta["namespace"])
            yield Location((rule.get("host") or "").lower(), path.get("path") or "/", path["pathType"], key, target, options, unheard)
    default = dig(ingress, "spec.defaultBackend")
    if default is not None:  # last in each server of this Ingress, and in the one for all other hosts
        for host in dict.fromkeys([*((rule.get("host") or "").lower() for rule in rules), ""]):
            yield Location(host, "/", "", key, _target(default, meta["namespace"]), options, unheard)


def _target(backend: Object, namespace: str) -> Target | None:
    service = backend.get("service")
    if not service:
        return None
    port = service.get("port") or EMPTY_DICT
    return Target(namespace, service["name"], port.get("name") or port.get("number", 0))


def server_of(host: str, hosts: Sequence[str]) -> str | None:
    """Which server a host meets: its own, that of a wildcard, or (empty) the one for all others; None where there is none."""
    wanted = host.lower().rstrip(".")
    if wanted in hosts:
        return wanted
    label, _, parent = wanted.partition(".")
    if label and f"*.{parent}" in hosts:
        return f"*.{parent}"
    return "" if "" in hosts else None


def locate(locations: Sequence[Location], host: str, path: str) -> Location | None:
    """The location that a request meets; None where the default backend answers."""
    server = server_of(host, list(dict.fromkeys(location.host for location in locations)))
    return next((one for one in locations if one.host == server and matches(one, path)), None) if server is not None else None


def matches(location: Location, path: str) -> bool:
    """Whether a path is a location's.

    >>> [matches(Location("", "/shop", "Prefix", "", None), path) for path in ("/shop", "/shop/a", "/shopping")]
    [True, True, False]
    """
    path = path.partition("?")[0]
    if location.kind == EXACT:
        return path == location.path
    if location.regex:
        return _found(location.path, path) is not None
    if location.kind == PREFIX_PATH:
        wanted = location.path.rstrip("/")
        return path == wanted or path.startswith(wanted + "/")
    return path.startswith(location.path)


def _found(path: str, asked: str) -> Match | None:
    """How a regular expression fits the beginning of a path. What is none, or could take too long, fits nothing but itself."""
    try:
        return pcre(path, ignore_case=True).match(asked)
    except PatternError:
        return go(re.escape(path)).match(asked)


def rewritten(location: Location, path: str) -> str:
    """The path that the backend is asked for: ``rewrite-target`` with ``$1`` for what was in the first pair of brackets."""
    target = location.option("rewrite-target")
    if not target:
        return path
    plain, mark, query = path.partition("?")
    found = _found(location.path, plain)
    groups = found.groups() if found else ()
    new = re.sub(r"\$(\d)", lambda m: (groups[int(m[1]) - 1] or "") if 0 < int(m[1]) <= len(groups) else "", target)
    return (new or "/") + mark + query
