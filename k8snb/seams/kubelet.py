"""The kubelet's endpoint: what the API server forwards to a node. ``kubectl logs`` and ``kubectl exec`` end here.

Models: pkg/kubelet/server/server.go.
Simplified: attach, port-forward and the streaming of logs are not there; exec runs to its end at one instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol


class LogOptions(NamedTuple):
    """The query parameters of ``pods/log`` that matter here. ``tail`` -1 is everything; times are µs since the epoch."""

    previous: bool = False
    tail: int = -1
    timestamps: bool = False
    since: int = 0
    limit_bytes: int = 0


class KubeletEndpoint(Protocol):
    """One node's server on port 10250."""

    def log(self, namespace: str, name: str, container: str, options: Mapping[str, Any]) -> str:
        """The log of a container; ``options`` are fields of :class:`LogOptions`.

        Raises :class:`~k8snb.apimachinery.errors.ApiError` in the kubelet's words.
        """
        ...

    def run(self, namespace: str, name: str, container: str, command: tuple[str, ...]) -> tuple[str, int]:
        """Run a command in a running container: (output, exit code). Raises ``ApiError`` where there is none."""
        ...
