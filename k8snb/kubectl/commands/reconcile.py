"""``kubectl auth reconcile``: roles get the rules and bindings the subjects that the files have; nothing is taken away unless asked for.

A binding cannot be given another role: it is deleted and created again.

Models: k8s.io/kubectl/pkg/cmd/auth/reconcile.go, k8s.io/component-helpers/auth/rbac/reconciliation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import dig, freeze, merge
from k8snb.kubectl.api import Json
from k8snb.kubectl.builder import Info, manifests
from k8snb.kubectl.call import DRY_RUN, FILENAME, PRINT, Call, Command
from k8snb.kubectl.describe.rules import broken_down
from k8snb.kubectl.flags import boolean
from k8snb.kubectl.printers import printer
from k8snb.kubectl.result import Failure, not_found
from k8snb.kubectl.text import go_value

AUTO_UPDATE = ("metadata", "annotations", "rbac.authorization.kubernetes.io/autoupdate")
RULE = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
SUBJECT = ("kind", "apiGroup", "name", "namespace")


class Outcome(NamedTuple):
    """What has to be done: the object as it will be, how it gets there (create, update, recreate or nothing), what comes and goes."""

    obj: Json
    operation: str
    missing: Sequence[Json] = ()
    extra: Sequence[Json] = ()


def run(call: Call) -> None:
    """Reconcile every role and binding of the files; other objects are passed over."""
    if not call.flag("filename") and not call.flag("kustomize"):
        raise Failure("must specify one of -f and -k")
    if call.args:
        raise Failure("no arguments are allowed")
    if call.dry_run == "server":
        raise Failure("--dry-run=server for command reconcile is not supported yet")
    for info in manifests(call):
        plan = _PLANS.get(info.kind.kind) if info.kind.group == "rbac.authorization.k8s.io" else None
        if plan is not None:
            _reconcile(call, info, *plan)


def _live(call: Call, info: Info) -> Json | None:
    try:
        found: Json = call.api.get(info.kind, info.namespace, info.name)
        return found
    except ApiError as problem:
        if not not_found(problem):
            raise
        return None


def _reconcile(call: Call, info: Info, plan: Callable[..., Outcome], what: str, flag: str) -> None:
    live = _live(call, info)
    removing, items = bool(call.flag(flag)), dig(info.obj, what) or []
    outcome = plan(info.obj, live, removing) if live is not None else Outcome(info.obj, "create", items)
    protected = live is not None and dig(live, AUTO_UPDATE) == "false"
    made = outcome.obj
    if call.dry_run == "none" and not protected:
        made = _act(call, info, outcome)
    printer(call, "reconciled")(made)
    if not outcome.operation:
        return
    caveat = ", but object opted out (rbac.authorization.kubernetes.io/autoupdate: false)" if protected else ""
    call.err(f"\treconciliation required {outcome.operation}{caveat}")
    fields = RULE if what == "rules" else SUBJECT
    _tell(call, f"missing {what} added", outcome.missing, fields)
    if removing:
        _tell(call, f"extra {what} removed", outcome.extra, fields)


def _tell(call: Call, title: str, items: Sequence[Json], fields: Sequence[str]) -> None:
    if items:
        call.err(f"\t{title}:")
    for item in items:
        plain = {name: item.get(name, [] if fields is RULE else "") for name in fields}
        shown = " ".join(f"{name[0].upper()}{name[1:]}:{go_value(value)}" for name, value in _go_names(plain).items())
        call.err(f"\t\t{{{shown}}}")


def _go_names(item: Json) -> Json:
    return {name.replace("apiG", "APIG"): value for name, value in item.items()}


def _act(call: Call, info: Info, outcome: Outcome) -> Any:
    where = (info.kind, info.namespace)
    if outcome.operation == "recreate":
        call.api.do("delete", *where, info.name)
    if outcome.operation in ("create", "recreate"):
        body = merge(outcome.obj, {"metadata": {"resourceVersion": None, "uid": None}})
        return call.api.do("create", *where, body=body)
    return call.api.do("update", *where, info.name, body=outcome.obj) if outcome.operation else outcome.obj


def _metadata(wanted: Json, live: Json) -> Json:
    """The live object with the labels and annotations that the file has and it does not."""
    added: Json = {}
    for key in ("labels", "annotations"):
        asked, known = (dig(obj, ("metadata", key)) or {} for obj in (wanted, live))
        if new := {name: value for name, value in asked.items() if name not in known}:
            added[key] = new
    return merge(live, {"metadata": added})


def role(wanted: Json, live: Json, removing: bool) -> Outcome:
    """What a role needs: rules that cover what the file grants."""
    known, asked = live.get("rules") or (), wanted.get("rules") or ()
    missing = [rule for rule in broken_down(asked) if not any(covers(one, rule) for one in known)]
    extra = [rule for rule in broken_down(known) if not any(covers(one, rule) for one in asked)]
    made = _metadata(wanted, live)
    changed = made != live or missing or (removing and extra)
    rules = wanted.get("rules") or [] if removing and extra else [*(live.get("rules") or ()), *missing]
    if missing or (removing and extra):
        made = freeze({**made, "rules": rules})
    return Outcome(made, "update" if changed else "", missing, extra)


def covers(owner: Json, rule: Json) -> bool:
    """Whether one broken-down rule allows all that another does."""
    if rule.get("nonResourceURLs"):
        return _has(owner, rule, "verbs") and any(_url(one, rule["nonResourceURLs"][0]) for one in owner.get("nonResourceURLs") or ())
    names = owner.get("resourceNames") or []
    asked = rule.get("resourceNames") or []
    named = not names or (bool(asked) and set(asked) <= set(names))
    return named and all(_has(owner, rule, key) for key in ("verbs", "apiGroups", "resources"))


def _has(owner: Json, rule: Json, key: str) -> bool:
    there = owner.get(key) or []
    return "*" in there or all(value in there or f"*/{value.partition('/')[2]}" in there for value in rule.get(key) or [])


def _url(pattern: str, path: str) -> bool:
    return pattern in ("*", path) or (pattern.endswith("*") and path.startswith(pattern[:-1]))


def binding(wanted: Json, live: Json, removing: bool) -> Outcome:
    """What a binding needs: the subjects of the file, and its role."""
    if wanted["roleRef"] != live["roleRef"]:
        return Outcome(wanted, "recreate")
    known, asked = live.get("subjects") or [], wanted.get("subjects") or []
    missing = [one for one in asked if one not in known]
    extra = [one for one in known if one not in asked]
    made = _metadata(wanted, live)
    changed = made != live or missing or (removing and extra)
    if missing or (removing and extra):
        made = freeze({**made, "subjects": asked if removing and extra else [*known, *missing]})
    return Outcome(made, "update" if changed else "", missing, extra)


_PLANS = {
    "Role": (role, "rules", "remove-extra-permissions"), "ClusterRole": (role, "rules", "remove-extra-permissions"),
    "RoleBinding": (binding, "subjects", "remove-extra-subjects"), "ClusterRoleBinding": (binding, "subjects", "remove-extra-subjects"),
}  # fmt: skip
COMMAND = Command(
    "reconcile", "Reconciles rules for RBAC role, role binding, cluster role, and cluster role binding objects",
    "kubectl auth reconcile -f FILENAME", run,
    (*FILENAME, *PRINT, DRY_RUN, boolean("remove-extra-permissions"), boolean("remove-extra-subjects")),
)  # fmt: skip
