"""Print how far the simulator agrees with a real API server on real and broken manifests, and the largest causes that remain.

python -m tests.manifests.report [--only real|broken|updates] [--mode strict|lenient] [--kind Pod] [--worst 40]
"""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter, defaultdict

from tests.manifests.corpus import FOLDER, PRESENT, broken, real, updates
from tests.manifests.judge import ASPECTS, Outcome, judge_all, judge_updates


def measured(outcomes: list[Outcome]) -> dict[str, tuple[int, int]]:
    """How many cases agree in each aspect, of how many."""
    found = {}
    for aspect in ASPECTS:
        known = [outcome.agrees[aspect] for outcome in outcomes if aspect in outcome.agrees]
        if known:
            found[aspect] = (sum(known), len(known))
    return found


def cause(outcome: Outcome) -> str:
    """What makes two failures the same: kind, aspects, and the texts without names and numbers."""
    plain = [re.sub(r'"[^"]*"|\d+', "_", text)[:140] for text in (outcome.said, outcome.wanted)]
    return f"{'+'.join(outcome.wrong)} {outcome.case.kind}: {plain[0]} | {plain[1]}"


def show(title: str, outcomes: list[Outcome], worst: int) -> None:
    """Print the shares and the largest causes."""
    print(f"{title}: {len(outcomes)}")
    for aspect, (agreed, of) in measured(outcomes).items():
        print(f"  {aspect:9} {agreed:5} of {of:5}  {100 * agreed / of:6.2f} %")
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.wrong:
            groups[cause(outcome)].append(outcome)
    for _, members in sorted(groups.items(), key=lambda item: -len(item[1]))[:worst]:
        first = members[0]
        print(f"  {len(members)} x {'+'.join(first.wrong)} {first.case.kind} {first.case.label}")
        print(f"      said   {first.said[:600]!r}\n      wanted {first.wanted[:400]!r}")
    kinds = Counter(outcome.case.kind for outcome in outcomes if outcome.wrong)
    print("  by kind:", ", ".join(f"{kind} {count}" for kind, count in kinds.most_common(15)) or "none")


def main() -> None:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["real", "broken", "updates"])
    parser.add_argument("--mode", choices=["strict", "lenient"])
    parser.add_argument("--kind", action="append")
    parser.add_argument("--worst", type=int, default=25)
    args = parser.parse_args()
    if not PRESENT:
        print(f"no manifests at {FOLDER}")
        return
    started = time.perf_counter()
    for mode in [args.mode] if args.mode else ["strict", "lenient"]:
        for title, source in (("real", real), ("broken", broken)):
            if args.only in (None, title):
                outcomes = judge_all(list(source()), mode)
                chosen = [o for o in outcomes if not args.kind or o.case.kind in args.kind]
                show(f"{title}, {mode}", chosen, args.worst)
    if args.only in (None, "updates") and args.mode != "lenient":
        show("updates", judge_updates(list(updates())), args.worst)
    print(f"{time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
