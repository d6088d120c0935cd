"""The pod network as the rest of a node sees it: addresses, names, connections.

A kubelet asks for an address when it makes a pod's sandbox (*attach*) and gives it back at the end. A process in a
container asks for what a program on Linux can ask for: look up a name, connect, send an HTTP request. The network in turn
asks a :class:`Server`, which stands on the kubelet's side, whether something listens there and what it answers.

    wget in a container -> Network.http -> DNS, kube-proxy's rules, CNI -> Server.serve -> nginx in a container

Everything is a synchronous function of the state at ``now``; latencies are reported, not waited for.
Models: the Container Network Interface, and what resolv.conf and the sockets of a pod give to its programs.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, NamedTuple, Protocol

from k8snb.component_helpers.resolver import Resolver
from k8snb.messages import Plain, counted, text
from k8snb.messages.columns import table
from k8snb.sim.clock import duration

REFUSED = "connection refused"
TIMEOUT = "timed out"
NO_SUCH_NAME = "no such name"
DNS_TIMEOUT = "name server unreachable"
NO_ROUTE = "no route to host"
NO_ENDPOINTS = "no endpoints"
CERTIFICATE = "certificate not trusted"
EMPTY = "empty reply from server"


def phrase(status: int) -> str:
    """A status as a page or a program writes it.

    >>> phrase(404), phrase(799)
    ('404 Not Found', '799')
    """
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


class Source(NamedTuple):
    """Who opens a connection: a pod on a node, or (with an empty pod) the node itself, or (both empty) the outside."""

    node: str = ""
    namespace: str = ""
    pod: str = ""
    address: str = ""

    def __repr__(self) -> str:
        return f"<Source {self.label}>"

    @property
    def label(self) -> str:
        """``pod/shop/web-1``, ``node/node-1`` or ``outside``."""
        if self.pod:
            return f"pod/{self.namespace}/{self.pod}"
        return f"node/{self.node}" if self.node else "outside"


class Hop(NamedTuple):
    """One stage on the way of a request: where (``coredns``, ``kube-proxy/node-1``, ``network``, ``pod/shop/web-1`` ...), what
    happened there, in the language of the learner, how long it took (µs), and by which chain, policy or rule it was decided."""

    where: str
    what: str
    latency: int = 0
    rule: str = ""


Headers = tuple[tuple[str, str], ...]
"""HTTP headers in the order in which they were sent; names as they were written."""


def header(headers: Headers, name: str) -> str:
    """The value of the first header of that name, whatever its case; empty where there is none."""
    return next((value for key, value in headers if key.lower() == name.lower()), "")


ANYBODY = "*"
"""Whom a client trusts that does not look at certificates."""

TCP = "TCP"
"""The method of what is not HTTP at all: a few lines in the protocol of a database, say, in ``body``; the answer is one, too."""


class HTTPRequest(NamedTuple):
    """What reaches a server: already past names and addresses, but still with the host that the client asked for."""

    method: str = "GET"
    path: str = "/"
    host: str = ""
    port: int = 80
    source: str = ""  # the client's address, as the server sees it
    body: str = ""
    headers: Headers = ()
    scheme: str = "http"


class HTTPReply(NamedTuple):
    """What a server answers, and how long it thought (µs). ``status`` 0: it does not speak HTTP, and hangs up."""

    status: int = 200
    body: str = ""
    content_type: str = "text/plain"
    latency: int = 1_000
    headers: Headers = ()


class Connection(NamedTuple):
    """What came of a connect: ``error`` is empty, REFUSED, TIMEOUT or NO_ROUTE; node and uid say whose the address is."""

    error: str = ""
    node: str = ""
    uid: str = ""
    latency: int = 0
    pod: str = ""  # namespace/name


class Answer(NamedTuple):
    """What DNS said: addresses in the order given, the full name that was found, or an error. ``code`` tells the two kinds of "no
    such name" apart: ``NXDOMAIN`` (nothing has that name) and ``NODATA`` (the name is there, but has no record of that type)."""

    addresses: tuple[str, ...] = ()
    name: str = ""
    error: str = ""
    asked: tuple[str, ...] = ()  # the full names that were tried, in order
    latency: int = 0
    records: tuple[tuple[str, ...], ...] = ()  # SRV: (priority, weight, port, target); PTR: (name,)
    code: str = ""
    cnames: tuple[str, ...] = ()  # the aliases that led to ``name``


class HTTPResponse(NamedTuple):
    """The end of a request, with the way it took. ``status`` is 0 when no server answered, and then ``error`` says why."""

    status: int
    body: str
    error: str
    hops: tuple[Hop, ...]
    latency: int
    backend: str = ""  # "shop/web-1" when a pod answered
    content_type: str = "text/plain"
    address: str = ""  # the address that the client connected to, before any translation
    headers: Headers = ()
    certificate: str = ""  # https: whose certificate the server showed

    @property
    def ok(self) -> bool:
        """True for an answer below 400."""
        return 0 < self.status < 400

    @property
    def why(self) -> str:
        """Where it was decided: the last stage, with the chain, policy or rule that decided."""
        last = self.hops[-1] if self.hops else Hop("", "")
        return Plain(f"{last.where}: {last.what}" + (f"  [{last.rule}]" if last.rule else ""))

    def header(self, name: str) -> str:
        """The value of a header of the answer, such as ``Location``; empty where there is none."""
        return header(self.headers, name)

    def __repr__(self) -> str:
        return f"<HTTPResponse {self.status or self.error} from {self.backend or 'nobody'} in {counted(len(self.hops), 'hop')}>"

    def __str__(self) -> str:
        """What came of it, then one line for each hop."""
        said = {"outcome": str(self.status or self.error), "latency": duration(self.latency)}
        head = text("hop.summary", backend=self.backend, **said) if self.backend else text("hop.unanswered", **said)
        return "\n".join([head, *(f"  {line}" for line in table((hop.where, hop.what) for hop in self.hops))])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """How IPython shows it: hop by hop."""
        printer.text("..." if cycle else str(self))


class Server(Protocol):
    """The processes of all nodes, as the network reaches them. Implemented on the kubelet's side."""

    def listens(self, node: str, uid: str, port: int) -> bool:
        """Whether a process of that pod listens on the TCP port."""
        ...

    def listener(self, node: str, uid: str, port: int) -> str:
        """Which process of the pod listens there: another one after a restart. Empty: none."""
        ...

    def serve(self, node: str, uid: str, request: HTTPRequest) -> HTTPReply | None:
        """The answer of the process behind the port, or None where nothing listens."""
        ...

    def say(self, node: str, uid: str, line: str) -> None:
        """A line in the log of the pod's process, for a server whose work is done on the network's side (an Ingress controller)."""
        ...


class PodNetwork(Protocol):
    """What the kubelet needs: an address for each sandbox (CNI ADD and DEL), and a way to probe it."""

    def attach(self, node: str, uid: str, *, namespace: str, pod: str, cidr: str) -> str:
        """The pod's address, the next free one of the node's range. Attaching twice gives the same address."""
        ...

    def attach_host(self, address: str, node: str, uid: str, *, namespace: str, pod: str) -> None:
        """A pod with ``hostNetwork`` shares its node's own address."""
        ...

    def detach(self, node: str, uid: str) -> None:
        """Give the address back. Detaching what is not attached does nothing."""
        ...

    def map_ports(self, node: str, uid: str, ports: tuple[tuple[int, int, str], ...]) -> None:
        """Lead ports of the node (hostPort) to ports of a pod: (port of the node, port of the container, protocol)."""
        ...

    def set_resolver(self, namespace: str, pod: str, resolver: Resolver | None) -> None:
        """How a pod looks names up, where it is not as usual; None: as usual."""
        ...

    def connect(self, source: Source, address: str, port: int) -> Connection:
        """Open a TCP connection to a pod's address (no Service in between)."""
        ...


class Network(PodNetwork, Protocol):
    """What a process in a container, or a user, can do on the network."""

    def resolver(self, namespace: str, pod: str) -> Resolver:
        """A pod's resolv.conf."""
        ...

    def dial(self, host: str, port: int, source: Source) -> Connection:
        """Open a TCP connection to a name or an address, through Services."""
        ...

    def resolve(self, name: str, source: Source, kind: str = "A") -> Answer:
        """Look up a name with the search path of the source's pod."""
        ...

    def http(
        self, url: str, source: Source, *, method: str = "GET", timeout: int = 0,
        headers: Headers = (), body: str = "", trust: str = "", connection: int = 0,
    ) -> HTTPResponse:  # fmt: skip
        """Send a request and follow it hop by hop. ``timeout`` in µs; 0 takes the network's own. ``trust``: the text of a certificate
        authority that the client believes beside the usual ones; :data:`ANYBODY`: any. ``connection``: the source port of a connection
        that the client keeps; 0: it opens one for this request."""
        ...
