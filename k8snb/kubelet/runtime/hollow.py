"""The hollow runtime: every container starts at once and runs for ever. For replays and for scale, never for lessons.

It reproduces the fake runtime of the reference recordings: no pulls, no probes, no processes, no Events. With ``exits`` it
reproduces the stand-in that ran commands there: a container whose command ends by itself does end, with its exit code and
after its time, which the shell finds out beforehand.

Models: pkg/kubelet/container/testing (the fake runtime of kubemark).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from k8snb.kubelet.images import Catalogue, parse_reference
from k8snb.kubelet.images.process import ProcessState
from k8snb.kubelet.images.run import ends
from k8snb.seams.cni import NO_SUCH_NAME, REFUSED, Answer, Connection, Headers, HTTPReply, HTTPRequest, HTTPResponse
from k8snb.seams.cri import ContainerConfig, Ended, Executed, Latencies, PodVolume, Pull, Resources, Started, Usage
from k8snb.sim.clock import HOUR
from k8snb.sim.kernel import Event, Kernel
from k8snb.sim.state import Shelf


@dataclass(slots=True)
class HollowState:
    """Only the ends that are foreseen or have happened: container id -> (pod uid, code, when)."""

    ends: Shelf = field(default_factory=Shelf)


class _Nowhere:
    """The surroundings of a command that is only thought through: no network at all."""

    def __init__(self, now: int):
        self.now = now

    def resolve(self, name: str, kind: str = "A") -> Answer:
        return Answer(error=NO_SUCH_NAME)

    def connect(self, host: str, port: int) -> Connection:
        return Connection(REFUSED)

    def http(
        self, url: str, method: str = "GET", timeout: int = 0, *, headers: Headers = (), body: str = "", trust: str = "",
    ) -> HTTPResponse:  # fmt: skip
        return HTTPResponse(0, "", NO_SUCH_NAME, (), 0)

    def fraction(self) -> float:
        return 0.5


class HollowRuntime:
    """Implements :class:`k8snb.seams.cri.Runtime` for one node, by doing nothing."""

    latencies = Latencies(0, 0, 0)
    instant = True

    def __init__(self, kernel: Kernel, state: HollowState, kubelet: str, catalogue: Catalogue, *, exits: bool = False):
        self.kernel, self.state, self.kubelet, self.catalogue, self.exits = kernel, state, kubelet, catalogue, exits

    def image_present(self, image: str) -> bool:
        """Every image is there."""
        return True

    def image_id(self, image: str) -> str:
        """The fake runtime repeats the name."""
        return image

    def image_name(self, image: str) -> str:
        """The name with its tag."""
        return image if ":" in image.rpartition("/")[2] or "@" in image else f"{image}:latest"

    def image_user(self, image: str) -> str | None:
        """Nothing is known of images."""
        return None

    def pull(self, image: str, credentials: tuple[tuple[str, str, str], ...] = ()) -> Pull:
        """Nothing is ever pulled."""
        return Pull(0)

    def pulled(self, image: str) -> None:
        """Nothing is ever pulled."""

    def images(self) -> Mapping[str, int]:
        """Nothing is ever pulled."""
        return {}

    def remove_image(self, image: str) -> None:
        """Nothing is ever pulled."""

    def simulated(self, image: str) -> bool:
        """Nothing is said about images."""
        return True

    def set_volume(self, pod_uid: str, name: str, volume: PodVolume) -> None:
        """Nobody looks into volumes."""

    def write_volume(self, pod_uid: str, name: str, tree: Mapping[str, Any]) -> None:
        """Nobody looks into volumes."""

    def volume_files(self, pod_uid: str, name: str) -> Mapping[str, Any]:
        """There is nothing in them."""
        return {}

    def unmount_volumes(self, pod_uid: str) -> None:
        """There are none."""

    def make_directory(self, pod_uid: str, name: str, path: str) -> None:
        """Nobody looks into volumes."""

    def host_kind(self, path: str) -> str:
        """Everything is there."""
        return "directory"

    def make_on_host(self, path: str, kind: str) -> None:
        """Nobody looks."""

    def start(self, config: ContainerConfig) -> Started:
        """It runs. With ``exits``, its end is foreseen."""
        if self.exits and (found := self._foreseen(config)):
            code, duration = found
            self.state.ends[config.id] = (config.pod_uid, code, self.kernel.now + duration)
            self.kernel.after(duration, self.kubelet, ("exited", config.pod_uid, config.id), why=f"{config.name} ends with {code}")
        return Started()

    def _foreseen(self, config: ContainerConfig) -> tuple[int, int] | None:
        argv = (*config.command, *config.args)
        if not argv:
            return None
        image = self.catalogue.find(parse_reference("busybox"))
        if image is None:
            return None
        state = ProcessState(image=config.image, argv=argv, env=Shelf(config.env), hostname=config.hostname)
        return ends(image, state, _Nowhere(self.kernel.now), HOUR)

    def is_moot(self, event: Event) -> bool:
        """None are scheduled: ends are foreseen."""
        return False

    def ended(self, container_id: str) -> Ended | None:
        """The foreseen end, once it is there."""
        found = self.state.ends.get(container_id)
        if found is None or found[2] > self.kernel.now:
            return None
        return Ended(found[1], found[2], "Completed" if found[1] == 0 else "Error")

    def stop(self, container_id: str) -> None:
        """Whatever is stopped ends at once, with code 0 and without a reason, as in the recordings."""
        uid = self.state.ends.get(container_id, ("", 0, 0))[0]
        self.state.ends[container_id] = (uid, 0, self.kernel.now)

    def kill(self, container_id: str) -> None:
        """The same as stopping."""
        self.stop(container_id)

    def update_resources(self, container_id: str, resources: Resources) -> None:
        """Nothing is used, so nothing is limited."""

    def oom_kill(self, container_id: str) -> None:
        """The same as stopping."""
        self.stop(container_id)

    def usage(self, container_id: str) -> Usage | None:
        """Nobody measures hollow containers."""
        return None

    def memory(self, at: int = 0) -> int:
        """Nobody measures hollow containers."""
        return 0

    def written(self) -> tuple[int, int]:
        """Hollow containers write nothing."""
        return 0, 0

    def volume_inodes(self, pod_uid: str) -> Mapping[str, int]:
        """Nor are there files."""
        return {}

    def node_usage(self) -> Mapping[str, Usage]:
        """Nobody knows."""
        return {}

    def pod_usage(self, pod_uid: str) -> Mapping[str, Usage]:
        """Nobody measures hollow containers."""
        return {}

    def volume_usage(self, pod_uid: str) -> Mapping[str, int]:
        """Nobody looks into volumes."""
        return {}

    def crash(self, pod_uid: str, name: str, code: int) -> bool:
        """There are no processes that could die."""
        return False

    def remove_pod(self, pod_uid: str) -> None:
        """Forget what was foreseen."""
        if self.exits:
            for container_id in [key for key, value in self.state.ends.items() if value[0] == pod_uid]:
                del self.state.ends[container_id]

    def remove_container(self, container_id: str) -> None:
        """Forget what was foreseen."""
        self.state.ends.pop(container_id, None)

    def log(self, container_id: str) -> list[tuple[int, str]] | None:
        """Hollow containers say nothing."""
        return []

    def attach(self, container_id: str, stdin: str) -> None:
        """Nobody listens."""

    def execute(
        self, container_id: str, command: tuple[str, ...], limit: int, stdin: str = "", session: Mapping[str, Any] | None = None
    ) -> Executed:  # fmt: skip
        """Commands do nothing, and succeed."""
        return Executed("", 0, 0)

    def listens(self, pod_uid: str, port: int) -> bool:
        """Nothing listens."""
        return False

    def health(self, pod_uid: str, port: int, service: str) -> str | None:
        """Nothing listens."""
        return None

    def serve(self, pod_uid: str, request: HTTPRequest) -> HTTPReply | None:
        """Nobody answers."""
        return None
