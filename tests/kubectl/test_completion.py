"""What may stand at the cursor."""

from __future__ import annotations

import pytest

from tests.kubectl.shell import Shell


@pytest.fixture(scope="module")
def shell() -> Shell:
    shell = Shell()
    shell.ok("create configmap alpha")
    shell.ok("create configmap beta")
    shell.ok("create namespace shop")
    shell.ok("run web --image=nginx")
    return shell


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ro", ["rollout"]),
        ("rollout st", ["status"]),
        ("get podd", ["poddisruptionbudgets"]),
        ("get configmap al", ["alpha"]),
        ("get configmap alpha be", ["beta"]),
        ("describe cm/", ["cm/alpha", "cm/beta", "cm/kube-root-ca.crt"]),
        ("get pods -n sh", ["shop"]),
        ("get pods -o js", ["json", "jsonpath="]),
        ("get pods --show-l", ["--show-labels"]),
        ("logs w", ["web"]),
        ("cordon node-1", ["node-1"]),
        ("get nothing x", []),
        ("kubectl get names", ["namespaces"]),
    ],
)
def test_words_are_completed(shell: Shell, line: str, expected: list[str]) -> None:
    assert shell.kubectl.complete(line) == expected


def test_completion_looks_only_left_of_the_cursor(shell: Shell) -> None:
    assert shell.kubectl.complete("rollo status deployment", 5) == ["rollout"]


def test_asking_for_completions_changes_nothing(shell: Shell) -> None:
    before = shell.cluster.revision
    shell.kubectl.complete("get configmap ")
    assert shell.cluster.revision == before
