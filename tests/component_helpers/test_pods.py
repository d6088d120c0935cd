"""Ready, available, active; which QoS class; how much a pod asks for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.apimachinery.objects import freeze, merge
from k8snb.component_helpers import (
    is_pod_active,
    is_pod_available,
    is_pod_ready,
    pod_limits,
    pod_requests,
    qos_class,
    safe_hash,
)
from k8snb.component_helpers.resources import non_zero_requests
from k8snb.sim.rng import SAFE_ALPHABET

SECOND = 1_000_000
READY_AT = 1_767_225_600 * SECOND  # 2026-01-01T00:00:00Z


def container(name: str = "app", limits: dict[str, str] | None = None, **requests: str) -> dict[str, Any]:
    resources = {key: value for key, value in (("requests", requests), ("limits", limits)) if value}
    return {"name": name, "resources": resources}


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    made: dict[str, Any] = freeze({"metadata": {"name": "web"}, "spec": {"containers": list(containers or [container()]), **spec}})
    return made


def ready(status: str = "True") -> dict[str, Any]:
    condition = {"type": "Ready", "status": status, "lastTransitionTime": "2026-01-01T00:00:00Z"}
    return merge(pod(), {"status": {"phase": "Running", "conditions": [condition]}})


def test_a_pod_is_available_once_it_was_ready_for_min_ready_seconds() -> None:
    assert is_pod_ready(ready())
    assert not is_pod_ready(ready("False"))
    assert not is_pod_ready(pod())
    assert is_pod_available(ready(), 0, READY_AT)
    assert not is_pod_available(ready(), 10, READY_AT + 10 * SECOND - 1)
    assert is_pod_available(ready(), 10, READY_AT + 10 * SECOND)
    assert not is_pod_available(ready("False"), 0, READY_AT + 99 * SECOND)


def test_a_finished_or_leaving_pod_is_not_active() -> None:
    assert is_pod_active(ready())
    assert not is_pod_active(merge(pod(), {"status": {"phase": "Succeeded"}}))
    assert not is_pod_active(merge(ready(), {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}))


CPU_MEM = {"cpu": "100m", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        ([container()], "BestEffort"),
        ([container(cpu="100m")], "Burstable"),
        ([container(limits=CPU_MEM, **CPU_MEM)], "Guaranteed"),
        ([container(limits=CPU_MEM, cpu="0.1", memory="1024Mi")], "Guaranteed"),
        ([container(limits=CPU_MEM, **CPU_MEM), container("b")], "Burstable"),
        ([container(limits={"cpu": "200m", "memory": "1Gi"}, **CPU_MEM)], "Burstable"),
        ([container(**{"ephemeral-storage": "1Gi"})], "BestEffort"),
        ([container(cpu="0")], "BestEffort"),
    ],
)
def test_qos_class(containers: list[dict[str, Any]], expected: str) -> None:
    assert qos_class(pod(*containers)) == expected


def test_init_containers_count_only_where_they_need_more() -> None:
    small, big = container("a", cpu="100m"), container("b", cpu="300m", memory="10Mi")
    web = pod(container(cpu="200m"), container("log", cpu="50m"), initContainers=[small, big])
    assert pod_requests(web) == {"cpu": 300, "memory": 10 * 2**20}


def test_a_sidecar_runs_beside_everything_that_follows_it() -> None:
    sidecar = container("proxy", cpu="100m") | {"restartPolicy": "Always"}
    setup = container("setup", cpu="300m")
    assert pod_requests(pod(container(cpu="200m"), initContainers=[setup, sidecar])) == {"cpu": 300}
    assert pod_requests(pod(container(cpu="200m"), initContainers=[sidecar, setup])) == {"cpu": 400}


def test_overhead_is_added_and_pod_level_requests_replace_the_sum() -> None:
    assert pod_requests(pod(container(cpu="200m"), overhead={"cpu": "50m", "memory": "1Mi"})) == {"cpu": 250, "memory": 2**20}
    assert pod_requests(pod(container(cpu="200m"), resources={"requests": {"cpu": "1"}})) == {"cpu": 1000}
    limited = pod(container(limits={"cpu": "1"}), overhead={"cpu": "50m", "memory": "1Mi"})
    assert pod_limits(limited) == {"cpu": 1050}


def test_a_container_that_does_not_say_counts_with_the_defaults() -> None:
    defaults = {"cpu": 100, "memory": 200}
    assert non_zero_requests(pod(container(cpu="1"), container("b"))["spec"], defaults) == {"cpu": 1100, "memory": 400}


def test_while_a_resize_is_under_way_the_larger_amount_counts() -> None:
    resizing = merge(pod(container(cpu="100m")), {"metadata": {"generation": 2}})
    status = {"name": "app", "allocatedResources": {"cpu": "500m"}, "resources": {"requests": {"cpu": "500m"}}}
    assert pod_requests(merge(resizing, {"status": {"containerStatuses": [status]}})) == {"cpu": 500}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(json_values)
def test_a_hash_depends_on_the_content_only(value: Any) -> None:
    assert safe_hash(value) == safe_hash(freeze(value))
    assert 8 <= len(safe_hash(value)) <= 10
    assert set(safe_hash(value)) <= set(SAFE_ALPHABET)


def test_the_order_of_keys_does_not_matter_and_the_content_does() -> None:
    assert safe_hash({"a": 1, "b": [2]}) == safe_hash({"b": [2], "a": 1})
    assert safe_hash({"a": 1}) != safe_hash({"a": 2})
