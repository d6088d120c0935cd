"""When nothing fits: which less important pods would have to go, and from which node?

    1  candidates   every node that was rejected for a reason that eviction may cure: take all lower pods away; does it fit?
    2  reprieve     give them back, most important first, as long as it still fits; who does not come back is a victim
    3  choose       fewest budget violations, lowest top victim, smallest sum of priorities, fewest victims, youngest victims

The plugin only decides. The victims are evicted beside the cycles (:mod:`k8snb.scheduler.preemption`), and the pod keeps the node as
``nominatedNodeName`` and is tried again when they are gone. Nothing is promised: if something better turns up meanwhile, it takes that.

Models: pkg/scheduler/framework/plugins/defaultpreemption, pkg/scheduler/framework/preemption.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8snb.apimachinery.meta import condition
from k8snb.apimachinery.objects import Object, dig
from k8snb.apimachinery.selectors import from_label_selector
from k8snb.scheduler.diagnosis import UNRESOLVABLE, UNSCHEDULABLE, Diagnosis, Status, fit_error, unresolvable, unschedulable
from k8snb.scheduler.framework import Cluster, Cycle, PostFilterPlugin, PostFilterResult, PreEnqueuePlugin, Victims
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import PodInfo, pod_info

NO_VICTIMS = "No preemption victims found for incoming pod"
NOT_HELPFUL = "Preemption is not helpful for scheduling"
_FOREVER = 2**63 - 1
_MAX_INT32 = 2**31 - 1
_NOBODY_LOWER = unresolvable(NO_VICTIMS)


class DefaultPreemption(PreEnqueuePlugin, PostFilterPlugin):
    """Looks for the least painful eviction that makes room.

    So many candidates are worth computing: ``percentage`` of the nodes that come into question, and ``at_least`` so many.
    """

    name = "DefaultPreemption"

    def __init__(self, *, percentage: int = 10, at_least: int = 100):
        self.percentage, self.at_least = percentage, at_least

    def pre_enqueue(self, pod: PodInfo, cluster: Cluster) -> Status | None:
        """Not while its victims are still being deleted: it would only choose others."""
        return unresolvable("waiting for the preemption for this pod to be finished") if cluster.preempting(pod.key) else None

    def post_filter(self, cycle: Cycle, diagnosis: Diagnosis) -> tuple[PostFilterResult | None, Status | None]:
        """The chosen node and its victims, or why there are none."""
        why_not = _not_eligible(cycle, diagnosis)
        if why_not:
            return None, unschedulable(f"preemption: {why_not}")
        nodes = _potential_nodes(cycle, diagnosis)
        enough = min(max(len(nodes) * self.percentage // 100, self.at_least), len(nodes))
        candidates, statuses = _dry_run(cycle, nodes, enough)
        if not candidates:
            total = len(cycle.snapshot.nodes)
            sentence = fit_error(total, statuses, unresolvable(NOT_HELPFUL))
            return PostFilterResult(nominate=""), unschedulable(f"preemption: {sentence}")
        best = choose(candidates)
        return PostFilterResult(nominate=best.node, victims=best), None


def _not_eligible(cycle: Cycle, diagnosis: Diagnosis) -> str:
    pod = cycle.pod
    if pod.pod["spec"].get("preemptionPolicy") == "Never":
        return "not eligible due to preemptionPolicy=Never."
    nominated = dig(pod.pod, "status.nominatedNodeName", "")
    node = cycle.snapshot.get(nominated)
    if node is None or _verdict(diagnosis, nominated) == UNRESOLVABLE:
        return ""
    if any(other.priority < pod.priority and _leaving_by_preemption(other.pod) for other in node.infos()):
        return "not eligible due to a terminating pod on the nominated node."
    return ""


def _leaving_by_preemption(pod: Object) -> bool:
    if pod["metadata"].get("deletionTimestamp") is None:
        return False
    found = condition(pod, "DisruptionTarget")
    return found is not None and found["status"] == "True" and found.get("reason") == "PreemptionByScheduler"


def _potential_nodes(cycle: Cycle, diagnosis: Diagnosis) -> list[NodeInfo]:
    """The nodes that were rejected for a reason that eviction may cure."""
    return [node for node in cycle.snapshot.nodes if _verdict(diagnosis, node.name) == UNSCHEDULABLE]


def _verdict(diagnosis: Diagnosis, node: str) -> str:
    """The code of a node's status. A node that was not looked at is taken to be hopeless."""
    status = diagnosis.statuses.get(node, diagnosis.absent)
    return UNRESOLVABLE if status is None else status.code


def _dry_run(cycle: Cycle, nodes: list[NodeInfo], enough: int) -> tuple[list[Victims], list[Status]]:
    """Try nodes from a random one on, until enough candidates are found and one of them violates no budget."""
    if not nodes:
        return [], []
    budgets = list(cycle.cluster.objects("poddisruptionbudgets.policy"))
    offset = cycle.cluster.below(len(nodes))
    candidates: list[Victims] = []
    statuses: list[Status] = []
    lowest, index = cycle.memo.by_node(("lowest priority",), cycle.snapshot, _lowest_priority), cycle.snapshot.index
    for turn in range(len(nodes)):
        node = nodes[(offset + turn) % len(nodes)]
        if lowest[index[node.name]] >= cycle.pod.priority:
            statuses.append(_NOBODY_LOWER)
            continue
        outcome = select_victims(cycle.branch(), node, budgets)
        if isinstance(outcome, Status):
            statuses.append(outcome)
            continue
        candidates.append(outcome)
        if len(candidates) >= enough and any(candidate.violations == 0 for candidate in candidates):
            break
    return candidates, statuses


def _lowest_priority(node: NodeInfo) -> int:
    return min((other.priority for other in node.infos()), default=_FOREVER)


def select_victims(cycle: Cycle, node: NodeInfo, budgets: Sequence[Object]) -> Victims | Status:
    """The smallest set of less important pods that must leave this node; a status where even all of them do not suffice.

    ``cycle`` is a branch of its own: its notes are changed.
    """
    lower = [other for other in node.infos() if other.priority < cycle.pod.priority]
    if not lower:
        return _NOBODY_LOWER
    for other in lower:
        node = node.without_pod(other.key)
        cycle.framework.remove_pod(cycle, other, node)
    status = cycle.framework.run_filters_with_nominated_pods(cycle, node)
    if status is not None:
        return status
    violating, harmless = split_by_budget(sorted(lower, key=importance), budgets)
    victims: list[PodInfo] = []
    violations = 0
    for other in (*violating, *harmless):
        fuller = node.with_pod(other.pod)
        cycle.framework.add_pod(cycle, other, fuller)
        if cycle.framework.run_filters_with_nominated_pods(cycle, fuller) is None:
            node = fuller
            continue
        cycle.framework.remove_pod(cycle, other, node)
        victims.append(other)
        violations += other in violating
    return Victims(node.name, tuple(victim.pod for victim in sorted(victims, key=importance)), violations)


def importance(pod: PodInfo) -> tuple[int, int]:
    """Sort key, the most important first: higher priority, then running for longer."""
    return (-pod.priority, pod.start_time if pod.start_time is not None else _FOREVER)


def split_by_budget(pods: Sequence[PodInfo], budgets: Sequence[Object]) -> tuple[list[PodInfo], list[PodInfo]]:
    """Those whose eviction would violate a PodDisruptionBudget, and the others; order is kept."""
    left = [dig(budget, "status.disruptionsAllowed", 0) for budget in budgets]
    violating: list[PodInfo] = []
    harmless: list[PodInfo] = []
    for pod in pods:
        violates = False
        for number in _budgets_of(pod, budgets):
            left[number] -= 1
            violates = violates or left[number] < 0
        (violating if violates else harmless).append(pod)
    return violating, harmless


def _budgets_of(pod: PodInfo, budgets: Sequence[Object]) -> Iterable[int]:
    for number, budget in enumerate(budgets):
        selector = from_label_selector(dig(budget, "spec.selector"))
        same_place = pod.labels and budget["metadata"]["namespace"] == pod.namespace
        counted = pod.name not in dig(budget, "status.disruptedPods", {})
        if same_place and counted and not selector.empty and selector.matches(pod.labels):
            yield number


def choose(candidates: list[Victims]) -> Victims:
    """The least painful candidate; the first of equals."""
    return min(candidates, key=_pain)


def _pain(candidate: Victims) -> tuple[int, ...]:
    victims = [pod_info(pod) for pod in candidate.pods]
    if not victims:
        return (candidate.violations, -_FOREVER)
    top = max(victim.priority for victim in victims)
    # Priorities may be negative; shifted, more victims are never better than fewer of the same priority.
    total = sum(victim.priority + _MAX_INT32 + 1 for victim in victims)
    oldest = min(victim.start_time if victim.start_time is not None else _FOREVER for victim in victims if victim.priority == top)
    return (candidate.violations, top, total, len(victims), -oldest)
