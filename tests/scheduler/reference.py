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
HOST, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
REQUIRED, PREFERRED = "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"


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


def holds(expression: Manifest, found: dict[str, str]) -> bool:
    value, values = found.get(expression["key"]), expression.get("values", [])
    return {
        "In": value in values, "NotIn": value not in values, "Exists": value is not None, "DoesNotExist": value is None,
    }[expression["operator"]]  # fmt: skip


def selects(selector: Manifest, found: dict[str, str]) -> bool:
    same = all(found.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    return same and all(holds(expression, found) for expression in selector.get("matchExpressions", []))


def narrowed(rule: Manifest, owner: Manifest, found: dict[str, str]) -> bool:
    """Whether labels are meant by a rule of this owner, with its matchLabelKeys and mismatchLabelKeys."""
    mine = labels(owner)
    same = all(found.get(key) == mine[key] for key in rule.get("matchLabelKeys", []) if key in mine)
    other = all(found.get(key) != mine[key] for key in rule.get("mismatchLabelKeys", []) if key in mine)
    return selects(rule["labelSelector"], found) and same and other


def tolerated(taint: Manifest, tolerations: list[Manifest]) -> bool:
    for t in tolerations:
        same_effect = not t.get("effect") or t["effect"] == taint["effect"]
        same_key = not t.get("key") or t["key"] == taint["key"]
        same_value = t.get("operator") == "Exists" or t.get("value", "") == taint.get("value", "")
        if same_effect and same_key and same_value:
            return True
    return False


def affinity(pod: Manifest, kind: str, when: str) -> Any:
    return pod["spec"].get("affinity", {}).get(kind, {}).get(when, [])


def node_term(term: Manifest, node: Manifest) -> bool:
    return bool(term.get("matchExpressions")) and all(holds(one, labels(node)) for one in term["matchExpressions"])


class Reference:
    """The cluster as lists of manifests.

    ``services`` and ``namespaces`` likewise. What a profile may choose: ``most`` packs instead of spreading, ``hard`` is the weight
    of existing pods' required affinity, ``added`` a node affinity of the profile.
    """

    def __init__(
        self, nodes: list[Manifest], pods: list[Manifest], *, services: Any = (), namespaces: Any = (),
        most: bool = False, hard: int = 1, added: Manifest | None = None,
    ):  # fmt: skip
        self.nodes, self.pods, self.services = nodes, pods, services
        self.namespaces = {item["metadata"]["name"]: labels(item) for item in namespaces}
        self.most, self.hard, self.added = most, hard, added or {}

    def on(self, node: Manifest) -> list[Manifest]:
        return [pod for pod in self.pods if pod["spec"]["nodeName"] == node["metadata"]["name"]]

    def pods_at(self, key: str, value: str) -> list[Manifest]:
        """All pods on nodes with this label value."""
        return [pod for node in self.nodes if labels(node).get(key) == value for pod in self.on(node)]

    # Filters

    def feasible(self, pod: Manifest) -> list[str]:
        checks = (self.open, self.tolerable, self.enforced, self.selected, self.free_ports, self.fits, self.even, self.neighbourly)
        return [node["metadata"]["name"] for node in self.nodes if all(check(pod, node) for check in checks)]

    def open(self, _pod: Manifest, node: Manifest) -> bool:
        return not node["spec"].get("unschedulable")

    def tolerable(self, pod: Manifest, node: Manifest) -> bool:
        hard = [taint for taint in node["spec"].get("taints", []) if taint["effect"] != "PreferNoSchedule"]
        return all(tolerated(taint, pod["spec"].get("tolerations", [])) for taint in hard)

    def enforced(self, _pod: Manifest, node: Manifest) -> bool:
        return REQUIRED not in self.added or any(node_term(term, node) for term in self.added[REQUIRED]["nodeSelectorTerms"])

    def selected(self, pod: Manifest, node: Manifest) -> bool:
        wanted = affinity(pod, "nodeAffinity", REQUIRED)
        allowed = not wanted or any(node_term(term, node) for term in wanted["nodeSelectorTerms"])
        return allowed and all(labels(node).get(key) == value for key, value in pod["spec"].get("nodeSelector", {}).items())

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

    def counts(self, pod: Manifest, rule: Manifest, node: Manifest) -> bool:
        """Whether a node counts for a spread constraint: nodeAffinityPolicy, nodeTaintsPolicy."""
        picky = rule.get("nodeAffinityPolicy", "Honor") == "Ignore" or self.selected(pod, node)
        return picky and (rule.get("nodeTaintsPolicy", "Ignore") == "Ignore" or self.tolerable(pod, node))

    def even(self, pod: Manifest, node: Manifest) -> bool:
        rules = [rule for rule in pod["spec"].get("topologySpreadConstraints", []) if rule["whenUnsatisfiable"] == "DoNotSchedule"]
        for rule in rules:
            key = rule["topologyKey"]
            if key not in labels(node):
                return False
            counts: Counter[str] = Counter()
            for other in self.nodes:
                if all(r["topologyKey"] in labels(other) for r in rules) and self.counts(pod, rule, other):
                    counts[labels(other)[key]] += self.matching(pod, rule, self.on(other))
            least = 0 if len(counts) < rule.get("minDomains", 1) else min(counts.values(), default=2**31 - 1)
            itself = narrowed(rule, pod, labels(pod))
            if counts[labels(node)[key]] + itself - least > rule["maxSkew"]:
                return False
        return True

    def matching(self, pod: Manifest, rule: Manifest, pods: list[Manifest]) -> int:
        same = [other for other in pods if other["metadata"]["namespace"] == pod["metadata"]["namespace"]]
        return sum(narrowed(rule, pod, labels(other)) for other in same)

    def neighbourly(self, pod: Manifest, node: Manifest) -> bool:
        wanted = affinity(pod, "podAffinity", REQUIRED)
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
        for term in affinity(pod, "podAntiAffinity", REQUIRED):
            key = term["topologyKey"]
            if key in labels(node) and any(self.means(pod, term, other) for other in self.pods_at(key, labels(node)[key])):
                return True
        for key, value in labels(node).items():
            for other in self.pods_at(key, value):
                if any(t["topologyKey"] == key and self.means(other, t, pod) for t in affinity(other, "podAntiAffinity", REQUIRED)):
                    return True
        return False

    def means(self, owner: Manifest, term: Manifest, pod: Manifest) -> bool:
        """Whether a term of one pod means another: its labels, and the namespaces that the term names."""
        selector, space = term.get("namespaceSelector"), pod["metadata"]["namespace"]
        named = term.get("namespaces") or ([owner["metadata"]["namespace"]] if selector is None else [])
        there = space in named or (selector is not None and selects(selector, self.namespaces.get(space, {})))
        return there and narrowed(term, owner, labels(pod))

    # Scores

    def totals(self, pod: Manifest, names: list[str]) -> dict[str, int]:
        nodes = [node for node in self.nodes if node["metadata"]["name"] in names]
        columns = (
            (3, self.soft_taints(pod, nodes)), (2, self.preferred_nodes(pod, nodes)),
            (1, [self.allocated(pod, node) for node in nodes]), (1, [self.balanced(pod, node) for node in nodes]),
            (2, self.soft_spread(pod, nodes)), (2, self.preferences(pod, nodes)), (1, [self.images(pod, node) for node in nodes]),
        )  # fmt: skip
        return {name: sum(w * column[i] for w, column in columns) for i, name in enumerate(n["metadata"]["name"] for n in nodes)}

    def soft_taints(self, pod: Manifest, nodes: list[Manifest]) -> list[int]:
        soft = [t for t in pod["spec"].get("tolerations", []) if t.get("effect", "") in ("", "PreferNoSchedule")]
        counts = [
            sum(t["effect"] == "PreferNoSchedule" and not tolerated(t, soft) for t in node["spec"].get("taints", [])) for node in nodes
        ]
        most = max(counts)
        return [100 - 100 * count // most if most else 100 for count in counts]

    def preferred_nodes(self, pod: Manifest, nodes: list[Manifest]) -> list[int]:
        wishes = [*affinity(pod, "nodeAffinity", PREFERRED), *self.added.get(PREFERRED, [])]
        raw = [sum(wish["weight"] for wish in wishes if node_term(wish["preference"], node)) for node in nodes]
        return [100 * points // max(raw) if max(raw) else points for points in raw]

    def allocated(self, pod: Manifest, node: Manifest) -> int:
        defaults = {"cpu": 0.1, "memory": 200 * 2**20}
        points = []
        for resource, default in defaults.items():
            room = round(amount(node["status"]["allocatable"][resource]) * 1000)
            used = round(sum(asks(other, resource, default) for other in [*self.on(node), pod]) * 1000)
            least = 0 if used > room else (room - used) * 100 // room
            points.append(min(used, room) * 100 // room if self.most else least)
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

    def images(self, pod: Manifest, node: Manifest) -> int:
        total = 0
        for container in pod["spec"]["containers"]:
            name = f"{container['image']}:latest"
            having = [one for one in self.nodes if any(name in image["names"] for image in one["status"].get("images", []))]
            if node in having:
                size = next(image["sizeBytes"] for image in having[0]["status"]["images"] if name in image["names"])
                total += int(size * (len(having) / len(self.nodes)))
        low, high = 23 * 2**20, 1000 * 2**20 * len(pod["spec"]["containers"])
        return 100 * (min(max(total, low), high) - low) // (high - low)

    def soft_spread(self, pod: Manifest, nodes: list[Manifest]) -> list[int]:
        own = pod["spec"].get("topologySpreadConstraints", [])
        rules = [rule for rule in own if rule["whenUnsatisfiable"] == "ScheduleAnyway"] if own else self.default_rules(pod)
        if not rules:
            return [0] * len(nodes)
        required = [rule["topologyKey"] for rule in rules] if own else []
        counted = [node for node in nodes if all(key in labels(node) for key in required)]
        raw = [self.spread_points(pod, rules, required, counted, node) if node in counted else None for node in nodes]
        known = [points for points in raw if points is not None]
        low, high = min(known, default=0), max(known, default=0)
        return [0 if points is None else 100 if high == 0 else 100 * (high + low - points) // high for points in raw]

    def default_rules(self, pod: Manifest) -> list[Manifest]:
        """Pods of a Service are spread over hostnames and zones, if they say nothing themselves."""
        wanted: dict[str, str] = {}
        for service in self.services:
            same = service["metadata"]["namespace"] == pod["metadata"]["namespace"]
            if same and selects({"matchLabels": service["spec"]["selector"]}, labels(pod)):
                wanted |= service["spec"]["selector"]
        rule = {"labelSelector": {"matchLabels": wanted}}
        return [{**rule, "topologyKey": HOST, "maxSkew": 3}, {**rule, "topologyKey": ZONE, "maxSkew": 5}] if wanted else []

    def spread_points(self, pod: Manifest, rules: list[Manifest], required: list[str], counted: list[Manifest], node: Manifest) -> int:
        total = 0.0
        for rule in rules:
            key = rule["topologyKey"]
            if key not in labels(node):
                continue
            eligible = [other for other in self.nodes if all(k in labels(other) for k in required) and self.counts(pod, rule, other)]
            here = [pod for other in eligible if labels(other).get(key) == labels(node)[key] for pod in self.on(other)]
            values = {labels(other).get(key) for other in counted}
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
                        for rule in affinity(owner, kind, PREFERRED):
                            term = rule["podAffinityTerm"]
                            total += sign * rule["weight"] * (term["topologyKey"] == key and self.means(owner, term, meant))
                wanting = affinity(other, "podAffinity", REQUIRED)
                total += self.hard * sum(t["topologyKey"] == key and self.means(other, t, pod) for t in wanting)
        return total
