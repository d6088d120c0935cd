"""Permissions as rows: each resource of each API group on a row of its own, equal ones together, in the order of Go's text of a rule.

Models: k8s.io/kubectl/pkg/util/rbac/rbac.go (BreakdownRule, CompactRules, SortableRuleSlice).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from k8snb.kubectl.api import Json
from k8snb.kubectl.text import go_value

TITLES = ("Resources", "Non-Resource URLs", "Resource Names", "Verbs")


class Row(NamedTuple):
    """One right: verbs on one resource of one group (perhaps of one name), or on one URL."""

    group: str
    resource: str
    names: tuple[str, ...]
    urls: tuple[str, ...]
    verbs: list[str]

    @property
    def text(self) -> str:
        """As Go prints the rule, which is what rules are sorted by."""
        resources = f"[{self.resource}]" if self.resource else "[]"
        return f"{go_value(self.verbs)},[{self.group}],{resources},{go_value(self.names)},{go_value(self.urls)},"

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The row of the table."""
        plain, slash, sub = self.resource.partition("/")
        resource = f"{plain}{'.' + self.group if self.group else ''}{slash}{sub}"
        return resource, go_value(self.urls), go_value(self.names), go_value(self.verbs)


def rows_of(rules: Sequence[Json]) -> list[Row]:
    """The rows of policy rules. Rights on resources are merged; those on URLs stay apart, as in kubectl."""
    found: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    urls: list[Row] = []
    for rule in rules:
        verbs = list(rule.get("verbs") or ())
        urls += [Row("", "", (), (url,), verbs) for url in rule.get("nonResourceURLs") or ()]
        for key in _keys(rule):
            known = found.setdefault(key, [])
            known += [verb for verb in verbs if verb not in known]
    rows = [Row(group, resource, names, (), verbs) for (group, resource, names), verbs in found.items()]
    return sorted([*rows, *urls], key=lambda row: row.text)


def broken_down(rules: Sequence[Json]) -> list[Json]:
    """Rules that allow one verb on one resource of one group (of one name) or on one URL each: what coverage is told by."""
    found: list[Json] = []
    for rule in rules:
        for verb in rule.get("verbs") or ():
            found += [
                {"verbs": [verb], "apiGroups": [group], "resources": [resource]} | ({"resourceNames": list(names)} if names else {})
                for group, resource, names in _keys(rule)
            ]
            found += [{"verbs": [verb], "nonResourceURLs": [url]} for url in rule.get("nonResourceURLs") or ()]
    return found


def _keys(rule: Json) -> list[tuple[str, str, tuple[str, ...]]]:
    names: list[tuple[str, ...]] = [(name,) for name in rule.get("resourceNames") or ()] or [()]
    return [(group, resource, name) for group in rule.get("apiGroups") or () for resource in rule.get("resources") or () for name in names]
