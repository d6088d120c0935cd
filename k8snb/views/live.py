"""The live view as data: what it shows at one moment, and the patch from one moment to the next.

A *frame* is ``{"meta": {...}, section: {row id: row}}``, plain JSON. Sections are ordered: the order of the rows is the order on
the screen. The browser keeps a frame and gets patches:

    frame(moment_1)  --diff-->  {"set": {"pods": {"pods shop/web-1": {...}}}, "drop": {...}, "order": {...}, "meta": {...}}

Law: ``patched(old, diff(old, new)) == new``, order included. The browser half has the same function, tested on the same cases
(``tests/widgets/front_end/patches.json``). Frames stay small whatever the cluster's size: what is not well is shown first, and
the rest is counted.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from k8snb.apimachinery.meta import key_of
from k8snb.apimachinery.objects import EMPTY_LIST, Object, dig
from k8snb.apimachinery.resource import once
from k8snb.messages import text
from k8snb.sim.clock import SECOND
from k8snb.sim.trace import Record
from k8snb.views import status
from k8snb.views.flows import API, CONTROL_PLANE, ETCD, ON_NODES, WRITES, refused, sender
from k8snb.views.scheduling import Grid, is_decision
from k8snb.views.snapshot import Snapshot, identity
from k8snb.views.states import sign
from k8snb.views.steps import sentence
from k8snb.views.summary import keep, tally

Row = dict[str, Any]
Frame = dict[str, dict[str, Any]]

RESOURCES = (
    "nodes", "pods", "events", "deployments.apps", "replicasets.apps", "statefulsets.apps", "daemonsets.apps", "jobs.batch",
    "cronjobs.batch", "services",
)  # fmt: skip
SECTIONS = ("components", "workloads", "nodes", "pods", "log", "events")
NODES, PODS_A_NODE, WORKLOADS, LOG, EVENTS = 60, 40, 30, 40, 20  # rows; beyond these the view counts
UNSCHEDULED = "pods without a node"
_WORKLOADS = RESOURCES[3:]


@dataclass(frozen=True, slots=True)
class Moment:
    """All that a frame is made of. Times are in µs; ``fresh`` is the first record of the last step."""

    snapshot: Snapshot
    records: Sequence[Record] = ()  # oldest first; reads and heartbeats left out
    fresh: int = 1
    find: Callable[[int], Record | None] = lambda _number: None
    now: int = 0
    start: int = 0
    revision: int = 0
    stopped: tuple[str, ...] = ()
    index: int = 0  # position on the timeline
    length: int = 0  # its last position, which is the present
    upcoming: str = ""


def clock(now: int, start: int) -> str:
    """Time since the start of the simulation: ``0:01:07.250``."""
    seconds, micros = divmod(max(0, now - start), SECOND)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{micros // 1000:03}"


def frame(moment: Moment) -> Frame:
    """Everything that the view shows at this moment."""
    pods = moment.snapshot.get("pods", ())
    nodes = [_node(node) for node in moment.snapshot.get("nodes", ())]
    homes = _homes(pods)
    lost = [home for home in homes if home not in {row["id"] for row in nodes}]
    rows = [*nodes, *({"id": home, "name": home, "state": "", "word": ""} for home in lost)]
    kept = keep([row["state"] for row in rows], NODES)
    busy, last = _activity(moment)
    work: dict[str, Row] = {f"nodes {name.partition('/')[2]}": {"busy": busy[name], "did": last[name]} for name in busy if "/" in name}
    for kind, _, node in (name.partition("/") for name in moment.stopped):
        if node:
            work.setdefault(f"nodes {node}", {})["down"] = f"{kind} {text('views.stopped')}"
    return {
        "meta": _meta(moment, pods, hidden=len(rows) - len(kept)),
        "components": _keyed(_components(moment, busy, last)),
        "workloads": _keyed(_workloads(moment.snapshot)),
        "nodes": _keyed(rows[i] | _counted(homes.get(rows[i]["id"], [])) | work.get(rows[i]["id"], {}) for i in kept),
        "pods": _keyed(row for i in kept for row in _worst(homes.get(rows[i]["id"], []))),
        "log": _keyed(_step(record, moment) for record in moment.records[-LOG:]),
        "events": _keyed(_event(event) for event in _newest(moment.snapshot.get("events", ()), EVENTS)),
    }


def _keyed(rows: Iterable[Row]) -> dict[str, Row]:
    return {row["id"]: row for row in rows}


def _meta(moment: Moment, pods: Sequence[Object], hidden: int) -> dict[str, Any]:
    return {
        "clock": clock(moment.now, moment.start),
        "revision": moment.revision,
        "fresh": moment.fresh,
        "index": moment.index,
        "length": moment.length,
        "live": moment.index == moment.length,
        "next": moment.upcoming,
        "pods": _tally(_pod(pod) for pod in pods),
        "hidden_nodes": hidden,
        "scheduling": _decision(moment),
    }


def _decision(moment: Moment) -> dict[str, Any] | None:
    """The last thing that the scheduler decided, where that was not long ago."""
    record = next((record for record in reversed(moment.records) if is_decision(record)), None)
    return Grid.of(record).as_data() if record else None


@once
def _pod(obj: Object) -> Row:
    seen = status.pod(obj)
    home = f"nodes {dig(obj, 'spec.nodeName')}" if dig(obj, "spec.nodeName") else UNSCHEDULED
    ready, _, restarts = status.pod_row(obj)
    row = {"id": identity("pods", obj), "name": key_of(obj), "home": home, "state": seen.state, "word": seen.word}
    return row | {"ready": ready} | ({"restarts": restarts} if restarts else {})


@once
def _node(obj: Object) -> Row:
    seen = status.node(obj)
    taints = [f"{t['key']}:{t['effect']}" for t in dig(obj, "spec.taints", EMPTY_LIST)]
    row = {"id": identity("nodes", obj), "name": obj["metadata"]["name"], "state": seen.state, "word": seen.word}
    return row | ({"note": ", ".join(taints)} if taints else {})


def _homes(pods: Iterable[Object]) -> dict[str, list[Row]]:
    homes: dict[str, list[Row]] = defaultdict(list)
    for pod in pods:
        row = _pod(pod)
        homes[row["home"]].append(row)
    return homes


def _tally(rows: Iterable[Row]) -> str:
    return tally((row["state"], row["word"]) for row in rows)


def _worst(rows: Sequence[Row]) -> list[Row]:
    return [rows[i] for i in keep([row["state"] for row in rows], PODS_A_NODE)]


def _counted(rows: Sequence[Row]) -> Row:
    more = len(rows) - PODS_A_NODE
    return {"pods": len(rows)} | ({"more": text("views.more", count=more, kind="Pod"), "tally": _tally(rows)} if more > 0 else {})


def _workloads(snapshot: Snapshot) -> list[Row]:
    rows = [_workload(resource, obj) for resource in _WORKLOADS for obj in snapshot.get(resource, ())]
    told = [row for row in rows if row["word"] != "0/0"]  # scaled-down ReplicaSets are the past of a Deployment
    return told[:WORKLOADS]


def _workload(resource: str, obj: Object) -> Row:
    seen = status.look(resource, obj)
    return {"id": identity(resource, obj), "kind": obj["kind"], "name": key_of(obj), "state": seen.state, "word": seen.word}


def _activity(moment: Moment) -> tuple[Counter[str], dict[str, str]]:
    """How much each component did in the last step, and the last thing that it did."""
    busy: Counter[str] = Counter()
    last: dict[str, str] = {}
    for record in moment.records:
        if record.id >= moment.fresh:
            name = sender(record, moment.find)
            busy[name] += 1
            last[name] = f"{record.verb} {record.subject}".strip()
            if record.kind == "request":
                busy[API] += 1
                last[API] = f"{name}: {last[name]}"
                if record.verb in WRITES and not refused(record):
                    busy[ETCD] += 1
                    last[ETCD] = record.subject
    return busy, last


def _components(moment: Moment, busy: Counter[str], last: dict[str, str]) -> list[Row]:
    """A row for each component; those that run on every node share one."""
    for kind in ON_NODES:
        for name in [name for name in busy if name.startswith(f"{kind}/")]:
            busy[kind] += busy[name]
            last[kind] = f"{name.partition('/')[2]}: {last[name]}"
    names = dict.fromkeys([*CONTROL_PLANE, *ON_NODES, *sorted(name for name in busy if "/" not in name)])
    return [_component(name, moment.stopped, busy[name], last.get(name, "")) for name in names]


def _component(name: str, stopped: Sequence[str], busy: int, last: str) -> Row:
    down = name in stopped
    row = {"id": name, "name": name, "state": "failed" if down else "ok" if busy else "", "busy": busy}
    return row | {"word": text("views.stopped") if down else last}


def _step(record: Record, moment: Moment) -> Row:
    no = refused(record)
    kind = "failed" if no or record.kind == "fault" else "ok" if record.kind == "request" else ""
    row: Row = {"id": f"#{record.id}", "clock": clock(record.time, moment.start), "kind": record.kind, "actor": record.actor, "state": kind}
    cause = next((found for number in record.causes if (found := moment.find(number)) is not None), None)
    row |= {"did": f"{record.verb} {record.subject}".strip(), "why": f"#{cause.id} {sentence(cause)}" if cause else ""}
    return row | ({"refused": no} if no else {})


def _newest(events: Sequence[Object], count: int) -> list[Object]:
    """The Events written last, the newest at the end: revisions say it more exactly than their times in seconds."""
    return heapq.nlargest(count, events, key=lambda event: int(event["metadata"].get("resourceVersion", 0)))[::-1]


@once
def _event(obj: Object) -> Row:
    about = dig(obj, "involvedObject", {})
    row = {"id": identity("events", obj), "state": "failed" if obj.get("type") == "Warning" else "", "type": obj.get("type", "")}
    row |= {"reason": obj.get("reason", ""), "about": f"{about.get('kind', '')} {about.get('name', '')}".strip()}
    return row | {"message": obj.get("message", ""), "count": obj.get("count") or dig(obj, "series.count", 1)}


def diff(old: Frame, new: Frame) -> dict[str, Any]:
    """The patch from one frame to another: only what changed. An empty dict where nothing did."""
    patch: dict[str, Any] = {}
    for section in SECTIONS:
        before, after = old[section], new[section]
        if before is after:
            continue
        changed = {key: row for key, row in after.items() if before.get(key) != row}
        gone = [key for key in before if key not in after]
        for name, part in (("set", changed), ("drop", gone), ("order", _order(before, after))):
            if part:
                patch.setdefault(name, {})[section] = part
    meta = {key: value for key, value in new["meta"].items() if old["meta"].get(key) != value}
    return patch | ({"meta": meta} if meta else {})


def _order(before: dict[str, Row], after: dict[str, Row]) -> list[str]:
    """The new order, where it is not simply: what stayed, then what came."""
    plain = [key for key in before if key in after] + [key for key in after if key not in before]
    return [] if plain == list(after) else list(after)


def patched(frame: Frame, patch: dict[str, Any]) -> Frame:
    """The frame after a patch; the given one is not changed. The browser half does the same."""
    result: Frame = {"meta": {**frame["meta"], **patch.get("meta", {})}}
    for section in SECTIONS:
        rows = {key: row for key, row in frame[section].items() if key not in patch.get("drop", {}).get(section, ())}
        rows |= patch.get("set", {}).get(section, {})
        order = patch.get("order", {}).get(section)
        result[section] = {key: rows[key] for key in order} if order else rows
    return result


def as_text(shown: Frame) -> str:
    """The frame as text, for where no front end runs: the clock, the nodes with their pods, and the last steps."""
    meta = shown["meta"]
    lines = [f"{meta['clock']}  {text('views.revision')} {meta['revision']}  {meta['pods']}".rstrip()]
    lines += [f"  {row['kind']} {row['name']}  {sign(row['state'])} {row['word']}".rstrip() for row in shown["workloads"].values()]
    for node in shown["nodes"].values():
        lines.append(f"{node['name']}  {sign(node['state'])} {node['word']}".rstrip())
        here = [pod for pod in shown["pods"].values() if pod["home"] == node["id"]]
        lines += [f"  {sign(pod['state'])} {pod['name']}  {pod['ready']}  {pod['word']}" for pod in here]
        lines += [f"  {node['more']}"] if "more" in node else []
    return "\n".join(lines)
