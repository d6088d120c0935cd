"""The kubelet's endpoint: what the API server forwards to a node. ``kubectl logs`` and ``kubectl exec`` end here.

Models: pkg/kubelet/server/server.go.
Simplified: attach, port-forward and the streaming of logs are not there; exec runs to its end at one instant.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol


class LogOptions(NamedTuple):
    """The query parameters of ``pods/log`` that matter here. ``tail`` -1 is everything; times are µs since the epoch."""

    container: str = ""
    previous: bool = False
    tail: int = -1
    timestamps: bool = False
    since: int = 0
    limit_bytes: int = 0


class ExecResult(NamedTuple):
    """What a command printed and how it ended. ``duration`` is in µs of virtual time; the clock does not move."""

    output: str
    code: int
    duration: int = 0


class KubeletEndpoint(Protocol):
    """One node's server on port 10250."""

    def logs(self, namespace: str, name: str, options: LogOptions) -> str:
        """The log of a container. Raises :class:`~k8snb.apimachinery.errors.ApiError` in the API server's words."""
        ...

    def exec(self, namespace: str, name: str, container: str, command: tuple[str, ...]) -> ExecResult:
        """Run a command in a running container. Raises ``ApiError`` where there is none."""
        ...
