"""Pod Security: a namespace's labels say which standard its pods must keep.

    kubectl label namespace shop pod-security.kubernetes.io/enforce=restricted

``enforce`` refuses pods; ``warn`` sends a warning, for pods and for what makes pods; ``audit`` would only be written down.

Models: k8s.io/pod-security-admission/admission/admission.go, pkg/api/helpers.go; plugin/pkg/admission/security/podsecurity.
Simplified: no exemptions are configured; audit annotations have no place to go.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from k8snb.admission.plugin import Context, forbidden, is_plain
from k8snb.admission.pod_security_checks import LEVELS, violations
from k8snb.apimachinery.errors import Errors, invalid, object_invalid
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.request import Request

PREFIX = "pod-security.kubernetes.io/"
_TEMPLATES = {
    "deployments.apps": "spec.template.spec",
    "replicasets.apps": "spec.template.spec",
    "statefulsets.apps": "spec.template.spec",
    "daemonsets.apps": "spec.template.spec",
    "replicationcontrollers": "spec.template.spec",
    "podtemplates": "template.spec",
    "jobs.batch": "spec.template.spec",
    "cronjobs.batch": "spec.jobTemplate.spec.template.spec",
}


class Standard(NamedTuple):
    """A level and a version: ``restricted:latest``."""

    level: str
    version: str

    def __str__(self) -> str:
        return f"{self.level}:{self.version}"


def standard(namespace: Object | None, mode: str) -> Standard:
    """What the labels of a namespace say for a mode: enforce, warn or audit."""
    labels = (namespace["metadata"].get("labels") if namespace else None) or EMPTY_DICT
    return Standard(labels.get(PREFIX + mode, "privileged"), labels.get(f"{PREFIX}{mode}-version", "latest"))


class PodSecurity:
    """Judges pods, warns about templates, and checks the labels of namespaces."""

    name = "PodSecurity"
    handles = ("create", "update")
    resources = ("namespaces", "pods", *_TEMPLATES)

    def validate(self, context: Context, request: Request, resource: Resource, obj: Object | None, old: Object | None) -> None:
        """Refuse, or warn."""
        if obj is None:
            return
        if is_plain(request, resource, "namespaces"):
            self._check_labels(context, obj, old)
        elif resource.key == "pods" and request.subresource in ("", "ephemeralcontainers"):
            self._check_pod(context, request, resource, (obj, old))
        elif resource.key in _TEMPLATES and not request.subresource:
            self._warn(context, dig(obj, _TEMPLATES[resource.key]), context.get("namespaces", request.namespace))

    def _check_pod(self, context: Context, request: Request, resource: Resource, change: tuple[Object, Object | None]) -> None:
        pod, old = change
        if old is not None and old["spec"] == pod["spec"]:
            return
        namespace = context.get("namespaces", request.namespace)
        wanted = standard(namespace, "enforce")
        found = violations(wanted.level, pod["spec"])
        if found:
            raise forbidden(request, resource, pod, f'violates PodSecurity "{wanted}": {", ".join(found)}')
        self._warn(context, pod["spec"], namespace)

    def _warn(self, context: Context, spec: Object | None, namespace: Object | None) -> None:
        wanted = standard(namespace, "warn")
        found = violations(wanted.level, spec)
        if found:
            context.warn(f'would violate PodSecurity "{wanted}": {", ".join(found)}')

    def _check_labels(self, context: Context, namespace: Object, old: Object | None) -> None:
        errors, known = _label_errors(namespace), _label_errors(old) if old is not None else []
        fresh = [error for error in errors if error not in known]
        if fresh:
            raise object_invalid("", "Namespace", namespace["metadata"].get("name", ""), fresh)
        wanted = standard(namespace, "enforce")
        if old is not None and wanted != standard(old, "enforce"):
            self._warn_about_existing(context, namespace["metadata"]["name"], wanted)

    def _warn_about_existing(self, context: Context, name: str, wanted: Standard) -> None:
        told: dict[str, list[str]] = {}
        for pod in context.list("pods", name):
            found = violations(wanted.level, pod["spec"])
            if found:
                told.setdefault(", ".join(text.partition(" (")[0] for text in found), []).append(pod["metadata"]["name"])
        if told:
            context.warn(f'existing pods in namespace "{name}" violate the new PodSecurity enforce level "{wanted}"')
        for text in sorted(f"{_who(names)}: {words}" for words, names in told.items()):
            context.warn(text)


def _who(names: list[str]) -> str:
    """The first of several pods that break the same rules, and how many more there are."""
    more = len(names) - 1
    return f"{names[0]} (and {more} other pod{'' if more == 1 else 's'})" if more else names[0]


def _label_errors(namespace: Object) -> Errors:
    labels, errors = dig(namespace, "metadata.labels", EMPTY_DICT), []
    for mode in ("enforce", "audit", "warn"):
        level, version = labels.get(PREFIX + mode), labels.get(f"{PREFIX}{mode}-version")
        if level is not None and level not in LEVELS:
            field = f"metadata.labels[{PREFIX}{mode}]"
            errors.append(invalid(field, level, f"must be one of {', '.join(LEVELS)}"))
        if version is not None and version != "latest" and not re.fullmatch(r"v1\.(0|[1-9][0-9]*)", version):
            errors.append(invalid(f"metadata.labels[{PREFIX}{mode}-version]", version, 'must be "latest" or "v1.x"'))
    return errors
