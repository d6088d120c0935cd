"""One machine as somebody who is logged in on it sees it: the manifests that its kubelet runs without asking the API server.

    cluster.node("node-1").static_pods["web.yaml"] = manifest      # a file in /etc/kubernetes/manifests
    del cluster.node("node-1").static_pods["web.yaml"]

Each change is an input: recorded, and replayed. What Kubernetes makes of it, says :mod:`k8snb.kubelet.static`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from k8snb.apimachinery.objects import freeze
from k8snb.apimachinery.yaml import YamlError, documents
from k8snb.kubelet import static
from k8snb.messages import Mistake, NoSuchKey, text
from k8snb.simulation.node_faults import known_node

if TYPE_CHECKING:
    from k8snb.simulation.simulation import Simulation


class Machine:
    """A machine of the cluster by name; it may be off, or cut off, and still is one."""

    def __init__(self, simulation: Simulation, name: str):
        known_node(simulation, name)
        self.name, self.static_pods = name, StaticPods(simulation, name)

    def __repr__(self) -> str:
        return f"<Machine {self.name}: {len(self.static_pods)} static pods>"


class StaticPods(MutableMapping[str, Any]):
    """The files in the kubelet's directory of manifests: name -> Pod manifest, as YAML text or as a mapping."""

    def __init__(self, simulation: Simulation, node: str):
        self._simulation, self._node = simulation, node

    def __repr__(self) -> str:
        return f"<StaticPods of {self._node}: {', '.join(self) or 'none'}>"

    def __setitem__(self, file: str, manifest: str | Mapping[str, Any]) -> None:
        """Write a file. Raises ValueError, and changes nothing, for what no kubelet could run."""
        try:
            found = [document.value for document in documents(manifest)] if isinstance(manifest, str) else [manifest]
        except YamlError as error:
            raise Mistake(text("fault.no_manifest", file=file, problem=error)) from None
        if len(found) != 1 or not isinstance(found[0], Mapping):
            raise Mistake(text("fault.one_manifest", file=file))
        self._simulation.fault("static_pod", node=self._node, file=file, manifest=found[0])

    def __delitem__(self, file: str) -> None:
        if file not in self._files:
            raise NoSuchKey(text("fault.no_file", file=file, files=", ".join(self._files) or "-"))
        self._simulation.fault("static_pod", node=self._node, file=file, manifest=None)

    def __getitem__(self, file: str) -> Any:
        if file not in self._files:
            raise NoSuchKey(text("fault.no_file", file=file, files=", ".join(self._files) or "-"))
        return self._files[file]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    @property
    def _files(self) -> Mapping[str, Any]:
        own = self._simulation.parts.machines.kubelets[self._node].own
        found: Mapping[str, Any] = own.static
        return found


def known_manifest(simulation: Simulation, node: str, file: str, manifest: Mapping[str, Any] | None) -> None:
    """Raise ValueError unless there is such a machine, and the manifest is one that a kubelet can run (None: the file goes)."""
    known_node(simulation, node)
    if manifest is not None:
        try:
            static.parse(freeze(manifest))
        except ValueError as error:
            raise Mistake(text("fault.no_manifest", file=file, problem=error)) from None


def static_pod(simulation: Simulation, node: str, file: str, manifest: Mapping[str, Any] | None) -> None:
    """Write or remove a file of the machine; its kubelet notices."""
    static.set_file(simulation.parts.machines.kubelets[node], file, freeze(manifest) if manifest is not None else None)
