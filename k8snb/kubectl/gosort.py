"""Sorting as Go's ``sort.Sort`` does it, which is not stable: where it leaves equal things can be seen in ``kubectl get --sort-by``.

    ordered(rows, less)       # less(one, other): whether one must come first

Up to twelve items it is insertion sort, which keeps the order of equals (and turns round the order of those that claim to be less than
each other, as objects without the field do). Above, it is pattern-defeating quicksort.

Models: Go's sort package (zsortinterface.go), which is deterministic, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from k8snb.apimachinery import quantity

SHORT, NINTHER, MAX_SWAPS = 12, 50, 12
Less = Callable[[Any, Any], bool]


def ordered(items: Sequence[Any], less: Less) -> list[Any]:
    """The items in the order in which Go leaves them."""
    data = _Data(list(items), less)
    data.quicksort(0, len(items), len(items).bit_length())
    return data.items


def value_less(one: Any, other: Any) -> bool:
    """Whether one found value comes first: quantities by amount, other text in natural order; null before everything."""
    if one is None or other is None:
        return one is None and other is not None
    if not isinstance(one, str) or not isinstance(other, str):
        return bool(one < other) if isinstance(one, type(other)) else False
    try:
        return quantity.exact(one) < quantity.exact(other)
    except quantity.QuantityError:
        return natural(one) < natural(other)


def natural(text: str) -> list[tuple[int, int, str]]:
    """What text is compared by, so that ``web-2`` comes before ``web-10``: numbers before letters, and fewer zeros first."""
    parts = re.findall(r"[0-9]+|[^0-9]", text)
    key = [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
    zeros = "".join(chr(len(part) - len(part.lstrip("0"))) for part in parts if part.isdecimal())
    return [*key, (-1, 0, zeros)]


class _Data:
    """A slice being sorted: ``a`` and ``b`` are always its bounds, the second outside."""

    def __init__(self, items: list[Any], less: Less):
        self.items, self.compare = items, less

    def less(self, i: int, j: int) -> bool:
        return self.compare(self.items[i], self.items[j])

    def swap(self, i: int, j: int) -> None:
        self.items[i], self.items[j] = self.items[j], self.items[i]

    def insert(self, a: int, b: int) -> None:
        for i in range(a + 1, b):
            j = i
            while j > a and self.less(j, j - 1):
                self.swap(j, j - 1)
                j -= 1

    def sift_down(self, low: int, high: int, first: int) -> None:
        root = low
        while (child := 2 * root + 1) < high:
            if child + 1 < high and self.less(first + child, first + child + 1):
                child += 1
            if not self.less(first + root, first + child):
                return
            self.swap(first + root, first + child)
            root = child

    def heap(self, a: int, b: int) -> None:
        size = b - a
        for i in range((size - 1) // 2, -1, -1):
            self.sift_down(i, size, a)
        for i in range(size - 1, -1, -1):
            self.swap(a, a + i)
            self.sift_down(0, i, a)

    def quicksort(self, a: int, b: int, limit: int) -> None:
        balanced = partitioned = True
        while b - a > SHORT:
            if not limit:
                self.heap(a, b)
                return
            if not balanced:
                self.break_patterns(a, b)
                limit -= 1
            pivot, hint = self.choose_pivot(a, b)
            if hint == "decreasing":
                self.items[a:b] = self.items[a:b][::-1]
                pivot, hint = (b - 1) - (pivot - a), "increasing"
            if balanced and partitioned and hint == "increasing" and self.insert_partially(a, b):
                return
            if a > 0 and not self.less(a - 1, pivot):
                a = self.partition_equal(a, b, pivot)
                continue
            length = b - a
            middle, partitioned = self.partition(a, b, pivot)
            left, right = middle - a, b - middle
            balanced = min(left, right) >= length // 8
            if left < right:
                self.quicksort(a, middle, limit)
                a = middle + 1
            else:
                self.quicksort(middle + 1, b, limit)
                b = middle
        self.insert(a, b)

    def partition(self, a: int, b: int, pivot: int) -> tuple[int, bool]:
        self.swap(a, pivot)
        i, j = a + 1, b - 1
        while i <= j and self.less(i, a):
            i += 1
        while i <= j and not self.less(j, a):
            j -= 1
        if i > j:
            self.swap(j, a)
            return j, True
        self.swap(i, j)
        i, j = i + 1, j - 1
        while True:
            while i <= j and self.less(i, a):
                i += 1
            while i <= j and not self.less(j, a):
                j -= 1
            if i > j:
                break
            self.swap(i, j)
            i, j = i + 1, j - 1
        self.swap(j, a)
        return j, False

    def partition_equal(self, a: int, b: int, pivot: int) -> int:
        self.swap(a, pivot)
        i, j = a + 1, b - 1
        while True:
            while i <= j and not self.less(a, i):
                i += 1
            while i <= j and self.less(a, j):
                j -= 1
            if i > j:
                return i
            self.swap(i, j)
            i, j = i + 1, j - 1

    def insert_partially(self, a: int, b: int) -> bool:
        i = a + 1
        for _ in range(5):
            while i < b and not self.less(i, i - 1):
                i += 1
            if i == b:
                return True
            if b - a < NINTHER:
                return False
            self.swap(i, i - 1)
            if i - a >= 2:
                for j in range(i - 1, 0, -1):
                    if not self.less(j, j - 1):
                        break
                    self.swap(j, j - 1)
            if b - i >= 2:
                for j in range(i + 1, b):
                    if not self.less(j, j - 1):
                        break
                    self.swap(j, j - 1)
        return False

    def break_patterns(self, a: int, b: int) -> None:
        length = b - a
        if length < 8:
            return
        seed, modulus, index = length, 1 << length.bit_length(), a + (length // 4) * 2 - 1
        for i in range(3):
            seed ^= seed << 13 & 0xFFFFFFFFFFFFFFFF
            seed ^= seed >> 7
            seed = (seed ^ seed << 17) & 0xFFFFFFFFFFFFFFFF
            other = seed & (modulus - 1)
            self.swap(index - 1 + i, a + (other - length if other >= length else other))

    def choose_pivot(self, a: int, b: int) -> tuple[int, str]:
        length = b - a
        i, j, k = a + length // 4, a + length // 4 * 2, a + length // 4 * 3
        swaps = [0]
        if length >= 8:
            if length >= NINTHER:
                i, j, k = (self.median(one - 1, one, one + 1, swaps) for one in (i, j, k))
            j = self.median(i, j, k, swaps)
        return j, {0: "increasing", MAX_SWAPS: "decreasing"}.get(swaps[0], "unknown")

    def median(self, a: int, b: int, c: int, swaps: list[int]) -> int:
        a, b = self.in_order(a, b, swaps)
        b, c = self.in_order(b, c, swaps)
        return self.in_order(a, b, swaps)[1]

    def in_order(self, a: int, b: int, swaps: list[int]) -> tuple[int, int]:
        if self.less(b, a):
            swaps[0] += 1
            return b, a
        return a, b
