"""``kubectl delete``: ask the server, say so, and wait until the objects are gone.

Models: k8s.io/kubectl/pkg/cmd/delete (delete.go), pkg/cmd/wait.
Simplified: without ``--timeout`` it waits ten minutes of virtual time, not for ever, and says when something is still there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from k8snb.apimachinery.errors import ApiError, quote
from k8snb.apimachinery.objects import dig, freeze
from k8snb.kubectl.api import Json, raw_request, raw_text
from k8snb.kubectl.builder import MISSING, NAME_AND_ALL, NAME_AND_SELECTOR, NO_NAME, Info, Scope, manifests, scope_of, visit, words
from k8snb.kubectl.call import ALL, ALL_NAMESPACES, DRY_RUN, FIELD_SELECTOR, FILENAME, SELECTOR, Call, Command
from k8snb.kubectl.flags import Flag, boolean
from k8snb.kubectl.printers import SUFFIX
from k8snb.kubectl.result import Failure, not_found, raise_all, with_source

WAIT_SECONDS = 600.0
IMMEDIATE = (
    "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. "
    "The resource may continue to run on the cluster indefinitely."
)
CLUSTER_SCOPED = "Warning: deleting cluster-scoped resources, not scoped to the provided namespace"
_CASCADE = {"background": "Background", "true": "Background", "foreground": "Foreground", "orphan": "Orphan", "false": "Orphan"}


@dataclass(frozen=True, slots=True)
class Manner:
    """How to delete: grace, propagation, whether to wait, whether what is missing matters."""

    grace: int
    propagation: str
    wait: bool
    ignore_missing: bool

    @property
    def body(self) -> Json:
        """The DeleteOptions."""
        grace = {"gracePeriodSeconds": self.grace} if self.grace >= 0 else {}
        body: Json = freeze({"kind": "DeleteOptions", "apiVersion": "v1", **grace, "propagationPolicy": self.propagation})
        return body


def run(call: Call) -> None:
    """Delete by name, by file, by selector or all."""
    if call.flag("raw"):
        call.write(raw_text(call.api.ask(raw_request("delete", call.flag("raw")))))
        return
    manner = _manner(call)
    infos, errors = _targets(call)
    if call.flag("output") not in ("", "name"):
        raise Failure(f"unexpected -o output mode: {call.flag('output')}. We only support '-o name'")
    if manner.grace == 0 and call.flag("force"):
        call.err(IMMEDIATE)
    if not infos and not errors:
        call.out("No resources found")
        return
    deleted, more = delete_all(call, infos, manner)
    raise_all([*errors, *more])
    if manner.wait and call.dry_run == "none":
        wait_until_gone(call, deleted, call.flag("timeout") or WAIT_SECONDS)


def _manner(call: Call) -> Manner:
    grace, force = int(call.flag("grace-period")), bool(call.flag("force"))
    if call.flag("now"):
        if grace != -1:
            raise Failure("--now and --grace-period cannot be specified together")
        grace = 1
    if grace > 0 and force and not call.flag("now"):
        raise Failure("--force and --grace-period greater than 0 cannot be specified together")
    grace = 0 if force and grace < 0 else 1 if grace == 0 and not force else grace
    cascade = call.flag("cascade")
    if cascade not in _CASCADE:
        raise Failure(f'invalid cascade value ({cascade}). Must be "background", "foreground", or "orphan"')
    if cascade in ("true", "false"):
        plain = "background" if cascade == "true" else "orphan"
        call.err(f"warning: --cascade={cascade} is deprecated (boolean value) and can be replaced with --cascade={plain}.")
    missing = call.flag("ignore-not-found") or call.flag("all") or bool(call.flag("selector"))
    return Manner(grace, _CASCADE[cascade], bool(call.flag("wait")), missing)


def _targets(call: Call) -> tuple[list[Info], list[Exception]]:
    """What to delete. Names and files are not looked up first: the server says what is missing."""
    selecting = call.flag("selector") or call.flag("field-selector")
    if call.flag("all") and selecting:
        raise Failure(NAME_AND_ALL)
    if call.flag("filename") or call.flag("kustomize"):
        return manifests(call), []
    if not call.args:
        raise Failure(MISSING)
    found = words(call, call.args)
    if any(word.name for word in found):
        if selecting or call.flag("all"):
            raise Failure(NAME_AND_SELECTOR)
        if call.flag("all-namespaces"):
            raise Failure("a resource cannot be retrieved by name across all namespaces")
        return [Info(word.kind, call.namespace if word.kind.namespaced else "", word.name, {}) for word in found], []
    if not selecting and not call.flag("all"):
        raise Failure(NO_NAME)
    scope: Scope = scope_of(call)
    infos, errors = visit(call, scope)
    return infos, [error for error in errors if not (isinstance(error, ApiError) and error.reason == "MethodNotAllowed")]


def delete_all(call: Call, infos: Sequence[Info], manner: Manner) -> tuple[list[tuple[Info, str]], list[Exception]]:
    """Delete each and say so; what was deleted, with its uid, and what went wrong."""
    deleted: list[tuple[Info, str]] = []
    errors: list[Exception] = []
    warned = not call.enforced
    for info in infos:
        if not info.kind.namespaced and not warned:
            warned = True
            call.err(CLUSTER_SCOPED)
        try:
            deleted.append((info, _delete(call, info, manner)))
        except ApiError as problem:
            if not (manner.ignore_missing and not_found(problem)):
                errors.append(with_source(problem, "deleting", info.source))
            continue
        _say(call, info, manner)
    return deleted, errors


def _delete(call: Call, info: Info, manner: Manner) -> str:
    if call.dry_run == "client":
        return ""
    answer = call.api.do("delete", info.kind, info.namespace, info.name, body=manner.body, dry_run=call.dry_run == "server")
    return str(dig(answer, "metadata.uid", "") or dig(answer, "details.uid", ""))


def _say(call: Call, info: Info, manner: Manner) -> None:
    if call.flag("output") == "name":
        call.out(info.label)
        return
    done = ("force deleted" if manner.grace == 0 else "deleted") + SUFFIX[call.dry_run]
    where = f" from {info.namespace} namespace" if info.kind.namespaced else ""
    call.out(f"{info.kind.label} {quote(info.name)} {done}{where}")


def wait_until_gone(call: Call, deleted: Sequence[tuple[Info, str]], seconds: float) -> None:
    """Let time pass until the objects are gone (or replaced by others of the same name)."""
    for info, uid in deleted:
        if not call.wait(lambda info=info, uid=uid: gone(call, info, uid), seconds):  # type: ignore[misc]
            raise Failure(f"timed out waiting for the condition on {info.kind.resource}/{info.name}")


def gone(call: Call, info: Info, uid: str = "") -> bool:
    """Whether an object is gone; one with another uid is a new one."""
    try:
        found = call.api.get(info.kind, info.namespace, info.name)
    except ApiError as problem:
        if not_found(problem):
            return True
        raise
    return bool(uid) and dig(found, "metadata.uid") != uid


DELETE_FLAGS = (
    Flag("cascade", default="background", bare="background"), Flag("grace-period", kind="int", default=-1), boolean("force"),
    boolean("wait", default=True), Flag("timeout", kind="duration"), boolean("now"),
)  # fmt: skip

COMMAND = Command(
    "delete", "Delete resources by file names, stdin, resources and names, or by resources and label selector",
    "kubectl delete ([-f FILENAME] | [-k DIRECTORY] | TYPE [(NAME | -l label | --all)])", run,
    (
        *FILENAME, *DELETE_FLAGS, SELECTOR, FIELD_SELECTOR, ALL, ALL_NAMESPACES, DRY_RUN, boolean("ignore-not-found"), Flag("output", "o"),
        Flag("raw"), boolean("interactive", "i"),
    ),
)  # fmt: skip
