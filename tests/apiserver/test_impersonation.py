"""To ask as somebody else: who one is then, and what one must be allowed for it."""

from __future__ import annotations

import pytest

from k8snb.apimachinery.errors import ApiError
from k8snb.apiserver.impersonation import impersonate, impersonated, wanted
from k8snb.apiserver.request import Request, User
from k8snb.cluster import Cluster

DEPUTY = "system:serviceaccount:default:deputy"
SERVICE_ACCOUNT = "system:serviceaccount:shop:bot"
LIST_PODS = Request("list", resource="pods", namespace="shop", user=User(DEPUTY, ("system:authenticated",)))


@pytest.fixture
def cluster() -> Cluster:
    """A cluster in which the deputy may do nothing yet."""
    return Cluster(nodes=1)


def allow(cluster: Cluster, name: str, *rules: dict[str, list[str]]) -> None:
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": list(rules)}
    cluster.client.create("clusterroles.rbac.authorization.k8s.io", role)
    cluster.kubectl(f"create clusterrolebinding {name} --clusterrole={name} --user={DEPUTY}")


def rule(verbs: str, resources: str, group: str = "", *names: str) -> dict[str, list[str]]:
    made = {"verbs": verbs.split(","), "apiGroups": [group], "resources": resources.split(",")}
    return {**made, "resourceNames": list(names)} if names else made


def ask(cluster: Cluster, request: Request = LIST_PODS, **headers: str | list[str]) -> User:
    """Who the deputy is, for the server, with these headers. Raises ApiError."""
    each = [(name, one) for name, value in headers.items() for one in (value if isinstance(value, list) else [value])]
    other = wanted([(f"Impersonate-{name.replace('_', '-')}", value) for name, value in each])
    return impersonate(cluster.simulation.parts.server.authorizer.check, request, other).user


def refusal(cluster: Cluster, **headers: str | list[str]) -> str:
    with pytest.raises(ApiError) as refused:
        ask(cluster, **headers)
    return str(refused.value.message)


def test_an_administrator_is_whoever_they_like_with_the_groups_of_that_person() -> None:
    known = "system:authenticated"
    people = {
        "jane": (known,), "system:anonymous": ("system:unauthenticated",), "system:node:node-1": ("system:nodes", known),
        SERVICE_ACCOUNT: ("system:serviceaccounts", "system:serviceaccounts:shop", known), "system:node:": (known,),
    }  # fmt: skip
    assert {name: impersonated(User(), wanted([("Impersonate-User", name)])).groups for name in people} == people


def test_groups_that_are_named_stand_for_themselves() -> None:
    named = [("impersonate-user", SERVICE_ACCOUNT), ("IMPERSONATE-GROUP", "a"), ("impersonate-group", "system:unauthenticated")]
    assert impersonated(User(), wanted(named)) == User(SERVICE_ACCOUNT, ("a", "system:unauthenticated"))


def test_who_names_nobody_stays_who_they_are_and_cannot_name_groups_alone() -> None:
    assert impersonated(User(), wanted([("Accept", "*/*")])) == User()
    with pytest.raises(ApiError) as refused:
        wanted([("Impersonate-Group", "a"), ("Impersonate-Group", "b"), ("Impersonate-Extra-Scopes", "view")])
    said = '&user.DefaultInfo{Name:"", UID:"", Groups:[]string{"a", "b"}, Extra:map[string][]string{"scopes":[]string{"view"}}}'
    assert (refused.value.code, refused.value.message) == (400, f"requested {said} without impersonating a user name")


def test_without_a_right_the_refusal_names_the_first_that_is_missing(cluster: Cluster) -> None:
    assert refusal(cluster, User="jane") == (
        f'pods is forbidden: User "{DEPUTY}" cannot impersonate-on:user-info:list resource "pods" in API group "" in the namespace "shop"'
    )


def test_the_right_to_impersonate_holds_for_every_request(cluster: Cluster) -> None:
    allow(cluster, "any", rule("impersonate", "users,serviceaccounts"))
    assert ask(cluster, User="jane") == User("jane", ("system:authenticated",))
    assert ask(cluster, LIST_PODS._replace(verb="delete", name="web"), User="jane").name == "jane"
    assert ask(cluster, User=SERVICE_ACCOUNT).groups[0] == "system:serviceaccounts"
    assert "impersonate-on:user-info:list" in refusal(cluster, User="jane", Group="devs")


def test_a_right_for_one_verb_alone_does_not_hold_for_another(cluster: Cluster) -> None:
    constrained = rule("impersonate:serviceaccount", "serviceaccounts", "authentication.k8s.io", "bot")
    allow(cluster, "some", rule("impersonate-on:serviceaccount:list", "pods"), constrained)
    assert ask(cluster, User=SERVICE_ACCOUNT).name == SERVICE_ACCOUNT
    with pytest.raises(ApiError, match="cannot impersonate-on:serviceaccount:delete"):
        ask(cluster, LIST_PODS._replace(verb="delete"), User=SERVICE_ACCOUNT)
    said = refusal(cluster, User="system:serviceaccount:shop:other")
    assert said.startswith('serviceaccounts.authentication.k8s.io "other" is forbidden')
    assert 'cannot impersonate:serviceaccount resource "serviceaccounts" in API group "authentication.k8s.io" in the namespace' in said


def test_uid_groups_and_extras_each_need_their_own_right(cluster: Cluster) -> None:
    everything = {"User": "jane", "Uid": "7", "Group": ["devs"], "Extra-scopes": ["view"]}
    group = "authentication.k8s.io"
    allow(cluster, "on", rule("impersonate-on:user-info:list", "pods"), rule("impersonate:user-info", "users", group))
    said = []
    for resource in ("uids", "groups", "userextras/scopes"):
        said.append(refusal(cluster, **everything).partition(" is forbidden")[0])
        allow(cluster, resource.replace("/", "-"), rule("impersonate:user-info", resource, group))
    assert said == [f'uids.{group} "7"', f'groups.{group} "devs"', f'userextras.{group} "view"']
    assert ask(cluster, **everything) == User("jane", ("devs", "system:authenticated"), "7", (("scopes", ("view",)),))


def test_the_masters_are_reached_by_the_older_right_only(cluster: Cluster) -> None:
    allow(cluster, "on", rule("*", "pods"), rule("impersonate:user-info", "*", "authentication.k8s.io"))
    said = refusal(cluster, User="jane", Group=["devs", "system:masters"])
    assert said.endswith("at the cluster scope: impersonating the system:masters group is not allowed")
    allow(cluster, "old", rule("impersonate", "users,groups"))
    assert "system:masters" in ask(cluster, User="jane", Group=["devs", "system:masters"]).groups


def test_who_runs_on_a_node_may_be_given_that_node_alone(cluster: Cluster) -> None:
    allow(cluster, "here", rule("impersonate-on:associated-node:list", "pods"), rule("impersonate:associated-node", "nodes", "*"))
    agent = LIST_PODS._replace(user=User(DEPUTY, (), "", (("authentication.kubernetes.io/node-name", ("node-1",)),)))
    assert ask(cluster, agent, User="system:node:node-1").groups == ("system:nodes", "system:authenticated")
    with pytest.raises(ApiError, match="impersonate-on:arbitrary-node:list"):
        ask(cluster, agent, User="system:node:node-2")


def test_who_i_am_is_shown_with_uid_and_extras(cluster: Cluster) -> None:
    rows = str(cluster.kubectl("auth whoami --as=jane --as-uid=7 --as-group=devs")).splitlines()
    assert [row.split(None, 1) for row in rows[1:]] == [["Username", "jane"], ["UID", "7"], ["Groups", "[devs system:authenticated]"]]
    said = cluster.kubectl("get pods --as-group=devs")
    assert said.text == "error: requesting uid, groups or user-extra for kubernetes-admin without impersonating a user\n"
