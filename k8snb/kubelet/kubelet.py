"""The kubelet: the component of one node. It makes the pods that the API server gives to this node come true.

    watch (pods of this node) -> one worker turn per pod -> runtime, network -> status of the pod
    every 10 s a Lease, every 5 min (or on change) the status of the Node

Each pod has a worker (:mod:`.worker`); a turn is a kernel event ``("pod", uid)``. The kubelet writes a pod's status at the end
of a turn in which it changed, and removes the pod from the API when its deletion is complete.

Models: pkg/kubelet/kubelet.go (syncLoop), pkg/kubelet/status/status_manager.go.
Without the API server a kubelet goes on with what it knows; what it has to tell, it tells when the server is back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import key_of
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, put
from k8snb.apiserver.request import User
from k8snb.client.component import Component, Environment
from k8snb.client.recorder import Recorder
from k8snb.component_helpers import pod_requests
from k8snb.kubelet import admission, environment, eviction, heartbeats, oom, outage, pods, preemption, probes, reboot, shutdown, static
from k8snb.kubelet import node as nodes
from k8snb.kubelet.configuration import DEFAULTS, Settings
from k8snb.kubelet.observing import node_amounts
from k8snb.kubelet.state import ContainerState, KubeletState, PodState
from k8snb.kubelet.status import FAITHFUL, Style, pod_status
from k8snb.kubelet.storage_limits import has_disk_limits
from k8snb.kubelet.volumes import manager as volumes
from k8snb.kubelet.volumes import watching
from k8snb.kubelet.worker import RETRY, Worker
from k8snb.resources.common.pod_annotations import is_mirror
from k8snb.seams.cni import PodNetwork
from k8snb.seams.cri import Runtime
from k8snb.seams.csi import Drivers
from k8snb.sim.clock import LATENCY, SECOND
from k8snb.sim.kernel import Event
from k8snb.sim.state import Shelf

FAKE_RELIST = SECOND // 2  # on average, until a kubelet over a fake runtime has noticed that a stopped container is gone


class Kubelet(Component):
    """The kubelet of one machine. ``manifest`` is the machine: labels, capacity."""

    def __init__(
        self, env: Environment, manifest: Object, runtime: Runtime, network: PodNetwork, *, style: Style = FAITHFUL,
        settings: Settings = DEFAULTS,
    ):  # fmt: skip
        self.manifest, self.node_name = manifest, str(manifest["metadata"]["name"])
        self.runtime, self.network, self.style, self.settings = runtime, network, style, settings
        self.address = nodes.machine_address(manifest)
        user = User(f"system:node:{self.node_name}", ("system:nodes", "system:authenticated"))
        super().__init__(f"kubelet/{self.node_name}", env, user=user, agent="kubelet")
        self.own: KubeletState = self.state.own  # what it remembers; it survives a stop (on_stop), so it is the same for good
        self.recorder = Recorder(self.state.recorder, self.client, self.kernel, component="kubelet", host=self.node_name)
        self.nodes = self.informer("nodes", fields=f"metadata.name={self.node_name}")  # before the pods: their admission asks for labels
        self.pods = self.informer("pods", fields=f"spec.nodeName={self.node_name}")
        self._events: dict[str, Callable[[Any], None]] = {
            "pod": self._alarm, "exited": self._container_ended, "register": self._register, "lease": self._renew, "node": self._report,
            "collect": self._collect,
            "evicted": self._evicted, "oom": self._out_of_memory, "static": self._look_at_files, "shutdown": self._shut_down,
        }  # fmt: skip
        self.pods.tell(self._pod_changed)
        self.nodes.tell(self._node_changed)
        self.drivers: Drivers = env.services.drivers
        watching.resume(self)

    # -- life --------------------------------------------------------------------------------------------------------

    def new_state(self) -> KubeletState:
        """What it remembers."""
        return KubeletState()

    def on_start(self) -> None:
        """Register the node, begin the heartbeats, and look at the pods that were here before."""
        self.kernel.after(0, self.name, ("register",), why="the kubelet registers its node")
        if self.own.runtime_lost_at:
            outage.begin(self)
        if self.own.rebooted:
            reboot.find(self)
        for uid, state in self.own.pods.items():
            probes.resume(state, self.pod_of(state), self.kernel)
            self._schedule(uid, state, 0, "the kubelet has started")
            if late := pods.unheard(state, self.runtime, self.kernel.now):
                self.kernel.after(late, self.name, ("exited", uid), why=f"{state.key}: a container has ended")
        static.look(self)

    def list_and_watch(self, name: str) -> None:
        """After a break, a mirror may be gone that this kubelet made and never saw: look at all static pods, as a resync does."""
        super().list_and_watch(name)
        for state in self.own.pods.values() if self.informers[name] is self.pods else ():
            if state.static:
                self._schedule(state.uid, state, LATENCY["kubelet sync"], f"{state.key}: the watch on pods has begun anew", background=True)

    def on_stop(self) -> KubeletState:
        """Containers go on without the kubelet; it finds them again when it starts, as from the runtime."""
        for state in self.own.pods.values():
            state.alarm = 0
        return self.own

    @property
    def node(self) -> Object:
        """The Node as the kubelet last saw it."""
        return self.nodes.get(self.node_name) or nodes.new_node(self.manifest, self.node_name)

    def on_event(self, key: Any) -> None:
        """One of the kubelet's own events."""
        self._events[key[0]](key)

    def _register(self, _key: Any) -> None:
        heartbeats.register(self)

    def _renew(self, _key: Any) -> None:
        heartbeats.renew(self)

    def _report(self, _key: Any) -> None:
        heartbeats.report_regularly(self)

    def _evicted(self, _key: Any) -> None:
        if eviction.after_eviction(self):
            heartbeats.report(self)

    def _shut_down(self, _key: Any) -> None:
        shutdown.look(self)

    def _look_at_files(self, _key: Any) -> None:
        static.look(self)

    def _out_of_memory(self, _key: Any) -> None:
        oom.kill(self)

    def handle(self, event: Event) -> None:
        """Drop events of a stopped kubelet: its machine's runtime may still tell it things."""
        if self.state.running or event.key[0] in ("watch", "relist"):
            super().handle(event)

    # -- pods --------------------------------------------------------------------------------------------------------

    def _pod_changed(self, old: Object | None, new: Object | None, cause: int) -> None:
        pod = new if new is not None else old
        assert pod is not None
        uid = pod["metadata"]["uid"]
        if is_mirror(pod):
            self._mirror_changed(pod, old, new)
            return
        state = self.own.pods.get(uid)
        if state is None:
            if new is None:
                return
            state = self._admit(new)
        if new is not None and old is not None and _only_our_status(old, new, state) and not volumes.touched(self, state, old, new):
            return
        if new is None and state.sandbox in ("", "gone") and state.terminating:
            self._forget(state)  # its deletion was completed by this kubelet
            return
        if new is None:
            state.gone = True
        delay = LATENCY["kubelet sync"]
        if self.runtime.instant and pod["metadata"].get("deletionTimestamp") and new is not None:
            delay = FAKE_RELIST
        self._schedule(uid, state, delay, f"{state.key} {'was deleted' if new is None else 'changed'}", (cause,) if cause else ())

    def _mirror_changed(self, mirror: Object, old: Object | None, new: Object | None) -> None:
        """Somebody has touched the image of a static pod: see to it that it is right again."""
        state = self.own.pods.get(self.own.uids.get(key_of(mirror), ""))
        if state is None or not state.static:  # its file went while this kubelet was away, perhaps
            self.kernel.after(LATENCY["kubelet sync"], self.name, ("static",), why=f"the mirror {key_of(mirror)} has no pod here")
        elif old is None or new is None or not _only_our_status(old, new, state):
            self._schedule(state.uid, state, LATENCY["kubelet sync"], f"the mirror of {state.key} changed")

    def take_up(self, pod: Object) -> None:
        """Begin with a pod that comes from a file."""
        state = self._admit(pod)
        state.static = True
        self.sync(state)

    def pod_of(self, state: PodState) -> Object | None:
        """The pod as it should be now: from the API, or from its file; None where it is gone."""
        if state.static:
            return static.find(self, state)
        pod = self.pods.get(state.key)
        return pod if pod is not None and pod["metadata"]["uid"] == state.uid else None

    def _node_changed(self, _old: Object | None, _new: Object | None, cause: int) -> None:
        """Something about the Node: a volume that pods wait for may be attached now."""
        for uid in list(self.own.attaching):
            state = self.own.pods.get(uid)
            if state is not None and state.operation == ("volumes", ""):
                state.operation_ends = self.kernel.now
                self.wake(state, self.kernel.now, f"{state.key}: the node's attached volumes have changed", (cause,) if cause else ())

    def wake(self, state: PodState, when: int, why: str, causes: tuple[int, ...] = ()) -> None:
        """Let a pod's worker have a turn at ``when`` (µs)."""
        self._schedule(state.uid, state, max(0, when - self.kernel.now), why, causes, background=True)

    def _admit(self, pod: Object) -> PodState:
        """Take up a pod: is there room for it, and may it run here?"""
        meta = pod["metadata"]
        grace = pod["spec"].get("terminationGracePeriodSeconds", 30)
        now = self.kernel.now
        state = PodState(meta["uid"], meta.get("namespace", ""), meta["name"], started_at=now, probing_since=now, grace=grace)
        old = pod.get("status") or {}
        if old.get("phase") in ("Succeeded", "Failed"):
            state.sandbox, state.containers = "gone", pods.new_containers(pod)
            state.rejected = ("", "")
        else:
            state.containers = pods.new_containers(pod)
            state.requests = Shelf({"pods": 1, **{name: amount for name, amount in pod_requests(pod).items() if amount}})
            state.rejected = self._rejection(pod, state)
            if state.rejected:
                state.requests = Shelf()  # it takes nothing of the node
        self.own.pods[state.uid] = state
        self.own.uids[state.key] = state.uid
        if not state.rejected and has_disk_limits(pod):
            self.own.measured[state.uid] = True
        if state.rejected and state.rejected[0] and not self.runtime.instant:
            self.recorder.event(pod, "Warning", state.rejected[0], state.rejected[1].removeprefix("Pod was rejected: "))
        return state

    def _rejection(self, pod: Object, state: PodState) -> tuple[str, str] | None:
        """Why the kubelet refuses the pod, or None; then it takes its part of the node."""
        node, used = self.node, self.own.used
        capacity = (node.get("status") or {}).get("allocatable") or (self.manifest.get("status") or {}).get("allocatable")
        ports = self._ports_in_use() if admission.host_ports(pod) else frozenset()
        room = admission.Room(node_amounts(capacity or EMPTY_DICT), used, ports, tuple(self.own.pressure))
        lacking = admission.missing(state.requests, room) if admission.is_critical(pod) else {}
        for victim in preemption.victims(self, pod, lacking) if lacking else ():
            preemption.end(self, victim)
        found = admission.rejection(pod, node, state.requests, room)
        if found is None and self.own.shutting_down:
            found = admission.Rejection(*shutdown.REFUSED)
        if found is not None:
            return found.reason, f"Pod was rejected: {found.message}"
        for name, amount in state.requests.items():
            used[name] = used.get(name, 0) + amount
        return None

    def _ports_in_use(self) -> admission.Ports:
        """The host ports of the pods that run here."""
        running = [self.pod_of(state) for state in self.own.pods.values() if state.requests]
        return frozenset(port for pod in running if pod is not None for port in admission.host_ports(pod))

    def release(self, state: PodState) -> None:
        """The pod does not run any more: others may have its place."""
        for name, amount in state.requests.items():
            self.own.used[name] = self.own.used.get(name, 0) - amount
        state.requests = Shelf()
        for uid in self.own.deferred:
            self._schedule(uid, self.own.pods[uid], 0, f"{state.key} has given back what it had: is there room for a resize?")
        volumes.release(self, state)
        if self.own.shutting_down:
            self.kernel.after(0, self.name, ("shutdown",), why=f"{state.key} has ended")

    def _schedule(self, uid: str, state: PodState, delay: int, why: str, causes: tuple[int, ...] = (), *, background: bool = False) -> None:
        now = self.kernel.now
        when = now + delay
        if state.alarm and now <= state.alarm <= when:
            return
        state.alarm = when
        self.kernel.after(delay, self.name, ("pod", uid, when), why=why, causes=causes, background=background)

    def _alarm(self, key: Any) -> None:
        state = self.own.pods.get(key[1])
        if state is not None and state.alarm == key[2]:
            state.alarm = 0
            self.sync(state)

    def _container_ended(self, key: Any) -> None:
        state = self.own.pods.get(key[1])
        if state is not None:
            self.sync(state)

    def _collect(self, key: Any) -> None:
        outage.collect(self, key[1])

    def try_again(self, state: PodState) -> None:
        """Look at a pod again in a moment, as after every turn that failed."""
        self._schedule(state.uid, state, RETRY, f"{state.key}: its last turn has failed")

    def lose_runtime(self) -> None:
        """The container runtime does not answer any more. What runs goes on; nothing can be started, stopped or asked."""
        if not self.own.runtime_lost_at:
            self.own.runtime_lost_at = self.kernel.now
            outage.begin(self)

    def find_runtime(self) -> None:
        """The container runtime answers again: look at all pods."""
        self.own.runtime_lost_at = 0
        for uid, state in self.own.pods.items():
            self._schedule(uid, state, 0, "the container runtime answers again")

    def sync(self, state: PodState) -> None:
        """One turn of a pod's worker, and what follows from it: a status written, a pod removed, the next alarm."""
        if self.own.runtime_lost_at:
            outage.refuse(self, state)
            return  # all pods are looked at when it is back
        pod = self.pod_of(state)
        if pod is None:
            state.gone = True
            pod = pods.last_known(state)
        kernel, outer = self.kernel, self.kernel.causes
        now, key, trace = kernel.now, state.key, kernel.trace
        record = trace.add(now, "reconcile", self.name, "", key, None, outer)
        kernel.causes = (record,)
        worker, begun = Worker(self, state, pod), kernel.state.sequence
        try:
            over, written, problem = self._turn_of(worker)
            over = over and self._remove(state, pod)
        except ApiError as error:
            over, written, problem = False, 0, error.message
        if problem:
            trace.amend(record, ("error", problem, RETRY), verb=", ".join(worker.begun))
        elif not written and trace.last == record and kernel.state.sequence == begun:
            trace.retract(record)  # probes that found nothing new, say: no trace of a turn in which nothing happened
            kernel.causes = outer
        else:
            trace.amend(record, ("done", written, 0), verb=", ".join(worker.begun))
        if over:
            return
        when, background = worker.alarm()
        if when:
            self._schedule(state.uid, state, max(0, when - now), f"{key}: next turn", kernel.causes, background=background)
        if problem:
            self._schedule(state.uid, state, RETRY, f"{key} again after an error", background=True)

    def _turn_of(self, worker: Worker) -> tuple[bool, int, str]:
        """One turn: (whether a deletion is complete, statuses written, what kept a status from being written).

        A worker that is busy with something writes none. The pod lives on while the API server cannot be reached.
        """
        state, pod = worker.state, worker.pod
        busy = state.operation is not None
        worker.look()
        written, problem = 0, ""
        if not busy and not self.runtime.instant:
            written, problem = self._try_to_write(state, pod)
        over = worker.act()
        if state.operation is None:
            more, problem = self._try_to_write(state, pod)
            written += more
        return over, written, problem

    def _try_to_write(self, state: PodState, pod: Object) -> tuple[int, str]:
        try:
            if state.static:
                static.reflect(self, state)
            return int(self._write_status(state, pod)), ""
        except ApiError as error:
            return 0, error.message

    def _write_status(self, state: PodState, pod: Object) -> bool:
        """Write the pod's status if it has changed."""
        if state.gone or state.rejected == ("", ""):
            return False
        over = state.sandbox == "gone"
        status = pod_status(pod, state, host=self.address, now=self.kernel.now, style=self.style, finished=over)
        base = self.pods.get(state.key) if state.static else pod
        if base is None:
            return False  # the mirror of a static pod is on its way into the cache
        if status == base.get("status") or (status == state.status and not _changed_since(base, state.latest)):
            return False
        try:
            state.latest = self.client.update_status("pods", FrozenDict({**_newer(base, state.latest), "status": status}), typed=True)
        except ApiError as error:
            if error.code == 404:
                state.gone = not state.static
                return False
            if error.code != 409:
                raise
            self._rewrite(state, status)
        state.status = status
        return True

    def _rewrite(self, state: PodState, status: FrozenDict) -> None:
        """Somebody else changed the pod meanwhile: as the real kubelet patches, take the newest and put the status on it."""
        newest = self.client.find("pods", state.name, state.namespace)
        if state.static and newest is None:
            return
        if newest is None or (newest["metadata"]["uid"] != state.uid and not state.static):
            state.gone = True
            return
        kept = [
            c for c in (newest.get("status") or {}).get("conditions") or () if c["type"] not in {x["type"] for x in status["conditions"]}
        ]
        state.latest = self.client.update_status("pods", put(newest, "status", put(status, "conditions", [*kept, *status["conditions"]])))

    def _remove(self, state: PodState, pod: Object) -> bool:
        """The deletion is complete: take the pod out of the API, and forget it once that is done."""
        if state.static:
            static.remove(self, state)
        elif not state.gone and pod["metadata"].get("deletionTimestamp"):
            try:
                self.client.delete("pods", state.name, state.namespace, grace=0, uid=state.uid)
            except ApiError as error:
                if error.code not in (404, 409):
                    raise
        if state.gone:
            self._forget(state)
        return True

    def _forget(self, state: PodState) -> None:
        self.runtime.remove_pod(state.uid)
        self.release(state)
        if state.sandbox == "ready":
            self.detach(state)
        self.own.pods.pop(state.uid, None)
        self.own.deferred.pop(state.uid, None)
        self.own.measured.pop(state.uid, None)
        if self.own.uids.get(state.key) == state.uid:
            del self.own.uids[state.key]
        if state.static:
            static.look(self)  # its successor has waited for its end

    # -- what workers ask --------------------------------------------------------------------------------------------

    def attach(self, state: PodState, *, host: bool) -> None:
        """Give a pod's sandbox its address: one of the node's range, or the node's own."""
        if host:
            self.network.attach_host(self.address, self.node_name, state.uid, namespace=state.namespace, pod=state.name)
            state.address = self.address
        elif not state.address:
            cidr = (self.node.get("spec") or {}).get("podCIDR", "")
            state.address = self.network.attach(self.node_name, state.uid, namespace=state.namespace, pod=state.name, cidr=cidr)

    def detach(self, state: PodState) -> None:
        """The sandbox is gone: its address may be used again."""
        self.network.detach(self.node_name, state.uid)

    def service_links(self, pod: Object) -> dict[str, str]:
        """Variables for the Services of the pod's namespace (unless it wants none), and always for the API server's own.

        Those last seen where the API server cannot be asked.
        """
        namespace, wanted = pod["metadata"].get("namespace", ""), pod["spec"].get("enableServiceLinks", True)
        try:
            known = self.client.list("services", namespace) if wanted else []
            found = self.client.find("services", "kubernetes", "default") if not wanted or namespace != "default" else None
            links = environment.service_variables([*([found] if found else []), *known])
        except ApiError:
            return dict(self.own.links.get((namespace, wanted), ()))
        self.own.links[namespace, wanted] = tuple(links.items())
        return links

    def look_up(self, resource: str, name: str, namespace: str) -> Object | None:
        """A ConfigMap or Secret; as it was when last seen where the API server cannot be asked. Raises ApiError where it never was."""
        try:
            found = self.client.find(resource, name, namespace)
        except ApiError:
            if (resource, namespace, name) not in self.own.found:
                raise
            known: Object | None = self.own.found[resource, namespace, name]
            return known
        self.own.found[resource, namespace, name] = found
        return found

    def container_id(self, state: PodState, container: ContainerState) -> str:
        """A new container's id."""
        if self.runtime.instant:
            return f"fakeRuntime://k8s_{container.name}_{state.name}_{state.namespace}_{state.uid}_{container.restarts}"
        return "containerd://" + hashlib.sha256(f"{state.uid}/{container.name}/{container.restarts}".encode()).hexdigest()


def _newer(pod: Object, written: Object | None) -> Object:
    """What is newer: the pod in the cache, or the answer to the last write, which the cache may not have yet."""
    if written is None or int(written["metadata"]["resourceVersion"]) <= int(pod["metadata"]["resourceVersion"]):
        return pod
    return written


def _changed_since(pod: Object, latest: Object | None) -> bool:
    """Whether somebody has written the pod after this kubelet did (the node controller says of all pods that they are not ready)."""
    return latest is not None and int(pod["metadata"].get("resourceVersion", 0)) > int(latest["metadata"]["resourceVersion"])


def _only_our_status(old: Object, new: Object, state: PodState) -> bool:
    """Whether nothing changed but what this kubelet wrote itself."""
    if old["spec"] is not new["spec"] and old["spec"] != new["spec"]:
        return False
    if old["metadata"].get("deletionTimestamp") != new["metadata"].get("deletionTimestamp"):
        return False
    if old["metadata"].get("deletionGracePeriodSeconds") != new["metadata"].get("deletionGracePeriodSeconds"):
        return False
    return bool(new.get("status") == state.status)
