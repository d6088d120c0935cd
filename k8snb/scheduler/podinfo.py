"""What the scheduler needs to know of a pod, computed once from the frozen object.

A Pod manifest is deep; a scheduling cycle looks at the same dozen facts of it thousands of times. So :func:`pod_info` digests
it into a :class:`PodInfo` and remembers that on the object itself. The *signature* is the part of the digest on which Filter
and Score plugins that look at one node alone depend: two pods with equal signatures get equal answers from equal nodes, which
is what :mod:`k8snb.scheduler.memo` builds on.

Models: pkg/scheduler/framework/types.go (PodInfo, AffinityTerm); the idea of the signature is upstream's too (SignPlugin).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from k8snb.apimachinery.meta import parse_time
from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, FrozenDict, Object, dig, memo, put
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.selectors import EVERYTHING, NOTHING, Selector, from_label_selector
from k8snb.component_helpers.hashes import canonical_json
from k8snb.component_helpers.nodeaffinity import PREFERRED, REQUIRED
from k8snb.component_helpers.resources import non_zero_requests, pod_requests

DEFAULT_SCHEDULER = "default-scheduler"
# A container that asks for nothing still counts with these when load is compared: 100m and 200Mi.
NON_ZERO = {"cpu": 100, "memory": 200 * 1024 * 1024}

Signature = tuple[object, ...]
Port = tuple[str, str, int]  # host IP, protocol, host port
NamespaceLabels = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class AffinityTerm:
    """One ``podAffinityTerm``, compiled. ``weight`` is 0 for a required one."""

    topology_key: str
    selector: Selector
    namespaces: frozenset[str]
    namespace_selector: Selector
    weight: int = 0

    def matches(self, pod: PodInfo, namespaces: NamespaceLabels) -> bool:
        """Whether a pod is meant by this term. ``namespaces`` gives the labels of every namespace."""
        if not self.selector.matches(pod.labels):
            return False
        if pod.namespace in self.namespaces:
            return True
        return not self.namespace_selector.never and self.namespace_selector.matches(namespaces.get(pod.namespace, EMPTY_DICT))


class PodInfo(NamedTuple):
    """The digest of one Pod. Amounts are millicores for ``cpu``, units for all else."""

    pod: FrozenDict
    key: str  # namespace/name
    namespace: str
    name: str
    uid: str
    labels: Mapping[str, str]
    node_name: str
    scheduler_name: str
    priority: int
    requests: Mapping[str, int]
    non_zero_cpu: int
    non_zero_memory: int
    ports: tuple[Port, ...]
    images: tuple[str, ...]
    affinity: tuple[AffinityTerm, ...]
    anti_affinity: tuple[AffinityTerm, ...]
    preferred_affinity: tuple[AffinityTerm, ...]
    preferred_anti_affinity: tuple[AffinityTerm, ...]
    terminating: bool
    start_time: int | None
    shape: Signature

    @property
    def signature(self) -> Signature:
        """What decides a node-local plugin's answer. The requests may differ from the spec while a resize is under way."""
        return (self.node_name, self.shape, *self.requests.items())

    @property
    def has_affinity(self) -> bool:
        """Whether the pod has any inter-pod term, required or preferred, for or against."""
        return bool(self.affinity or self.anti_affinity or self.preferred_affinity or self.preferred_anti_affinity)

    def takes_the_same(self, other: PodInfo) -> bool:
        """Whether one takes of its node what the other does."""
        return self.node_name == other.node_name and self.shape == other.shape and self.uid == other.uid and self.requests == other.requests

    def same_for_scheduling(self, other: PodInfo) -> bool:
        """Whether one is to Filter and Score plugins what the other is. (Preemption also asks for the start time.)"""
        return (
            self.takes_the_same(other)
            and self.labels == other.labels
            and self.priority == other.priority
            and self.terminating == other.terminating
        )

    def __repr__(self) -> str:
        return f"<PodInfo {self.key}>"


@once
def pod_info(pod: Any) -> PodInfo:
    """The digest of a frozen Pod, remembered on it; what comes from its spec alone is remembered on that."""
    meta, spec = pod["metadata"], pod["spec"]
    namespace, labels = meta.get("namespace", "default"), meta.get("labels") or EMPTY_DICT
    started = dig(pod, "status.startTime")
    return PodInfo(
        pod=pod,
        key=f"{namespace}/{meta['name']}",
        namespace=namespace,
        name=meta["name"],
        uid=meta.get("uid", ""),
        labels=labels,
        terminating=meta.get("deletionTimestamp") is not None,
        start_time=parse_time(started) if started else None,
        requests={name: amount for name, amount in pod_requests(pod).items() if amount},
        **_from_spec(spec),
        **(_terms(spec, namespace, labels) if spec.get("affinity") else _NO_TERMS),
    )


def newer_info(known: PodInfo, pod: FrozenDict) -> PodInfo:
    """The digest of the next form of a Pod of which the status alone has changed: the known one, but for when it started."""
    started, before = dig(pod, "status.startTime"), dig(known.pod, "status.startTime")
    time = known.start_time if started == before else parse_time(started) if started else None
    found: PodInfo = memo(pod).setdefault(pod_info.__wrapped__, known._replace(pod=pod, start_time=time))  # type: ignore[attr-defined]
    return found


def same_but_status(old: Object, new: Object) -> bool:
    """Whether only the status differs, and nothing in it says how much the Pod needs (as during a resize, which counts a generation)."""
    was, meta = old["metadata"], new["metadata"]
    if new["spec"] is not old["spec"] or meta.get("generation", 1) != 1:
        return False
    for key in _IDENTITY:  # noqa: SIM110  (asked too often for a generator)
        if meta.get(key) != was.get(key):
            return False
    return True


_IDENTITY = ("uid", "name", "namespace", "labels", "deletionTimestamp")


def assumed(pod: FrozenDict, node: str) -> FrozenDict:
    """The pod as it will be once it is bound. Its digest is that of the pod, but for the node."""
    bound = put(pod, "spec.nodeName", node)
    memo(bound)[pod_info.__wrapped__] = pod_info(pod)._replace(pod=bound, node_name=node)  # type: ignore[attr-defined]
    return bound


@once
def _from_spec(spec: Object) -> dict[str, Any]:
    needs_more = spec.get("initContainers") or spec.get("resources") or spec.get("overhead")
    from_containers = _from_containers(spec) if needs_more else _from_containers_alone(spec["containers"])
    return {
        "node_name": spec.get("nodeName") or "",
        "scheduler_name": spec.get("schedulerName") or DEFAULT_SCHEDULER,
        "priority": spec.get("priority") or 0,
        "shape": _shape(spec),
        **from_containers,
    }


def _from_containers(spec: Object) -> dict[str, Any]:
    containers, init = spec["containers"], spec.get("initContainers") or EMPTY_LIST
    sidecars = [container for container in init if container.get("restartPolicy") == "Always"]
    ports = [port for container in (*containers, *sidecars) for port in container.get("ports") or ()]
    used = [(p.get("hostIP") or "0.0.0.0", p.get("protocol") or "TCP", p["hostPort"]) for p in ports if p.get("hostPort")]
    non_zero = non_zero_requests(spec, NON_ZERO)
    return {
        "non_zero_cpu": non_zero.get("cpu", 0),
        "non_zero_memory": non_zero.get("memory", 0),
        "ports": tuple(used),
        "images": tuple([container.get("image", "") for container in (*init, *containers)]),
    }


@once
def _from_containers_alone(containers: Object) -> dict[str, Any]:
    """The same for the many pods that have nothing else; a pod keeps its list of containers when it is bound."""
    return _from_containers({"containers": containers})


_SIGNED = ("nodeSelector", "tolerations", "resources", "overhead", "affinity")


def _shape(spec: Object) -> Signature:
    """Everything of a spec that Filter and Score of one node alone look at.

    Each part is remembered on the part of the spec that it came from, which a pod keeps when it is bound.
    """
    parts = [(key, _text(spec[key])) for key in _SIGNED if spec.get(key)]
    return (*parts, _containers(spec["containers"]), _containers(spec.get("initContainers") or EMPTY_LIST))


_text = once(canonical_json)


@once
def _containers(containers: list[Object]) -> Signature:
    return tuple(
        [
            (c.get("image"), c.get("restartPolicy"), _text(c.get("ports") or EMPTY_LIST), _text(c.get("resources") or EMPTY_DICT))
            for c in containers
        ]
    )


_NO_TERMS: dict[str, Any] = dict.fromkeys(("affinity", "anti_affinity", "preferred_affinity", "preferred_anti_affinity"), ())


def _terms(spec: Object, namespace: str, labels: Mapping[str, str]) -> dict[str, Any]:
    affinity = spec.get("affinity") or EMPTY_DICT
    found: dict[str, tuple[AffinityTerm, ...]] = {}
    for kind, name in (("podAffinity", "affinity"), ("podAntiAffinity", "anti_affinity")):
        rules = affinity.get(kind) or EMPTY_DICT
        found[name] = tuple(_term(term, namespace, labels) for term in rules.get(REQUIRED) or ())
        found[f"preferred_{name}"] = tuple(
            _term(rule["podAffinityTerm"], namespace, labels, rule["weight"]) for rule in rules.get(PREFERRED) or ()
        )
    return found


def _term(term: Object, namespace: str, labels: Mapping[str, str], weight: int = 0) -> AffinityTerm:
    """Compile a term; without namespaces of its own it means the pod's namespace."""
    names, by_label = term.get("namespaces"), term.get("namespaceSelector")
    selector = with_label_keys(term.get("labelSelector"), labels, term.get("matchLabelKeys"), term.get("mismatchLabelKeys"))
    return AffinityTerm(
        topology_key=term["topologyKey"],
        selector=selector,
        namespaces=frozenset(names or ([] if by_label is not None else [namespace])),
        namespace_selector=NOTHING if by_label is None else from_label_selector(by_label) if by_label else EVERYTHING,
        weight=weight,
    )


def with_label_keys(selector: Object | None, labels: Mapping[str, str], same: list[str] | None, other: list[str] | None = None) -> Selector:
    """A label selector narrowed to the pod's own value of each of ``same``, and to other values of each of ``other``.

    (``matchLabelKeys`` and ``mismatchLabelKeys``. A real API server writes them into the selector at admission.)
    """
    if selector is None or not (same or other):
        return from_label_selector(selector)
    extra = [{"key": key, "operator": "In", "values": [labels[key]]} for key in same or () if key in labels]
    extra += [{"key": key, "operator": "NotIn", "values": [labels[key]]} for key in other or () if key in labels]
    return from_label_selector({**selector, "matchExpressions": [*(selector.get("matchExpressions") or ()), *extra]})
