"""A small shop, as a snapshot: one Deployment with three pods on two nodes, a Service in front, one pod not ready."""

from __future__ import annotations

from typing import Any

from k8snb.sim.frozen import freeze


def owned_by(owner: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"kind": owner["kind"], "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"], "controller": True}]


def thing(kind: str, name: str, namespace: str = "shop", owner: dict[str, Any] | None = None, **rest: Any) -> dict[str, Any]:
    meta = {"name": name, "uid": f"uid-{kind}-{name}"} | ({"namespace": namespace} if namespace else {})
    if owner:
        meta["ownerReferences"] = owned_by(owner)
    meta |= rest.pop("metadata", {})
    return {"apiVersion": "v1", "kind": kind, "metadata": meta, **rest}


def pod(name: str, owner: dict[str, Any] | None, node: str, state: str = "Running", namespace: str = "shop") -> dict[str, Any]:
    ready = state == "Running"
    waiting = {"running": {}} if ready else {"waiting": {"reason": state}}
    status = {
        "phase": "Running" if ready or state == "CrashLoopBackOff" else "Pending",
        "conditions": [{"type": "Ready", "status": str(ready)}],
        "containerStatuses": [{"name": "c", "ready": ready, "state": waiting}],
    }
    return thing(
        "Pod", name, namespace, owner, spec={"nodeName": node, "containers": [{"name": "c", "image": "nginx:1.27"}]}, status=status
    )


def node(name: str, ready: str = "True") -> dict[str, Any]:
    return thing("Node", name, "", spec={}, status={"conditions": [{"type": "Ready", "status": ready}]})


def shop() -> dict[str, Any]:
    deployment = thing("Deployment", "web", spec={"replicas": 3}, status={"readyReplicas": 2})
    replica_set = thing("ReplicaSet", "web-5d", owner=deployment, spec={"replicas": 3}, status={"readyReplicas": 2})
    pods = [
        pod("web-5d-a", replica_set, "node-1"),
        pod("web-5d-b", replica_set, "node-2"),
        pod("web-5d-c", replica_set, "node-2", "CrashLoopBackOff"),
    ]
    service = thing(
        "Service",
        "web",
        spec={"clusterIP": "10.96.0.10", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP"}]},
    )
    endpoints = [
        {
            "addresses": [f"10.244.0.{i}"],
            "conditions": {"ready": i != 2},
            "targetRef": {"kind": "Pod", "namespace": "shop", "name": p["metadata"]["name"]},
        }
        for i, p in enumerate(pods)
    ]
    piece = thing(
        "EndpointSlice",
        "web-x7",
        owner=service,
        metadata={"labels": {"kubernetes.io/service-name": "web"}},
        endpoints=endpoints,
        ports=[{"name": "", "port": 8080, "protocol": "TCP"}],
    )
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    rules = [{"host": "shop.example", "http": {"paths": [{"path": "/", "backend": backend}]}}]
    address = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    ingress = thing("Ingress", "shop", spec={"ingressClassName": "nginx", "rules": rules}, status=address)
    return freeze(  # type: ignore[no-any-return]
        {
            "nodes": [node("node-1"), node("node-2", "Unknown")],
            "deployments.apps": [deployment],
            "replicasets.apps": [replica_set],
            "pods": pods,
            "services": [service],
            "endpointslices.discovery.k8s.io": [piece],
            "ingresses.networking.k8s.io": [ingress],
            "ingressclasses.networking.k8s.io": [thing("IngressClass", "nginx")],
        }
    )
