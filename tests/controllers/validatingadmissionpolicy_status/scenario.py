"""The looks at validating policies, in trouble: in the end their status is about what they say now."""

from importlib.util import find_spec

from tests.controllers.scenarios import Scenario, change, create, wait

POLICIES = "validatingadmissionpolicies.admissionregistration.k8s.io"
RULE = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}


def saying(expression):
    return {"spec": {"validations": [{"expression": expression}], "matchConstraints": {"resourceRules": [RULE]}}}


def policy(expression):
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "p"}}
    return kind | saying(expression)


def is_sound(cluster):
    return cluster.get(POLICIES, "p")["status"].get("typeChecking") == {}


SCENARIOS = (
    Scenario(
        "wrong at first, then mended",
        loop="validatingadmissionpolicy-status",
        over=(POLICIES,),
        acts=(create(policy("object.replicas > 1")), wait(3), change(f"{POLICIES}//p", saying("object.spec.replicas > 1"), "merge")),
        reached=is_sound,
    ),
) if find_spec("cel_expr_python") else ()  # fmt: skip
