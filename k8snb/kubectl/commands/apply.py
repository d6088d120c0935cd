"""``kubectl apply``: from what is there to what the file says, by a patch of three sides or by the server.

Client-side: what was applied last (an annotation), what the file says, and what is there make a patch; what was applied last
and is gone from the file is removed. Server-side: the file is sent as it is, and the server settles who owns which field.

Models: k8s.io/kubectl/pkg/cmd/apply (apply.go, patcher.go, apply_view_last_applied.go, apply_set_last_applied.go).
``--prune`` is in :mod:`~k8snb.kubectl.commands.prune`, the way from the first to the second in :mod:`~k8snb.kubectl.csaupgrade`.
Simplified: no apply sets.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery import yaml
from k8snb.apimachinery.errors import ApiError, quote
from k8snb.apimachinery.gotext import go_json
from k8snb.apimachinery.objects import dig, drop, merge
from k8snb.apiserver.request import APPLY_PATCH, MERGE_PATCH
from k8snb.kubectl.builder import MISSING, Info, manifests, scope_of, visit
from k8snb.kubectl.call import DRY_RUN, FILENAME, PRINT, RECORD, SELECTOR, SUBRESOURCE, VALIDATE, Call, Command, field_manager
from k8snb.kubectl.commands.prune import check as check_pruning
from k8snb.kubectl.commands.prune import kinds_to_prune, prune
from k8snb.kubectl.csaupgrade import migrated
from k8snb.kubectl.flags import Flag, boolean
from k8snb.kubectl.lastapplied import ANNOTATION, last_applied, with_last_applied
from k8snb.kubectl.patches import three_way
from k8snb.kubectl.printers import printer
from k8snb.kubectl.result import Failure, not_found, raise_all, usage_error, with_source
from k8snb.messages import text as sentence

MANAGER = "kubectl-client-side-apply"
SERVER_MANAGER = "kubectl"
NO_ANNOTATION = (
    "Warning: resource {name} is missing the {annotation} annotation which is required by kubectl apply. kubectl apply should only be used "
    "on resources created declaratively by either kubectl create --save-config or kubectl apply. "
    "The missing annotation will be patched automatically."
)
CONFLICT = """{message}
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the `--force-conflicts` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts"""


def run(call: Call) -> None:
    """Apply every object of the files; one that fails does not hide the others."""
    _check(call)
    prunable = kinds_to_prune(call) if call.flag("prune") else []
    infos, errors = manifests(call, validate=True), []
    applied: list[Any] = []
    for info in infos:
        try:
            applied.append(_apply(call, info))
        except (ApiError, Failure) as problem:
            errors.append(problem)
    if call.flag("output") not in ("", "name") and applied:
        together = {"apiVersion": "v1", "items": applied, "kind": "List", "metadata": {}}
        printer(call, structs=len(applied) > 1)(applied[0] if len(applied) == 1 else together)
    raise_all(errors)
    if call.flag("prune"):
        prune(call, prunable, infos, applied)


def _apply(call: Call, info: Info) -> Any:
    """Apply one object, and say what was done; the object as it is now."""
    if not info.name and dig(info.obj, "metadata.generateName"):
        raise Failure(f"from {info.obj['metadata']['generateName']}: cannot use generate name with apply")
    made, done = _server_side(call, info) if call.flag("server-side") else _client_side(call, info)
    if call.flag("output") in ("", "name"):
        printer(call, done)(made)
    return made


def _check(call: Call) -> None:
    if call.args:
        raise Failure(f"Unexpected args: [{' '.join(call.args)}]\nSee '{call.path} -h' for help and examples")
    if not call.flag("filename") and not call.flag("kustomize"):
        raise Failure("must specify one of -f and -k")
    if call.flag("server-side") and call.dry_run == "client":
        raise Failure("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)")
    if call.flag("force-conflicts") and not call.flag("server-side"):
        raise Failure("--force-conflicts only works with --server-side")
    if call.flag("server-side") and call.flag("force"):
        raise Failure("--force cannot be used with --server-side")
    if call.dry_run == "server" and call.flag("force"):
        raise Failure("--dry-run=server cannot be used with --force")
    check_pruning(call)


def _writes(call: Call) -> dict[str, Any]:
    manager = call.flag("field-manager") or (SERVER_MANAGER if call.flag("server-side") else MANAGER)
    return call.writes | {"field_manager": manager}


# -- server side -------------------------------------------------------------------------------------------------------------


def _server_side(call: Call, info: Info) -> tuple[Any, str]:
    body = drop(info.obj, "metadata.managedFields")
    try:
        made = call.api.do(
            "patch", info.kind, info.namespace, info.name, subresource=call.flag("subresource"), body=body,
            patch_type=APPLY_PATCH, force=call.flag("force-conflicts"), **_writes(call),
        )  # fmt: skip
    except ApiError as problem:
        if problem.reason == "Conflict":
            raise Failure(CONFLICT.format(message=problem.message)) from None
        raise
    if call.dry_run == "none" and not call.flag("subresource"):
        made = migrated(call, info, made, _writes(call)["field_manager"], body)
    return made, "serverside-applied"


# -- client side -------------------------------------------------------------------------------------------------------------


def _client_side(call: Call, info: Info) -> tuple[Any, str]:
    modified = with_last_applied(merge(info.obj, call.cause))
    verb = f"retrieving current configuration of:\n{described(info)}\nfrom server for:"
    if not info.name:
        raise with_source(Failure("resource name may not be empty"), verb, info.source)
    try:
        live = call.api.get(info.kind, info.namespace, info.name)
    except ApiError as problem:
        if not not_found(problem):
            raise with_source(problem, verb, info.source) from None
        return _create(call, info, modified), "created"
    if dig(live, ("metadata", "annotations", ANNOTATION)) is None:
        call.err(NO_ANNOTATION.format(name=f"{info.kind.resource}/{info.name}", annotation=ANNOTATION))
    made, changed = _patch(call, info, live, modified)
    return made, "configured" if changed else "unchanged"


def _create(call: Call, info: Info, modified: Any) -> Any:
    if call.dry_run == "client":
        return modified
    try:
        return call.api.do("create", info.kind, info.namespace, body=modified, **_writes(call))
    except ApiError as problem:
        raise with_source(problem, "creating", info.source) from None


def _patch(call: Call, info: Info, live: Any, modified: Any) -> tuple[Any, bool]:
    """The object after the patch, and whether there was anything to change."""
    if call.dry_run == "client":
        return live, True  # nothing is compared, so kubectl shows what there is
    patch, patch_type = three_way(last_applied(live), modified, live)
    if not patch:
        return live, False
    try:
        made = call.api.do("patch", info.kind, info.namespace, info.name, body=patch, patch_type=patch_type, **_writes(call))
        return made, made["metadata"].get("resourceVersion") != live["metadata"].get("resourceVersion") or call.dry_run == "server"
    except ApiError as problem:
        if call.flag("force") and problem.reason in ("Conflict", "Invalid"):
            return _recreate(call, info, modified), True
        patched = with_source(problem, "patching", info.source)
        raise with_source(patched, f"applying patch:\n{go_json(patch)}\nto:\n{described(info)}\nfor:", info.source) from None


def _recreate(call: Call, info: Info, modified: Any) -> Any:
    call.api.do("delete", info.kind, info.namespace, info.name)
    call.wait(lambda: _gone(call, info), 300)
    return call.api.do("create", info.kind, info.namespace, body=modified, **_writes(call))


def _gone(call: Call, info: Info) -> bool:
    try:
        call.api.get(info.kind, info.namespace, info.name)
    except ApiError as problem:
        return not_found(problem)
    return False


def described(info: Info) -> str:
    """An object as errors of apply describe it."""
    version = f"{info.kind.group}/{info.kind.version}"
    resource = quote(f"{version}, Resource={info.kind.resource}")
    kind = quote(f"{version}, Kind={info.kind.kind}")
    return f"Resource: {resource}, GroupVersionKind: {kind}\nName: {quote(info.name)}, Namespace: {quote(info.namespace)}"


# -- the annotation ----------------------------------------------------------------------------------------------------------


def view_last_applied(call: Call) -> None:
    """Show what was applied last."""
    output = call.flag("output") or "yaml"
    if output not in ("yaml", "json"):
        raise usage_error(call.path, f"Unexpected -o output mode: {output}, the flag 'output' must be one of yaml|json")
    infos, errors = visit(call, scope_of(call, must_name=True))
    raise_all(errors)
    for info in infos:
        found = last_applied(info.obj)
        if found is not None:  # kubectl, too, is silent about an object that was never applied
            call.write(go_json(found, indent=2) + "\n" if output == "json" else yaml.dump(found))


def set_last_applied(call: Call) -> None:
    """Make the annotation say what the files say."""
    if not call.flag("filename") and not call.flag("kustomize"):
        raise Failure(MISSING)
    for info in manifests(call):
        live = call.api.get(info.kind, info.namespace, info.name)
        if last_applied(live) is None and not call.flag("create-annotation"):
            raise Failure("no last-applied-configuration annotation found on resource: "
                          f"{info.name}, to create the annotation, run the command with --create-annotation")  # fmt: skip
        text = go_json(drop(info.obj, ("metadata", "annotations", ANNOTATION))) + "\n"
        show = printer(call, "configured")
        if dig(live, ("metadata", "annotations", ANNOTATION)) == text or call.dry_run == "client":
            show(live)
            continue
        body = {"metadata": {"annotations": {ANNOTATION: text}}}
        where = (info.kind, info.namespace, info.name)
        show(call.api.do("patch", *where, body=body, patch_type=MERGE_PATCH, dry_run=call.dry_run == "server"))


def edit_last_applied(_call: Call) -> None:
    """There is no editor here."""
    raise Failure(sentence("kubectl.edit"))


COMMAND = Command(
    "apply", "Apply a configuration to a resource by file name or stdin", "kubectl apply (-f FILENAME | -k DIRECTORY)", run,
    (
        *FILENAME, *PRINT, SELECTOR, DRY_RUN, RECORD, VALIDATE, SUBRESOURCE, Flag("field-manager"), boolean("server-side"),
        boolean("force-conflicts"), boolean("prune"), boolean("all"), boolean("force"), boolean("overwrite", default=True),
        boolean("wait"), Flag("timeout", kind="duration"), Flag("grace-period", kind="int", default=-1),
        boolean("openapi-patch", default=True),
        Flag("cascade", default="background", bare="background"), Flag("prune-allowlist", kind="array"), Flag("applyset"),
    ),
    subcommands=(
        Command("view-last-applied", "View the latest last-applied-configuration annotations of a resource/object", "",
                view_last_applied, (*FILENAME, SELECTOR, boolean("all"), Flag("output", "o"))),
        Command("set-last-applied", "Set the last-applied-configuration annotation on a live object to match the contents of a file", "",
                set_last_applied, (*FILENAME, *PRINT, DRY_RUN, boolean("create-annotation"))),
        Command("edit-last-applied", "Edit latest last-applied-configuration annotations of a resource/object", "", edit_last_applied,
                (*FILENAME, *PRINT, boolean("windows-line-endings"), field_manager("kubectl-edit-last-applied"))),
    ),
)  # fmt: skip
