"""``kubectl describe``: one function for each kind, chosen from a table.

    describe(obj, Look(api, now))      # the text

A kind without a row is described generically. To add one: a function ``(obj, look) -> str`` in the file of its family, and a row here.

Models: k8s.io/kubectl/pkg/describe/describe.go (describerMap).
"""

from __future__ import annotations

from k8snb.kubectl.api import Json
from k8snb.kubectl.describe import cluster, config, network, rare, workloads
from k8snb.kubectl.describe.writer import Describer, Look
from k8snb.kubectl.mapper import group_of

DESCRIBERS: dict[tuple[str, str], Describer] = {
    ("", "Pod"): workloads.pod,
    ("", "ReplicationController"): workloads.replica_set,
    ("apps", "ReplicaSet"): workloads.replica_set,
    ("apps", "Deployment"): workloads.deployment,
    ("apps", "DaemonSet"): workloads.daemon_set,
    ("apps", "StatefulSet"): workloads.stateful_set,
    ("batch", "Job"): workloads.job,
    ("batch", "CronJob"): workloads.cron_job,
    ("", "Service"): network.service,
    ("", "Endpoints"): network.endpoints,
    ("discovery.k8s.io", "EndpointSlice"): network.endpoint_slice,
    ("networking.k8s.io", "Ingress"): network.ingress,
    ("networking.k8s.io", "IngressClass"): network.ingress_class,
    ("networking.k8s.io", "NetworkPolicy"): network.network_policy,
    ("", "Node"): cluster.node,
    ("", "Namespace"): cluster.namespace,
    ("", "ResourceQuota"): cluster.resource_quota,
    ("", "LimitRange"): cluster.limit_range,
    ("", "PersistentVolume"): cluster.persistent_volume,
    ("", "PersistentVolumeClaim"): cluster.volume_claim,
    ("storage.k8s.io", "StorageClass"): cluster.storage_class,
    ("storage.k8s.io", "CSINode"): rare.csi_node,
    ("storage.k8s.io", "VolumeAttributesClass"): rare.volume_attributes_class,
    ("networking.k8s.io", "ServiceCIDR"): rare.service_cidr,
    ("networking.k8s.io", "IPAddress"): rare.ip_address,
    ("policy", "PodDisruptionBudget"): cluster.disruption_budget,
    ("scheduling.k8s.io", "PriorityClass"): cluster.priority_class,
    ("", "ConfigMap"): config.config_map,
    ("", "Secret"): config.secret,
    ("", "ServiceAccount"): config.service_account,
    ("rbac.authorization.k8s.io", "Role"): config.role,
    ("rbac.authorization.k8s.io", "ClusterRole"): config.role,
    ("rbac.authorization.k8s.io", "RoleBinding"): config.role_binding,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): config.role_binding,
    ("autoscaling", "HorizontalPodAutoscaler"): config.autoscaler,
}


def describe(obj: Json, look: Look) -> str:
    """The description of an object."""
    return DESCRIBERS.get((group_of(obj), obj["kind"]), config.generic)(obj, look)


__all__ = ["DESCRIBERS", "Describer", "Look", "describe"]
