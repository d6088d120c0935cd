"""What a kubelet remembers: plain data, one record per pod and container.

    KubeletState -> pods[uid]: PodState -> containers[name]: ContainerState -> probes[kind]: ProbeState

A container's ``phase`` is one of three: ``waiting`` (with a reason), ``running``, ``exited``. What goes on inside it is the
runtime's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from k8snb.apimachinery.objects import Object
from k8snb.sim.state import Shelf

INIT, SIDECAR, APP, EPHEMERAL = "init", "sidecar", "app", "ephemeral"
WAITING, RUNNING, EXITED = "waiting", "running", "exited"


@dataclass(slots=True)
class ProbeState:
    """One probe of one container. ``due``: when it is asked next; ``origin``: its ticks come whole periods after this; ``streak``:
    equal results in a row."""

    due: int
    origin: int = 0
    result: str = ""  # "", "success", "failure"
    streak: int = 0
    passed: bool = False  # what the kubelet believes: past the success threshold, not past the failure threshold


@dataclass(slots=True)
class ContainerState:
    """One container of a pod, as its kubelet knows it."""

    name: str
    kind: str
    phase: str = WAITING
    reason: str = ""  # of waiting; empty: ContainerCreating or PodInitializing
    message: str = ""
    id: str = ""
    image: str = ""  # as the runtime names it, once the container was made
    image_id: str = ""
    made_from: str = ""  # the image as the spec had it when the container was made
    changed: bool = False  # the spec has changed since, so it is made anew whatever the restart policy says
    allocated: Object | None = None  # the resources that the kubelet has promised
    applied: Object | None = None  # those that the runtime enforces
    started_at: int = 0
    finished_at: int = 0
    exit_code: int = 0
    exit_reason: str = ""
    exit_message: str = ""
    restarts: int = 0
    last: Object | None = None  # the state before: {"terminated": {...}}
    last_id: str = ""  # the container before, whose log --previous shows
    ready: bool = False
    started: bool | None = None
    probes: dict[str, ProbeState] = field(default_factory=dict)
    stopping: bool = False
    term_at: int = 0  # when SIGTERM may come, while stopping: after the preStop hook; 0: it was sent
    deadline: int = 0  # when its grace is over, while stopping: then SIGKILL comes
    retry_at: int = 0  # the end of a back-off
    crash_delay: int = 0  # of the crash loop
    crash_since: int = 0  # when that delay was last raised
    pull_delay: int = 0
    pull_until: int = 0  # the end of that back-off, as long as nobody has said it


@dataclass(slots=True)
class MountState:
    """One volume of a pod. ``unique``: how the node names the disk that it holds; ``payload``: the files that were written last."""

    mounted: bool = False
    unique: str = ""
    retry_at: int = 0  # after a failure
    delay: int = 0
    payload: Shelf = field(default_factory=Shelf)
    renew_at: int = 0  # when its tokens have to be replaced; 0: it has none


@dataclass(slots=True)
class PodState:
    """One pod on the node. ``operation`` is what its worker is doing: a worker does one thing at a time."""

    uid: str
    namespace: str
    name: str
    static: bool = False  # it comes from a file of the machine
    started_at: int = 0  # status.startTime
    probing_since: int = 0  # the ticks of its probes come whole periods after this
    sandbox: str = ""  # "", "ready", "gone"
    address: str = ""
    containers: dict[str, ContainerState] = field(default_factory=dict)
    operation: tuple[str, str] | None = None  # (what, container)
    operation_ends: int = 0
    operation_note: Any = None
    begun: bool = False  # an ordinary container has started, so the init containers are done with
    restarting_all: bool = False  # a rule wants all containers to start anew
    terminating: bool = False
    grace: int = 30  # seconds
    rejected: tuple[str, str] | None = None  # (reason, message): the kubelet did not admit it
    evicted: tuple[str, str] | None = None
    disruption: tuple[str, str] | None = None  # (reason, message) of the condition DisruptionTarget, where the kubelet set it
    resize_pending: tuple[str, str, int] | None = None  # (reason, message, generation): a resize that finds no room
    resizing: tuple[str, str, int] | None = None  # the same of a resize that has been promised and is not yet applied
    resize_at: int = 0  # when a deferred resize is tried again; 0: none is
    alarm: int = 0  # when its next kernel event comes; 0: none
    status: Object | None = None  # as it was last written
    mounts: dict[str, MountState] = field(default_factory=dict)  # by the volume's name
    mounts_done: bool = False  # every volume that a container mounts is mounted
    mount_deadline: int = 0  # when it complains that they are not
    refresh_at: int = 0  # when its volumes are looked at again; 0: nothing has changed
    latest: Object | None = None  # the pod as the API server answered to that write
    requests: Shelf = field(default_factory=Shelf)  # what it takes of the node while it is admitted
    gone: bool = False  # deleted from the API: nothing is written any more

    @property
    def key(self) -> str:
        """``namespace/name``."""
        return f"{self.namespace}/{self.name}"


@dataclass(slots=True)
class KubeletState:
    """Everything that one kubelet remembers."""

    pods: dict[str, PodState] = field(default_factory=dict)  # by UID
    uids: Shelf = field(default_factory=Shelf)  # namespace/name -> UID
    used: Shelf = field(default_factory=Shelf)  # resource -> amount that the admitted pods have asked for
    pull_free_at: int = 0  # images are pulled one after the other
    registered: bool = False
    status_at: int = 0  # when the node's status was last written
    rebooted: bool = False  # the machine has lost power since the kubelet ran last
    runtime_lost_at: int = 0  # since when the container runtime does not answer (µs); 0: it does
    boots: int = 0  # how often the machine has lost power
    deferred: Shelf = field(default_factory=Shelf)  # UIDs of pods whose resize waits for room
    in_use: dict[str, Shelf] = field(default_factory=dict)  # attachable volume -> the pods that have it mounted
    attaching: Shelf = field(default_factory=Shelf)  # pods that wait for a volume to be attached
    followed: dict[str, Shelf] = field(default_factory=dict)  # "configmaps default/web" -> the pods that mount it
    pressure: Shelf = field(default_factory=Shelf)  # condition of pressure -> when it was last seen (µs)
    undercut: tuple[str, ...] = ()  # thresholds that have been undercut for their grace, by their keys
    undercut_since: Shelf = field(default_factory=Shelf)  # threshold -> when it was first seen to be undercut (µs)
    shutting_down: bool = False  # the machine is to be switched off
    shutdown: tuple[int, int] = (0, 0)  # which group of pods is being ended, and until when it may take (µs)
    evicting: tuple[str, int] = ("", 0)  # UID of the pod that was evicted last, and until when its end is waited for (µs)
    measured: Shelf = field(default_factory=Shelf)  # UIDs of pods that limit what they write
    static: Shelf = field(default_factory=Shelf)  # file in the directory of manifests -> the pod that it stands for
    found: Shelf = field(default_factory=Shelf)  # (resource, namespace, name) -> a ConfigMap or Secret as it was when last seen
    links: Shelf = field(default_factory=Shelf)  # (namespace, its own too) -> variables for Services, as they were when last seen
    foreign: Shelf = field(default_factory=Shelf)  # resource -> bytes that something outside Kubernetes uses on the machine
    images: Shelf = field(default_factory=Shelf)  # image -> (when it was first seen, when it was last used), µs
    reported: int = 0  # bytes of the images in the last status of the node
    warned: Shelf = field(default_factory=Shelf)  # images that were said to be not simulated
