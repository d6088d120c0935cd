"""Who may talk to the endpoint: whoever holds the token, on this machine, and nobody else."""

import socket
import stat

import pytest

from k8snb.http.paths import LARGEST_BODY
from tests.http.conftest import UPGRADE

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


@pytest.mark.parametrize("subresource", ["exec", "attach", "portforward"])
def test_a_refused_conversation_is_a_status(served, capfd, subresource):
    upgrade = {**UPGRADE, "Sec-WebSocket-Protocol": "v5.channel.k8s.io, SPDY/3.1+portforward.k8s.io", "Impersonate-Group": "devs"}
    code, status = served.ask("GET", f"{PODS}/web/{subresource}?command=ls", headers=upgrade)
    assert (code, status["kind"], "without impersonating a user" in status["message"]) == (status["code"], "Status", True)
    assert capfd.readouterr().err == ""


def test_the_repr_does_not_show_the_token(served):
    assert repr(served.endpoint) == f"<Endpoint https://127.0.0.1:{served.endpoint.port} serving>"
    assert served.token not in repr(served.endpoint.credentials)
