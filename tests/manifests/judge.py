"""Judge manifests in process: the simulator's kubectl and API server instead of real ones.

Every document is given to ``kubectl create --dry-run=server``, alone, and the outcome is compared with the record:

    verdict    accepted or refused, as the real server did
    reason     refused for the same reason (BadRequest, Invalid ...)
    fields     the same fields are named
    message    the same text
    warnings   the same warnings
    object     where accepted: the same object, defaults and all
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from k8snb.cluster import Cluster
from k8snb.kubectl.kubectl import Kubectl
from tests.manifests.corpus import ACCESS, HUNK, UID, Case, canonical, namespaces, source_of

ASPECTS = ("verdict", "reason", "fields", "message", "warnings", "object")
_FIELD = re.compile(r"(?:^|\n)\* ([^\s:]+): |is invalid: ([^\s:\[]+(?:\[[^\]]*\][^\s:\[]*)*): ")


@dataclass(slots=True)
class Outcome:
    """How one case went: which aspects agree, and what was said instead of what."""

    case: Case
    agrees: dict[str, bool] = field(default_factory=dict)
    said: str = ""
    wanted: str = ""

    @property
    def wrong(self) -> list[str]:
        """The aspects that differ."""
        return [aspect for aspect in ASPECTS if self.agrees.get(aspect) is False]


def _generated(prefix: str, message: str) -> str:
    """The generated name in a message: its ending is random, the real server's too."""
    match = re.search(re.escape(prefix) + "[a-z0-9]{5}", message)
    return match[0] if match else prefix


def reason_of(message: str) -> str:
    """The reason word of an answer, from what kubectl printed."""
    if match := re.search(r"Error from server \((\w+)\)", message):
        return match[1]
    if " is invalid" in message:
        return "Invalid"
    return "Error" if message.startswith("Error from server") else "client"


def fields_of(message: str) -> list[str]:
    """The fields that a refusal names."""
    return sorted({a or b for a, b in _FIELD.findall(message)})


class Judge:
    """A cluster, and a terminal whose namespace is ``corpus``."""

    def __init__(self, mode: str = "strict"):
        self.mode = mode
        self.cluster = Cluster(nodes=3, loud=False)
        self.terminal: Kubectl = self.cluster._terminal
        self.terminal.session.namespace = "corpus"

    def prepare(self, names: Iterable[str]) -> None:
        """Make namespaces, with what every namespace holds."""
        for name in names:
            self.cluster.kubectl(["create", "namespace", name])
        self.cluster.settle()

    def create(self, case: Case) -> Outcome:
        """Judge a document."""
        validate = "strict" if self.mode == "strict" else "ignore"
        line = ["create", "--dry-run=server", f"--validate={validate}", "-f", case.name, "-o", "json"]
        try:
            return self._outcome(case, self.cluster.kubectl(line, files={case.name: case.text}))
        except Exception as error:  # noqa: BLE001 - a crash is the worst of answers, and must not hide the others
            return Outcome(case, {"verdict": False}, f"crash: {error!r}", str(case.record[self.mode].get("kubectl", "accepted")))

    def update(self, case: Case) -> Outcome:
        """Judge a change: make the object, apply the change as a dry run, remove the object."""
        files = {"base.yaml": case.record["base"], "changed.yaml": case.record["changed"]}
        self.terminal.session.namespace = "corpus-upd"
        made = self.cluster.kubectl(["apply", "-f", "base.yaml"], files=files)
        result = self.cluster.kubectl(["apply", "--dry-run=server", "-f", "changed.yaml", "-o", "json"], files=files)
        self.cluster.kubectl(["delete", "--wait=false", "--grace-period=0", "--force", "-f", "base.yaml"], files=files)
        self.cluster.settle()
        outcome = self._outcome(case, result)
        outcome.said = outcome.said if made.ok else f"(base: {made.stderr.strip()[:200]}) {outcome.said}"
        return outcome

    def _outcome(self, case: Case, result: Any) -> Outcome:
        want = case.record["strict" if self.mode == "strict" else "lenient"]
        lines = result.stderr.splitlines()
        warnings = [line[9:] for line in lines if line.startswith("Warning: ")]
        said = "\n".join(line for line in lines if not line.startswith("Warning: ")).strip()
        if "generateName" in case.text and (prefix := (source_of(case.text, {}).get("metadata") or {}).get("generateName")):
            said = said.replace(_generated(prefix, said), _generated(prefix, want.get("kubectl", "")))
        said = HUNK.sub("@@", said)
        said = UID.sub("<UID>", ACCESS.sub("kube-api-access-<RAND>", said))
        outcome = Outcome(case, {"verdict": result.ok == want["accepted"]}, said, want.get("kubectl", "accepted"))
        if not want["accepted"]:
            self._compare_refusal(outcome, result.ok)
        if self.mode == "strict":
            outcome.agrees["warnings"] = warnings == case.record["warnings"]
            if not outcome.agrees["warnings"]:
                outcome.said += f" W{warnings}"
                outcome.wanted += f" W{case.record['warnings']}"
        self._compare_object(outcome, result.stdout, want)
        return outcome

    def _compare_refusal(self, outcome: Outcome, accepted: bool) -> None:
        said, wanted = outcome.said, outcome.wanted
        outcome.agrees["reason"] = not accepted and reason_of(said) == reason_of(wanted)
        outcome.agrees["fields"] = not accepted and fields_of(said) == fields_of(wanted)
        cut = wanted.split("…<")[0]
        outcome.agrees["message"] = not accepted and (said == wanted or ("…<" in wanted and said.startswith(cut)))

    def _compare_object(self, outcome: Outcome, stdout: str, want: dict[str, Any]) -> None:
        record = outcome.case.record
        mode_fits = record.get("object_from", "strict") in ("strict", self.mode)
        if not want["accepted"] or "object" not in record or "base" in record or not mode_fits:
            return
        try:
            made = canonical(json.loads(stdout), outcome.case.text)
        except json.JSONDecodeError:
            outcome.agrees["object"] = False
            return
        outcome.agrees["object"] = made == record["object"]
        if made != record["object"]:
            outcome.said += f" O{differences(made, record['object'])}"


def differences(made: Any, wanted: Any, path: str = "") -> list[str]:
    """Where two JSON values differ, as ``path: got, wanted``."""
    if isinstance(made, dict) and isinstance(wanted, dict):
        keys = sorted({*made, *wanted})
        return [d for key in keys for d in differences(made.get(key, "(absent)"), wanted.get(key, "(absent)"), f"{path}.{key}")]
    if isinstance(made, list) and isinstance(wanted, list) and len(made) == len(wanted):
        return [d for i, pair in enumerate(zip(made, wanted, strict=True)) for d in differences(*pair, f"{path}[{i}]")]
    return [] if made == wanted else [f"{path.lstrip('.')}: {made!r:.120}, wanted {wanted!r:.120}"]


def judge_all(cases: list[Case], mode: str) -> list[Outcome]:
    """Judge documents: Namespaces first, before those that the others need are made."""
    judge = Judge(mode)
    first = [case for case in cases if case.record.get("kind") == "Namespace"]
    outcomes = [judge.create(case) for case in first]
    judge.prepare(namespaces(cases))
    return outcomes + [judge.create(case) for case in cases if case.record.get("kind") != "Namespace"]


def judge_updates(cases: list[Case]) -> list[Outcome]:
    """Judge changes of existing objects."""
    judge = Judge()
    judge.prepare(["corpus-upd"])
    return [judge.update(case) for case in cases]
