"""What ingress-nginx says to an Ingress before it is stored: its admission webhook.

    paths         pathType Exact and Prefix take letters, digits, ``.``, ``_``, ``-`` and ``/``; regular expressions want
                  ImplementationSpecific                                         (``strict-validate-path-type`` in its ConfigMap)
    annotations   a value that its kind cannot have (:data:`VALUES`) is refused

Only its own Ingresses are looked at, as long as its ValidatingWebhookConfiguration is there and a pod of it is ready.

Models: ingress-nginx: internal/admission/controller/main.go, internal/ingress/inspector, internal/ingress/annotations/parser/validators.go.
Simplified: other webhooks are not called at all; this one is asked without a connection, and while no pod of it is ready nobody is
refused (upstream everybody is).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import annotation, is_true
from k8snb.apimachinery.objects import EMPTY_LIST, Object, dig
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.request import Request
from k8snb.network.ingress.install import CLASS, CONTROLLER, NAME, NAMESPACE, WEBHOOK
from k8snb.network.ingress.routing import PREFIX

_BOOL = re.compile(r"1|t|T|TRUE|true|True|0|f|F|FALSE|false|False")
_INT = re.compile(r"[+-]?\d+")
_URL = re.compile(r"[-._~a-zA-Z0-9/:`?&=]*")
_PATH = re.compile(r"/?[-._~a-zA-Z0-9/:`$]*")
VALUES: Final[Mapping[str, re.Pattern[str]]] = {
    "ssl-redirect": _BOOL, "force-ssl-redirect": _BOOL, "use-regex": _BOOL, "rewrite-target": _PATH, "app-root": _PATH,
    "proxy-connect-timeout": _INT, "proxy-read-timeout": _INT, "permanent-redirect": _URL, "temporal-redirect": _URL,
}  # fmt: skip
"""Annotations that are simulated, and the values that each may have."""
_PLAIN = re.compile(r"/[a-zA-Z0-9._\-/]*")
CONFIGURATIONS = "validatingwebhookconfigurations.admissionregistration.k8s.io"


def bad_annotation(ingress: Object) -> str:
    """The sentence about the first annotation with a value that it cannot have; empty where there is none."""
    for name, values in VALUES.items():
        value = annotation(ingress, PREFIX + name) or ""
        if value and not values.fullmatch(value):
            return f"annotation {PREFIX}{name} contains invalid value"
    return ""


def bad_paths(ingress: Object) -> list[str]:
    """A sentence about each path that its pathType cannot have."""
    paths: Iterator[Object] = (path for rule in dig(ingress, "spec.rules", EMPTY_LIST) for path in dig(rule, "http.paths", EMPTY_LIST))
    return [
        f"path {path['path']} cannot be used with pathType {path['pathType']}"
        for path in paths
        if path.get("path") and path["pathType"] != "ImplementationSpecific" and not _PLAIN.fullmatch(path["path"])
    ]


class IngressNginxWebhook:
    """The webhook, in its place in the admission chain."""

    name = "ValidatingAdmissionWebhook"
    handles = ("create", "update")
    resources = ("ingresses.networking.k8s.io",)
    needs = CONFIGURATIONS

    def validate(self, context: Any, request: Request, resource: Resource, obj: Object | None, old: Object | None) -> None:
        """Raises ApiError 400 for what ingress-nginx refuses."""
        if obj is None or request.subresource or not self._is_asked(context) or not _is_its_own(context, obj):
            return
        why = self._paths(context, obj) or bad_annotation(obj)
        if why:
            raise ApiError(400, "BadRequest", f'admission webhook "{WEBHOOK}" denied the request: {why}', {})

    def _paths(self, context: Any, ingress: Object) -> str:
        settings = context.get("configmaps", NAME, NAMESPACE) or {}
        if (settings.get("data") or {}).get("strict-validate-path-type", "true") != "true":
            return ""
        wrong = bad_paths(ingress)
        return "ingress contains invalid paths: " + "\n".join(wrong) if wrong else ""

    def _is_asked(self, context: Any) -> bool:
        """Whether the webhook is configured, and somebody there answers."""
        configured = any(
            hook["name"] == WEBHOOK for one in context.remembered(CONFIGURATIONS) for hook in one.get("webhooks") or ()
        )  # fmt: skip
        pods = context.list("pods", NAMESPACE) if configured else []
        return any(pod["metadata"]["name"].startswith(f"{NAME}-") and is_true(pod, "Ready") for pod in pods)


def _is_its_own(context: Any, ingress: Object) -> bool:
    named = ingress["spec"].get("ingressClassName")
    if named is None:
        return annotation(ingress, "kubernetes.io/ingress.class") == CLASS
    found = context.get("ingressclasses.networking.k8s.io", named)
    return found is not None and found["spec"].get("controller") == CONTROLLER
