"""The magics in a real shell, over a real cluster."""

import pytest
from IPython.core.completer import provisionalcompleter

from k8snb import Cluster, current, use
from k8snb import cluster as module
from tests.shell import fresh_shell

POD = """apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, image: "nginx:1.27"}]}
"""


@pytest.fixture
def shell():
    with fresh_shell() as made:
        made.run_line_magic("load_ext", "k8snb")
        module._current.clear()
        yield made


def test_before_there_is_a_cluster_a_magic_says_how_to_make_one(shell):
    assert "Cluster(nodes=2)" in repr(shell.run_line_magic("kubectl", "get pods"))


def test_a_manifest_is_applied_to_the_current_cluster(shell):
    cluster = Cluster(nodes=1)
    assert repr(shell.run_cell_magic("manifest", "", POD)) == "pod/web created"
    assert cluster.get("pods", "web")["spec"]["containers"][0]["image"] == "nginx:1.27"


def test_an_error_points_at_its_line(shell):
    Cluster(nodes=1)
    said = repr(shell.run_cell_magic("manifest", "", POD.replace("image:", "imagge:")))
    assert 'unknown field "spec.containers[0].imagge"' in said
    assert "line 5 of this cell" in said


def test_comments_above_a_manifest_are_comments_of_it(shell):
    cluster = Cluster(nodes=1)
    assert shell.run_cell(f"# my first Pod\n\n%%manifest -n default\n{POD}").success
    assert cluster.get("pods", "web")["metadata"]["name"] == "web"
    broken = shell.run_cell(f"# my first Pod\n%%manifest\n{POD.replace('image:', 'imagge:')}").result
    assert "line 6 of this cell" in repr(broken)


def test_python_above_a_manifest_is_told_in_a_sentence(shell, capsys):
    Cluster(nodes=1)
    shell.run_cell(f"x = 1\n%kubectl get nodes\n%%manifest\n{POD}")
    assert capsys.readouterr().out.strip().startswith("%%manifest must be the first line of its cell")
    assert "x" not in shell.user_ns
    assert shell.run_cell(f'x = """\n%%manifest\n{POD}"""').success
    shell.run_line_magic("unload_ext", "k8snb")
    shell.run_cell(f"# a comment\n%%manifest\n{POD}")
    assert "Line magic function `%%manifest` not found" in capsys.readouterr().err  # IPython's own again


def test_a_manifest_that_begins_behind_its_magic_is_told_where_it_begins(shell):
    Cluster(nodes=1)
    said = repr(shell.run_cell_magic("manifest", "apiVersion: v1", POD))
    assert said.startswith("error: Unexpected args: [apiVersion: v1]")
    assert "The manifest begins in the line below." in said


def test_a_name_that_python_does_not_know_is_told_where_the_command_fails(shell):
    Cluster(nodes=1)
    assert "Python knows no victim here" in repr(shell.run_line_magic("kubectl", "delete pod {victim}"))
    assert "Python knows no victim here" in repr(shell.run_line_magic("kubectl", "delete pod $victim"))
    assert "Python" not in repr(shell.run_line_magic("kubectl", "get nodes -o jsonpath={range .items[*]}{.metadata.name}{end}"))
    assert "Python" not in repr(shell.run_line_magic("kubectl", "get pod x -o jsonpath={range .items[*]}{end}"))


def test_a_server_that_does_not_run_is_told_below_a_manifest_as_kubectl_tells_it(shell):
    Cluster(nodes=1).faults.stop("kube-apiserver")
    assert "failed to download openapi" in repr(shell.run_cell_magic("manifest", "", POD))


def test_the_cluster_that_was_made_or_chosen_last_is_meant(shell):
    first, second = Cluster(nodes=1), Cluster(nodes=2)
    assert current() is second
    use(first)
    assert len(repr(shell.run_line_magic("kubectl", "get nodes -o name")).split()) == 1


def test_time_moves_in_three_sizes_and_by_numbers(shell):
    cluster = Cluster(nodes=1)
    shell.run_cell_magic("manifest", "", POD)
    before = cluster.now
    assert shell.run_line_magic("step", "")
    assert len(shell.run_line_magic("step", "3")) == 3
    shell.run_line_magic("step", "event")
    assert cluster.now > before
    shell.run_line_magic("settle", "")
    assert cluster.get("pods", "web")["status"]["phase"] == "Running"
    assert "event, reconcile, settle" in repr(shell.run_line_magic("step", "leap"))


def test_a_command_that_waits_says_how_long(shell):
    Cluster(nodes=1)
    shell.run_cell_magic("manifest", "", POD)
    assert "simulated time" in repr(shell.run_line_magic("kubectl", "wait --for=condition=Ready pod/web"))
    assert "simulated time" not in repr(shell.run_line_magic("kubectl", "get pods"))


def test_time_that_only_the_requests_took_is_no_waiting(shell):
    Cluster(nodes=1)
    assert repr(shell.run_line_magic("kubectl", "delete pod a b --wait=false")).count("\n") == 1  # neither is there
    shell.run_cell_magic("manifest", "", f"{POD}---\n{POD.replace('name: web', 'name: two', 1)}")
    deleted = repr(shell.run_line_magic("kubectl", "delete pod web two --wait=false"))
    assert deleted.endswith("(10ms of simulated time passed)")
    assert "waited" not in deleted


def test_the_answer_of_a_magic_is_that_of_kubectl(shell):
    Cluster(nodes=2)
    answer = shell.run_line_magic("kubectl", "get nodes -o name")
    assert answer.stdout.splitlines() == ["node/node-1", "node/node-2"]
    assert (answer.exit_code, answer.ok, answer.stderr) == (0, True, "")


OFFERED = [("%kubectl g", "get"), ("%kubectl get d", "deployments"), ("x = 1\n%kubectl describe pod w", "web")]


@pytest.mark.parametrize(("text", "expected"), OFFERED)
def test_the_cursor_is_offered_what_kubectl_knows(shell, text, expected):
    Cluster(nodes=1)
    shell.run_cell_magic("manifest", "", POD)
    with provisionalcompleter():
        found = [completion.text for completion in shell.Completer.completions(text, len(text))]
    assert any(expected in word for word in found), found
    assert not any(word.startswith(("%", "getattr")) for word in found)
