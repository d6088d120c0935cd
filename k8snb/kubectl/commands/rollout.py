"""``kubectl rollout``: watch, look back, go back, pause, resume, restart.

Models: k8s.io/kubectl/pkg/cmd/rollout, pkg/polymorphichelpers (rollout_status.go, history.go, rollback.go, objectrestarter.go).
Simplified: ``status`` without ``--timeout`` gives up after an hour of virtual time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from k8snb.apimachinery import meta
from k8snb.apimachinery.errors import ApiError, quote
from k8snb.apimachinery.objects import dig, drop, freeze, put
from k8snb.apiserver.request import JSON_PATCH, STRATEGIC_MERGE_PATCH
from k8snb.kubectl.api import Json
from k8snb.kubectl.builder import Info, scope_of, visit
from k8snb.kubectl.call import DRY_RUN, FILENAME, PRINT, SELECTOR, Call, Command, field_manager
from k8snb.kubectl.describe.containers import pod_template
from k8snb.kubectl.describe.writer import Writer
from k8snb.kubectl.flags import Flag, boolean
from k8snb.kubectl.history import CHANGE_CAUSE, HASH_LABEL, REVISION, revision_of, revisions, same_template, template_of
from k8snb.kubectl.lastapplied import ANNOTATION
from k8snb.kubectl.mapper import Kind
from k8snb.kubectl.printers import printer
from k8snb.kubectl.result import Failure, raise_all
from k8snb.kubectl.text import align

STATUS_SECONDS = 3600.0
RESTARTED = "kubectl.kubernetes.io/restartedAt"
ROLLED_BACK_APPLIED = (
    "Warning: resource {name} was previously managed with 'kubectl apply'. Rolling back will not update the {annotation} annotation, "
    "which may cause unexpected behavior on future 'kubectl apply' operations. "
    "Consider using 'kubectl apply' with your previous configuration file instead."
)
NOT_ROLLED_BACK = (
    ANNOTATION, REVISION, "deployment.kubernetes.io/revision-history", "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas", "deprecated.deployment.rollback.to",
)  # fmt: skip


def _each(call: Call, act: Callable[[Call, Info], None], *, silent: bool = False) -> None:
    """Do something to each; ``silent`` where kubectl does not say that there is none."""
    if not call.args and not call.flag("filename"):
        raise Failure("required resource not specified")
    infos, errors = visit(call, scope_of(call))
    if not infos and not errors and not silent:
        call.err(f"No resources found in {call.namespace} namespace.")
    for info in infos:
        try:
            act(call, info)
        except (ApiError, Failure) as problem:
            errors.append(problem)
    raise_all(errors)


# -- status ------------------------------------------------------------------------------------------------------------------


def run_status(call: Call) -> None:
    """Say how a rollout goes until it is done."""
    _each(call, _status)


def _status(call: Call, info: Info) -> None:
    report = STATUS.get(info.kind.kind)
    if report is None:
        raise Failure(f"no status viewer has been implemented for {_group_kind(info.kind)}")
    seen: list[str] = []
    failed: list[Exception] = []

    def done() -> bool:
        try:
            obj = call.api.get(info.kind, info.namespace, info.name)
            if seen[-1:] == [obj["metadata"]["resourceVersion"]]:
                return False
            seen.append(obj["metadata"]["resourceVersion"])
            text, finished = report(obj, int(call.flag("revision")))
        except (ApiError, Failure) as problem:
            failed.append(problem)
            return True
        call.out(text)
        return finished

    ended = done() or not call.flag("watch") or call.wait(done, call.flag("timeout") or STATUS_SECONDS)
    raise_all(failed)
    if not ended:
        raise Failure("timed out waiting for the condition")


def deployment_status(obj: Json, revision: int = 0) -> tuple[str, bool]:
    """One sentence on a deployment's rollout, and whether it is over. Raises Failure where it failed."""
    name, status = quote(obj["metadata"]["name"]), obj.get("status") or {}
    if revision and revision != revision_of(obj):
        raise Failure(f"desired revision ({revision}) is different from the running revision ({revision_of(obj)})")
    if obj["metadata"].get("generation", 0) > status.get("observedGeneration", 0):
        return "Waiting for deployment spec update to be observed...", False
    progressing = meta.condition(obj, "Progressing")
    if progressing and progressing.get("reason") == "ProgressDeadlineExceeded":
        raise Failure(f"deployment {name} exceeded its progress deadline")
    wanted, updated = dig(obj, "spec.replicas", 1), status.get("updatedReplicas", 0)
    waiting = f"Waiting for deployment {name} rollout to finish:"
    if updated < wanted:
        return f"{waiting} {updated} out of {wanted} new replicas have been updated...", False
    if status.get("replicas", 0) > updated:
        return f"{waiting} {status['replicas'] - updated} old replicas are pending termination...", False
    if status.get("availableReplicas", 0) < updated:
        return f"{waiting} {status.get('availableReplicas', 0)} of {updated} updated replicas are available...", False
    return f"deployment {name} successfully rolled out", True


_ONLY_ROLLING = "rollout status is only available for RollingUpdate strategy type"


def daemon_set_status(obj: Json, _revision: int = 0) -> tuple[str, bool]:
    """The same of a daemon set."""
    name, status = quote(obj["metadata"]["name"]), obj.get("status") or {}
    if dig(obj, "spec.updateStrategy.type") != "RollingUpdate":
        raise Failure(_ONLY_ROLLING)
    if obj["metadata"].get("generation", 0) > status.get("observedGeneration", 0):
        return "Waiting for daemon set spec update to be observed...", False
    wanted, updated, available = (status.get(key, 0) for key in ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable"))
    waiting = f"Waiting for daemon set {name} rollout to finish:"
    if updated < wanted:
        return f"{waiting} {updated} out of {wanted} new pods have been updated...", False
    if available < wanted:
        return f"{waiting} {available} of {wanted} updated pods are available...", False
    return f"daemon set {name} successfully rolled out", True


def stateful_set_status(obj: Json, _revision: int = 0) -> tuple[str, bool]:
    """The same of a stateful set."""
    status, wanted = obj.get("status") or {}, dig(obj, "spec.replicas", 1)
    if dig(obj, "spec.updateStrategy.type") != "RollingUpdate":
        raise Failure(_ONLY_ROLLING)
    if not status.get("observedGeneration") or obj["metadata"].get("generation", 0) > status["observedGeneration"]:
        return "Waiting for statefulset spec update to be observed...", False
    if status.get("readyReplicas", 0) < wanted:
        return f"Waiting for {wanted - status.get('readyReplicas', 0)} pods to be ready...", False
    partition = dig(obj, "spec.updateStrategy.rollingUpdate.partition")
    updated = status.get("updatedReplicas", 0)
    if partition is not None:
        if updated < wanted - partition:
            return f"Waiting for partitioned roll out to finish: {updated} out of {wanted - partition} new pods have been updated...", False
        return f"partitioned roll out complete: {updated} new pods have been updated...", True
    if status.get("updateRevision") != status.get("currentRevision"):
        return f"waiting for statefulset rolling update to complete {updated} pods at revision {status.get('updateRevision')}...", False
    return (
        f"statefulset rolling update complete {status.get('currentReplicas', 0)} pods at revision {status.get('currentRevision')}...",
        True,
    )


STATUS: dict[str, Callable[[Json, int], tuple[str, bool]]] = {
    "Deployment": deployment_status, "DaemonSet": daemon_set_status, "StatefulSet": stateful_set_status,
}  # fmt: skip


# -- history -----------------------------------------------------------------------------------------------------------------


def run_history(call: Call) -> None:
    """Show revisions, or one of them."""
    if call.flag("revision") < 0:
        raise Failure(f"revision must be a positive integer: {call.flag('revision')}")
    _each(call, _history, silent=True)


def _group_kind(kind: Kind) -> str:
    return f"{kind.kind}.{kind.group}" if kind.group else kind.kind


def _without(kind: Kind, retrieving: str, what: str) -> Failure:
    """Nothing rolls out there: kubectl knows some kinds all the same, and the others not at all."""
    full = quote(_group_kind(kind))
    known = kind.kind in ("Pod", "ReplicaSet", "ReplicationController", "Job", "CronJob")
    return Failure(f"no {what} has been implemented for {full}" if known else f"{retrieving} {full}, no visitor method exists for "
                   f"{{{kind.group} {kind.kind}}}")  # fmt: skip


def _history(call: Call, info: Info) -> None:
    if info.kind.kind not in STATUS:
        raise _without(info.kind, "error retrieving history for", "history viewer")
    found, wanted = revisions(call.api, info.obj), int(call.flag("revision"))
    if call.flag("output") not in ("", "name") and info.kind.kind == "Deployment":
        show = printer(call, structs=True)
        for number in [wanted] if wanted else found:
            if number not in found:
                raise Failure("unable to find the specified revision")
            show(freeze({"apiVersion": "apps/v1", "kind": "ReplicaSet", **found[number]}))
        return
    if not wanted:
        rows = [f"{number}\t{_cause(found[number])}\n" for number in found]
        text = align("REVISION\tCHANGE-CAUSE\n" + "".join(rows)) if found else "No rollout history found."
        printer(call, f"\n{text}", structs=True)(info.obj)
        return
    if wanted not in found:
        raise Failure("unable to find the specified revision")
    printer(call, f"with revision #{wanted}\n{_template_text(info.obj, found[wanted])}", structs=True)(info.obj)


def _cause(revision: Json) -> str:
    return str(dig(revision, ("metadata", "annotations", CHANGE_CAUSE)) or "<none>")


def _template_text(workload: Json, revision: Json) -> str:
    template, cause = freeze(template_of(workload, revision)), dig(revision, ("metadata", "annotations", CHANGE_CAUSE))
    if cause and workload["kind"] == "Deployment":
        template = put(template, ("metadata", "annotations", CHANGE_CAUSE), cause)
    w = Writer()
    pod_template(w, template)
    return "".join(w.parts)


# -- undo --------------------------------------------------------------------------------------------------------------------


def run_undo(call: Call) -> None:
    """Go back to an earlier revision."""
    _each(call, _undo, silent=True)


def _undo(call: Call, info: Info) -> None:
    if info.kind.kind not in STATUS:
        raise _without(info.kind, "error retrieving rollbacker for", "rollbacker")
    if dig(info.obj, ("metadata", "annotations", ANNOTATION)):
        call.err(ROLLED_BACK_APPLIED.format(name=f"{info.kind.resource}/{info.name}", annotation=ANNOTATION))
    target = _target(call, info)
    if call.dry_run == "client":
        w = Writer()
        pod_template(w, template_of(info.obj, target))
        printer(call, ("" if info.kind.kind == "Deployment" else "will roll back to ") + "".join(w.parts), structs=True)(info.obj)
        return
    if same_template(freeze(template_of(info.obj, target)), info.obj["spec"]["template"]):
        printer(call, f"skipped rollback (current template already matches revision {revision_of(target)})", structs=True)(info.obj)
        return
    body, patch_type = _undo_patch(info.obj, target)
    call.api.do("patch", info.kind, info.namespace, info.name, body=body, patch_type=patch_type, dry_run=call.dry_run == "server")
    printer(call, "rolled back", structs=True)(info.obj)


def _target(call: Call, info: Info) -> Json:
    found, wanted = revisions(call.api, info.obj), int(call.flag("to-revision"))
    if wanted < 0:
        raise Failure(f"unable to find specified revision {wanted} in history")
    if wanted:
        if wanted not in found:
            raise Failure(f"unable to find specified revision {wanted} in history")
        chosen = found[wanted]
    else:
        if len(found) < 2:
            raise Failure(f"no rollout history found for {info.kind.kind.lower()} {quote(info.name)}" if info.kind.kind == "Deployment"
                          else "no last revision to roll back to")  # fmt: skip
        chosen = found[sorted(found)[-2]]
    if dig(info.obj, "spec.paused"):
        raise Failure(
            f"you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume deployment/{info.name}' and try again"
        )
    return chosen


def _undo_patch(obj: Json, target: Json) -> tuple[object, str]:
    if obj["kind"] != "Deployment":
        return target["data"], STRATEGIC_MERGE_PATCH
    kept = {key: value for key, value in dig(obj, "metadata.annotations", {}).items() if key in NOT_ROLLED_BACK}
    back = {key: value for key, value in dig(target, "metadata.annotations", {}).items() if key not in NOT_ROLLED_BACK}
    template = drop(target["spec"]["template"], ("metadata", "labels", HASH_LABEL))
    operations: Sequence[Json] = [
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "replace", "path": "/metadata/annotations", "value": kept | back},
    ]
    return freeze(operations), JSON_PATCH


# -- pause, resume, restart --------------------------------------------------------------------------------------------------


def _pausing(pause: bool) -> Callable[[Call], None]:
    word = "paused" if pause else "resumed"

    def act(call: Call, info: Info) -> None:
        if info.kind.kind != "Deployment":
            raise Failure(f"{info.kind.qualified} {quote(info.name)} {'pausing' if pause else 'resuming'} is not supported")
        if bool(dig(info.obj, "spec.paused")) == pause:
            raise Failure(f"{info.kind.qualified} {quote(info.name)} is {'already' if pause else 'not'} paused")
        _patch_spec(call, info, {"spec": {"paused": True if pause else None}}, word)

    return lambda call: _each(call, act)


def _patch_spec(call: Call, info: Info, body: Json, word: str) -> None:
    options: dict[str, Any] = {"body": freeze(body), "patch_type": STRATEGIC_MERGE_PATCH, **call.writes}
    printer(call, word, structs=True)(call.api.do("patch", info.kind, info.namespace, info.name, **options))


def _restart(call: Call, info: Info) -> None:
    if info.kind.kind not in STATUS:
        raise Failure(f"{info.kind.qualified} {quote(info.name)} restarting is not supported")
    if dig(info.obj, "spec.paused"):
        raise Failure(f"{info.kind.qualified} {quote(info.name)} can't restart paused deployment (run rollout resume first)")
    stamp = meta.timestamp(call.host.now)
    if dig(info.obj, ("spec", "template", "metadata", "annotations", RESTARTED)) == stamp:
        raise Failure(f"failed to create patch for {info.name}: if restart has already been triggered within the past second, "
                      "please wait before attempting to trigger another")  # fmt: skip
    _patch_spec(call, info, {"spec": {"template": {"metadata": {"annotations": {RESTARTED: stamp}}}}}, "restarted")


def run_restart(call: Call) -> None:
    """Replace every pod by changing an annotation of the template."""
    _each(call, _restart)


_PLAIN = (*FILENAME, *PRINT, SELECTOR)
_MANAGER = field_manager("kubectl-rollout")
LONG = """Manage the rollout of one or many resources.

 Valid resource types include:

  *  deployments
  *  daemonsets
  *  statefulsets

Examples:
  # Rollback to the previous deployment
  kubectl rollout undo deployment/abc

  # Check the rollout status of a daemonset
  kubectl rollout status daemonset/foo

  # Restart a deployment
  kubectl rollout restart deployment/abc

  # Restart deployments with the 'app=nginx' label
  kubectl rollout restart deployment --selector=app=nginx"""
COMMAND = Command(
    "rollout", "Manage the rollout of a resource", "kubectl rollout SUBCOMMAND", long=LONG,
    subcommands=(
        Command("history", "View rollout history", "", run_history, (*_PLAIN, Flag("revision", kind="int"))),
        Command("pause", "Mark the provided resource as paused", "", _pausing(True), (*_PLAIN, _MANAGER)),
        Command("restart", "Restart a resource", "", run_restart, (*_PLAIN, _MANAGER)),
        Command("resume", "Resume a paused resource", "", _pausing(False), (*_PLAIN, _MANAGER)),
        Command("status", "Show the status of the rollout", "", run_status,
                (*FILENAME, SELECTOR, boolean("watch", "w", default=True), Flag("revision", kind="int"), Flag("timeout", kind="duration"))),
        Command("undo", "Undo a previous rollout", "", run_undo, (*_PLAIN, DRY_RUN, Flag("to-revision", kind="int"))),
    ),
)  # fmt: skip
