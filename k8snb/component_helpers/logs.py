"""A log that is followed: look after look, what has come since the last one, until its container has ended.

    first look     as it was asked for (tailLines, since ..., limitBytes)
    next looks     from the moment of the last one on; what was there at that very moment already is left out

So a look costs what is new, however long the log has become, and nothing comes twice when old lines leave it.

Models: ``ReadLogs`` in k8s.io/cri-client/pkg/logs: it ends with this run of the container, even if there will be another one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from k8snb.apimachinery.objects import Object, dig
from k8snb.apimachinery.strconv import integer

_KEPT = ("container", "previous", "timestamps")  # parameters that say how a log looks, rather than which part of it is wanted
_STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")


class FollowedLog:
    """``read``: the log for some parameters of ``pods/log``; ``now``: the time in µs. ``full``: all of ``limitBytes`` has been read."""

    def __init__(self, parameters: Mapping[str, str], read: Callable[[Mapping[str, str]], str], now: Callable[[], int]):
        self._asked, self._read, self._now = dict(parameters), read, now
        self._limit = integer(parameters.get("limitBytes")) or 0  # what is no number is refused when the log is read
        self._left, self._known = self._limit, ""
        self.full = False

    def look(self) -> str:
        """What has come since the last look. Raises what ``read`` raises."""
        fresh = _after(self._known, self._read(self._asked))
        self._asked = {key: self._asked[key] for key in _KEPT if key in self._asked} | {"sinceMicros": str(self._now())}
        self._known = self._read(self._asked)
        return self._cut(fresh) if self._limit else fresh

    def _cut(self, text: str) -> str:
        """The text, as far as ``limitBytes`` goes."""
        taken = text.encode(errors="surrogateescape")[: self._left]
        self._left -= len(taken)
        self.full = not self._left
        return taken.decode(errors="ignore")


def _after(known: str, text: str) -> str:
    """What a text has beyond what is known of it; the first lines of that may have left it."""
    while not text.startswith(known):
        known = known.partition("\n")[2]
    return text.removeprefix(known)


def has_ended(pod: Object, container: str) -> bool:
    """Whether a container (empty: the first) runs no more. What has not begun yet has not ended."""
    known = [one for key in _STATUSES for one in dig(pod, ("status", key), ()) if container in ("", one["name"])]
    if not known or "running" in (known[0].get("state") or {}):
        return False
    return "terminated" in (known[0].get("state") or {}) or bool(known[0].get("lastState"))
