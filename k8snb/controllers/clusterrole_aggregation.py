"""ClusterRole aggregation: a role whose rules are those of all roles with certain labels.

``admin``, ``edit`` and ``view`` are such roles; a label on a role of one's own adds to them.

Models: pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8snb.apimachinery.objects import EMPTY_LIST, FrozenList, Object, dig, put
from k8snb.apimachinery.selectors import from_label_selector
from k8snb.client.controller import Controller, Index, Watches

ROLES = "clusterroles.rbac.authorization.k8s.io"


def _aggregated(role: Object) -> Iterable[str]:
    """Index function: roles that collect others, all under one value."""
    return ("yes",) if role.get("aggregationRule") else ()


def _collectors(controller: Any, _old: Object | None, _new: Object | None) -> Iterable[str]:
    """Any role changed: all roles that collect."""
    return [role["metadata"]["name"] for role in controller.informers[ROLES].by("aggregated", "yes")]


def aggregated_rules(role: Object, everyone: Iterable[Object]) -> FrozenList:
    """The rules of all other roles that the role's selectors match, by name of the role, each rule once. Pure."""
    selectors = [from_label_selector(s) for s in dig(role, "aggregationRule.clusterRoleSelectors", EMPTY_LIST)]
    found: list[Object] = []
    for selector in selectors:
        for other in sorted(everyone, key=lambda r: str(r["metadata"]["name"])):
            if other["metadata"]["name"] != role["metadata"]["name"] and selector.matches(other["metadata"].get("labels")):
                found += [rule for rule in other.get("rules") or () if rule not in found]
    return FrozenList(found)


class ClusterRoleAggregationController(Controller):
    """Writes the rules of roles that collect others."""

    name = "clusterrole-aggregation"
    watches = (Watches(ROLES, _collectors),)
    indexes = (Index(ROLES, "aggregated", _aggregated),)

    def reconcile(self, key: str) -> None:
        role = self.informers[ROLES].get(key)
        if role is None or not role.get("aggregationRule"):
            return
        rules = aggregated_rules(role, self.informers[ROLES].all())
        present = role.get("rules") or ()
        if len(rules) != len(present) or any(rule not in present for rule in rules):
            self.client.update(ROLES, put(role, "rules", rules))
