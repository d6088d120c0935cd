"""The admission plugins, in upstream's order (pkg/kubeapiserver/options/plugins.go). A new one is one file and one line here."""

from __future__ import annotations

from typing import Any, Final

from k8snb.admission.default_ingress_class import DefaultIngressClass
from k8snb.admission.default_storage_class import DefaultStorageClass
from k8snb.admission.default_toleration_seconds import DefaultTolerationSeconds
from k8snb.admission.namespace_lifecycle import NamespaceLifecycle
from k8snb.admission.pod_topology_labels import PodTopologyLabels
from k8snb.admission.priority import Priority
from k8snb.admission.runtime_class import RuntimeClass
from k8snb.admission.service_account import ServiceAccount
from k8snb.admission.storage_object_in_use_protection import StorageObjectInUseProtection
from k8snb.admission.taint_nodes_by_condition import TaintNodesByCondition

PLUGINS: Final[tuple[Any, ...]] = (
    NamespaceLifecycle(),
    ServiceAccount(),
    TaintNodesByCondition(),
    Priority(),
    DefaultTolerationSeconds(),
    DefaultStorageClass(),
    StorageObjectInUseProtection(),
    RuntimeClass(),
    DefaultIngressClass(),
    PodTopologyLabels(),
)
