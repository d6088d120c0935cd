"""What may not run short on a node: signals, and the thresholds that a kubelet is given for them.

    signal                       resource            condition        default (hard)
    memory.available             memory              MemoryPressure   100Mi
    allocatableMemory.available  memory              MemoryPressure   as memory.available: what all pods together may use
    nodefs.available             ephemeral-storage   DiskPressure     10%
    nodefs.inodesFree            inodes              DiskPressure     5%
    imagefs.available            ephemeral-storage   DiskPressure     15%     (the same disk here)
    imagefs.inodesFree           inodes              DiskPressure     5%
    pid.available                pids                PIDPressure      none

A *hard* threshold acts at once. A *soft* one has to be undercut for its grace period first, and gives the pods time to end. A minimum
to reclaim keeps a threshold undercut until there is that much more.

Models: pkg/kubelet/eviction/helpers.go (ParseThresholdConfig, thresholdsMet), pkg/kubelet/eviction/defaults_linux.go,
pkg/kubelet/eviction/api/types.go (GetThresholdQuantity).
Simplified: ``containerfs`` is the same disk as ``nodefs`` and has its thresholds, as upstream on such a node, so it is not counted twice.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from k8snb.apimachinery import quantity
from k8snb.apimachinery.duration import parse_duration
from k8snb.apimachinery.strconv import parse_float

MEMORY, DISK, INODES, PIDS = "memory", "ephemeral-storage", "inodes", "pids"
ALLOCATABLE = "allocatableMemory.available"
SIGNALS: Final[dict[str, tuple[str, str]]] = {
    "memory.available": (MEMORY, "MemoryPressure"), ALLOCATABLE: (MEMORY, "MemoryPressure"), "nodefs.available": (DISK, "DiskPressure"),
    "nodefs.inodesFree": (INODES, "DiskPressure"), "imagefs.available": (DISK, "DiskPressure"),
    "imagefs.inodesFree": (INODES, "DiskPressure"), "pid.available": (PIDS, "PIDPressure"),
}  # fmt: skip
"""Signal -> what runs short, and the node's condition."""
DEFAULT_HARD: Final = {
    "memory.available": "100Mi", "nodefs.available": "10%", "nodefs.inodesFree": "5%", "imagefs.available": "15%",
    "imagefs.inodesFree": "5%",
}  # fmt: skip
_WITHOUT_EFFECT = ("containerfs.available", "containerfs.inodesFree")


class Amount(NamedTuple):
    """So many, as ``text`` said it; or such a part of the capacity."""

    number: int = 0
    part: float = 0.0
    said: str = ""

    def of(self, capacity: int) -> int:
        """The number. A part is rounded as the kubelet's single-precision numbers are."""
        return self.number or (0 if math.isnan(self.part) else int(capacity * self.part))  # what is no number undercuts nothing

    def text(self, capacity: int) -> str:
        """The number as an eviction's message shows it."""
        return self.said or quantity.write(self.of(capacity), "BinarySI")


class Observation(NamedTuple):
    """What is left of a resource, and what there is (bytes, or things)."""

    available: int
    capacity: int


class Threshold(NamedTuple):
    """What may not be undercut. ``grace`` (µs) 0: a hard one."""

    signal: str
    amount: Amount
    grace: int = 0
    reclaim: Amount = Amount()

    @property
    def resource(self) -> str:
        """What runs short."""
        return SIGNALS[self.signal][0]

    @property
    def condition(self) -> str:
        """What the node says of itself then."""
        return SIGNALS[self.signal][1]

    @property
    def key(self) -> str:
        """Its name among all thresholds of a kubelet."""
        return f"{self.signal}/{'soft' if self.grace else 'hard'}"

    def met(self, seen: Observation, *, reclaiming: bool = False) -> bool:
        """Whether it is undercut. ``reclaiming``: the minimum to reclaim counts, too."""
        wanted = self.amount.of(seen.capacity) + (self.reclaim.of(seen.capacity) if reclaiming else 0)
        return seen.available < wanted


def met(thresholds: Sequence[Threshold], seen: Mapping[str, Observation], *, reclaiming: bool = False) -> list[Threshold]:
    """Those that are undercut."""
    return [one for one in thresholds if one.signal in seen and one.met(seen[one.signal], reclaiming=reclaiming)]


def thresholds_of(document: Mapping[str, Any], errors: list[str]) -> tuple[Threshold, ...]:
    """The thresholds of a KubeletConfiguration; what is wrong with them is added to ``errors``, in the kubelet's words."""
    given, merge = document.get("evictionHard"), document.get("mergeDefaultEvictionSettings") is True
    hard = {**DEFAULT_HARD, **given} if given and merge else given or DEFAULT_HARD
    soft, graces = document.get("evictionSoft") or {}, document.get("evictionSoftGracePeriod") or {}
    reclaim = _statements(document.get("evictionMinimumReclaim") or {}, errors, _NO_RECLAIM)
    found = [Threshold(signal, amount) for signal, amount in _statements(hard, errors).items()]
    found += [Threshold(signal, amount, _grace(signal, graces, errors)) for signal, amount in _statements(soft, errors).items()]
    found += [Threshold(ALLOCATABLE, one.amount) for one in found if one.key == "memory.available/hard"]
    order = list(SIGNALS)
    kept = (one._replace(reclaim=reclaim.get(one.signal, Amount())) for one in found)
    return tuple(sorted(kept, key=lambda one: (order.index(one.signal), one.grace > 0)))


def _grace(signal: str, graces: Mapping[str, Any], errors: list[str]) -> int:
    if signal not in graces:
        errors.append(f"grace period must be specified for the soft eviction threshold {signal}")
        return 1
    try:
        found = parse_duration(str(graces[signal]))
    except ValueError as error:
        errors.append(str(error))
        return 1
    if found < 0:
        errors.append(f"invalid eviction grace period specified: {graces[signal]}, must be a positive value")
    return found


_TOO_SMALL = "eviction percentage threshold {} must be >= 0%: {}"
_NO_RECLAIM = "eviction percentage minimum reclaim {} must be positive: {}"


def _statements(given: Mapping[str, Any], errors: list[str], too_small: str = _TOO_SMALL) -> dict[str, Amount]:
    """Signal -> amount. ``0%`` and ``100%`` switch a threshold off."""
    found = {}
    for signal, value in given.items():
        if signal in _WITHOUT_EFFECT:
            continue
        if signal not in SIGNALS:
            errors.append(f"unsupported eviction signal {signal}")
        elif value not in ("0%", "100%"):
            found[signal] = _amount(signal, str(value), errors, too_small)
    return found


def _amount(signal: str, value: str, errors: list[str], too_small: str) -> Amount:
    if value.endswith("%"):
        return _part(signal, value, errors, too_small)
    try:
        number = quantity.value(value)
    except ValueError as error:
        errors.append(str(error))
        return Amount(1)
    if number <= 0:
        errors.append(f"eviction threshold {signal} must be positive: {quantity.canonical(value)}")
    return Amount(number, said=quantity.canonical(value))


def _part(signal: str, value: str, errors: list[str], too_small: str) -> Amount:
    try:
        part = _single(_single(parse_float(value.rstrip("%"), bits=32)) / 100)
    except ValueError as error:
        errors.append(str(error))
        return Amount(1)
    if part < 0:
        errors.append(too_small.format(signal, value))
    elif part > 1:
        errors.append(f"eviction percentage threshold {signal} must be <= 100%: {value}")
    return Amount(0, part)


def _single(number: float) -> float:
    """A number with the precision that a kubelet keeps of it."""
    return float(struct.unpack("f", struct.pack("f", number))[0])
