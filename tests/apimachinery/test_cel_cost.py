"""Expressions whose values would grow without end are cancelled before they are evaluated; those that people write are not."""

import json

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
    doubled(22, "'" + '"' * 100 + "'", "strings.quote({0})"),
    doubled(1, "object.data.long", "{0}.findAll('.').map(c, {0}).join('')"),
    doubled(1, "object.data.long", "{0}.split('').map(c, {0}).join('')"),
    doubled(1, "object.data.query", "url({0}).getQuery().map(k, {0}).join('')"),
    doubled(6, "[object.data.long, object.data.long]", "{0}.map(c, {0})"),
    doubled(22, "'/~'", "jsonpatch.escapeKey({0}) + {0}"),
    doubled(20, "bytes(object.data.long)", "bytes(string({0})) + {0}"),
    doubled(28, "[object.data.long]", "[{0}, {0}]"),
    doubled(4, "object.data.long", "{0}.split('').map(c, '%.1000f'.format([1.0])).join('')"),
]
ENVIRONMENT = [{"name": f"E{number}", "value": "v" * 100} for number in range(10)]
OBJECT = {
    "metadata": {"name": "web", "labels": {f"l{at}": "x" * 60 for at in range(30)}},
    "items": list(range(100)),
    "data": {
        "long": "x" * 9_990,
        "query": "https://a.example.com/?" + "&".join(f"k{at}=v" for at in range(1_500)),
        "file": "".join(f"setting{at}=value\n" for at in range(6_000)),
        "few": "\n".join(["x" * 1_000] * 100),
    },
    "spec": {"containers": [{"name": f"c{at}", "image": f"registry.example.com/image-{at}:1.27", "env": ENVIRONMENT} for at in range(40)]},
}
ORDINARY = [
    "object.spec.containers.map(c, c.name + ':' + c.image).join(', ').size() > 0",
    "object.spec.containers.all(c, c.env.all(e, (e.name + '=' + e.value).size() < 1000))",
    "object.spec.containers.filter(c, c.image.contains('image')).map(c, c.image.split('/')[0]).size() == 40",
    "object.metadata.labels.all(k, (k + '/' + object.metadata.labels[k]).size() < 100)",
    "'%s has %d containers'.format([object.metadata.name, 3]).size() > 0",
    doubled(10),
    "object.data.file.split('\\n').all(line, line.split('=').size() <= 2)",
    "object.data.file.split('\\n').filter(line, line.startsWith('setting7')).map(line, line.split('=')[0]).size() == 111",
    "strings.quote(object.metadata.name) == '\"web\"'",
    "'a1b22'.findAll('[0-9]+').map(n, int(n)).sum() == 23",
    "url(object.data.query).getQuery().size() == 1500",
    "object.data.few.split('\\n').map(line, line.trim().split('=')[0].upperAscii()).join(',').size() > 100000",
    "object.data.few.split('\\n').all(line, line.split('=').size() < 3 && line.replace('x', 'y').size() == 1000)",
    "object.spec.containers.map(c, '%s is %s with %d'.format([c.name, c.image, c.env.size()])).join('; ').size() > 0",
    "object.spec.containers.map(c, c.env.map(e, '%s=%s'.format([e.name, e.value])).join(',')).join(';').size() > 0",
    "object.data.map(k, k + ': ' + object.data[k]).join('\\n').size() > 100000",
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


def test_the_bound_of_what_people_write_is_no_smaller_than_what_comes():
    for expression in (
        "object.data.few.split('\\n')", "object.data.query.findAll('[a-z]')", "url(object.data.query).getQuery()", "strings.quote('\"\"')",
        "'%s %x %b %.3f %d'.format([object.data, 'abc', 255, 2.5, 7])", "object.data.few.replace('x', 'yz')", "bytes(object.data.few)",
        "object.spec.containers.map(c, c.env)", "{'a': object.data.few, 'b': [1, 2]}",
        "['a', 'b'].join(object.data.few)", "string(1.5e300)", "jsonpatch.escapeKey('~/')",
        "object.spec.containers.map(c, c.env.map(e, e.name + string(e.value.size())).join(','))",
    ):  # fmt: skip
        program = cel.compile_expression(expression, {"object": cel.DYN})
        bound = cel_cost.Bounds({"object": OBJECT}).of(cel_cost.parse(program._compiled.serialize()), {})
        came = program.evaluate({"object": OBJECT})
        text = came if isinstance(came, str | bytearray) else json.dumps(came, separators=(",", ":")).replace("\\n", "\n")
        assert bound.total >= len(text), expression


NAMES = """size contains startsWith endsWith matches int uint double bool string bytes dyn type duration timestamp getFullYear getMonth
    getDayOfYear getDayOfMonth getDate getDayOfWeek getHours getMinutes getSeconds getMilliseconds charAt indexOf lastIndexOf lowerAscii
    upperAscii replace split join substring trim reverse format strings.quote optional.of optional.none optional.ofNonZeroValue
    optional.unwrap unwrapOpt value hasValue or orValue first last sets.contains sets.equivalent sets.intersects base64.encode
    base64.decode math.greatest math.least math.abs math.sign math.ceil lists.range flatten distinct slice sort regex.extract
    regex.extractAll regex.replace range sortBy includes all exists exists_one map filter"""
OPERATORS = (
    "a == a", "a != a", "a < a", "a <= a", "a > a", "a >= a", "a && a", "a || a", "!a", "a in a", "a - a", "a * a", "a / a", "a % a",
    "-a", "a + a", "a ? a : a", "a[0]", "a[?0]", "a.?b", "{'k': 1}.transformMap(k, v, v)", "a.optMap(x, x)", "a.all(x, x)",
    "a.exists_one(x, x)", "a.map(x, x)", "a.filter(x, x)", "cel.bind(x, a, x)",
)  # fmt: skip


def called(node):
    """The functions in an expression."""
    return {node.name if node.kind == "call" else "", *(name for part in node.parts for name in called(part))} - {""}


def declared(environment):
    """The functions that an environment has, as its checker sees them: those of these names, whatever they take."""
    for name in NAMES.split():
        for count in range(4):
            given = ", ".join("a" * count)
            for expression in (f"{name}({given})", f"a.{name}({given})"):
                try:
                    yield from called(cel_cost.parse(environment.compile(expression).serialize()))
                except RuntimeError as error:
                    if "found no matching overload" in str(error) and "math" not in str(error):
                        yield name
    for expression in OPERATORS:
        yield from called(cel_cost.parse(environment.compile(expression).serialize()))


def test_every_function_of_the_environment_has_a_bound():
    from k8snb.apimachinery import cel_library

    found = {*declared(cel._environment((("a", cel.DYN),))), *(row[0] for row in cel_library._rows())}
    assert len(found) > 120
    assert found - set(cel_cost.FUNCTIONS) == set()
    assert set(cel_cost.FUNCTIONS) - found == set()  # and none that is not there


def test_a_function_without_a_bound_is_cancelled():
    with pytest.raises(cel_cost.TooLarge):
        cel_cost.Bounds({}).of(cel_cost.Node("call", "new", (cel_cost.Node("constant", "a"),)), {})
    assert cel_cost.grows(cel_cost.Node("call", "new"))


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
