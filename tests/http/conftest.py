"""A served cluster: the endpoint runs in a loop of its own thread, tests talk to it as any client does."""

import asyncio
import http.client
import json
import ssl
import threading

import pytest

from k8snb.cluster import Cluster

UPGRADE = {
    "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip
"""The headers of a client that wants a WebSocket."""

WEB = (
    "create deployment web --image=nginx:1.27 --port=80", "expose deployment web --port=8080 --target-port=80",
    "wait deploy/web --for=condition=Available --timeout=60s",
)  # fmt: skip
"""A web server behind a Service, as it is typed."""


class Served:
    """A cluster behind its endpoint. Whatever touches the cluster itself goes through ``run``, into the loop's thread."""

    def __init__(self, folder, cluster=None, lines=()):
        """``lines``: what is typed after ``kubectl`` before anybody comes."""
        self.cluster = cluster or Cluster(nodes=1, runtime="hollow", loud=False)
        self.connections = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.endpoint = self.run(self.cluster.serve)
        self.kubeconfig = self.endpoint.kubeconfig(folder / "kubeconfig")
        self.token = self.endpoint.credentials.token
        self.tls = ssl.create_default_context(cadata=self.endpoint.credentials.authority.cert_pem.bytes().decode())
        for line in lines:
            self.run(self.cluster.kubectl, line)

    def run(self, function, *arguments):
        async def call():
            return function(*arguments)

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(30)

    def open(self, method, path, body=None, *, host="127.0.0.1", token=None, headers=None):
        """Send a request; the response, not yet read."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.endpoint.port, context=self.tls, timeout=20)
        self.connections.append(connection)
        given = {"Authorization": f"Bearer {self.token if token is None else token}", "Host": host, **(headers or {})}
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        connection.request(method, path, data, {"Content-Type": "application/json", **given})
        self.connections.append(response := connection.getresponse())
        return response

    def ask(self, method, path, body=None, **options):
        """Send a request; status and body."""
        response = self.open(method, path, body, **options)
        raw = response.read()
        return response.status, json.loads(raw) if raw[:1] in (b"{", b"[") else raw.decode()

    def pause(self, seconds):
        """Let the loop go on for so long."""
        asyncio.run_coroutine_threadsafe(asyncio.sleep(seconds), self.loop).result(30)

    def close(self):
        for each in self.connections:
            each.close()
        self.run(self.endpoint.stop)
        self.pause(0.1)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()


@pytest.fixture
def served(tmp_path):
    found = Served(tmp_path)
    yield found
    found.close()
