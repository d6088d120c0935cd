"""A cluster without nodes: only the API server answers, nothing else happens unless time passes."""

import pytest

from k8snb.cluster import Cluster


@pytest.fixture
def cluster():
    return Cluster(nodes=0)


@pytest.fixture
def client(cluster):
    return cluster.client


def config_map(name, data=None, **meta):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **meta}, "data": data or {}}
