"""Nobody answers at the server's address: each command in the words of a real kubectl 1.32 that found the port closed."""

import pytest

from k8snb.cluster import Cluster

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a, image: nginx}]}\n"
REFUSED = "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?\n"
DIAL = "dial tcp 127.0.0.1:6443: connect: connection refused"
OPENAPI = (
    'error: error validating "STDIN": error validating data: failed to download openapi: '
    f'Get "https://127.0.0.1:6443/openapi/v2?timeout=32s": {DIAL}; '
    "if you choose to ignore these errors, turn validation off with --validate=false\n"
)
API = f'Get "https://127.0.0.1:6443/api?timeout=32s": {DIAL}'
UNRECOGNIZED = f'error: unable to recognize "STDIN": {API}\n'
HERE = "namespaces/default"
POST = f'Post "https://127.0.0.1:6443/{{}}?fieldManager=kubectl-create&fieldValidation=Strict": {DIAL}\n'


@pytest.fixture(scope="module")
def down():
    cluster = Cluster(nodes=1)
    cluster.kubectl("create deployment web --image=nginx")
    cluster.settle()
    cluster.faults.stop("kube-apiserver")
    return cluster


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("get pods", REFUSED),
        ("delete pod a b", REFUSED),
        ("run x --image=nginx", REFUSED),
        ("create namespace x", REFUSED),
        ("scale deployment web --replicas=2", REFUSED),
        ("rollout status deployment/web --timeout=2s", REFUSED),
        ("create -f -", OPENAPI),
        ("apply -f -", OPENAPI),
        ("replace -f -", OPENAPI),
        ("apply --validate=false -f -", UNRECOGNIZED),
        ("delete -f -", UNRECOGNIZED),
        ("create deployment x --image=nginx", "error: failed to create deployment: " + POST.format(f"apis/apps/v1/{HERE}/deployments")),
        ("create configmap x -n shop", "error: failed to create configmap: " + POST.format("api/v1/namespaces/shop/configmaps")),
        ("create secret generic x", "error: failed to create secret " + POST.format(f"api/v1/{HERE}/secrets")),
        ("api-versions", f"error: couldn't get available api versions from server: {API}\n"),
    ],
)  # fmt: skip
def test_a_server_that_does_not_run_refuses_the_connection(down, command, says):
    said = down.kubectl(command, stdin=POD)
    assert (said.stderr, said.exit_code) == (says, 1)


def test_a_diff_that_cannot_be_made_ends_with_two(down):
    said = down.kubectl("diff -f -", stdin=POD)
    assert (said.stderr, said.exit_code) == (UNRECOGNIZED, 2)


def test_several_objects_are_no_several_messages(down):
    assert down.kubectl("apply -f -", stdin=f"{POD}---\n{POD}").stderr == OPENAPI


def test_the_clients_own_version_is_told_all_the_same(down):
    said = down.kubectl("version")
    assert said.stdout.startswith("Client Version: v1.36")
    assert said.stderr == REFUSED
