"""``kubectl patch``, ``replace`` and ``scale``: changes whose content the user gives.

Models: k8s.io/kubectl/pkg/cmd/patch/patch.go, pkg/cmd/replace/replace.go, pkg/cmd/scale/scale.go, pkg/scale/scale.go.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery import yaml
from k8snb.apimachinery.errors import ApiError, quote
from k8snb.apimachinery.objects import dig, freeze, merge, put
from k8snb.apimachinery.patch import apply_patch
from k8snb.apiserver.request import MERGE_PATCH
from k8snb.kubectl.api import raw_request
from k8snb.kubectl.builder import Info, documents, manifests, scope_of, texts, visit
from k8snb.kubectl.call import ALL, DRY_RUN, FILENAME, PRINT, RECORD, SELECTOR, SUBRESOURCE, VALIDATE, Call, Command, field_manager
from k8snb.kubectl.commands.create_workloads import read
from k8snb.kubectl.commands.delete import DELETE_FLAGS, WAIT_SECONDS, Manner, delete_all, wait_until_gone
from k8snb.kubectl.flags import Flag, boolean
from k8snb.kubectl.lastapplied import with_last_applied
from k8snb.kubectl.patches import PATCH_TYPES
from k8snb.kubectl.printers import printer
from k8snb.kubectl.result import Failure, raise_all, with_source
from k8snb.kubectl.schemas import type_of


def run_patch(call: Call) -> None:
    """Send a patch as it is given."""
    kind = call.flag("type")
    if kind not in PATCH_TYPES:
        raise Failure(f"--type must be one of [{' '.join(sorted(PATCH_TYPES))}], not {quote(kind)}")
    if bool(call.flag("patch")) == bool(call.flag("patch-file")):
        raise Failure(
            "cannot specify --patch and --patch-file together" if call.flag("patch")
            else "must specify --patch or --patch-file containing the contents of the patch"
        )  # fmt: skip
    body = _patch_body(call.flag("patch") or _patch_file(call))
    infos, errors = visit(call, scope_of(call, must_name=True, subresource=call.flag("subresource")))
    for info in infos:
        try:
            _patch(call, info, body, PATCH_TYPES[kind])
        except (ApiError, Failure) as problem:
            errors.append(problem)
    raise_all(errors)


def _patch_file(call: Call) -> str:
    try:
        return read(call, call.flag("patch-file"))
    except Failure as problem:
        path = call.flag("patch-file")
        raise Failure(f"unable to read patch file: open {path}: {problem.message.partition(f'{path}: ')[2]}") from None


def _patch_body(text: str) -> Any:
    try:
        found = [document.value for document in yaml.documents(text)]
    except yaml.YamlError as problem:
        raise Failure(f"unable to parse {quote(text)}: {str(problem).removeprefix('error converting YAML to JSON: ')}") from None
    return freeze(found[0]) if found else None


def _patch(call: Call, info: Info, body: Any, patch_type: str) -> None:
    if call.dry_run == "client" or call.flag("local"):
        _show_patched(call, info.obj, _applied(info.obj, body, patch_type))
        return
    options: dict[str, Any] = {"subresource": call.flag("subresource"), "body": body, "patch_type": patch_type}
    try:
        made = call.api.do("patch", info.kind, info.namespace, info.name, **options, **call.writes)
    except ApiError as problem:
        if problem.reason != "UnsupportedMediaType":
            raise
        kind = f"{info.kind.group}/{info.kind.version}, Kind={info.kind.kind}"
        raise Failure(f"{patch_type} is not supported by {kind}: {problem.message}") from None
    made = _record(call, info) or made
    _show_patched(call, info.obj, made)


def _record(call: Call, info: Info) -> Any:
    """Write down the cause of a change that was already made; nothing without ``--record``."""
    if not call.cause or call.dry_run != "none":
        return None
    return call.api.do("patch", info.kind, info.namespace, info.name, body=freeze(call.cause), patch_type=MERGE_PATCH, **call.writes)


def _show_patched(call: Call, before: Any, after: Any) -> None:
    """Say whether anything changed."""
    printer(call, "patched (no change)" if before == after else "patched", suffix="")(after)


def _applied(obj: Any, body: Any, patch_type: str) -> Any:
    """The patch, applied here."""
    return apply_patch(obj, body, patch_type, type_of(obj["apiVersion"], obj["kind"]))


# -- replace -----------------------------------------------------------------------------------------------------------------


def run_replace(call: Call) -> None:
    """Put what the files say in place of what is there."""
    if call.flag("raw"):
        source, text = next(texts(call), ("", ""))
        bodies = documents(source, text)
        request = raw_request("replace", call.flag("raw"), freeze(bodies[0]) if bodies else None)
        printer(call)(call.api.ask(request))
        return
    if not call.flag("filename") and not call.flag("kustomize"):
        raise Failure("must specify one of -f and -k")
    infos, errors = manifests(call, validate=True), []
    if call.flag("force"):
        _force(call, infos)
        return
    for info in infos:
        try:
            printer(call, "replaced")(_replace(call, info))
        except ApiError as problem:
            errors.append(with_source(problem, "replacing", info.source))
    raise_all(errors)


def _replace(call: Call, info: Info) -> Any:
    body = merge(info.obj, call.cause)
    body = with_last_applied(body) if call.flag("save-config") else body
    if call.dry_run == "client":
        return body
    return call.api.do("update", info.kind, info.namespace, info.name, subresource=call.flag("subresource"), body=body, **call.writes)


def _force(call: Call, infos: list[Info]) -> None:
    """Delete, wait, create."""
    manner = Manner(int(call.flag("grace-period")), "Background", True, True)
    deleted, errors = delete_all(call, infos, manner)
    raise_all(errors)
    wait_until_gone(call, deleted, call.flag("timeout") or WAIT_SECONDS)
    for info in infos:
        printer(call, "replaced")(call.api.do("create", info.kind, info.namespace, body=info.obj, **call.writes))


# -- scale -------------------------------------------------------------------------------------------------------------------


def run_scale(call: Call) -> None:
    """Set the number of replicas through the scale subresource."""
    if call.flag("replicas") < 0:
        raise Failure("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")
    infos, errors = visit(call, scope_of(call, must_name=True))
    if call.flag("resource-version") and len(infos) > 1:
        raise Failure("cannot use --resource-version with multiple resources")
    for info in infos:
        try:
            _scale(call, info)
            _record(call, info)
            _wait_scaled(call, info)
            printer(call, "scaled")(info.obj)
        except (ApiError, Failure) as problem:
            errors.append(problem)
    if not infos and not errors:
        raise Failure("no objects passed to scale")
    raise_all(errors)


def _wait_scaled(call: Call, info: Info) -> None:
    """With ``--timeout``, until there are as many as asked for."""
    if not call.flag("timeout") or call.dry_run != "none":
        return

    def synced() -> bool:
        scale = call.api.get(info.kind, info.namespace, info.name, subresource="scale")
        return bool(dig(scale, "spec.replicas", 0) == dig(scale, "status.replicas", 0) == call.flag("replicas"))

    if not (synced() or call.wait(synced, call.flag("timeout"))):
        raise Failure(f"timed out waiting for {quote(info.name)} to be synced")


def _scale(call: Call, info: Info) -> None:
    wanted = {"spec": {"replicas": call.flag("replicas")}}
    if call.dry_run == "client":
        return
    options: dict[str, Any] = {"subresource": "scale", "dry_run": call.dry_run == "server"}
    if call.flag("current-replicas") < 0 and not call.flag("resource-version"):
        call.api.do("patch", info.kind, info.namespace, info.name, body=freeze(wanted), patch_type=MERGE_PATCH, **options)
        return
    scale = call.api.get(info.kind, info.namespace, info.name, subresource="scale")
    replicas, version = dig(scale, "spec.replicas", 0), dig(scale, "metadata.resourceVersion", "")
    if call.flag("current-replicas") >= 0 and call.flag("current-replicas") != replicas:
        raise Failure(f"Expected replicas to be {call.flag('current-replicas')}, was {replicas}")
    if call.flag("resource-version") and call.flag("resource-version") != version:
        raise Failure(f"Expected resource version to be {call.flag('resource-version')}, was {version}")
    call.api.do("update", info.kind, info.namespace, info.name, body=put(scale, "spec.replicas", call.flag("replicas")), **options)


PATCH = Command(
    "patch", "Update fields of a resource", "kubectl patch (-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE]", run_patch,
    (
        *FILENAME, *PRINT, DRY_RUN, RECORD, SUBRESOURCE, Flag("patch", "p"), Flag("patch-file"), Flag("type", default="strategic"),
        boolean("local"),
        field_manager("kubectl-patch"),
    ),
)  # fmt: skip
REPLACE = Command(
    "replace", "Replace a resource by file name or stdin", "kubectl replace -f FILENAME", run_replace,
    (
        *FILENAME, *PRINT, *DELETE_FLAGS, DRY_RUN, RECORD, VALIDATE, SUBRESOURCE, boolean("save-config"), Flag("raw"),
        field_manager("kubectl-replace"),
    ),
)  # fmt: skip
SCALE = Command(
    "scale", "Set a new size for a deployment, replica set, or replication controller",
    "kubectl scale [--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)", run_scale,
    (
        *FILENAME, *PRINT, SELECTOR, ALL, DRY_RUN, RECORD, Flag("replicas", kind="int", required=True),
        Flag("current-replicas", kind="int", default=-1), Flag("resource-version"), Flag("timeout", kind="duration"),
    ),
)  # fmt: skip
