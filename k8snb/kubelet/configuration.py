"""A ``KubeletConfiguration``: the file that every kubelet of a cluster reads when it starts.

    apiVersion: kubelet.config.k8s.io/v1beta1
    kind: KubeletConfiguration
    evictionSoft: {memory.available: 500Mi}
    evictionSoftGracePeriod: {memory.available: 1m30s}
    shutdownGracePeriod: 30s
    shutdownGracePeriodCriticalPods: 10s

It is decoded as every object is, by the types in :data:`TYPES`; what it says is then validated, and all that is wrong told at once, in
the kubelet's own words. What is known and has no effect here (:data:`KNOWN`) is accepted and named.

Models: staging/src/k8s.io/kubelet/config/v1beta1/types.go, pkg/kubelet/apis/config/validation/validation.go.
The kubelet does not refuse a period below zero; a pod has the shortest one then (two seconds).
Simplified: one file for all machines; a running kubelet is not given another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

from k8snb.apimachinery.decode import DecodeError, decode
from k8snb.apimachinery.duration import go_duration, parse_duration
from k8snb.apimachinery.objects import FrozenDict, Object
from k8snb.apimachinery.schema import Types
from k8snb.component_helpers.configuration import one_document
from k8snb.component_helpers.timing import timing
from k8snb.kubelet.thresholds import Threshold, thresholds_of
from k8snb.messages import Mistake, text
from k8snb.sim.clock import SECOND

API_VERSION, KIND = "kubelet.config.k8s.io/v1beta1", "KubeletConfiguration"
SYSTEM_CRITICAL = 2_000_000_000
_MAPS = ("evictionHard", "evictionSoft", "evictionSoftGracePeriod", "evictionMinimumReclaim")
_LENGTHS = ("evictionPressureTransitionPeriod", "imageMinimumGCAge", "shutdownGracePeriod", "shutdownGracePeriodCriticalPods")
_GO = "io.k8s.kubelet.config.v1beta1"
KNOWN: Final = (
    "address", "allowedUnsafeSysctls", "authentication", "authorization", "cgroupDriver", "cgroupRoot", "cgroupsPerQOS", "clusterDNS",
    "clusterDomain", "configMapAndSecretChangeDetectionStrategy", "containerLogMaxFiles", "containerLogMaxSize", "containerLogMaxWorkers",
    "containerLogMonitorInterval", "containerRuntimeEndpoint", "contentType", "cpuCFSQuota", "cpuCFSQuotaPeriod", "cpuManagerPolicy",
    "cpuManagerPolicyOptions", "cpuManagerReconcilePeriod", "crashLoopBackOff", "enableContentionProfiling",
    "enableControllerAttachDetach", "enableDebugFlagsHandler", "enableDebuggingHandlers", "enableProfilingHandler", "enableServer",
    "enableSystemLogHandler", "enableSystemLogQuery", "enforceNodeAllocatable", "eventBurst", "eventRecordQPS", "failCgroupV1",
    "failSwapOn", "featureGates", "fileCheckFrequency", "hairpinMode", "healthzBindAddress", "healthzPort", "httpCheckFrequency",
    "imageMaximumGCAge", "imagePullCredentialsVerificationPolicy", "imageServiceEndpoint", "iptablesDropBit", "iptablesMasqueradeBit",
    "kernelMemcgNotification", "kubeAPIBurst", "kubeAPIQPS", "kubeReserved", "kubeReservedCgroup", "kubeletCgroups",
    "localStorageCapacityIsolation", "logging", "makeIPTablesUtilChains", "maxOpenFiles", "maxParallelImagePulls", "maxPods",
    "memoryManagerPolicy", "memorySwap", "memoryThrottlingFactor", "nodeLeaseDurationSeconds", "nodeStatusMaxImages",
    "nodeStatusReportFrequency", "nodeStatusUpdateFrequency", "oomScoreAdj", "podCIDR", "podLogsDir", "podPidsLimit", "podsPerCore",
    "port", "preloadedImagesVerificationAllowlist", "protectKernelDefaults", "providerID", "qosReserved", "readOnlyPort", "registerNode",
    "registerWithTaints", "registryBurst", "registryPullQPS", "reservedMemory", "reservedSystemCPUs", "resolvConf", "rotateCertificates",
    "runOnce", "runtimeRequestTimeout", "seccompDefault", "serializeImagePulls", "serverTLSBootstrap", "showHiddenMetricsForVersion",
    "singleProcessOOMKill", "staticPodPath", "staticPodURL", "staticPodURLHeader", "streamingConnectionIdleTimeout", "syncFrequency",
    "systemCgroups", "systemReserved", "systemReservedCgroup", "tlsCertFile", "tlsCipherSuites", "tlsMinVersion", "tlsPrivateKeyFile",
    "topologyManagerPolicy", "topologyManagerPolicyOptions", "topologyManagerScope", "tracing", "userNamespaces", "volumePluginDir",
    "volumeStatsAggPeriod",
)  # fmt: skip
"""Fields of a real kubelet that change nothing here."""
TYPES: Final = Types({
    f"{_GO}.{KIND}": {"fields": {
        **dict.fromkeys(("apiVersion", "kind", *_LENGTHS), "string"), **dict.fromkeys(_MAPS, "map[string]string"),
        **dict.fromkeys(KNOWN, "*any"), "mergeDefaultEvictionSettings": "*bool", "evictionMaxPodGracePeriod": "int32",
        **dict.fromkeys(("imageGCHighThresholdPercent", "imageGCLowThresholdPercent"), "*int32"),
        "shutdownGracePeriodByPodPriority": f"[]{_GO}.ShutdownGracePeriodByPodPriority",
    }},
    f"{_GO}.ShutdownGracePeriodByPodPriority": {"fields": {"priority": "int32", "shutdownGracePeriodSeconds": "int64"}},
})  # fmt: skip


class Period(NamedTuple):
    """Pods of this priority and above (up to the next period's) get so many seconds when their node is shut down."""

    priority: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Settings:
    """What a kubelet is started with. Times in µs unless they say seconds."""

    thresholds: tuple[Threshold, ...] = thresholds_of({}, [])
    max_pod_grace: int = 0  # seconds that a soft eviction gives; 0: what the pod itself asks for
    transition: int = timing("pressure transition")
    shutdown: tuple[Period, ...] = ()  # by priority, the lowest first; empty: a shutdown is not noticed
    image_high: int = 85
    image_low: int = 80
    image_age: int = timing("image minimum age")
    ignored: tuple[str, ...] = ()


DEFAULTS = Settings()


def parse(given: str | Mapping[str, Any]) -> FrozenDict:
    """The configuration as a value. Raises ValueError for what is no YAML, or several documents."""
    return one_document(given, "kubelet.no_configuration")


def settings(document: Object | None) -> Settings:
    """The settings of a configuration; the default ones where there is none. Raises ValueError with all that is wrong."""
    if not document:
        return DEFAULTS
    errors: list[str] = []
    decoded = _decoded(document, errors)
    found = _settings(decoded, errors) if not errors else DEFAULTS
    if errors:
        raise Mistake(text("kubelet.bad_configuration", errors="\n".join(f"  {error}" for error in dict.fromkeys(errors))))
    return found


def _decoded(document: Object, errors: list[str]) -> Object:
    """The document as Go reads it: null is absence, and a value of another type is an error."""
    given = (document.get("apiVersion"), document.get("kind"))
    if given != (API_VERSION, KIND):
        errors.append(f'no kind "{given[1]}" is registered for version "{given[0]}"')
        return document
    try:
        value, unknown = decode(TYPES[f"{_GO}.{KIND}"], document)
    except DecodeError as error:
        errors.append(str(error))
        return document
    if unknown:
        errors.append(f"strict decoding error: {', '.join(unknown)}")
    return cast(Object, value)


def _settings(document: Object, errors: list[str]) -> Settings:
    found = Settings(
        thresholds=thresholds_of(document, errors), max_pod_grace=document.get("evictionMaxPodGracePeriod", 0),
        transition=_duration(document, "evictionPressureTransitionPeriod", DEFAULTS.transition, errors),
        shutdown=_shutdown(document, errors), image_high=document.get("imageGCHighThresholdPercent", DEFAULTS.image_high),
        image_low=document.get("imageGCLowThresholdPercent", DEFAULTS.image_low),
        image_age=_duration(document, "imageMinimumGCAge", DEFAULTS.image_age, errors),
        ignored=tuple(field for field in KNOWN if field in document),
    )  # fmt: skip
    errors += _image_errors(found)
    return found


def _duration(document: Object, field: str, default: int, errors: list[str]) -> int:
    try:
        return parse_duration(document.get(field) or "0") or default
    except ValueError as error:
        errors.append(str(error))
        return default


def _image_errors(found: Settings) -> list[str]:
    high, low = ("imageGCHighThresholdPercent", "high"), ("imageGCLowThresholdPercent", "low")
    errors = [
        f"invalid configuration: {field} (--image-gc-{which}-threshold) {value} must be between 0 and 100, inclusive"
        for (field, which), value in ((high, found.image_high), (low, found.image_low))
        if not 0 <= value <= 100
    ]
    if found.image_low >= found.image_high:
        errors.append(
            f"invalid configuration: imageGCLowThresholdPercent (--image-gc-low-threshold) {found.image_low} must be less than "
            f"imageGCHighThresholdPercent (--image-gc-high-threshold) {found.image_high}"
        )
    if found.image_age < 0:
        errors.append(f"invalid configuration: imageMinimumGCAge {go_duration(found.image_age)} must not be negative")
    return errors


# -- shutdown --------------------------------------------------------------------------------------------------------


def _shutdown(document: Object, errors: list[str]) -> tuple[Period, ...]:
    """The periods of a graceful shutdown, the lowest priority first."""
    whole = _duration(document, "shutdownGracePeriod", 0, errors)
    critical = _duration(document, "shutdownGracePeriodCriticalPods", 0, errors)
    given = document.get("shutdownGracePeriodByPodPriority") or ()
    if critical > whole:
        lengths = f"shutdownGracePeriodCriticalPods {go_duration(critical)} must be <= shutdownGracePeriod {go_duration(whole)}"
        errors.append(f"invalid configuration: {lengths}")
    for field, value in (("shutdownGracePeriod", whole), ("shutdownGracePeriodCriticalPods", critical)):
        if value < 0 or 0 < value < SECOND:
            errors.append(f"invalid configuration: {field} {go_duration(value)} must be either zero or otherwise >= 1 sec")
    if given and (whole or critical):
        both = "Cannot specify both shutdownGracePeriodByPodPriority and shutdownGracePeriod at the same time"
        errors.append(f"invalid configuration: {both}")
    if given:
        return tuple(sorted(Period(one.get("priority", 0), one.get("shutdownGracePeriodSeconds", 0)) for one in given))
    return (Period(0, (whole - critical) // SECOND), Period(SYSTEM_CRITICAL, critical // SECOND)) if whole else ()
