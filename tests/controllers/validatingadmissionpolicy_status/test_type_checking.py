"""The status of a validating policy: what its expressions ask of the kinds that it matches, and which of that does not exist."""

import pytest

from k8snb.cluster import Cluster
from k8snb.resources import RESOURCES

pytest.importorskip("cel_expr_python", reason="needs CEL")
POLICIES = "validatingadmissionpolicies.admissionregistration.k8s.io"


def policy(*expressions, groups=("apps",), versions=("v1",), resources=("deployments",), **spec):
    rule = {"apiGroups": [*groups], "apiVersions": [*versions], "operations": ["CREATE"], "resources": [*resources]}
    rules = {"validations": [{"expression": text} for text in expressions], "matchConstraints": {"resourceRules": [rule]}, **spec}
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "p"}, "spec": rules}


@pytest.fixture
def cluster():
    return Cluster(nodes=0)


def status(cluster, made):
    cluster.client.create(POLICIES, made)
    cluster.settle()
    return cluster.client.get(POLICIES, "p")["status"]


def warned(cluster, made):
    return [(w["fieldRef"], w["warning"]) for w in status(cluster, made)["typeChecking"].get("expressionWarnings", [])]


def test_a_sound_policy_has_been_looked_at(cluster):
    assert status(cluster, policy("object.spec.replicas <= 5")) == {"observedGeneration": 1, "typeChecking": {}}


def test_a_field_that_no_such_object_has_is_named(cluster):
    place = "ERROR: <input>:1:7: undefined field 'replicas'\n | object.replicas > 1\n | ......^\n"
    assert warned(cluster, policy("object.replicas > 1")) == [("spec.validations[0].expression", f"apps/v1, Kind=Deployment: {place}")]


def test_every_matched_kind_is_checked_in_order(cluster):
    found = warned(cluster, policy("object.spec.replicas > 1", resources=("statefulsets", "daemonsets", "deployments")))
    assert [line.partition(":")[0] for _, text in found for line in text.split("\n\n")] == ["apps/v1, Kind=DaemonSet"]


@pytest.mark.parametrize("expression", ["object.spec.replicas == 'two'", "object.metadata.name > 1", "object.metadata.labels == 5"])
def test_a_comparison_that_cannot_be_is_found(cluster, expression):
    [(_, text)] = warned(cluster, policy(expression))
    assert "found no matching overload for" in text


def test_variables_and_parameters_have_types_too(cluster):
    made = policy(
        "variables.wanted > 'x'", "params.data.limit == '5' && params.nothing == 1",
        variables=[{"name": "wanted", "expression": "object.spec.replicas"}], paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
    )  # fmt: skip
    first, second = warned(cluster, made)
    assert "'_>_' applied to '(int, string)'" in first[1]
    assert "undefined field 'nothing'" in second[1]


@pytest.mark.parametrize("rule", [{"groups": "*"}, {"versions": "*"}, {"resources": "*"}, {"resources": ["deployments/scale"]}])
def test_what_matches_anything_is_not_checked(cluster, rule):
    assert warned(cluster, policy("object.nothing == 1", **rule)) == []


def test_a_mended_policy_is_checked_again(cluster):
    assert warned(cluster, policy("object.replicas > 1"))
    cluster.client.patch(POLICIES, "p", {"spec": policy("object.spec.replicas > 1")["spec"]})
    cluster.settle()
    assert cluster.client.get(POLICIES, "p")["status"] == {"observedGeneration": 2, "typeChecking": {}}


def test_what_was_declared_while_the_loop_was_down_is_checked_when_it_is_back(cluster):
    cluster.faults.stop("kube-controller-manager")
    cluster.client.create(POLICIES, policy("object.replicas > 1"))
    cluster.settle()
    assert cluster.client.get(POLICIES, "p").get("status") in (None, {})
    cluster.faults.start("kube-controller-manager")
    cluster.settle()
    assert cluster.client.get(POLICIES, "p")["status"]["typeChecking"]["expressionWarnings"]


@pytest.mark.parametrize("resource", [r for r in RESOURCES if r.schema is not None and "create" in r.verbs and r.answer is None], ids=repr)
def test_every_kind_can_be_declared(cluster, resource):
    made = policy("object.metadata.name != ''", groups=(resource.group,), versions=(resource.version,), resources=(resource.plural,))
    assert warned(cluster, made) == []
