"""How many Pods an owner has, and in which state: counted when a Pod changes, not each time somebody asks.

A ReplicaSet of ten thousand Pods is reconciled hundreds of times while they start. Were each turn to look at every Pod, the work
would grow with the square. So the informer keeps a tally by owner, and a turn reads a few numbers:

    tally of uid-7:   active 9,998   ready 9,120   terminating 0   owned {app=web} 9,998   active {app=web} 9,998

The distinct sets of labels (there are few) tell whether a Pod has left the selector; only then, and when Pods must be chosen for
deletion, are the Pods themselves looked at.

Simplified: ``minReadySeconds`` depends on the time, so Pods are looked at one by one where it is set.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from k8snb.apimachinery.meta import controller_of
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, freeze
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.selectors import Selector
from k8snb.client.controller import Controller
from k8snb.component_helpers.pods import is_pod_active, is_pod_available, is_pod_ready, is_pod_terminal

TALLY = "standing"
OWNED, ACTIVE_LABELS = "owned ", "active "


class Census(NamedTuple):
    """The numbers of a status: active Pods, and of them the ready, available and fully labelled ones; Pods on their way out."""

    active: int
    ready: int
    available: int
    labelled: int
    terminating: int


@once
def standing(pod: Object) -> Iterable[tuple[str, str]]:
    """Tally function: (UID of the owner, what the Pod counts as), several for one Pod."""
    ref = controller_of(pod)
    if ref is None:
        return ()
    uid, labels = ref["uid"], _text(pod["metadata"].get("labels") or EMPTY_DICT)
    found = [(uid, OWNED + labels)]
    if is_pod_active(pod):
        found += [(uid, "active"), (uid, ACTIVE_LABELS + labels)]
        if is_pod_ready(pod):
            found.append((uid, "ready"))
    elif not is_pod_terminal(pod):
        found.append((uid, "terminating"))
    return tuple(found)


@once
def _text(labels: Object) -> str:
    return json.dumps(labels, sort_keys=True)


@functools.lru_cache(maxsize=256)
def _labels(counted: str) -> Mapping[str, str]:
    """The labels in what a Pod counts as (see :func:`standing`)."""
    found: FrozenDict = freeze(json.loads(counted.partition(" ")[2]))
    return found


def left_the_selector(controller: Controller, owner: Object, selector: Selector) -> bool:
    """Whether some Pod that the owner controls does not match its selector any more."""
    counts = controller.informers["pods"].tally(TALLY, owner["metadata"]["uid"])
    owned = [value for value in counts if value.startswith(OWNED)]
    return not all(selector.matches(_labels(value)) for value in owned)


def census(controller: Controller, owner: Object, now: int) -> Census:
    """The numbers of one owner (with ``spec.template``), from the tally."""
    uid, spec = owner["metadata"]["uid"], owner["spec"]
    cache = controller.informers["pods"]
    counts = cache.tally(TALLY, uid)
    wanted = (spec["template"].get("metadata", EMPTY_DICT).get("labels") or EMPTY_DICT).items()
    labelled = sum([count for value, count in counts.items() if value.startswith(ACTIVE_LABELS) and wanted <= _labels(value).items()])
    ready = counts.get("ready", 0)
    minimum = spec.get("minReadySeconds", 0)
    available = ready
    if minimum:
        available = sum(is_pod_active(pod) and is_pod_available(pod, minimum, now) for pod in cache.by("owner", uid))
    return Census(counts.get("active", 0), ready, available, labelled, counts.get("terminating", 0))


def counted(pods: Iterable[Object], owner: Object, now: int) -> Census:
    """The same numbers, of these Pods: for a turn that has just adopted or released some, of which the cache does not know yet."""
    wanted = (owner["spec"]["template"].get("metadata", EMPTY_DICT).get("labels") or EMPTY_DICT).items()
    minimum = owner["spec"].get("minReadySeconds", 0)
    own = list(pods)
    active = [pod for pod in own if is_pod_active(pod)]
    return Census(
        active=len(active),
        ready=sum(map(is_pod_ready, active)),
        available=sum(is_pod_available(pod, minimum, now) for pod in active),
        labelled=sum(wanted <= (pod["metadata"].get("labels") or EMPTY_DICT).items() for pod in active),
        terminating=sum(not is_pod_active(pod) and not is_pod_terminal(pod) for pod in own),
    )
