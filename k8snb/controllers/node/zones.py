"""How fast nodes are given up: zone by zone, and not at all where everything seems lost.

A node that is silent may be dead, or the network between it and the control plane is. The more nodes fall silent at once, the less
likely it is that they have all died, so the controller slows down:

    Normal              one node of the zone every 10 s
    PartialDisruption   at least 55 % of the zone's nodes (and more than two) are not ready: in a zone of more than 50 nodes one
                        every 100 s, in a smaller one none
    FullDisruption      no node of the zone is ready: as in Normal ... unless *every* zone is like that: then nobody at all

Models: pkg/controller/nodelifecycle/node_lifecycle_controller.go (handleDisruption, ComputeZoneState, setLimiterInZone),
scheduler/rate_limited_queue.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.component_helpers.timing import timing
from k8snb.sim.state import Shelf

INITIAL, NORMAL, PARTIAL, FULL = "Initial", "Normal", "PartialDisruption", "FullDisruption"
UNHEALTHY_PERCENT = 55
"""``--unhealthy-zone-threshold``: so many percent of a zone not ready make it partially disrupted."""
LARGE_ZONE = 50
"""``--large-cluster-size-threshold``: a zone of more nodes goes on slowly, a smaller one stops."""
EXCLUDED = "node.kubernetes.io/exclude-disruption"
"""A node with this label does not count."""


@dataclass(slots=True)
class Zone:
    """One zone: its state, the time between two nodes that are given up (µs; 0: none is), when the next one may be."""

    state: str = INITIAL
    interval: int = timing("zone eviction")
    free_at: int = 0
    waiting: Shelf = field(default_factory=Shelf)  # node -> the taint that it is to get, in the order of their coming


def zone_of(node: Object) -> str:
    """The region and zone of a node, as its labels say."""
    labels = node["metadata"].get("labels") or EMPTY_DICT
    return f"{labels.get('topology.kubernetes.io/region', '')}/{labels.get('topology.kubernetes.io/zone', '')}"


def state_of(ready: Sequence[bool]) -> str:
    """The state of a zone whose nodes are ready or not.

    >>> state_of([True, True, False]), state_of([False, False]), state_of([False, False, False, True])
    ('Normal', 'FullDisruption', 'PartialDisruption')
    """
    lost = ready.count(False)
    if lost and lost == len(ready):
        return FULL
    return PARTIAL if lost > 2 and 100 * lost >= UNHEALTHY_PERCENT * len(ready) else NORMAL


def interval_of(state: str, size: int) -> int:
    """The time between two nodes that are given up in a zone of ``size`` nodes (µs); 0: none is."""
    if state != PARTIAL:
        return timing("zone eviction")
    return timing("zone eviction, slow") if size > LARGE_ZONE else 0


def next_states(before: dict[str, str], ready: dict[str, Sequence[bool]]) -> tuple[dict[str, tuple[str, int]], bool, bool]:
    """What becomes of the zones: (state and interval by zone, all evictions have just stopped, they have just been resumed)."""
    found = {zone: state_of(known) for zone, known in ready.items()}
    all_lost = bool(found) and all(state == FULL for state in found.values())
    all_were = bool(before) and all(state == FULL for state in before.values())
    result = {zone: (state, 0 if all_lost else interval_of(state, len(ready[zone]))) for zone, state in found.items()}
    return result, all_lost and not all_were, all_were and not all_lost
