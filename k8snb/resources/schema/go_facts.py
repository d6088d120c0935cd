"""What Go's API types say and OpenAPI does not. Input of ``derive.py``; keys are ``Type.field``, in every group and version.

Models: k8s.io/api/*/types.go (pointers, ``omitempty``, embedded structs, named types), in facts, not in text.
Simplified: named string types are listed where people meet them; elsewhere an error says ``string``.
"""

from __future__ import annotations


def _keys(table: dict[str, str]) -> frozenset[str]:
    return frozenset(f"{owner}.{name}" for owner, names in table.items() for name in names.split())


TYPE_META = ("apiVersion", "kind")

# Optional numbers and booleans that are values: an explicit 0 or false is the same as none, and is not printed.
PLAIN = _keys({
    "ValidatingAdmissionPolicyStatus": "observedGeneration",
    "DaemonSetSpec": "minReadySeconds",
    "DaemonSetStatus": "numberAvailable numberUnavailable observedGeneration updatedNumberScheduled",
    "DeploymentSpec": "minReadySeconds paused",
    "DeploymentStatus": "availableReplicas observedGeneration readyReplicas replicas unavailableReplicas updatedReplicas",
    "ReplicaSetSpec": "minReadySeconds",
    "ReplicaSetStatus": "availableReplicas fullyLabeledReplicas observedGeneration readyReplicas",
    "StatefulSetSpec": "minReadySeconds",
    "StatefulSetStatus": "currentReplicas observedGeneration readyReplicas updatedReplicas",
    "TokenReviewStatus": "authenticated",
    "SubjectAccessReviewStatus": "denied",
    "ScaleSpec": "replicas",
    "HorizontalPodAutoscalerStatus": "currentReplicas",
    "JobStatus": "active failed succeeded",
    "AWSElasticBlockStoreVolumeSource": "partition readOnly",
    "AzureFilePersistentVolumeSource": "readOnly",
    "AzureFileVolumeSource": "readOnly",
    "CSIPersistentVolumeSource": "readOnly",
    "CephFSPersistentVolumeSource": "readOnly",
    "CephFSVolumeSource": "readOnly",
    "CinderPersistentVolumeSource": "readOnly",
    "CinderVolumeSource": "readOnly",
    "FCVolumeSource": "readOnly",
    "FlexPersistentVolumeSource": "readOnly",
    "FlexVolumeSource": "readOnly",
    "GCEPersistentDiskVolumeSource": "partition readOnly",
    "GlusterfsPersistentVolumeSource": "readOnly",
    "GlusterfsVolumeSource": "readOnly",
    "ISCSIPersistentVolumeSource": "chapAuthDiscovery chapAuthSession readOnly",
    "ISCSIVolumeSource": "chapAuthDiscovery chapAuthSession readOnly",
    "NFSVolumeSource": "readOnly",
    "PersistentVolumeClaimVolumeSource": "readOnly",
    "PortworxVolumeSource": "readOnly",
    "QuobyteVolumeSource": "readOnly",
    "RBDPersistentVolumeSource": "readOnly",
    "RBDVolumeSource": "readOnly",
    "ScaleIOPersistentVolumeSource": "readOnly sslEnabled",
    "ScaleIOVolumeSource": "readOnly sslEnabled",
    "StorageOSPersistentVolumeSource": "readOnly",
    "StorageOSVolumeSource": "readOnly",
    "Container": "stdin stdinOnce tty",
    "EphemeralContainer": "stdin stdinOnce tty",
    "ContainerImage": "sizeBytes",
    "ContainerPort": "hostPort",
    "ContainerStateTerminated": "signal startedAt finishedAt",
    "ContainerStateRunning": "startedAt",
    "Event": "count deprecatedCount firstTimestamp lastTimestamp eventTime deprecatedFirstTimestamp deprecatedLastTimestamp",
    "EventSeries": "count lastObservedTime",
    "NodeSpec": "unschedulable",
    "NodeCondition": "lastHeartbeatTime lastTransitionTime",
    "PodCondition": "observedGeneration lastProbeTime lastTransitionTime",
    "DeploymentCondition": "lastTransitionTime lastUpdateTime",
    "ReplicaSetCondition": "lastTransitionTime",
    "DaemonSetCondition": "lastTransitionTime",
    "StatefulSetCondition": "lastTransitionTime",
    "ReplicationControllerCondition": "lastTransitionTime",
    "JobCondition": "lastTransitionTime lastProbeTime",
    "HorizontalPodAutoscalerCondition": "lastTransitionTime",
    "PersistentVolumeClaimCondition": "lastTransitionTime lastProbeTime",
    "NamespaceCondition": "lastTransitionTime",
    "PodSpec": "hostIPC hostNetwork hostPID",
    "PodStatus": "observedGeneration",
    "Probe": "failureThreshold initialDelaySeconds periodSeconds successThreshold timeoutSeconds",
    "ReplicationControllerSpec": "minReadySeconds",
    "ReplicationControllerStatus": "availableReplicas fullyLabeledReplicas observedGeneration readyReplicas",
    "ServicePort": "nodePort targetPort",
    "ServiceSpec": "healthCheckNodePort publishNotReadyAddresses",
    "VolumeMount": "readOnly",
    "VolumeMountStatus": "readOnly",
    "ResourceFieldSelector": "divisor",
    "ResourcePolicyRule": "clusterScope",
    "ServiceBackendPort": "number",
    "PodDisruptionBudgetStatus": "observedGeneration",
    "ExactDeviceRequest": "count",
    "DeviceSubRequest": "count",
    "DeviceRequest": "count",
    "PriorityClass": "globalDefault",
    "CustomResourceColumnDefinition": "priority",
    "CustomResourceDefinitionCondition": "observedGeneration lastTransitionTime",
    "CustomResourceDefinitionSpec": "preserveUnknownFields",
    "CustomResourceDefinitionStatus": "observedGeneration",
    "CustomResourceDefinitionVersion": "deprecated",
    "JSONSchemaProps": "exclusiveMaximum exclusiveMinimum nullable uniqueItems x-kubernetes-embedded-resource x-kubernetes-int-or-string",
    "Condition": "observedGeneration",
    "ObjectMeta": "generation creationTimestamp",
    "Status": "code",
    "StatusDetails": "retryAfterSeconds",
    "APIServiceSpec": "insecureSkipTLSVerify",
    "APIServiceCondition": "lastTransitionTime",
    "VolumeError": "time",
})  # fmt: skip

# Optional strings that are pointers: an explicit "" stays.
STRING_POINTERS = _keys({
    "PersistentVolumeClaimSpec": "storageClassName volumeMode volumeAttributesClassName",
    "PersistentVolumeClaimStatus": "currentVolumeAttributesClassName",
    "PersistentVolumeSpec": "volumeMode volumeAttributesClassName",
    "AzureDiskVolumeSource": "cachingMode fsType kind",
    "AzureFilePersistentVolumeSource": "secretNamespace",
    "CSIVolumeSource": "fsType",
    "ISCSIVolumeSource": "initiatorName",
    "ISCSIPersistentVolumeSource": "initiatorName",
    "HostPathVolumeSource": "type",
    "PodSpec": "runtimeClassName preemptionPolicy hostnameOverride",
    "SecurityContext": "procMount",
    "PodSecurityContext": "fsGroupChangePolicy supplementalGroupsPolicy seLinuxChangePolicy",
    "SeccompProfile": "localhostProfile",
    "AppArmorProfile": "localhostProfile",
    "WindowsSecurityContextOptions": "gmsaCredentialSpecName gmsaCredentialSpec runAsUserName",
    "Container": "restartPolicy",
    "EphemeralContainer": "restartPolicy",
    "Lifecycle": "stopSignal",
    "ContainerStatus": "stopSignal",
    "VolumeMount": "mountPropagation recursiveReadOnly",
    "VolumeMountStatus": "recursiveReadOnly",
    "ServiceSpec": "internalTrafficPolicy ipFamilyPolicy loadBalancerClass trafficDistribution",
    "ServicePort": "appProtocol",
    "EndpointAddress": "nodeName",
    "TopologySpreadConstraint": "nodeAffinityPolicy nodeTaintsPolicy",
    "PodDNSConfigOption": "value",
    "GRPCAction": "service",
    "PodResourceClaim": "resourceClaimName resourceClaimTemplateName",
    "PodResourceClaimStatus": "resourceClaimName",
    "TypedLocalObjectReference": "apiGroup",
    "TypedObjectReference": "apiGroup namespace",
    "ClusterTrustBundleProjection": "name signerName",
    "LoadBalancerIngress": "ipMode",
    "PortStatus": "error",
    "IngressPortStatus": "error",
    "PodFailurePolicyOnExitCodesRequirement": "containerName",
    "JobSpec": "podReplacementPolicy completionMode managedBy",
    "JobStatus": "failedIndexes",
    "CronJobSpec": "timeZone",
    "SuccessPolicyRule": "succeededIndexes",
    "IngressSpec": "ingressClassName",
    "HTTPIngressPath": "pathType",
    "IngressClassParametersReference": "apiGroup scope namespace",
    "NetworkPolicyPort": "protocol",
    "StorageClass": "reclaimPolicy volumeBindingMode",
    "CSIDriverSpec": "fsGroupPolicy",
    "VolumeAttachmentSource": "persistentVolumeName",
    "PriorityClass": "preemptionPolicy",
    "LeaseSpec": "holderIdentity strategy preferredHolder",
    "PodDisruptionBudgetSpec": "unhealthyPodEvictionPolicy",
    "HPAScalingRules": "selectPolicy",
    "Endpoint": "hostname nodeName zone",
    "EndpointPort": "name protocol appProtocol",
    "MutatingWebhook": "failurePolicy matchPolicy sideEffects reinvocationPolicy",
    "ValidatingWebhook": "failurePolicy matchPolicy sideEffects",
    "ValidatingAdmissionPolicySpec": "failurePolicy",
    "MutatingAdmissionPolicySpec": "failurePolicy",
    "MatchResources": "matchPolicy",
    "ParamRef": "parameterNotFoundAction",
    "Validation": "reason",
    "WebhookClientConfig": "url",
    "ServiceReference": "path",
    "RuleWithOperations": "scope",
    "NamedRuleWithOperations": "scope",
    "CustomResourceSubresourceScale": "labelSelectorPath",
    "CustomResourceDefinitionVersion": "deprecationWarning",
    "ValidationRule": "reason",
    "JSONSchemaProps": "$ref x-kubernetes-list-type x-kubernetes-map-type",
    "Preconditions": "uid resourceVersion",
    "DeleteOptions": "propagationPolicy",
    "ResourceSliceSpec": "nodeName",
    "Device": "nodeName",
    "DeviceAttribute": "string version",
    "DeviceConstraint": "matchAttribute distinctAttribute",
    "DeviceRequestAllocationResult": "shareID",
    "AllocatedDeviceStatus": "shareID",
})  # fmt: skip

# Fields without omitempty although OpenAPI calls them optional.
ALWAYS = _keys({
    "StatefulSetSpec": "serviceName",
    "StatefulSetStatus": "availableReplicas",
    "StatefulSetOrdinals": "start",
    "ResourceFieldSelector": "divisor",
    "PodDisruptionBudgetStatus": "disruptionsAllowed currentHealthy desiredHealthy expectedPods",
    "PriorityClass": "value",
    "FlowSchemaSpec": "matchingPrecedence",
    "QueuingConfiguration": "handSize queueLengthLimit queues",
})  # fmt: skip

# Lists and times without omitempty that a server prints as null.
NULLS = _keys({
    "PodCondition": "lastProbeTime lastTransitionTime",
    "NodeCondition": "lastHeartbeatTime lastTransitionTime",
    "Event": "eventTime firstTimestamp lastTimestamp",
    "EndpointSlice": "endpoints ports",
    "ProjectedVolumeSource": "sources",
    "ScaleIOVolumeSource": "secretRef",
    "AzureFilePersistentVolumeSource": "secretNamespace",
    "ClusterRole": "rules",
    "Role": "rules",
    "HorizontalPodAutoscalerStatus": "currentMetrics",
    "CustomResourceDefinitionStatus": "conditions",
})  # fmt: skip

# Structs that Go holds by value in every type that has a field of this name: `{}` is printed.
VALUE_FIELDS = frozenset(("metadata", "status", "template", "jobTemplate", "strategy", "updateStrategy", "loadBalancer"))

VALUE_STRUCTS = _keys({
    "Container": "resources",
    "EphemeralContainer": "resources",
    "PersistentVolumeClaimSpec": "resources",
    "ContainerStatus": "state lastState",
    "NodeStatus": "daemonEndpoints nodeInfo",
    "NodeDaemonEndpoints": "kubeletEndpoint",
    "IngressServiceBackend": "port",
    "NetworkPolicySpec": "podSelector",
    "Event": "source deprecatedSource",
    "TokenReviewStatus": "user",
    "ResourceClaimSpec": "devices",
    "AllocationResult": "devices",
    "CustomResourceDefinitionStatus": "acceptedNames",
})  # fmt: skip
_KINDS_WITH_SPEC = (
    "Pod Node Namespace Service PersistentVolume PersistentVolumeClaim ReplicationController LimitRange ResourceQuota Deployment "
    "ReplicaSet StatefulSet DaemonSet Job CronJob JobTemplateSpec PodTemplateSpec PersistentVolumeClaimTemplate Ingress IngressClass "
    "NetworkPolicy HorizontalPodAutoscaler PodDisruptionBudget Scale Lease APIService FlowSchema PriorityLevelConfiguration "
    "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding MutatingAdmissionPolicy MutatingAdmissionPolicyBinding IPAddress "
    "ServiceCIDR"
)
VALUE_STRUCTS |= frozenset(f"{kind}.spec" for kind in _KINDS_WITH_SPEC.split())

STRUCT_POINTERS = _keys({
    "ReplicationControllerSpec": "template",
    "PodAffinityTerm": "labelSelector",
    "DeploymentSpec": "selector",
    "ReplicaSetSpec": "selector",
    "StatefulSetSpec": "selector",
    "DaemonSetSpec": "selector",
    "VolumeNodeAffinity": "required",
    "NodeAffinity": "requiredDuringSchedulingIgnoredDuringExecution",
    "CustomResourceSubresources": "status scale",
    "ResourceClaimStatus": "allocation",
    "ScaleIOVolumeSource": "secretRef",
    "ScaleIOPersistentVolumeSource": "secretRef",
})  # fmt: skip

# Fields of structs that Go embeds: the struct's name appears in the path of an error message.
_EMBEDDED = {
    ("Probe", "ProbeHandler"): "exec grpc httpGet tcpSocket",
    ("IngressRule", "IngressRuleValue"): "http",
    ("ConfigMapEnvSource", "LocalObjectReference"): "name",
    ("ConfigMapKeySelector", "LocalObjectReference"): "name",
    ("ConfigMapProjection", "LocalObjectReference"): "name",
    ("ConfigMapVolumeSource", "LocalObjectReference"): "name",
    ("SecretEnvSource", "LocalObjectReference"): "name",
    ("SecretKeySelector", "LocalObjectReference"): "name",
    ("SecretProjection", "LocalObjectReference"): "name",
    ("RuleWithOperations", "Rule"): "apiGroups apiVersions resources scope",
    ("NamedRuleWithOperations", "RuleWithOperations.Rule"): "apiGroups apiVersions resources scope",
    ("NamedRuleWithOperations", "RuleWithOperations"): "operations",
    ("EphemeralContainer", "EphemeralContainerCommon"): (
        "args command env envFrom image imagePullPolicy lifecycle livenessProbe name ports readinessProbe resizePolicy resources "
        "restartPolicy restartPolicyRules securityContext startupProbe stdin stdinOnce terminationMessagePath terminationMessagePolicy "
        "tty volumeDevices volumeMounts workingDir"
    ),
    ("Volume", "VolumeSource"): (
        "awsElasticBlockStore azureDisk azureFile cephfs cinder configMap csi downwardAPI emptyDir ephemeral fc flexVolume flocker "
        "gcePersistentDisk gitRepo glusterfs hostPath image iscsi nfs persistentVolumeClaim photonPersistentDisk portworxVolume "
        "projected quobyte rbd scaleIO secret storageos vsphereVolume"
    ),
    ("PersistentVolumeSpec", "PersistentVolumeSource"): (
        "awsElasticBlockStore azureDisk azureFile cephfs cinder csi fc flexVolume flocker gcePersistentDisk glusterfs hostPath iscsi "
        "local nfs photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos vsphereVolume"
    ),
}
EMBEDDED = {f"{_owner}.{_name}": _inside for (_owner, _inside), _names in _EMBEDDED.items() for _name in _names.split()}

# Named Go types of strings, of lists' items (with []) and of maps.
NAMED = {
    f"{_owner}.{_name}": _go
    for _owner, _pairs in {
        "ObjectMeta": {"uid": "types.UID"},
        "ObjectReference": {"uid": "types.UID"},
        "OwnerReference": {"uid": "types.UID"},
        "ManagedFieldsEntry": {"operation": "v1.ManagedFieldsOperationType"},
        "LabelSelectorRequirement": {"operator": "v1.LabelSelectorOperator"},
        "PodSpec": {
            "restartPolicy": "v1.RestartPolicy",
            "dnsPolicy": "v1.DNSPolicy",
            "preemptionPolicy": "v1.PreemptionPolicy",
            "overhead": "v1.ResourceList",
        },
        "PodStatus": {"phase": "v1.PodPhase", "qosClass": "v1.PodQOSClass"},
        "PodOS": {"name": "v1.OSName"},
        "Container": {
            "imagePullPolicy": "v1.PullPolicy",
            "terminationMessagePolicy": "v1.TerminationMessagePolicy",
            "restartPolicy": "v1.ContainerRestartPolicy",
        },
        "ContainerPort": {"protocol": "v1.Protocol"},
        "ServicePort": {"protocol": "v1.Protocol"},
        "EndpointPort": {"protocol": "v1.Protocol"},
        "NetworkPolicyPort": {"protocol": "v1.Protocol"},
        "HTTPGetAction": {"scheme": "v1.URIScheme"},
        "ResourceRequirements": {"limits": "v1.ResourceList", "requests": "v1.ResourceList"},
        "VolumeResourceRequirements": {"limits": "v1.ResourceList", "requests": "v1.ResourceList"},
        "ResourceQuotaSpec": {"hard": "v1.ResourceList", "scopes": "[]v1.ResourceQuotaScope"},
        "ResourceQuotaStatus": {"hard": "v1.ResourceList", "used": "v1.ResourceList"},
        "NodeStatus": {"allocatable": "v1.ResourceList", "capacity": "v1.ResourceList", "phase": "v1.NodePhase"},
        "LimitRangeItem": {
            "type": "v1.LimitType",
            "max": "v1.ResourceList",
            "min": "v1.ResourceList",
            "default": "v1.ResourceList",
            "defaultRequest": "v1.ResourceList",
            "maxLimitRequestRatio": "v1.ResourceList",
        },
        "ScopedResourceSelectorRequirement": {"operator": "v1.ScopeSelectorOperator", "scopeName": "v1.ResourceQuotaScope"},
        "PersistentVolumeSpec": {
            "capacity": "v1.ResourceList",
            "accessModes": "[]v1.PersistentVolumeAccessMode",
            "persistentVolumeReclaimPolicy": "v1.PersistentVolumeReclaimPolicy",
            "volumeMode": "v1.PersistentVolumeMode",
        },
        "PersistentVolumeClaimSpec": {"accessModes": "[]v1.PersistentVolumeAccessMode", "volumeMode": "v1.PersistentVolumeMode"},
        "ServiceSpec": {
            "type": "v1.ServiceType",
            "sessionAffinity": "v1.ServiceAffinity",
            "externalTrafficPolicy": "v1.ServiceExternalTrafficPolicy",
            "internalTrafficPolicy": "v1.ServiceInternalTrafficPolicy",
            "ipFamilyPolicy": "v1.IPFamilyPolicy",
            "ipFamilies": "[]v1.IPFamily",
        },
        "Secret": {"type": "v1.SecretType"},
        "NamespaceSpec": {"finalizers": "[]v1.FinalizerName"},
        "Toleration": {"operator": "v1.TolerationOperator", "effect": "v1.TaintEffect"},
        "Taint": {"effect": "v1.TaintEffect"},
        "NodeSelectorRequirement": {"operator": "v1.NodeSelectorOperator"},
        "TopologySpreadConstraint": {
            "whenUnsatisfiable": "v1.UnsatisfiableConstraintAction",
            "nodeAffinityPolicy": "v1.NodeInclusionPolicy",
            "nodeTaintsPolicy": "v1.NodeInclusionPolicy",
        },
        "Capabilities": {"add": "[]v1.Capability", "drop": "[]v1.Capability"},
        "SecurityContext": {"procMount": "v1.ProcMountType"},
        "PodSecurityContext": {"fsGroupChangePolicy": "v1.PodFSGroupChangePolicy"},
        "SeccompProfile": {"type": "v1.SeccompProfileType"},
        "AppArmorProfile": {"type": "v1.AppArmorProfileType"},
        "EmptyDirVolumeSource": {"medium": "v1.StorageMedium"},
        "HostPathVolumeSource": {"type": "v1.HostPathType"},
        "VolumeMount": {"mountPropagation": "v1.MountPropagationMode", "recursiveReadOnly": "v1.RecursiveReadOnlyMode"},
        "DeploymentStrategy": {"type": "v1.DeploymentStrategyType"},
        "DaemonSetUpdateStrategy": {"type": "v1.DaemonSetUpdateStrategyType"},
        "StatefulSetUpdateStrategy": {"type": "v1.StatefulSetUpdateStrategyType"},
        "StatefulSetSpec": {"podManagementPolicy": "v1.PodManagementPolicyType"},
        "CronJobSpec": {"concurrencyPolicy": "v1.ConcurrencyPolicy"},
        "JobSpec": {"completionMode": "v1.CompletionMode", "podReplacementPolicy": "v1.PodReplacementPolicy"},
        "HTTPIngressPath": {"pathType": "v1.PathType"},
        "NetworkPolicySpec": {"policyTypes": "[]v1.PolicyType"},
        "ValidatingAdmissionPolicySpec": {"failurePolicy": "v1.FailurePolicyType"},
        "ValidatingWebhook": {
            "failurePolicy": "v1.FailurePolicyType",
            "matchPolicy": "v1.MatchPolicyType",
            "sideEffects": "v1.SideEffectClass",
        },
        "MutatingWebhook": {
            "failurePolicy": "v1.FailurePolicyType",
            "matchPolicy": "v1.MatchPolicyType",
            "sideEffects": "v1.SideEffectClass",
            "reinvocationPolicy": "v1.ReinvocationPolicyType",
        },
        "RuleWithOperations": {"operations": "[]v1.OperationType", "scope": "v1.ScopeType"},
        "MetricSpec": {"type": "v2.MetricSourceType"},
        "MetricTarget": {"type": "v2.MetricTargetType"},
        "HPAScalingPolicy": {"type": "v2.HPAScalingPolicyType"},
        "HPAScalingRules": {"selectPolicy": "v2.ScalingPolicySelect"},
        "StorageClass": {"reclaimPolicy": "v1.PersistentVolumeReclaimPolicy", "volumeBindingMode": "v1.VolumeBindingMode"},
        "PodDisruptionBudgetSpec": {"unhealthyPodEvictionPolicy": "v1.UnhealthyPodEvictionPolicyType"},
        "EndpointSlice": {"addressType": "v1.AddressType"},
    }.items()
    for _name, _go in _pairs.items()
}
