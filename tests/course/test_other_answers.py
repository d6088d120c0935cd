"""Right answers of another shape than the author's: each of them passes. What a chapter does not forbid is allowed."""

import pytest

from k8snb.course.exercise import chapters
from tests.course.lesson import Lesson


def changed(exercise, *changes):
    """The author's solution with other words in it."""

    def code(solution):
        for old, new in changes:
            assert old in solution
            solution = solution.replace(old, new)
        return solution

    return pytest.param(exercise, code, id=f"{exercise}: {changes[0][1].strip()}")


def instead(exercise, answer):
    """Something else than the author's solution."""
    return pytest.param(exercise, lambda _solution: answer, id=f"{exercise}: {answer.splitlines()[0]}")


NAMESPACE = ("metadata:\n  name: log-agent", "metadata:\n  name: log-agent\n  namespace: kube-system")
TIER = (
    ("matchLabels:\n      app: prices", "matchLabels:\n      tier: back"),
    ("labels:\n        app: prices", "labels:\n        tier: back"),
)
NO_FINALIZER = """%kubectl patch pod audit -p '{"metadata":{"finalizers":null}}'"""
FORBID = "concurrencyPolicy: Forbid"
CLAIM_ONLY = """%kubectl patch pv notes-disk -p '{"spec":{"claimRef":{"uid":null,"resourceVersion":null}}}'\n"""
FAST = """%%manifest
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: disk.csi.k8snb
"""
ANSWERS = (
    changed("04.lose", ("1: 0", "'1': 0"), ("3: 1", "'3': 1")),
    instead("06.crash", "%kubectl delete pod db\n%kubectl run db --image=postgres:17 --env=POSTGRES_PASSWORD=x"),
    instead("07.drain", "%kubectl cordon node-2\n%kubectl rollout restart deployment shop"),
    changed("09.adopt", *TIER),
    instead("09.rest", "%kubectl scale rs shop --replicas=0\n%kubectl delete node node-3\n" + NO_FINALIZER),
    changed("11.agent", NAMESPACE),
    instead("12.pending", FAST),
    changed("12.recover", ("%kubectl patch pv notes-disk --patch '{\"spec\":{\"claimRef\":null}}'\n", CLAIM_ONLY)),
    changed("14.overlap", (FORBID, FORBID + "\n  successfulJobsHistoryLimit: 0")),
    changed("14.overlap", (FORBID, FORBID + "\n  timeZone: Etc/UTC")),
    changed("14.overlap", ("      template:\n", "      ttlSecondsAfterFinished: 60\n      template:\n")),
    changed("16.tls", ('"hosts":["shop.example"]', '"hosts":["www.shop.example"]')),
    changed("17.live", ("sleep 5;", "sleep 100;")),
    changed("17.live", ("configMap: {name: sign}", "projected: {sources: [{configMap: {name: sign}}]}")),
    instead("19.upgrade", 'lab.cloud.node_pools.add("more", count=2)\nlab.run_for(100)\n%kubectl scale deployment web --replicas=4'),
)


@pytest.mark.parametrize(("exercise", "code"), ANSWERS)
def test_it_passes(exercise, code, tmp_path):
    number, _, name = exercise.partition(".")
    found = chapters()[number].exercises[name]
    lesson = Lesson(chapters()[number], tmp_path)
    try:
        verdict = lesson.alone(found, code(found.solution))
    finally:
        lesson.close()
    assert verdict.passed, verdict
