"""How much of the reference recordings is equal.

python -m tests.reference.report                       one line a scenario, and the sums
python -m tests.reference.report pod-minimal ...       the differences of these
python -m tests.reference.report --shrink              strike from the list of known differences what is equal now
"""

from __future__ import annotations

import difflib
import json
import sys

from tests.reference.known import known, write
from tests.reference.runner import SCENARIOS, differences, parts, recorded


def lines_of(value: object) -> list[str]:
    """A part as lines to compare."""
    if isinstance(value, dict) and isinstance(value.get("output"), list):
        return [f"exit {value['exit']}", *value["output"]]
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).splitlines()


def show(name: str) -> None:
    """Print the differences of one scenario."""
    for key, (real, ours) in differences(name).items():
        print(f"=== {name}: {key}")
        for line in difflib.unified_diff(lines_of(real), lines_of(ours), "recorded", "k8snb", lineterm="", n=2):
            print(line)


def sums() -> dict[str, list[str]]:
    """Print one line a scenario and the sums; the differences found."""
    found: dict[str, list[str]] = {}
    equal = shots = equal_shots = all_parts = equal_parts = 0
    for name in SCENARIOS:
        try:
            different = list(differences(name))
        except Exception as problem:  # noqa: BLE001  (one scenario must not end the report)
            different = [f"crash: {type(problem).__name__}: {problem}"]
        found[name] = different
        real = recorded(name)
        labels = {label for label in real["snapshots"] if any(key.startswith(f"snapshot {label}: ") for key in different)}
        crashed = different and different[0].startswith("crash")
        shots += len(real["snapshots"])
        equal_shots += 0 if crashed else len(real["snapshots"]) - len(labels)
        all_parts += len(parts(real))
        equal_parts += 0 if crashed else max(0, len(parts(real)) - len(different))
        equal += not different
        print(f"{name:35} {'equal' if not different else f'{len(different)} different: {different[0]}'}")
    print(f"scenarios equal: {equal} of {len(SCENARIOS)}")
    print(f"snapshots equal: {equal_shots} of {shots}")
    print(f"parts equal:     {equal_parts} of {all_parts}")
    return found


def main(arguments: list[str]) -> int:
    """The command line."""
    names = [name for name in arguments if not name.startswith("--")]
    if names:
        for name in names:
            show(name)
        return 0
    found = sums()
    if "--shrink" in arguments:
        old = known()
        write({name: [key for key in old.get(name, ()) if key in keys] for name, keys in found.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
