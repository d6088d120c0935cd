"""The reference scenarios over HTTP: the machine's real kubectl against ``k8snb serve``.

    python -m tests.reference.over_http                        all of them, and how many are equal; takes some minutes
    python -m tests.reference.over_http pod-minimal ...        the differences of these

The recordings were made with kubectl 1.36. What an older kubectl words otherwise by itself, whatever the server says, is in
``OF_KUBECTL``: a scenario that is equal but for these is counted apart and says which.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from tests.reference.replay import Server, record
from tests.reference.runner import HERE, RUNTIME_THAT_ENDS, SCENARIOS, exempt, parts, recorded

STARTS_WITHIN = 60.0
OF_KUBECTL: tuple[tuple[str, str, str | None], ...] = (  # (what, in lines of either, what such a line becomes: None leaves it out)
    ("delete names the namespace", r" from <namespace> namespace$", ""),
    ("rollout undo warns of apply", r"^Warning: resource \S+ was previously managed with 'kubectl apply'\. Rolling back .*$", None),
    ("describe shows a time zone", r"^Time Zone: .*$", None),
    ("describe shows a daemon set's namespace", r"^Namespace: +<namespace>$", None),
    ("describe shows names of ports", r"^( +(?:Host )?Port: +\S+) \(\S+\)$", r"\1"),
    ("describe shows Optional otherwise", r"^ +(?:ConfigMap)?Optional: +\S+$", None),
    (
        "describe shows a service account's secrets",
        r"^(?:(?:Mountable secrets|Tokens): .*|(Image pull secrets: .*?)(?: \(not found\))?)$",
        r"\1",
    ),
    ("dry runs print creationTimestamp: null", r"^ *creationTimestamp: null$", None),
    ("dry runs print creationTimestamp: null", r"metadata: \{\}$", "metadata:"),
    ("there is an output format kyaml", r"jsonpath-file,(?:kyaml,)?name", "jsonpath-file,name"),
    ("scale says otherwise what it does not find", r"^(?:Error from server \(NotFound\)|error: no objects passed to scale):? ", ""),
    ("usage errors begin otherwise", r"^(?:[Ee]rror: |E\d{4} .*err=\\?\")(unknown \w* ?flag|required flag\(s\)).*$", r"\1"),
)
Parts = dict[str, Any]


@contextlib.contextmanager
def served(runtime: str, folder: Path) -> Iterator[Path]:
    """A running ``k8snb serve`` with the nodes of the recordings; gives its kubeconfig. Raises TimeoutError."""
    kubeconfig = folder / f"{runtime}.kubeconfig"
    command = [sys.executable, "-m", "k8snb.cli", "serve", "--kubeconfig", str(kubeconfig), "--nodes", str(HERE / "nodes.yaml")]
    process = subprocess.Popen([*command, "--runtime", runtime, "--quiet"], stdout=subprocess.PIPE, text=True, cwd=HERE.parent.parent)
    try:
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        end = time.monotonic() + STARTS_WITHIN
        while not process.stdout.readline():  # it says when it is ready
            if time.monotonic() > end or process.poll() is not None:
                raise TimeoutError("k8snb serve did not start")
            time.sleep(0.1)
        yield kubeconfig
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)


def differences(name: str, kubectl: str, kubeconfig: Path) -> tuple[Parts, list[str]]:
    """What differs from the recording, and which differences of kubectl's own there were."""
    server = Server(kubectl, str(kubeconfig))
    ours = record(server, (HERE / "scenarios" / f"{name}.yaml").read_text())
    if hasattr(server.local, "http"):
        server.local.http.close()
    real, used, left = parts(recorded(name)), set(), {}
    present = parts(ours)
    for key in [*real, *(key for key in present if key not in real)]:
        if real.get(key) == present.get(key) or exempt(key, real.get(key), present.get(key)):
            continue
        first, rules = common(real.get(key))
        second, more = common(present.get(key))
        if any("unknown flag" in line for line in (second.get("output", ()) if isinstance(second, dict) else ())) and first["exit"] == 0:
            used.add("a flag is not known")
        elif first != second and not exempt(key, first, second):
            left[key] = (real.get(key), present.get(key))
        else:
            used |= {name for name in {**rules, **more} if rules.get(name) != more.get(name)}
    return left, sorted(used)


def common(part: Any) -> tuple[Any, dict[str, list[str]]]:
    """A part without what belongs to one version of kubectl, and the lines to which each rule applied."""
    if not isinstance(part, dict) or "output" not in part:
        return part, {}
    lines: list[str | None] = list(part["output"])
    used: dict[str, list[str]] = {}
    for name, pattern, instead in OF_KUBECTL:
        for number, line in enumerate(lines):
            if line is not None and re.search(pattern, line):
                lines[number] = None if instead is None else re.sub(pattern, instead, line)
                used.setdefault(name, []).append(line)
    return {**part, "output": [line for line in lines if line]}, used


def show(name: str, left: Parts) -> None:
    """Print the differences of one scenario."""
    for key, (real, ours) in left.items():
        print(f"=== {name}: {key}")
        texts = [json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).splitlines() for value in (real, ours)]
        print("\n".join(difflib.unified_diff(*texts, "recorded", "k8snb", lineterm="", n=1)))


def play(names: list[str], kubectl: str, jobs: int) -> dict[str, tuple[Parts, list[str]]]:
    """Play scenarios, each on the runtime that it needs; those marked alone one after the other."""
    found: dict[str, tuple[Parts, list[str]]] = {}
    scenarios = {name: yaml.safe_load((HERE / "scenarios" / f"{name}.yaml").read_text()) for name in names}
    with tempfile.TemporaryDirectory() as folder:
        for runtime in ("hollow", "hollow-exits"):
            mine = [n for n, s in scenarios.items() if (RUNTIME_THAT_ENDS in str(s.get("needs", ""))) == (runtime == "hollow-exits")]
            if not mine:
                continue
            with served(runtime, Path(folder)) as kubeconfig:
                together = [name for name in mine if not scenarios[name].get("alone")]
                with ThreadPoolExecutor(jobs) as pool:
                    found |= zip(together, pool.map(lambda name: _one(name, kubectl, kubeconfig), together), strict=True)
                found |= {name: _one(name, kubectl, kubeconfig) for name in mine if name not in together}
    return found


def _one(name: str, kubectl: str, kubeconfig: Path) -> tuple[Parts, list[str]]:
    try:
        return differences(name, kubectl, kubeconfig)
    except Exception as problem:  # noqa: BLE001  (one scenario must not end the others)
        return {f"crash: {problem!r}": (None, None)}, []


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=SCENARIOS)
    parser.add_argument("--kubectl", default="kubectl")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--show", action="store_true", help="the differences, too")
    arguments = parser.parse_args()
    if not shutil.which(arguments.kubectl):
        print(f"there is no {arguments.kubectl} on this machine", file=sys.stderr)
        return 2
    found = play(list(arguments.names), arguments.kubectl, arguments.jobs)
    for name, (left, used) in sorted(found.items()):
        said = f"{len(left)} different: {next(iter(left))}" if left else f"equal but for kubectl ({'; '.join(used)})" if used else "equal"
        print(f"{name:35} {said}")
        if arguments.show or len(found) < len(SCENARIOS):
            show(name, left)
    equal, apart = (
        sum(not left and not used for left, used in found.values()),
        sum(not left and bool(used) for left, used in found.values()),
    )
    print(f"equal: {equal}; equal but for kubectl's own version: {apart}; of {len(found)}")
    return 0 if equal + apart == len(found) else 1


if __name__ == "__main__":
    sys.exit(main())
