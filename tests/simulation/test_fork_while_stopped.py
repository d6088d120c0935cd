"""A second future may begin at any moment, also while a part of the control plane is stopped."""

import pytest

from k8snb import Cluster


@pytest.mark.parametrize("component", ["etcd", "kube-apiserver", "kube-scheduler"])
def test_a_fork_of_a_broken_cluster_can_be_mended_on_its_own(component):
    cluster = Cluster(nodes=1)
    cluster.faults.stop(component)
    other = cluster.fork()
    other.faults.start(component)
    other.kubectl("create deployment web --image=nginx:1.27")
    other.settle()
    assert "1/1" in other.kubectl("get deployment web").text
    cluster.faults.start(component)
    cluster.settle()
    assert cluster.get("deployments") == []
