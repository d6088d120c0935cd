"""The manifests over HTTP: ``judge.py`` with the machine's real kubectl against ``k8snb serve``.

    python -m tests.manifests.over_http [--kubectl KUBECTL] [--jobs N] [--worst N] [--only real|broken|updates]

``judge.py`` lies beside the manifests and prints the shares; here a cluster is served for each mode, as fresh as the recorder's. As in
process, a source of token volumes that the recorder's distribution adds is taken out of the records, and with it the line numbers in
differences of Pods. The recorded texts are kubectl 1.36's. Documents that kubectl 1.32 cannot read (it takes for JSON what begins with
a brace) never reach the server and are counted apart, by name.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.manifests.corpus import FOLDER, PRESENT, stock
from tests.reference.over_http import served

NOT_READ = re.compile(r"error parsing \S+: json: offset \d+: invalid character")


def misread(text: str, said: str) -> bool:
    """Whether kubectl 1.32 took YAML in flow style for JSON."""
    if not NOT_READ.search(said):
        return False
    try:
        json.loads(text)
    except ValueError:
        return any(line.startswith("{") for line in text.splitlines())
    return False


def judge(mode: str, kubectl: str, *rest: str) -> list[str]:
    """Run ``judge.py`` in one mode; it prints its shares. What only kubectl could not read is given back."""
    apart: list[str] = []
    spec = importlib.util.spec_from_file_location("judge", FOLDER / "judge.py")
    assert spec is not None
    assert spec.loader is not None
    program: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)

    class Stock(program.Judge):  # type: ignore[misc]
        """Compares with what a stock Kubernetes would have said."""

        def compare(self, record: dict[str, Any], text: str, result: tuple[int, str, str, list[str]]) -> Any:
            code, out, err, warnings = result
            if misread(text, err):
                apart.append(record["file"])
                return {}
            return super().compare(stock(record), text, (code, out, stock(err), warnings))

    program.Judge = Stock
    with tempfile.TemporaryDirectory() as folder, served("hollow", Path(folder) / "served") as kubeconfig:
        sys.argv = ["judge.py", str(FOLDER), "--kubeconfig", str(kubeconfig), "--kubectl", kubectl, "--mode", mode, *rest]
        program.main()
    return sorted(set(apart))


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubectl", default="kubectl")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--worst", type=int, default=0)
    parser.add_argument("--only", choices=["real", "broken", "updates"])
    arguments = parser.parse_args()
    if not PRESENT or not shutil.which(arguments.kubectl):
        print(f"this needs the manifests at {FOLDER} and {arguments.kubectl}", file=sys.stderr)
        return 2
    rest = ["--jobs", str(arguments.jobs), "--worst", str(arguments.worst), *(["--only", arguments.only] if arguments.only else [])]
    for mode in ("strict", "lenient"):
        print(f"--- {mode}", flush=True)
        apart = judge(mode, arguments.kubectl, *rest)
        print(f"  apart, not read by this kubectl: {len(apart)}: {' '.join(apart)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
