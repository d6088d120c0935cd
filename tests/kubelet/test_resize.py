"""More or less CPU and memory for a pod that goes on running."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apimachinery.errors import ApiError
from k8snb.apiserver.request import STRATEGIC_MERGE_PATCH, Request
from k8snb.kubelet.images import Image, Process

Story = Any


def sized(cpu: str, memory: str = "64Mi") -> dict[str, Any]:
    """Requests and limits alike."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu, "memory": memory}}


def resize(story: Story, name: str, resources: dict[str, Any]) -> Any:
    """PATCH pods/NAME/resize."""
    body = {"spec": {"containers": [{"name": "main", "resources": resources}]}}
    request = Request(
        "patch", "", "v1", "pods", "default", name, "resize", body=body, patch_type=STRATEGIC_MERGE_PATCH, user=story.cluster.client.user
    )
    response = story.cluster.send(request)
    if not response.ok:
        raise ApiError(response.code, response.body["reason"], response.body["message"])
    return response.body


def condition(story: Story, name: str, kind: str) -> Any:
    """That condition of the pod, or None."""
    return next((c for c in story.status(name)["conditions"] if c["type"] == kind), None)


def test_a_resize_is_allocated_applied_and_leaves_no_trace_but_events(story: Story) -> None:
    story.pod("app", "sleep", "999", resources=sized("100m"))
    story.run(3)
    assert resize(story, "app", sized("300m", "128Mi"))["metadata"]["generation"] == 2
    story.run(1)
    main = story.main("app")
    assert main["allocatedResources"] == {"cpu": "300m", "memory": "128Mi"}
    assert main["resources"] == sized("300m", "128Mi")
    assert (main["restartCount"], story.status("app")["observedGeneration"]) == (0, 2)
    assert [condition(story, "app", kind) for kind in ("PodResizePending", "PodResizeInProgress")] == [None, None]
    assert story.events("app")[-2:] == ["ResizeStarted", "ResizeCompleted"]
    amounts = '{"cpu":"300m","memory":"128Mi"}'
    summary = f'{{"containers":[{{"name":"main","resources":{{"limits":{amounts},"requests":{amounts}}}}}],"generation":2}}'
    assert story.events("app", "ResizeStarted") == [f"Pod resize started: {summary}"]
    assert story.cluster.simulation.parts.machines.kubelets["node-1"].own.used["cpu"] == 300


def test_a_policy_may_want_a_restart_for_it(story: Story) -> None:
    policy = [{"resourceName": "cpu", "restartPolicy": "NotRequired"}, {"resourceName": "memory", "restartPolicy": "RestartContainer"}]
    story.pod("app", image="nginx:1.27", resources=sized("100m"), resizePolicy=policy)
    story.run(3)
    resize(story, "app", sized("200m"))
    story.run(1)
    assert story.main("app")["restartCount"] == 0
    resize(story, "app", sized("200m", "128Mi"))
    story.run(3)
    assert (story.main("app")["restartCount"], story.main("app")["resources"]) == (1, sized("200m", "128Mi"))
    assert story.events("app", "Killing") == ["Container main resize requires restart"]


def test_more_than_the_node_has_is_infeasible_and_nothing_changes(story: Story) -> None:
    story.pod("app", "sleep", "999", resources=sized("100m"))
    story.run(3)
    resize(story, "app", sized("8"))
    story.run(1)
    pending = condition(story, "app", "PodResizePending")
    assert (pending["reason"], pending["message"], pending["observedGeneration"]) == (
        "Infeasible", "Node didn't have enough capacity: cpu, requested: 8000, capacity: 2000", 2,
    )  # fmt: skip
    assert story.main("app")["resources"] == sized("100m")
    assert story.main("app")["allocatedResources"] == {"cpu": "100m", "memory": "64Mi"}
    assert story.status("app")["resources"]["requests"]["cpu"] == "100m"
    resize(story, "app", sized("100m"))
    story.run(1)
    assert condition(story, "app", "PodResizePending") is None


def test_more_than_is_left_waits_until_a_neighbour_ends(story: Story) -> None:
    story.pod("app", image="nginx:1.27", resources=sized("500m"))
    story.pod("neighbour", image="nginx:1.27", resources=sized("1"))
    story.run(3)
    resize(story, "app", sized("1500m"))
    story.run(1)
    pending = condition(story, "app", "PodResizePending")
    assert (pending["reason"], pending["message"]) == (
        "Deferred", "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000",
    )  # fmt: skip
    assert len(story.events("app", "ResizeDeferred")) == 1
    story.cluster.client.delete("pods", "neighbour", "default")
    story.run(3)
    assert condition(story, "app", "PodResizePending") is None
    assert story.main("app")["resources"] == sized("1500m")


def test_a_limit_below_what_is_in_use_is_not_applied(story: Story) -> None:
    class Hoarder(Image):
        name = "hoarder"

        def start(self, process: Process) -> None:
            process.use(memory=100 << 20)

    story.cluster.images.add(Hoarder)
    story.pod("app", image="hoarder", resources=sized("100m", "256Mi"))
    story.run(3)
    resize(story, "app", sized("100m", "64Mi"))
    story.run(1)
    progress = condition(story, "app", "PodResizeInProgress")
    assert (progress["reason"], story.main("app")["resources"]["limits"]["memory"]) == ("Error", "256Mi")
    assert "below current usage" in progress["message"]
    assert story.main("app")["restartCount"] == 0


@pytest.mark.parametrize(
    ("resources", "why"),
    [
        ({"requests": {"cpu": "100m"}, "limits": {"cpu": "200m"}}, "Pod QOS Class may not change as a result of resizing"),
        ({"limits": {"cpu": None}}, "resource limits cannot be removed"),
        ({"limits": {"ephemeral-storage": "1Gi"}}, "only cpu and memory resources are mutable"),
    ],
)  # fmt: skip
def test_what_a_resize_may_not_do(story: Story, resources: dict[str, Any], why: str) -> None:
    story.pod("app", "sleep", "999", resources=sized("100m"))
    with pytest.raises(ApiError, match=why):
        resize(story, "app", resources)


def test_an_ordinary_update_may_not_resize(story: Story) -> None:
    story.pod("app", "sleep", "999", resources=sized("100m"))
    body = {"spec": {"containers": [{"name": "main", "resources": sized("200m")}]}}
    with pytest.raises(ApiError, match="pod updates may not change fields other than"):
        story.cluster.client.patch("pods", "app", body, "default", kind="strategic")


def test_a_resize_while_the_kubelet_is_away_is_found_when_it_returns(story: Story) -> None:
    story.pod("app", "sleep", "999", resources=sized("100m"))
    story.run(3)
    story.cluster.faults.stop("kubelet/node-1")
    resize(story, "app", sized("300m"))
    story.run(20)
    assert story.main("app")["resources"] == sized("100m")
    story.cluster.faults.start("kubelet/node-1")
    story.run(2)
    assert (story.main("app")["resources"], story.main("app")["restartCount"]) == (sized("300m"), 0)


def test_quotas_and_limits_of_the_namespace_hold_for_a_resize_too(story: Story) -> None:
    story.pod("app", "sleep", "999", resources=sized("100m"))
    story.run(3)
    story.cluster.kubectl("create quota small --hard=requests.cpu=300m")
    story.run(2)
    with pytest.raises(ApiError, match=r"exceeded quota: small, requested: requests\.cpu=400m, used: requests\.cpu=100m, limited"):
        resize(story, "app", sized("500m"))
    resize(story, "app", sized("200m"))
    story.run(1)
    assert story.cluster.get("resourcequotas", "small")["status"]["used"]["requests.cpu"] == "200m"
    limits = {"limits": [{"type": "Container", "max": {"memory": "128Mi"}}]}
    story.cluster.client.create("limitranges", {"metadata": {"name": "most"}, "spec": limits}, "default")
    with pytest.raises(ApiError, match="maximum memory usage per Container is 128Mi, but limit is 256Mi"):
        resize(story, "app", sized("200m", "256Mi"))
