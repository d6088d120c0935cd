"""Frames of SPDY/3.1: what a client packs is unpacked here, and a stranger cannot make it costly."""

import zlib

import pytest

from k8snb.http import spdy


class Client:
    """The other side: packs headers in one zlib stream."""

    def __init__(self):
        self.pack, self.unpack = zlib.compressobj(zdict=spdy.DICTIONARY), zlib.decompressobj(zdict=spdy.DICTIONARY)

    def open(self, stream, headers, *, fin=False):
        raw = len(headers).to_bytes(4, "big")
        for word in (word for pair in headers.items() for word in pair):
            raw += len(word).to_bytes(4, "big") + word.encode()
        block = self.pack.compress(raw) + self.pack.flush(zlib.Z_SYNC_FLUSH)
        return control(spdy.SYN_STREAM, stream.to_bytes(4, "big") + bytes(6) + block, fin=fin)


def control(kind, payload, *, fin=False, version=3):
    return (0x8000 | version).to_bytes(2, "big") + kind.to_bytes(2, "big") + bytes([fin]) + len(payload).to_bytes(3, "big") + payload


def test_the_dictionary_is_that_of_the_draft():
    assert (len(spdy.DICTIONARY), zlib.adler32(spdy.DICTIONARY)) == (1423, 0xE3C6A7C2)


def test_streams_open_with_headers_and_carry_data_however_the_bytes_are_cut():
    client, framer = Client(), spdy.Framer()
    sent = client.open(1, {"streamtype": "error", "port": "80"}, fin=True) + client.open(3, {"streamtype": "data", "port": "80"})
    sent += (3).to_bytes(4, "big") + b"\0" + (5).to_bytes(3, "big") + b"hello" + control(spdy.PING, (7).to_bytes(4, "big"))
    frames = [frame for byte in sent for frame in framer.receive(bytes([byte]))]
    assert [(frame.type, frame.number, frame.fin) for frame in frames] == [(1, 1, True), (1, 3, False), (0, 3, False), (6, 7, False)]
    assert (frames[1].header("streamtype"), frames[1].header("port"), frames[2].data) == ("data", "80", b"hello")


def test_what_is_said_can_be_read_by_a_client():
    framer, client = spdy.Framer(), Client()
    for stream in (1, 3):  # one zlib stream for both
        reply = framer.reply(stream)
        assert (reply[:4], int.from_bytes(reply[8:12], "big")) == (bytes([0x80, 3, 0, spdy.SYN_REPLY]), stream)
        assert client.unpack.decompress(reply[12:]) == bytes(4)
    long = framer.data(3, b"x" * (spdy.CHUNK + 1), fin=True)
    first, second = long[: 8 + spdy.CHUNK], long[8 + spdy.CHUNK :]
    assert (first[4], second[4], second[8:]) == (0, spdy.FIN, b"x")
    assert framer.data(5, b"", fin=True) == bytes([0, 0, 0, 5, spdy.FIN, 0, 0, 0])
    assert framer.data(5, b"") == b""


def bomb():
    return Client().open(1, {"a": "0" * (spdy.LARGEST_HEADERS + 1)})


@pytest.mark.parametrize(
    "sent",
    [
        bytes([0, 0, 0, 1, 0, 0xFF, 0xFF, 0xFF]),  # 16 MB are announced
        control(spdy.PING, bytes(4), version=2),
        control(spdy.SYN_STREAM, bytes(4)),
        control(spdy.SYN_STREAM, bytes(10) + b"no zlib"),
        bomb(),
        b"GET / HTTP/1.1\r\n\r\n" + b"\xff" * 8,
    ],
)
def test_whoever_speaks_something_else_or_too_much_is_told_that_it_is_over(sent):
    framer = spdy.Framer()
    with pytest.raises(spdy.ProtocolError):
        framer.receive(sent)


def test_headers_that_lie_about_their_length_are_refused():
    client, framer = Client(), spdy.Framer()
    raw = (1).to_bytes(4, "big") + (900).to_bytes(4, "big") + b"short"
    block = client.pack.compress(raw) + client.pack.flush(zlib.Z_SYNC_FLUSH)
    with pytest.raises(spdy.ProtocolError):
        framer.receive(control(spdy.SYN_STREAM, bytes(10) + block))
