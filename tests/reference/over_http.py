"""The reference scenarios over HTTP: the machine's real kubectl against ``k8snb serve``.

    python -m tests.reference.over_http                        all of them, and how many are equal; takes some minutes
    python -m tests.reference.over_http pod-minimal ...        the differences of these

The recordings were made with kubectl 1.36. What an older kubectl words otherwise by itself, whatever the server says, is in
``OF_KUBECTL``, and the steps where it does in ``kubectl_differences.json``, which may only shrink (``--shrink`` strikes what is equal
now): a scenario that is equal but for these is counted apart and says why.
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
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.reference.replay import Server, record
from tests.reference.runner import HERE, RUNTIME_THAT_ENDS, SCENARIOS, exempt, parts, recorded

STARTS_WITHIN = 60.0
ALLOWED = HERE / "kubectl_differences.json"  # scenario -> step -> reasons: the only steps that may differ so; it may only shrink
UNKNOWN_FLAG = "1.32 does not know the flag"


class Rule(NamedTuple):
    """A way in which kubectl 1.32 words the same thing otherwise than 1.36, whatever the server says."""

    reason: str
    lines: str  # of either version, as a regular expression
    common: str | None  # what such a line becomes; None leaves it out


OF_KUBECTL = (
    Rule("1.36 names the namespace of what was deleted", r" from <namespace> namespace$", ""),
    Rule("1.36 warns of rollout undo after apply", r"^Warning: resource \S+ was previously managed with 'kubectl apply'\. .*$", None),
    Rule("1.36 describes an unset time zone otherwise", r"^Time Zone: .*$", None),
    Rule("1.36 describes the namespace of a daemon set", r"^Namespace: +<namespace>$", None),
    Rule("1.36 describes the names of ports", r"^( +(?:Host )?Port: +\S+) \(\S+\)$", r"\1"),
    Rule("1.36 describes Optional otherwise", r"^ +(?:ConfigMap)?Optional: +\S+$", None),
    Rule(
        "1.36 describes no secrets of a service account",
        r"^(?:(?:Mountable secrets|Tokens): .*|(Image pull secrets: .*?)(?: \(not found\))?)$",
        r"\1",
    ),
    Rule("1.32 prints creationTimestamp: null in dry runs", r"^ *creationTimestamp: null$", None),
    Rule("1.32 prints creationTimestamp: null in dry runs", r"metadata: \{\}$", "metadata:"),
    Rule("1.36 knows the output format kyaml", r"jsonpath-file,(?:kyaml,)?name", "jsonpath-file,name"),
    Rule("scale says otherwise what it does not find", r"^(?:Error from server \(NotFound\)|error: no objects passed to scale):? ", ""),
    Rule("usage errors begin otherwise", r"^(?:[Ee]rror: |E\d{4} .*err=\\?\")(unknown \w* ?flag|required flag\(s\)).*$", r"\1"),
)
Parts = dict[str, Any]
Reasons = dict[str, list[str]]  # step -> what of kubectl's own version it differs in
Result = tuple[Parts, Reasons]  # what differs for another reason, and what only for that one


@contextlib.contextmanager
def served(runtime: str, folder: Path) -> Iterator[Path]:
    """A running ``k8snb serve`` with the nodes of the recordings; gives its kubeconfig. Raises TimeoutError."""
    folder.mkdir()
    kubeconfig = folder / "kubeconfig"
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


def differences(name: str, kubectl: str, kubeconfig: Path) -> Result:
    """What differs from the recording, and where that is known to be kubectl's own doing."""
    server = Server(kubectl, str(kubeconfig))
    ours = record(server, (HERE / "scenarios" / f"{name}.yaml").read_text())
    if hasattr(server.local, "http"):
        server.local.http.close()
    real, present, allowed = parts(recorded(name)), parts(ours), json.loads(ALLOWED.read_text()).get(name, {})
    left: Parts = {}
    apart: Reasons = {}
    for key in [*real, *(key for key in present if key not in real)]:
        if real.get(key) == present.get(key) or exempt(key, real.get(key), present.get(key)):
            continue
        reasons = of_kubectl(key, real.get(key), present.get(key))
        if reasons and set(reasons) <= set(allowed.get(key, ())):
            apart[key] = reasons
        else:
            left[key] = (real.get(key), present.get(key))
    return left, apart


def of_kubectl(key: str, real: Any, ours: Any) -> list[str]:
    """The reasons of :data:`OF_KUBECTL` that explain all of a difference; none where something else differs, too."""
    (first, rules), (second, more) = common(real), common(ours)
    if any("unknown flag" in line for line in (second.get("output", ()) if isinstance(second, dict) else ())) and first["exit"] == 0:
        return [UNKNOWN_FLAG]
    if first != second and not exempt(key, first, second):
        return []
    return sorted(reason for reason in {**rules, **more} if rules.get(reason) != more.get(reason))


def common(part: Any) -> tuple[Any, dict[str, list[str]]]:
    """A part without what belongs to one version of kubectl, and the lines to which each rule applied."""
    if not isinstance(part, dict) or "output" not in part:
        return part, {}
    lines: list[str | None] = list(part["output"])
    used: dict[str, list[str]] = {}
    for rule in OF_KUBECTL:
        for number, line in enumerate(lines):
            if line is not None and re.search(rule.lines, line):
                lines[number] = None if rule.common is None else re.sub(rule.lines, rule.common, line)
                used.setdefault(rule.reason, []).append(line)
    return {**part, "output": [line for line in lines if line]}, used


def show(name: str, left: Parts) -> None:
    """Print the differences of one scenario."""
    for key, (real, ours) in left.items():
        print(f"=== {name}: {key}")
        texts = [json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).splitlines() for value in (real, ours)]
        print("\n".join(difflib.unified_diff(*texts, "recorded", "k8snb", lineterm="", n=1)))


def play(names: list[str], kubectl: str, jobs: int, said: Callable[[str, Result], None] = lambda *_: None) -> dict[str, Result]:
    """Play scenarios at the same time, each on the runtime that it needs; those marked alone one by one, on a server of their own.

    ``said`` is told of each as soon as it is known.
    """
    groups: dict[tuple[str, bool], list[str]] = {}
    for name in names:
        scenario = yaml.safe_load((HERE / "scenarios" / f"{name}.yaml").read_text())
        runtime = "hollow-exits" if RUNTIME_THAT_ENDS in str(scenario.get("needs", "")) else "hollow"
        groups.setdefault((runtime, bool(scenario.get("alone"))), []).append(name)
    found: dict[str, Result] = {}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        started = []
        for (runtime, alone), mine in groups.items():
            kubeconfig = stack.enter_context(served(runtime, folder / f"{runtime}-{alone}"))
            pool = stack.enter_context(ThreadPoolExecutor(1 if alone else jobs))
            started += [(name, pool.submit(_one, name, kubectl, kubeconfig)) for name in mine]
        for name, future in started:
            found[name] = future.result()
            said(name, found[name])
    return found


def _one(name: str, kubectl: str, kubeconfig: Path) -> Result:
    try:
        return differences(name, kubectl, kubeconfig)
    except Exception as problem:  # noqa: BLE001  (one scenario must not end the others)
        return {f"crash: {problem!r}": (None, None)}, {}


def words(result: Result) -> str:
    """One line about a scenario."""
    left, apart = result
    if left:
        return f"{len(left)} different: {next(iter(left))}"
    return f"equal but for kubectl ({'; '.join(sorted({r for reasons in apart.values() for r in reasons}))})" if apart else "equal"


def shrink(found: dict[str, Result]) -> None:
    """Strike from the list what is no difference of kubectl's any more."""
    old = json.loads(ALLOWED.read_text())
    for name, (_, apart) in found.items():
        old[name] = {key: reasons for key, reasons in apart.items() if key in old.get(name, {})}
    ALLOWED.write_text(json.dumps({name: steps for name, steps in sorted(old.items()) if steps}, indent=1) + "\n")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=SCENARIOS)
    parser.add_argument("--kubectl", default="kubectl")
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--show", action="store_true", help="the differences, too")
    parser.add_argument("--shrink", action="store_true")
    arguments = parser.parse_args()
    if not shutil.which(arguments.kubectl):
        print(f"there is no {arguments.kubectl} on this machine", file=sys.stderr)
        return 2

    def said(name: str, result: Result) -> None:
        print(f"{name:35} {words(result)}", flush=True)
        if arguments.show or len(arguments.names) < len(SCENARIOS):
            show(name, result[0])

    found = play(list(arguments.names), arguments.kubectl, arguments.jobs, said)
    if arguments.shrink:
        shrink(found)
    equal = sum(not left for left, _ in found.values())
    apart = sum(len(reasons) for _, reasons in found.values())
    all_parts = sum(len(parts(recorded(name))) for name in found)
    print(f"scenarios equal: {equal} of {len(found)}; of {all_parts} steps and snapshots {apart} differ only by kubectl's own version")
    return 0 if equal == len(found) else 1


if __name__ == "__main__":
    sys.exit(main())
