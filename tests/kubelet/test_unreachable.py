"""Logs and commands while a node's kubelet, its runtime or its network is gone: the words of kubectl."""

import pytest

from k8snb.cluster import Cluster

AT = "192.168.10.3:10250"
NO_SOCKET = "dial unix /run/containerd/containerd.sock: connect: connection refused"


def posted(what, query, problem):
    said = f'Internal error occurred: error sending request: Post "https://{AT}/{what}/default/web/web?{query}"'
    return f"error: {said}: dial tcp {AT}: {problem}"


@pytest.fixture(scope="module")
def cluster():
    cluster = Cluster(nodes=1)
    cluster.kubectl("run web --image=nginx:1.27")
    cluster.settle()
    return cluster


def said(cluster, line):
    return str(cluster.kubectl(line)).strip()


@pytest.mark.parametrize(
    ("fault", "argument", "problem"),
    [
        ("stop", "kubelet/node-1", "connect: connection refused"),
        ("partition_node", "node-1", "i/o timeout"),
        ("fail_node", "node-1", "i/o timeout"),
    ],
)
def test_a_kubelet_that_does_not_answer(cluster, fault, argument, problem):
    lost = cluster.fork()
    getattr(lost.faults, fault)(argument)
    gone = f'Error from server: Get "https://{AT}/containerLogs/default/web/web": dial tcp {AT}: {problem}'
    assert said(lost, "logs web") == gone
    assert said(lost, "logs -f web") == gone
    assert said(lost, "exec web -- ls /tmp") == posted("exec", "command=ls&command=%2Ftmp&error=1&output=1", problem)
    assert said(lost, "attach web") == posted("attach", "error=1&output=1", problem)


def test_a_runtime_that_does_not_answer(cluster):
    lost = cluster.fork()
    lost.faults.stop("containerd/node-1")
    assert said(lost, "exec web -- ls").startswith(
        "error: Internal error occurred: unable to upgrade connection: rpc error: code = Unavailable"
    )
    assert NO_SOCKET in said(lost, "attach web")
    assert said(lost, "logs web").startswith("Error from server (BadRequest): unable to retrieve container logs for containerd://")
    lost.faults.start("containerd/node-1")
    assert said(lost, "exec web -- hostname") == "web"
    assert "start worker processes" in said(lost, "logs web")


def test_a_forwarded_port_needs_both(cluster):
    lost = cluster.fork()
    lost.kubectl("port-forward web 8080:80")
    assert lost.http("http://localhost:8080").status == 200
    lost.faults.stop("containerd/node-1")
    assert lost.http("http://localhost:8080").status == 0
