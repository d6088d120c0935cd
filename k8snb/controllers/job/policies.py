"""The two policies of a Job, as tables of rules: the first rule that matches decides.

    podFailurePolicy   a failed Pod -> FailJob | FailIndex | Ignore | Count
    successPolicy      the succeeded indexes -> it is enough

Models: pkg/controller/job/pod_failure_policy.go, success_policy.go.
"""

from __future__ import annotations

from typing import NamedTuple

from k8snb.apimachinery.meta import condition
from k8snb.apimachinery.objects import EMPTY_LIST, Object, dig
from k8snb.controllers.job.indexes import parse


class Meaning(NamedTuple):
    """What a failed Pod means: the action of the rule that matched (empty: none did) and, for FailJob, the sentence."""

    action: str = ""
    message: str = ""

    @property
    def counts(self) -> bool:
        """Whether the failure counts towards the back-off limit."""
        return self.action != "Ignore"


def meaning_of(job: Object, pod: Object) -> Meaning:
    """What the Job's podFailurePolicy says about a failed Pod."""
    for number, rule in enumerate(dig(job, "spec.podFailurePolicy.rules", EMPTY_LIST)):
        what = _exit_code(rule, pod) if rule.get("onExitCodes") else _condition(rule, pod)
        if what and not (rule["action"] == "FailIndex" and job["spec"].get("backoffLimitPerIndex") is None):
            return Meaning(rule["action"], f"{what} matching {rule['action']} rule at index {number}")
    return Meaning()


def _exit_code(rule: Object, pod: Object) -> str:
    wanted, meta = rule["onExitCodes"], pod["metadata"]
    for status in (*dig(pod, "status.containerStatuses", EMPTY_LIST), *dig(pod, "status.initContainerStatuses", EMPTY_LIST)):
        code = dig(status, "state.terminated.exitCode")
        if code and wanted.get("containerName", status["name"]) == status["name"]:
            listed = code in wanted["values"]
            if listed == (wanted["operator"] == "In"):
                return f"Container {status['name']} for pod {meta['namespace']}/{meta['name']} failed with exit code {code}"
    return ""


def _condition(rule: Object, pod: Object) -> str:
    for wanted in rule.get("onPodConditions") or ():
        found = condition(pod, wanted["type"])
        if found is not None and found["status"] == wanted.get("status", "True"):
            return f"Pod {pod['metadata']['namespace']}/{pod['metadata']['name']} has condition {wanted['type']}"
    return ""


def success_message(job: Object, succeeded: frozenset[int]) -> str:
    """The sentence of the first rule of the successPolicy that is met; empty where none is."""
    completions = job["spec"].get("completions") or 0
    for number, rule in enumerate(dig(job, "spec.successPolicy.rules", EMPTY_LIST)):
        text, count = rule.get("succeededIndexes"), rule.get("succeededCount")
        wanted = parse(text, completions) if text is not None else None
        done = len(succeeded if wanted is None else succeeded & wanted)
        needed = count if count is not None else len(wanted or ())
        if done >= needed:
            return f"Matched rules at index {number}"
    return ""
