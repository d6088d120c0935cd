"""``port-forward`` over HTTP: connections to a Pod's ports inside of one WebSocket, in the two forms that clients use.

    SPDY/3.1+portforward.k8s.io   kubectl since 1.30: frames of SPDY in binary messages; each connection is a pair of streams
    v4.channel.k8s.io             the Python client: a byte for the channel, then data; each port has one pair of channels

A pair is a data stream, and an error stream on which the server says why a connection failed. In the second form each channel
begins with its port, two bytes, the lower first.

Models: k8s.io/apiserver/pkg/util/proxy/streamtunnel.go, k8s.io/kubelet/pkg/cri/streaming/portforward (httpstream.go, websocket.go).
Simplified: SPDY inside of a WebSocket alone; no time-outs.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from k8snb.apimachinery.errors import ApiError, bad_request, quote
from k8snb.apimachinery.strconv import parse_uint
from k8snb.http import spdy
from k8snb.http.forwarded import Answer, Forwarded
from k8snb.http.upgraded import Upgraded

if TYPE_CHECKING:
    from k8snb.http.endpoint import Endpoint

SPDY, CHANNELS = "SPDY/3.1+portforward.k8s.io", "v4.channel.k8s.io"
MOST = 256  # streams that may be open at once
DATA, ERROR = "data", "error"  # kinds of streams


def port_of(given: str) -> int:
    """A port as a client writes it. Raises ApiError 400, in the kubelet's words."""
    try:
        port = parse_uint(given, bits=16)
    except ValueError as problem:
        raise bad_request(f"unable to parse {quote(given)} as a port: {problem}") from None
    if not port:
        raise bad_request(f"port {quote(given)} must be > 0")
    return port


class Tunnel(Upgraded):
    """One ``port-forward``, in whichever form its client speaks."""

    protocols = (SPDY, CHANNELS)

    def initialize(self, endpoint: Endpoint) -> None:
        """Tornado's way to hand in what the handler needs."""
        super().initialize(endpoint)
        self.form: Streams | Channels | None = None

    def check_query(self) -> None:
        """Channels need ports. Raises ApiError 400."""
        if self.select_subprotocol(self.offered) == CHANNELS:
            self.ports()

    def ports(self) -> list[int]:
        """The ports that the query names. Raises ApiError 400, in the kubelet's words."""
        given = [value for key, value in self.asked if key in ("ports", "port")]
        if not given:
            raise bad_request('query parameter "port" is required')
        found = [port_of(part) for one in given for part in one.split(",")]
        if len(found) > MOST // 2:
            raise bad_request(f"k8snb forwards at most {MOST // 2} ports in one connection")
        return found

    def open(self, *_args: str, **_kwargs: str) -> None:
        """The protocol has changed."""
        self.form = Streams(self) if self.selected_subprotocol == SPDY else Channels(self, self.ports())

    def on_message(self, message: str | bytes) -> None:
        """Something came through."""
        if self.form is not None and not self.over:
            self.form.receive(message.encode() if isinstance(message, str) else message)

    def connection(self, port: int) -> Forwarded:
        """A new connection to a port of the pod."""
        return Forwarded(port, self.target.name, lambda body: self.ask(self.about("create", "portforward", body=body)))

    def end(self) -> None:
        """Hang up."""
        self.over = True
        self.close(1000)


class Streams:
    """The form with SPDY: a client opens an error stream and a data stream for each connection that it has accepted."""

    def __init__(self, tunnel: Tunnel):
        self.tunnel, self.framer = tunnel, spdy.Framer()
        self.streams: dict[int, spdy.Frame] = {}  # how each open stream began
        self.connections: dict[int, tuple[Forwarded, int]] = {}  # data stream -> the connection, and its error stream
        self.last = 0

    def receive(self, message: bytes) -> None:
        """A message holds a part of a frame, or several."""
        try:
            for frame in self.framer.receive(message):
                _FRAMES.get(frame.type, Streams._passed_over)(self, frame)
        except spdy.ProtocolError:
            self.tunnel.send(self.framer.goaway(self.last))
            self.tunnel.end()

    def _passed_over(self, frame: spdy.Frame) -> None:
        """SETTINGS, WINDOW_UPDATE and what a server is not sent."""

    def _opened(self, frame: spdy.Frame) -> None:
        number = frame.number
        if not number % 2 or number <= self.last or not _valid(frame):
            self.tunnel.send(self.framer.reset(number, spdy.PROTOCOL_ERROR))
            return
        if len(self.streams) >= MOST:
            self.tunnel.send(self.framer.reset(number, spdy.REFUSED_STREAM))
            return
        self.last, self.streams[number] = number, frame
        self.tunnel.send(self.framer.reply(number))
        kind, request = frame.header("streamtype"), frame.header("requestid")
        other = [n for n, one in self.streams.items() if one.header("requestid") == request and one.header("streamtype") != kind]
        if other:
            self._connected(*((number, other[-1]) if kind == DATA else (other[-1], number)))

    def _connected(self, data: int, error: int) -> None:
        """Both streams of a connection are there: dial."""
        connection = self.tunnel.connection(port_of(self.streams[data].header("port")))
        problem = connection.connect()
        self.connections[data] = (connection, error)
        if problem:
            self._answered(data, Answer(over=True, error=problem))

    def _data(self, frame: spdy.Frame) -> None:
        if frame.number not in self.streams:
            self.tunnel.send(self.framer.reset(frame.number, spdy.INVALID_STREAM))
            return
        found = self.connections.get(frame.number)
        if found is None:
            return  # a client closes its half of an error stream at once
        answer = found[0].receive(frame.data) if frame.data else Answer()
        if frame.fin and not answer.over:
            last = found[0].receive(b"")
            answer = Answer(answer.data + last.data, True, last.error)
        self._answered(frame.number, answer)

    def _answered(self, number: int, answer: Answer) -> None:
        self.tunnel.send(self.framer.data(number, answer.data, fin=answer.over))
        if answer.over:
            _connection, error = self.connections.pop(number)
            self.tunnel.send(self.framer.data(error, answer.error.encode(), fin=True))
            del self.streams[number]
            self.streams.pop(error, None)

    def _reset(self, frame: spdy.Frame) -> None:
        """The client has lost interest in a stream; with the data of a connection its errors end, too."""
        self.streams.pop(frame.number, None)
        if (found := self.connections.pop(frame.number, None)) is not None:
            self.tunnel.send(self.framer.data(found[1], b"", fin=True))
            self.streams.pop(found[1], None)

    def _ping(self, frame: spdy.Frame) -> None:
        if frame.number % 2:  # an even one would answer ours
            self.tunnel.send(self.framer.pong(frame.number))

    def _leaving(self, _frame: spdy.Frame) -> None:
        self.tunnel.end()


_FRAMES: dict[int, Any] = {
    spdy.SYN_STREAM: Streams._opened, spdy.DATA: Streams._data, spdy.RST_STREAM: Streams._reset,
    spdy.PING: Streams._ping, spdy.GOAWAY: Streams._leaving,
}  # fmt: skip


def _valid(frame: spdy.Frame) -> bool:
    """Whether a stream says which port of which connection it belongs to."""
    with suppress(ApiError):
        return frame.header("streamtype") in (DATA, ERROR) and port_of(frame.header("port")) > 0
    return False


class Channels:
    """The form with channels: one connection to each port, the data of the n-th in channel 2n, its errors in 2n + 1."""

    def __init__(self, tunnel: Tunnel, ports: list[int]):
        self.tunnel = tunnel
        self.connections = {2 * index: tunnel.connection(port) for index, port in enumerate(ports)}
        for channel, connection in list(self.connections.items()):  # a refused one leaves; with the last of them ends the tunnel
            self._opened(channel, connection)

    def _opened(self, channel: int, connection: Forwarded) -> None:
        for number in (channel, channel + 1):
            self.tunnel.send(bytes([number]) + connection.port.to_bytes(2, "little"))
        problem = connection.connect()
        if problem:
            self._answered(channel, Answer(over=True, error=problem))

    def receive(self, message: bytes) -> None:
        """A message is the data of one channel."""
        connection = self.connections.get(message[0]) if message else None
        if connection is not None and len(message) > 1:
            self._answered(message[0], connection.receive(message[1:]))

    def _answered(self, channel: int, answer: Answer) -> None:
        for number, data in ((channel, answer.data), (channel + 1, answer.error.encode())):
            self.tunnel.send(bytes([number]) + data if data else b"")
        if answer.over:
            del self.connections[channel]
            if not self.connections:
                self.tunnel.end()
