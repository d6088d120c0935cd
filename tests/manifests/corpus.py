"""Manifests that people use, and what a real 1.36 API server and kubectl said to each of them.

The corpus lies beside the repository (``../shared/manifests``, or where ``K8SNB_MANIFESTS`` says); where it is absent, what
measures it is skipped. What differs from run to run (addresses, ports, random endings) is replaced by tokens, as in the records.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(os.environ.get("K8SNB_MANIFESTS", Path(__file__).parents[3] / "shared" / "manifests"))
PRESENT = (FOLDER / "verdicts.json").is_file()
UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
ACCESS = re.compile(r"kube-api-access-[a-z0-9]{5}\b")

HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@")
_ADDED = {"name": "openshift-service-ca.crt", "items": [{"key": "service-ca.crt", "path": "service-ca.crt"}]}


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to judge: its record, the text that kubectl is given, and the file name that messages use."""

    record: dict[str, Any]
    text: str
    name: str

    @property
    def kind(self) -> str:
        """What it is, as far as the document says."""
        return str(self.record.get("kind") or self.record.get("name") or "?")

    @property
    def label(self) -> str:
        """Where to find it."""
        if "base" in self.record:
            return f"update {self.record['name']}"
        return f"{self.record['file']}#{self.record['index']}"


def _load(*path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(FOLDER.joinpath(*path).read_text())
    return [stock(record) for record in found]


def stock(value: Any) -> Any:
    """The record as a stock control plane would have made it: without the volume source that one distribution adds to every
    token volume, and therefore without the line numbers of diffs (the reference recordings leave both out, too)."""
    if isinstance(value, dict):
        return {key: stock(item) for key, item in value.items()}
    if isinstance(value, list):
        return [stock(item) for item in value if (item.get("configMap") or {} if isinstance(item, dict) else {}) != _ADDED]
    return HUNK.sub("@@", value) if isinstance(value, str) else value


def _text(record: dict[str, Any]) -> str:
    data = (FOLDER / record["file"]).read_bytes().decode("utf-8", "surrogateescape")
    expand = record.get("expand") or []
    for spec in [expand] if isinstance(expand, dict) else expand:
        data = data.replace(spec["placeholder"], spec["char"] * spec["count"])
    return data


def documents(text: str) -> list[str]:
    """The documents of a file that have content, each as text."""
    found, current = [], []
    for line in text.splitlines(keepends=True):
        if line.startswith("---"):
            found.append("".join(current))
            rest = line[3:].strip()
            current = [line[3:].lstrip()] if rest and not rest.startswith("#") else []
        else:
            current.append(line)
    found.append("".join(current))
    return [part for part in found if re.sub(r"(?m)^\s*(#.*)?$", "", part).strip()]


def _name(record: dict[str, Any]) -> str:
    return Path(record["file"]).name.split("__")[-1]


def real() -> Iterator[Case]:
    """Published manifests, one document at a time."""
    for record in _load("verdicts.json"):
        yield Case(record, documents(_text(record))[record["index"]], _name(record))


def broken() -> Iterator[Case]:
    """Damaged manifests, a file at a time."""
    for record in _load("broken", "verdicts.json"):
        yield Case(record, _text(record), _name(record))


def updates() -> Iterator[Case]:
    """Changes to existing objects."""
    for record in _load("broken", "updates.json"):
        yield Case(record, record["changed"], "changed.yaml")


def namespaces(cases: list[Case]) -> list[str]:
    """The namespaces that the documents name, but for those that the real server did not find."""
    absent = set(re.findall(r'namespaces \\?"([^"\\]+)\\?" not found', json.dumps([case.record for case in cases])))
    named = {name for case in cases for name in re.findall(r"namespace: *[\"']?([a-z0-9-]+)", case.text)} | {"corpus"}
    return sorted(name for name in named - absent if re.fullmatch(r"[a-z0-9-]{1,63}", name))


def source_of(text: str, obj: dict[str, Any]) -> dict[str, Any]:
    """The document that an object was made from."""
    try:
        docs = [d for d in yaml.safe_load_all(text) if isinstance(d, dict)]
    except yaml.YAMLError:
        return {}
    docs = [item for d in docs for item in (d["items"] if isinstance(d.get("items"), list) else [d]) if isinstance(item, dict)]
    name = (obj.get("metadata") or {}).get("name")
    same = [d for d in docs if d.get("kind") == obj.get("kind") and (d.get("metadata") or {}).get("name") == name]
    return (same or docs or [{}])[0]


def _tokens(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return {key: _tokens(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [_tokens(item, text) for item in value]
    if not isinstance(value, str):
        return value
    if TIME.match(value) and value[:10] not in text:
        return "<TIME>"
    value = UID.sub(lambda match: match.group(0) if match.group(0) in text else "<UID>", value)
    return ACCESS.sub("kube-api-access-<RAND>", value)


def _service_tokens(spec: dict[str, Any], given: dict[str, Any]) -> None:
    if spec.get("clusterIP") not in (None, "None") and not given.get("clusterIP"):
        spec["clusterIP"], spec["clusterIPs"] = "<CLUSTER-IP>", ["<CLUSTER-IP>" for _ in spec.get("clusterIPs", [])]
    ports = given.get("ports") if isinstance(given.get("ports"), list) else []
    for index, port in enumerate(spec.get("ports") or []):
        asked = ports[index] if index < len(ports or []) and isinstance(ports[index], dict) else {}
        if port.get("nodePort") and not asked.get("nodePort"):
            port["nodePort"] = "<NODE-PORT>"
    if spec.get("healthCheckNodePort") and not given.get("healthCheckNodePort"):
        spec["healthCheckNodePort"] = "<NODE-PORT>"


def canonical(obj: dict[str, Any], text: str) -> dict[str, Any]:
    """An object as the records have it."""
    source = source_of(text, obj)
    obj = json.loads(json.dumps(obj))
    meta, given = obj.get("metadata") or {}, source.get("spec") if isinstance(source.get("spec"), dict) else {}
    for key in ("uid", "resourceVersion", "creationTimestamp", "managedFields", "selfLink"):
        meta.pop(key, None)
    if meta.get("generateName") and not (source.get("metadata") or {}).get("name"):
        meta["name"] = meta["generateName"] + "<RAND>"
    if obj.get("kind") == "Service" and isinstance(obj.get("spec"), dict):
        _service_tokens(obj["spec"], given or {})
    found: dict[str, Any] = _tokens(obj, text)
    return found
