"""The Pods of a Job, as they are created: with the tracking finalizer and, in an Indexed Job, with their index.

The index is an annotation, a label, the environment variable ``JOB_COMPLETION_INDEX`` and part of the host name.

Models: pkg/controller/job/indexed_job_utils.go (addCompletionIndexEnvVariables, addIndexFailureCountAnnotation), manageJob.
"""

from __future__ import annotations

from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, Object, freeze
from k8snb.apimachinery.resource import once
from k8snb.controllers.job.account import FINALIZER, Account, per_index
from k8snb.controllers.job.indexes import FAILURES, IGNORED_FAILURES, INDEX, number_in
from k8snb.controllers.job.plan import NO_INDEX
from k8snb.controllers.job.policies import meaning_of
from k8snb.controllers.pod_control import pod_from_template

VARIABLE = "JOB_COMPLETION_INDEX"
_ENV = freeze({"name": VARIABLE, "valueFrom": {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX}']"}}})


def job_pod(account: Account, index: int) -> Object:
    """The Pod for an index (-1: without)."""
    job = account.job
    pod = pod_from_template(job, _template(job["spec"]["template"], index != NO_INDEX))
    if index == NO_INDEX:
        return pod
    meta, name = pod["metadata"], f"{job['metadata']['name']}-{index}"
    notes = {**(meta.get("annotations") or EMPTY_DICT), INDEX: str(index), **_failures(account, index)}
    labels = {**(meta.get("labels") or EMPTY_DICT), INDEX: str(index)}
    head = FrozenDict({**meta, "annotations": FrozenDict(notes), "labels": FrozenDict(labels), "generateName": f"{name}-"})
    return FrozenDict({**pod, "metadata": head, "spec": FrozenDict({**pod["spec"], "hostname": name})})


def _failures(account: Account, index: int) -> dict[str, str]:
    """How often the index has failed before."""
    if not per_index(account.job):
        return {}
    last = account.last_failures.get(index)
    if last is None:
        return {FAILURES: "0"}
    failures, ignored = number_in(last, FAILURES), number_in(last, IGNORED_FAILURES)
    if meaning_of(account.job, last).counts:
        failures += 1
    else:
        ignored += 1
    return {FAILURES: str(failures), **({IGNORED_FAILURES: str(ignored)} if ignored else {})}


def _template(template: Object, indexed: bool) -> Object:
    return _indexed(template) if indexed else _tracked(template)


@once
def _tracked(template: Object) -> Object:
    meta = template.get("metadata") or EMPTY_DICT
    finalizers = FrozenList([*(name for name in meta.get("finalizers") or () if name != FINALIZER), FINALIZER])
    return FrozenDict({**template, "metadata": FrozenDict({**meta, "finalizers": finalizers})})


@once
def _indexed(template: Object) -> Object:
    spec = dict(template["spec"])
    for name in ("initContainers", "containers"):
        if spec.get(name):
            spec[name] = FrozenList([_with_variable(container) for container in spec[name]])
    return FrozenDict({**_tracked(template), "spec": FrozenDict(spec)})


def _with_variable(container: Object) -> Object:
    env = container.get("env") or ()
    if any(entry["name"] == VARIABLE for entry in env):
        return container
    return FrozenDict({**container, "env": FrozenList([*env, _ENV])})
