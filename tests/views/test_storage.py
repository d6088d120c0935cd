"""The picture of storage, read out of small clusters."""

from __future__ import annotations

import pytest

from k8snb.cluster import Cluster
from k8snb.sim.frozen import freeze
from k8snb.views.storage import storage
from tests.storage.world import claim, put_up, storage_class, user_of


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(nodes=1, loud=False)


def test_from_the_pod_to_the_node_that_has_the_disk(cluster: Cluster) -> None:
    put_up(cluster, storage_class(), claim(storageClassName="fast"), user_of())
    volume = cluster.get("persistentvolumes")[0]["metadata"]["name"]
    assert repr(cluster.graph("storage", "pod/app")).splitlines()[1:] == [
        "└─ Pod app  ● Running",
        "   └─ uses → PersistentVolumeClaim data  1Gi  ● Bound",
        f"      └─ is bound to → PersistentVolume {volume}  1Gi  Delete  ● Bound",
        "         ├─ of class ⇢ StorageClass fast  disk.csi.k8snb",
        "         └─ attached to ⇒ Node node-1  ● Ready",
    ]


def test_a_claim_that_waits_shows_whom_it_asks(cluster: Cluster) -> None:
    put_up(cluster, storage_class(volumeBindingMode="WaitForFirstConsumer"), claim(storageClassName="fast"))
    assert repr(cluster.graph("storage")).splitlines()[1:] == [
        "└─ PersistentVolumeClaim data  1Gi  ◌ Pending",
        "   └─ asks for ⇢ StorageClass fast  disk.csi.k8snb",
    ]


def test_what_hangs_together_with_one_claim_leaves_the_others_out(cluster: Cluster) -> None:
    put_up(cluster, storage_class(), claim("a", storageClassName="fast"), claim("b", storageClassName="fast"))
    shown = repr(cluster.graph("storage", "pvc/a"))
    assert "PersistentVolumeClaim a" in shown
    assert "PersistentVolumeClaim b" not in shown


def test_an_unknown_root_is_refused() -> None:
    with pytest.raises(LookupError, match="pods shop/nobody"):
        storage(freeze({}), "pods shop/nobody")
