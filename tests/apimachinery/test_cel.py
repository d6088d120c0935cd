"""CEL with Kubernetes' functions: values, types and what is said of mistakes."""

import subprocess
import sys

import pytest

from k8snb.apimachinery import cel
from k8snb.apimachinery.cel import DYN, CelError, CelUnavailable, compile_expression
from k8snb.resources.admissionregistration.expressions import objects_as_maps

OBJECT = {"spec": {"replicas": 3, "cpu": "500m", "half": 0.5, "names": ["a", "b"]}, "labels": {"app": "web"}, "none": None}


def value(expression):
    return compile_expression(expression, {"object": DYN}).evaluate({"object": OBJECT})


@pytest.mark.parametrize(
    "expression",
    [
        "object.spec.replicas == 3 && object.spec.replicas > 2.5 && object.spec.half < 1",
        "object.?spec.?nothing.orValue('x') == 'x' && object.none == null && has(object.none) && !has(object.some)",
        "object.spec.names.all(n, n.size() == 1) && object.labels.exists(k, v, k == 'app' && v == 'web')",
        "object.spec.names.map(n, n + '!').join(',') == 'a!,b!' && '%s-%d'.format(['a', 1]) == 'a-1'",
        "quantity(object.spec.cpu).isLessThan(quantity('1')) && quantity('1').sub(quantity('500m')) == quantity('500m')",
        "quantity('1Gi').asInteger() == 1073741824 && !isQuantity('x') && quantity('500m').add(1).compareTo(quantity('1500m')) == 0",
        "ip('10.0.0.1').family() == 4 && cidr('10.0.0.0/8').containsIP('10.1.2.3') && !cidr('10.0.0.0/8').containsCIDR('11.0.0.0/16')",
        "isIP('::1') && !isIP('300.0.0.1') && ip('127.0.0.1').isLoopback() && cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8')",
        "url('https://a.b:80/c?x=1').getHost() == 'a.b:80' && url('https://a.b:80/c').getPort() == '80' && !isURL('a b')",
        "[1, 2, 3].sum() == 6 && [3, 1].min() == 1 && ['b', 'a'].max() == 'b' && [1, 2].isSorted() && ![2, 1].isSorted()",
        "'abc 123'.find('[0-9]+') == '123' && 'a1b2'.findAll('[0-9]') == ['1', '2'] && 'a1b2'.findAll('[0-9]', 1) == ['1']",
        "semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.2.3-rc.1').compareTo(semver('1.2.3')) == -1 && !isSemver('1.2')",
        "sets.contains(['a', 'b'], ['a']) && type(1) == int && duration('1h') > duration('59m') && 'x' in {'x': 1}",
    ],
)  # fmt: skip
def test_what_kubernetes_documents_holds(expression):
    assert value(expression) is True


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("object.nothing", "no such key: nothing"),
        ("object.spec.names[5]", "index out of bounds: 5"),
        ("object.spec.replicas > 'a'", "no such overload"),
        ("object.spec.replicas / 0", "division by zero"),
        ("quantity('much').sign()", "quantities must match the regular expression"),
        ("ip('nowhere').family()", "IP Address 'nowhere' parse error during conversion from string"),
    ],
)
def test_an_evaluation_that_fails_says_why_as_cel_go_does(expression, says):
    with pytest.raises(CelError) as error:
        value(expression)
    assert str(error.value).startswith(says)


def test_an_error_is_forgotten_where_it_decides_nothing():
    assert value("true || object.nothing == 1") is True
    assert value("object.nothing == 1 && false") is False


@pytest.mark.parametrize(
    "loop", ["object.spec.many.all(x, object.spec.many.all(y, x + y >= 0))", "object.spec.many.map(x, object.spec.many.map(y, y))"]
)
def test_an_expression_that_turns_too_often_ends_in_an_error(loop):
    program = compile_expression(loop, {"object": DYN})
    with pytest.raises(CelError, match="operation cancelled: actual cost limit exceeded"):
        program.evaluate({"object": {"spec": {"many": list(range(300))}}})


def test_no_pattern_takes_longer_than_its_text():
    hostile = "'" + "a" * 60 + "!'"
    assert value(f"{hostile}.find('(a+)+$') == '' && {hostile}.findAll('(a|aa)+$') == []")
    assert value(r"'x(1)[y]'.findAll(r'[(\[](\w)') == ['(1', '[y'] && 'foo'.find('(?P<first>f)(o+)') == 'foo'")
    with pytest.raises(CelError, match="Illegal regex"):
        value("'a'.find('(')")


def test_several_mistakes_are_all_reported():
    with pytest.raises(CelError) as error:
        compile_expression("a.b == 1 && has(object)", {"object": DYN})
    assert "undeclared reference to 'a' (in container '')\n | a.b == 1" in compile_error("a.b == 1")
    assert "invalid argument to has() macro" in str(error.value)


def compile_error(expression):
    with pytest.raises(CelError) as error:
        compile_expression(expression, {})
    return str(error.value)


def test_object_literals_become_maps_and_strings_stay():
    assert objects_as_maps("a ? Object{x: Object.x{y: 'Object{z: 1}'}} : Object{}") == (
        'a ? dyn({"x": dyn({"y": \'Object{z: 1}\'})}) : dyn({})'
    )


def test_where_the_library_is_absent_nothing_passes_unjudged(monkeypatch):
    monkeypatch.setitem(sys.modules, "cel_expr_python", None)
    cel._environment.cache_clear()
    with pytest.raises(CelUnavailable, match="cel-expr-python is not installed"):
        compile_expression("1 == 1 && true != false", {})
    cel._environment.cache_clear()


def test_a_cluster_without_policies_never_loads_the_library():
    code = "import sys, k8snb; c = k8snb.Cluster(nodes=1); c.settle(); print('cel_expr_python' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"
