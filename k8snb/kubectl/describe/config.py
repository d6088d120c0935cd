"""Descriptions of configuration, identities and permissions, autoscalers; and of everything that has no description of its own.

Models: k8s.io/kubectl/pkg/describe/describe.go (ConfigMapDescriber, RoleDescriber, HorizontalPodAutoscalerDescriber, genericDescriber).
Simplified: a certificate signing request is described generically (its request is not decoded).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import quote
from k8snb.apimachinery.objects import dig
from k8snb.kubectl.api import Json
from k8snb.kubectl.describe.rules import TITLES, rows_of
from k8snb.kubectl.describe.writer import Look, Writer, events_table, labels_and_annotations, name_and_namespace, shown, time_of
from k8snb.kubectl.text import go_value


def config_map(obj: Json, look: Look) -> str:
    """A config map with its data."""
    w = Writer()
    name_and_namespace(w, obj)
    labels_and_annotations(w, obj)
    w.write(0, "\nData\n====\n")
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    for key in sorted(data):
        w.write(0, f"{key}:\n----\n{data[key]}\n\n")
    w.write(0, "\nBinaryData\n====\n")
    for key in sorted(binary):
        w.line(f"{key}: {len(base64.b64decode(binary[key]))} bytes")
    w.line()
    events_table(w, look.events(obj), look.now)
    return w.text()


def secret(obj: Json, _look: Look) -> str:
    """A secret without its values."""
    w, data = Writer(), obj.get("data") or {}
    name_and_namespace(w, obj)
    labels_and_annotations(w, obj)
    w.write(0, f"\nType:\t{obj.get('type', '')}\n")
    w.write(0, "\nData\n====\n")
    for key in sorted(data):
        value = base64.b64decode(data[key])
        token = key == "token" and obj.get("type") == "kubernetes.io/service-account-token"
        w.field(key, value.decode("utf-8", "replace") if token else f"{len(value)} bytes")
    return w.text()


def service_account(obj: Json, look: Look) -> str:
    """A service account."""
    w, title = Writer(), "Image pull secrets:"
    name_and_namespace(w, obj)
    labels_and_annotations(w, obj)
    names = [ref.get("name", "") for ref in obj.get("imagePullSecrets") or ()]
    for index, name in enumerate(names or ["<none>"]):
        w.line(f"{' ' * len(title) if index else title}\t{name}")
    events_table(w, look.events(obj), look.now)
    return w.text()


# -- permissions -------------------------------------------------------------------------------------------------------------


def role(obj: Json, _look: Look) -> str:
    """A role or a cluster role: what it allows."""
    w = Writer()
    w.field("Name", obj["metadata"]["name"])
    labels_and_annotations(w, obj)
    w.line("PolicyRule:")
    w.table(TITLES, tuple("-" * len(title) for title in TITLES), *(row.cells for row in rows_of(obj.get("rules") or ())))
    return w.text()


def role_binding(obj: Json, _look: Look) -> str:
    """A role binding or a cluster role binding: who has which role."""
    w = Writer()
    w.field("Name", obj["metadata"]["name"])
    labels_and_annotations(w, obj)
    w.line("Role:")
    w.field("Kind", dig(obj, "roleRef.kind", ""), 1)
    w.field("Name", dig(obj, "roleRef.name", ""), 1)
    w.line("Subjects:")
    w.table(("Kind", "Name", "Namespace"), ("----", "----", "---------"))
    w.table(*((one.get("kind"), one.get("name"), one.get("namespace", "")) for one in obj.get("subjects") or ()))
    return w.text()


# -- autoscaler --------------------------------------------------------------------------------------------------------------


def autoscaler(obj: Json, look: Look) -> str:
    """A horizontal pod autoscaler (autoscaling/v2)."""
    w, spec, status = Writer(), obj["spec"], obj.get("status") or {}
    name_and_namespace(w, obj)
    labels_and_annotations(w, obj)
    w.field("CreationTimestamp", time_of(obj["metadata"].get("creationTimestamp")))
    target = spec["scaleTargetRef"]
    w.field("Reference", f"{target.get('kind')}/{target.get('name')}")
    w.field("Metrics", "( current / target )")
    current = status.get("currentMetrics") or []
    for index, metric in enumerate(spec.get("metrics") or ()):
        w.line(metric_line(metric, current[index] if index < len(current) else {}), 1)
    w.field("Min replicas", shown(spec.get("minReplicas", "<unset>")))
    w.field("Max replicas", spec.get("maxReplicas"))
    if spec.get("behavior"):
        w.line("Behavior:")
        _behavior(w, "Scale Up", spec["behavior"].get("scaleUp"))
        _behavior(w, "Scale Down", spec["behavior"].get("scaleDown"))
    w.field(f"{target.get('kind')} pods", f"{status.get('currentReplicas', 0)} current / {status.get('desiredReplicas', 0)} desired")
    if status.get("conditions"):
        w.line("Conditions:")
        w.table(("Type", "Status", "Reason", "Message"), ("----", "------", "------", "-------"))
        w.table(*((one.get("type"), one.get("status"), one.get("reason"), one.get("message")) for one in status["conditions"]))
    events_table(w, look.events(obj), look.now)
    return w.text()


def metric_line(metric: Json, now: Json) -> str:
    """One metric: what it is now, and what it should be."""
    key = metric["type"][0].lower() + metric["type"][1:]
    spec, current = metric.get(key) or {}, dig(now, (key, "current"), {})
    target = spec.get("target") or {}
    if key in ("resource", "containerResource"):
        where = f' of container "{spec.get("container")}"' if key == "containerResource" else ""
        title = f"resource {spec.get('name')}{where} on pods"
        if target.get("averageValue") is not None:
            return f"{title}:\t{current.get('averageValue', '<unknown>')} / {target['averageValue']}"
        percent = current.get("averageUtilization")
        seen = "<unknown>" if percent is None else f"{percent}% ({current.get('averageValue', '0')})"
        wanted = f"{target['averageUtilization']}%" if target.get("averageUtilization") is not None else "<auto>"
        return f"{title}  (as a percentage of request):\t{seen} / {wanted}"
    name = quote(dig(spec, "metric.name", ""))
    if key == "pods":
        return f"{name} on pods:\t{current.get('averageValue', '<unknown>')} / {target.get('averageValue')}"
    average = target.get("averageValue") is not None
    field, words = ("averageValue", "target average value") if average else ("value", "target value")
    about = spec.get("describedObject")
    on = f" on {about.get('kind')}/{about.get('name')}" if about else ""
    return f"{name}{on} ({words}):\t{current.get(field, '<unknown>')} / {target.get(field)}"


def _behavior(w: Writer, title: str, rules: Json | None) -> None:
    if not rules:
        return
    w.line(f"{title}:", 1)
    if rules.get("stabilizationWindowSeconds") is not None:
        w.line(f"Stabilization Window: {rules['stabilizationWindowSeconds']} seconds", 2)
    if rules.get("policies"):
        w.line(f"Select Policy: {rules.get('selectPolicy') or 'Max'}", 2)
        w.line("Policies:", 2)
        for one in rules["policies"]:
            w.line(f"- Type: {one.get('type')}\tValue: {one.get('value')}\tPeriod: {one.get('periodSeconds')} seconds", 3)


# -- everything else ---------------------------------------------------------------------------------------------------------

_SKIPPED = frozenset((".metadata.managedFields", ".metadata.name", ".metadata.namespace", ".metadata.labels", ".metadata.annotations"))
_ACRONYMS = ("API", "URL", "UID", "GUID")
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|-|.")


def generic(obj: Json, look: Look) -> str:
    """Any object: its fields, indented."""
    w = Writer()
    w.field("Name", obj["metadata"]["name"])
    w.field("Namespace", obj["metadata"].get("namespace", ""))
    labels_and_annotations(w, obj)
    _content(w, 0, obj, "")
    events_table(w, look.events(obj), look.now)
    return w.text()


def _content(w: Writer, level: int, content: Mapping[str, Any], prefix: str) -> None:
    for key in sorted(content):
        path, value = f"{prefix}.{key}", content[key]
        if path in _SKIPPED:
            continue
        if isinstance(value, dict):
            w.line(f"{title_of(key)}:", level)
            _content(w, level + 1, value, path)
        elif isinstance(value, list):
            w.line(f"{title_of(key)}:", level)
            for child in value:
                if isinstance(child, dict):
                    _content(w, level + 1, child, path)
                else:
                    w.line(go_value(child), level + 1)
        else:
            w.line(f"{title_of(key)}:\t{go_value(value)}", level)


def title_of(key: str) -> str:
    """A field's name as a heading.

    >>> title_of("creationTimestamp"), title_of("apiVersion"), title_of("uid")
    ('Creation Timestamp', 'API Version', 'UID')
    """
    if not key.replace("-", "").isalpha():
        return key
    words = [word for word in _WORDS.findall(key) if word]
    return " ".join(_heading(word) for word in words)


def _heading(word: str) -> str:
    if word.upper() in _ACRONYMS:
        return word.upper()
    return word.capitalize() if word.islower() else word
