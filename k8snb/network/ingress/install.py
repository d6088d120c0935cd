"""The objects of an installation of ingress-nginx: what ``kubectl apply`` of its manifest would create.

Where a cloud gives load balancers, a Service of that type stands in front of the controller. Elsewhere it runs in its node's own
network, so that ports 80 and 443 of that node are the way in: what its documentation calls "via the host network".

Models: deploy/static/provider/{cloud,baremetal}/deploy.yaml of ingress-nginx.
Simplified: no roles; the webhook has no Service of its own (see :mod:`.webhook`).
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.objects import Object, freeze

NAMESPACE, NAME, CLASS = "ingress-nginx", "ingress-nginx-controller", "nginx"
CONTROLLER = "k8s.io/ingress-nginx"
WEBHOOK = "validate.nginx.ingress.kubernetes.io"
IMAGE = "registry.k8s.io/ingress-nginx/controller:v1.14.1"
LABELS = {"app.kubernetes.io/name": "ingress-nginx", "app.kubernetes.io/component": "controller"}


def objects(*, cloud: bool) -> list[tuple[str, Object]]:
    """(resource, object) in the order in which they are created. ``cloud``: load balancers are to be had."""
    labels = {**LABELS, "app.kubernetes.io/instance": "ingress-nginx"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": CLASS, "labels": labels},
            "spec": {"controller": CONTROLLER}}  # fmt: skip
    found = [("namespaces", namespace), ("ingressclasses.networking.k8s.io", kind), ("deployments.apps", _deployment(labels, cloud))]
    if cloud:
        found.append(("services", _service(labels)))
    found.append(("validatingwebhookconfigurations.admissionregistration.k8s.io", _webhook(labels)))
    return [(resource, freeze(obj)) for resource, obj in found]


def _deployment(labels: dict[str, str], cloud: bool) -> dict[str, Any]:
    ports = [{"name": "http", "containerPort": 80}, {"name": "https", "containerPort": 443}]
    probe = {"httpGet": {"path": "/healthz", "port": 10254}, "periodSeconds": 10}
    container = {"name": "controller", "image": IMAGE, "ports": ports, "readinessProbe": probe, "livenessProbe": probe}
    on_host = {} if cloud else {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME, "namespace": NAMESPACE, "labels": labels},
        "spec": {"selector": {"matchLabels": LABELS}, "strategy": {"type": "RollingUpdate" if cloud else "Recreate"},
                 "template": {"metadata": {"labels": labels}, "spec": {**on_host, "containers": [container]}}},
    }  # fmt: skip


def _webhook(labels: dict[str, str]) -> dict[str, Any]:
    rule = {"apiGroups": ["networking.k8s.io"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["ingresses"]}
    there = {"namespace": NAMESPACE, "name": f"{NAME}-admission", "path": "/networking/v1/ingresses"}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "ingress-nginx-admission", "labels": labels},
        "webhooks": [{"name": WEBHOOK, "rules": [rule], "clientConfig": {"service": there}, "failurePolicy": "Fail",
                      "matchPolicy": "Equivalent", "sideEffects": "None", "admissionReviewVersions": ["v1"]}],
    }  # fmt: skip


def _service(labels: dict[str, str]) -> dict[str, Any]:
    ports = [{"name": name, "port": port, "targetPort": name} for name, port in (("http", 80), ("https", 443))]
    return {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME, "namespace": NAMESPACE, "labels": labels},
        "spec": {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "selector": LABELS, "ports": ports},
    }  # fmt: skip
