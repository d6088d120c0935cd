"""Disruption: how many Pods of an application may be taken away now.

A PodDisruptionBudget says how many Pods must stay (``minAvailable``) or may be missing (``maxUnavailable``). This loop counts the
healthy ones and writes ``disruptionsAllowed``; the eviction subresource takes from that number, and notes whom it evicted in
``disruptedPods`` until the Pod is seen to go (or two minutes have passed).

    expected   minAvailable a number: the Pods that there are; else: what their controllers want (a Deployment's replicas ...)
    desired    the healthy Pods that must be left
    allowed    healthy - desired, never below 0

Only evictions ask: a Pod that is deleted, or whose node dies, does not.

Models: pkg/controller/disruption/disruption.go (trySync, getExpectedPodCount, updatePdbStatus). Simplified: replicas of custom
resources with a scale subresource are not looked up; DisruptionTarget conditions of Pods that stayed are not taken back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from k8snb.apimachinery.intstr import scaled
from k8snb.apimachinery.meta import controller_of, parse_time, set_condition
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, freeze
from k8snb.apimachinery.resource import once
from k8snb.client.controller import Controller, Index, Watches
from k8snb.client.indexes import by_label, by_namespace
from k8snb.client.informer import key_of
from k8snb.component_helpers.pods import is_pod_ready, is_pod_terminating
from k8snb.resources import RESOURCES
from k8snb.resources.policy.poddisruptionbudget import covers
from k8snb.sim.clock import MINUTE

BUDGETS = "poddisruptionbudgets.policy"
DELETION_TIMEOUT = 2 * MINUTE
_SCALED = {"ReplicaSet": "replicasets.apps", "Deployment": "deployments.apps", "StatefulSet": "statefulsets.apps",
           "ReplicationController": "replicationcontrollers"}  # fmt: skip
_UNMANAGED = (
    "Pods selected by this PodDisruptionBudget (selector: {}) were found to be unmanaged. As a result, the status of the PDB cannot be "
    "calculated correctly, which may result in undefined behavior. To account for these pods please set \".spec.minAvailable\" field "
    "of the PDB to an integer value."
)  # fmt: skip


class Observed(NamedTuple):
    """A budget, the Pods that it covers, how many there should be, and the time (µs)."""

    budget: Object
    pods: tuple[Object, ...]
    expected: int
    now: int


def desired_healthy(budget: Object, expected: int) -> int:
    """How many healthy Pods must be left. Percentages are of ``expected``, rounded up."""
    spec = budget["spec"]
    if spec.get("maxUnavailable") is not None:
        return max(0, expected - scaled(spec["maxUnavailable"], expected, up=True))
    return scaled(spec.get("minAvailable", 0), expected, up=True)


def still_disrupted(observed: Observed) -> dict[str, str]:
    """Evicted Pods that are not seen to go yet, with the time of their eviction."""
    noted = (observed.budget.get("status") or EMPTY_DICT).get("disruptedPods") or EMPTY_DICT
    waiting = [pod["metadata"]["name"] for pod in observed.pods if not is_pod_terminating(pod)]
    return {name: noted[name] for name in waiting if name in noted and parse_time(noted[name]) + DELETION_TIMEOUT >= observed.now}


def new_status(observed: Observed) -> Object:
    """The status that follows. Pure."""
    disrupted = still_disrupted(observed)
    healthy = sum(is_pod_ready(pod) and not is_pod_terminating(pod) and pod["metadata"]["name"] not in disrupted for pod in observed.pods)
    desired = desired_healthy(observed.budget, observed.expected)
    allowed = max(0, healthy - desired) if observed.expected > 0 else 0
    words = ("True", "SufficientPods") if allowed else ("False", "InsufficientPods")
    counts = {"currentHealthy": healthy, "desiredHealthy": desired, "expectedPods": observed.expected, "disruptionsAllowed": allowed}
    status = {**counts, **({"disruptedPods": disrupted} if disrupted else {})}
    return _with_condition(observed.budget, status, words, now=observed.now)


def failed_status(budget: Object, why: str, now: int) -> Object:
    """The status when nobody can tell how many Pods there should be: nothing is allowed."""
    status = {**(budget.get("status") or EMPTY_DICT), "disruptionsAllowed": 0}
    return _with_condition(budget, status, ("False", "SyncFailed"), why, now=now)


def _with_condition(budget: Object, status: dict[str, Any], words: tuple[str, str], message: str = "", *, now: int) -> Object:
    generation = budget["metadata"].get("generation", 0)
    new = {"type": "DisruptionAllowed", "status": words[0], "reason": words[1], "message": message, "observedGeneration": generation}
    conditions = set_condition((budget.get("status") or EMPTY_DICT).get("conditions") or (), new, now)
    return freeze({**status, "observedGeneration": generation, "conditions": conditions})  # type: ignore[no-any-return]


def _budgets_of(controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    """The budgets that cover a Pod, before or after a change that matters to them."""
    pods = [pod for pod in (old, new) if pod is not None]
    budgets = controller.informers[BUDGETS].by("namespace", pods[0]["metadata"]["namespace"])
    if not budgets or (len(pods) == 2 and _health(pods[0]) == _health(pods[1])):
        return []
    return list(dict.fromkeys(key_of(budget) for pod in pods for budget in budgets if covers(budget, pod)))


@once
def _health(pod: Object) -> tuple[Any, ...]:
    return pod["metadata"].get("labels"), is_pod_terminating(pod), is_pod_ready(pod), controller_of(pod)


class DisruptionController(Controller):
    """One turn looks at one budget."""

    name = "disruption"
    watches = (Watches(BUDGETS), Watches("pods", _budgets_of))
    reads = tuple(_SCALED.values())
    indexes = (Index("pods", "label", by_label), Index("pods", "namespace", by_namespace), Index(BUDGETS, "namespace", by_namespace))

    def __init__(self, process: Any):
        super().__init__(process)
        self.recorder.component = "controllermanager"

    def reconcile(self, key: str) -> None:
        budget = self.informers[BUDGETS].get(key)
        if budget is None:
            return
        pods = self._covered(budget)
        if not pods:
            self.recorder.event(budget, "Normal", "NoPods", "No matching pods found")
        try:
            expected = self._expected(budget, pods)
        except LookupError as error:
            why = str(error.args[0])
            message = f"Failed to calculate the number of expected pods: {why}"
            self.recorder.event(budget, "Warning", "CalculateExpectedPodCountFailed", message)
            self._write(budget, failed_status(budget, why, self.now))
            return
        observed = Observed(budget, tuple(pods), expected, self.now)
        self._recheck(key, observed)
        self._write(budget, new_status(observed))

    def _covered(self, budget: Object) -> list[Object]:
        """The Pods that the budget covers, found through the label that fewest Pods have."""
        selector, namespace, cache = budget["spec"].get("selector"), budget["metadata"]["namespace"], self.informers["pods"]
        if selector is None:
            return []
        values = [f"{namespace}/{key}={value}" for key, value in (selector.get("matchLabels") or EMPTY_DICT).items()]
        if values:
            candidates = cache.by("label", min(values, key=lambda value: cache.count("label", value)))
        else:
            candidates = cache.by("namespace", namespace)
        return [pod for pod in candidates if covers(budget, pod)]

    def _expected(self, budget: Object, pods: list[Object]) -> int:
        """How many Pods there should be. Raises LookupError where a controller does not say."""
        spec = budget["spec"]
        if spec.get("maxUnavailable") is None and isinstance(spec.get("minAvailable", 0), int):
            return len(pods) if spec.get("minAvailable") is not None else 0
        scales: dict[str, int] = {}
        unmanaged = False
        for pod in pods:
            ref = controller_of(pod)
            if ref is None:
                unmanaged = True
            elif ref["uid"] not in scales:
                self._note_scale(pod, ref, scales)
        if unmanaged:
            message = _UNMANAGED.format(_selector_text(spec["selector"]))
            self.recorder.event(budget, "Warning", "UnmanagedPods", message)
        return sum(scales.values())

    def _note_scale(self, pod: Object, ref: Any, scales: dict[str, int]) -> None:
        """What the Pod's controller wants, or the Deployment behind its ReplicaSet. One that is gone wants nothing."""
        kind, namespace = ref["kind"], pod["metadata"]["namespace"]
        if kind not in _SCALED:
            group = ref["apiVersion"].rpartition("/")[0]
            name = next((r.key for r in RESOURCES if r.group == group and r.kind == kind), f"{kind}.{group}")
            raise LookupError(f"{name} does not implement the scale subresource")
        owner = self.informers[_SCALED[kind]].get(f"{namespace}/{ref['name']}")
        if owner is None or owner["metadata"]["uid"] != ref["uid"]:
            raise LookupError(f'found no controllers for pod "{pod["metadata"]["name"]}"')
        above = controller_of(owner)
        deployment = self.informers["deployments.apps"].get(f"{namespace}/{above['name']}") if above is not None else None
        if deployment is not None:
            owner = deployment
        scales[ref["uid"]] = 0
        scales[owner["metadata"]["uid"]] = owner["spec"]["replicas"]

    def _recheck(self, key: str, observed: Observed) -> None:
        """Look again when an evicted Pod should be gone; say so if one is not."""
        noted = (observed.budget.get("status") or EMPTY_DICT).get("disruptedPods") or EMPTY_DICT
        kept = still_disrupted(observed)
        for pod in observed.pods:
            name = pod["metadata"]["name"]
            if name in noted and name not in kept and not is_pod_terminating(pod):
                message = f"Pod was expected by PDB {key} to be deleted but it wasn't"
                self.recorder.event(pod, "Warning", "NotDeleted", message)
        if kept:
            due = min(parse_time(when) for when in kept.values()) + DELETION_TIMEOUT
            self.queue.add_after(key, due - self.now + 1, "an evicted Pod should be gone")

    def _write(self, budget: Object, status: Object) -> None:
        if status != budget.get("status"):
            self.client.update_status(BUDGETS, FrozenDict({**budget, "status": status}))


def _selector_text(selector: Object) -> str:
    """The selector as Go prints it."""
    labels = "".join(f"{key}: {value}," for key, value in sorted((selector.get("matchLabels") or EMPTY_DICT).items()))
    return f"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{}},}}"
