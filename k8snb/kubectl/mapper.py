"""Which resource is meant: ``po``, ``pods``, ``Pod``, ``deployments.apps``, ``deploy.v1.apps``, ``all``.

The names come from the server's discovery documents, in the order in which it lists them; the first that fits wins.

Models: k8s.io/client-go/restmapper (discovery.go, shortcut.go, category_expansion.go), k8s.io/apimachinery/pkg/api/meta (priority.go).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from k8snb.apimachinery.errors import quote
from k8snb.kubectl.result import NoMatch


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource as discovery describes it (kubectl calls it a REST mapping)."""

    group: str
    version: str
    kind: str
    resource: str
    singular: str
    namespaced: bool
    verbs: tuple[str, ...] = ()
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: Mapping[str, tuple[str, str, str]] | None = None  # name -> group, version, kind of its body

    @property
    def api_version(self) -> str:
        """``apps/v1``, or ``v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def label(self) -> str:
        """How messages call an object of it: ``deployment.apps``, ``pod``."""
        return label_of(self.group, self.kind)

    @property
    def qualified(self) -> str:
        """``deployments.apps``, ``pods``."""
        return f"{self.resource}.{self.group}" if self.group else self.resource


def label_of(group: str, kind: str) -> str:
    """``deployment.apps`` for a kind and its group."""
    return f"{kind.lower()}.{group}" if group else kind.lower()


def group_of(obj: Mapping[str, Any]) -> str:
    """The API group of an object."""
    return str(obj.get("apiVersion") or "").rpartition("/")[0]


def kinds_of(*documents: Mapping[str, Any]) -> tuple[Kind, ...]:
    """Every resource in aggregated discovery documents, in their order."""
    return tuple(
        _kind(group["metadata"].get("name", ""), version["version"], row)
        for document in documents
        for group in document["items"]
        for version in group["versions"]
        for row in version["resources"]
    )


def _kind(group: str, version: str, row: Mapping[str, Any]) -> Kind:
    subresources = {
        sub["subresource"]: (body.get("group") or group, body.get("version") or version, body.get("kind", ""))
        for sub in row.get("subresources", ())
        for body in (sub.get("responseKind") or {},)
    }
    return Kind(
        group, version, row["responseKind"]["kind"], row["resource"], row.get("singularResource", ""),
        row["scope"] == "Namespaced", tuple(row.get("verbs", ())), tuple(row.get("shortNames", ())),
        tuple(row.get("categories", ())), subresources,
    )  # fmt: skip


class Discovered:
    """What discovery said last, kept from one command to the next. kubectl asks again when something is not in it."""

    __slots__ = ("kinds",)

    def __init__(self) -> None:
        self.kinds: tuple[Kind, ...] = ()


class Mapper:
    """Finds resources by any of their names. ``ask`` is discovery; it is asked when nothing is known yet, and once more on a miss."""

    def __init__(self, ask: Callable[[], Iterable[Kind]], known: Discovered, warn: Callable[[str], None]):
        self.ask, self.known, self.warn, self.fresh = ask, known, warn, False
        if not known.kinds:
            self.refresh()

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Every known resource, in the server's order."""
        return self.known.kinds

    def refresh(self) -> bool:
        """Ask the server again, once a command; whether it was asked."""
        if self.fresh:
            return False
        self.known.kinds, self.fresh = tuple(self.ask()), True
        return True

    def resource(self, text: str) -> Kind:
        """The resource that a word on the command line means. Raises :class:`NoMatch`."""
        try:
            return self._resource(text)
        except NoMatch:
            if not self.refresh():
                raise
            return self._resource(text)

    def _resource(self, text: str) -> Kind:
        name, _, rest = text.lower().partition(".")
        version, _, group = rest.partition(".")
        tries = [(name, group, version)] * ("." in rest) + [(name, rest, "")]
        for word, its_group, its_version in tries:
            found = self._find(word, its_group, its_version)
            if found:
                return found
        raise NoMatch(name)

    def _find(self, word: str, group: str, version: str) -> Kind | None:
        fits = [kind for kind in self.kinds if self._in(kind, group, version)]
        named = next((kind for kind in fits if word in (kind.resource, kind.singular or kind.kind.lower())), None)
        return named or self._short(word, fits)

    def _short(self, word: str, fits: Iterable[Kind]) -> Kind | None:
        """By a short name. Where it could mean a resource of another group, too, that is said."""
        found = [kind for kind in fits if word in kind.short_names]
        for other in dict.fromkeys(kind.qualified for kind in found):
            if other != found[0].qualified:
                self.warn(f"short name {quote(word)} could also match lower priority resource {other}")
        return found[0] if found else None

    @staticmethod
    def _in(kind: Kind, group: str, version: str) -> bool:
        return (not group or kind.group == group or kind.group.startswith(group + ".")) and (not version or kind.version == version)

    def kind(self, api_version: str, kind: str) -> Kind | None:
        """The resource of an object, or None. Without a version it is a core kind, at an address that no server has."""
        if not api_version:
            found = self.kind("v1", kind)
            return found and replace(found, version="")
        for known in self.kinds:
            if known.api_version == api_version and kind in (known.kind, known.kind.lower()):
                return known
        return self.kind(api_version, kind) if self.refresh() else None

    def category(self, word: str) -> tuple[Kind, ...]:
        """The resources of a category such as ``all``; one version of each."""
        found: dict[tuple[str, str], Kind] = {}
        for kind in self.kinds:
            if word in kind.categories:
                found.setdefault((kind.group, kind.resource), kind)
        return tuple(found.values())
