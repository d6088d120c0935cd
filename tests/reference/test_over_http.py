"""A few of the recorded scenarios with the machine's real kubectl; all of them: ``python -m tests.reference.over_http``."""

import shutil

import pytest

from tests.reference.over_http import common, play

QUICK = ["finalizers", "ingress", "kubectl-create-dry-run", "resource-quota"]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("kubectl"), reason="no kubectl is installed on this machine")
def test_real_kubectl_sees_what_was_recorded() -> None:
    found = play(QUICK, "kubectl", jobs=len(QUICK))
    assert {name: list(left) for name, (left, _) in found.items()} == {name: [] for name in QUICK}


def test_what_is_forgiven_is_named_and_nothing_else_is() -> None:
    newer, rules = common({"exit": 0, "output": ['pod "a" deleted from <namespace> namespace']})
    older, none = common({"exit": 0, "output": ['pod "a" deleted']})
    assert newer == older
    assert (list(rules), none) == (["delete names the namespace"], {})
    assert common({"exit": 0, "output": ['pod "b" deleted']})[0] != older
    assert common({"exit": 1, "output": ['pod "a" deleted']})[0] != older
