"""SPDY/3.1 frames, as far as kubectl speaks it: the language inside of a tunnel for ``port-forward``. Bytes in, frames out; no I/O.

    control frame   1 | version 3 (15 bits) | type (16) | flags (8) | length (24) | payload
    data frame      0 | stream (31)                     | flags (8) | length (24) | payload

A client opens a stream with SYN_STREAM (odd numbers; its headers are packed by zlib, with a dictionary that both sides know);
SYN_REPLY accepts it. Either side ends its half with the flag FIN, RST_STREAM ends both. A PING is sent back as it came. Both zlib
streams live as long as the connection, so headers are unpacked in the order in which they come, those of unwanted streams included.

Laws: what a stranger sends costs a bounded amount of memory: frames, unpacked headers and open streams have limits, and whoever
passes one is told by :class:`ProtocolError` that the connection is over.

Models: github.com/moby/spdystream (what Kubernetes uses), after draft-mbelshe-httpbis-spdy-00, sections 2.2, 2.3 and 2.6.10.
Simplified, as there: no flow control (WINDOW_UPDATE is passed over), no priorities, no settings that matter. The one package on
PyPI that speaks it has not been kept since 2021.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

VERSION = 3
SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS, WINDOW_UPDATE = 1, 2, 3, 4, 6, 7, 8, 9
DATA = 0  # no type of a control frame
FIN = 0x01
PROTOCOL_ERROR, INVALID_STREAM, REFUSED_STREAM = 1, 2, 3  # why a stream is reset

LARGEST_FRAME = 1 << 20  # bytes of payload; kubectl sends 32 KiB
LARGEST_HEADERS = 16 << 10  # bytes of a block of headers, unpacked
CHUNK = 32 << 10  # bytes of data in a frame of ours
HEAD = 8  # bytes before each payload

_NAMES = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization "
    "cache-control connection content-base content-encoding content-language content-length content-location content-md5 content-range "
    "content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified "
    "location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding "
    "upgrade user-agent vary via warning www-authenticate method get status"
)
_WORDS = (*_NAMES.split(" "), "200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin")
_TEXT = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information"
    "204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error"
    "501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 "
    "Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,"
    "text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
DICTIONARY = b"".join(len(word).to_bytes(4, "big") + word.encode() for word in _WORDS) + _TEXT.encode()
"""What both sides' zlib knows from the start (the draft fixes it byte by byte): usual headers, each with its length before it, then usual
values."""


class ProtocolError(Exception):
    """The other side does not speak SPDY, or too much of it: the connection is over."""


class Frame(NamedTuple):
    """One frame that came. ``number``: the stream, or the number of a PING. ``headers`` of SYN_STREAM, SYN_REPLY and HEADERS only."""

    type: int
    number: int
    fin: bool = False
    data: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def header(self, name: str) -> str:
        """The value of a header (lower case); empty where there is none."""
        return dict(self.headers).get(name, "")


class Framer:
    """Both directions of one connection, as its server: :meth:`receive` gives frames, the other methods give bytes to send."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._unpack = zlib.decompressobj(zdict=DICTIONARY)
        self._pack = zlib.compressobj(zdict=DICTIONARY)

    # -- what comes ------------------------------------------------------------------------------------------------------

    def receive(self, data: bytes) -> list[Frame]:
        """The frames that are complete now. Raises ProtocolError for what is none, or too long."""
        self._pending += data
        frames = []
        while len(self._pending) >= HEAD:
            length = int.from_bytes(self._pending[5:HEAD], "big")
            if length > LARGEST_FRAME:
                raise ProtocolError(f"a frame of {length} bytes")
            if len(self._pending) < HEAD + length:
                break
            head, payload = bytes(self._pending[:HEAD]), bytes(self._pending[HEAD : HEAD + length])
            del self._pending[: HEAD + length]
            frames.append(self._frame(head, payload))
        return frames

    def _frame(self, head: bytes, payload: bytes) -> Frame:
        first, fin = int.from_bytes(head[:4], "big"), bool(head[4] & FIN)
        if not first >> 31:
            return Frame(DATA, first, fin, payload)
        version, kind = (first >> 16) & 0x7FFF, first & 0xFFFF
        if version != VERSION:
            raise ProtocolError(f"version {version}")
        if kind in _HEADERS_AT:
            if len(payload) < _HEADERS_AT[kind]:
                raise ProtocolError("a short frame")
            return Frame(kind, _number(payload), fin, headers=self._headers(payload[_HEADERS_AT[kind] :]))
        return Frame(kind, _number(payload), fin, payload)

    def _headers(self, block: bytes) -> tuple[tuple[str, str], ...]:
        try:
            raw = self._unpack.decompress(block, LARGEST_HEADERS)
        except zlib.error as error:
            raise ProtocolError(str(error)) from None
        if self._unpack.unconsumed_tail:
            raise ProtocolError("too many headers")
        return tuple(_pairs(raw))

    # -- what is said ----------------------------------------------------------------------------------------------------

    def reply(self, stream: int) -> bytes:
        """Accept a stream, without headers of our own."""
        block = self._pack.compress(bytes(4)) + self._pack.flush(zlib.Z_SYNC_FLUSH)
        return _control(SYN_REPLY, stream.to_bytes(4, "big") + block)

    def data(self, stream: int, data: bytes, *, fin: bool = False) -> bytes:
        """Bytes of a stream, in frames of a usual size; ``fin``: nothing follows."""
        chunks = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)] or ([b""] if fin else [])
        flags = [0] * (len(chunks) - 1) + [FIN if fin else 0]
        frames = zip(chunks, flags, strict=False)
        return b"".join(stream.to_bytes(4, "big") + bytes([flag]) + len(one).to_bytes(3, "big") + one for one, flag in frames)

    def reset(self, stream: int, why: int) -> bytes:
        """End a stream at once."""
        return _control(RST_STREAM, stream.to_bytes(4, "big") + why.to_bytes(4, "big"))

    def pong(self, number: int) -> bytes:
        """Send a PING back."""
        return _control(PING, number.to_bytes(4, "big"))

    def goaway(self, last: int) -> bytes:
        """Nothing new is accepted after the stream ``last``."""
        return _control(GOAWAY, last.to_bytes(4, "big") + bytes(4))


_HEADERS_AT = {SYN_STREAM: 10, SYN_REPLY: 4, HEADERS: 4}  # where in the payload the packed headers begin


def _number(payload: bytes) -> int:
    return int.from_bytes(payload[:4], "big") & 0x7FFFFFFF


def _control(kind: int, payload: bytes) -> bytes:
    return (0x8000 | VERSION).to_bytes(2, "big") + kind.to_bytes(2, "big") + len(payload).to_bytes(4, "big") + payload


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    """``count, (length, name, length, value) ...``, all numbers of four bytes."""
    words, at = [], 4
    for _ in range(2 * min(int.from_bytes(raw[:4], "big"), len(raw))):
        length = int.from_bytes(raw[at : at + 4], "big")
        if at + 4 + length > len(raw):
            raise ProtocolError("headers that end too early")
        words.append(raw[at + 4 : at + 4 + length].decode("latin-1"))
        at += 4 + length
    return list(zip(words[::2], words[1::2], strict=True))
