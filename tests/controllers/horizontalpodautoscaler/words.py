"""Words for stories about busy pods and who brings others."""

from __future__ import annotations

from k8snb.cluster import Cluster

HPAS = "horizontalpodautoscalers.autoscaling"
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: main, image: "polinux/stress", command: [stress, --cpu, "1"], resources: {requests: {cpu: 100m}, limits: {cpu: 150m}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 5
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
"""


def conditions(cluster: Cluster) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c["reason"]) for c in cluster.get(HPAS, "web")["status"].get("conditions", ())}


def replicas(cluster: Cluster) -> int:
    return int(cluster.get("deployments.apps", "web")["spec"]["replicas"])
