"""Static pods: what a kubelet runs because a file on its machine says so, with or without an API server.

    /etc/kubernetes/manifests/web.yaml  ->  pod web-node-1  ->  its *mirror* in the API

The file is the truth. The mirror pod only shows it: whoever deletes the mirror gets a new one a moment later, the scheduler never sees
it, and NoExecute taints do not touch it. This is how a control plane starts itself: its API server is a static pod.

Models: pkg/kubelet/config/file.go and common.go (applyDefaults), pkg/kubelet/pod/mirror_client.go, pkg/kubelet/kubelet.go (syncPod).
Simplified: a file is noticed at once, as through inotify; a changed file ends the old pod before the new one is taken up.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from k8snb.apimachinery.decode import decode_object
from k8snb.apimachinery.errors import ApiError, object_invalid, within
from k8snb.apimachinery.meta import key_of, timestamp
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, freeze, put
from k8snb.apimachinery.validation import validate_object_meta
from k8snb.component_helpers.timing import timing
from k8snb.kubelet.state import PodState
from k8snb.resources.common.pod_annotations import MIRROR, is_mirror
from k8snb.resources.core.pod import RESOURCE
from k8snb.sim.clock import LATENCY

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet

HASH, SOURCE, SEEN = "kubernetes.io/config.hash", "kubernetes.io/config.source", "kubernetes.io/config.seen"
_EVERYWHERE = {"operator": "Exists", "effect": "NoExecute"}


def parse(manifest: Object) -> Object:
    """A manifest with its defaults, checked as the kubelet checks its files. Raises ``ValueError`` with what is wrong."""
    kind = (manifest.get("apiVersion"), manifest.get("kind"))
    if kind != ("v1", "Pod"):
        raise ValueError(f"a kubelet runs v1 Pods, not {kind[0]} {kind[1]}")
    try:
        decoded, _ = decode_object(RESOURCE.schema, manifest, kind="Pod", version="v1", field_validation="Strict")
    except ApiError as error:
        raise ValueError(error.message) from None
    pod = RESOURCE.default(decoded)
    on_some_node = put(pod, ("spec", "nodeName"), "node")
    errors = within("metadata", validate_object_meta(pod["metadata"], namespaced=False, name_format=None)) + RESOURCE.validate(on_some_node)
    if errors:
        raise ValueError(object_invalid("", "Pod", pod["metadata"].get("name", ""), errors).message)
    return pod


def pod_of_file(manifest: Object, *, node: str, now: int) -> Object:
    """The pod that a manifest stands for on this node: named after it, with an identity made from its content."""
    given = manifest["metadata"]
    digest = hashlib.sha256(json.dumps([node, manifest], sort_keys=True).encode()).hexdigest()[:32]
    notes = {**(given.get("annotations") or {}), HASH: digest, SEEN: timestamp(now), SOURCE: "file"}
    meta = {
        **given,
        "name": f"{given['name']}-{node}",
        "namespace": given.get("namespace") or "default",
        "uid": digest,
        "annotations": notes,
    }
    spec = {**manifest["spec"], "nodeName": node, "tolerations": [*(manifest["spec"].get("tolerations") or ()), _EVERYWHERE]}
    found: Object = freeze({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    return found


def set_file(kubelet: Kubelet, file: str, manifest: Object | None) -> None:
    """Write a manifest into the kubelet's directory, or (None) remove it."""
    own = kubelet.own
    if manifest is None:
        own.static.pop(file, None)
    else:
        own.static[file] = pod_of_file(parse(manifest), node=kubelet.node_name, now=kubelet.kernel.now)
    if kubelet.state.running:
        kubelet.kernel.after(LATENCY["kubelet sync"], kubelet.name, ("static",), why=f"{file} has changed on the machine")


def look(kubelet: Kubelet) -> None:
    """Take up the pods of new files; end those whose file is gone or says something else; remove mirrors that show nothing."""
    wanted = {pod["metadata"]["uid"]: pod for pod in kubelet.own.static.values()}
    for state in [s for s in kubelet.own.pods.values() if s.static and s.uid not in wanted]:
        kubelet.sync(state)
    for uid, pod in wanted.items():
        name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        if uid in kubelet.own.pods or kubelet.own.uids.get(name) in kubelet.own.pods:
            continue  # it runs, or its predecessor has not ended yet
        kubelet.take_up(pod)
    for mirror in [pod for pod in kubelet.pods.all() if is_mirror(pod) and key_of(pod) not in kubelet.own.uids]:
        try:
            _delete(kubelet, mirror)
        except ApiError:
            kubelet.kernel.after(timing("retry"), kubelet.name, ("static",), why="a mirror without a pod", background=True)
            return


def find(kubelet: Kubelet, state: PodState) -> Object | None:
    """The static pod as its file says it, with what the mirror knows of its status; None where the file is gone."""
    pod = next((pod for pod in kubelet.own.static.values() if pod["metadata"]["uid"] == state.uid), None)
    mirror = kubelet.pods.get(state.key)
    if pod is None or mirror is None or not is_mirror(mirror):
        return pod
    return FrozenDict({**pod, "status": mirror.get("status") or EMPTY_DICT})


def reflect(kubelet: Kubelet, state: PodState) -> None:
    """See to it that the API shows the pod: make the mirror where there is none, replace one that is another's or on its way out."""
    pod, mirror = find(kubelet, state), kubelet.pods.get(state.key)
    if pod is None:
        return
    if mirror is not None and (mirror["metadata"].get("deletionTimestamp") or _hash(mirror) != state.uid):
        remove(kubelet, state)
        mirror = None
    if mirror is None:
        try:
            kubelet.client.create("pods", _mirror(kubelet, pod), state.namespace)
        except ApiError as error:
            if error.code != 409:
                raise


def remove(kubelet: Kubelet, state: PodState) -> None:
    """Take the mirror out of the API."""
    mirror = kubelet.pods.get(state.key)
    if mirror is not None and is_mirror(mirror):
        _delete(kubelet, mirror)


def _delete(kubelet: Kubelet, mirror: Object) -> None:
    meta = mirror["metadata"]
    try:
        kubelet.client.delete("pods", meta["name"], meta["namespace"], grace=0, uid=meta["uid"])
    except ApiError as error:
        if error.code not in (404, 409):
            raise


def _hash(mirror: Object) -> Any:
    return mirror["metadata"]["annotations"].get(MIRROR)


def _mirror(kubelet: Kubelet, pod: Object) -> Object:
    meta = {key: value for key, value in pod["metadata"].items() if key != "uid"}
    node = kubelet.node
    owner = {"apiVersion": "v1", "kind": "Node", "name": kubelet.node_name, "uid": node["metadata"].get("uid", ""), "controller": True}
    meta |= {"annotations": {**meta["annotations"], MIRROR: pod["metadata"]["uid"]}, "ownerReferences": [owner]}
    found: Object = freeze({**pod, "metadata": meta})
    return found
