"""The exercises of chapter 2: the order of one apply, and what stops when a part stops."""

from k8snb import Cluster
from k8snb.course.exercise import Exercise, Wrong, finding
from k8snb.course.tables import filled, lines
from k8snb.course.world import delete_pod, is_ready, pods, ready_pods

# ---------------------------------------------------------------- order: the steps of one apply

RIGHT = ["b", "d", "f", "c", "a", "e"]
# (a step that must come first, those that need it, the finding that says why)
NEEDS = (
    ("b", "dfcae", "wish"),
    ("d", "fcae", "replicaset"),
    ("f", "cae", "pod"),
    ("c", "ae", "node"),
    ("a", "e", "started"),
)


def check_order(_cluster, answer):
    if not isinstance(answer, (list, tuple, str)) or list(answer) == [...] or not answer:
        yield finding("unanswered")
        return
    given = [str(letter).strip().lower() for letter in answer if not isinstance(answer, str) or letter.isalnum()]
    if sorted(given) != sorted(RIGHT):
        yield finding("letters", given=", ".join(given)[:80])
        return
    place = {letter: given.index(letter) for letter in RIGHT}
    for first, later, name in NEEDS:
        for letter in later:
            if place[letter] < place[first]:
                yield finding(name, early=letter)


ORDER = Exercise(
    id="order",
    check=check_order,
    solution=f"answer = {RIGHT!r}",
    wrong=(
        Wrong('answer = ["b", "d", "f", "a", "c", "e"]', "node"),
        Wrong('answer = ["b", "f", "d", "c", "a", "e"]', "replicaset"),
        Wrong('answer = ["d", "b", "f", "c", "a", "e"]', "wish"),
        Wrong('answer = ["b", "d", "c", "f", "a", "e"]', "pod"),
        Wrong('answer = ["b", "d", "f", "c", "e", "a"]', "started"),
        Wrong('answer = ["b", "d", "f"]', "letters"),
    ),
)

# ---------------------------------------------------------------- works: with the scheduler stopped

WORKS = {
    "kubectl get pods answers": True,
    "the Pods that run go on running": True,
    "a deleted Pod of the Deployment is created again as an object": True,
    "that new Pod starts to run": False,
    "a container that crashes is started again": True,
}


def without_scheduler():
    cluster = Cluster(nodes=2)
    cluster.kubectl("create deployment web --image=nginx:1.27 --replicas=2")
    cluster.settle()
    cluster.faults.stop("kube-scheduler")
    return cluster


@lines(WORKS)
def check_works(fact, works, given):
    if given is ...:
        yield finding("missing", fact=fact)
    elif not isinstance(given, bool):
        yield finding("word", fact=fact)
    elif given != works:
        yield finding("goes_on" if works else "stops", fact=fact)


works = filled(WORKS)
STILL_WORKS = Exercise(
    id="works",
    start=without_scheduler,
    check=check_works,
    solution=works(),
    wrong=(
        Wrong(works(**{"that new Pod starts to run": True}), "stops"),
        Wrong(works(**{"a deleted Pod of the Deployment is created again as an object": False}), "goes_on"),
        Wrong(works(**{"kubectl get pods answers": "yes"}), "word"),
        Wrong("answer = True", "not_a_table"),
    ),
)

# ---------------------------------------------------------------- blame: which part is it?

CULPRITS = {"A": "kube-controller-manager", "B": "kube-apiserver", "C": "kubelet"}
PARTS = ("kube-scheduler", "kube-controller-manager", "kube-apiserver", "kubelet")


@lines(CULPRITS)
def check_blame(letter, part, given):
    if given is ...:
        yield finding("missing", letter=letter)
    elif given not in PARTS:
        yield finding("unknown", given=str(given)[:60])
    elif given != part:
        yield finding(letter, given=given)


BLAME = Exercise(
    id="blame",
    check=check_blame,
    solution=f"answer = {CULPRITS!r}",
    wrong=(
        Wrong('answer = {"A": "kube-scheduler", "B": "kube-apiserver", "C": "kubelet"}', "A"),
        Wrong('answer = {"A": "kube-controller-manager", "B": "kubelet", "C": "kubelet"}', "B"),
        Wrong('answer = {"A": "kube-controller-manager", "B": "kube-apiserver", "C": "kube-scheduler"}', "C"),
        Wrong('answer = {"A": "etcd", "B": "kube-apiserver", "C": "kubelet"}', "unknown"),
    ),
)

# ---------------------------------------------------------------- revive: find the part and start it


def nothing_chosen():
    cluster = Cluster(nodes=2)
    cluster.faults.stop("kube-scheduler")
    cluster.kubectl("create deployment shop --image=nginx:1.27 --replicas=3")
    cluster.settle()
    return cluster


def check_revive(cluster, _answer):
    shop = cluster.get("deployments", "shop")
    if shop is None:
        yield finding("gone")
        return
    if shop["spec"]["replicas"] != 3:
        yield finding("changed", replicas=shop["spec"]["replicas"])
    cluster.settle()
    found = pods(cluster, app="shop")
    ready = [pod for pod in found if is_ready(pod)]
    if len(ready) < 3:
        yield finding("waiting", ready=len(ready), pending=len([pod for pod in found if not pod["spec"].get("nodeName")]))
        return
    delete_pod(cluster, ready[0]["metadata"]["name"])
    cluster.settle()
    if len(ready_pods(cluster, app="shop")) < 3:
        cluster.faults.start("kube-scheduler")
        cluster.settle()
        yield finding("by_hand" if len(ready_pods(cluster, app="shop")) == 3 else "not_kept")


BIND = """for pod in lab.get("pods"):
    target = {"apiVersion": "v1", "kind": "Node", "name": "node-1"}
    name = pod["metadata"]["name"]
    import json
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": target}
    lab.kubectl(f"create --raw /api/v1/namespaces/default/pods/{name}/binding -f -", stdin=json.dumps(binding))
"""

REVIVE = Exercise(
    id="revive",
    start=nothing_chosen,
    check=check_revive,
    solution='lab.faults.start("kube-scheduler")',
    wrong=(
        Wrong('lab.faults.start("kube-controller-manager")', "waiting"),
        Wrong('lab.kubectl("delete pods --all")', "waiting"),
        Wrong('lab.kubectl("scale deployment shop --replicas=0")', "changed"),
        Wrong(BIND, "by_hand"),
        Wrong('lab.faults.start("kube-scheduler")\nlab.settle()\nlab.faults.stop("kube-controller-manager")', "not_kept"),
    ),
)

EXERCISES = (ORDER, STILL_WORKS, BLAME, REVIVE)
QUIZ = {"calls": 2, "starts": 0, "down": 1, "etcd": 1}
