"""Expressions whose values would grow without end are cancelled before they are evaluated; those that people write are not."""

import pytest

from k8snb.apimachinery import cel_cost

cel = pytest.importorskip("k8snb.apimachinery.cel")
pytest.importorskip("cel_expr_python", reason="no wheel of cel-expr-python for this machine")


def doubled(times, first="'xxxxxxxxxx'", grow="{0} + {0}"):
    inner = f"v{times}.size() > 0"
    for at in range(times, 0, -1):
        inner = f"cel.bind(v{at}, {grow.format(f'v{at - 1}')}, {inner})"
    return f"cel.bind(v0, {first}, {inner})"


HOSTILE = [
    doubled(28),
    doubled(26, "[1, 2, 3]"),
    doubled(5, "'" + "x" * 100 + "'", "{0}.replace('x', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')"),
    doubled(28, "object.metadata.name"),
    doubled(6, "object.items", "{0}.map(x, {0}.map(y, string(y)).join(','))"),
    doubled(12, "'a b c d'", "{0}.split(' ').map(x, {0}).join(' ')"),
]
ENVIRONMENT = [{"name": f"E{number}", "value": "v" * 100} for number in range(10)]
OBJECT = {
    "metadata": {"name": "web", "labels": {f"l{at}": "x" * 60 for at in range(30)}},
    "items": list(range(100)),
    "spec": {"containers": [{"name": f"c{at}", "image": f"registry.example.com/image-{at}:1.27", "env": ENVIRONMENT} for at in range(40)]},
}
ORDINARY = [
    "object.spec.containers.map(c, c.name + ':' + c.image).join(', ').size() > 0",
    "object.spec.containers.all(c, c.env.all(e, (e.name + '=' + e.value).size() < 1000))",
    "object.spec.containers.filter(c, c.image.contains('image')).map(c, c.image.split('/')[0]).size() == 40",
    "object.metadata.labels.all(k, (k + '/' + object.metadata.labels[k]).size() < 100)",
    "'%s has %d containers'.format([object.metadata.name, 3]).size() > 0",
    doubled(10),
]


def evaluated(expression):
    return cel.compile_expression(expression, {"object": cel.DYN}).evaluate({"object": OBJECT})


@pytest.mark.parametrize("expression", HOSTILE)
def test_what_would_grow_without_end_is_cancelled(expression):
    with pytest.raises(cel.CelError, match="operation cancelled: actual cost limit exceeded"):
        evaluated(expression)


@pytest.mark.parametrize("expression", ORDINARY)
def test_what_people_write_is_evaluated(expression):
    assert evaluated(expression) is True


def test_values_that_cannot_grow_are_not_walked():
    assert not cel_cost.grows(cel_cost.parse(cel.compile_expression("object.a == 'x'", {"object": cel.DYN})._compiled.serialize()))


def test_a_policy_whose_variables_double_each_other_refuses_and_lives():
    from k8snb.cluster import Cluster

    cluster = Cluster(nodes=1)
    chain = "".join(f'  - {{name: v{at}, expression: "variables.v{at - 1} + variables.v{at - 1}"}}\n' for at in range(1, 31))
    cluster.apply(f"""
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: grow}}
spec:
  matchConstraints:
    resourceRules: [{{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}}]
  variables:
  - {{name: v0, expression: "'xxxxxxxxxx'"}}
{chain}  validations:
  - expression: "variables.v30.size() > 0"
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: grow}}
spec: {{policyName: grow, validationActions: [Deny]}}
""")
    cluster.settle()
    assert "cost limit exceeded" in str(cluster.kubectl("create configmap a --from-literal=b=c"))
