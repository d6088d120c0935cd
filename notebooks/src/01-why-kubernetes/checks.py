"""The exercises of chapter 1: orders against declarations."""

from k8snb import Cluster
from k8snb.course.exercise import Exercise, Wrong, finding
from k8snb.course.tables import filled, lines
from k8snb.course.world import container_image, delete_pod, is_ready, pods, ready_pods, settled

# ---------------------------------------------------------------- observed: desired or observed?

KINDS = {
    "replicas: 3": "desired",
    "readyReplicas: 2": "observed",
    "image: nginx:1.27": "desired",
    "this Pod has the address 10.244.1.2": "observed",
    "the last version took 40 seconds to appear": "observed",
    "at most one Pod may be missing during an update": "desired",
}


@lines(KINDS)
def check_observed(fact, kind, given):
    if given is ...:
        yield finding("missing", fact=fact)
    elif given not in ("desired", "observed"):
        yield finding("word", fact=fact)
    elif given != kind:
        yield finding("seen" if kind == "observed" else "wished", fact=fact)


table = filled(KINDS)
OBSERVED = Exercise(
    id="observed",
    check=check_observed,
    solution=table(),
    wrong=(
        Wrong(table(**{"at most one Pod may be missing during an update": "observed"}), "wished"),
        Wrong(table(**{"this Pod has the address 10.244.1.2": "desired"}), "seen"),
        Wrong(table(**{"image: nginx:1.27": "Desired!"}), "word"),
        Wrong("answer = 'desired'", "not_a_table"),
    ),
)

# ---------------------------------------------------------------- declare: two, and two again


def fresh():
    return Cluster(nodes=2)


def check_declare(cluster, _answer):
    cluster.settle()
    found = pods(cluster, app="shop")
    if not found:
        yield finding("none")
        return
    for pod in found:
        if container_image(pod) != "nginx:1.27":
            yield finding("image", pod=pod["metadata"]["name"], image=container_image(pod))
    ready = len([pod for pod in found if is_ready(pod)])
    if ready != 2:
        yield finding("few" if ready < 2 else "many", ready=ready)
        return
    victim = found[0]["metadata"]["name"]
    delete_pod(cluster, victim)
    cluster.run_for(60)
    left = ready_pods(cluster, app="shop")
    if len(left) != 2:
        yield finding("not_kept", pod=victim, ready=len(left))


DECLARE = Exercise(
    id="declare",
    start=fresh,
    check=check_declare,
    solution="%kubectl create deployment shop --image=nginx:1.27 --replicas=2",
    wrong=(
        Wrong("%kubectl create deployment shop --image=nginx:1.27", "few"),
        Wrong(
            "%kubectl run shop-1 --image=nginx:1.27 --labels=app=shop\n%kubectl run shop-2 --image=nginx:1.27 --labels=app=shop",
            "not_kept",
        ),
        Wrong("%kubectl create deployment store --image=nginx:1.27 --replicas=2", "none"),
        Wrong("%kubectl create deployment shop --image=nginx:1.28 --replicas=2", "image"),
        Wrong("%kubectl create deployment shop --image=nginx:1.27 --replicas=3", "many"),
    ),
)

# ---------------------------------------------------------------- survive: the hand-made server


def by_hand():
    return settled("run prices --image=nginx:1.27 --labels=app=prices", nodes=3)


def check_survive(cluster, _answer):
    cluster.settle()
    if not pods(cluster, app="prices"):
        yield finding("none")
        return
    for node in ("node-1", "node-2", "node-3"):
        future = cluster.fork()
        future.faults.fail_node(node)
        future.run_for(600)
        if not [pod for pod in ready_pods(future, app="prices") if pod["spec"]["nodeName"] != node]:
            owned = any("ownerReferences" in pod["metadata"] for pod in pods(cluster, app="prices"))
            yield finding("dies" if owned else "unowned", node=node)


SURVIVE = Exercise(
    id="survive",
    start=by_hand,
    check=check_survive,
    solution="%kubectl create deployment prices --image=nginx:1.27",
    wrong=(
        Wrong("%kubectl delete pod prices", "none"),
        Wrong("%kubectl label pod prices tier=important", "unowned"),
        Wrong("%kubectl delete pod prices\n" + "%kubectl run prices --image=nginx:1.27 --labels=app=prices", "unowned"),
    ),
)

# ---------------------------------------------------------------- version: without logging in


def old_version():
    return settled("create deployment web --image=nginx:1.27 --replicas=3")


def check_version(cluster, _answer):
    cluster.settle()
    web = cluster.get("deployments", "web")
    if web is None:
        yield finding("no_deployment")
        return
    containers = web["spec"]["template"]["spec"]["containers"]
    if len(containers) != 1:
        yield finding("containers", names=", ".join(sorted(one["name"] for one in containers)))
    declared = container_image({"spec": web["spec"]["template"]["spec"]})
    if declared != "nginx:1.28":
        yield finding("declared", image=declared)
    if web["spec"]["replicas"] != 3:
        yield finding("replicas", replicas=web["spec"]["replicas"])
    if web["spec"].get("paused"):
        yield finding("paused")
    found = pods(cluster, app="web")
    for pod in found:
        if "ownerReferences" not in pod["metadata"]:
            yield finding("stranger", pod=pod["metadata"]["name"])
    good = len([pod for pod in found if is_ready(pod) and container_image(pod) == "nginx:1.28"])
    if good != 3 or len(found) != 3:
        yield finding("pods", good=good)


PATCHED = """%kubectl patch deployment web -p '{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"nginx:1.28"}]}}}}'"""
VERSION = Exercise(
    id="version",
    start=old_version,
    check=check_version,
    solution="%kubectl set image deployment/web nginx=nginx:1.28",
    wrong=(
        Wrong("%kubectl delete deployment web", "no_deployment"),
        Wrong("for pod in shop.get('pods'):\n    shop.kubectl(f\"set image pod/{pod['metadata']['name']} nginx=nginx:1.28\")", "declared"),
        Wrong("%kubectl set image deployment/web nginx=nginx:1.82", "declared"),
        Wrong("%kubectl set image deployment/web nginx=nginx:1.28\n%kubectl scale deployment web --replicas=4", "replicas"),
        Wrong("%kubectl rollout pause deployment/web\n%kubectl set image deployment/web nginx=nginx:1.28", "paused"),
        Wrong(PATCHED, "containers"),
        Wrong("%kubectl set image deployment/web nginx=nginx:1.28\n%kubectl run extra --image=nginx:1.28 --labels=app=web", "stranger"),
    ),
)

EXERCISES = (OBSERVED, DECLARE, SURVIVE, VERSION)
QUIZ = {"order": 1, "back": 2, "node": 0, "edit": 2}
