"""Who may talk to the endpoint: whoever holds the token, on this machine, and nobody else."""

import asyncio
import json
import socket
import stat

import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from k8snb.http import endpoint
from k8snb.http.credentials import write_private
from k8snb.http.paths import LARGEST_BODY
from k8snb.http.paths import warning_header as warning
from tests.http.conftest import UPGRADE, Served

PODS = "/api/v1/namespaces/default/pods"


def test_it_listens_on_loopback_only(served):
    bound = [each.getsockname()[0] for each in served.endpoint._sockets]
    assert bound == ["127.0.0.1"]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.2", served.endpoint.port)) != 0


def test_without_the_token_nothing_is_said(served):
    for token in ("", "wrong", served.token + "x", served.token[:-1]):
        code, status = served.ask("GET", PODS, token=token)
        assert (code, status["reason"], status["message"]) == (401, "Unauthorized", "Unauthorized")


def test_a_name_that_was_made_to_point_here_is_refused(served):
    assert served.ask("GET", PODS, host="evil.example.com")[0] == 403
    assert served.ask("GET", PODS, host=f"localhost:{served.endpoint.port}")[0] == 200


def test_a_host_that_is_none_is_refused_without_a_word_on_the_terminal(served, capfd):
    assert [served.ask("GET", PODS, host=host)[0] for host in ("[", "127.0.0.1.evil.example", "localhost.")] == [403, 403, 403]
    assert capfd.readouterr().err == ""


def test_no_web_page_may_read_an_answer(served):
    response = served.open("GET", "/version", headers={"Origin": "https://evil.example.com"})
    assert response.status == 200
    assert not [name for name, _ in response.getheaders() if name.lower().startswith("access-control")]
    assert served.ask("OPTIONS", PODS, headers={"Origin": "https://evil.example.com"})[0] == 405


def test_a_body_that_is_too_large_is_refused_before_it_is_read(served):
    code, status = served.ask("POST", "/api/v1/namespaces/default/configmaps", b" " * (LARGEST_BODY + 1))
    assert (code, status["message"]) == (413, f"Request entity too large: limit is {LARGEST_BODY}")


def test_a_body_that_is_no_json_is_a_bad_request(served):
    code, status = served.ask("POST", "/api/v1/namespaces/default/configmaps", b"{]")
    assert (code, status["reason"]) == (400, "BadRequest")


DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000


@pytest.mark.parametrize("body", [b"[" * 200_000, DEEP, b'{"data":' + DEEP[:1500] + b"1" + b"}" * 301, b"[" * 50_000])
@pytest.mark.parametrize("media", ["application/json", "application/yaml"])
def test_a_body_that_is_nested_too_deep_is_a_bad_request_and_the_cluster_can_still_be_rewound(served, capfd, body, media):
    before = served.run(lambda: served.cluster.position)
    code, status = served.ask("POST", "/api/v1/namespaces/default/configmaps", body, headers={"Content-Type": media})
    assert (code, status["reason"], "exceeded max depth" in status["message"]) == (400, "BadRequest", True)
    served.run(served.cluster.rewind, before)
    assert capfd.readouterr().err == ""


def test_half_a_character_is_replaced_and_what_is_no_number_refused(served):
    maps = "/api/v1/namespaces/default/configmaps"
    half = b'{"metadata":{"name":"a"},"data":{"a":"\\ud800","b":"\\\\ud800","c":"\\ud83d\\ude00"}}'
    assert served.ask("POST", maps, half)[1]["data"] == {"a": "\ufffd", "b": "\\ud800", "c": "\U0001f600"}
    refused = (("NaN", "'N' looking for beginning of value"), ("-Infinity", "'I' in numeric literal"), ("1e999", "number 1e999"))
    for literal, words in refused:
        code, status = served.ask("POST", maps, b'{"data":{"a":%s}}' % literal.encode())
        assert (code, words in status["message"]) == (400, True)


def test_a_warning_travels_whatever_it_says(served):
    body = {"metadata": {"name": "a"}, "\u65e5\u672c": 1, "a\r\nSet-Cookie: b": 2}
    response = served.open("POST", "/api/v1/namespaces/default/configmaps", body)
    said = [value.encode("latin-1").decode() for name, value in response.getheaders() if name == "Warning"]
    assert (response.status, response.headers["Set-Cookie"], len(said)) == (201, None, 2)
    assert said[1] == '299 - "unknown field \\"\u65e5\u672c\\""'
    assert warning('a\nb"') == '299 - "a\\\\nb\\""'


def test_what_had_the_kubeconfig_open_before_reads_nothing_of_it(tmp_path):
    there, elsewhere = tmp_path / "kubeconfig", tmp_path / "elsewhere"
    there.write_text("old")
    with there.open() as held:
        write_private(there, "secret")
        assert (held.read(), there.read_text(), stat.S_IMODE(there.stat().st_mode)) == ("old", "secret", 0o600)
    elsewhere.write_text("kept")
    there.unlink()
    there.symlink_to(elsewhere)
    write_private(there, "secret")
    assert (elsewhere.read_text(), there.is_symlink(), sorted(one.name for one in tmp_path.iterdir())) == (
        "kept", False, ["elsewhere", "kubeconfig"],
    )  # fmt: skip


def test_so_many_may_be_connected_and_no_more_and_who_says_nothing_is_hung_up_on(tmp_path, monkeypatch):
    monkeypatch.setattr(endpoint, "CONNECTIONS", 2)
    monkeypatch.setattr(endpoint, "IDLE", 0.5)
    served = Served(tmp_path)
    try:
        silent = [socket.create_connection(("127.0.0.1", served.endpoint.port), timeout=10) for _ in range(2)]
        served.pause(0.1)
        with pytest.raises(OSError, match=r"reset|EOF|closed"):
            served.ask("GET", "/version")
        assert [one.recv(1) for one in silent] == [b"", b""]
        assert served.ask("GET", "/version")[0] == 200
    finally:
        for one in silent:
            one.close()
        served.close()


def test_a_watch_outlives_the_time_in_which_something_must_be_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(endpoint, "IDLE", 0.3)
    served = Served(tmp_path)
    try:
        watch = served.open("GET", "/api/v1/namespaces/default/configmaps?watch=true&timeoutSeconds=3")
        served.pause(1)
        served.run(served.cluster.kubectl, "create configmap late")
        assert '"name":"late"' in watch.read().decode()
    finally:
        served.close()


def test_the_kubeconfig_is_for_its_owner_only(served):
    assert stat.S_IMODE(served.kubeconfig.stat().st_mode) == 0o600
    served.kubeconfig.chmod(0o644)
    assert stat.S_IMODE(served.endpoint.kubeconfig(served.kubeconfig).stat().st_mode) == 0o600


def test_whoever_is_impersonated_has_only_their_own_rights(served):
    code, status = served.ask("GET", PODS, headers={"Impersonate-User": "jane", "Impersonate-Group": "devs"})
    assert code == 403
    assert status["message"] == ('pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"')
    assert served.ask("GET", PODS, headers={"Impersonate-User": "jane", "Impersonate-Group": "system:masters"})[0] == 200
    assert served.ask("GET", PODS, headers={"Impersonate-Group": "system:masters"})[0] == 400


def test_who_answers_is_not_told(served):
    served.run(served.cluster.kubectl, "run web --image=nginx")
    spoken = {**UPGRADE, "Sec-WebSocket-Protocol": "SPDY/3.1+portforward.k8s.io"}
    asked = [("/version", {}, 200), (f"{PODS}/web/exec", UPGRADE, 400), (f"{PODS}/web/portforward", spoken, 101)]
    for path, headers, status in asked:
        response = served.open("GET", path, headers=headers)
        assert (response.status, response.headers["Server"], response.headers["Cache-Control"]) == (status, None, "no-cache, private")


def test_only_pods_can_be_talked_to_and_by_no_web_page(served):
    served.run(served.cluster.kubectl, "run web --image=nginx")
    spoken = {**UPGRADE, "Sec-WebSocket-Protocol": "v5.channel.k8s.io"}
    for path in ("/exec", "/api/v1/exec", "/api/v1/namespaces/default/services/web/exec", "/api/v1/namespaces/default/pods/exec"):
        assert served.ask("GET", f"{path}?command=ls", headers=spoken)[0] == 404, path
    code, status = served.ask("GET", f"{PODS}/web/exec?command=ls", headers={**spoken, "Origin": "https://evil.example.com"})
    assert (code, status["message"]) == (403, "k8snb does not talk to a page of https://evil.example.com")


@pytest.mark.parametrize("subresource", ["exec", "attach", "portforward"])
def test_a_refused_conversation_is_a_status(served, capfd, subresource):
    upgrade = {**UPGRADE, "Sec-WebSocket-Protocol": "v5.channel.k8s.io, SPDY/3.1+portforward.k8s.io", "Impersonate-Group": "devs"}
    code, status = served.ask("GET", f"{PODS}/web/{subresource}?command=ls", headers=upgrade)
    assert (code, status["kind"], "without impersonating a user" in status["message"]) == (status["code"], "Status", True)
    assert capfd.readouterr().err == ""


def test_the_repr_does_not_show_the_token(served):
    assert repr(served.endpoint) == f"<Endpoint https://127.0.0.1:{served.endpoint.port} serving>"
    assert served.token not in repr(served.endpoint.credentials)


def test_more_than_a_request_may_hold_cannot_be_typed(served):
    served.run(served.cluster.kubectl, "run web --image=nginx")
    served.run(served.cluster.run_for, 5)
    address = f"wss://127.0.0.1:{served.endpoint.port}{PODS}/web/exec?command=cat&stdin=true"

    async def talk():
        request = HTTPRequest(address, headers={"Authorization": f"Bearer {served.token}"}, ssl_options=served.tls)
        connection = await websocket_connect(request, subprotocols=["v5.channel.k8s.io"])
        for _ in range(4):
            await connection.write_message(b"\0" + b"x" * (1 << 20), binary=True)
        said = await connection.read_message()
        connection.close()
        while await connection.read_message() is not None:
            pass
        return said

    said = asyncio.run_coroutine_threadsafe(talk(), served.loop).result(30)
    assert (said[0], json.loads(said[1:])["code"]) == (3, 413)
