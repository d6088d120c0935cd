"""Make the product data of this folder from recordings of a real control plane. Development time only.

    python -m k8snb.resources.data.derive ../shared/reference

``resources.json``: every served resource in discovery order, one line each: group, version, kind, plural, singular, scope,
short names, categories, verbs (left out where they are the usual eight), subresources, table columns.
``bootstrap.json``: the objects that a fresh server makes by itself, one line each, by resource.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

USUAL = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
STATUS = ["get", "patch", "update"]
HERE = Path(__file__).parent


def _resources(discovery: dict[str, Any], tables: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for document in discovery.values():
        for group in document["items"]:
            for version in group["versions"]:
                for item in version["resources"]:
                    yield _row(group["metadata"].get("name", ""), version["version"], item, tables)


def _row(group: str, version: str, item: dict[str, Any], tables: dict[str, Any]) -> dict[str, Any]:
    path = f"/apis/{group}/{version}" if group else f"/api/{version}"
    columns = tables.get(f"{path}/{item['resource']}", [])
    row = {
        "group": group,
        "version": version,
        "kind": item["responseKind"]["kind"],
        "plural": item["resource"],
        "singular": item["singularResource"],
        "namespaced": item["scope"] == "Namespaced",
        "shortNames": item.get("shortNames"),
        "categories": item.get("categories"),
        "verbs": item["verbs"] if item["verbs"] != USUAL else None,
        "subresources": [_subresource(item, sub) for sub in item.get("subresources", [])],
        "columns": [[c["name"], c["type"], c["format"], c["priority"]] for c in columns],
    }
    return {key: value for key, value in row.items() if value not in (None, [])}


def _subresource(parent: dict[str, Any], sub: dict[str, Any]) -> list[Any]:
    body = sub["responseKind"]
    kind = "" if body["kind"] == parent["responseKind"]["kind"] else body["kind"]
    if kind and body["group"]:
        kind = f"{body['group']}/{body['version']} {kind}"
    return [sub["subresource"], kind, sub["verbs"]] if sub["verbs"] != STATUS else [sub["subresource"], kind]


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def main(reference: Path) -> None:
    """Write both files."""
    read = {name: json.loads((reference / f"{name}.json").read_text()) for name in ("discovery", "tables", "bootstrap")}
    rows = [_line(row) for row in _resources(read["discovery"], read["tables"])]
    (HERE / "resources.json").write_text("[\n" + ",\n".join(rows) + "\n]\n")
    kinds = [f"{_line(key)}:[\n" + ",\n".join(map(_line, items)) + "\n]" for key, items in sorted(read["bootstrap"].items())]
    (HERE / "bootstrap.json").write_text("{\n" + ",\n".join(kinds) + "\n}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
