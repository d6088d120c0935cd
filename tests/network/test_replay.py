"""The network as a value: saved, loaded, forked and replayed with policies, certificates, affinity and an Ingress controller."""

from __future__ import annotations

from k8snb.cluster import Cluster
from k8snb.course import certificates
from k8snb.sim.state import encode
from tests.network.test_ingress import ingress, path
from tests.network.test_policy import policy
from tests.network.worlds import patch, world
from tests.web import WEB


def busy() -> Cluster:
    """A cluster with a bit of everything."""
    cluster = world(WEB, ingress=True)
    cluster.kubectl("create secret tls shop-tls --cert=tls.crt --key=tls.key", files=certificates.files)
    ingress(cluster, path("/", "web"), more="tls: [{hosts: [shop.example], secretName: shop-tls}]")
    patch(cluster, {"sessionAffinity": "ClientIP", "trafficDistribution": "PreferSameZone"})
    policy(cluster, "in", "{podSelector: {matchLabels: {app: web}}, ingress: [{}]}")
    cluster.http("http://web", "box")
    cluster.http("https://shop.example/")
    return cluster


def test_a_saved_cluster_goes_on_as_if_nothing_had_happened() -> None:
    cluster = busy()
    loaded = Cluster.load(cluster.save())
    assert encode(loaded.simulation.root) == encode(cluster.simulation.root)
    for one in (cluster, loaded):
        one.kubectl("rollout restart deployment web")
        one.run_for(20)
    assert loaded.http("https://shop.example/").hops == cluster.http("https://shop.example/").hops
    assert repr(loaded.trace_packet("box", "http://web")) == repr(cluster.trace_packet("box", "http://web"))
    assert loaded.rules("node-1") == cluster.rules("node-1")


def test_a_fork_is_the_same_as_a_replay() -> None:
    cluster = busy()
    cluster.kubectl("delete networkpolicy in")
    cluster.http("http://web", "box")
    cluster.run_for(5)
    again = cluster.simulation.past(cluster.position)
    assert encode(again.root) == encode(cluster.simulation.root)


def test_two_clusters_with_one_seed_are_equal() -> None:
    assert encode(busy().simulation.root) == encode(busy().simulation.root)
