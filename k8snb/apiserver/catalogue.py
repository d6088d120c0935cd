"""Which resources are served, found by path, by kind or by key. CustomResourceDefinitions add to it at run time."""

from __future__ import annotations

from collections.abc import Iterable

from k8snb.apimachinery.resource import Resource


class Catalogue:
    """The served resources. Wiring, not state: what CRDs add is derived from the stored CRDs."""

    def __init__(self, resources: Iterable[Resource]):
        self.built_in = tuple(resources)
        self.custom: dict[str, tuple[Resource, ...]] = {}  # by the CRD's name
        self._build()

    def _build(self) -> None:
        self.by_path: dict[tuple[str, str, str], Resource] = {}
        self.by_kind: dict[tuple[str, str], Resource] = {}
        self.by_key: dict[str, Resource] = {}  # the storage version
        self._by_prefix: dict[str, Resource] = {}
        self._by_folder: dict[str, Resource | None] = {}  # found there before
        self._stored: dict[tuple[str, str, str], Resource] = {}
        for resource in self.all():
            self.by_path[resource.group, resource.version, resource.plural] = resource
            self.by_kind.setdefault((resource.api_version, resource.kind), resource)
            if self.is_storage(resource):
                self.by_key.setdefault(resource.key, resource)
                self._by_prefix.setdefault(resource.prefix, resource)

    @staticmethod
    def is_storage(resource: Resource) -> bool:
        """Whether objects are stored in this served version (and group: events.k8s.io is stored as core events)."""
        return _stored_as(resource) == (resource.group, resource.version)

    def all(self) -> list[Resource]:
        """Every served resource, built-in ones first, custom ones by name of their definition."""
        extra = [r for name in sorted(self.custom) for r in self.custom[name]]
        return [*self.built_in, *extra]

    def named(self, word: str) -> Resource | None:
        """What somebody means who writes ``deploy``, ``Deployment``, ``deployments`` or ``deployments.apps``, as it is stored."""
        lower = word.lower()
        meant = next((one for one in self.all() if lower in (one.key, one.plural, one.singular, *one.short_names)), None)
        return self.storage_of(meant) if meant is not None else None

    def define(self, name: str, resources: tuple[Resource, ...]) -> None:
        """Serve (or, with an empty tuple, stop serving) what a CustomResourceDefinition declares."""
        if resources:
            self.custom[name] = resources
        else:
            self.custom.pop(name, None)
        self._build()

    def storage_of(self, resource: Resource) -> Resource:
        """The stored version of a served resource."""
        if not resource.storage:  # of most kinds there is no other
            return resource
        path = (resource.group, resource.version, resource.plural)
        found = self._stored.get(path)
        if found is None:
            found = self._stored[path] = resource if self.is_storage(resource) else self.by_path[*_stored_as(resource), resource.plural]
        return found

    def of_key(self, key: str) -> Resource | None:
        """The resource whose object lies under an etcd key."""
        folder = key[: key.rfind("/") + 1]
        if folder in self._by_folder:
            return self._by_folder[folder]
        above = folder[: folder.rfind("/", 0, -1) + 1]  # that of a namespace lies in that of the resource
        found = self._by_folder[folder] = self._by_prefix.get(folder) or self._by_prefix.get(above)
        return found


def _stored_as(resource: Resource) -> tuple[str, str]:
    """Group and version of the stored form: ``storage`` is "v2" (of the same group), or "/v1", with a group before the slash."""
    group, slash, version = (resource.storage or resource.version).rpartition("/")
    return (group if slash else resource.group), version
