"""A second scheduler, written straight from the documentation: no snapshots, no memory, no incremental anything.

It answers two questions about one pod: which nodes are feasible, and how many points does each have in all? It reads manifests
and nothing of ``k8snb.scheduler``, so that an error there is not repeated here.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

Manifest = dict[str, Any]
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def amount(text: str) -> float:
    for unit, factor in UNITS.items():
        if text.endswith(unit):
            return float(text[:-2]) * factor
    return float(text[:-1]) / 1000 if text.endswith("m") else float(text)


def asks(pod: Manifest, resource: str, default: float = 0) -> float:
    total = 0.0
    for container in pod["spec"]["containers"]:
        requests = container.get("resources", {}).get("requests", {})
        total += amount(requests[resource]) if resource in requests else default
    return total


def labels(obj: Manifest) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def selects(selector: Manifest, found: dict[str, str]) -> bool:
    return all(found.get(key) == value for key, value in selector["matchLabels"].items())


def tolerated(taint: Manifest, tolerations: list[Manifest]) -> bool:
    for t in tolerations:
        same_effect = not t.get("effect") or t["effect"] == taint["effect"]
        same_key = not t.get("key") or t["key"] == taint["key"]
        same_value = t.get("operator") == "Exists" or t.get("value", "") == taint.get("value", "")
        if same_effect and same_key and same_value:
            return True
    return False


def terms(pod: Manifest, kind: str, when: str) -> list[Manifest]:
    found: list[Manifest] = pod["spec"].get("affinity", {}).get(kind, {}).get(f"{when}DuringSchedulingIgnoredDuringExecution", [])
    return found


class Reference:
    """The cluster as lists of manifests."""

    def __init__(self, nodes: list[Manifest], pods: list[Manifest]):
        self.nodes, self.pods = nodes, pods

    def on(self, node: Manifest) -> list[Manifest]:
        return [pod for pod in self.pods if pod["spec"]["nodeName"] == node["metadata"]["name"]]

    def pods_at(self, key: str, value: str) -> list[Manifest]:
        """All pods on nodes with this label value."""
        return [pod for node in self.nodes if labels(node).get(key) == value for pod in self.on(node)]

    # Filters

    def feasible(self, pod: Manifest) -> list[str]:
        checks = (self.open, self.tolerable, self.selected, self.free_ports, self.fits, self.even, self.neighbourly)
        return [node["metadata"]["name"] for node in self.nodes if all(check(pod, node) for check in checks)]

    def open(self, _pod: Manifest, node: Manifest) -> bool:
        return not node["spec"].get("unschedulable")

    def tolerable(self, pod: Manifest, node: Manifest) -> bool:
        hard = [taint for taint in node["spec"].get("taints", []) if taint["effect"] != "PreferNoSchedule"]
        return all(tolerated(taint, pod["spec"].get("tolerations", [])) for taint in hard)

    def selected(self, pod: Manifest, node: Manifest) -> bool:
        return all(labels(node).get(key) == value for key, value in pod["spec"].get("nodeSelector", {}).items())

    def free_ports(self, pod: Manifest, node: Manifest) -> bool:
        def ports(item: Manifest) -> set[int]:
            return {port["hostPort"] for container in item["spec"]["containers"] for port in container.get("ports", [])}

        return not any(ports(pod) & ports(other) for other in self.on(node))

    def fits(self, pod: Manifest, node: Manifest) -> bool:
        here, room = self.on(node), node["status"]["allocatable"]
        if len(here) + 1 > int(room["pods"]):
            return False
        wanted = {resource: asks(pod, resource) for resource in ("cpu", "memory")}
        return all(not w or w <= amount(room[r]) - sum(asks(other, r) for other in here) + 1e-9 for r, w in wanted.items())

    def even(self, pod: Manifest, node: Manifest) -> bool:
        for rule in pod["spec"].get("topologySpreadConstraints", []):
            if rule["whenUnsatisfiable"] != "DoNotSchedule":
                continue
            keys = [r["topologyKey"] for r in pod["spec"]["topologySpreadConstraints"] if r["whenUnsatisfiable"] == "DoNotSchedule"]
            key = rule["topologyKey"]
            if key not in labels(node):
                return False
            counts: Counter[str] = Counter()
            for other in self.nodes:
                if all(k in labels(other) for k in keys) and self.selected(pod, other):
                    counts[labels(other)[key]] += self.matching(pod, rule, self.on(other))
            least = min(counts.values(), default=2**31 - 1)
            itself = selects(rule["labelSelector"], labels(pod))
            if counts[labels(node)[key]] + itself - least > rule["maxSkew"]:
                return False
        return True

    def matching(self, pod: Manifest, rule: Manifest, pods: list[Manifest]) -> int:
        same = [other for other in pods if other["metadata"]["namespace"] == pod["metadata"]["namespace"]]
        return sum(selects(rule["labelSelector"], labels(other)) for other in same)

    def neighbourly(self, pod: Manifest, node: Manifest) -> bool:
        wanted = terms(pod, "podAffinity", "required")
        if any(term["topologyKey"] not in labels(node) for term in wanted):
            return False
        around = {term["topologyKey"]: self.pods_at(term["topologyKey"], labels(node)[term["topologyKey"]]) for term in wanted}
        near = all(any(all(self.means(pod, t, other) for t in wanted) for other in pods) for pods in around.values())
        anywhere = any(
            all(self.means(pod, t, other) for t in wanted) and any(t["topologyKey"] in labels(at) for t in wanted)
            for at in self.nodes for other in self.on(at)
        )  # fmt: skip
        first = not anywhere and all(self.means(pod, term, pod) for term in wanted)
        return (near or first) and not self.repelled(pod, node)

    def repelled(self, pod: Manifest, node: Manifest) -> bool:
        for term in terms(pod, "podAntiAffinity", "required"):
            key = term["topologyKey"]
            if key in labels(node) and any(self.means(pod, term, other) for other in self.pods_at(key, labels(node)[key])):
                return True
        for key, value in labels(node).items():
            for other in self.pods_at(key, value):
                if any(t["topologyKey"] == key and self.means(other, t, pod) for t in terms(other, "podAntiAffinity", "required")):
                    return True
        return False

    def means(self, owner: Manifest, term: Manifest, pod: Manifest) -> bool:
        same = owner["metadata"]["namespace"] == pod["metadata"]["namespace"]
        return same and selects(term["labelSelector"], labels(pod))

    # Scores

    def totals(self, pod: Manifest, names: list[str]) -> dict[str, int]:
        nodes = [node for node in self.nodes if node["metadata"]["name"] in names]
        columns = (
            (3, self.soft_taints(pod, nodes)), (1, [self.least_allocated(pod, node) for node in nodes]),
            (1, [self.balanced(pod, node) for node in nodes]), (2, self.soft_spread(pod, nodes)), (2, self.preferences(pod, nodes)),
        )  # fmt: skip
        return {name: sum(w * column[i] for w, column in columns) for i, name in enumerate(n["metadata"]["name"] for n in nodes)}

    def soft_taints(self, pod: Manifest, nodes: list[Manifest]) -> list[int]:
        soft = [t for t in pod["spec"].get("tolerations", []) if t.get("effect", "") in ("", "PreferNoSchedule")]
        counts = [
            sum(t["effect"] == "PreferNoSchedule" and not tolerated(t, soft) for t in node["spec"].get("taints", [])) for node in nodes
        ]
        most = max(counts)
        return [100 - 100 * count // most if most else 100 for count in counts]

    def least_allocated(self, pod: Manifest, node: Manifest) -> int:
        defaults = {"cpu": 0.1, "memory": 200 * 2**20}
        points = []
        for resource, default in defaults.items():
            room = round(amount(node["status"]["allocatable"][resource]) * 1000)
            used = round(sum(asks(other, resource, default) for other in [*self.on(node), pod]) * 1000)
            points.append(0 if used > room else (room - used) * 100 // room)
        return sum(points) // 2

    def balanced(self, pod: Manifest, node: Manifest) -> int:
        if not asks(pod, "cpu") and not asks(pod, "memory"):
            return 0
        return 50 + (50 + self.balance([*self.on(node), pod], node) - self.balance(self.on(node), node)) // 2

    def balance(self, pods: list[Manifest], node: Manifest) -> int:
        shares = []
        for resource in ("cpu", "memory"):
            used = round(sum(asks(other, resource) for other in pods) * 1000)
            shares.append(min(1.0, used / round(amount(node["status"]["allocatable"][resource]) * 1000)))
        return int((1 - abs((shares[0] - shares[1]) / 2)) * 100)

    def soft_spread(self, pod: Manifest, nodes: list[Manifest]) -> list[int]:
        rules = [r for r in pod["spec"].get("topologySpreadConstraints", []) if r["whenUnsatisfiable"] == "ScheduleAnyway"]
        if not rules:
            return [0] * len(nodes)
        keys = [rule["topologyKey"] for rule in rules]
        counted = [node for node in nodes if all(key in labels(node) for key in keys)]
        raw = [self.spread_points(pod, rules, counted, node) if node in counted else None for node in nodes]
        known = [points for points in raw if points is not None]
        low, high = min(known, default=0), max(known, default=0)
        return [0 if points is None else 100 if high == 0 else 100 * (high + low - points) // high for points in raw]

    def spread_points(self, pod: Manifest, rules: list[Manifest], counted: list[Manifest], node: Manifest) -> int:
        total = 0.0
        keys = [rule["topologyKey"] for rule in rules]
        for rule in rules:
            key = rule["topologyKey"]
            eligible = [other for other in self.nodes if all(k in labels(other) for k in keys) and self.selected(pod, other)]
            here = [pod for other in eligible if labels(other)[key] == labels(node)[key] for pod in self.on(other)]
            values = {labels(other)[key] for other in counted}
            total += self.matching(pod, rule, here) * math.log(len(values) + 2) + rule["maxSkew"] - 1
        return math.floor(total + 0.5)

    def preferences(self, pod: Manifest, nodes: list[Manifest]) -> list[int]:
        raw = [self.preference(pod, node) for node in nodes]
        low, high = min(raw), max(raw)
        return [int(100 * ((points - low) / (high - low))) if high > low else 0 for points in raw]

    def preference(self, pod: Manifest, node: Manifest) -> int:
        total = 0
        for key, value in labels(node).items():
            for other in self.pods_at(key, value):
                pairs = ((pod, other), (other, pod))
                for owner, meant in pairs:
                    for sign, kind in ((1, "podAffinity"), (-1, "podAntiAffinity")):
                        for rule in terms(owner, kind, "preferred"):
                            term = rule["podAffinityTerm"]
                            total += sign * rule["weight"] * (term["topologyKey"] == key and self.means(owner, term, meant))
                total += sum(t["topologyKey"] == key and self.means(other, t, pod) for t in terms(other, "podAffinity", "required"))
        return total
