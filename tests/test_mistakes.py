"""Whatever a learner hands to the public face: an answer, or one clear sentence in each language. Never a traceback."""

import copy
import inspect
import warnings

import pytest

from k8snb.cluster import Cluster, current, use
from k8snb.course import kit
from k8snb.messages import LANGUAGES, Mistake, set_language
from k8snb.notebook.magics import ClusterMagics

NUMBERS = (5, -1, 10**30, 10**400, 2.5, float("nan"), True)
BAD = (*NUMBERS, None, "", "x", "a/b/c", "deployment/none", "\0", "日本", b"x", [], {}, [None], {"kind": 1}, object())
SKIPPED = {"serve", "view", "of", "find"}  # two need an event loop or a front end; two are called by the simulator itself


def world():
    """A cluster with something in it, and everything public that hangs from it, as learners write it."""
    cluster = Cluster(nodes=2, etcd=3)
    cluster.kubectl("create deployment web --image=nginx:1.27")
    cluster.settle()
    load = cluster.load_test("http://web", 1, 1)
    pod = cluster.get("pods")[0]
    return {
        "cluster": cluster, "cluster.faults": cluster.faults, "cluster.etcd": cluster.etcd, "cluster.controllers": cluster.controllers,
        "cluster.scheduler": cluster.scheduler, "cluster.forwards": cluster.forwards, "cluster.images": cluster.images,
        "past": cluster.snapshot(), "diagnosis": cluster.diagnosis(pod), "load": load,
        "cluster.cloud": Cluster(nodes=1, cloud="aks").cloud,
    }  # fmt: skip


class Report:
    """A controller."""

    def reconcile(self, key):
        """Nothing."""


class PodsOnly:
    """A plugin that forgets the node."""

    def filter(self, pod):
        """Anything."""


WORLD = world()
GOOD = {  # what makes the other arguments fit, so that the bad one is looked at
    "manifest": "", "revision": 1, "line": "get pods", "pod": "web", "resource": "pods", "url": "http://web", "node": "node-1", "name": "x",
    "host": "registry.example.com", "source": "outside", "destination": "10.0.0.1:80", "what": "deployment/web", "duration": 1.0,
    "condition": lambda _cluster: True, "component": "kube-scheduler", "member": "etcd-1", "delay": 0.0, "percent": 0, "amount": "0",
    "registry": "docker.io", "factor": 1, "count": 0, "key": "/demo/x", "value": "1", "prefix": "/registry/", "code": None, "loop": "job",
    "zone": "westeurope-1", "port": 80, "image": None, "reference": None, "first": WORLD["past"], "second": WORLD["past"],
    "position": WORLD["cluster"].position, "data": b"", "request": None,
}  # fmt: skip


def methods():
    """Every public method that takes something: (label, name)."""
    for label, thing in WORLD.items():
        for name in dir(type(thing)):
            member = getattr(type(thing), name)
            if not name.startswith("_") and callable(member) and name not in SKIPPED and _parameters(thing, name):
                yield pytest.param(label, name, id=f"{label}.{name}")


def _parameters(thing, name):
    if not inspect.unwrap(getattr(type(thing), name)).__module__.startswith("k8snb"):
        return []  # Python's own, of dict and the like
    return list(inspect.signature(getattr(thing, name)).parameters.values())


def said(call):
    """The sentence of a mistake; empty: it was none. Anything else is a traceback, and fails."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call()
    except Exception as error:  # noqa: BLE001  (which of them have sentences is the question)
        found = error
    else:
        return ""
    shown = getattr(found, "_render_traceback_", None)
    assert shown is not None, f"{type(found).__name__}: {found}"
    sentence = "\n".join(shown())
    assert sentence.strip()
    return sentence


@pytest.fixture(params=LANGUAGES)
def language(request):
    set_language(request.param)
    yield request.param
    set_language(LANGUAGES[0])


@pytest.mark.parametrize(("label", "name"), list(methods()))
def test_every_public_method_bears_every_mistake(label, name):
    thing = WORLD[label]
    parameters = _parameters(thing, name)
    for wrong in parameters:
        for value in BAD:
            given = {one.name: GOOD[one.name] for one in parameters if one.default is one.empty and one is not wrong}
            said(lambda given=given, wrong=wrong, value=value: getattr(thing, name)(**given, **{wrong.name: value}))
    assert said(lambda: getattr(thing, name)(nonsense=1))
    assert said(lambda: getattr(thing, name)(*[None] * 20))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("nodes", (*BAD, [{"metadata": {"name": "a"}}] * 2, 10**6)), ("seed", ("x", None, 2.5)), ("runtime", BAD), ("start", ("x", -1)),
        ("etcd", BAD), ("cloud", BAD), ("scheduler", ("x", 5, [])), ("kubelet", ("x", 5, [])), ("metrics", ("x", 5)), ("node", (1,)),
    ],
)  # fmt: skip
def test_a_cluster_that_cannot_be_says_why(name, values):
    for value in values:
        assert said(lambda value=value: Cluster(**{name: value}, settled=False)) or value in (5, True, None, "", [], 0)


TABLE = [  # (what a learner writes, what the sentence must name)
    (lambda c: c.run_for("5"), ("cluster.run_for", "duration", "'5'")),
    (lambda c: c.run_for(-1), ("duration", "-1")),
    (lambda c: c.run_for(float("inf")), ("duration", "inf")),
    (lambda c: c.run_for(10**400), ("cluster.run_for", "duration", "1000")),
    (lambda c: c.apply(5), ("cluster.apply", "manifest", "5")),
    (lambda c: c.apply({"kind": "Pod"}), ("cluster.apply", "YAML", "json.dumps", "'Pod'")),
    (lambda c: c.apply(["a"]), ("cluster.apply", "YAML", "['a']")),
    (lambda c: c.step("x"), ("reconcile", "'x'", "%step 3")),
    (lambda c: c.step(3), ("reconcile", "%step 3")),
    (lambda c: c.at("x"), ("cluster.at", "revision", "'x'")),
    (lambda c: c.at(10**9), ("1000000000",)),
    (lambda c: Cluster(nodes="x"), ("nodes", "'x'")),
    (lambda c: Cluster(nodes=-1), ("nodes", "-1")),
    (lambda c: Cluster(nodes=10**9), ("nodes", "5000")),
    (lambda c: Cluster(node=1), ("node", "nodes=3")),
    (lambda c: Cluster.load(b"x"), ("cluster.save()",)),
    (lambda c: Cluster.load("x"), ("cluster.load", "cluster.save()")),
    (lambda c: c.why(5), ("cluster.why", "what", "5")),
    (lambda c: c.why(c.get("pods", "nosuch")), ("cluster.why", "what", "None", "cluster.get")),
    (lambda c: c.why("x"), ("x",)),
    (lambda c: c.get(1), ("cluster.get", "resource", "1")),
    (lambda c: c.get("nonsense"), ("nonsense", "api-resources")),
    (lambda c: c.diff(1, 2), ("cluster.diff", "first", "1")),
    (lambda c: c.timeline("deployment/none"), ("none",)),
    (lambda c: c.why("deployment/none"), ("none",)),
    (lambda c: c.graph("x"), ("x", "ownership")),
    (lambda c: c.graph("ownership", of="deployment/none"), ("none",)),
    (lambda c: c.graph("ownership", namespace="nosuch"), ("nosuch", "default, kube-node-lease")),
    (lambda c: c.graph("traffic", of="nosuch"), ("default/nosuch", "default/kubernetes")),
    (lambda c: c.graph("traffic", of="deployment/web"), ("deployment default/web", "Service", "default/kubernetes")),
    (lambda c: c.kubectl(5), ("cluster.kubectl", "line", "5")),
    (lambda c: c.node("none"), ("none", "node-1")),
    (lambda c: c.rules("none"), ("none", "node-1")),
    (lambda c: c.rewind(5), ("cluster.rewind", "cluster.position")),
    (lambda c: c.run_until(5), ("cluster.run_until", "lambda")),
    (lambda c: c.load_test("http://web", rate="x"), ("500",)),
    (lambda c: c.http(5), ("cluster.http", "url")),
    (lambda c: c.http("no url at all"), ("no url at all",)),
    (lambda c: c.faults.stop("none"), ("none", "kube-scheduler")),
    (lambda c: c.faults.fail_node("none"), ("none", "node-1")),
    (lambda c: c.faults.crash_container("none"), ("none",)),
    (lambda c: c.faults.stop(), ("cluster.faults.stop", "component")),
    (lambda c: c.faults.api_errors(resource="nonsense"), ("nonsense",)),
    (lambda c: c.faults.api_errors(verb="nonsense"), ("nonsense", "patch")),
    (lambda c: c.forwards.stop(1), ("1",)),
    (lambda c: c.snapshot()["nonsense"], ("nonsense",)),
    (lambda c: c.node("node-1").static_pods["none"], ("none",)),
    (lambda c: c.node("node-1").static_pods.__setitem__("x", 5), ("x",)),
    (lambda c: c.serve(), ("k8snb serve",)),
    (lambda c: c.serve("x"), ("cluster.serve", "port", "'x'")),
    (lambda c: c.cloud, ("aks",)),
    (lambda c: use(5), ("use", "cluster", "5")),
    (lambda c: c.images.add(5), ("cluster.images.add", "5")),
    (lambda c: c.controllers.run(5), ("int", "reconcile")),
    (lambda c: c.scheduler.add(5), ("int", "cluster.scheduler.add")),
    (lambda c: c.scheduler.remove("None"), ("None",)),
    (lambda c: c.aply("x"), ("cluster.aply", "cluster.apply")),
    (lambda c: c.faults.fail_nod("node-1"), ("cluster.faults.fail_nod", "cluster.faults.fail_node")),
    (lambda c: c.controllers.rnu(int), ("cluster.controllers.rnu", "cluster.controllers.run")),
    (lambda c: c.stop("kube-scheduler"), ("cluster.stop", "cluster.faults.stop")),
    (lambda c: c.fail_node("node-1"), ("cluster.fail_node", "cluster.faults.fail_node")),
    (lambda c: c.qqq, ("cluster.qqq", "dir(cluster)")),
    (lambda c: c.run_until(lambda c: c.nope), ("cluster.nope", "cluster.node")),
    (lambda c: c.run_until(lambda: True), ("cluster.run_until", "lambda")),
    (lambda c: Cluster.load("c.json"), ("cluster.load", "read_bytes()", "'c.json'")),
    (lambda c: Cluster.load(b'{"k8snb": 3, "kinds": [], "objects": [], "root": null}'), ("cluster.save()", "None")),
    (lambda c: Cluster.load(b'{"k8snb": 3, "kinds": [], "objects": [], "root": ["object", 3]}'), ("cluster.save()",)),
    (lambda c: Cluster.load(b'{"k8snb": 1, "objects": [], "root": null}'), ("k8snb", "Cluster(...)")),
    (lambda c: Cluster.load(c.save().replace(b'"time: int"', b'"at: float"')), ("k8snb.sim.kernel:Event", "Cluster(...)")),
    (lambda c: c.controllers.run(Report()), ("Report", "cluster.controllers.run(Report)")),
    (lambda c: c.scheduler.add(Report()), ("Report",)),
    (lambda c: c.scheduler.add(PodsOnly), ("PodsOnly.filter", "def filter(self, pod, node)")),
    (lambda c: c.get("pods")[0].update(spec={}), ("put(", "copy.deepcopy")),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(TABLE)))
def test_the_sentence_says_what_is_wrong_and_where(number, language):
    mistake, names = TABLE[number]
    before = current()
    sentence = said(lambda: mistake(WORLD["cluster"]))
    use(before)
    assert sentence
    for name in names:
        assert name in sentence
    assert "\n" not in sentence or len(sentence.splitlines()) <= 4


KIT = [  # (call, what the answer or the sentence must name)
    (lambda: kit.check(5), "5"),
    (lambda: kit.check(""), '"01.observed"'),
    (kit.check, "exercise"),
    (lambda: kit.check("01.none"), "01.none"),
    (lambda: kit.check("01.declare"), "01.declare"),  # before it was started
    (lambda: kit.hint("01.declare", 99), "3"),
    (lambda: kit.solution(None), "None"),
    (lambda: kit.quiz("none"), "none"),
    (lambda: kit.quiz(5), "5"),
    (lambda: kit.begin("none"), "none"),
    (lambda: kit.begin("01", language="fr"), "fr"),
    (lambda: kit.start("none"), "none"),
    (lambda: kit.start(None), "None"),
]


@pytest.mark.parametrize("number", range(len(KIT)))
def test_the_course_kit_bears_mistakes_too(number, language):
    call, name = KIT[number]
    answers = []
    sentence = said(lambda: answers.append(repr(call())))
    assert name in (sentence or answers[0])


MAGICS = [  # (what is typed, what is shown)
    ("%step x", "reconcile"),
    ("%step 999999999999", "10000"),
    ("%step -1", "reconcile"),
    ("%settle now", "now"),
    ("%kubectl", ""),
    ("%kubectl nonsense", "nonsense"),
    ("%kubectl get pods -o", "-o"),
    ("%%manifest\n", ""),
    ("%%manifest\nhello", ""),
    ("%%manifest\na: [", "line"),
    ("%%manifest\n- a", ""),
    ("%%manifest --nonsense\na: b", "nonsense"),
]


@pytest.mark.parametrize(("typed", "shown"), MAGICS)
def test_the_magics_bear_mistakes_too(typed, shown, language):
    before = current()
    use(WORLD["cluster"])
    first, _, cell = typed.partition("\n")
    name, _, line = first.lstrip("%").partition(" ")
    answer = getattr(ClusterMagics(), name)(*((line, cell) if first.startswith("%%") else (line,)))
    use(before)
    assert shown in repr(answer)
    assert "Traceback" not in repr(answer)


def test_a_machine_that_is_not_there_is_no_matter_of_failing():
    for call in (lambda c: c.node("nosuch"), lambda c: c.rules("nosuch"), lambda c: c.faults.fail_node("nosuch")):
        assert said(lambda call=call: call(WORLD["cluster"])) == "There is no machine 'nosuch' here. There are: node-1, node-2"


def test_who_asks_a_hollow_machine_for_what_its_kube_proxy_does_is_not_told_that_it_is_none(language):
    hollow = Cluster(nodes=1, runtime="hollow")
    for call in (hollow.rules, hollow.conntrack):
        assert all(word in said(lambda call=call: call("node-1")) for word in ("kube-proxy", "node-1", 'runtime="hollow"'))
        assert "'nosuch'" in said(lambda call=call: call("nosuch"))


def test_the_time_that_was_let_pass_is_told_and_counts_as_a_number():
    cluster = WORLD["cluster"].fork()
    passed = cluster.run_for(30)
    assert repr(passed) == f"30s passed: {int(passed)} events."
    assert f"{passed}" == str(passed) == str(int(passed))
    kept = copy.deepcopy([passed])
    assert (kept, repr(kept[0])) == ([passed], repr(passed))


def test_who_asks_whether_something_is_there_gets_an_answer():
    cluster = WORLD["cluster"]
    assert not hasattr(cluster, "aply")
    assert getattr(cluster.faults, "_repr_html_", None) is None
    assert getattr(cluster, "_ipython_canary_method_should_not_exist_", None) is None
    with pytest.raises(AttributeError, match="Did you mean"):
        _ = cluster.aply


def test_a_mistake_is_a_value_error_for_those_who_catch():
    with pytest.raises(ValueError, match="duration"):
        WORLD["cluster"].run_for("5")
    assert issubclass(Mistake, ValueError)
