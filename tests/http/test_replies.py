"""What a program answers reaches real clients as it was meant: through the API server's proxy and through a forwarded port."""

import pytest

from k8snb.apimachinery.objects import freeze
from k8snb.cluster import Cluster
from k8snb.http.replies import real
from k8snb.kubelet.images.image import Image
from k8snb.seams.cni import HTTPReply
from tests.http.conftest import Served
from tests.http.test_port_forward import Forwarded, program

ANSWERS = {
    "/none": HTTPReply(204, "nobody reads this"),
    "/same": HTTPReply(304),
    "/long": HTTPReply(200, "longer than one", headers=(("Content-Length", "1"), ("Connection", "close"))),
    "/cookies": HTTPReply(200, "two", headers=(("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Server", "mine"))),
    "/page": HTTPReply(200, "<p>", "text/html"),
    "/word": HTTPReply(200, "é", headers=(("X-Word", "é"),)),
    "/split": HTTPReply(200, "", headers=(("X-Split", "a\r\nX-Injected: 1"),)),
    "/name": HTTPReply(200, "", headers=(("no name", "1"),)),
    "/99": HTTPReply(99), "/101": HTTPReply(101), "/1000": HTTPReply(1000),
}  # fmt: skip


class Odd(Image):
    """Answers what real programs do, and what they cannot."""

    name = "odd"
    ports = (80,)

    def http(self, process, request):
        return ANSWERS[request.path]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("replies"), Cluster(nodes=1))
    served.run(served.cluster.images.add, Odd)
    served.run(served.cluster.kubectl, "run odd --image=odd --port=80")
    served.run(served.cluster.kubectl, "wait pod/odd --for=condition=Ready --timeout=60s")
    yield served
    served.close()


def fetched(world, path, **headers):
    """Status, headers and body of a page behind the API server's proxy."""
    response = world.open("GET", f"/api/v1/namespaces/default/pods/odd/proxy{path}", headers=headers)
    return response.status, response.headers, response.read()


@pytest.mark.parametrize(("path", "status"), [("/none", 204), ("/same", 304)])
def test_an_answer_without_a_body_has_none(world, path, status):
    code, headers, body = fetched(world, path)
    assert (code, headers["Content-Length"], body) == (status, None, b"")


def test_the_length_is_counted_and_not_believed(world):
    assert fetched(world, "/long")[2] == b"longer than one"
    assert fetched(world, "/page")[2] == b"<p>"


def test_every_header_travels(world):
    _, headers, _ = fetched(world, "/cookies")
    assert (headers.get_all("Set-Cookie"), headers["Server"], headers["Etag"]) == (["a=1", "b=2"], "mine", None)
    _, headers, body = fetched(world, "/word")
    assert (headers["X-Word"].encode("latin-1").decode(), body.decode()) == ("é", "é")


def test_a_browser_may_ask_for_a_page(world):
    code, headers, _ = fetched(world, "/page", Accept="text/html")
    assert (code, headers.get_all("Content-Type")) == (200, ["text/html"])
    assert world.open("GET", "/api/v1/pods", headers={"Accept": "text/html"}).status == 406


UNSAYABLE = [("/split", "'X-Split'"), ("/name", "'no name'"), ("/99", "status 99"), ("/101", "status 101"), ("/1000", "status 1000")]


@pytest.mark.parametrize(("path", "says"), UNSAYABLE)
def test_what_http_cannot_say_is_a_bad_gateway(world, path, says):
    code, headers, body = fetched(world, path)
    assert (code, headers["X-Injected"], says in body.decode()) == (502, None, True)
    reply = ANSWERS[path]
    tunnel = Forwarded(80, "odd", program([], status=reply.status, text=reply.body, headers=reply.headers))
    answer = tunnel.receive(b"GET / HTTP/1.1\r\nHost: odd\r\n\r\n")
    assert (answer.data[:12], says in answer.data.decode(), answer.over) == (b"HTTP/1.1 502", True, False)
    assert tunnel.receive(b"GET / HTTP/1.1\r\nHost: odd\r\n\r\n").data[:12] == b"HTTP/1.1 502"


def test_a_tunnel_hangs_up_where_a_program_agrees_to_leave_http():
    assert Forwarded(80, "odd", program([])).receive(b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n").over


def test_text_that_is_none_still_travels():
    reply = {"status": 200, "text": "\udcff", "contentType": "", "headers": ()}
    assert real(freeze(reply)).body == b"\xff"
    assert real(freeze({**reply, "text": "\ud800"})).body == b"?"
