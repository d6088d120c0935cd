"""What learners write into their first scheduler plugins and images: one sentence each, and a cluster that forks and replays as before."""

import random
import sys
import time

import pytest

from k8snb import Cluster, HTTPReply, Image
from k8snb.sim.state import digest
from tests.simulation.futures import whole


@pytest.fixture
def cluster():
    return Cluster(nodes=2)


CLUSTERS = []


def plugin(**members):
    return type("Mine", (), {"__module__": __name__, **members})


def ours(**members):
    return type("Mine", (Image,), {"name": "mine", "ports": (80,), "__module__": __name__, **members})


async def is_async(self, pod, node):
    return 1


def is_a_generator(self, pod, node):
    yield 1


def asks_for_luck(self, pod, node):
    return random.randint(0, 100)


def asks_the_clock(self, pod, node):
    return time.time() % 100


REFUSED_PLUGINS = [
    (plugin(filter=lambda self, pod: True), "Mine.filter must take the pod and the node: def filter(self, pod, node)"),
    (plugin(score=lambda pod, node: 1), "Mine.score must take the pod and the node: def score(self, pod, node)"),
    (plugin(score=classmethod(lambda cls, pod, node: 1)), "def score(self, pod, node)"),
    (plugin(score=is_async), "Mine.score is async or has a yield"),
    (plugin(filter=is_a_generator), "Mine.filter is async or has a yield"),
    (plugin(score=asks_for_luck), "Mine.score uses random.randint()"),
    (plugin(score=asks_the_clock), "Mine.score uses time.time()"),
    (plugin(scores=lambda self, pod, node: 1), "Mine has neither score(self, pod, node) nor filter(self, pod, node)"),
    (plugin(score=100), "Mine has neither score(self, pod, node)"),
    (plugin(score=lambda self, pod, node: 1, normalize=lambda self: {}), "def normalize(self, points)"),
    (plugin(score=lambda self, pod, node: 1)(), "Mine is no class"),
    (lambda pod: 1, "must take the pod and the node"),
    ("MyPlugin", "str is no class"),
]


@pytest.mark.parametrize("number", range(len(REFUSED_PLUGINS)))
def test_a_plugin_that_cannot_run_is_refused_and_changes_nothing(cluster, number):
    code, words = REFUSED_PLUGINS[number]
    before = digest(cluster.simulation.root)
    with pytest.raises(ValueError) as refused:  # noqa: PT011  (the words are looked at below)
        cluster.scheduler.add(code)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert digest(cluster.simulation.root) == before


def init_with_an_argument(self, cluster):
    self.cluster = cluster


TOLD_PLUGINS = [  # (members, what the pod's message says)
    ({"score": lambda self, pod, node: "100"}, "score must return a number from 0 to 100, not '100'"),
    ({"score": lambda self, pod, node: None}, "score must return a number from 0 to 100, not None"),
    ({"score": lambda self, pod, node: 1000}, "1000"),
    ({"score": lambda self, pod, node: -5}, "-5"),
    ({"score": lambda self, pod, node: float("inf")}, "inf"),
    ({"score": lambda self, pod, node: node.label["x"]}, "'NodeView' object has no attribute 'label'"),
    ({"score": lambda self, pod, node: pod.spec}, 'write ["spec"]'),
    ({"score": lambda self, pod, node: node.labels["disk"]}, "KeyError: 'disk'"),
    ({"score": lambda self, pod, node: sys.exit()}, "SystemExit"),
    ({"score": lambda self, pod, node: pod["metadata"].update(name="x")}, "shared with the whole cluster"),
    ({"score": lambda self, pod, node: self.score(pod, node)}, "RecursionError"),
    ({"score": lambda self, pod, node: CLUSTERS[-1].kubectl("delete node node-1")}, "cluster.kubectl cannot be used inside of"),
    ({"score": lambda self, pod, node: 1, "__init__": init_with_an_argument}, "TypeError"),
    ({"filter": lambda self, pod, node: 1}, "filter must return True, False or a reason, not 1"),
    ({"filter": lambda self, pod, node: []}, "filter must return True, False or a reason, not []"),
    ({"filter": lambda self, pod, node: ""}, "filter must return True, False or a reason, not ''"),
    ({"filter": lambda self, pod, node: nowhere}, "NameError: name 'nowhere' is not defined"),  # noqa: F821
    ({"score": lambda self, pod, node: 1, "normalize": lambda self, points: None}, "normalize must return a dict with the points"),
    ({"score": lambda self, pod, node: 1, "normalize": lambda self, points: points.clear()}, "normalize must return a dict"),
    ({"score": lambda self, pod, node: 1, "normalize": lambda self, points: dict.fromkeys(points, "x")}, "normalize must return a number"),
]


@pytest.mark.parametrize("number", range(len(TOLD_PLUGINS)))
def test_what_a_plugin_does_wrong_is_told_on_the_pod(cluster, number):
    members, words = TOLD_PLUGINS[number]
    CLUSTERS[:] = [cluster]
    cluster.scheduler.add(plugin(**members))
    cluster.kubectl("run web --image=nginx")
    cluster.run_for(3)
    (said,) = {event["message"] for event in cluster.get("events") if event["reason"] == "FailedScheduling"}
    assert words in said
    assert "\n" not in said
    assert whole(cluster)
    cluster.scheduler.remove("Mine")
    cluster.settle()
    assert cluster.get("pods", "web")["status"]["phase"] == "Running"


async def serves_later(self, process, request):
    return "later"


def tells_the_time(self, process, request):
    return time.ctime()


def sleeps(self, process):
    time.sleep(10)


def hangs(self, *_):
    while True:
        pass


REFUSED_IMAGES = [
    (ours(http=lambda self, request: "hello"), "Mine: http is called as http(self, process, request)"),
    (ours(start=lambda: None), "Mine: start is called as start(self, process)"),
    (ours(step="tick"), "Mine: step is called as step(self, process)"),
    (ours(http=staticmethod(lambda process, request, more=1: "x")), "Mine: http is called as http(self, process, request)"),
    (ours(http=serves_later), "Mine.http is async or has a yield"),
    (ours(http=tells_the_time), "Mine.http uses time.ctime()"),
    (ours(start=sleeps), "Mine.start uses time.sleep()"),
    (ours(name="mine:1.0"), "holds a tag"),
    (ours(name=5), "Mine has no name"),
    (ours(ports=80), "ports must be a tuple"),
    (ours(ports=("80",)), "ports must be a tuple"),
    (ours(versions="1.0"), "versions must be a tuple"),
    (ours(files={"/etc/motd": b"hello"}), "files must be a dict from text to text"),
    (ours(files=["/etc/motd"]), "files must be a dict from text to text"),
    (ours(environment={"PORT": 80}), "environment must be a dict from text to text"),
    (ours(uses=100), "uses must be an Appetite, not 100"),
    (ours(size="25MB"), "size is a whole number of bytes, not '25MB'"),
    (ours(__init__=lambda self: setattr(self, "hits", 0)), "an image cannot keep hits on self"),
    (ours(__init__=lambda self, process: None), "it cannot be made: TypeError"),
    (ours(__init__=hangs), "it cannot be made: TooManyLines"),
    (ours()(), "a class derived from k8snb.Image"),
    (plugin(name="mine"), "a class derived from k8snb.Image"),
]


@pytest.mark.parametrize("number", range(len(REFUSED_IMAGES)))
def test_an_image_that_cannot_be_is_refused_and_changes_nothing(cluster, number):
    code, words = REFUSED_IMAGES[number]
    before = len(cluster.simulation.history.inputs)
    with pytest.raises(ValueError) as refused:  # noqa: PT011  (the words are looked at below)
        cluster.images.add(code)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(cluster.simulation.history.inputs) == before
    assert "mine" not in cluster.images


def exits_with_a_word(self, process):
    process.exit("done")


def sleeps_a_word(self, process):
    process.sleep("2s")


def sleeps_backwards(self, process):
    process.sleep(-1)


def logs_a_number(self, process):
    process.log(5)


def remembers_a_list(self, process):
    process.memory["seen"] = []


def uses_much(self, process):
    process.use(cpu="200m")


def fetches(self, process):
    process.http(5)


def recurses(self, process):
    recurses(self, process)


STARTS = [  # (what start does, what its last line says)
    (hangs, "Mine: TooManyLines: more than 200000 lines in one start"),
    (recurses, "Mine: RecursionError"),
    (lambda self, process: sys.exit(3), "Mine: SystemExit: 3"),
    (lambda self, process: process.nope, "There is no process.nope"),
    (lambda self, process: nowhere, "Mine: NameError: name 'nowhere' is not defined"),  # noqa: F821
    (lambda self, process: CLUSTERS[-1].get("pods"), "Mine: cluster.get cannot be used inside of start"),
    (lambda self, process: CLUSTERS[-1].run_for(5), "Mine: cluster.run_for cannot be used inside of start"),
    (lambda self, process: setattr(self, "hits", 1), "an image cannot keep hits on self"),
    (lambda self, process: process.env.update(A="1"), "Mine: "),
    (exits_with_a_word, "process.exit"),
    (sleeps_a_word, "process.sleep"),
    (sleeps_backwards, "process.sleep"),
    (logs_a_number, "process.log"),
    (remembers_a_list, "process.memory['seen'] is a list"),
    (uses_much, "process.use"),
    (fetches, "process.http"),
]


@pytest.mark.parametrize("number", range(len(STARTS)))
def test_what_an_image_does_wrong_ends_its_container_with_a_line(cluster, number):
    start, words = STARTS[number]
    CLUSTERS[:] = [cluster]
    cluster.images.add(ours(start=start))
    cluster.kubectl("run web --image=mine --restart=Never")
    cluster.run_for(5)
    (status,) = cluster.get("pods", "web")["status"]["containerStatuses"]
    ended = status["state"]["terminated"]
    assert ended["exitCode"] == 1
    assert words in ended["message"]
    assert "\n" not in ended["message"].rstrip("\n")
    assert ended["message"] in cluster.kubectl("logs web").text
    assert whole(cluster)


SERVES = [  # (hooks, what the last line says)
    ({"http": lambda self, process, request: None}, "http() gave a NoneType: it must give an HTTPReply, or text"),
    ({"http": lambda self, process, request: 200}, "http() gave a int"),
    ({"http": lambda self, process, request: {"status": 200}}, "http() gave a dict"),
    ({"http": lambda self, process, request: (200, "ok")}, "http() gave a tuple"),
    ({"http": lambda self, process, request: HTTPReply("ok")}, "status 'ok'"),
    ({"http": lambda self, process, request: HTTPReply(200, b"ok")}, "a body of bytes"),
    ({"http": lambda self, process, request: request.nope}, "'HTTPRequest' object has no attribute 'nope'"),
    ({"http": lambda self, process, request: process.memory["hits"]}, "KeyError: 'hits'"),
    ({"http": hangs}, "TooManyLines: more than 200000 lines in one http"),
    ({"listens": lambda self, process, port: port.nope}, "'int' object has no attribute 'nope'"),
    ({"appetite": lambda self, process: 100}, "appetite() gave a int: it must give an Appetite"),
    ({"appetite": lambda self, process: self.nope}, "no attribute 'nope'"),
]


@pytest.mark.parametrize("number", range(len(SERVES)))
def test_what_an_image_serves_wrong_ends_its_container_with_a_line(cluster, number):
    hooks, words = SERVES[number]
    cluster.images.add(ours(**hooks))
    cluster.kubectl("run web --image=mine --restart=Never")
    cluster.run_for(5)
    address = cluster.get("pods", "web")["status"]["podIP"]
    assert cluster.http(f"http://{address}", from_node="node-1").status == 500
    cluster.run_for(2)
    (status,) = cluster.get("pods", "web")["status"]["containerStatuses"]
    assert words in status["state"]["terminated"]["message"]
    assert whole(cluster)


def test_an_image_that_never_rests_lets_time_go_on(cluster):
    cluster.images.add(ours(start=lambda self, process: process.sleep(0), step=lambda self, process: process.sleep(0)))
    cluster.kubectl("run web --image=mine")
    cluster.run_for(3)
    assert cluster.get("pods", "web")["status"]["phase"] == "Running"
    assert whole(cluster)


def test_hooks_that_only_fail_when_asked_end_nothing_but_their_container(cluster):
    cluster.images.add(ours(terminate=lambda self, process: process.nope, health=lambda self, process, service: 5))
    cluster.kubectl("run web --image=mine")
    cluster.run_for(5)
    cluster.kubectl("delete pod web --wait=false")
    cluster.settle()
    assert cluster.get("pods", "web") is None
    assert whole(cluster)
