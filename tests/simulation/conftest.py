"""What several stories about learners' code begin with."""

import pytest

from k8snb import Cluster


@pytest.fixture
def cluster():
    """Two nodes, and a Deployment of two Pods that is at rest. Stories that begin otherwise have a fixture of their own."""
    made = Cluster(nodes=2, runtime="hollow")
    made.kubectl("create deployment web --image=nginx --replicas=2")
    made.settle()
    return made
