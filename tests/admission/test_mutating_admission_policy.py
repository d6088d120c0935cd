"""MutatingAdmissionPolicies: what they change, how they merge, and what they refuse."""

import pytest

from k8snb.apimachinery.errors import ApiError

V1 = "admissionregistration.k8s.io/v1"
POLICIES, BINDINGS = (
    "mutatingadmissionpolicies.admissionregistration.k8s.io",
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
)
PODS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}


def policy(desk, expression, field="applyConfiguration", name="change", **spec):
    mutation = {"patchType": "JSONPatch" if field == "jsonPatch" else "ApplyConfiguration", field: {"expression": expression}}
    whole = {"matchConstraints": {"resourceRules": [PODS]}, "reinvocationPolicy": "Never", "mutations": [mutation]} | spec
    desk.create(POLICIES, "MutatingAdmissionPolicy", name, "", V1, spec=whole)
    desk.create(BINDINGS, "MutatingAdmissionPolicyBinding", name, "", V1, spec={"policyName": name})


def refused(call):
    with pytest.raises(ApiError) as error:
        call()
    return error.value


def test_an_apply_configuration_is_merged_with_what_is_there(desk):
    policy(desk, 'Object{metadata: Object.metadata{labels: {"team": "shop"}}}')
    made = desk.create("pods", "Pod", "web", metadata={"labels": {"app": "web"}}, spec={"containers": [{"name": "c", "image": "nginx"}]})
    assert made["metadata"]["labels"] == {"app": "web", "team": "shop"}


def test_the_documented_sidecar_gets_defaults_and_a_token_as_any_container_does(desk):
    policy(
        desk,
        """Object{spec: Object.spec{initContainers: [
             Object.spec.initContainers{name: "mesh-proxy", image: "mesh/proxy:v1.0.0", restartPolicy: "Always"}
           ]}}""",
        matchConditions=[{"name": "not-yet", "expression": "!has(object.spec.initContainers)"}],
    )
    sidecar = desk.pod()["spec"]["initContainers"][0]
    assert (sidecar["name"], sidecar["imagePullPolicy"], sidecar["restartPolicy"]) == ("mesh-proxy", "IfNotPresent", "Always")
    assert sidecar["volumeMounts"][0]["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"


def test_a_json_patch_with_a_condition(desk):
    policy(
        desk,
        """[JSONPatch{op: "test", path: "/spec/containers/0/image", value: "nginx"},
            JSONPatch{op: "add", path: "/metadata/labels", value: {}},
            JSONPatch{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey("example.com/image"), value: "plain"},
            JSONPatch{op: "replace", path: "/spec/terminationGracePeriodSeconds", value: 5}]""",
        field="jsonPatch",
    )
    changed = desk.pod()
    assert changed["metadata"]["labels"] == {"example.com/image": "plain"}
    assert changed["spec"]["terminationGracePeriodSeconds"] == 5
    assert "labels" not in desk.pod("other", containers=[{"name": "c", "image": "redis"}])["metadata"]


def test_atomic_parts_and_wrong_fields_are_refused(desk):
    policy(desk, 'Object{spec: Object.spec{containers: [Object.spec.containers{name: "web", command: ["sh"]}]}}')
    error = refused(desk.pod)
    assert "policy 'change' with binding 'change' denied request: error applying patch: invalid ApplyConfiguration: " in error.message
    assert "may not mutate atomic arrays, maps or structs: .spec.containers[0].command" in error.message
    desk.client.delete(BINDINGS, "change", "")
    policy(desk, 'Object{spec: Object.spec{nonsense: "x"}}', name="wrong")
    assert ".spec.nonsense: field not declared in schema" in refused(desk.pod).message


def test_an_expression_that_fails_refuses_unless_failures_are_ignored(desk):
    policy(desk, 'Object{metadata: Object.metadata{labels: {"a": object.metadata.labels.b}}}', failurePolicy="Ignore", name="lax")
    desk.pod("a")
    policy(desk, 'Object{metadata: Object.metadata{labels: {"a": object.metadata.labels.b}}}')
    assert refused(lambda: desk.pod("b")).message.endswith("resulted in error: no such key: labels")


def test_what_is_neither_object_nor_patches_does_not_compile(desk):
    assert "must evaluate to Object" in refused(lambda: policy(desk, "{'a': 1}")).message
    assert "compilation failed" in refused(lambda: policy(desk, "Object{", name="b")).message
    assert "must evaluate to list(JSONPatch)" in refused(lambda: policy(desk, "'x'", field="jsonPatch", name="c")).message


COUNT = 'Object{metadata: Object.metadata{labels: {"containers": string(size(object.spec.containers))}}}'
HELPER = 'Object{spec: Object.spec{containers: [Object.spec.containers{name: "helper", image: "busybox"}]}}'
ONCE = [{"name": "not-yet", "expression": "size(object.spec.containers) == 1"}]


@pytest.mark.parametrize(("again", "counted"), [("Never", "1"), ("IfNeeded", "2")])
def test_a_policy_may_ask_to_see_what_later_ones_have_changed(desk, again, counted):
    policy(desk, COUNT, name="a-count", reinvocationPolicy=again)
    policy(desk, HELPER, name="b-helper", matchConditions=ONCE)
    assert desk.pod()["metadata"]["labels"] == {"containers": counted}


def test_what_nobody_changed_afterwards_is_not_asked_again(desk):
    """Each round would add a letter: the last one to speak is not asked twice."""
    grow = 'Object{metadata: Object.metadata{labels: {"word": (has(object.metadata.labels) ? object.metadata.labels.word : "") + "a"}}}'
    policy(desk, grow, name="grow", reinvocationPolicy="IfNeeded")
    assert desk.pod()["metadata"]["labels"] == {"word": "a"}


def test_of_two_that_want_the_last_word_the_later_one_has_it(desk):
    """Both are asked twice, and no more: the first because of the second, the second because of the first."""
    for name in ("a", "b"):
        said = f'Object{{metadata: Object.metadata{{labels: {{"last": "{name}"}}}}}}'
        policy(desk, said, name=name, reinvocationPolicy="IfNeeded")
    assert desk.pod()["metadata"]["labels"] == {"last": "b"}
