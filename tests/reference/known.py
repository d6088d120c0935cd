"""Differences from the recordings that are known. The list can only shrink: a new difference fails, and so does one that is gone.

{"pod-minimal": ["snapshot ready: pods", ...], ...}
"""

from __future__ import annotations

import json
from pathlib import Path

FILE = Path(__file__).parent / "known_differences.json"


def known() -> dict[str, list[str]]:
    """Scenario -> the parts that differ."""
    found: dict[str, list[str]] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return found


def write(found: dict[str, list[str]]) -> None:
    """Keep the list, sorted by scenario."""
    rows = {name: found[name] for name in sorted(found) if found[name]}
    FILE.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
