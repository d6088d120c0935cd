"""What somebody means by a name, and the sentence where it says too little."""

import pytest

from k8snb import Cluster
from k8snb.messages import Mistake


@pytest.fixture(scope="module")
def cluster():
    made = Cluster(nodes=1)
    made.kubectl("create deployment web --image=nginx:1.27")
    made.settle()
    return made


def said(call):
    with pytest.raises(Mistake) as refused:
        call()
    return str(refused.value)


def test_a_name_needs_its_kind_and_a_kind_its_name(cluster):
    for view in (cluster.why, cluster.timeline, lambda of: cluster.graph("ownership", of)):
        assert said(lambda view=view: view("web")) == 'Write the kind, too: "deployment/web", say, or "pod/web".'
        for nameless in ("deployment", "deployment/", "deploy/shop/"):
            assert said(lambda view=view, of=nameless: view(of)) == (
                'Which deployment? Write its name behind the kind, such as "deployment/web".'
            )
    assert said(lambda: cluster.graph("traffic")).startswith("Which service?")
    assert said(lambda: cluster.diagnosis("")).startswith("Which pod?")
    assert said(lambda: cluster.why({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": ""}})).startswith("Which pod?")


def test_objects_are_got_by_two_words_in_any_case(cluster):
    assert cluster.get("Deployment", "web") == cluster.get("deployments.apps", "web") == cluster.get("deploy", "web")
    assert said(lambda: cluster.get("deployment/web")).endswith('cluster.get("deployment", "web")')


def test_a_client_that_does_not_run_is_told_of_by_name(cluster):
    assert said(lambda: cluster.http("http://web", from_pod="nope")).startswith("There is no pod default/nope that runs")
    assert said(lambda: cluster.faults.crash_container("nope")).startswith("There is no pod default/nope.")


def test_an_answer_that_nobody_gave_names_nobody(cluster):
    assert str(cluster.http("http://nowhere")).startswith("no such name after ")


def test_an_image_that_is_not_known_is_told_with_those_that_are_named_alike(cluster):
    assert "Did you mean nginx?" in repr(cluster.images.explain("nginxx")).replace("\n", " ")
    unlike = repr(cluster.images.explain("qqqqqq")).replace("\n", " ")
    assert unlike.startswith("qqqqqq qqqqqq is no image that is known here. Not simulated:")
    assert "cluster.images lists the images" in unlike
