"""ValidatingAdmissionPolicies: rules in CEL, through bindings, with parameters; what they refuse and in which words."""

import pytest

from k8snb.apimachinery.errors import ApiError
from k8snb.apiserver.request import Request, User
from k8snb.cluster import Cluster

V1 = "admissionregistration.k8s.io/v1"
POLICIES, BINDINGS = (
    "validatingadmissionpolicies.admissionregistration.k8s.io",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io",
)
MAPS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"]}
DEPLOYMENTS = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["deployments"]}


def policy(desk, *validations, name="rule", rules=(MAPS,), **spec):
    constraints = {"resourceRules": list(rules)} | spec.pop("constraints", {})
    rows = [{"expression": rule} if isinstance(rule, str) else rule for rule in validations]
    return desk.create(
        POLICIES, "ValidatingAdmissionPolicy", name, "", V1, spec={"matchConstraints": constraints, "validations": rows} | spec
    )


def bind(desk, *actions, name="bound", of="rule", **spec):
    spec = {"policyName": of, "validationActions": list(actions or ["Deny"])} | spec
    return desk.create(BINDINGS, "ValidatingAdmissionPolicyBinding", name, "", V1, spec=spec)


def config(desk, name="settings", namespace="default", **data):
    return desk.create("configmaps", "ConfigMap", name, namespace, data=data)


def refused(call):
    with pytest.raises(ApiError) as error:
        call()
    return error.value


def test_a_rule_that_does_not_hold_refuses_in_the_words_of_the_policy(desk):
    policy(desk, {"expression": "!has(object.data) || object.data.all(key, key != 'password')", "message": "no passwords in ConfigMaps"})
    bind(desk)
    config(desk, "fine", colour="red")
    error = refused(lambda: config(desk, password="x"))
    assert (error.code, error.reason) == (422, "Invalid")
    assert error.message == (
        "configmaps \"settings\" is forbidden: ValidatingAdmissionPolicy 'rule' with binding 'bound' denied request: "
        "no passwords in ConfigMaps"
    )


def test_without_a_message_the_expression_is_shown_and_a_reason_gives_the_code(desk):
    policy(desk, {"expression": " object.metadata.name.startsWith('team-') ", "reason": "Forbidden"})
    bind(desk)
    error = refused(lambda: config(desk))
    assert (error.code, error.reason) == (403, "Forbidden")
    assert error.message.endswith("denied request: failed expression: object.metadata.name.startsWith('team-')")


def test_nothing_happens_without_a_binding_nor_after_it_is_gone(desk):
    policy(desk, "false")
    config(desk, "before")
    bind(desk)
    refused(lambda: config(desk, "during"))
    desk.client.delete(BINDINGS, "bound", "")
    config(desk, "after")


def test_the_documented_replica_limit_with_parameters_of_a_custom_kind(desk):
    schema = {"type": "object", "properties": {"maxReplicas": {"type": "integer"}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "replicalimits", "singular": "replicalimit", "kind": "ReplicaLimit"}
    spec = {"group": "rules.example.com", "scope": "Namespaced", "names": names, "versions": [version]}
    desk.create("customresourcedefinitions.apiextensions.k8s.io", "CustomResourceDefinition", "replicalimits.rules.example.com", "",
                "apiextensions.k8s.io/v1", spec=spec)  # fmt: skip
    desk.cluster.run_for(1)
    policy(
        desk,
        {"expression": "object.spec.replicas <= params.maxReplicas",
         "messageExpression": "'object.spec.replicas must be no greater than ' + string(params.maxReplicas)", "reason": "Invalid"},
        rules=[DEPLOYMENTS], paramKind={"apiVersion": "rules.example.com/v1", "kind": "ReplicaLimit"},
    )  # fmt: skip
    reference = {"name": "most", "namespace": "default", "parameterNotFoundAction": "Deny"}
    bind(desk, paramRef=reference)
    container = {"name": "c", "image": "nginx"}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    web = {"replicas": 5, "selector": {"matchLabels": {"app": "web"}}, "template": template}

    def deploy():
        return desk.create("deployments.apps", "Deployment", "web", "default", "apps/v1", spec=web)

    missing = refused(deploy).message
    assert missing.endswith("failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction")
    desk.create("replicalimits.rules.example.com", "ReplicaLimit", "most", "default", "rules.example.com/v1", maxReplicas=3)
    assert refused(deploy).message.endswith("denied request: object.spec.replicas must be no greater than 3")
    web["replicas"] = 3
    assert deploy()["spec"]["replicas"] == 3
    scaled = refused(lambda: desk.client.patch("deployments.apps", "web", {"spec": {"replicas": 4}}, "default"))
    assert scaled.message.endswith("must be no greater than 3")


def test_variables_match_conditions_and_the_old_object(desk):
    policy(
        desk, {"expression": "variables.same", "messageExpression": "'colour was ' + variables.old"},
        variables=[{"name": "old", "expression": "oldObject.data.colour"},
                   {"name": "same", "expression": "object.data.colour == variables.old"}],
        matchConditions=[{"name": "only-updates", "expression": "request.operation == 'UPDATE'"},
                         {"name": "not-the-admin", "expression": "request.userInfo.username != 'root'"}],
    )  # fmt: skip
    bind(desk)
    config(desk, colour="red")
    error = refused(lambda: desk.client.patch("configmaps", "settings", {"data": {"colour": "blue"}}, "default"))
    assert error.message.endswith("denied request: colour was red")
    desk.client.patch("configmaps", "settings", {"data": {"size": "9"}}, "default")


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("object.data.colour == 'red'", "no such key: data"),
        ("variables.broken == 1", 'composited variable "broken" fails to evaluate: no such key: nothing'),
        ("1 / 0 == 1", "division by zero"),
        ("object.metadata.name > 3", "no such overload"),
    ],
)
def test_what_cannot_be_judged_denies_unless_the_policy_ignores_failures(desk, expression, says):
    broken = [{"name": "broken", "expression": "object.nothing"}]
    policy(desk, expression, variables=broken)
    policy(desk, expression, name="lax", failurePolicy="Ignore", variables=broken)
    bind(desk, of="lax", name="lax")
    config(desk, "a")
    bind(desk)
    error = refused(lambda: config(desk, "b"))
    assert error.message.endswith(f"with binding 'bound' denied request: expression '{expression}' resulted in error: {says}")


def test_a_variable_that_fails_hurts_only_where_it_decides(desk):
    policy(desk, "!has(object.data) || variables.colour == 'red'", variables=[{"name": "colour", "expression": "object.data.colour"}])
    bind(desk)
    desk.create("configmaps", "ConfigMap", "none")
    assert "denied request" in refused(lambda: config(desk, colour="blue")).message


def test_warnings_and_audit_let_pass_and_say_so(desk):
    policy(desk, {"expression": "false", "message": "old style"},
           auditAnnotations=[{"key": "who", "valueExpression": "'user ' + request.userInfo.username"}])  # fmt: skip
    bind(desk, "Warn", "Audit")
    response = desk.cluster.send(
        Request("create", version="v1", resource="configmaps", namespace="default",
                body={"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}})
    )  # fmt: skip
    assert response.code == 201
    assert "Validation failed for ValidatingAdmissionPolicy 'rule' with binding 'bound': old style" in response.warnings
    noted = str(desk.cluster.simulation.parts.kernel.trace.get(response.record))
    assert "validation_failure" in noted
    assert "rule/who: user kubernetes-admin" in noted


def test_namespaces_objects_and_names_narrow_where_it_holds(desk):
    desk.create("namespaces", "Namespace", "prod", "", metadata={"labels": {"env": "prod"}})
    policy(
        desk,
        "false",
        constraints={"namespaceSelector": {"matchLabels": {"env": "prod"}}, "objectSelector": {"matchLabels": {"strict": "yes"}}},
    )
    bind(desk)
    strict = {"metadata": {"labels": {"strict": "yes"}}}
    desk.create("configmaps", "ConfigMap", "a", "prod")
    desk.create("configmaps", "ConfigMap", "a", "default", **strict)
    refused(lambda: desk.create("configmaps", "ConfigMap", "b", "prod", **strict))
    policy(desk, "namespaceObject.metadata.labels.env != 'prod'", name="other", rules=[{**MAPS, "resourceNames": ["named"]}])
    bind(desk, of="other", name="other")
    desk.create("configmaps", "ConfigMap", "unnamed", "prod")
    assert "'other'" in refused(lambda: desk.create("configmaps", "ConfigMap", "named", "prod")).message


def test_deletion_is_judged_by_the_old_object(desk):
    policy(desk, {"expression": "oldObject.metadata.name != 'keep'", "message": "stays"}, rules=[{**MAPS, "operations": ["DELETE"]}])
    bind(desk)
    config(desk, "keep")
    config(desk, "go")
    desk.client.delete("configmaps", "go", "default")
    assert refused(lambda: desk.client.delete("configmaps", "keep", "default")).message.endswith("denied request: stays")


def test_an_expression_may_ask_what_the_user_may(desk):
    allowed = "authorizer.group('').resource('secrets').namespace('default').check('delete').allowed()"
    policy(desk, allowed)
    bind(desk)
    config(desk, "by-the-admin")
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]}]
    desk.create("clusterroles.rbac.authorization.k8s.io", "ClusterRole", "maps", "", "rbac.authorization.k8s.io/v1", rules=rules)
    subjects = [{"kind": "User", "name": "jane", "apiGroup": "rbac.authorization.k8s.io"}]
    role = {"kind": "ClusterRole", "name": "maps", "apiGroup": "rbac.authorization.k8s.io"}
    desk.create("clusterrolebindings.rbac.authorization.k8s.io", "ClusterRoleBinding", "maps", "", "rbac.authorization.k8s.io/v1",
                subjects=subjects, roleRef=role)  # fmt: skip
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "by-jane"}}
    jane = Request(
        "create", version="v1", resource="configmaps", namespace="default", body=body, user=User("jane", ("system:authenticated",))
    )
    assert desk.cluster.send(jane).body["message"].endswith(f"failed expression: {allowed}")


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("object.spec.replicas", "must evaluate to bool"),
        ("1 +", "compilation failed: ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' expecting"),
        (
            "thing.spec == 1",
            "compilation failed: ERROR: <input>:1:1: undeclared reference to 'thing' (in container '')\n | thing.spec == 1\n | ^",
        ),
        (
            "request.nothing == ''",
            "compilation failed: ERROR: <input>:1:8: undefined field 'nothing'\n | request.nothing == ''\n | .......^",
        ),
        ("variables.none", "compilation failed: ERROR: <input>:1:10: undefined field 'none'"),
        ("params.x == 1", "undeclared reference to 'params' (in container '')"),
        ("'a' < 1", "found no matching overload for '_<_' applied to '(string, int)'"),
        ("object.name.unheardOf()", "undeclared reference to 'unheardOf' (in container '')"),
    ],
)
def test_what_does_not_compile_is_refused_when_the_policy_is_made(desk, expression, says):
    error = refused(lambda: policy(desk, expression))
    assert error.code == 422
    assert error.message.startswith(
        'ValidatingAdmissionPolicy.admissionregistration.k8s.io "rule" is invalid: spec.validations[0].expression: '
    )
    assert says in error.message


def test_nobody_locks_himself_out(desk):
    everything = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}
    policy(desk, "false", rules=[everything])
    bind(desk)
    refused(lambda: config(desk))
    desk.client.delete(BINDINGS, "bound", "")


def test_a_fork_judges_as_its_origin_does():
    cluster = Cluster(nodes=0)
    rule = {"matchConstraints": {"resourceRules": [MAPS]}, "validations": [{"expression": "false"}]}
    cluster.client.create(POLICIES, {"apiVersion": V1, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "rule"}, "spec": rule})
    spec = {"policyName": "rule", "validationActions": ["Deny"]}
    cluster.client.create(BINDINGS, {"apiVersion": V1, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": "b"}, "spec": spec})
    fork = cluster.fork()
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    for each in (cluster, fork):
        refused(lambda: each.client.create("configmaps", settings, "default"))  # noqa: B023
    fork.client.delete(BINDINGS, "b", "")
    fork.client.create("configmaps", settings, "default")
    refused(lambda: cluster.client.create("configmaps", settings, "default"))
