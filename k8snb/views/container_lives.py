"""The life of one pod, container by container: what waited for what, what ran beside what, what began again.

    Containers of pod default/shop, over 14.2s
    initContainers
      prepare  ◌◌●●✔✔✔✔✔✔✔✔✔✔✔✔✔
      writer   ◌◌◌◌●●●●●●●●●●●●●
    containers
      web      ◌◌◌◌◌◌◌●●●●●●●●●●

A container's state is what the kubelet has written about it: it waits (for a reason), runs, or has ended (well, or not).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from k8snb.apimachinery.objects import EMPTY_LIST, Object, dig
from k8snb.views.status import NOT_READY, Seen, is_trouble
from k8snb.views.timeline import Life, Span

KINDS = {"initContainers": "initContainerStatuses", "containers": "containerStatuses", "ephemeralContainers": "ephemeralContainerStatuses"}


def container_lives(changes: Iterable[tuple[int, Object | None]], end: int) -> list[Life]:
    """A row for each container of a pod, from the changes ``(time, value)`` of the pod in order; drawn until ``end`` (µs)."""
    lives: dict[str, Life] = {}
    now: dict[str, tuple[int, Seen]] = {}
    for time, pod in changes:
        seen = dict(_states(pod)) if pod is not None else {}
        for name in [*now.keys(), *(name for name in seen if name not in now)]:
            kind, state = seen.get(name, ("", None))
            if name not in lives:
                lives[name] = Life(name, kind)
            if name in now and now[name][1] != state:
                begin, was = now.pop(name)
                lives[name].spans.append(Span(begin, time, *was))
            if state is not None and name not in now:
                now[name] = (time, state)
    for name, (begin, state) in now.items():
        lives[name].spans.append(Span(begin, max(end, begin + 1), *state))
    return list(lives.values())


def _states(pod: Object) -> Iterator[tuple[str, tuple[str, Seen]]]:
    for kind, statuses in KINDS.items():
        known = {status["name"]: status for status in dig(pod, ("status", statuses), EMPTY_LIST)}
        for spec in dig(pod, ("spec", kind), EMPTY_LIST):
            yield spec["name"], (kind, _seen(known.get(spec["name"]), kind, spec))


def _seen(status: Object | None, kind: str, spec: Object) -> Seen:
    """The state of one container, and the word that Kubernetes has for it."""
    state = (status or {}).get("state") or {}
    if "terminated" in state:
        reason = state["terminated"].get("reason") or f"ExitCode:{state['terminated'].get('exitCode')}"
        return Seen("done" if not state["terminated"].get("exitCode") else "failed", reason)
    if "running" in state:
        waits = kind == "containers" and not (status or {}).get("ready")
        return Seen("ending", NOT_READY) if waits else Seen("ok", "Running")
    reason = dig(state, "waiting.reason") or "Waiting"
    return Seen("failed" if is_trouble(reason) else "pending", reason)
