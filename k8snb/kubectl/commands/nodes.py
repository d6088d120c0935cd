"""``kubectl cordon``, ``uncordon``, ``drain`` and ``taint``: what an operator does to nodes.

Models: k8s.io/kubectl/pkg/drain (drain.go, filters.go, cordon.go), pkg/cmd/drain/drain.go, pkg/cmd/taint/taint.go.
Simplified: ``drain`` without ``--timeout`` gives up, and says so, after two minutes of virtual time in which no pod could be evicted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from k8snb.apimachinery import meta
from k8snb.apimachinery.duration import go_duration
from k8snb.apimachinery.errors import ApiError, quote
from k8snb.apimachinery.objects import dig, freeze, merge
from k8snb.apimachinery.selectors import SelectorError, parse
from k8snb.apimachinery.validation import qualified_name
from k8snb.apiserver.request import MERGE_PATCH, STRATEGIC_MERGE_PATCH
from k8snb.kubectl.api import Json
from k8snb.kubectl.builder import Info, Scope, scope_of, visit
from k8snb.kubectl.call import ALL, DRY_RUN, PRINT, SELECTOR, VALIDATE, Call, Command, field_manager
from k8snb.kubectl.commands.delete import gone
from k8snb.kubectl.flags import Flag, boolean
from k8snb.kubectl.mapper import Kind
from k8snb.kubectl.printers import SUFFIX, printer
from k8snb.kubectl.result import Failure, NoMatch, Several, not_found, raise_all, usage_error
from k8snb.messages import text as sentence
from k8snb.sim.clock import seconds

EXPIRED = "context deadline exceeded"
DRAIN_SECONDS, RETRY_SECONDS, PATIENCE = 3600.0, 5.0, 120.0
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def _nodes(call: Call, verb: str) -> list[Info]:
    if not call.args and not call.flag("selector"):
        raise usage_error(call.path, f"USAGE: {verb} NODE [flags]")
    if call.args and call.flag("selector"):
        raise usage_error(call.path, "cannot specify both a node name and a --selector option")
    infos, errors = visit(call, Scope(args=["nodes", *call.args], selector=call.flag("selector")))
    raise_all(errors)
    return infos


def _cordon(call: Call, info: Info, wanted: bool) -> None:
    word = "cordoned" if wanted else "uncordoned"
    if bool(dig(info.obj, "spec.unschedulable")) == wanted:
        printer(call, f"already {word}")(info.obj)
        return
    if call.dry_run != "client":
        body = freeze({"spec": {"unschedulable": True if wanted else None}})
        call.api.do("patch", info.kind, "", info.name, body=body, patch_type=STRATEGIC_MERGE_PATCH, dry_run=call.dry_run == "server")
    printer(call, word)(info.obj)


def run_cordon(call: Call) -> None:
    """No new pods on these nodes."""
    for info in _nodes(call, "cordon"):
        _cordon(call, info, True)


def run_uncordon(call: Call) -> None:
    """New pods again."""
    for info in _nodes(call, "uncordon"):
        _cordon(call, info, False)


# -- drain -------------------------------------------------------------------------------------------------------------------

Verdict = tuple[bool, str, str]  # may be deleted, what to say, warning or error
KEEP: Verdict = (False, "", "")
GO: Verdict = (True, "", "")
DAEMON_FATAL = "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)"
DAEMON_WARNING = "ignoring DaemonSet-managed Pods"
LOCAL_FATAL = "cannot delete Pods with local storage (use --delete-emptydir-data to override)"
LOCAL_WARNING = "deleting Pods with local storage"
BARE_FATAL = "cannot delete Pods that declare no controller (use --force to override)"
BARE_WARNING = "deleting Pods that declare no controller"


def _deleting(call: Call, pod: Json) -> Verdict:
    limit, since = call.flag("skip-wait-for-delete-timeout"), pod["metadata"].get("deletionTimestamp")
    return KEEP if limit and since and meta.seconds_between(since, call.host.now) > limit else GO


def _daemon(call: Call, pod: Json) -> Verdict:
    owner = meta.controller_of(pod)
    if owner is None or owner["kind"] != "DaemonSet" or dig(pod, "status.phase") in ("Succeeded", "Failed"):
        return GO
    return (False, DAEMON_WARNING, "warning") if call.flag("ignore-daemonsets") else (False, DAEMON_FATAL, "error")


def _mirror(_call: Call, pod: Json) -> Verdict:
    return KEEP if "kubernetes.io/config.mirror" in dig(pod, "metadata.annotations", {}) else GO


def _local(call: Call, pod: Json) -> Verdict:
    local = any("emptyDir" in volume for volume in dig(pod, "spec.volumes", []))
    if not local or dig(pod, "status.phase") in ("Succeeded", "Failed"):
        return GO
    return (True, LOCAL_WARNING, "warning") if call.flag("delete-emptydir-data") else (False, LOCAL_FATAL, "error")


def _bare(call: Call, pod: Json) -> Verdict:
    if dig(pod, "status.phase") in ("Succeeded", "Failed") or meta.controller_of(pod) is not None:
        return GO
    return (True, BARE_WARNING, "warning") if call.flag("force") else (False, BARE_FATAL, "error")


FILTERS: tuple[Callable[[Call, Json], Verdict], ...] = (_deleting, _daemon, _mirror, _local, _bare)


def _verdict(call: Call, pod: Json) -> Verdict:
    """The last filter asked decides; the first that says no ends the asking."""
    verdict = GO
    for one in FILTERS:
        verdict = one(call, pod)
        if not verdict[0]:
            break
    return verdict


def run_drain(call: Call) -> None:
    """Cordon the nodes and evict their pods."""
    try:
        parse(call.flag("pod-selector"))
    except SelectorError:
        raise Failure("--pod-selector=<pod_selector> must be a valid label selector") from None
    infos = _nodes(call, "drain")
    for info in infos:
        _cordon(call, info, True)
    problems: list[Exception] = []
    failed: list[str] = []
    for info in infos:
        try:
            _drain(call, info)
            printer(call, "drained")(info.obj)
        except (ApiError, Failure, Several) as problem:
            plain = Failure(f"error: {problem}") if isinstance(problem, Failure) else problem
            problems += problem.errors if isinstance(problem, Several) else (plain,)
            failed.append(info.name)
            call.err(f"error: unable to drain node {quote(info.name)} due to error: {_together(problem)}, continuing command...")
    if failed:
        call.err("There are pending nodes to be drained:\n" + "\n".join(f" {name}" for name in failed))
    if problems:
        raise Several(problems)


def _verdicts(call: Call, info: Info) -> list[tuple[Json, Verdict]]:
    selectors = {"label_selector": call.flag("pod-selector"), "field_selector": f"spec.nodeName={info.name}"}
    return [(pod, _verdict(call, pod)) for pod in call.api.items("v1", "Pod", "", **selectors)]


def _drain(call: Call, info: Info) -> None:
    verdicts = _verdicts(call, info)
    fatal = _grouped([(pod, text) for pod, (_, text, kind) in verdicts if kind == "error"])
    if fatal:
        raise Several([Failure(text) for text in fatal])
    warnings = _grouped([(pod, text) for pod, (_, text, kind) in verdicts if kind == "warning"])
    if warnings:
        call.err("Warning: " + "; ".join(warnings))
    going = [pod for pod, (go, _, _) in verdicts if go]
    if call.dry_run == "none":
        _empty(call, info, going)
    for pod in going if call.dry_run != "none" else ():
        call.out(f"evicting pod {meta.key_of(pod)}{SUFFIX[call.dry_run]}")


def _empty(call: Call, info: Info, pods: Sequence[Json]) -> None:
    """Pods that are still there when it fails are named."""
    kind = call.mapper.resource("pods")
    try:
        (_delete_all if call.flag("disable-eviction") else _evict_all)(call, kind, pods)
    except (ApiError, Failure, Several) as problem:
        left = [pod["metadata"]["name"] for pod, (go, _, _) in _verdicts(call, info) if go]
        if left:
            call.err(f"There are pending pods in node {quote(info.name)} when an error occurred: {_together(problem)}")
            call.err("\n".join(f"pod/{name}" for name in left))
        raise


def _together(problem: Exception) -> str:
    parts = problem.errors if isinstance(problem, Several) else (problem,)
    texts = ", ".join(map(str, parts))
    return f"[{texts}]" if len(parts) > 1 else texts


def _grouped(pairs: Sequence[tuple[Json, str]]) -> list[str]:
    """One sentence for each reason, with the pods that it concerns."""
    found: dict[str, list[str]] = {}
    for pod, text in pairs:
        found.setdefault(text, []).append(meta.key_of(pod))
    return [f"{text}: {', '.join(found[text])}" for text in sorted(found)]


def _evict_all(call: Call, kind: Kind, pods: Sequence[Json]) -> None:
    """Evict as budgets allow, again every five seconds, until the pods are gone. Raises Several."""
    limit, waiting, leaving = float(call.flag("timeout") or DRAIN_SECONDS), list(pods), list[Json]()
    problems: list[Exception] = []
    began = moved = call.host.now
    while waiting or leaving:
        over, left = (call.host.now - began) / meta.SECOND >= limit, len(waiting) + len(leaving)
        refused = [] if over else [pod for pod in waiting if _evict(call, kind, pod, leaving, problems)]
        if over:
            for pod in waiting:
                call.out(f"evicting pod {meta.key_of(pod)}")
                problems.append(Failure(f"{_evicting(pod)}: global timeout reached: {go_duration(seconds(limit))}"))
            problems += [Failure(f"error when waiting for {_place(pod)} to terminate: {EXPIRED}") for pod in leaving]
            break
        moved = call.host.now if len(refused) < len(waiting) else moved
        waiting = refused
        rest = limit - (call.host.now - began) / meta.SECOND
        leaving = _watch(call, kind, leaving, RETRY_SECONDS if waiting else rest, to_the_end=bool(waiting))
        moved = call.host.now if len(waiting) + len(leaving) < left else moved
        if not call.flag("timeout") and (call.host.now - moved) / meta.SECOND > PATIENCE:
            raise Failure(sentence("kubectl.drain_ended", seconds=f"{PATIENCE:g}"))
    if problems:
        raise Several(problems)


def _evict(call: Call, kind: Kind, pod: Json, leaving: list[Json], problems: list[Exception]) -> bool:
    """Ask once; True where a disruption budget says later."""
    known = pod["metadata"]
    call.out(f"evicting pod {meta.key_of(pod)}")
    who = {"name": known["name"], "namespace": known["namespace"]}
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": who, "deleteOptions": _grace(call)}
    try:
        call.api.do("create", kind, known["namespace"], known["name"], subresource="eviction", body=freeze(body))
        leaving.append(pod)
    except ApiError as problem:
        if problem.reason == "TooManyRequests":
            call.err(f"{_evicting(pod)} (will retry after 5s): {problem.message}")
            return True
        if not not_found(problem):
            problems.append(Failure(f"{_evicting(pod)}: {problem.message}"))
    return False


def _delete_all(call: Call, kind: Kind, pods: Sequence[Json]) -> None:
    """Delete, no budget being asked, and wait until the pods are gone."""
    for pod in pods:
        known = pod["metadata"]
        body = freeze({"kind": "DeleteOptions", "apiVersion": "v1", **_grace(call)})
        try:
            call.api.do("delete", kind, known["namespace"], known["name"], body=body)
        except ApiError as problem:
            if not not_found(problem):
                raise
    if _watch(call, kind, list(pods), float(call.flag("timeout") or DRAIN_SECONDS)):
        raise Failure(EXPIRED)


def _grace(call: Call) -> Json:
    return {"gracePeriodSeconds": call.flag("grace-period")} if call.flag("grace-period") >= 0 else {}


def _evicting(pod: Json) -> str:
    return f"error when evicting pods/{quote(pod['metadata']['name'])} -n {quote(pod['metadata']['namespace'])}"


def _place(pod: Json) -> str:
    return f"pod {quote(pod['metadata']['name'])} in namespace {quote(pod['metadata']['namespace'])}"


def _watch(call: Call, kind: Kind, pods: list[Json], seconds: float, *, to_the_end: bool = False) -> list[Json]:
    """Look every second which pods are gone, and say so; which are still there after so many seconds (or when none is)."""
    until = call.host.now + round(seconds * meta.SECOND)
    while True:
        pods = [pod for pod in pods if not _has_gone(call, kind, pod)]
        rest = (until - call.host.now) / meta.SECOND
        if rest <= 0 or not (pods or to_the_end):
            return pods
        call.wait(lambda: False, min(1.0, rest))


def _has_gone(call: Call, kind: Kind, pod: Json) -> bool:
    known, limit = pod["metadata"], call.flag("skip-wait-for-delete-timeout")
    if gone(call, Info(kind, known["namespace"], known["name"], pod), known["uid"]):
        whole = pod if pod.get("kind") else freeze({"apiVersion": "v1", "kind": "Pod", **pod})
        printer(call, "deleted" if call.flag("disable-eviction") else "evicted")(whole)
        return True
    if limit and not _deleting(call, call.api.get(kind, known["namespace"], known["name"]))[0]:
        call.out(f"pod {quote(known['name'])} has DeletionTimestamp older than {limit} seconds, skipping")
        return True
    return False


# -- taint -------------------------------------------------------------------------------------------------------------------


def parse_taints(specs: Sequence[str]) -> tuple[list[Json], list[Json]]:
    """``key=value:effect``, ``key:effect``, ``key:effect-``, ``key-``: what to add, and what to remove. Raises Failure."""
    new: list[Json] = []
    gone_: list[Json] = []
    for spec in specs:
        text, removing = (spec[:-1], True) if spec.endswith("-") else (spec, False)
        pair, colon, effect = text.partition(":")
        key, _, value = pair.partition("=")
        if ":" in effect or "=" in value:
            raise usage_error("kubectl taint", f"invalid taint spec: {text}")
        if colon and effect not in EFFECTS:
            raise usage_error("kubectl taint", f"invalid taint effect: {effect}, unsupported taint effect")
        wrong = qualified_name(key if colon else pair)
        if wrong:
            raise usage_error("kubectl taint", f"invalid taint spec: {text}, {'; '.join(wrong)}")
        if not removing and not colon:
            raise usage_error("kubectl taint", f"invalid taint spec: {spec}")
        taint = {"key": key, **({"value": value} if value else {}), **({"effect": effect} if effect else {})}
        (gone_ if removing else new).append(taint)
    return new, gone_


def run_taint(call: Call) -> None:
    """Set or remove taints."""
    start = next((index for index, arg in enumerate(call.args) if ":" in arg or "=" in arg or arg.endswith("-")), len(call.args))
    resources, specs = call.args[:start], call.args[start:]
    if not resources:
        raise Failure("one or more resources must be specified as <resource> <name>")
    if not specs:
        raise Failure("at least one taint update is required")
    new, removed = parse_taints(specs)
    _check_taints(new, removed)
    word = resources[0].partition("/")[0]
    try:
        kind = call.mapper.resource(word)
    except NoMatch as unknown:
        raise Several([unknown]) from None  # kubectl prints it without the word error
    if kind.kind != "Node":
        raise Failure(f"invalid resource type {word}, only node types are supported")
    infos, errors = visit(call, scope_of(call, resources, must_name=True))
    for info in infos:
        try:
            _taint(call, info, new, removed)
        except (ApiError, Failure) as problem:
            errors.append(problem)
    raise_all(errors)


def _check_taints(new: Sequence[Json], removed: Sequence[Json]) -> None:
    """One effect of a key once, and not both set and removed. Raises Failure."""
    for index, taint in enumerate(new):
        if any(_same(one, taint) for one in new[:index]):
            shown = f"{{{taint['key']} {taint.get('value', '')} {taint['effect']} <nil>}}"
            raise usage_error("kubectl taint", f"duplicated taints with the same key and effect: {shown}")
    both = [taint for taint in removed if any(_same(one, taint) for one in new)]
    if both:
        names = "; ".join(f"{taint['key']}={taint.get('effect', '')}" for taint in both)
        raise Failure(f"can not both modify and remove the following taint(s) in the same command: {names}")


def _taint(call: Call, info: Info, new: Sequence[Json], removed: Sequence[Json]) -> None:
    old = list(dig(info.obj, "spec.taints", []))
    missing = [taint for taint in removed if not any(_same(known, taint) for known in old)]
    if missing:
        raise Failure(f"taint {quote(_taint_name(missing[0]))} not found")
    clash = [taint for taint in new if any(_same(known, taint) for known in old)]
    changed = bool(clash) or bool(new and removed)
    if clash and not call.flag("overwrite"):
        names = ", ".join(taint["key"] for taint in clash)
        raise Failure(f"node {info.name} already has {names} taint(s) with same effect(s) and --overwrite is false")
    kept = [known for known in old if not any(_same(known, taint) for taint in [*new, *removed])]
    body = freeze({"spec": {"taints": [*new, *kept] or None}})
    made: Json = merge(info.obj, body)
    if call.dry_run != "client":
        made = call.api.do("patch", info.kind, "", info.name, body=body, patch_type=MERGE_PATCH, **call.writes)
    printer(call, "modified" if changed else "untainted" if removed else "tainted", suffix="", structs=True)(made)


def _same(one: Json, other: Json) -> bool:
    """Whether a spec means a taint: the same key, and the same effect where it names one."""
    return bool(one["key"] == other["key"]) and other.get("effect") in (None, one.get("effect"))


def _taint_name(taint: Json) -> str:
    return f"{taint['key']}:{taint['effect']}" if taint.get("effect") else str(taint["key"])


_NODE_FLAGS = (SELECTOR, DRY_RUN)
CORDON = Command("cordon", "Mark node as unschedulable", "kubectl cordon NODE", run_cordon, _NODE_FLAGS)
UNCORDON = Command("uncordon", "Mark node as schedulable", "kubectl uncordon NODE", run_uncordon, _NODE_FLAGS)
DRAIN = Command(
    "drain", "Drain node in preparation for maintenance", "kubectl drain NODE", run_drain,
    (
        *_NODE_FLAGS, boolean("force"), boolean("ignore-daemonsets"), boolean("delete-emptydir-data"), boolean("disable-eviction"),
        Flag("pod-selector"), Flag("grace-period", kind="int", default=-1), Flag("timeout", kind="duration"),
        Flag("chunk-size", kind="int"),
        Flag("skip-wait-for-delete-timeout", kind="int"),
    ),
)  # fmt: skip
TAINT = Command(
    "taint", "Update the taints on one or more nodes",
    "kubectl taint NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N", run_taint,
    (*PRINT, SELECTOR, ALL, DRY_RUN, VALIDATE, boolean("overwrite"), field_manager("kubectl-taint")),
)  # fmt: skip
