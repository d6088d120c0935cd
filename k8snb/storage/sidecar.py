"""What the sidecars of a CSI driver have in common: they call the driver, and an operation takes its time.

On a real cluster each driver comes with its own Deployment of sidecars, which all run the same code. Here one process,
``csi``, has one loop of each kind for all drivers.

Models: github.com/kubernetes-csi (external-provisioner, external-attacher, external-resizer, node-driver-registrar).
Simplified: sidecars elect no leader; their process has a cluster administrator's rights.
"""

from __future__ import annotations

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import Object
from k8snb.apiserver.request import MASTERS, User
from k8snb.client.component import Environment
from k8snb.client.controller import Controller, ControllerProcess
from k8snb.client.recorder import Recorder
from k8snb.seams.csi import Driver
from k8snb.sim.clock import MINUTE, SECOND
from k8snb.sim.state import Shelf

PROCESS = "csi"
USER = User("system:serviceaccount:kube-system:csi-controller", ("system:authenticated", MASTERS))


RETRY_FIRST, RETRY_MOST = SECOND, 5 * MINUTE
"""The sidecars' ``--retry-interval-start`` and ``--retry-interval-max``."""


class Sidecar(Controller):
    """A loop that works for every simulated driver. What it remembers: key -> when the operation on it will be done."""

    def __init__(self, process: ControllerProcess):
        super().__init__(process)
        self.queue.first_delay, self.queue.longest_delay = RETRY_FIRST, RETRY_MOST

    def new_state(self) -> Shelf:
        """Nothing is under way."""
        return Shelf()

    def driver(self, name: str) -> Driver | None:
        """The driver of that name; None where it is not simulated, and then nobody does its work."""
        found: Driver | None = self.process.env.services.drivers.get(name)
        return found if found is not None and found.traits.provisions else None

    def has_taken(self, key: str, duration: int, why: str) -> bool:
        """Whether the operation on ``key`` has taken its ``duration`` (µs). Begins it, if it was not begun."""
        ends = self.own.get(key)
        if ends is None:
            ends = self.own[key] = self.now + duration
        if self.now < ends:
            self.queue.add_after(key, ends - self.now, why)
            return False
        del self.own[key]
        return True

    def say(self, driver: str, about: Object, kind: str, reason: str, message: str) -> None:
        """An Event in the name of the driver's own sidecar."""
        component = f"{driver}_csi-controller-0"
        Recorder(self.process.state.recorder, self.client, self.kernel, component=component).event(about, kind, reason, message)


class Failed(ApiError):
    """A driver said no: the key is tried again, after a back-off."""

    def __init__(self, message: str):
        super().__init__(500, "InternalError", message)


class CSIProcess(ControllerProcess):
    """The process of all sidecars."""

    def __init__(self, env: Environment, loops: tuple[type[Controller], ...]):
        super().__init__(PROCESS, env, loops, user=USER)

    def user_of(self, controller: Controller) -> User:
        """All loops act under the account of the driver's Deployment."""
        return USER
