"""A pod's worker: it takes one pod from what it is to what it should be, one thing at a time.

Made for one turn over a :class:`~.state.PodState`; it keeps nothing itself. A turn looks at what has happened since the last
one (an operation is done, a container has ended, a probe is due), decides with the pure functions of :mod:`.pods`, begins
the next operation, and leaves the time of its next turn as an alarm.

Models: pkg/kubelet/pod_workers.go, pkg/kubelet/kuberuntime/kuberuntime_manager.go (SyncPod).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8snb.apimachinery.duration import go_duration
from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.component_helpers import qos_class
from k8snb.component_helpers.resolver import own_resolver
from k8snb.component_helpers.timing import timing
from k8snb.kubelet import environment, pods, probes, pull_secrets, resize, restarts, stopping
from k8snb.kubelet.images.files import text_of
from k8snb.kubelet.pods import Action
from k8snb.kubelet.state import APP, EPHEMERAL, EXITED, INIT, RUNNING, ContainerState, PodState, ProbeState
from k8snb.kubelet.volumes import manager as volumes
from k8snb.kubelet.volumes import mount_points
from k8snb.seams.cri import ContainerConfig, MountPoint
from k8snb.sim.clock import MILLISECOND, SECOND

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet

NORMAL, WARNING = "Normal", "Warning"
RETRY = timing("retry")


class Worker:
    """One turn of one pod's worker."""

    def __init__(self, kubelet: Kubelet, state: PodState, pod: Object):
        self.kubelet, self.state, self.pod = kubelet, state, pod
        self.runtime, self.now = kubelet.runtime, kubelet.kernel.now
        self.specs = restarts.specs_of(pod)
        self.begun: list[str] = []  # what this turn has begun: "sandbox", "pull app", "start app"; for the trace

    # -- what the kubelet calls --------------------------------------------------------------------------------------

    def look(self) -> None:
        """See what has happened: an operation is done, containers have ended, probes are due."""
        state = self.state
        if state.gone and not state.terminating:
            stopping.begin(self)  # first: nobody knows any more what was to come of an operation that has ended meanwhile
        self._finish_operation()
        self.reap()
        if not state.terminating and self.pod["metadata"].get("deletionTimestamp"):
            stopping.begin(self)
        if not state.terminating:
            if visitors := self.pod["spec"].get("ephemeralContainers"):
                pods.add_ephemeral(visitors, state)
            phases = {container.phase for container in state.containers.values()}
            if EXITED in phases or state.restarting_all:
                self._restart_all()
            if self.pod["spec"].get("activeDeadlineSeconds"):
                self._check_deadline()
            volumes.refresh(self)
            if RUNNING in phases:
                self._compare_specs()
            resize.allocate(self)
            if RUNNING in phases:
                self._probe()

    def act(self) -> bool:
        """Do what is due. True once a pod that is being deleted has nothing left."""
        state = self.state
        if state.terminating:
            return stopping.advance(self)
        stopping.escalate(self)
        if state.restarting_all:
            return False
        if pods.is_finished(self.pod, state):
            stopping.finish(self)
        else:
            if state.resizing is not None:
                resize.apply(self)
            self._advance()
        return False

    def alarm(self) -> tuple[int, bool]:
        """When the next turn comes (µs, 0: not by itself), and whether only probes are waited for."""
        state = self.state
        attaching = state.uid in self.kubelet.own.attaching  # the Node will tell; the clock is for the case that it never does
        times = [state.operation_ends] if state.operation and not attaching else []
        if (deadline := self._deadline()) > self.now and not pods.is_finished(self.pod, state):
            times.append(deadline)
        asked: list[int] = [state.operation_ends] if attaching else []
        for container in state.containers.values():
            if container.stopping:
                times.append(container.term_at if container.term_at > self.now else container.deadline)
            elif container.phase == RUNNING:
                asked += [probe.due for kind, probe in container.probes.items() if self._asks(kind, container)]
            elif not state.terminating and container.retry_at > self.now:
                times.append(container.retry_at)
        if state.terminating:
            asked = []
        elif state.sandbox == "ready":
            asked += [when for when in (state.refresh_at, state.resize_at) if when]
        if not asked:
            return min(times, default=0), False
        first = min([*times, *asked])
        return first, first not in times

    def event(self, kind: str, reason: str, message: str, container: str = "") -> None:
        """Say something about the pod, or about one of its containers. The hollow kubelet says nothing."""
        if self.runtime.instant:
            return
        init = self.pod["spec"].get("initContainers")
        field = "initContainers" if init and container in {c["name"] for c in init} else "containers"
        self.kubelet.recorder.event(self.pod, kind, reason, message, field_path=f"spec.{field}{{{container}}}" if container else "")

    def not_simulated(self, what: str) -> None:
        """Say once on this node that something is accepted and not simulated."""
        own = self.kubelet.own
        if not self.runtime.instant and what not in own.warned:
            own.warned[what] = True
            self.event(WARNING, "NotSimulated", f"k8snb does not simulate {what}")

    def find(self, resource: str, name: str) -> Object | None:
        """A ConfigMap or a Secret of the pod's namespace."""
        return self.kubelet.look_up(resource, name, self.state.namespace)

    def sources(self) -> environment.Sources:
        """Where the values of its environment and volumes come from."""
        status = {"podIP": self.state.address, "hostIP": self.kubelet.address}
        return environment.Sources(self.pod, status, self.kubelet.node, self.find, self._file)

    def _file(self, volume: str, path: str) -> str | None:
        """The text of a file in one of the pod's volumes."""
        return text_of(self.runtime.volume_files(self.state.uid, volume).get(path.strip("/")))

    def target(self, container: ContainerState) -> probes.Target:
        """A container as probes and hooks see it."""
        address = self.state.address or self.kubelet.address
        host = bool(self.pod["spec"].get("hostNetwork"))
        return probes.Target(self.specs[container.name], container.id, self.state.uid, address, host_network=host)

    # -- operations --------------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        state = self.state
        while state.operation is None:
            action = pods.next_action(self.pod, state, self.now)
            if action is None:
                return
            if not self._begin(action):
                continue
            if state.operation_ends <= self.now:
                self._finish_operation()

    def _begin(self, action: Action) -> bool:
        """Begin an operation. False when there was trouble instead, and the container (or pod) has to wait."""
        if action.kind == "sandbox":
            if wait := volumes.prepare(self):
                return self._operate("volumes", "", wait)
            return self._operate("sandbox", "", self.runtime.latencies.sandbox)
        container = self.state.containers[action.container]
        if container.phase == EXITED and not container.changed and not self._restart(container):
            return False
        return self._pull_or_start(container)

    def _operate(self, kind: str, container: str, duration: int) -> bool:
        self.state.operation, self.state.operation_ends = (kind, container), self.now + duration
        self.begun.append(f"{kind} {container}".strip())
        return True

    def _finish_operation(self) -> None:
        state = self.state
        if state.operation is None or state.operation_ends > self.now:
            return
        kind, name = state.operation
        state.operation = None
        if kind == "sandbox":
            self._sandbox_made()
        elif kind == "volumes":
            return  # the next look tells whether they are there now
        elif kind == "pull":
            self._pulled(state.containers[name])
        elif kind == "hook":
            self._runs(state.containers[name])
        else:
            self._started(state.containers[name])

    def _sandbox_made(self) -> None:
        """The pod has an address."""
        state = self.state
        self.kubelet.attach(state, host=bool(self.pod["spec"].get("hostNetwork")))
        self.kubelet.network.set_resolver(state.namespace, state.name, own_resolver(self.pod))
        if ports := pods.host_ports(self.pod):
            self.kubelet.network.map_ports(self.kubelet.node_name, state.uid, ports)
        state.sandbox = "ready"

    def _compare_specs(self) -> None:
        """The image is the one thing of a running container that can be changed: then it is stopped and made anew."""
        for name, container in self.state.containers.items():
            if container.phase == RUNNING and not container.stopping and self.specs[name]["image"] != container.made_from:
                container.changed = True
                stopping.stop(self, container, self.state.grace, f"Container {name} definition changed, will be restarted")

    def _restart_all(self) -> None:
        """A rule may want all containers to restart: what runs is stopped, without hooks or grace, then a new round begins."""
        state = self.state
        if not state.restarting_all:
            if not any(restarts.wants_all_restarted(self.specs[c.name], c) for c in state.containers.values()):
                return
            state.restarting_all, state.operation = True, None
        running = [c for c in state.containers.values() if c.phase == RUNNING and c.kind != EPHEMERAL]
        for container in running:
            if not container.stopping:
                stopping.stop(self, container, 0, f"Stopping container {container.name}")
        if not running:
            state.restarting_all = False
            pods.new_round(state)

    def _check_deadline(self) -> None:
        """``activeDeadlineSeconds``: a pod that has lived longer fails, and its containers are stopped."""
        if (deadline := self._deadline()) and self.now >= deadline and not pods.is_finished(self.pod, self.state):
            message = "Pod was active on the node longer than the specified deadline"
            self.state.evicted, self.state.operation = ("DeadlineExceeded", message), None
            self.event(NORMAL, "DeadlineExceeded", message)

    def _deadline(self) -> int:
        seconds = self.pod["spec"].get("activeDeadlineSeconds")
        return self.state.started_at + seconds * SECOND if seconds and not self.state.evicted else 0

    def _restart(self, container: ContainerState) -> bool:
        """An ended container is to start again: at once, or it waits in CrashLoopBackOff."""
        container.retry_at = restarts.crash_retry(container)
        if container.retry_at <= self.now:
            return True
        delay = go_duration(container.crash_delay)
        state, name = self.state, container.name
        pods.move_to_last(container)
        container.reason = "CrashLoopBackOff"
        container.message = f"back-off {delay} restarting failed container={name} pod={state.name}_{state.namespace}({state.uid})"
        self.event(
            WARNING, "BackOff", f"Back-off restarting failed container {name} in pod {state.name}_{state.namespace}({state.uid})", name
        )
        return False

    def _pull_or_start(self, container: ContainerState) -> bool:
        """The image first: present, to be pulled, or in back-off."""
        spec = self.specs[container.name]
        image, policy = spec["image"], spec.get("imagePullPolicy", "IfNotPresent")
        if self.runtime.instant:
            return self._start(container, spec)
        if self._pull_backs_off(container):
            return False
        try:
            present = self.runtime.image_present(image)
        except ValueError as error:
            text = f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": {error}'
            self.event(WARNING, "InspectFailed", text, container.name)
            return self._wait(container, "InvalidImageName", text, "Error: InvalidImageName")
        if policy == "Never" and not present:
            text = f'Container image "{image}" is not present with pull policy of Never'
            self.event(WARNING, "ErrImageNeverPull", text, container.name)
            return self._wait(container, "ErrImageNeverPull", text, "Error: ErrImageNeverPull")
        if present and policy != "Always":
            self.event(
                NORMAL, "Pulled", f'Container image "{image}" already present on machine and can be accessed by the pod', container.name
            )
            return self._start(container, spec)
        return self._pull(container, image)

    def _pull(self, container: ContainerState, image: str) -> bool:
        own = self.kubelet.own
        self.event(NORMAL, "Pulling", f'Pulling image "{image}"', container.name)
        begin = max(self.now, own.pull_free_at)
        result = self.runtime.pull(image, self._logins())
        own.pull_free_at = begin + result.duration
        self.state.operation_note = (*result, own.pull_free_at - self.now)
        return self._operate("pull", container.name, own.pull_free_at - self.now)

    def _logins(self) -> tuple[pull_secrets.Login, ...]:
        """The logins that the pod brings along; what is missing is said."""
        if not self.pod["spec"].get("imagePullSecrets"):
            return ()
        found, missing = pull_secrets.logins_of(self.pod, self.find)
        if missing:
            said = f"Unable to retrieve some image pull secrets ({', '.join(missing)}); attempting to pull the image may not succeed."
            self.event(WARNING, "FailedToRetrieveImagePullSecret", said)
        return found

    def _pulled(self, container: ContainerState) -> None:
        duration, size, error, waited = self.state.operation_note
        self.state.operation_note = None
        image = self.specs[container.name]["image"]
        if error:
            self._pull_failed(container, image, error)
            return
        self.runtime.pulled(image)
        container.pull_delay = 0
        took = f"in {go_duration(_milliseconds(duration))} ({go_duration(_milliseconds(waited))} including waiting)"
        self.event(NORMAL, "Pulled", f'Successfully pulled image "{image}" {took}. Image size: {size} bytes.', container.name)
        self._start(container, self.specs[container.name])

    def _pull_failed(self, container: ContainerState, image: str, error: str) -> None:
        """ErrImagePull now; what the next look finds is the back-off."""
        self.event(WARNING, "Failed", f'Failed to pull image "{image}": {error}', container.name)
        self.event(WARNING, "Failed", "Error: ErrImagePull", container.name)
        restarts.raise_pull_delay(container, self.now)
        end, container.retry_at = container.retry_at, self.now + SECOND  # the kubelet looks again soon, and finds the back-off
        container.reason, container.message, container.pull_until = "ErrImagePull", error, end

    def _pull_backs_off(self, container: ContainerState) -> bool:
        """Whether the last failed pull is too recent for another one; says so once."""
        end, container.pull_until = container.pull_until, 0
        if end <= self.now:
            return False
        image = self.specs[container.name]["image"]
        text = f'Back-off pulling image "{image}"'
        self.event(NORMAL, "BackOff", text, container.name)
        self.event(WARNING, "Failed", "Error: ImagePullBackOff", container.name)
        container.message, container.reason = f"{text}: ErrImagePull: {container.message}", "ImagePullBackOff"
        container.retry_at = end
        return True

    def _wait(self, container: ContainerState, reason: str, message: str, event: str) -> bool:
        """Something is wrong that may mend itself: say so at every look, and look again later."""
        self.event(WARNING, "Failed", event, container.name)
        pods.move_to_last(container)
        container.reason, container.message, container.retry_at = reason, message, self.now + RETRY
        return False

    def _start(self, container: ContainerState, spec: Object) -> bool:
        """Create the container; it runs when the operation is over."""
        try:
            environment.check_user(self.pod, spec, self.runtime.image_user)
            links = {} if self.runtime.instant else self.kubelet.service_links(self.pod)
            values = environment.variables(spec, self.sources(), links)
            self.state.operation_note = tuple(values.items()), mount_points.make(self, spec, values)
        except environment.ConfigError as error:
            return self._wait(container, "CreateContainerConfigError", str(error), f"Error: {error}")
        self.event(NORMAL, "Created", "Container created", container.name)
        if container.phase == EXITED or container.last is not None:
            restarts.raise_crash_delay(container, self.now)
            pods.move_to_last(container)
            container.restarts += 1
            if container.last_id:  # only one dead container is kept, for `logs --previous`
                self.runtime.remove_container(container.last_id)
            container.last_id = container.id
        container.reason = container.message = ""
        return self._operate("start", container.name, self.runtime.latencies.start)

    def _config(self, container: ContainerState, values: tuple[tuple[str, str], ...], mounts: tuple[MountPoint, ...]) -> ContainerConfig:
        state, spec = self.state, self.specs[container.name]
        known, pod, uid = dict(values), self.pod["spec"], state.uid
        return ContainerConfig(
            id=self.kubelet.container_id(state, container), pod_uid=uid, namespace=state.namespace, pod=state.name, name=container.name,
            image=spec["image"], command=tuple([environment.expand(word, known) for word in spec.get("command") or ()]),
            args=tuple([environment.expand(word, known) for word in spec.get("args") or ()]), env=values,
            working_dir=spec.get("workingDir", ""),
            hostname=pod.get("hostname") or (self.kubelet.node_name if pod.get("hostNetwork") else state.name), address=state.address,
            mounts=mounts, ports=environment.ports(spec),
            read_only=bool((spec.get("securityContext") or EMPTY_DICT).get("readOnlyRootFilesystem")),
            batch=container.kind == INIT or restarts.restart_policy(self.pod, spec) != "Always",
            stdin=bool(spec.get("stdin")), message_path=spec.get("terminationMessagePath", "/dev/termination-log"),
            message_from_log=spec.get("terminationMessagePolicy") == "FallbackToLogsOnError",
            resources=pods.resources(container.allocated or EMPTY_DICT),
            stop_signal=(spec.get("lifecycle") or EMPTY_DICT).get("stopSignal", "").removeprefix("SIG"), qos=qos_class(self.pod),
            run_as=environment.user_of(self.pod, spec), attempt=container.restarts,
        )  # fmt: skip

    def _started(self, container: ContainerState) -> None:
        """The runtime starts the process; its probes begin."""
        config = self._config(container, *(self.state.operation_note or ((), ())))
        self.state.operation_note = None
        spec = self.specs[container.name]
        self.state.begun = self.state.begun or container.kind == APP
        self._mention_generic(container, spec["image"])
        result = self.runtime.start(config)
        container.id, container.image_id = config.id, self.runtime.image_id(spec["image"])
        container.image, container.made_from, container.changed = self.runtime.image_name(spec["image"]), spec["image"], False
        container.applied = container.allocated
        container.started_at = self.now
        if result.error:
            self.event(WARNING, "Failed", f"Error: {result.error}", container.name)
            self._exited(container, 128, self.now, "StartError", result.error)
            container.started_at = 0
            return
        self.event(NORMAL, "Started", "Container started", container.name)
        container.phase, container.started, container.ready = RUNNING, spec.get("startupProbe") is None, False
        container.probes = {}
        if self.runtime.instant:
            container.started = None if self.kubelet.style.all_ready else True
            container.ready = True
            return
        hook = stopping.post_start(self, container, spec)
        if hook:
            self._operate("hook", container.name, hook)  # until then it counts as not yet running, and nothing after it begins
        else:
            self._runs(container)

    def _runs(self, container: ContainerState) -> None:
        """The container has started and its postStart hook is over: its probes begin."""
        if container.phase == RUNNING:
            self._watch_over(container, self.specs[container.name])
        stopping.post_started(self, container)

    def _mention_generic(self, container: ContainerState, image: str) -> None:
        own = self.kubelet.own
        if self.runtime.simulated(image) or image in own.warned:
            return
        own.warned[image] = True
        text = f'k8snb does not simulate image "{image}": a generic container stands for it, which runs and answers on its declared ports'
        self.event(WARNING, "NotSimulated", text, container.name)

    # -- ends and probes ---------------------------------------------------------------------------------------------

    def reap(self) -> None:
        """Notice the containers that have ended."""
        for container in self.state.containers.values():
            if container.phase == RUNNING:
                end = self.runtime.ended(container.id)
                if end is not None and (self.runtime.instant or self.now >= end.at + self.runtime.latencies.stop):
                    self._exited(container, end.code, end.at, end.reason, end.message)

    def _exited(self, container: ContainerState, code: int, at: int, reason: str, message: str) -> None:
        container.phase, container.exit_code, container.finished_at = EXITED, code, at
        container.exit_reason, container.exit_message = reason, message
        container.ready = container.stopping = False
        container.started = False if container.started is not None else None
        container.probes, container.term_at, container.deadline, container.retry_at = {}, 0, 0, 0

    def _watch_over(self, container: ContainerState, spec: Object) -> None:
        for kind in probes.KINDS:
            probe = probes.spec_of(spec, kind)
            if probe is not None and container.kind != INIT:
                container.probes[kind] = probes.begin(kind, probe, self.state, container.started_at, self.now)
        container.ready = bool(container.started) and "readiness" not in container.probes

    def _asks(self, kind: str, container: ContainerState) -> bool:
        """Whether this probe is asked now: the startup probe until it has passed, then the others."""
        return not container.started if kind == "startup" else bool(container.started)

    def _probe(self) -> None:
        for container in self.state.containers.values():
            if container.phase == RUNNING and not container.stopping:
                for kind, state in container.probes.items():
                    if self._asks(kind, container) and state.due <= self.now and not container.stopping:
                        self._ask(kind, state, container)

    def _ask(self, kind: str, state: ProbeState, container: ContainerState) -> None:
        spec = self.specs[container.name]
        probe = probes.spec_of(spec, kind) or EMPTY_DICT
        outcome = probes.ask(probe, self.target(container), self.runtime)
        if not outcome.success:
            failed = "errored and resulted in unknown state" if outcome.error else "failed"
            self.event(WARNING, "Unhealthy", f"{kind.capitalize()} probe {failed}: {outcome.output}", container.name)
        if outcome.error:
            probes.postpone(state, probe, self.now)
            return
        if not probes.record(state, probe, outcome.success, self.now):
            return
        state.passed = outcome.success
        if kind == "readiness":
            container.ready = outcome.success
        elif not outcome.success:
            grace = probe.get("terminationGracePeriodSeconds") or self.pod["spec"].get("terminationGracePeriodSeconds", 30)
            stopping.stop(self, container, grace, f"Container {container.name} failed {kind} probe, will be restarted")
        elif kind == "startup":
            container.started, container.ready = True, "readiness" not in container.probes
            for name, other in container.probes.items():
                wanted = probes.spec_of(spec, name) or EMPTY_DICT
                other.due = probes.first_due(name, wanted, other.origin, container.started_at, self.now)


def _milliseconds(duration: int) -> int:
    """A duration without what is below a millisecond."""
    return duration - duration % MILLISECOND
