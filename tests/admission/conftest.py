"""A cluster without nodes, in which a namespace is ready: admission needs objects around it, and no controllers after it."""

from typing import Any

import pytest

from k8snb.apimachinery.errors import ApiError
from k8snb.cluster import Cluster


class Desk:
    """Applies, patches and refuses, in one line each."""

    def __init__(self) -> None:
        self.cluster = Cluster(nodes=0)
        self.client = self.cluster.client

    def create(self, resource: str, kind: str, name: str, namespace: str = "default", version: str = "v1", **fields: Any) -> Any:
        meta = {"name": name, **fields.pop("metadata", {})}
        return self.client.create(resource, {"apiVersion": version, "kind": kind, "metadata": meta, **fields}, namespace)

    def pod(self, name: str = "web", **spec: Any) -> Any:
        spec.setdefault("containers", [{"name": "web", "image": "nginx"}])
        return self.create("pods", "Pod", name, spec=spec)

    def refusal(self, call: Any) -> str:
        with pytest.raises(ApiError) as error:
            call()
        assert error.value.code == 403
        return error.value.message


@pytest.fixture
def desk() -> Desk:
    return Desk()
