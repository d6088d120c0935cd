"""A load generator: requests over virtual time, with their latencies and errors kept as data.

    env: TARGET=http://web   RATE=10 (requests a second)   DURATION=60 (seconds; 0: for ever)   TIMEOUT=1 (seconds)

Every second it prints one line of totals; ``process.memory`` holds them for views: ``sent``, ``ok``, ``failed``,
``latencies`` (µs, the newest ones) and ``codes``. It is the only program whose traffic moves by events of its own.
"""

from __future__ import annotations

from typing import ClassVar

from k8snb.kubelet.images.image import Image
from k8snb.kubelet.images.process import Process
from k8snb.sim.clock import MILLISECOND

KEPT = 1_000


class LoadGenerator(Image):
    """Sends GET requests at a steady rate."""

    name = "k8snb/load-generator"
    about = "images.load_generator"
    aliases: ClassVar[tuple[str, ...]] = ("docker.io/k8snb/load",)
    versions: ClassVar[tuple[str, ...]] = ("latest", "1", "1.0")
    size = 9_000_000

    def start(self, process: Process) -> None:
        """Begin at once."""
        process.memory.update(sent=0, ok=0, failed=0, codes=(), latencies=(), printed=0)
        rate = self._rate(process)
        process.log(f"target {self._target(process)}, {rate:g} {'request' if rate == 1 else 'requests'} a second")
        process.sleep(1 / rate)

    def step(self, process: Process) -> None:
        """One request."""
        memory = process.memory
        response = process.http(self._target(process), timeout=float(process.env.get("TIMEOUT", "1")))
        memory["sent"] += 1
        memory["ok" if response.ok else "failed"] += 1
        memory["latencies"] = (*memory["latencies"][-KEPT + 1 :], response.latency)
        outcome = str(response.status) if response.status else response.error
        counts = dict(memory["codes"])
        memory["codes"] = tuple(sorted((counts | {outcome: counts.get(outcome, 0) + 1}).items()))
        if int(process.uptime) > memory["printed"]:
            memory["printed"] = int(process.uptime)
            self._report(process)
        self._next(process)

    def _next(self, process: Process) -> None:
        duration = float(process.env.get("DURATION", "0"))
        if duration and process.uptime >= duration:
            self._report(process)
            process.exit(0)
        else:
            process.sleep(1 / self._rate(process))

    def _report(self, process: Process) -> None:
        memory = process.memory
        recent = sorted(memory["latencies"])
        middle = recent[len(recent) // 2] / MILLISECOND if recent else 0.0
        codes = " ".join(f"{code}:{count}" for code, count in memory["codes"])
        process.log(f"sent {memory['sent']} ok {memory['ok']} failed {memory['failed']} median {middle:.1f}ms [{codes}]")

    def terminate(self, process: Process) -> None:
        """Print the totals and end."""
        self._report(process)
        process.exit(0)

    @staticmethod
    def _rate(process: Process) -> float:
        return max(0.01, float(process.env.get("RATE", "10")))

    @staticmethod
    def _target(process: Process) -> str:
        return process.env.get("TARGET", "http://web")
