"""What a pod of an Ingress controller does with a request: find the location, try endpoints, answer itself where none can.

    attempts   up to three, one endpoint after the other; a refused connection is tried again elsewhere, so is a silent one
    502        all were refused               504  all were silent, or the server thought for longer than it may
    503        there is no endpoint           404  there is no location          308  the host wants https

Models: nginx as ingress-nginx configures it (proxy_next_upstream error timeout, proxy_next_upstream_tries 3).
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.messages import text
from k8snb.network.ingress import log
from k8snb.network.ingress.certificates import FAKE
from k8snb.network.ingress.controller import IngressController, Routed
from k8snb.network.ingress.log import Attempt, Visit
from k8snb.network.ingress.routing import CONNECT_TIMEOUT, READ_TIMEOUT, rewritten
from k8snb.network.paths import Paths, Way
from k8snb.seams.cni import TIMEOUT, Hop, HTTPReply, HTTPRequest, Server, Source, phrase
from k8snb.sim.clock import MILLISECOND, SECOND, duration

OWN_TIME = 1 * MILLISECOND
_PAGE = (
    "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
_TITLES = {503: "503 Service Temporarily Unavailable", 504: "504 Gateway Time-out"}  # nginx has its own words for some


class Proxying:
    """The proxy in the pods of one Ingress controller."""

    def __init__(self, controller: IngressController, paths: Paths, server: Server):
        self.controller, self.paths, self.server = controller, paths, server

    def shows(self, host: str, pod: str) -> tuple[str, Hop, bool]:
        """The certificate for a host: (its name, the hop, whether a client that asked for the host is content with it)."""
        found = self.controller.certificate(host)
        subject = found.subject if found is not None else FAKE
        trusted = found is not None and found.covers(host)
        key = "hop.certificate" if trusted else "hop.certificate_wrong"
        return subject, Hop(f"pod/{pod}", text(key, host=host, subject=subject), 0, f"SNI {host}"), trusted

    def handle(self, way: Way, request: HTTPRequest) -> tuple[HTTPReply, list[Hop], str]:
        """Answer a request that arrived over ``way``: (reply, the hops onward, the pod that answered, if any)."""
        routed = self.controller.route(request.host, request.path, request.scheme)
        hops, attempts, pod = [*self._decided(way, request, routed)], list[Attempt](), ""
        reply: HTTPReply | None = self._own(routed.status, routed.to) if routed.status else None
        for upstream in self.controller.next(routed) if reply is None else ():
            onward = self.paths.to_pod(self._source(way), upstream.address, upstream.port)
            reply, attempt = self._asked(onward, routed, way, request)
            attempts.append(attempt)
            hops += [*onward.hops[:-1], onward.hops[-1]._replace(latency=attempt.took)] if onward.error else onward.hops
            pod = onward.made.pod
            if reply is not None:
                said = text("hop.answered", method=request.method, path=request.path, status=_title(reply.status))
                hops.append(Hop(f"pod/{pod}", said, reply.latency))
                break
            if not onward.error:
                hops.append(Hop(f"pod/{pod}", text("hop.too_slow", limit=duration(attempt.took)), attempt.took))
        if reply is None:
            reply, pod = self._own(attempts[-1].status), ""
            hops.append(Hop(f"pod/{way.made.pod}", text("hop.gave_up", status=_title(reply.status))))
        self._log(way, request, reply, routed, attempts)
        return reply, hops, pod if attempts else ""

    def _asked(self, onward: Way, routed: Routed, way: Way, request: HTTPRequest) -> tuple[HTTPReply | None, Attempt]:
        """One attempt: the reply or None, and what came of it."""
        assert routed.location is not None
        target = f"{onward.address}:{onward.port}"
        if onward.error == TIMEOUT:
            return None, Attempt(target, 504, routed.location.timeout("proxy-connect-timeout", CONNECT_TIMEOUT) * SECOND, error=TIMEOUT)
        if onward.error:
            return None, Attempt(target, 502, onward.made.latency, error=onward.error)
        added = (("X-Forwarded-For", way.seen), ("X-Forwarded-Proto", request.scheme), ("X-Real-IP", way.seen))
        path = rewritten(routed.location, request.path)
        asked = request._replace(path=path, port=onward.port, source=onward.seen, headers=(*request.headers, *added), scheme="http")
        reply = self.server.serve(onward.made.node, onward.made.uid, asked)
        limit = routed.location.timeout("proxy-read-timeout", READ_TIMEOUT) * SECOND
        if reply is None or reply.latency > limit:
            return None, Attempt(target, 504, limit)
        return reply, Attempt(target, reply.status, reply.latency, len(reply.body.encode()))

    def _log(self, way: Way, request: HTTPRequest, reply: HTTPReply, routed: Routed, attempts: list[Attempt]) -> None:
        """What ``kubectl logs`` of the controller's pod shows of a request."""
        visit = Visit(self.controller.kernel.now, self.controller.count(), way.seen, request)
        target = routed.location.target if routed.location else None
        lines = [log.error(visit, one) for one in attempts if one.error or (one.status == 504 and not one.length)]
        for line in (*lines, log.access(visit, reply, target, attempts)):
            self.server.say(way.made.node, way.made.uid, line)

    def _source(self, way: Way) -> Source:
        """The controller's pod as a client."""
        namespace, _, name = way.made.pod.partition("/")
        return Source(way.made.node, namespace, name, way.address)

    def _decided(self, way: Way, request: HTTPRequest, routed: Routed) -> Iterator[Hop]:
        where, asked = f"pod/{way.made.pod}", f"{request.host}{request.path}"
        location = routed.location
        rule = f"Ingress {location.ingress}: {location}" if location else "default backend"
        if routed.to:
            said = text("hop.redirect", asked=asked, status=_title(routed.status), to=routed.to)
        elif location is None:
            said = text("hop.no_location", asked=asked)
        elif routed.status:
            said = text("hop.no_upstream", asked=asked, location=str(location), target=str(location.target or "-"))
        else:
            said = text("hop.location", asked=asked, location=str(location), target=str(location.target), count=len(routed.upstreams))
        yield Hop(where, said, OWN_TIME, rule)
        if location is not None and location.unheard:
            yield Hop(where, text("hop.unheard", ingress=location.ingress, names=", ".join(location.unheard)), 0, rule)

    def _own(self, status: int, to: str = "") -> HTTPReply:
        title = _title(status)
        return HTTPReply(status, _PAGE.format(title=title), "text/html", 0, (("Location", to),) if to else ())

    def ways(self, way: Way, request: HTTPRequest) -> Iterator[Way]:
        """Every way on from here, for a trace: all endpoints, each with its share."""
        if request.scheme == "https":
            way = way._replace(hops=(*way.hops, self.shows(request.host, way.made.pod)[1]))
        routed = self.controller.route(request.host, request.path, request.scheme)
        way = way._replace(hops=(*way.hops, *self._decided(way, request, routed)))
        if routed.status:
            yield way.ends(_title(routed.status))
            return
        for upstream in routed.upstreams:
            onward = self.paths.to_pod(self._source(way), upstream.address, upstream.port)
            share = way.share / len(routed.upstreams)
            yield onward._replace(hops=(*way.hops, *onward.hops), share=share, source=way.source)


def _title(status: int) -> str:
    return _TITLES.get(status) or phrase(status)
