"""Tokens of ServiceAccounts at the endpoint: who shows one is that account, with its rights and no more."""

import pytest

from k8snb.cluster import Cluster
from k8snb.resources.core.serviceaccount_token import read, write
from tests.http.conftest import UPGRADE, Served

CORE = "/api/v1/namespaces/default"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
SPOKEN = {**UPGRADE, "Sec-WebSocket-Protocol": "v5.channel.k8s.io"}


@pytest.fixture
def world(tmp_path):
    """A cluster with the account ``bot`` and a pod ``web``."""
    found = Served(tmp_path, Cluster(nodes=1, runtime="hollow", loud=False))
    for line in ("create serviceaccount bot", "run web --image=nginx"):
        found.run(found.cluster.kubectl, line)
    found.run(found.cluster.run_for, 5)
    yield found
    found.close()


def token(world, account="bot", query="", **spec):
    code, answer = world.ask("POST", f"{CORE}/serviceaccounts/{account}/token{query}", {"spec": spec})
    assert code == 201
    return answer["status"]["token"]


def allow(world, verbs, resources):
    world.run(world.cluster.kubectl, f"create role allowed --verb={verbs} --resource={resources}")
    world.run(world.cluster.kubectl, "create rolebinding allowed --role=allowed --serviceaccount=default:bot")


def test_whoever_shows_a_token_is_its_account(world):
    me = world.ask("POST", WHO, {}, token=token(world))[1]["status"]["userInfo"]
    account = world.run(world.cluster.get, "serviceaccounts", "bot")
    assert (me["username"], me["uid"]) == ("system:serviceaccount:default:bot", account["metadata"]["uid"])
    assert me["groups"] == ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"]


def test_it_may_what_it_was_allowed_and_is_refused_in_the_server_s_words(world):
    mine = token(world)
    code, status = world.ask("GET", f"{CORE}/pods", token=mine)
    assert (code, 'User "system:serviceaccount:default:bot" cannot list resource "pods"' in status["message"]) == (403, True)
    allow(world, "list", "pods")
    assert world.ask("GET", f"{CORE}/pods", token=mine)[0] == 200
    assert world.ask("DELETE", f"{CORE}/pods/web", token=mine)[0] == 403
    jane = {"Impersonate-User": "jane"}
    assert "cannot impersonate-on:user-info:list" in world.ask("GET", f"{CORE}/pods", token=mine, headers=jane)[1]["message"]


def test_a_conversation_needs_its_own_right_and_no_other(world):
    mine, path = token(world), f"{CORE}/pods/web/exec?command=hostname"
    code, status = world.ask("GET", path, token=mine, headers=SPOKEN)
    assert (code, 'cannot create resource "pods/exec"' in status["message"]) == (403, True)
    assert world.ask("GET", f"{CORE}/pods/none/exec", token=mine, headers=SPOKEN)[0] == 403
    allow(world, "create", "pods/exec")
    assert world.open("GET", path, token=mine, headers=SPOKEN).status == 101
    assert world.ask("GET", path, token="x" + mine, headers=SPOKEN)[0] == 401


def test_only_what_was_handed_out_here_is_believed(world):
    mine = token(world)
    claims = read(mine)
    forged = [write(claims | {"sub": "system:serviceaccount:kube-system:default"}), write(claims | {"jti": "guessed"}), mine[:-1], ""]
    assert write(claims) == mine
    assert [world.ask("GET", "/version", token=one)[0] for one in forged] == [401] * 4
    inside = world.run(world.cluster.kubectl, "create token bot").text.strip()
    assert world.ask("GET", "/version", token=inside)[0] == 401


def test_nobody_can_choose_what_makes_a_token_unguessable(world):
    chosen = [read(token(world, query="?jti=mine"))["jti"] for _ in range(2)]
    assert "mine" not in chosen
    assert len(set(chosen)) == 2


def test_a_token_ends_with_its_time_with_its_account_and_where_it_is_for_others(world):
    short, others = token(world, expirationSeconds=600), token(world, audiences=["vault"])
    assert world.ask("GET", "/version", token=others)[0] == 401
    assert world.ask("GET", "/version", token=short)[0] == 200
    world.run(world.cluster.run_for, 601)
    assert world.ask("GET", "/version", token=short)[0] == 401
    longer = token(world)
    world.run(world.cluster.kubectl, "delete serviceaccount bot")
    assert world.ask("GET", "/version", token=longer)[0] == 401


def test_what_was_handed_out_is_an_input_so_a_replay_makes_the_same(world):
    made = token(world)
    there = world.run(lambda: world.cluster.position)
    world.run(world.cluster.kubectl, "create configmap after")
    world.run(world.cluster.rewind, there)
    assert world.ask("GET", "/version", token=made)[0] == 200
