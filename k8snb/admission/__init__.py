"""Admission plugins: what happens to an object between its validation by schema and its storage, because of other objects.

``PLUGINS`` are in the order of the real server; first all ``admit`` run, then validation, then all ``validate``.

Models: pkg/kubeapiserver/options/plugins.go (AllOrderedPlugins, those that are on by default).
Simplified: webhooks are stored and not called (but for that of ingress-nginx: :mod:`k8snb.network.ingress.webhook`); plugins that
are off by default (NodeRestriction, AlwaysPullImages, ExtendedResourceToleration ...) are absent.
"""

from __future__ import annotations

from k8snb.admission.certificates import CertificateApproval, CertificateSigning, CertificateSubjectRestriction
from k8snb.admission.default_ingress_class import DefaultIngressClass
from k8snb.admission.default_storage_class import DefaultStorageClass
from k8snb.admission.default_toleration_seconds import DefaultTolerationSeconds
from k8snb.admission.limit_ranger import LimitRanger
from k8snb.admission.mutating_admission_policy import MutatingAdmissionPolicy
from k8snb.admission.namespace_lifecycle import NamespaceLifecycle
from k8snb.admission.persistent_volume_claim_resize import PersistentVolumeClaimResize
from k8snb.admission.pod_security import PodSecurity
from k8snb.admission.pod_topology_labels import PodTopologyLabels
from k8snb.admission.priority import Priority
from k8snb.admission.resource_quota import ResourceQuota
from k8snb.admission.runtime_class import RuntimeClass
from k8snb.admission.service_account import ServiceAccount
from k8snb.admission.storage_object_in_use_protection import StorageObjectInUseProtection
from k8snb.admission.taint_nodes_by_condition import TaintNodesByCondition
from k8snb.admission.validating_admission_policy import ValidatingAdmissionPolicy

PLUGINS = (
    NamespaceLifecycle(),
    LimitRanger(),
    ServiceAccount(),
    TaintNodesByCondition(),
    PodSecurity(),
    Priority(),
    DefaultTolerationSeconds(),
    DefaultStorageClass(),
    StorageObjectInUseProtection(),
    PersistentVolumeClaimResize(),
    RuntimeClass(),
    CertificateApproval(),
    CertificateSigning(),
    CertificateSubjectRestriction(),
    DefaultIngressClass(),
    PodTopologyLabels(),
    MutatingAdmissionPolicy(),
    ValidatingAdmissionPolicy(),
    ResourceQuota(),
)
