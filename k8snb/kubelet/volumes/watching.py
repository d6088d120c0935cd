"""Who is told when a mounted object changes: an index from ConfigMaps, Secrets and claims to the pods of this node that mount them.

For each such object the kubelet keeps one watch, as upstream's watch-based managers do; so nothing costs anything while nothing
changes. When it does, the files do not change at once: the pod's worker looks at its volumes when the pod is synced next, and a
pod is synced every 60 to 90 seconds. Where in that interval the change falls is drawn.

    change --watch, 3 ms--> the kubelet's cache        --next sync of the pod, 0 to 90 s-->  new files

Any change of the pod itself (an annotation, say) syncs it at once.

Models: pkg/kubelet/util/manager (watch_based_manager.go), pkg/kubelet/pod_workers.go (resyncInterval, workerResyncIntervalJitterFactor).
Simplified: the certificate that every pod has from kube-root-ca.crt is not watched; it never changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from k8snb.apimachinery.objects import Object, dig
from k8snb.component_helpers.timing import timing
from k8snb.kubelet.state import PodState
from k8snb.sim.state import Shelf

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet

SYNC_JITTER = 0.5
"""A pod's next sync comes after 1 to 1.5 times the sync frequency."""
OWN_TOKEN = "kube-api-access-"


def references(pod: Object) -> Iterator[tuple[str, str]]:
    """(resource, name) of the objects that the pod's volumes are made from."""
    for volume in pod["spec"].get("volumes") or ():
        if "configMap" in volume:
            yield "configmaps", volume["configMap"].get("name", "")
        elif "secret" in volume:
            yield "secrets", volume["secret"].get("secretName", "")
        elif "persistentVolumeClaim" in volume:
            yield "persistentvolumeclaims", volume["persistentVolumeClaim"]["claimName"]
        elif not volume["name"].startswith(OWN_TOKEN):
            for source in dig(volume, "projected.sources", ()):
                if "configMap" in source:
                    yield "configmaps", source["configMap"].get("name", "")
                elif "secret" in source:
                    yield "secrets", source["secret"].get("name", "")


def follow(kubelet: Kubelet, state: PodState, pod: Object) -> None:
    """From now on the pod is told of changes of what it mounts."""
    for resource, name in references(pod):
        key = f"{resource} {state.namespace}/{name}"
        users = kubelet.own.followed.setdefault(key, Shelf())
        if not users:
            _informer(kubelet, key, fresh=True)
        users[state.uid] = True


def unfollow(kubelet: Kubelet, state: PodState) -> None:
    """The pod is told no longer; what nobody mounts is not watched."""
    for key in [key for key, users in kubelet.own.followed.items() if state.uid in users]:
        users = kubelet.own.followed[key]
        del users[state.uid]
        if not users:
            del kubelet.own.followed[key]
            name = _name(key)
            kubelet.informers.pop(name).stop()
            del kubelet.state.informers[name]


def resume(kubelet: Kubelet) -> None:
    """The wiring of a kubelet over a state that follows objects already."""
    for key in kubelet.own.followed:
        _informer(kubelet, key, fresh=False)


def _fields(key: str) -> tuple[str, str]:
    resource, _, rest = key.partition(" ")
    namespace, _, name = rest.partition("/")
    return resource, f"metadata.name={name},metadata.namespace={namespace}"


def _name(key: str) -> str:
    resource, fields = _fields(key)
    return f"{resource}?{fields}"


def _informer(kubelet: Kubelet, key: str, *, fresh: bool) -> None:
    resource, fields = _fields(key)
    informer = kubelet.informer(resource, fields=fields)
    if fresh:
        kubelet.list_and_watch(_name(key))  # what is there now has just been mounted: nobody needs to be told
    informer.tell(partial(_changed, kubelet, key))


def _changed(kubelet: Kubelet, key: str, _old: Object | None, _new: Object | None, cause: int) -> None:
    for uid in list(kubelet.own.followed.get(key, ())):
        state = kubelet.own.pods.get(uid)
        if state is not None:
            when = kubelet.kernel.now + _until_sync(kubelet)
            if not kubelet.kernel.now < state.refresh_at <= when:
                state.refresh_at = when
                kubelet.wake(state, when, f"{state.key}: {key.partition('/')[2]} has changed", (cause,) if cause else ())


def _until_sync(kubelet: Kubelet) -> int:
    """How long until a pod is synced next (µs): some part of its present interval is over."""
    stream = kubelet.kernel.rng(f"{kubelet.name}/sync")
    interval = timing("volume refresh") * (1 + SYNC_JITTER * stream.fraction())
    return max(1, int(interval * stream.fraction()))
