"""Measure and print a table. ``python -m tests.benchmarks [--largest N] [--repeat N] [name ...]``.

Each measurement runs in a process of its own, so that peak memory is its own. Small work (up to a hundred) was done there three
times before, with clusters of its own, as in a notebook that has been in use: Python is slower with code that it sees for the first
time, and that is no property of ours. *seconds* are those of a clock on the wall, *CPU* those that the processor worked for it,
which a busy machine changes less. *growth* is how much more CPU it took than at the size before, divided by how much larger the size
is: 1.0 is in line with the work.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import subprocess
import sys
import time

from tests.benchmarks.scenarios import SCENARIOS

SMALL, WARM_UP = 100, 3


def measure(name: str, size: int) -> dict[str, float]:
    """One measurement, in this process: seconds of wall time, of the processor, and peak memory in MB."""
    scenario = next(s for s in SCENARIOS if s.name == name)
    for _ in range(WARM_UP if size <= SMALL else 0):
        scenario.prepare(size)()
    work = scenario.prepare(size)
    gc.collect()
    begin, cpu = time.perf_counter(), time.process_time()
    work()
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    return {"seconds": seconds, "cpu": cpu, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def best(name: str, size: int, repeat: int) -> dict[str, float]:
    """The least of each number in several measurements, each in a fresh process."""
    command = [sys.executable, "-m", "tests.benchmarks", "--one", name, str(size)]
    runs = [json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(repeat)]
    return {what: min(run[what] for run in runs) for what in runs[0]}


def table(names: list[str], largest: int, repeat: int) -> None:
    """Measure everything and print a line for each."""
    print(f"| {'scenario':<26} | {'size':>6} | {'seconds':>8} | {'CPU':>8} | {'MB':>6} | {'growth':>6} | {'aim':>6} |")
    print(f"|{'-' * 28}|{'-' * 7}:|{'-' * 9}:|{'-' * 9}:|{'-' * 7}:|{'-' * 7}:|{'-' * 7}:|")
    for scenario in SCENARIOS:
        if names and scenario.name not in names:
            continue
        before: tuple[int, float] | None = None
        aims = scenario.aims or (None,) * len(scenario.sizes)
        for size, aim in zip(scenario.sizes, aims, strict=True):
            if size > largest:
                continue
            run = best(scenario.name, size, repeat)
            growth = f"{run['cpu'] / before[1] / (size / before[0]):.2f}" if before else ""
            wanted = f"{aim:g}" if aim else ""
            times = f"{run['seconds']:>8.3f} | {run['cpu']:>8.3f} | {run['megabytes']:>6.0f}"
            print(f"| {scenario.name:<26} | {size:>6} | {times} | {growth:>6} | {wanted:>6} |", flush=True)
            before = (size, run["cpu"])


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these scenarios")
    parser.add_argument("--largest", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--one", nargs=2, metavar=("NAME", "SIZE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.one[0], int(args.one[1]))))
    else:
        table(args.names, args.largest, args.repeat)


if __name__ == "__main__":
    main()
