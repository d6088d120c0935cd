"""CSINode objects: what each driver of a node says of it. Written by the kubelet and by the drivers' registrar.

Models: pkg/volume/csi/nodeinfomanager/nodeinfomanager.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8snb.apimachinery.objects import EMPTY_LIST, Object, dig, freeze, put


def driver_entry(driver: str, node_id: str, keys: Sequence[str], limit: int) -> Object:
    """What one driver says of a node: its id there, the labels that say where it is, how many volumes it takes (0: any number)."""
    entry: dict[str, Any] = {"name": driver, "nodeID": node_id}
    if keys:
        entry["topologyKeys"] = list(keys)
    if limit:
        entry["allocatable"] = {"count": limit}
    frozen: Object = freeze(entry)
    return frozen


def with_entry(known: Object | None, node: Object, entry: Object) -> Object:
    """The CSINode of a node with one driver's entry in it, over what it was (None: there was none)."""
    if known is None:
        meta = node["metadata"]
        owner = {"apiVersion": "v1", "kind": "Node", "name": meta["name"], "uid": meta["uid"]}
        head = {"apiVersion": "storage.k8s.io/v1", "kind": "CSINode"}
        fresh: Object = freeze({**head, "metadata": {"name": meta["name"], "ownerReferences": [owner]}, "spec": {"drivers": [entry]}})
        return fresh
    others = [item for item in dig(known, "spec.drivers", EMPTY_LIST) if item["name"] != entry["name"]]
    return put(known, "spec.drivers", sorted([*others, entry], key=lambda item: str(item["name"])))


def entry_of(csinode: Object | None, driver: str) -> Object | None:
    """What a CSINode says about one driver; None where the node does not have it."""
    return next((item for item in dig(csinode, "spec.drivers", EMPTY_LIST) if item["name"] == driver), None) if csinode else None
