"""Ports of Pods from outside: bytes of a real client, through a tunnel, to a simulated program and back."""

import asyncio
import contextlib
import http.client
import re
import shutil
import socket
import subprocess
import time
import urllib.request

import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from k8snb.apimachinery.errors import ApiError
from k8snb.apiserver.request import Response
from k8snb.cluster import Cluster
from k8snb.http import spdy
from k8snb.http.forwarded import Forwarded
from k8snb.http.tunnels import _valid, port_of
from tests.http.conftest import UPGRADE, WEB, Served


def program(calls, **answer):
    """Something that listens, and answers all requests alike."""

    def ask(body):
        calls.append(body)
        reply = {"status": 200, "text": f"{body.get('method')} {body.get('path')}\n", "contentType": "text/plain", "headers": (), **answer}
        return Response(201, reply)

    return ask


def test_several_requests_follow_each_other_on_one_connection():
    calls = []
    connection = Forwarded(80, "web", program(calls))
    assert connection.connect() == ""
    first = connection.receive(b"GET /a HTTP/1.1\r\nHost: web:8080\r\n\r\nPOST /b HTTP/1.1\r\nHost: web\r\nContent-Length: 4\r\n\r\nbo")
    assert (first.over, first.data.count(b"HTTP/1.1 200")) == (False, 1)
    second = connection.receive(b"dy")
    assert (second.over, second.data.endswith(b"\r\n\r\nPOST /b\n")) == (False, True)
    assert [(one["method"], one["path"], one["host"], one["body"]) for one in calls[1:]] == [
        ("GET", "/a", "web", ""), ("POST", "/b", "web", "body"),
    ]  # fmt: skip
    last = connection.receive(b"GET /c HTTP/1.0\r\n\r\n")
    assert last.over


def test_a_head_has_no_body_and_a_client_that_waits_is_told_to_go_on():
    connection = Forwarded(80, "web", program([]))
    head = connection.receive(b"HEAD / HTTP/1.1\r\nHost: web\r\n\r\n").data
    assert head.endswith(b"\r\n\r\n")
    assert b"content-length: 7" in head.lower()
    waits = connection.receive(b"POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert waits.data.startswith(b"HTTP/1.1 100")
    assert connection.receive(b"ok").data.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 204" in Forwarded(80, "web", program([], status=204, text="")).receive(b"GET / HTTP/1.1\r\nHost: w\r\n\r\n").data


@pytest.mark.parametrize(
    "sent", [b"\x16\x03\x01\x02\x00\x01", b"*1\r\n$4\r\nPING\r\n", b"hello\r\n", b"GET / HTTP/1.1\r\nbad header\r\n\r\n"]
)
def test_what_is_no_http_is_refused_in_a_sentence(sent):
    answer = Forwarded(6379, "box", program([])).receive(sent)
    assert answer.over
    assert "port 6379 of pod box was sent something other than HTTP/1.1" in answer.error


def test_a_bad_request_after_a_good_one_is_answered():
    connection = Forwarded(80, "web", program([]))
    connection.receive(b"GET / HTTP/1.1\r\nHost: web\r\n\r\n")
    answer = connection.receive(b"nonsense\r\n\r\n")
    assert (answer.over, answer.data[:12], answer.error) == (True, b"HTTP/1.1 400", "")


def test_a_program_that_speaks_something_else_hangs_up():
    answer = Forwarded(6379, "box", program([], status=0)).receive(b"GET / HTTP/1.1\r\nHost: box\r\n\r\n")
    assert answer == (b"", True, "")


def test_a_body_has_a_limit():
    connection = Forwarded(80, "web", program([]))
    connection.receive(b"POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 999999999\r\n\r\n")
    answers = [connection.receive(b"x" * (1 << 20)) for _ in range(4)]
    assert (answers[2].over, answers[3].over, answers[3].data[:12]) == (False, True, b"HTTP/1.1 413")


# -- with real clients ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    lines = (*WEB, "run box --image=redis:7", "wait pod/box --for=condition=Ready --timeout=60s")
    served = Served(tmp_path_factory.mktemp("forward"), Cluster(nodes=1), lines)
    yield served
    served.close()


@contextlib.contextmanager
def forwarded(served, target, port):
    """A real ``kubectl port-forward`` to any free port of this machine; the port and the process."""
    if not shutil.which("kubectl"):
        pytest.skip("no kubectl is installed on this machine")
    command = ["kubectl", "--kubeconfig", str(served.kubeconfig), "port-forward", target, f":{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        first = process.stdout.readline()
        local = re.search(r":(\d+) ->", first)
        assert local, first + process.stderr.read()
        try:
            yield int(local[1]), process
        finally:
            process.terminate()


@pytest.mark.slow
@pytest.mark.parametrize(("target", "port"), [("deploy/web", 80), ("svc/web", 8080)])
def test_kubectl_leads_a_browser_into_a_pod(world, target, port):
    with forwarded(world, target, port) as (local, _):
        with urllib.request.urlopen(f"http://127.0.0.1:{local}/", timeout=20) as page:
            assert (page.status, page.headers["Content-Type"], b"Welcome to nginx" in page.read()) == (200, "text/html", True)
        kept = http.client.HTTPConnection("127.0.0.1", local, timeout=20)
        for path, status in (("/", 200), ("/none", 404), ("/", 200)):
            kept.request("GET", path)
            answer = kept.getresponse()
            answer.read()
            assert answer.status == status
        kept.close()
    logs = str(world.run(world.cluster.kubectl, "logs deploy/web"))
    assert "127.0.0.1 - - " in logs
    assert '"GET /none HTTP/1.1" 404' in logs


@pytest.mark.slow
def test_kubectl_says_that_nothing_listens(world):
    with forwarded(world, "deploy/web", 81) as (local, process):
        with pytest.raises((OSError, http.client.HTTPException)):
            urllib.request.urlopen(f"http://127.0.0.1:{local}/", timeout=20)
        said = process.communicate(timeout=20)[1]
    assert f"an error occurred forwarding {local} -> 81: error forwarding port 81 to pod" in said
    assert "dial tcp4 127.0.0.1:81: connect: connection refused" in said
    assert said.endswith("error: lost connection to pod\n")


@pytest.mark.slow
def test_kubectl_says_that_only_http_is_forwarded(world):
    with forwarded(world, "pod/box", 6379) as (local, process):
        with socket.create_connection(("127.0.0.1", local), timeout=20) as redis:
            redis.sendall(b"*1\r\n$4\r\nPING\r\n")
            assert redis.recv(100) == b""
        assert "k8snb forwards HTTP only" in process.communicate(timeout=20)[1]


@pytest.mark.slow
def test_a_tunnel_ends_with_its_pod(world):
    world.run(world.cluster.kubectl, "run short --image=nginx:1.27")
    world.run(world.cluster.kubectl, "wait pod/short --for=condition=Ready --timeout=60s")
    with forwarded(world, "pod/short", 80) as (local, process):
        world.run(world.cluster.kubectl, "delete pod short --now")
        with pytest.raises((OSError, http.client.HTTPException)):
            urllib.request.urlopen(f"http://127.0.0.1:{local}/", timeout=20)
        assert f'an error occurred forwarding {local} -> 80: pods \\"short\\" not found' in process.communicate(timeout=20)[1]


def test_the_python_client_forwards_a_port(world):
    kubernetes = pytest.importorskip("kubernetes", reason="the Python package kubernetes is not installed")
    pod = world.run(world.cluster.get, "pods")[1]["metadata"]["name"]
    with kubernetes.config.new_client_from_config(str(world.kubeconfig)) as client:
        connect = kubernetes.client.CoreV1Api(client).connect_get_namespaced_pod_portforward
        forward = kubernetes.stream.portforward(connect, pod, "default", ports="80,81")
        web = forward.socket(80)
        web.setblocking(True)
        web.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        said = b""
        while part := web.recv(4096):
            said += part
        web.close()
        assert said.startswith(b"HTTP/1.1 200")
        assert b"Welcome to nginx" in said
        deadline = time.monotonic() + 10
        while not forward.error(81) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert forward.error(80) is None
        assert "connection refused" in forward.error(81)
        forward.close()
        forward.websocket.shutdown()  # the client leaves its socket open when the server hangs up


WRONG_PORTS = [
    ("", 'query parameter "port" is required'), ("?ports=0", "must be > 0"), ("?ports=a", "as a port"), ("?ports=", "as a port"),
    ("?ports=65536", "out of range"), (f"?ports={5000 * '8'}", "out of range"), (f"?ports={','.join(129 * ['80'])}", "at most 128 ports"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "says"), WRONG_PORTS)
def test_channels_need_ports(served, query, says):
    path = f"/api/v1/namespaces/default/pods/none/portforward{query}"
    for offered in ("v4.channel.k8s.io", "xSPDY/3.1+portforward.k8s.io, v4.channel.k8s.io"):
        status, body = served.ask("GET", path, headers={**UPGRADE, "Sec-WebSocket-Protocol": offered})
        assert (status, says in body["message"]) == (400, True)


def test_a_port_is_read_alike_in_both_forms():
    for given, valid in (("80", True), ("00080", True), ("0" * 5000 + "80", True), ("0", False), ("65536", False), ("9" * 5000, False)):
        frame = spdy.Frame(spdy.SYN_STREAM, 1, headers=(("streamtype", "data"), ("port", given), ("requestid", "0")))
        assert (given, _valid(frame)) == (given, valid)
        with contextlib.nullcontext() if valid else pytest.raises(ApiError):
            assert port_of(given) == 80


def said_in_channels(served, ports, send=b""):
    """What comes through the channels of a tunnel to the pod ``web``, until the server hangs up or answers what was sent."""
    pod = served.run(served.cluster.get, "pods")[-1]["metadata"]["name"]
    address = f"wss://127.0.0.1:{served.endpoint.port}/api/v1/namespaces/default/pods/{pod}/portforward?ports={ports}"

    async def talk():
        headers = {"Authorization": f"Bearer {served.token}"}
        request = HTTPRequest(address, headers=headers, ssl_options=served.tls)
        connection = await websocket_connect(request, subprotocols=["v4.channel.k8s.io"])
        if send:
            await connection.write_message(send, binary=True)
        said = []
        while (message := await connection.read_message()) is not None:
            said.append(message)
            if b"HTTP/1.1" in message:
                connection.close()
        connection.close()
        return said

    return asyncio.run_coroutine_threadsafe(talk(), served.loop).result(30)


def test_a_refused_port_leaves_the_others_open(world):
    said = said_in_channels(world, "81,80", send=b"\x02GET / HTTP/1.1\r\nHost: web\r\n\r\n")
    assert [one for one in said if len(one) == 3] == [b"\x00Q\x00", b"\x01Q\x00", b"\x02P\x00", b"\x03P\x00"]
    assert [b"connection refused" in one for one in said if one[:1] == b"\x01" and len(one) > 3] == [True]
    assert said[-1].startswith(b"\x02HTTP/1.1 200")


def test_a_tunnel_ends_when_all_ports_were_refused_and_takes_as_many_as_there_are_channels(world):
    assert len([one for one in said_in_channels(world, "81,82") if b"connection refused" in one]) == 2
    said = said_in_channels(world, ",".join(128 * ["80"]), send=b"\xfeGET / HTTP/1.1\r\nHost: web\r\n\r\n")
    assert said[-1].startswith(b"\xfeHTTP/1.1 200")


def test_a_served_cluster_with_forwarded_requests_replays(world):
    """What came through a tunnel is an input like any other."""
    before = world.run(lambda: str(world.cluster.kubectl("logs deploy/web")))
    fork = world.run(world.cluster.fork)
    assert world.run(lambda: str(fork.kubectl("logs deploy/web"))) == before
