"""Plays the reference scenarios in process: k8snb's kubectl against k8snb's control plane, on the hollow runtime.

The scenarios and their recordings come from a real Kubernetes 1.36 control plane (see ``replay.py``, whose ``canonical`` makes
two runs comparable). Time is virtual: a command takes a tenth of a second, as starting kubectl does, and *settling* is what the
recorder did: looking at the namespace every 0.3 s until nothing had changed for ``quiet`` seconds.
"""

from __future__ import annotations

import functools
import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from k8snb.apimachinery.objects import thaw
from k8snb.apiserver.request import Request
from k8snb.cluster import Cluster
from k8snb.kubectl import Kubectl
from k8snb.kubectl.host import SimulatedHost
from tests.reference.replay import RESOURCES, canonical, text_of

HERE = Path(__file__).parent
COMMAND_SECONDS, LOOK_SECONDS = 0.1, 0.3
SCENARIOS = tuple(sorted(path.stem for path in (HERE / "scenarios").glob("*.yaml")))
RUNTIME_THAT_ENDS = "containers-that-exit"


class Player:
    """One scenario in one fresh cluster."""

    def __init__(self, scenario: dict[str, Any]):
        self.scenario, self.namespace = scenario, "s-" + scenario["name"]
        nodes = [document for document in yaml.safe_load_all((HERE / "nodes.yaml").read_text()) if document]
        runtime = "hollow-exits" if RUNTIME_THAT_ENDS in str(scenario.get("needs", "")) else "hollow"
        self.cluster = Cluster(nodes=nodes, runtime=runtime, loud=False)
        self.kubectl = Kubectl(self.cluster.send, SimulatedHost(self.cluster.simulation))
        self.steps: list[dict[str, Any]] = []
        self.looks: list[dict[str, list[Any]]] = []
        self.labels: dict[str, int] = {}

    def objects(self, *, leave_out: tuple[str, ...] = ()) -> dict[str, list[Any]]:
        """Every object of the namespace, by resource."""
        return {resource: thaw(self._list(resource, api)) for resource, api in RESOURCES.items() if resource not in leave_out}

    def _list(self, resource: str, api: str) -> list[Any]:
        group, version = ("", "v1") if api == "/api/v1" else tuple(api.removeprefix("/apis/").split("/"))
        response = self.cluster.send(Request("list", group, version, resource, self.namespace))
        return [_item(obj) for obj in response.body.get("items") or ()] if response.ok else []

    def play(self) -> dict[str, Any]:
        """Run the steps; what kubectl printed and what the server holds, as ``canonical`` wants them."""
        self.kubectl.run(["create", "namespace", self.namespace])
        self.cluster.run_for(1.0)
        for step in self.scenario["steps"]:
            self._step(step)
        return {"namespace": self.namespace, "steps": self.steps, "looks": self.looks, "labels": self.labels}

    def _step(self, step: dict[str, Any]) -> None:
        if "apply" in step or "kubectl" in step:
            self._command(step)
        elif "settle" in step:
            self._settle(step["settle"], step.get("quiet", 2.5))
        elif "sleep" in step:
            self.cluster.run_for(step["sleep"])
        elif "at_second" in step:
            self.cluster.run_for(60 - self.cluster.now / 1e6 % 60 + step["at_second"])
        elif "snapshot" in step:
            self.labels[step["snapshot"]] = len(self.looks)
            self.looks.append(self.objects())

    def _command(self, step: dict[str, Any]) -> None:
        command = "apply -f -" if "apply" in step else step["kubectl"]
        stdin = step.get("apply", step.get("stdin"))
        argv = ["-n", self.namespace, *shlex.split(command.replace("$NAMESPACE", self.namespace))]
        self.cluster.run_for(COMMAND_SECONDS)
        done = self.kubectl.run(argv, stdin and stdin.replace("$NAMESPACE", self.namespace))
        entry: dict[str, Any] = {"do": command, "exit": done.exit_code}
        wanted = "apply" in step or step.get("fails") or step.get("keep_output") or self.scenario.get("keep_output")
        if wanted and not step.get("quiet"):
            entry["output"] = done.stdout + done.stderr
        self.steps.append(entry)
        self.cluster.run_for(COMMAND_SECONDS / 2)  # the recorder's look takes a moment
        self.looks.append(self.objects(leave_out=("events",)))

    def _settle(self, limit: float, quiet: float) -> None:
        begin = changed = self.cluster.now
        seen: Any = None
        while self.cluster.now - begin < limit * 1e6 and self.cluster.now - changed < quiet * 1e6:
            now = {
                (resource, item["metadata"]["uid"]): item["metadata"]["resourceVersion"]
                for resource, items in self.objects(leave_out=("events",)).items()
                for item in items
            }
            if now != seen:
                seen, changed = now, self.cluster.now
            self.cluster.run_for(LOOK_SECONDS)


def _item(obj: Any) -> Any:
    """An object as it stands in a list on the wire: without its type."""
    return {key: value for key, value in obj.items() if key not in ("apiVersion", "kind")}


def recorded(name: str) -> dict[str, Any]:
    """What a real control plane did."""
    found: dict[str, Any] = json.loads((HERE / "recorded" / f"{name}.json").read_text())
    return found


@functools.cache
def played(name: str) -> dict[str, Any]:
    """What k8snb does, in the same form."""
    text = (HERE / "scenarios" / f"{name}.yaml").read_text()
    found: dict[str, Any] = json.loads(text_of(canonical(text, Player(yaml.safe_load(text)).play())))
    return found


def parts(recording: dict[str, Any]) -> dict[str, Any]:
    """A recording cut into what is compared: each step, and in each snapshot each resource."""
    found: dict[str, Any] = {f"step {number}: {step['do']}": step for number, step in enumerate(recording["steps"], 1)}
    for label, snapshot in recording["snapshots"].items():
        found |= {f"snapshot {label}: {resource}": rows for resource, rows in snapshot.items()}
    return found


def differences(name: str) -> dict[str, tuple[Any, Any]]:
    """The parts that are not equal: what was recorded, and what was played."""
    return dict(_unequal(parts(recorded(name)), parts(played(name))))


def _unequal(real: dict[str, Any], ours: dict[str, Any]) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for key in [*real, *(key for key in ours if key not in real)]:
        if real.get(key) != ours.get(key) and not exempt(key, real.get(key), ours.get(key)):
            yield key, (real.get(key), ours.get(key))


def exempt(key: str, real: Any, ours: Any) -> bool:
    """The prose of ``explain`` is not compared: it comes from another package, or there is none. Its structure is."""
    if ": explain " not in key or real is None or ours is None:
        return False
    return real["exit"] == ours["exit"] and structure(real.get("output", ())) == structure(ours.get("output", ()))


def structure(lines: list[str]) -> list[str]:
    """The lines of an explanation that are no prose."""
    found, prose = [], False
    for line in lines:
        if line.startswith(("KIND:", "GROUP:", "VERSION:", "FIELD:", "FIELDS:", "ENUM:", "error:")):
            prose = False
        if line == "DESCRIPTION:":
            prose = True
        if not prose and ("\t" in line or "enum:" in line or line[:1].isalpha()):
            found.append(line)
    return found
