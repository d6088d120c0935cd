"""``kubectl diff``: what apply would change, as a unified diff.

Models: k8s.io/kubectl/pkg/cmd/diff/diff.go. Exit code 0: nothing; 1: there are differences; more: something went wrong.
"""

from __future__ import annotations

import difflib

from k8snb.apimachinery import yaml
from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import drop
from k8snb.apiserver.request import APPLY_PATCH
from k8snb.kubectl.api import Json
from k8snb.kubectl.builder import Info, manifests
from k8snb.kubectl.call import FILENAME, SELECTOR, Call, Command
from k8snb.kubectl.commands.apply import MANAGER, SERVER_MANAGER
from k8snb.kubectl.flags import Flag, boolean
from k8snb.kubectl.lastapplied import last_applied, without_last_applied
from k8snb.kubectl.patches import three_way
from k8snb.kubectl.result import Failure, fatal, not_found
from k8snb.kubectl.unreachable import Unreachable, told


def run(call: Call) -> None:
    """Compare each object with what it would become."""
    if not call.flag("filename") and not call.flag("kustomize"):
        raise Failure("must specify one of -f and -k", 2)
    differs = False
    try:
        for info in manifests(call, validate=True):
            differs |= _diff(call, info)
    except (ApiError, Failure) as problem:
        said = told(tuple(call.flag("filename")), validate="") if isinstance(problem, Unreachable) else fatal(problem)[0]
        call.err(said.removesuffix("\n"))
        raise Failure("", 2) from None
    if differs:
        raise Failure("")


def _diff(call: Call, info: Info) -> bool:
    live = _live(call, info)
    wanted = _merged(call, info, live)
    name = ".".join(part for part in (info.kind.group, info.kind.version, info.kind.kind, info.namespace, info.name) if part)
    texts = [_text(obj, keep=bool(call.flag("show-managed-fields"))) for obj in (live, wanted)]
    if texts[0] == texts[1]:
        return False
    call.out(f"diff -u -N LIVE/{name} MERGED/{name}")
    for line in difflib.unified_diff(texts[0], texts[1], f"LIVE/{name}", f"MERGED/{name}", lineterm=""):
        call.out(line)
    return True


def _live(call: Call, info: Info) -> Json | None:
    try:
        found: Json = call.api.get(info.kind, info.namespace, info.name)
    except ApiError as problem:
        if not_found(problem):
            return None
        raise
    return found


def _merged(call: Call, info: Info, live: Json | None) -> Json:
    """What the server would store."""
    where = (info.kind, info.namespace)
    if call.flag("server-side"):
        options = {"field_manager": call.flag("field-manager") or SERVER_MANAGER, "force": call.flag("force-conflicts")}
        made: Json = call.api.do("patch", *where, info.name, body=info.obj, patch_type=APPLY_PATCH, dry_run=True, **options)
        return made
    modified, manager = without_last_applied(info.obj), call.flag("field-manager") or MANAGER
    if live is None:
        created: Json = call.api.do("create", *where, body=modified, dry_run=True, field_manager=manager)
        return created
    patch, patch_type = three_way(last_applied(live), modified, live)
    if not patch:
        return live
    patched: Json = call.api.do("patch", *where, info.name, body=patch, patch_type=patch_type, dry_run=True, field_manager=manager)
    return patched


def _text(obj: Json | None, *, keep: bool) -> list[str]:
    if obj is None:
        return []
    return yaml.dump(obj if keep else drop(obj, "metadata.managedFields")).splitlines()


COMMAND = Command(
    "diff", "Diff the live version against a would-be applied version", "kubectl diff -f FILENAME", run,
    (*FILENAME, SELECTOR, Flag("field-manager"), boolean("server-side"), boolean("force-conflicts"), boolean("prune"),
     Flag("concurrency", kind="int", default=1)),
)  # fmt: skip
