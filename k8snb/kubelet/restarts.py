"""Whether a container that has ended starts again, and when.

    its own rules (exit codes) -> its own restartPolicy -> the pod's restartPolicy
    the first time at once, then after 10 s, 20 s ... 5 min; a container that ran for 10 min is forgiven

A rule may also restart *all* containers of the pod, init containers included: the pod stays where it is, and keeps its address.

Models: pkg/kubelet/container/helpers.go (ShouldContainerBeRestarted, ShouldAllContainersRestart), pkg/api/v1/pod (ContainerShouldRestart),
client-go/util/flowcontrol/backoff.go.
"""

from __future__ import annotations

from collections.abc import Mapping

from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.resource import once
from k8snb.component_helpers.timing import timing
from k8snb.kubelet.state import EPHEMERAL, EXITED, INIT, SIDECAR, WAITING, ContainerState

BACKOFF_FIRST, BACKOFF_MOST, BACKOFF_FORGOTTEN = (timing(f"crash back-off, {what}") for what in ("first", "most", "forgotten"))
PULL_FIRST, PULL_MOST = timing("image back-off, first"), timing("image back-off, most")


def specs_of(pod: Object) -> Mapping[str, Object]:
    """The container specs by name: init containers first, ephemeral ones last."""
    return _by_name(pod["spec"])


@once
def _by_name(spec: Object) -> Mapping[str, Object]:
    lists = (spec.get("initContainers") or (), spec["containers"], spec.get("ephemeralContainers") or ())
    return {container["name"]: container for containers in lists for container in containers}


def restart_policy(pod: Object, spec: Object) -> str:
    """The restart policy of one container: its own, or the pod's."""
    policy: str = spec.get("restartPolicy") or pod["spec"].get("restartPolicy", "Always")
    return policy


def action_of(spec: Object, exit_code: int) -> str:
    """What the first rule that fits the exit code says: ``Restart``, ``RestartAllContainers``, or empty where none fits."""
    for rule in spec.get("restartPolicyRules") or ():
        codes = rule.get("exitCodes") or {}
        if (exit_code in (codes.get("values") or ())) == (codes.get("operator") == "In"):
            return str(rule.get("action", ""))
    return ""


def restarts(pod: Object, container: ContainerState) -> bool:
    """Whether this ended container starts again."""
    if container.kind == EPHEMERAL:
        return False
    spec = specs_of(pod)[container.name]
    if container.changed or container.kind == SIDECAR or action_of(spec, container.exit_code):
        return True
    policy = restart_policy(pod, spec)
    if container.kind == INIT and policy == "Always":
        policy = "OnFailure"  # an init container that has succeeded is done
    return policy == "Always" or (policy == "OnFailure" and container.exit_code != 0)


def goes_on(pod: Object, container: ContainerState) -> bool:
    """Whether a container that does not run will do so: it waits, or it starts again."""
    return container.phase == WAITING or (container.phase == EXITED and restarts(pod, container))


def wants_all_restarted(spec: Object, container: ContainerState) -> bool:
    """Whether the end of this container is the end of this round for the whole pod."""
    return container.phase == EXITED and action_of(spec, container.exit_code) == "RestartAllContainers"


# -- back-off --------------------------------------------------------------------------------------------------------


def crash_retry(container: ContainerState) -> int:
    """When a container that has ended may start again (µs); its end itself for the first crash."""
    if not container.crash_delay or container.finished_at - container.crash_since > BACKOFF_FORGOTTEN:
        return container.finished_at
    return container.finished_at + container.crash_delay


def raise_crash_delay(container: ContainerState, now: int) -> None:
    """The container is started again: next time it waits twice as long."""
    forgotten = not container.crash_delay or container.finished_at - container.crash_since > BACKOFF_FORGOTTEN
    container.crash_delay = BACKOFF_FIRST if forgotten else min(2 * container.crash_delay, BACKOFF_MOST)
    container.crash_since = now


def raise_pull_delay(container: ContainerState, now: int) -> None:
    """A pull has failed: the next one comes after 10 s, 20 s, ... 5 min."""
    container.pull_delay = min(2 * container.pull_delay, PULL_MOST) if container.pull_delay else PULL_FIRST
    container.retry_at = now + container.pull_delay
