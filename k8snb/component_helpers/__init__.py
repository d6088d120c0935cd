"""Pure functions about pods and nodes that several components need, and that therefore belong to none of them.

How much a pod asks for, which QoS class it has, whether it is ready, which taints it tolerates, which nodes its affinity
allows: the kubelet, the controllers and the scheduler must agree on these, so they are written once. Everything here gets
frozen objects (:mod:`k8snb.apimachinery.objects`) and computes; nothing reads a clock or keeps state.

Models: k8s.io/component-helpers, k8s.io/kubernetes/pkg/api/v1/pod, pkg/apis/core/v1/helper/qos.
"""

from k8snb.component_helpers.hashes import canonical_json, safe_hash
from k8snb.component_helpers.nodeaffinity import matches_node_selector_and_affinity, matches_node_selector_term
from k8snb.component_helpers.pods import (
    is_pod_active,
    is_pod_available,
    is_pod_ready,
    is_pod_terminal,
    is_pod_terminating,
    pod_priority,
    ready_transition_time,
)
from k8snb.component_helpers.qos import qos_class
from k8snb.component_helpers.resources import container_limits, container_requests, pod_limits, pod_requests, resource_amounts
from k8snb.component_helpers.taints import find_untolerated_taint, tolerates, tolerates_taint

__all__ = [
    "canonical_json",
    "container_limits",
    "container_requests",
    "find_untolerated_taint",
    "is_pod_active",
    "is_pod_available",
    "is_pod_ready",
    "is_pod_terminal",
    "is_pod_terminating",
    "matches_node_selector_and_affinity",
    "matches_node_selector_term",
    "pod_limits",
    "pod_priority",
    "pod_requests",
    "qos_class",
    "ready_transition_time",
    "resource_amounts",
    "safe_hash",
    "tolerates",
    "tolerates_taint",
]
