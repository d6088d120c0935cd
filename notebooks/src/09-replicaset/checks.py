"""The exercises of chapter 9: adopt, release, the order of deletion, and Pods that will not die."""

from k8snb import Cluster
from k8snb.apimachinery.objects import EMPTY_DICT, dig
from k8snb.course.exercise import Exercise, Wrong, finding
from k8snb.course.tables import filled, lines
from k8snb.course.world import pods, ready_pods, settled

SET = """apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: {name}
spec:
  replicas: {replicas}
  selector:
    matchLabels:
      app: {app}
  template:
    metadata:
      labels:
        app: {app}
    spec:
      containers:
      - name: nginx
        image: nginx:1.27
"""


def owner(pod):
    """``Kind/name`` of the owner that looks after this Pod; empty where there is none."""
    found = dig(pod, ("metadata", "ownerReferences", 0), None)
    return f"{found['kind']}/{found['name']}" if found else ""


def original(cluster, name, before):
    """The Pod of this name if it is still the one that the exercise began with, and not on its way out; None otherwise."""
    pod, first = cluster.get("pods", name), before().get("pods", name)
    same = pod is not None and pod["metadata"]["uid"] == first["metadata"]["uid"]
    return pod if same and "deletionTimestamp" not in pod["metadata"] else None


# ---------------------------------------------------------------- adopt


def hand_made():
    return settled("run prices --image=nginx:1.27 --labels=app=prices,tier=back")


def check_adopt(cluster, _answer):
    cluster.settle()
    prices = original(cluster, "prices", hand_made)
    if prices is None:
        yield finding("gone")
    elif not owner(prices):
        yield finding("alone")
    elif not owner(prices).startswith("ReplicaSet/"):
        yield finding("other", owner=owner(prices))
    else:
        count = len([pod for pod in ready_pods(cluster) if owner(pod) == owner(prices)])
        if count != 2:
            yield finding("number", count=count)


ADOPT = Exercise(
    id="adopt",
    start=hand_made,
    check=check_adopt,
    solution="%%manifest\n" + SET.format(name="prices", replicas=2, app="prices"),
    wrong=(
        Wrong("%kubectl create deployment prices --image=nginx:1.27 --replicas=2", "alone"),
        Wrong("%%manifest\n" + SET.format(name="prices", replicas=2, app="price"), "alone"),
        Wrong("%%manifest\n" + SET.format(name="prices", replicas=1, app="prices"), "number"),
        Wrong("%kubectl delete pod prices\n%kubectl run prices --image=nginx:1.27 --labels=app=prices", "gone"),
    ),
)

# ---------------------------------------------------------------- release


def sick():
    cluster = Cluster(nodes=2)
    for number in (1, 2, 3):
        cluster.kubectl(f"run shop-{number} --image=nginx:1.27 --labels=app=shop")
    cluster.kubectl("apply -f -", stdin=SET.format(name="shop", replicas=3, app="shop"))
    cluster.kubectl("expose rs shop --port=80")
    cluster.settle()
    cluster.kubectl("exec shop-2 -- sh -c 'echo strange > /usr/share/nginx/html/index.html'")
    return cluster


def check_release(cluster, _answer):
    cluster.settle()
    patient = original(cluster, "shop-2", sick)
    if patient is None or dig(patient, "status.phase", "") != "Running":
        yield finding("gone")
        return
    if owner(patient):
        yield finding("owned", owner=owner(patient))
    if cluster.get("replicasets", "shop") is None:
        yield finding("unkept")
    service = cluster.get("services", "shop")
    if service is None:
        yield finding("no_service")
        return
    labels, selector = dig(patient, "metadata.labels", EMPTY_DICT), dig(service, "spec.selector", EMPTY_DICT)
    if selector.items() <= labels.items():
        yield finding("served")
    count = len([pod for pod in ready_pods(cluster, app="shop") if owner(pod) == "ReplicaSet/shop"])
    if count != 3:
        yield finding("few", count=count)
    elif len(ready_pods(cluster, **selector)) < 3:
        yield finding("unserved")


HEALTHY = """%kubectl patch service shop -p '{"spec":{"selector":{"healthy":"yes"}}}'"""

RELEASE = Exercise(
    id="release",
    start=sick,
    check=check_release,
    solution="%kubectl label pod shop-2 app=examine --overwrite",
    wrong=(
        Wrong("%kubectl delete pod shop-2", "gone"),
        Wrong("%kubectl label pod shop-2 state=sick", "owned"),
        Wrong("%kubectl scale rs shop --replicas=4", "owned"),
        Wrong("%kubectl delete rs shop --cascade=orphan", "unkept"),
        Wrong("%kubectl label pod shop-2 app-\n%kubectl scale rs shop --replicas=2", "few"),
        Wrong("%kubectl label pod shop-2 app-\n%kubectl delete service shop", "no_service"),
        Wrong("%kubectl label pod shop-2 app-\n" + HEALTHY, "unserved"),
    ),
)

# ---------------------------------------------------------------- order: close two tills


def four_tills():
    cluster = Cluster(nodes=2)
    for number in (1, 2, 3, 4):
        cluster.kubectl(f"run till-{number} --image=nginx:1.27 --labels=app=till")
        cluster.run_for(60 * number)
    cluster.kubectl("apply -f -", stdin=SET.format(name="till", replicas=4, app="till"))
    cluster.settle()
    return cluster


def check_order(cluster, _answer):
    cluster.settle()
    till = cluster.get("replicasets", "till")
    if till is None:
        yield finding("gone")
        return
    alive = [pod["metadata"]["name"] for pod in pods(cluster, app="till")]
    for name in ("till-3", "till-4"):
        if name not in alive:
            yield finding("closed", pod=name)
    if till["spec"]["replicas"] != 2:
        yield finding("replicas", replicas=till["spec"]["replicas"])
    elif len(alive) != 2:
        yield finding("many", count=len(alive))


COST = "controller.kubernetes.io/pod-deletion-cost"
SCALE = "%kubectl scale rs till --replicas=2\n"
ORDER = Exercise(
    id="order",
    start=four_tills,
    check=check_order,
    solution=f"%kubectl annotate pod till-3 till-4 {COST}=100\n" + SCALE,
    wrong=(
        Wrong(SCALE, "closed"),
        Wrong(f"%kubectl annotate pod till-1 till-2 {COST}=100\n" + SCALE, "closed"),
        Wrong(f"%kubectl annotate rs till {COST}=100\n" + SCALE, "closed"),
        Wrong("%kubectl delete pod till-1 till-2", "replicas"),
        Wrong("%kubectl delete rs till --cascade=orphan\n%kubectl delete pod till-1 till-2", "gone"),
    ),
)

# ---------------------------------------------------------------- undead and rest: Pods that will not die

POD = """apiVersion: v1
kind: Pod
metadata: {{name: {name}, finalizers: [{finalizer}]}}
spec:
  nodeName: {node}
  terminationGracePeriodSeconds: {grace}
  containers: [{{name: nginx, image: "nginx:1.27", lifecycle: {{preStop: {{sleep: {{seconds: {pause}}}}}}}}}]
---
"""
AUDIT = POD.format(name="audit", finalizer="example.com/audit", node="node-1", grace=30, pause=1)
CACHE = POD.format(name="cache", finalizer="", node="node-3", grace=30, pause=1)
REPORT = POD.format(name="report", finalizer="", node="node-2", grace=3600, pause=3000)
SHOP = SET.format(name="shop", replicas=1, app="shop") + "      nodeSelector: {kubernetes.io/hostname: node-2}\n"


def deleted(manifests):
    """A cluster of three nodes, one of them dead, in which all Pods of these manifests were deleted two minutes ago."""
    cluster = Cluster(nodes=3)
    cluster.kubectl("apply -f -", stdin=manifests)
    cluster.settle()
    cluster.faults.fail_node("node-3")
    cluster.run_for(60)
    cluster.kubectl("delete pods --all --wait=false")
    cluster.run_for(120)
    return cluster


def undead():
    return deleted(AUDIT + CACHE + REPORT + SHOP)


REASONS = {"audit": "finalizer", "cache": "node", "report": "grace period", "shop-...": "owner"}


@lines(REASONS)
def check_undead(pod, reason, given):
    if given is ...:
        yield finding("missing", pod=pod)
    elif given not in REASONS.values():
        yield finding("word", pod=pod)
    elif given != reason:
        yield finding("grace" if reason == "grace period" else reason, pod=pod)


reasons = filled(REASONS)
UNDEAD = Exercise(
    id="undead",
    start=undead,
    check=check_undead,
    solution=reasons(),
    wrong=(
        Wrong(reasons(audit="grace period"), "finalizer"),
        Wrong(reasons(cache="grace period"), "node"),
        Wrong(reasons(report="node"), "grace"),
        Wrong(reasons(**{"shop-...": "finalizer"}), "owner"),
        Wrong(reasons(report="busy"), "word"),
    ),
)


def restless():
    return deleted(AUDIT + CACHE + SHOP)


def check_rest(cluster, _answer):
    cluster.run_for(300)
    for pod in cluster.get("pods"):
        name, meta = pod["metadata"]["name"], pod["metadata"]
        if meta["namespace"] != "default":
            continue
        if meta.get("finalizers"):
            yield finding("finalizer", pod=name)
        elif "deletionTimestamp" in meta:
            yield finding("node", pod=name)
        else:
            yield finding("comes_back" if owner(pod) else "left", pod=name)


DELETE_SET = "%kubectl delete rs shop\n"
PATCH = '%kubectl patch pod audit --type=merge -p \'{"metadata":{"finalizers":null}}\'\n'
REST = Exercise(
    id="rest",
    start=restless,
    check=check_rest,
    solution=DELETE_SET + PATCH + "%kubectl delete node node-3",
    wrong=(
        Wrong("%kubectl delete pods --all --wait=false", "finalizer"),
        Wrong(DELETE_SET + "%kubectl delete pod audit --force --grace-period=0 --wait=false\n%kubectl delete node node-3", "finalizer"),
        Wrong(DELETE_SET + PATCH, "node"),
        Wrong(PATCH + "%kubectl delete node node-3\n%kubectl delete pods --all", "comes_back"),
        Wrong(PATCH + "%kubectl delete node node-3\n%kubectl delete rs shop --cascade=orphan", "left"),
    ),
)

EXERCISES = (ADOPT, RELEASE, ORDER, UNDEAD, REST)
QUIZ = {"template": 1, "stranger": 2, "name": 1, "orphan": 0}
