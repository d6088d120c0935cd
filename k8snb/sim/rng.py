"""Seeded randomness: named streams of one seed, each a counter under a hash.

A stream is ``sha256(seed / name / counter)``. Its whole state is the counter, so it is saved, forked and rewound like any
number; and because every component draws from a stream of its own name, one more draw here does not change another's there.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TypeVar

from k8snb.sim.state import Shelf

SAFE_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # k8s.io/apimachinery/pkg/util/rand: no vowels, nothing easily confused
_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
_LETTERS = "".join(SAFE_ALPHABET[byte % 27] for byte in range(256)).encode()  # byte -> letter
T = TypeVar("T")


class Stream:
    """One named stream. ``counters`` belongs to the simulation's state; the stream itself holds nothing."""

    __slots__ = ("_counters", "_name", "_prefix")

    def __init__(self, seed: int, name: str, counters: Shelf):
        self._prefix = f"{seed}/{name}/".encode()
        self._name, self._counters = name, counters

    def _digest(self) -> bytes:
        counters, name = self._counters, self._name
        count = counters.get(name, 0)
        counters[name] = count + 1
        return sha256(b"%b%d" % (self._prefix, count)).digest()

    def below(self, bound: int) -> int:
        """A whole number in ``[0, bound)``. Its bias is below 2**-64 for every bound used here."""
        return int.from_bytes(self._digest()[:16], "big") % bound

    def fraction(self) -> float:
        """A number in ``[0, 1)``, exact in binary, the same on every machine."""
        return (int.from_bytes(self._digest()[:8], "big") >> 11) / 9007199254740992

    def letters(self, count: int) -> str:
        """``count`` (at most 32) characters of Kubernetes' safe alphabet, as in the names of Pods."""
        return self._digest()[:count].translate(_LETTERS).decode()

    def uid(self) -> str:
        """A UID in the form of a version-4 UUID."""
        digits = self._digest().hex()
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANTS[digits[16]]}{digits[17:20]}-{digits[20:32]}"

    def choice(self, items: list[T]) -> T:
        """One of the items, which must be in a stated order."""
        return items[self.below(len(items))]

    def shuffled(self, items: list[T]) -> list[T]:
        """The items in a drawn order (Fisher and Yates)."""
        result = list(items)
        for last in range(len(result) - 1, 0, -1):
            other = self.below(last + 1)
            result[last], result[other] = result[other], result[last]
        return result
