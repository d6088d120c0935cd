"""Encryption at rest: etcd holds ciphertext, the API server's clients notice nothing."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.apiserver.encryption import PREFIX, decrypt, encrypt
from k8snb.cluster import Cluster
from k8snb.sim import state
from k8snb.sim.state import encode

KEY = "/registry/secrets/default/db"
PASSWORD = base64.b64encode(b"correct horse").decode()


@pytest.fixture(params=[1, 3], ids=["one member", "three members"])
def cluster(request):
    made = Cluster(nodes=0, etcd=request.param, encrypt_secrets=True)
    made.kubectl("create secret generic db --from-literal=password='correct horse'")
    return made


def test_without_encryption_who_reads_etcd_reads_the_password():
    plain = Cluster(nodes=0)
    plain.kubectl("create secret generic db --from-literal=password='correct horse'")
    held = plain.etcd.get(KEY)
    assert json.loads(held.value)["data"] == {"password": PASSWORD}
    assert PASSWORD in repr(held)


def test_with_encryption_etcd_holds_ciphertext_and_the_api_server_the_secret(cluster):
    held = cluster.etcd.get(KEY)
    assert held.value.startswith(PREFIX)
    assert cluster.get("secrets", "db")["data"] == {"password": PASSWORD}
    assert PASSWORD in cluster.kubectl("get secret db -o yaml").stdout
    assert "db" in cluster.kubectl("get secrets").stdout
    assert cluster.etcd.get("/registry/namespaces/default").value.startswith("{"), "only Secrets are encrypted"


def test_nothing_of_etcds_disk_tells_the_password(cluster):
    root = cluster.simulation.root
    disks = json.dumps([encode(root.store), encode(root.etcd)])
    assert PASSWORD not in disks
    assert PREFIX in disks


def test_each_write_is_encrypted_with_another_vector(cluster):
    first = cluster.etcd.get(KEY)
    cluster.kubectl("label secret db tier=data")
    second = cluster.etcd.get(KEY)
    assert (second.held.version, second.held.create_revision) == (2, first.held.create_revision)
    assert first.value[: len(PREFIX) + 20] != second.value[: len(PREFIX) + 20]
    assert cluster.get("secrets", "db")["metadata"]["labels"] == {"tier": "data"}
    assert cluster.get("secrets", "db")["metadata"]["resourceVersion"] == str(second.held.mod_revision)


def test_the_past_watches_and_deletion_show_the_secret_in_the_clear(cluster):
    revision = cluster.revision
    store, seen = cluster.simulation.parts.store, []
    store.listeners.append(seen.append)
    assert cluster.kubectl("delete secret db").ok
    assert (seen[-1].value, seen[-1].previous["data"]) == (None, {"password": PASSWORD})
    assert cluster.etcd.get(KEY) is None
    assert cluster.at(revision).find("secrets", "db")["data"] == {"password": PASSWORD}
    assert [c.value["data"] for c in store.changes_since(revision - 1, KEY) if c.value] == [{"password": PASSWORD}]


def test_forks_replays_and_files_agree(cluster):
    fork = cluster.fork()
    for one in (cluster, fork):
        one.kubectl("label secret db tier=data")
        one.run_for(3)
    replayed = cluster.simulation.past(cluster.position)
    assert state.digest(cluster.simulation.root) == state.digest(fork.simulation.root) == state.digest(replayed.root)
    assert Cluster.load(cluster.save()).get("secrets", "db") == cluster.get("secrets", "db")


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=16, max_size=16), st.binary(max_size=100))
def test_what_was_encrypted_can_be_decrypted(key, vector, plain):
    assert decrypt(key, encrypt(key, vector, plain)) == plain
