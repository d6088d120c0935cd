"""Units of virtual time, and the table of nominal latencies.

Time is an integer of microseconds since the Unix epoch. Every hop between components has a named nominal latency in
:data:`LATENCY`; without them everything would happen at one instant and races (a stale cache, a conflict) would vanish.
The values are plausible for a small healthy cluster; they are constants, so that every run of a scenario is the same.
"""

from __future__ import annotations

from typing import Final

MICROSECOND: Final = 1
MILLISECOND: Final = 1_000
SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE

EPOCH: Final = 1_767_225_600 * SECOND  # 2026-01-01T00:00:00Z: where virtual time starts unless told otherwise

LATENCY: Final[dict[str, int]] = {
    "api call": 2 * MILLISECOND,  # one request of a component, to and fro
    "kubectl request": 10 * MILLISECOND,  # between two writes of one kubectl command
    "watch delivery": 3 * MILLISECOND,  # from the commit in etcd to an informer's cache
    "reconcile": 1 * MILLISECOND,  # thinking time of one turn of a control loop
    "relist": 1 * SECOND,  # after a broken watch, before the informer lists again
    "schedule": 500,  # one scheduling cycle
    "bind": 4 * MILLISECOND,  # the asynchronous binding cycle
    "kubelet sync": 5 * MILLISECOND,  # a pod worker takes up a change
    "sandbox": 150 * MILLISECOND,  # pod sandbox and network
    "image pull": 900 * MILLISECOND,  # an image of ordinary size that the node does not have
    "container start": 120 * MILLISECOND,
    "container stop": 60 * MILLISECOND,  # a well-behaved process after SIGTERM
    "dataplane sync": 20 * MILLISECOND,  # kube-proxy rewrites its rules
    "network hop": 300,  # one hop of a packet
    "vm boot": 75 * SECOND,  # a cloud makes a virtual machine, until its kubelet starts
    "vm deletion": 15 * SECOND,
    "load balancer": 12 * SECOND,  # a cloud makes a load balancer with a public address
    "load balancer change": 2 * SECOND,
    "disk create": 3 * SECOND,
    "disk attach": 8 * SECOND,
    "disk detach": 6 * SECOND,
}


def seconds(value: float) -> int:
    """Seconds as microseconds. Exact for every value with at most six decimals.

    >>> seconds(2.5)
    2500000
    """
    return round(value * SECOND)


def duration(value: int) -> str:
    """A length of time for people, in the unit that fits.

    >>> duration(2_500_000), duration(3_000), duration(90 * SECOND)
    ('2.5s', '3ms', '1m30s')
    """
    if value < MILLISECOND:
        return f"{value}µs"
    if value < SECOND:
        return f"{value / MILLISECOND:.3g}ms"
    if value < MINUTE:
        return f"{value / SECOND:.3g}s"
    minutes, rest = divmod(value // SECOND, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "m"), (rest, "s")]
    return "".join(f"{number}{unit}" for number, unit in parts if number)
