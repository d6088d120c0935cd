"""The container runtime interface: what a kubelet asks of the runtime of its node.

Two runtimes exist. The *faithful* one pulls images, runs processes, serves requests, executes commands. The *hollow* one
only says that everything runs. A kubelet does not know which it has: it calls the same operations, and the answers say how
long each takes (µs). The runtime reports ends of containers by a kernel event ``("exited", pod uid, container id)`` for the
kubelet, as the pod lifecycle event generator does.

Models: k8s.io/cri-api/pkg/apis/runtime/v1 (RuntimeService, ImageService).
Simplified: calls are synchronous; what takes time is told and waited for by the kubelet.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from k8snb.sim.kernel import Event


class MountPoint(NamedTuple):
    """A volume of the pod at a path of a container."""

    path: str
    volume: str
    sub_path: str = ""
    read_only: bool = False


OWN, HOST, DISK, IMAGE = "own", "host", "disk", "image"
TMPFS = "tmpfs"
"""The device of a volume in memory."""


class PodVolume(NamedTuple):
    """A volume of a pod, as the runtime mounts it. ``kind``: files that live with the pod (``own``), a path of the machine
    (``host``), a disk of a CSI driver (``disk``: ``driver`` and handle), the files of an image (``image``).

    The rest is what ``mount`` and ``df`` show; ``size`` (bytes) 0: as large as the machine's disk. ``limited``: a write beyond it
    fails.
    """

    kind: str = OWN
    place: str = ""  # the path, the handle or the reference
    driver: str = ""
    device: str = "/dev/vda1"
    filesystem: str = "ext4"
    size: int = 0
    limited: bool = False
    read_only: bool = False
    mode: int = 0o755  # of its root directory
    group: int = 0  # fsGroup: everything in it belongs to this group, too


class Resources(NamedTuple):
    """What a container may use: CPU in millicores, memory in bytes; 0: not stated."""

    cpu_request: int = 0
    cpu_limit: int = 0
    memory_request: int = 0
    memory_limit: int = 0


class Usage(NamedTuple):
    """What a container uses now: CPU (millicores, over the last seconds), memory (working set) and disk (its own layer and log), bytes;
    files (of the same), processes."""

    cpu: int = 0
    memory: int = 0
    disk: int = 0
    inodes: int = 0
    processes: int = 1


class RunAs(NamedTuple):
    """What a pod says of the user of a container. ``user``, ``group`` None: as the image has it; ``more``: groups beside; ``merge``:
    with those that the image's ``/etc/group`` gives the user."""

    user: int | None = None
    group: int | None = None
    more: tuple[int, ...] = ()
    merge: bool = True


class ContainerConfig(NamedTuple):
    """What a container is made from. Everything is resolved: no references to ConfigMaps are left."""

    id: str
    pod_uid: str
    namespace: str
    pod: str
    name: str
    image: str
    command: tuple[str, ...] = ()  # empty: the image's entrypoint
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    working_dir: str = ""
    hostname: str = ""
    address: str = ""
    mounts: tuple[MountPoint, ...] = ()
    ports: tuple[int, ...] = ()  # declared or probed
    batch: bool = False  # it is meant to end: an init container, or a pod that is not always restarted
    stdin: bool = False  # it keeps its standard input open, until somebody attaches
    message_path: str = "/dev/termination-log"
    message_from_log: bool = False  # terminationMessagePolicy: FallbackToLogsOnError
    resources: Resources = Resources()
    stop_signal: str = ""  # without its SIG; empty: the image's own
    read_only: bool = False  # readOnlyRootFilesystem
    attempt: int = 0  # how often it was made before
    run_as: RunAs = RunAs()
    qos: str = "BestEffort"  # the class of its pod: where in the tree of control groups it stands


class Pull(NamedTuple):
    """What a pull will come to: after ``duration`` (µs) the image is there, or ``error`` says why not."""

    duration: int
    size: int = 0
    error: str = ""


class Started(NamedTuple):
    """What starting a container came to. ``error`` is the runtime's sentence (the container never ran)."""

    error: str = ""


class Ended(NamedTuple):
    """How a container ended: exit code, when (µs), why (``Completed``, ``Error``, ``OOMKilled``, empty), and its last words."""

    code: int
    at: int
    reason: str
    message: str = ""


class Executed(NamedTuple):
    """A command run in a container. ``finished`` False: it would not have ended within the limit. ``printed``: the output
    piece by piece, each with its descriptor (1 or 2)."""

    output: str
    code: int
    duration: int
    finished: bool = True
    printed: tuple[tuple[int, str], ...] = ()
    failed: bool = False  # it was never started: ``output`` is the runtime's sentence
    times: tuple[int, ...] = ()  # when each piece was printed, since the command began (µs)
    session: Mapping[str, Any] = MappingProxyType({})  # what a shell at a terminal keeps for its next line


class Latencies(NamedTuple):
    """How long the runtime's operations take (µs)."""

    sandbox: int
    start: int
    stop: int


class Runtime(Protocol):
    """The runtime of one node."""

    latencies: Latencies
    instant: bool  # nothing takes time and nothing is observed: no pulls, no probes, no Events

    def image_present(self, image: str) -> bool:
        """Whether the node has the image."""
        ...

    def image_id(self, image: str) -> str:
        """The identity of an image, as a status shows it. Raises ``ValueError`` for a malformed reference."""
        ...

    def image_name(self, image: str) -> str:
        """The image's name, as a status shows it."""
        ...

    def image_user(self, image: str) -> str | None:
        """The image's own user as it names it (``0`` where it names none); None where nobody knows."""
        ...

    def pull(self, image: str, credentials: tuple[tuple[str, str, str], ...] = ()) -> Pull:
        """Ask a registry, with logins (registry, user, password); the image counts as present once :meth:`pulled` is called."""
        ...

    def pulled(self, image: str) -> None:
        """A pull has ended well."""
        ...

    def images(self) -> Mapping[str, int]:
        """The images on the node: full reference -> bytes. Not to be changed."""
        ...

    def remove_image(self, image: str) -> None:
        """Delete an image by its full reference."""
        ...

    def simulated(self, image: str) -> bool:
        """Whether the image's behaviour is simulated, or a generic container stands for it."""
        ...

    def set_volume(self, pod_uid: str, name: str, volume: PodVolume) -> None:
        """A volume of a pod is mounted on the machine. What was written into it before stays."""
        ...

    def write_volume(self, pod_uid: str, name: str, tree: Mapping[str, Any]) -> None:
        """Put these files (see :mod:`k8snb.kubelet.images.files`) in the place of what is in a pod's own volume."""
        ...

    def volume_files(self, pod_uid: str, name: str) -> Mapping[str, Any]:
        """The tree of a pod's volume, relative to its root. Empty where there is none."""
        ...

    def unmount_volumes(self, pod_uid: str) -> None:
        """The pod has ended: its volumes are unmounted, and what lived with the pod is deleted."""
        ...

    def make_directory(self, pod_uid: str, name: str, path: str) -> None:
        """Make an empty directory in a volume. Raises ``OSError`` where it cannot be written."""
        ...

    def host_kind(self, path: str) -> str:
        """What is at a path of the machine: ``directory``, ``file``, ``socket``, ``char``, ``block``; empty: nothing."""
        ...

    def make_on_host(self, path: str, kind: str) -> None:
        """Make an empty directory or file on the machine."""
        ...

    def start(self, config: ContainerConfig) -> Started:
        """Create and start a container."""
        ...

    def is_moot(self, event: Event) -> bool:
        """Whether nothing will come of an event that was scheduled for this runtime."""
        ...

    def ended(self, container_id: str) -> Ended | None:
        """How the container ended; None while it runs."""
        ...

    def stop(self, container_id: str) -> None:
        """SIGTERM, or the container's own stop signal."""
        ...

    def kill(self, container_id: str) -> None:
        """SIGKILL."""
        ...

    def update_resources(self, container_id: str, resources: Resources) -> None:
        """Give a running container other limits. One whose memory is beyond the new limit is OOM-killed."""
        ...

    def oom_kill(self, container_id: str) -> None:
        """The kernel of the node kills a container because the node has no memory left."""
        ...

    def usage(self, container_id: str) -> Usage | None:
        """What a container uses now; None where it does not run, or nobody knows. Looking leaves no mark."""
        ...

    def memory(self, at: int = 0) -> int:
        """What all containers of the node use together (bytes): now, or at a later time (µs) if nothing else happens until then."""
        ...

    def written(self) -> tuple[int, int]:
        """What all containers of the node have written, layers, logs and volumes: bytes and files."""
        ...

    def node_usage(self) -> Mapping[str, Usage]:
        """The same of every running container, by its id: the machine's CPU is divided once for all of them."""
        ...

    def pod_usage(self, pod_uid: str) -> Mapping[str, Usage]:
        """What each running container of a pod uses now, by name, in the order in which they started."""
        ...

    def volume_usage(self, pod_uid: str) -> Mapping[str, int]:
        """The bytes in each volume of a pod."""
        ...

    def volume_inodes(self, pod_uid: str) -> Mapping[str, int]:
        """The number of files in each volume of a pod."""
        ...

    def crash(self, pod_uid: str, name: str, code: int) -> bool:
        """A fault: the process of a container (any one where the name is empty) dies. False where none runs."""
        ...

    def remove_pod(self, pod_uid: str) -> None:
        """Forget the containers, logs and volumes of a pod."""
        ...

    def remove_container(self, container_id: str) -> None:
        """Forget a dead container and its log."""
        ...

    def log(self, container_id: str) -> list[tuple[int, str]] | None:
        """The lines of a container's log with their times; None where there is no such container."""
        ...

    def attach(self, container_id: str, stdin: str) -> None:
        """Type into process 1 of a running container that waits for it; its standard input ends there."""
        ...

    def execute(
        self, container_id: str, command: tuple[str, ...], limit: int, stdin: str = "", session: Mapping[str, Any] | None = None
    ) -> Executed:  # fmt: skip
        """Run a command in a running container. With a ``session`` it is a shell, ``stdin`` the line that was typed at its terminal, and
        ``session`` what it has kept of the lines before (empty at first)."""
        ...

    def listens(self, pod_uid: str, port: int) -> bool:
        """Whether a container of the pod listens on a port."""
        ...

    def health(self, pod_uid: str, port: int, service: str) -> str | None:
        """What gRPC's health service behind a port says of a service (``SERVING``, ``NOT_SERVING``); empty where the program speaks
        no gRPC, None where nothing listens."""
        ...

    def serve(self, pod_uid: str, request: Any) -> Any:
        """The answer (:class:`~k8snb.seams.cni.HTTPReply`) of the container behind a port, or None."""
        ...
