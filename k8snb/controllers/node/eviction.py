"""Taint eviction: NoExecute means that Pods which do not tolerate the taint must go.

A Pod without a matching toleration goes at once; one with ``tolerationSeconds`` after that time, unless the taint is gone by
then; one that tolerates for ever stays. Every Pod gets 300 s for not-ready and unreachable at admission, which is why Pods of a
dead node live on for five minutes.

Models: pkg/controller/tainteviction/taint_eviction.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import timestamp
from k8snb.apimachinery.objects import FrozenDict, Object, freeze
from k8snb.client.controller import Controller, Index, Watches, itself
from k8snb.client.indexes import by_node
from k8snb.client.informer import key_of
from k8snb.component_helpers.taints import tolerates_taint
from k8snb.sim.clock import SECOND
from k8snb.sim.state import Shelf


def _pods_of_node(controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    """A node's NoExecute taints changed: all its Pods."""
    if new is None or (old is not None and no_execute(old) == no_execute(new)) or (old is None and not no_execute(new)):
        return []
    return [key_of(pod) for pod in controller.informers["pods"].by("node", new["metadata"]["name"])]


def _on_tainted_node(controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    """A Pod was bound to a node that has such taints."""
    if new is None or (old is not None and old["spec"].get("nodeName") == new["spec"].get("nodeName")):
        return []
    node = controller.informers["nodes"].get(new["spec"].get("nodeName", ""))
    return itself(controller, old, new) if node is not None and no_execute(node) else []


def no_execute(node: Object) -> list[Object]:
    """The node's NoExecute taints."""
    return [t for t in node["spec"].get("taints") or () if t["effect"] == "NoExecute"]


def eviction_time(pod: Object, taints: list[Object], since: int) -> int | None:
    """When the Pod must go, in µs since the epoch; None: never. ``since``: when the taints were noticed. The shortest toleration counts."""
    moments = []
    for taint in taints:
        matching = [t for t in pod["spec"].get("tolerations") or () if tolerates_taint(t, taint)]
        if not matching:
            return since
        limits = [t["tolerationSeconds"] for t in matching if t.get("tolerationSeconds") is not None]
        if limits:
            moments.append(since + max(0, min(limits)) * SECOND)
    return min(moments, default=None)


class TaintEvictionController(Controller):
    """One turn looks at one Pod."""

    name = "taint-eviction"
    account = "node-controller"
    watches = (Watches("nodes", _pods_of_node), Watches("pods", _on_tainted_node))
    indexes = (Index("pods", "node", by_node),)

    def new_state(self) -> Shelf:
        """Pods on tainted nodes: key -> (since when, UID)."""
        return Shelf()

    def reconcile(self, key: str) -> None:
        pod = self.informers["pods"].get(key)
        node = self.informers["nodes"].get(pod["spec"].get("nodeName", "")) if pod is not None else None
        taints = no_execute(node) if pod is not None and node is not None else []
        if pod is None or not taints or "deletionTimestamp" in pod["metadata"]:
            waited = self.own.pop(key, None)
            if waited is not None and pod is not None and not taints and waited[1] == pod["metadata"]["uid"]:
                self.recorder.event(pod, "Normal", "TaintManagerEviction", f"Cancelling deletion of Pod {key}")
            return
        since, uid = self.own.get(key, (self.now, pod["metadata"]["uid"]))
        self.own[key] = since, uid = (since, uid) if uid == pod["metadata"]["uid"] else (self.now, pod["metadata"]["uid"])
        moment = eviction_time(pod, taints, since)
        if moment is None:
            del self.own[key]  # it tolerates all of them for ever
            return
        if moment > self.now:
            self.queue.add_after(key, moment - self.now, f"{key} tolerates the taint no longer")
            return
        self._evict(key, pod)

    def _evict(self, key: str, pod: Object) -> None:
        meta = pod["metadata"]
        self.recorder.event(pod, "Normal", "TaintManagerEviction", f"Marking for deletion Pod {key}")
        try:
            self.client.update_status(
                "pods", disrupted(pod, "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint", self.now)
            )
            self.client.delete("pods", meta["name"], meta["namespace"])
        except ApiError as error:
            if error.code != 404:
                raise


def disrupted(pod: Object, reason: str, message: str, now: int) -> Object:
    """The Pod with the condition DisruptionTarget: somebody else than its owner ends it."""
    others = [c for c in pod["status"].get("conditions") or () if c["type"] != "DisruptionTarget"]
    new = {
        "type": "DisruptionTarget", "status": "True", "reason": reason, "message": message, "lastProbeTime": None,
        "lastTransitionTime": timestamp(now), "observedGeneration": pod["metadata"].get("generation", 1),
    }  # fmt: skip
    return FrozenDict({**pod, "status": FrozenDict({**pod["status"], "conditions": freeze([*others, new])})})
