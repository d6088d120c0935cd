"""The kubelet's endpoint: what the API server forwards to a node. ``kubectl logs`` and ``kubectl exec`` end here, and a
metrics server asks here what containers use (:class:`NodeStats`).

Models: pkg/kubelet/server/server.go.
Simplified: exec runs to its end at one instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from k8snb.seams.cni import HTTPReply
from k8snb.seams.cri import Executed, Usage


class LogOptions(NamedTuple):
    """The query parameters of ``pods/log`` that matter here. ``tail`` -1 is everything; times are µs since the epoch."""

    previous: bool = False
    tail: int = -1
    timestamps: bool = False
    since: int = 0
    limit_bytes: int = 0


class ContainerStats(NamedTuple):
    """What a running container uses, and since when it runs (µs)."""

    name: str
    started_at: int
    usage: Usage


class PodStats(NamedTuple):
    """What the running containers of a pod use."""

    namespace: str
    name: str
    uid: str
    containers: tuple[ContainerStats, ...]


class NodeStats(NamedTuple):
    """What a whole machine uses (millicores, bytes), its system included, and what its pods do."""

    cpu: int
    memory: int
    pods: tuple[PodStats, ...]


class KubeletEndpoint(Protocol):
    """One node's server on port 10250."""

    def log(self, namespace: str, name: str, container: str, options: Mapping[str, Any]) -> str:
        """The log of a container; ``options`` are fields of :class:`LogOptions`.

        Raises :class:`~k8snb.apimachinery.errors.ApiError` in the kubelet's words.
        """
        ...

    def attach(self, namespace: str, name: str, container: str, stdin: str) -> None:
        """Type something into process 1 of a running container; its input ends with it. Raises ``ApiError`` where there is none."""
        ...

    def run(
        self, namespace: str, name: str, container: str, command: tuple[str, ...], stdin: str = "",
        *, session: Mapping[str, Any] | None = None,
    ) -> Executed:  # fmt: skip
        """Run a command in a running container, to its end, with ``stdin`` typed into it. Raises ``ApiError`` where there is none.

        ``session``: it is a shell at a terminal, see :meth:`k8snb.seams.cri.Runtime.execute`.
        """
        ...

    def forward(self, namespace: str, name: str, request: Mapping[str, Any]) -> HTTPReply:
        """Connect to a port inside of a pod, on its loopback interface; with a ``method`` also send a request there.

        ``request`` holds fields of :class:`~k8snb.seams.cni.HTTPRequest`. A status of 0: nothing was asked, or nobody speaks HTTP there.
        Raises ``ApiError`` in the runtime's words where nothing listens.
        """
        ...

    def http(self, path: str) -> HTTPReply:
        """What the kubelet's own server answers to a GET. Raises ``ApiError`` where the kubelet does not answer."""
        ...

    def stats(self) -> NodeStats:
        """What is used here now (``/metrics/resource``). Raises ``ApiError`` where the kubelet does not answer."""
        ...
