"""How the CPU of one machine is divided among its containers: by weight when they want more than there is.

    kubepods ─┬─ pod (Guaranteed) ─────────────────────────── container
              ├─ burstable   weight: all that its pods ask ── pod ── container      weight: what it asks for
              └─ besteffort  weight: almost none ──────────── pod ── container

Requests become weights (``cpu.shares``). While everybody gets what it wants they mean nothing: a container may use the whole
machine. When the wishes exceed it, each group gets its part by weight; what a group does not want is divided among the others, and
so on down to the containers (:func:`divide`). A limit is another thing: it holds on an idle machine, too
(:mod:`k8snb.kubelet.images.consumption`).

Models: Linux' fair scheduler with control groups; pkg/kubelet/cm (qos_container_manager_linux.go, helpers_linux.go: MilliCPUToShares).
Simplified: what a container gets is worked out when it begins a piece of work, and holds for that piece; the machine's own
programs have their part for themselves (it is taken off beforehand).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, groupby
from typing import NamedTuple

LEAST_SHARES, SHARES_OF_A_CPU = 2, 1024
GUARANTEED = "Guaranteed"


class Claim(NamedTuple):
    """What a container asked for (millicores), and what it would use now if it could (millicores)."""

    container: str
    pod: str
    qos: str
    request: int
    want: int


def shares(millicores: int) -> int:
    """``cpu.shares``: the weight that comes of a request.

    >>> shares(500), shares(0)
    (512, 2)
    """
    return max(LEAST_SHARES, millicores * SHARES_OF_A_CPU // 1000)


def divide(amount: int, wishes: Sequence[tuple[int, int]]) -> list[int]:
    """What each gets of ``amount``, for wishes (weight, want): nobody more than it wants, and what it leaves goes to the others.

    >>> divide(1000, [(1, 900), (3, 900)]), divide(1000, [(1, 900), (3, 100)])
    ([250, 750], [900, 100])
    """
    found, weights = [0] * len(wishes), sum(weight for weight, _ in wishes)
    for index in sorted(range(len(wishes)), key=lambda i: wishes[i][1] / wishes[i][0]):
        weight, want = wishes[index]
        found[index] = min(want, amount * weight // weights)
        amount, weights = amount - found[index], weights - weight
    return found


def allocate(cores: int, claims: Iterable[Claim]) -> dict[str, int]:
    """Millicores by container, of a machine with so many."""
    ordered = sorted(claims, key=lambda claim: (claim.qos, claim.pod, claim.container))
    if sum(claim.want for claim in ordered) <= cores:
        return {claim.container: claim.want for claim in ordered}
    found: dict[str, int] = {}
    pods = [list(group) for _, group in groupby(ordered, key=lambda claim: claim.pod)]
    classes = [list(group) for _, group in groupby(pods, key=_class_of)]
    for part, members in zip(divide(cores, [_wish(list(chain(*group))) for group in classes]), classes, strict=True):
        for share, pod in zip(divide(part, [_wish(pod) for pod in members]), members, strict=True):
            own = divide(share, [(shares(claim.request), claim.want) for claim in pod])
            found.update(zip((claim.container for claim in pod), own, strict=True))
    return found


def _class_of(pod: list[Claim]) -> tuple[str, str]:
    """A Guaranteed pod stands beside the two classes, in a group of its own."""
    return pod[0].qos, pod[0].pod if pod[0].qos == GUARANTEED else ""


def _wish(claims: list[Claim]) -> tuple[int, int]:
    """The weight and the want of a group: pods and classes weigh what all their containers ask for."""
    return shares(sum(claim.request for claim in claims)), sum(claim.want for claim in claims)
