"""The scheduler's plugins: one file each, and the profile of a real default scheduler.

A new plugin is one file and one line in a tuple. The order is upstream's and it matters: the first Filter that objects gives a
node's reason, and PostFilter plugins are asked in turn.

Models: pkg/scheduler/apis/config/v1/default_plugins.go. Simplified: DynamicResources has no devices to give.
"""

from k8snb.scheduler.framework import Plugin, Profile
from k8snb.scheduler.plugins.default_binder import DefaultBinder
from k8snb.scheduler.plugins.default_preemption import DefaultPreemption
from k8snb.scheduler.plugins.dynamic_resources import DynamicResources
from k8snb.scheduler.plugins.image_locality import ImageLocality
from k8snb.scheduler.plugins.inter_pod_affinity import InterPodAffinity
from k8snb.scheduler.plugins.node_affinity import NodeAffinity
from k8snb.scheduler.plugins.node_name import NodeName
from k8snb.scheduler.plugins.node_ports import NodePorts
from k8snb.scheduler.plugins.node_resources import NodeResourcesBalancedAllocation, NodeResourcesFit
from k8snb.scheduler.plugins.node_unschedulable import NodeUnschedulable
from k8snb.scheduler.plugins.pod_topology_spread import PodTopologySpread
from k8snb.scheduler.plugins.priority_sort import PrioritySort
from k8snb.scheduler.plugins.scheduling_gates import SchedulingGates
from k8snb.scheduler.plugins.taint_toleration import TaintToleration
from k8snb.scheduler.plugins.volume_binding import VolumeBinding
from k8snb.scheduler.plugins.volume_limits import NodeVolumeLimits
from k8snb.scheduler.plugins.volume_restrictions import VolumeRestrictions
from k8snb.scheduler.plugins.volume_zone import VolumeZone
from k8snb.scheduler.podinfo import DEFAULT_SCHEDULER

DEFAULT_PLUGINS: tuple[Plugin, ...] = (
    SchedulingGates(),
    PrioritySort(),
    NodeUnschedulable(),
    NodeName(),
    TaintToleration(),
    NodeAffinity(),
    NodePorts(),
    NodeResourcesFit(),
    VolumeRestrictions(),
    NodeVolumeLimits(),
    VolumeBinding(),
    VolumeZone(),
    PodTopologySpread(),
    InterPodAffinity(),
    DynamicResources(),
    DefaultPreemption(),
    NodeResourcesBalancedAllocation(),
    ImageLocality(),
    DefaultBinder(),
)

DEFAULT_WEIGHTS = {
    "TaintToleration": 3,
    "NodeAffinity": 2,
    "NodeResourcesFit": 1,
    "PodTopologySpread": 2,
    "InterPodAffinity": 2,
    "NodeResourcesBalancedAllocation": 1,
    "ImageLocality": 1,
}

DEFAULT_PROFILE = Profile(scheduler_name=DEFAULT_SCHEDULER, plugins=DEFAULT_PLUGINS, weights=DEFAULT_WEIGHTS)
