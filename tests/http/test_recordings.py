"""A part of the recorded scenarios with the machine's real kubectl; all of them: ``python -m tests.reference.over_http``."""

import shutil

import pytest

from tests.reference.over_http import play

QUICK = [
    "apply-three-way", "configmap-and-secret", "deployment-rolling-update", "finalizers", "ingress", "job-completions",
    "kubectl-create-dry-run", "kubectl-errors", "kubectl-get-tables", "optimistic-concurrency", "pdb-and-eviction", "replicaset-basics",
    "resource-quota", "server-side-apply", "service-types",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.skipif(not shutil.which("kubectl"), reason="no kubectl is installed on this machine")
def test_real_kubectl_sees_what_was_recorded() -> None:
    found = play(QUICK, "kubectl", jobs=len(QUICK))
    assert {name: list(left) for name, (left, _) in found.items()} == {name: [] for name in QUICK}
