"""The picture of storage: which pod uses which claim, which volume that is, on which node it is attached, and who made it.

    Pod web-0 -> PersistentVolumeClaim data-web-0 -> PersistentVolume pvc-... -> StorageClass standard
                                                                           └──> Node node-2, where it is attached

A pure function of a snapshot.
"""

from __future__ import annotations

from k8snb.apimachinery.objects import EMPTY_LIST, Object, dig
from k8snb.messages import Missing, text
from k8snb.views.builders import LIMIT, more, node_of
from k8snb.views.graph import Edge, Graph
from k8snb.views.snapshot import Index, Snapshot, identity
from k8snb.views.summary import summarise

CLAIMS, VOLUMES, CLASSES = "persistentvolumeclaims", "persistentvolumes", "storageclasses.storage.k8s.io"
ATTACHMENTS = "volumeattachments.storage.k8s.io"


def storage(snapshot: Snapshot, root: str = "", *, namespace: str = "", limit: int = LIMIT) -> Graph:
    """Pods, claims, volumes, classes and attachments; all of a namespace (of all where it is empty), or what hangs together with ``root``.

    Raises ``LookupError`` for a root that is not in the snapshot.
    """
    index = Index.of(snapshot)
    if root and root not in index.objects:
        raise Missing(text("views.no_such_object", name=root))
    edges = [edge for edge in _edges(snapshot) if edge.source in index.objects and edge.target in index.objects]
    alone = [identity(resource, obj) for resource in (CLAIMS, VOLUMES) for obj in snapshot.get(resource, ())]
    ids = list(dict.fromkeys([*(name for edge in edges for name in (edge.source, edge.target)), *alone]))
    if namespace:
        ids = [name for name in ids if dig(index.objects[name][1], "metadata.namespace", namespace) == namespace]
    if root:
        ids = _connected(root, edges, ids)
    shown = set(ids)
    edges = [edge for edge in edges if edge.source in shown and edge.target in shown]
    nodes = [node_of(*index.objects[name], *_facts(*index.objects[name])) for name in ids]
    return summarise(Graph(text("views.storage_of", name=root) if root else text("views.storage"), nodes, edges), limit, more)


def _edges(snapshot: Snapshot) -> list[Edge]:
    found = [edge for pod in snapshot.get("pods", ()) for edge in _uses(pod)]
    for claim in snapshot.get(CLAIMS, ()):
        name = identity(CLAIMS, claim)
        volume, made_by = claim["spec"].get("volumeName"), claim["spec"].get("storageClassName")
        if volume:
            found.append(Edge(name, f"{VOLUMES} {volume}", text("views.bound_to")))
        elif made_by:
            found.append(Edge(name, f"{CLASSES} {made_by}", text("views.asks"), "weak"))
    for volume in snapshot.get(VOLUMES, ()):
        made_by = volume["spec"].get("storageClassName")
        if made_by:
            found.append(Edge(identity(VOLUMES, volume), f"{CLASSES} {made_by}", text("views.of_class"), "weak"))
    for wish in snapshot.get(ATTACHMENTS, ()):
        volume, style = dig(wish, "spec.source.persistentVolumeName", ""), "flow" if dig(wish, "status.attached") else "weak"
        words = text("views.attached_to" if dig(wish, "status.attached") else "views.attaching_to")
        found.append(Edge(f"{VOLUMES} {volume}", f"nodes {wish['spec']['nodeName']}", words, style))
    return found


def _uses(pod: Object) -> list[Edge]:
    meta, found = pod["metadata"], []
    for volume in dig(pod, "spec.volumes", EMPTY_LIST):
        name = dig(volume, "persistentVolumeClaim.claimName") or (f"{meta['name']}-{volume['name']}" if "ephemeral" in volume else "")
        if name:
            found.append(Edge(identity("pods", pod), f"{CLAIMS} {meta.get('namespace', '')}/{name}", text("views.uses")))
    return found


def _facts(resource: str, obj: Object) -> list[str]:
    """What else stands in a box: sizes, and who makes volumes."""
    if resource == CLAIMS:
        return [str(dig(obj, "spec.resources.requests.storage", ""))]
    if resource == VOLUMES:
        return [str(dig(obj, "spec.capacity.storage", "")), str(dig(obj, "spec.persistentVolumeReclaimPolicy", ""))]
    return [str(obj.get("provisioner", ""))] if resource == CLASSES else []


def _connected(root: str, edges: list[Edge], ids: list[str]) -> list[str]:
    """What can be reached from the root along arrows, or reaches it; a class does not join the volumes that it made."""
    found, queue = {root: None}, [root]
    for name in queue:
        if name.startswith((CLASSES, "nodes ")) and name != root:
            continue
        for edge in edges:
            for near, far in ((edge.source, edge.target), (edge.target, edge.source)):
                if near == name and far not in found:
                    found[far] = None
                    queue.append(far)
    return [name for name in ids if name in found] or [root]
