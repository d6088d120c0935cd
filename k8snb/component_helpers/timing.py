"""How long Kubernetes waits: every period, limit and back-off of nodes, pods and the network that is documented, in one table.

Unlike the latencies of :mod:`k8snb.sim.clock`, which are plausible, these are exact: each is the default of Kubernetes 1.36, with
the flag, field or upstream constant that it comes from. What upstream draws at random (jitter) stands here too; the draw itself
comes from a seeded stream, so a run can be repeated.

Models: pkg/kubelet/apis/config/v1beta1/defaults.go, pkg/kubelet, pkg/controller/{nodelifecycle,podgc,tainteviction}, pkg/proxy.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from k8snb.sim.clock import MILLISECOND, MINUTE, SECOND


class Timing(NamedTuple):
    """One waiting time (µs), and where upstream says so."""

    value: int
    source: str
    meaning: str


TIMING: Final[dict[str, Timing]] = {
    # a container that ends
    "crash back-off, first": Timing(10 * SECOND, "kubelet: backOffPeriod", "before the second restart of a container"),
    "crash back-off, most": Timing(5 * MINUTE, "kubelet: MaxContainerBackOff", "it doubles up to this"),
    "crash back-off, forgotten": Timing(10 * MINUTE, "kubelet: 2 x MaxContainerBackOff", "a container that ran so long starts anew"),
    "image back-off, first": Timing(10 * SECOND, "kubelet: imageBackOffPeriod", "before an image is pulled again"),
    "image back-off, most": Timing(5 * MINUTE, "kubelet: MaxImageBackOff", "it doubles up to this"),
    "termination grace": Timing(30 * SECOND, "spec.terminationGracePeriodSeconds", "from SIGTERM to SIGKILL"),
    "grace after preStop": Timing(2 * SECOND, "kuberuntime: minimumGracePeriodInSeconds", "left after SIGTERM, however long the hook took"),
    # probes
    "probe period": Timing(10 * SECOND, "probe.periodSeconds", "between two probes"),
    "probe timeout": Timing(1 * SECOND, "probe.timeoutSeconds", "for one probe to answer"),
    "post-start limit": Timing(10 * MINUTE, "no limit upstream", "so long a postStart hook may take here"),
    # the turns of a kubelet
    "retry": Timing(10 * SECOND, "kubelet: backOffPeriod", "after trouble that is not the container's own"),
    "volume refresh": Timing(1 * MINUTE, "kubelet: syncFrequency", "files of ConfigMaps and Secrets are written anew"),
    "resize retry": Timing(3 * MINUTE, "kubelet: retryDelay", "a deferred resize is tried again"),
    # volumes
    "mount back-off, first": Timing(500 * MILLISECOND, "exponentialbackoff: initialDurationBeforeRetry", "a failed mount is tried again"),
    "mount back-off, most": Timing(2 * MINUTE + 2 * SECOND, "exponentialbackoff: maxDurationBeforeRetry", "it doubles up to this"),
    "attach and mount": Timing(2 * MINUTE + 3 * SECOND, "kubelet: podAttachAndMountTimeout", "then the pod says what it waits for"),
    "forced detach": Timing(6 * MINUTE, "attachdetach: maxWaitForUnmountDuration", "so long a silent node keeps a volume"),
    "claim resync": Timing(15 * SECOND, "--pvclaimbinder-sync-period", "between two looks for a volume"),
    "volume binding": Timing(10 * MINUTE, "scheduler: bindTimeoutSeconds", "so long a pod waits for its claims before it is bound"),
    "volume binding poll": Timing(1 * SECOND, "volumebinding: BindPodVolumes", "between two looks whether they are"),
    # heartbeats
    "node lease renewal": Timing(10 * SECOND, "kubelet: nodeLeaseDurationSeconds / 4", "the heartbeat"),
    "node lease duration": Timing(40 * SECOND, "kubelet: nodeLeaseDurationSeconds", "written into the Lease"),
    "node status report": Timing(5 * MINUTE, "kubelet: nodeStatusReportFrequency", "the Node's status, where nothing changed"),
    "runtime silence": Timing(30 * SECOND, "kubelet: maxWaitForContainerRuntime", "after which the kubelet calls its node not ready"),
    "container listing": Timing(3 * MINUTE, "kubelet: genericPlegRelistThreshold", "after which nobody trusts its list of containers"),
    # pressure
    "eviction monitoring": Timing(10 * SECOND, "kubelet: evictionMonitoringPeriod", "between two looks at what is left of the node"),
    "pressure transition": Timing(5 * MINUTE, "kubelet: evictionPressureTransitionPeriod", "a pressure condition stays so long"),
    "eviction grace": Timing(1 * SECOND, "eviction: immediateEvictionGracePeriodSeconds", "a hard eviction gives so much"),
    "pod kill limit": Timing(10 * SECOND, "killPodNow: minTimeout", "an eviction waits so long for a kill, or 1.5 times its grace"),
    "eviction cleanup poll": Timing(1 * SECOND, "eviction: podCleanupPollFreq", "between two looks whether the evicted pod is gone"),
    "eviction cleanup limit": Timing(30 * SECOND, "eviction: podCleanupTimeout", "then the next pod is considered all the same"),
    "image minimum age": Timing(2 * MINUTE, "kubelet: imageMinimumGCAge", "a younger image is never removed"),
    "image collection": Timing(5 * MINUTE, "kubelet: ImageGCPeriod", "between two looks at the images"),
    # nodes that are lost
    "node monitor": Timing(5 * SECOND, "--node-monitor-period", "between two looks at the heartbeats"),
    "node grace": Timing(50 * SECOND, "--node-monitor-grace-period", "silence after which a node is Unknown"),
    "node startup grace": Timing(60 * SECOND, "--node-startup-grace-period", "for a node that never said anything"),
    "taint toleration": Timing(5 * MINUTE, "DefaultTolerationSeconds", "a pod tolerates not-ready and unreachable so long"),
    "taint pass": Timing(100 * MILLISECOND, "nodelifecycle: nodeEvictionPeriod", "between two looks at the nodes to taint NoExecute"),
    "zone eviction": Timing(10 * SECOND, "--node-eviction-rate=0.1", "between two nodes of a zone that are given up"),
    "zone eviction, slow": Timing(100 * SECOND, "--secondary-node-eviction-rate=0.01", "the same in a large zone that is mostly lost"),
    # pods that nobody finishes
    "pod collection": Timing(20 * SECOND, "podgc: gcCheckPeriod", "between two looks for orphaned pods"),
    "pod quarantine": Timing(40 * SECOND, "podgc: quarantineTime", "before a missing node is believed to be gone"),
    # a cloud
    "node provision": Timing(15 * MINUTE, "cluster-autoscaler: --max-node-provision-time", "for a machine to become a node"),
    "node group back-off, first": Timing(5 * MINUTE, "--initial-node-group-backoff-duration", "a node pool rests after a failure"),
    "node group back-off, most": Timing(30 * MINUTE, "--max-node-group-backoff-duration", "it doubles up to this"),
    "node group back-off, forgotten": Timing(180 * MINUTE, "--node-group-backoff-reset-timeout", "after so long a pool starts anew"),
    # the network
    "own service": Timing(10 * SECOND, "--endpoint-reconciler: EndpointReconcilerInterval", "until the API server misses its own Service"),
    "proxy sync": Timing(1 * SECOND, "kube-proxy: minSyncPeriod", "between two looks at what changed"),
    "connection tracking": Timing(1440 * MINUTE, "kube-proxy: conntrack.tcpEstablishedTimeout", "an idle connection is forgotten"),
    "session affinity": Timing(180 * MINUTE, "DefaultClientIPServiceAffinitySeconds", "a client stays with its endpoint"),
    "name lookup": Timing(10 * SECOND, "resolv.conf: timeout 5, attempts 2", "before a client gives up a name server that is silent"),
    "ingress connect": Timing(5 * SECOND, "ingress-nginx: proxy-connect-timeout", "for an endpoint to accept a connection"),
    "ingress read": Timing(60 * SECOND, "ingress-nginx: proxy-read-timeout", "for an endpoint to answer"),
}


def timing(name: str) -> int:
    """The waiting time of that name (µs).

    >>> timing("node grace") // SECOND
    50
    """
    return TIMING[name].value
