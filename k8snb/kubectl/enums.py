"""Fields that take one of a few words, for ``explain``: (type, field) -> the values, in the order in which explain lists them.

Models: the ``+enum`` types of k8s.io/api.
Simplified: the types of pods, workloads, services and storage.
"""

from __future__ import annotations

_PULL = ("Always", "IfNotPresent", "Never")
_PROFILE = ("Localhost", "RuntimeDefault", "Unconfined")
_EFFECT = ("NoExecute", "NoSchedule", "PreferNoSchedule")
_HONOR = ("Honor", "Ignore")
_PROTOCOL = ("SCTP", "TCP", "UDP")
_SIGNALS = (
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL", "PROF", "PWR", "QUIT",
    *("RTMAX" + (f"-{n}" if n else "") for n in (0, 1, 10, 11, 12, 13, 14, 2, 3, 4, 5, 6, 7, 8, 9)),
    *("RTMIN" + (f"+{n}" if n else "") for n in (0, 1, 10, 11, 12, 13, 14, 15, 2, 3, 4, 5, 6, 7, 8, 9)),
    "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ",
)  # fmt: skip

ENUMS: dict[tuple[str, str], tuple[str, ...]] = {
    ("AppArmorProfile", "type"): _PROFILE,
    ("AzureDiskVolumeSource", "cachingMode"): ("None", "ReadOnly", "ReadWrite"),
    ("AzureDiskVolumeSource", "kind"): ("Dedicated", "Managed", "Shared"),
    ("Container", "imagePullPolicy"): _PULL,
    ("Container", "terminationMessagePolicy"): ("FallbackToLogsOnError", "File"),
    ("ContainerPort", "protocol"): _PROTOCOL,
    ("CronJobSpec", "concurrencyPolicy"): ("Allow", "Forbid", "Replace"),
    ("DaemonSetUpdateStrategy", "type"): ("OnDelete", "RollingUpdate"),
    ("DeploymentStrategy", "type"): ("Recreate", "RollingUpdate"),
    ("EndpointPort", "protocol"): _PROTOCOL,
    ("EndpointSlice", "addressType"): ("FQDN", "IPv4", "IPv6"),
    ("EphemeralContainer", "imagePullPolicy"): _PULL,
    ("EphemeralContainer", "terminationMessagePolicy"): ("FallbackToLogsOnError", "File"),
    ("HTTPGetAction", "scheme"): ("HTTP", "HTTPS"),
    ("HTTPIngressPath", "pathType"): ("Exact", "ImplementationSpecific", "Prefix"),
    ("HostPathVolumeSource", "type"): (
        '""', "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
    ),
    ("ImageVolumeSource", "pullPolicy"): _PULL,
    ("JobSpec", "completionMode"): ("Indexed", "NonIndexed"),
    ("JobSpec", "podReplacementPolicy"): ("Failed", "TerminatingOrFailed"),
    ("Lifecycle", "stopSignal"): tuple(f"SIG{name}" for name in _SIGNALS),
    ("NamespaceStatus", "phase"): ("Active", "Terminating"),
    ("NodeSelectorRequirement", "operator"): ("DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn"),
    ("NodeStatus", "phase"): ("Pending", "Running", "Terminated"),
    ("PersistentVolumeClaimSpec", "volumeMode"): ("Block", "Filesystem"),
    ("PersistentVolumeClaimStatus", "phase"): ("Bound", "Lost", "Pending"),
    ("PersistentVolumeSpec", "persistentVolumeReclaimPolicy"): ("Delete", "Recycle", "Retain"),
    ("PersistentVolumeSpec", "volumeMode"): ("Block", "Filesystem"),
    ("PersistentVolumeStatus", "phase"): ("Available", "Bound", "Failed", "Pending", "Released"),
    ("PodFailurePolicyOnExitCodesRequirement", "operator"): ("In", "NotIn"),
    ("PodFailurePolicyRule", "action"): ("Count", "FailIndex", "FailJob", "Ignore"),
    ("PodSecurityContext", "fsGroupChangePolicy"): ("Always", "OnRootMismatch"),
    ("PodSecurityContext", "supplementalGroupsPolicy"): ("Merge", "Strict"),
    ("PodSpec", "dnsPolicy"): ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
    ("PodSpec", "preemptionPolicy"): ("Never", "PreemptLowerPriority"),
    ("PodSpec", "restartPolicy"): ("Always", "Never", "OnFailure"),
    ("PodStatus", "phase"): ("Failed", "Pending", "Running", "Succeeded", "Unknown"),
    ("PodStatus", "qosClass"): ("BestEffort", "Burstable", "Guaranteed"),
    ("PriorityClass", "preemptionPolicy"): ("Never", "PreemptLowerPriority"),
    ("SeccompProfile", "type"): _PROFILE,
    ("SecurityContext", "procMount"): ("Default", "Unmasked"),
    ("ServicePort", "protocol"): _PROTOCOL,
    ("ServiceSpec", "externalTrafficPolicy"): ("Cluster", "Local"),
    ("ServiceSpec", "internalTrafficPolicy"): ("Cluster", "Local"),
    ("ServiceSpec", "ipFamilyPolicy"): ("PreferDualStack", "RequireDualStack", "SingleStack"),
    ("ServiceSpec", "sessionAffinity"): ("ClientIP", "None"),
    ("ServiceSpec", "type"): ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"),
    ("StatefulSetSpec", "podManagementPolicy"): ("OrderedReady", "Parallel"),
    ("StatefulSetUpdateStrategy", "type"): ("OnDelete", "RollingUpdate"),
    ("StorageClass", "reclaimPolicy"): ("Delete", "Recycle", "Retain"),
    ("StorageClass", "volumeBindingMode"): ("Immediate", "WaitForFirstConsumer"),
    ("Taint", "effect"): _EFFECT,
    ("Toleration", "effect"): _EFFECT,
    ("Toleration", "operator"): ("Equal", "Exists", "Gt", "Lt"),
    ("TopologySpreadConstraint", "nodeAffinityPolicy"): _HONOR,
    ("TopologySpreadConstraint", "nodeTaintsPolicy"): _HONOR,
    ("TopologySpreadConstraint", "whenUnsatisfiable"): ("DoNotSchedule", "ScheduleAnyway"),
    ("VolumeMount", "mountPropagation"): ("Bidirectional", "HostToContainer", "None"),
}  # fmt: skip
