"""A wave of requests, from the outside to the machines: more load, more Pods, more machines; and all of it back again."""

from __future__ import annotations

from k8snb.cluster import Cluster
from tests.cloud.world import address, managed, node_names

SHOP = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
      - name: shop
        image: "k8snb/web:1"
        resources: {requests: {cpu: 600m, memory: 64Mi}}
        readinessProbe: {httpGet: {path: /healthz, port: 8080}}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {type: LoadBalancer, selector: {app: shop}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
  minReplicas: 2
  maxReplicas: 6
  metrics: [{type: Resource, resource: {name: cpu, target: {type: AverageValue, averageValue: 5m}}}]
"""


def pods(cluster: Cluster) -> int:
    return int(cluster.get("deployments.apps", "shop")["status"].get("readyReplicas", 0))


def test_more_requests_bring_more_pods_and_they_bring_more_machines() -> None:
    cluster = managed(1)
    cluster.apply(SHOP)
    cluster.cloud.node_pools.autoscale("nodepool1", 1, 3)
    cluster.run_for(360)
    assert (pods(cluster), len(node_names(cluster))) == (2, 1)
    load = cluster.load_test(f"http://{address(cluster, 'shop')}", rate=100, duration=150)
    cluster.run_for(30)
    assert pods(cluster) == 4  # 100 requests of 200 µs CPU each are 20m, and 5m a Pod is wanted
    assert len(node_names(cluster)) == 2
    assert load.error_rate < 0.01, load
    assert {event["reason"] for event in cluster.get("events")} >= {"SuccessfulRescale", "TriggeredScaleUp", "EnsuredLoadBalancer"}
    cluster.run_for(420)
    assert pods(cluster) == 2
    cluster.run_for(900)
    assert len(node_names(cluster)) == 1
