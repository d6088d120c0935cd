"""The event recorder: Events are what components *say*; they are objects too.

The same sentence about the same object, said again, does not make a new Event: its ``count`` grows. A component that talks
too much about one object is silenced (25 Events at once, then one in five minutes).

From the tenth different message of one sort within ten minutes on, they become one combined Event that counts.

Models: client-go/tools/record/events_cache.go (EventSourceObjectSpamFilter, EventAggregator, eventLogger).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import timestamp
from k8snb.apimachinery.objects import FrozenDict, Object, memo
from k8snb.client.client import Client
from k8snb.sim.clock import MINUTE
from k8snb.sim.kernel import Kernel
from k8snb.sim.state import Shelf

BURST, REFILL = 25, 5 * MINUTE
SIMILAR, SIMILAR_WITHIN = 10, 10 * MINUTE
REMEMBERED = 4096
Said = tuple[str, ...]  # uid, field path, type, reason, message (empty for a combined Event): what makes two Events the same


@dataclass(slots=True)
class RecorderState:
    """What has been said: sentence -> (event name, count, time); object -> (tokens, time); kind of event -> messages."""

    said: Shelf = field(default_factory=Shelf)
    tokens: Shelf = field(default_factory=Shelf)
    similar: Shelf = field(default_factory=Shelf)
    written: int = 0

    def forget(self) -> None:
        """The process ended. In place: every recorder of the process holds this record."""
        self.said, self.tokens, self.similar, self.written = Shelf(), Shelf(), Shelf(), 0


class Recorder:
    """Says things about objects, as Events of one component."""

    def __init__(self, state: RecorderState, client: Client, kernel: Kernel, *, component: str, host: str = ""):
        self.state, self.client, self.kernel, self.component, self.host = state, client, kernel, component, host

    def event(self, about: Object, kind: str, reason: str, message: str, *, field_path: str = "") -> None:
        """Say something: ``kind`` is Normal or Warning, ``reason`` one CamelCase word, ``message`` a sentence.

        Events are best effort: if the API server refuses, the sentence is lost, as upstream.
        """
        ref, uid = reference(about, field_path), about["metadata"].get("uid", "")
        now = self.kernel.state.now
        if not self._allowed(uid or ref["name"], now):
            return
        said: Said = (uid, field_path, kind, reason, message)
        if self._is_one_of_many(said, now):
            said, message = (*said[:4], ""), f"(combined from similar events): {message}"
        known = self.state.said.get(said)
        meter, calls = self.client.meter, self.client.meter.calls
        try:
            if known is None or not self._again(ref, known, said, message):
                self._first(ref, said, message, now)
        except ApiError:
            pass
        meter.calls = calls  # sent by a broadcaster beside the loop, so it does not hold the loop up

    def _first(self, ref: FrozenDict, said: Said, message: str, now: int) -> None:
        state, time = self.state, timestamp(now)
        source, reporter = speaker(self.component, self.host)
        state.written += 1
        name = f"{ref['name']}.{now * 1000 + state.written % 1000:x}"
        namespace = ref.get("namespace") or "default"
        reason, kind = said[3], said[2]  # a learner's controller may say anything
        words = type(reason) is type(kind) is type(message) is str and bool(reason and kind and message)
        self.client.create("events", FrozenDict({
            "apiVersion": "v1", "kind": "Event", "metadata": FrozenDict({"name": name, "namespace": namespace}),
            "involvedObject": ref, "reason": reason, "message": message,
            "source": source, "firstTimestamp": time, "lastTimestamp": time, "count": 1, "type": kind,
            **reporter, "eventTime": None,
        }), namespace, typed=words)  # fmt: skip
        self._remember(said, (name, 1, now))

    def _again(self, ref: FrozenDict, known: tuple[str, int, int], said: Said, message: str) -> bool:
        name, count, _ = known
        patch = {"count": count + 1, "lastTimestamp": timestamp(self.kernel.now), "message": message}
        try:
            self.client.patch("events", name, patch, ref.get("namespace") or "default", kind="strategic")
        except ApiError as error:
            if error.code != 404:
                raise
            return False  # expired meanwhile: said anew
        self._remember(said, (name, count + 1, self.kernel.now))
        return True

    def _remember(self, key: Said, value: tuple[str, int, int]) -> None:
        said = self.state.said
        said.pop(key, None)
        said[key] = value
        if len(said) > REMEMBERED:
            del said[next(iter(said))]

    def _allowed(self, about: str, now: int) -> bool:
        kept = self.state.tokens
        tokens, since = kept.get(about, (BURST, now))
        refill = (now - since) // REFILL
        tokens = min(BURST, tokens + refill)
        if tokens <= 0:
            return False
        if len(kept) > REMEMBERED:
            del kept[next(iter(kept))]
        kept[about] = (tokens - 1, since + refill * REFILL)
        return True

    def _is_one_of_many(self, said: Said, now: int) -> bool:
        """Whether ten different messages of this sort about this object have been heard within ten minutes."""
        uid, _, kind, reason, message = said
        key, kept = (uid, kind, reason), self.state.similar
        messages, since = kept.get(key, ((), now))
        if now - since > SIMILAR_WITHIN:
            messages, since = (), now
        if message not in messages:
            messages = (*messages, message)[-SIMILAR:]
            if len(kept) > REMEMBERED:
                del kept[next(iter(kept))]
            kept[key] = (messages, since)
        return len(messages) >= SIMILAR


# Parts that many Events share are made once, so that the API server looks at them once.


def reference(obj: Object, field_path: str = "") -> FrozenDict:
    """The ``involvedObject`` of an Event about (a part of) an object, remembered on that."""
    known = memo(obj) if isinstance(obj, FrozenDict) else {}
    found: FrozenDict | None = known.get((reference, field_path))
    if found is None:
        meta = obj["metadata"]
        ref = {
            "kind": obj["kind"], "namespace": meta.get("namespace"), "name": meta["name"], "uid": meta.get("uid"),
            "apiVersion": obj["apiVersion"], "resourceVersion": meta.get("resourceVersion"), "fieldPath": field_path,
        }  # fmt: skip
        found = known[reference, field_path] = FrozenDict({key: value for key, value in ref.items() if value})
    return found


@functools.lru_cache(maxsize=4096)
def speaker(component: str, host: str) -> tuple[FrozenDict, FrozenDict]:
    """Who speaks, and from which node: the ``source`` of an Event, and its fields that say the same."""
    if host:
        return FrozenDict({"component": component, "host": host}), FrozenDict({"reportingComponent": component, "reportingInstance": host})
    return FrozenDict({"component": component}), FrozenDict({"reportingComponent": component})
