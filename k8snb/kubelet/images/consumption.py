"""How containers use CPU and memory: closed formulae over a few counters, read whenever somebody asks.

An image states its *appetite*; a program may change its own with ``process.use`` and ``process.work``. Nothing happens while
a container idles: what it uses at any ``now`` follows from what was noted when it last did something.

    work(t)     CPU time that requests and steps cost, by the second in which it is done
    rate(t)     requests in the last WINDOW seconds, divided by WINDOW (by the container's age, if it is younger)
    want(t)     min(limit, steady + work in the last WINDOW seconds / WINDOW)                              millicores
    cpu(t)      what the machine can give of it (:mod:`k8snb.kubelet.runtime.cpu`)
    memory(t)   resting + growth * (t - since) + per rate * rate(t)                                        bytes

CPU is one queue per container, served first come first served on as many cores as the machine can give it. A limit is a *quota*: of
every period of 100 ms the container may run for ``limit * 100 ms``; when that is used up it stands still until the next period. A
request that costs ``c`` and comes at ``t`` begins at ``b = max(t, busy until)`` and is done at ``d``, the new ``busy until``. It takes

    (b - t) + max(0, (d - b) - c)

longer than on an idle machine without a limit: nothing while the quota suffices, in steps of a period beyond it, and without end
above the limit. A container whose memory passes its limit is killed at that very instant: it is solved for, not looked for
(:func:`exhausted_at`).

Models: CFS bandwidth control and memory.max of cgroup v2; the window over which a metrics server computes rates.
Simplified: all containers' periods begin at the same instants; memory is the working set (no page cache).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from k8snb.seams.cri import Resources
from k8snb.sim.clock import MILLISECOND, MINUTE, SECOND
from k8snb.sim.state import Tape

MIB = 1 << 20
WINDOW = 15
"""Seconds over which rates are computed, as a metrics server with its usual resolution does."""
PATIENCE = MINUTE
"""So much work (µs) waits at most; what comes on top finds the queue full, and is not done."""


PERIOD = 100 * MILLISECOND
"""``cpu.cfs_period_us``: a limit is a quota for each of these."""


class Appetite(NamedTuple):
    """What a program uses: idle, for each request, and over time."""

    cpu: int = 0  # millicores, always
    memory: int = 4 * MIB  # bytes, always
    request: int = 200  # CPU time of one request (µs)
    load: int = 0  # bytes for each request per second
    growth: int = 0  # bytes that it leaks each second
    processes: int = 1


@dataclass(slots=True)
class Consumption:
    """What a container has used. ``memory`` bytes were in use at ``since`` (µs) and grow by ``growth`` a second."""

    cpu: int
    memory: int
    growth: int
    load: int
    since: int
    started: int
    processes: int = 1
    busy_until: int = 0
    speed: int = 0  # at which it worked last (millicores)
    period: int = 0  # the last period in which it worked, and how much of its quota it has used there (µs)
    used: int = 0
    work: Tape = field(default_factory=Tape)  # (second, requests, µs of CPU), the newest last


def begin(appetite: Appetite, now: int) -> Consumption:
    """The consumption of a container that starts now."""
    return Consumption(appetite.cpu, appetite.memory, appetite.growth, appetite.load, since=now, started=now, processes=appetite.processes)


def use(
    own: Consumption, now: int, *, cpu: int | None, memory: int | None, growth: int | None, processes: int | None
) -> None:  # fmt: skip
    """From now on it uses that much (millicores, bytes, bytes a second, processes); None leaves a thing as it is."""
    own.processes = own.processes if processes is None else max(1, processes)
    own.memory = own.memory + _grown(own, now) if memory is None else max(0, memory)
    own.cpu = own.cpu if cpu is None else max(0, cpu)
    own.growth = own.growth if growth is None else growth
    own.since = now


def charge(own: Consumption, now: int, *, cost: int, requests: int, speed: int, limit: int = 0) -> int:
    """Note work of ``cost`` (µs of CPU) for so many requests; how much longer it takes than on an idle machine (µs).

    ``speed``: millicores that the machine can give; ``limit``: millicores of its limit, 0 for none.
    """
    begin_at = max(now, own.busy_until)
    waited = begin_at - now
    if waited > PATIENCE:
        return waited
    own.busy_until, own.speed = _done_at(own, begin_at, cost, max(1, speed), limit), min(speed, limit or speed)
    _note(own, now, begin_at // SECOND, requests, cost)
    return waited + max(0, own.busy_until - begin_at - cost)


def _done_at(own: Consumption, begin_at: int, cost: int, speed: int, limit: int) -> int:
    """When work that begins then is done."""
    if not limit or speed <= limit:
        return begin_at + cost * 1000 // speed
    quota, period = limit * PERIOD // 1000, begin_at // PERIOD
    if period != own.period:
        own.period, own.used = period, 0
    left = min(quota - own.used, ((period + 1) * PERIOD - begin_at) * speed // 1000)
    if cost <= left:
        own.used += cost
        return begin_at + cost * 1000 // speed
    full, last = divmod(cost - left - 1, quota)
    own.period, own.used = period + 1 + full, last + 1
    return own.period * PERIOD + own.used * 1000 // speed


def _note(own: Consumption, now: int, second: int, requests: int, cost: int) -> None:
    if own.work and own.work[-1][0] == second:
        _, before, spent = own.work.pop()
        own.work.append((second, before + requests, spent + cost))
        return
    own.work.append((second, requests, cost))
    oldest = now // SECOND - WINDOW
    while own.work[0][0] <= oldest:
        del own.work[0]


def cpu_at(own: Consumption, now: int, resources: Resources) -> int:
    """Millicores that it wants, and uses if the machine has them."""
    busy = sum(spent for _, spent in _recent(own, now)) * 1000 // (_window(own, now) * SECOND)
    used = own.cpu + busy
    return min(used, resources.cpu_limit) if resources.cpu_limit else used


def hunger_at(own: Consumption, now: int, resources: Resources) -> int:
    """Millicores that it would use in the coming second: what waits in its queue counts, too."""
    waiting = max(0, own.busy_until - now) * own.speed // SECOND
    wanted = max(cpu_at(own, now, resources), own.cpu + waiting)
    return min(wanted, resources.cpu_limit) if resources.cpu_limit else wanted


def memory_at(own: Consumption, now: int) -> int:
    """Bytes in use."""
    requests = sum(count for count, _ in _recent(own, now)) if own.load else 0
    return max(0, own.memory + _grown(own, now) + own.load * requests // _window(own, now))


def exhausted_at(own: Consumption, now: int, limit: int) -> int:
    """When memory passes ``limit`` (bytes) if no more requests come (µs): now, later, or 0 for never."""
    if not limit:
        return 0
    if memory_at(own, now) > limit:
        return now
    if own.growth <= 0:
        return 0
    missing = limit - own.memory + 1
    return max(now, own.since + -(-missing * SECOND // own.growth))


def _grown(own: Consumption, now: int) -> int:
    return own.growth * (now - own.since) // SECOND


def _recent(own: Consumption, now: int) -> list[tuple[int, int]]:
    last = now // SECOND
    return [(count, spent) for second, count, spent in own.work if last - WINDOW < second <= last]


def _window(own: Consumption, now: int) -> int:
    return min(WINDOW, max(1, (now - own.started) // SECOND))
