"""Stories with containers that really run: logs, exec, a pod for one command; and a kind that appears while kubectl is at work."""

from __future__ import annotations

import pytest

from tests.kubectl.shell import Shell

CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ships.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: ships, singular: ship, kind: Ship, shortNames: [sh]}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {crew: {type: integer}}}}}}
"""
SHIP = "apiVersion: example.com/v1\nkind: Ship\nmetadata: {name: emma}\nspec: {crew: 2}\n"


@pytest.fixture
def shell() -> Shell:
    return Shell(runtime="faithful")


def test_what_a_container_says_and_what_it_answers(shell: Shell) -> None:
    shell.ok("run web --image=nginx:1.27 --port=80")
    shell.ok("wait --for=condition=ready pod/web")
    assert "start worker processes" in shell.ok("logs web")
    assert len(shell.ok("logs web --tail=1").splitlines()) == 1
    assert shell.ok("logs web --tail=1 --prefix").startswith("[pod/web/web] ")
    assert shell.ok("exec web -- echo hello") == "hello\n"
    done = shell.run('exec web -- sh -c "exit 3"')
    assert (done.exit_code, done.stderr) == (3, "command terminated with exit code 3\n")
    assert shell.fails("exec web ls").startswith("error: exec [POD] [COMMAND] is not supported anymore.")


def test_the_logs_of_a_workload_are_those_of_its_first_ready_pod(shell: Shell) -> None:
    shell.ok("create deployment web --image=nginx:1.27 --replicas=2")
    shell.ok("rollout status deployment/web")
    done = shell.run("logs deployment/web")
    assert done.stderr.startswith("Found 2 pods, using pod/web-")
    assert len(shell.ok("logs -l app=web --tail=1").splitlines()) == 2


def test_a_pod_for_one_command_leaves_nothing_behind(shell: Shell) -> None:
    done = shell.run("run tmp --rm -it --restart=Never --image=busybox:1.36 -- echo hello")
    assert done.stdout == 'hello\npod "tmp" deleted from default namespace\n'
    failed = shell.run('run tmp2 --rm -it --restart=Never --image=busybox:1.36 -- sh -c "exit 4"')
    assert (failed.exit_code, failed.stderr) == (4, "pod default/tmp2 terminated (Error)\n")


def test_a_new_kind_is_found_without_being_asked_twice(shell: Shell) -> None:
    assert shell.fails("get ships") == 'error: the server doesn\'t have a resource type "ships"\n'
    shell.ok("apply -f -", CRD)
    shell.ok("wait --for=condition=established crd/ships.example.com")
    assert shell.ok("apply -f -", SHIP) == "ship.example.com/emma created\n"
    assert shell.ok("apply -f -", SHIP.replace("2", "3")) == "ship.example.com/emma configured\n"
    assert shell.ok("get sh -o jsonpath={.items[*].spec.crew}") == "3"
    assert "Spec:\n  Crew:  3\n" in shell.ok("describe ship emma")


def test_a_deployment_that_cannot_pull_never_rolls_out(shell: Shell) -> None:
    shell.ok("create deployment web --image=nginx:does-not-exist")
    assert shell.fails("rollout status deployment/web --timeout=20s") == "error: timed out waiting for the condition\n"
    status = shell.ok("get pods --no-headers").split()[2]
    assert status in ("ErrImagePull", "ImagePullBackOff")
    assert "Failed to pull image" in shell.ok("describe pods")
