"""The wire format of protocol buffers, as far as Kubernetes uses it: a message is a sequence of (number, value).

    0a 03 77 65 62      field 1, wire type 2 (length-delimited), 3 bytes: "web"
    10 05               field 2, wire type 0 (varint): 5

Pure. Models: protobuf.dev/programming-guides/encoding. Simplified: groups (wire types 3 and 4) are refused; Kubernetes has none.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, DELIMITED, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED64: ("<d", 8), FIXED32: ("<f", 4)}
Value = int | float | bytes


def records(data: bytes) -> Iterator[tuple[int, Value]]:
    """The fields of a message in the order in which they stand there. Raises ValueError for what is no message.

    >>> list(records(bytes.fromhex("0a037765621005")))
    [(1, b'web'), (2, 5)]
    """
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise ValueError("proto: illegal tag 0")
        value: Value
        if kind == VARINT:
            value, at = _varint(data, at)
        elif kind in _FIXED:
            form, size = _FIXED[kind]
            value, at = struct.unpack(form, _piece(data, at, size))[0], at + size
        elif kind == DELIMITED:
            length, at = _varint(data, at)
            value, at = _piece(data, at, length), at + length
        else:
            raise ValueError(f"proto: illegal wireType {kind}")
        yield number, value


def signed(value: Value) -> int:
    """A varint as the signed integer that it stands for."""
    number = int(value)
    return number - (1 << 64) if number >= 1 << 63 else number


def _varint(data: bytes, at: int) -> tuple[int, int]:
    result = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("unexpected EOF")
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, at
    raise ValueError("proto: integer overflow")


def _piece(data: bytes, at: int, length: int) -> bytes:
    if at + length > len(data):
        raise ValueError("unexpected EOF")
    return data[at : at + length]
