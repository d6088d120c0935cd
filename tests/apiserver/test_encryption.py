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


@pytest.fixture(params=[1, 3], ids=["one member", "three members"])
def late(request):
    """A cluster in which encryption was turned on after a Secret had been written."""
    made = Cluster(nodes=0, etcd=request.param)
    made.kubectl("create secret generic db --from-literal=password='correct horse'")
    made.encrypt_secrets()
    return made


def test_turning_it_on_encrypts_what_is_written_from_then_on(late):
    late.kubectl("create secret generic other --from-literal=password='correct horse'")
    assert late.etcd.get("/registry/secrets/default/other").value.startswith(PREFIX)
    assert PASSWORD in late.etcd.get(KEY).value, "what is there stays as it is"
    assert late.get("secrets", "db")["data"] == {"password": PASSWORD}


def test_writing_it_again_unchanged_makes_it_ciphertext(late):
    everything = late.kubectl("get secrets -A -o json").stdout
    assert late.kubectl("replace -f -", stdin=everything).ok
    assert late.etcd.get(KEY).value.startswith(PREFIX)
    assert late.get("secrets", "db")["data"] == {"password": PASSWORD}
    written = late.etcd.get(KEY).held.mod_revision
    assert late.kubectl("replace -f -", stdin=late.kubectl("get secrets -A -o json").stdout).ok
    assert late.etcd.get(KEY).held.mod_revision == written, "a second time there is nothing to write"


def test_turning_it_on_is_an_input_like_any_other(late):
    late.kubectl("label secret db tier=data")
    digest = state.digest(late.simulation.root)
    assert state.digest(late.fork().simulation.root) == digest
    assert state.digest(late.simulation.past(late.position).root) == digest
    assert Cluster.load(late.save()).etcd.get(KEY).value == late.etcd.get(KEY).value


def test_a_cluster_at_work_goes_on_working():
    cluster = Cluster(nodes=1)
    before = cluster.position
    cluster.encrypt_secrets()
    cluster.kubectl("create deployment web --image=nginx --replicas=2")
    cluster.settle()
    assert [pod["status"]["phase"] for pod in cluster.get("pods")] == ["Running", "Running"]
    cluster.rewind(before)
    cluster.kubectl("create secret generic db --from-literal=password='correct horse'")
    assert PASSWORD in cluster.etcd.get(KEY).value
