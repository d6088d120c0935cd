"""Objects as Go prints its *internal* types in a few error messages: capitalised names, every field, null for what is absent.

    spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}

The same form is what the diff of a forbidden update compares (:func:`diff`): *pod updates may not change fields other than ...*.

A line of the table is a Go struct: its fields in Go's order, each ``Name``, then ``:kind`` where the zero is not null, or
``:Struct`` or ``:[]Struct`` for nested ones, ``*`` for a pointer to one.

Models: pkg/apis/core/types.go (names and order of fields), k8s.io/apimachinery/pkg/util/diff.
Simplified: structs that are not listed keep their JSON form.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any

_ZERO: dict[str, Any] = {"s": "", "i": 0, "b": False}
_STRUCTS = {
    "ServicePort": "Name:s Protocol:s AppProtocol Port:i TargetPort:i NodePort:i",
    "SecurityContext": (
        "Capabilities:*Capabilities Privileged SELinuxOptions:*SELinuxOptions WindowsOptions:*WindowsOptions RunAsUser "
        "RunAsGroup RunAsNonRoot "
        "ReadOnlyRootFilesystem AllowPrivilegeEscalation ProcMount SeccompProfile:*Profile AppArmorProfile:*Profile"
    ),
    "Capabilities": "Add Drop",
    "SELinuxOptions": "User:s Role:s Type:s Level:s",
    "Profile": "Type:s LocalhostProfile",
    "ResourceRequirements": "Limits Requests Claims",
    "VolumeResourceRequirements": "Limits Requests",
    "ContainerPort": "Name:s HostPort:i ContainerPort:i Protocol:s HostIP:s",
    "EnvVar": "Name:s Value:s ValueFrom:*EnvVarSource",
    "EnvVarSource": "FieldRef:*FieldRef ResourceFieldRef:*ResourceFieldRef ConfigMapKeyRef:*KeyRef SecretKeyRef:*KeyRef FileKeyRef",
    "FieldRef": "APIVersion:s FieldPath:s",
    "ResourceFieldRef": "ContainerName:s Resource:s Divisor:s",
    "KeyRef": "Name:s Key:s Optional",
    "EnvFromSource": "Prefix:s ConfigMapRef:*NameRef SecretRef:*NameRef",
    "NameRef": "Name:s Optional",
    "VolumeMount": "Name:s ReadOnly:b RecursiveReadOnly MountPath:s SubPath:s MountPropagation SubPathExpr:s",
    "Probe": (
        "Exec:*ExecAction HTTPGet:*HTTPGetAction TCPSocket:*TCPSocketAction GRPC:*GRPCAction InitialDelaySeconds:i TimeoutSeconds:i "
        "PeriodSeconds:i SuccessThreshold:i FailureThreshold:i TerminationGracePeriodSeconds"
    ),
    "ExecAction": "Command",
    "HTTPGetAction": "Path:s Port:i Host:s Scheme:s HTTPHeaders:[]HTTPHeader",
    "HTTPHeader": "Name:s Value:s",
    "TCPSocketAction": "Port:i Host:s",
    "GRPCAction": "Port:i Service",
    "Handler": "Exec:*ExecAction HTTPGet:*HTTPGetAction TCPSocket:*TCPSocketAction Sleep:*SleepAction",
    "SleepAction": "Seconds:i",
    "Lifecycle": "PostStart:*Handler PreStop:*Handler StopSignal",
    "Container": (
        "Name:s Image:s Command Args WorkingDir:s Ports:[]ContainerPort EnvFrom:[]EnvFromSource Env:[]EnvVar "
        "Resources:ResourceRequirements "
        "ResizePolicy:[]ResizePolicy RestartPolicy RestartPolicyRules VolumeMounts:[]VolumeMount VolumeDevices:[]VolumeDevice "
        "LivenessProbe:*Probe ReadinessProbe:*Probe "
        "StartupProbe:*Probe Lifecycle:*Lifecycle TerminationMessagePath:s TerminationMessagePolicy:s ImagePullPolicy:s "
        "SecurityContext:*SecurityContext Stdin:b StdinOnce:b TTY:b"
    ),
    "ResizePolicy": "ResourceName:s RestartPolicy:s",
    "VolumeDevice": "Name:s DevicePath:s",
    "PodSecurityContext": (
        "HostNetwork:b HostPID:b HostIPC:b ShareProcessNamespace HostUsers SELinuxOptions:*SELinuxOptions "
        "WindowsOptions:*WindowsOptions RunAsUser "
        "RunAsGroup RunAsNonRoot SupplementalGroups SupplementalGroupsPolicy FSGroup FSGroupChangePolicy Sysctls:[]Named "
        "SeccompProfile:*Profile "
        "AppArmorProfile:*Profile SELinuxChangePolicy"
    ),
    "Volume": (
        "Name:s HostPath:*HostPath EmptyDir:*EmptyDir GCEPersistentDisk:*GCEDisk AWSElasticBlockStore:*AWSDisk GitRepo:*GitRepo "
        "Secret:*SecretVolume NFS:*NFS ISCSI Glusterfs "
        "PersistentVolumeClaim:*ClaimVolume RBD Quobyte FlexVolume Cinder CephFS Flocker DownwardAPI:*DownwardVolume FC AzureFile "
        "ConfigMap:*ConfigMapVolume "
        "VsphereVolume AzureDisk PhotonPersistentDisk Projected:*Projected PortworxVolume ScaleIO StorageOS CSI:*CSI "
        "Ephemeral Image:*ImageVolume"
    ),
    "HostPath": "Path:s Type",
    "NFS": "Server:s Path:s ReadOnly:b",
    "GitRepo": "Repository:s Revision:s Directory:s",
    "GCEDisk": "PDName:s FSType:s Partition:i ReadOnly:b",
    "AWSDisk": "VolumeID:s FSType:s Partition:i ReadOnly:b",
    "CSI": "Driver:s ReadOnly FSType VolumeAttributes NodePublishSecretRef:*Name",
    "ImageVolume": "Reference:s PullPolicy:s",
    "DownwardVolume": "Items:[]DownwardFile DefaultMode",
    "Name": "Name:s",
    "Named": "Name:s Value:s",
    "WindowsOptions": "GMSACredentialSpecName GMSACredentialSpec RunAsUserName HostProcess",
    "EmptyDir": "Medium:s SizeLimit",
    "SecretVolume": "SecretName:s Items:[]KeyToPath DefaultMode Optional",
    "ConfigMapVolume": "Name:s Items:[]KeyToPath DefaultMode Optional",
    "ClaimVolume": "ClaimName:s ReadOnly:b",
    "KeyToPath": "Key:s Path:s Mode",
    "Projected": "Sources:[]Projection DefaultMode",
    "Projection": (
        "Secret:*ProjectedItems DownwardAPI:*DownwardItems ConfigMap:*ProjectedItems ServiceAccountToken:*Token "
        "ClusterTrustBundle PodCertificate"
    ),
    "ProjectedItems": "Name:s Items:[]KeyToPath Optional",
    "DownwardItems": "Items:[]DownwardFile",
    "DownwardFile": "Path:s FieldRef:*FieldRef ResourceFieldRef:*ResourceFieldRef Mode",
    "Token": "Audience:s ExpirationSeconds:i Path:s",
    "Toleration": "Key:s Operator:s Value:s Effect:s TolerationSeconds",
    "PodSpec": (
        "Volumes:[]Volume InitContainers:[]Container Containers:[]Container EphemeralContainers:[]EphemeralContainer RestartPolicy:s "
        "TerminationGracePeriodSeconds ActiveDeadlineSeconds DNSPolicy:s NodeSelector ServiceAccountName:s "
        "AutomountServiceAccountToken NodeName:s "
        "SecurityContext:*PodSecurityContext ImagePullSecrets:[]Name Hostname:s Subdomain:s SetHostnameAsFQDN "
        "Affinity:*Affinity SchedulerName:s "
        "Tolerations:[]Toleration HostAliases:[]HostAlias PriorityClassName:s Priority PreemptionPolicy DNSConfig:*DNSConfig "
        "ReadinessGates:[]ReadinessGate RuntimeClassName "
        "Overhead EnableServiceLinks TopologySpreadConstraints:[]SpreadConstraint OS:*Name SchedulingGates:[]Name "
        "ResourceClaims:[]PodResourceClaim Resources:*ResourceRequirements HostnameOverride SchedulingGroup"
    ),
    "HostAlias": "IP:s Hostnames",
    "DNSConfig": "Nameservers Searches Options:[]DNSOption",
    "DNSOption": "Name:s Value",
    "ReadinessGate": "ConditionType:s",
    "PodResourceClaim": "Name:s ResourceClaimName ResourceClaimTemplateName",
    "SpreadConstraint": (
        "MaxSkew:i TopologyKey:s WhenUnsatisfiable:s LabelSelector MinDomains NodeAffinityPolicy NodeTaintsPolicy MatchLabelKeys"
    ),
    "Affinity": "NodeAffinity:*NodeAffinity PodAffinity:*PodAffinity PodAntiAffinity:*PodAffinity",
    "NodeAffinity": (
        "RequiredDuringSchedulingIgnoredDuringExecution:*NodeSelector PreferredDuringSchedulingIgnoredDuringExecution:[]PreferredTerm"
    ),
    "NodeSelector": "NodeSelectorTerms:[]NodeTerm",
    "NodeTerm": "MatchExpressions:[]NodeRequirement MatchFields:[]NodeRequirement",
    "NodeRequirement": "Key:s Operator:s Values",
    "PreferredTerm": "Weight:i Preference:NodeTerm",
    "PodAffinity": (
        "RequiredDuringSchedulingIgnoredDuringExecution:[]PodTerm PreferredDuringSchedulingIgnoredDuringExecution:[]WeightedPodTerm"
    ),
    "PodTerm": "LabelSelector Namespaces TopologyKey:s NamespaceSelector MatchLabelKeys MismatchLabelKeys",
    "WeightedPodTerm": "Weight:i PodAffinityTerm:PodTerm",
    "PersistentVolumeSource": (
        "GCEPersistentDisk:*GCEDisk AWSElasticBlockStore:*AWSDisk HostPath:*HostPath Glusterfs NFS:*NFS RBD Quobyte ISCSI FlexVolume "
        "Cinder CephFS FC Flocker AzureFile VsphereVolume AzureDisk PhotonPersistentDisk PortworxVolume ScaleIO Local:*Local StorageOS "
        "CSI:*CSIVolume"
    ),
    "Local": "Path:s FSType",
    "CSIVolume": (
        "Driver:s VolumeHandle:s ReadOnly:b FSType:s VolumeAttributes ControllerPublishSecretRef:*SecretRef "
        "NodeStageSecretRef:*SecretRef NodePublishSecretRef:*SecretRef ControllerExpandSecretRef:*SecretRef NodeExpandSecretRef:*SecretRef"
    ),
    "SecretRef": "Name:s Namespace:s",
    "PersistentVolumeClaimSpec": (
        "AccessModes Selector Resources:VolumeResourceRequirements VolumeName:s StorageClassName VolumeMode DataSource DataSourceRef "
        "VolumeAttributesClassName"
    ),
    "Taint": "Key:s Value:s Effect:s TimeAdded",
    "CRDVersion": (
        "Name:s Served:b Storage:b Deprecated:b DeprecationWarning Schema Subresources:*CRDSubresources "
        "AdditionalPrinterColumns:[]CRDColumn SelectableFields:[]CRDField"
    ),
    "CRDSubresources": "Status Scale:*CRDScale",
    "CRDScale": "SpecReplicasPath:s StatusReplicasPath:s LabelSelectorPath",
    "CRDColumn": "Name:s Type:s Format:s Description:s Priority:i JSONPath:s",
    "CRDField": "JSONPath:s",
}  # fmt: skip
_STRUCTS["EphemeralContainer"] = f"{_STRUCTS['Container']} TargetContainerName:s"
_HOST_FIELDS = {"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers"}  # of the security context inside Go


def internal(struct: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """The internal form of a JSON object that is a Go ``struct``.

    >>> internal("Taint", {"key": "a", "effect": "NoSchedule"})
    {'Key': 'a', 'Value': '', 'Effect': 'NoSchedule', 'TimeAdded': None}
    """
    if struct == "PodSpec":
        moved = {key: value[key] for key in _HOST_FIELDS if key in value}
        value = {**value, "securityContext": {**(value.get("securityContext") or {}), **moved}}
    found = {name.lower(): item for name, item in value.items()}
    return {name: _field(kind, found.get(name.lower())) for name, kind in _fields(struct)}


def _fields(struct: str) -> Iterator[tuple[str, str]]:
    for word in _STRUCTS[struct].split():
        name, _, kind = word.partition(":")
        yield name, kind


def _field(kind: str, value: Any) -> Any:
    if kind.startswith("[]"):
        return None if value is None else [internal(kind[2:], item) for item in value]
    if kind.lstrip("*") in _STRUCTS:
        return None if value is None and kind[0] == "*" else internal(kind.lstrip("*"), value or {})
    return _ZERO.get(kind) if value is None else value


def diff(struct: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """How two objects differ, as the server prints it: a unified diff of their internal forms."""
    return plain_diff(internal(struct, old), internal(struct, new))


def plain_diff(old: Any, new: Any) -> str:
    """A unified diff of two values as indented JSON."""
    before, after = (json.dumps(value, indent=1, ensure_ascii=False).splitlines(keepends=True) for value in (old, new))
    lines = list(difflib.unified_diff(before, after))[2:]
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
