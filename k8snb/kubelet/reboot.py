"""A machine that has lost power: its containers are dead at once; what follows from it, the kubelet finds when it starts again.

All sandboxes are gone: pods get new ones, and new addresses; their containers have ended without a word.

Models: pkg/kubelet/kuberuntime (a sandbox that is not ready any more), pkg/kubelet/kubelet_node_status.go (Rebooted).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8snb.kubelet import pods
from k8snb.kubelet.state import EXITED, RUNNING, PodState
from k8snb.kubelet.volumes import manager as volumes

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet


def lose_power(kubelet: Kubelet) -> None:
    """All its containers are dead."""
    own = kubelet.own
    own.rebooted, own.runtime_lost_at, own.shutting_down = True, 0, False
    own.boots += 1
    for state in own.pods.values():
        for container in state.containers.values():
            if container.phase == RUNNING:
                kubelet.runtime.kill(container.id)


def find(kubelet: Kubelet) -> None:
    """What the kubelet finds after it."""
    kubelet.own.rebooted = False
    for state in kubelet.own.pods.values():
        state.operation = None
        if state.sandbox == "ready":
            _begin_again(kubelet, state)


def _begin_again(kubelet: Kubelet, state: PodState) -> None:
    kubelet.detach(state)
    volumes.after_reboot(state)
    state.sandbox = state.address = ""
    for container in state.containers.values():
        if container.phase == RUNNING:
            container.phase, container.exit_code, container.finished_at = EXITED, 255, kubelet.kernel.now
            container.exit_reason, container.exit_message = "Unknown", ""
            container.ready, container.stopping = False, False
    pod = kubelet.pod_of(state)
    if pod is not None and not pods.is_finished(pod, state):
        pods.new_round(state)
    if pod is not None and not kubelet.runtime.instant:
        kubelet.recorder.event(pod, "Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
