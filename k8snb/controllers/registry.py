"""All controllers of kube-controller-manager, in the order in which it starts them. A new one is one line here."""

from __future__ import annotations

from typing import Final

from k8snb.client.controller import Controller
from k8snb.controllers.autoscaler.controller import HorizontalPodAutoscalerController
from k8snb.controllers.clusterrole_aggregation import ClusterRoleAggregationController
from k8snb.controllers.cronjob.controller import CronJobController
from k8snb.controllers.daemonset.controller import DaemonSetController
from k8snb.controllers.definitions import CustomResourceDefinitionController
from k8snb.controllers.deployment.controller import DeploymentController
from k8snb.controllers.disruption import DisruptionController
from k8snb.controllers.endpoints.endpoints import EndpointsController
from k8snb.controllers.endpoints.mirroring import EndpointSliceMirroringController
from k8snb.controllers.endpoints.slices import EndpointSliceController
from k8snb.controllers.garbage_collector import GarbageCollector
from k8snb.controllers.job.controller import JobController
from k8snb.controllers.job.ttl import TTLAfterFinishedController
from k8snb.controllers.namespace import NamespaceController
from k8snb.controllers.namespace_defaults import RootCertificatePublisher, ServiceAccountController
from k8snb.controllers.node.eviction import TaintEvictionController
from k8snb.controllers.node.ipam import NodeIpamController
from k8snb.controllers.node.lifecycle import NodeLifecycleController
from k8snb.controllers.node.pod_gc import PodGCController
from k8snb.controllers.node.ttl import TTLController
from k8snb.controllers.replicaset import ReplicaSetController
from k8snb.controllers.replication import ReplicationController
from k8snb.controllers.resource_quota import ResourceQuotaController
from k8snb.controllers.statefulset.controller import StatefulSetController
from k8snb.controllers.validatingadmissionpolicystatus import ValidatingAdmissionPolicyStatusController
from k8snb.controllers.volume.attach_detach import AttachDetachController
from k8snb.controllers.volume.binder import PersistentVolumeBinder
from k8snb.controllers.volume.ephemeral import EphemeralVolumeController
from k8snb.controllers.volume.protection import ClaimProtectionController, VolumeProtectionController

CONTROLLERS: Final[tuple[type[Controller], ...]] = (
    CustomResourceDefinitionController,
    ServiceAccountController,
    RootCertificatePublisher,
    NamespaceController,
    NodeIpamController,
    NodeLifecycleController,
    TaintEvictionController,
    PodGCController,
    TTLController,
    ClusterRoleAggregationController,
    DeploymentController,
    ReplicaSetController,
    ReplicationController,
    DaemonSetController,
    StatefulSetController,
    JobController,
    TTLAfterFinishedController,
    CronJobController,
    DisruptionController,
    HorizontalPodAutoscalerController,
    PersistentVolumeBinder,
    AttachDetachController,
    EphemeralVolumeController,
    ClaimProtectionController,
    VolumeProtectionController,
    EndpointsController,
    EndpointSliceController,
    EndpointSliceMirroringController,
    ResourceQuotaController,
    ValidatingAdmissionPolicyStatusController,
    GarbageCollector,
)
