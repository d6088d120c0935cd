"""The objects of an installation of ingress-nginx: what ``kubectl apply`` of its manifest would create.

The controller runs in its node's own network, so that ports 80 and 443 of that node are the way in: the bare-metal installation
of its documentation ("via the host network"). Where a cloud gives load balancers, a Service of type LoadBalancer in front of it
does the same.

Models: deploy/static/provider/baremetal/deploy.yaml of ingress-nginx.
Simplified: no roles, no admission webhook.
"""

from __future__ import annotations

from k8snb.apimachinery.objects import Object, freeze

NAMESPACE, NAME, CLASS = "ingress-nginx", "ingress-nginx-controller", "nginx"
CONTROLLER = "k8s.io/ingress-nginx"
IMAGE = "registry.k8s.io/ingress-nginx/controller:v1.14.1"
LABELS = {"app.kubernetes.io/name": "ingress-nginx", "app.kubernetes.io/component": "controller"}


def objects() -> list[tuple[str, Object]]:
    """(resource, object) in the order in which they are created."""
    labels = {**LABELS, "app.kubernetes.io/instance": "ingress-nginx"}
    ports = [{"name": "http", "containerPort": 80}, {"name": "https", "containerPort": 443}]
    probe = {"httpGet": {"path": "/healthz", "port": 10254}, "periodSeconds": 10}
    container = {"name": "controller", "image": IMAGE, "ports": ports, "readinessProbe": probe, "livenessProbe": probe}
    pod = {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet", "containers": [container]}
    deployment = {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME, "namespace": NAMESPACE, "labels": labels},
        "spec": {"selector": {"matchLabels": LABELS}, "strategy": {"type": "Recreate"},
                 "template": {"metadata": {"labels": labels}, "spec": pod}},
    }  # fmt: skip
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": CLASS, "labels": labels},
            "spec": {"controller": CONTROLLER}}  # fmt: skip
    return [
        ("namespaces", freeze(namespace)),
        ("ingressclasses.networking.k8s.io", freeze(kind)),
        ("deployments.apps", freeze(deployment)),
    ]
