"""A number, or a percentage of something: ``maxSurge``, ``maxUnavailable``, ``minAvailable``.

Models: k8s.io/apimachinery/pkg/util/intstr (GetScaledValueFromIntOrPercent).
"""

from __future__ import annotations

from k8snb.apimachinery.strconv import integer


def scaled(value: int | str, total: int, *, up: bool) -> int:
    """The number, or that percentage of ``total``, rounded up or down.

    >>> scaled("25%", 10, up=True), scaled("25%", 10, up=False), scaled(4, 10, up=True)
    (3, 2, 4)
    """
    if isinstance(value, int):
        return value
    share = (integer(value.rstrip("%")) or 0) * total  # too large a number is none
    return -(-share // 100) if up else share // 100
