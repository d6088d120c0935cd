"""What kubectl needs of the machine that it is run on: a clock to wait by, and files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from k8snb.apiserver.request import Request
from k8snb.simulation.simulation import Simulation
from k8snb.simulation.watching import Watch


class SimulatedHost:
    """The terminal beside a simulated cluster: waiting lets its virtual time pass; files are those of the working directory."""

    def __init__(self, simulation: Simulation):
        self.simulation = simulation

    @property
    def now(self) -> int:
        """Microseconds since the epoch."""
        return self.simulation.now

    def advance(self, until: Callable[[], bool], timeout_us: int) -> bool:
        """Let time pass until the condition holds or the timeout is over; what the condition says then."""
        return self.simulation.run_until(until, timeout_us)

    def watch(self, request: Request) -> Watch:
        """Open a watch. Raises ApiError."""
        return Watch(self.simulation, request)

    def read(self, path: str) -> str:
        """The text of a file. Raises OSError."""
        return Path(path).read_text(encoding="utf-8")

    def write(self, path: str, text: str) -> None:
        """Write a file, and the folders on the way. Raises OSError."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, encoding="utf-8")

    def listing(self, path: str) -> list[str]:
        """The files below a folder."""
        root = Path(path)
        return sorted(file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file()) if root.is_dir() else []

    def forward(self, namespace: str, pod: str, port: int, local: int) -> int:
        """Open a forward; its local port, or 0 where that is taken."""
        return int(self.simulation.fault("forward", namespace=namespace, pod=pod, port=port, local=local))
