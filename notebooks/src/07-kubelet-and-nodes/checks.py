"""The exercises of chapter 7: what survives a dead node, and when; how long to wait; a careful drain; who goes when memory runs out."""

from k8snb import Cluster
from k8snb.apimachinery.objects import dig
from k8snb.course.exercise import Exercise, Wrong, finding
from k8snb.course.tables import filled, lines
from k8snb.course.world import condition, is_ending, pods, ready_pods
from k8snb.kubelet.node import SYSTEM_MEMORY
from k8snb.sim.clock import SECOND


def labelled(kind, name, replicas, container, **more):
    """A workload of one container."""
    spec = {} if kind == "DaemonSet" else {"replicas": replicas}
    spec |= {"serviceName": name} if kind == "StatefulSet" else {}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": name, **container}], **more}}
    spec |= {"selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def nginx(name, **spec):
    """A Pod of nginx that nobody owns."""
    whole = {"containers": [{"name": "nginx", "image": "nginx:1.27"}], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": whole}


NGINX = {"image": "nginx:1.27"}

# ---------------------------------------------------------------- survive: what survives a dead node

NODE = "node-2"
SURVIVORS = {
    "web (of a Deployment)": "replaced",
    "db-0 (of a StatefulSet)": "stuck",
    "agent (of a DaemonSet)": "stays",
    "alone (nobody's)": "stuck",
    "patient (nobody's, tolerates everything)": "stays",
}
WORDS = ("replaced", "stuck", "stays")


def five_pods():
    """Everything stands on node-2, as if the others had just joined."""
    cluster = Cluster(nodes=3)
    for name in ("node-1", "node-3"):
        cluster.kubectl(f"cordon {name}")
    cluster.client.create("deployments.apps", labelled("Deployment", "web", 1, NGINX), "default")
    cluster.client.create("statefulsets.apps", labelled("StatefulSet", "db", 1, NGINX), "default")
    cluster.client.create("daemonsets.apps", labelled("DaemonSet", "agent", 0, NGINX), "default")
    cluster.client.create("pods", nginx("alone"), "default")
    anywhere, here = [{"operator": "Exists"}], {"kubernetes.io/hostname": NODE}
    cluster.client.create("pods", nginx("patient", tolerations=anywhere, nodeSelector=here), "default")
    cluster.settle()
    for name in ("node-1", "node-3"):
        cluster.kubectl(f"uncordon {name}")
    return cluster


def app_of(case):
    """The label ``app`` of the Pods that a line of the table is about."""
    return case.split()[0].removesuffix("-0")


def fates(cluster):
    """What becomes of each application ten minutes after the loss of node-2: the check looks into the future."""
    cluster.faults.fail_node(NODE)
    cluster.run_for(600)
    found = {}
    for case in SURVIVORS:
        name = app_of(case)
        here = [pod for pod in cluster.get("pods") if dig(pod, "metadata.labels.app", "") == name and pod["spec"]["nodeName"] == NODE]
        ending, elsewhere = any(map(is_ending, here)), [pod for pod in pods(cluster, app=name) if pod["spec"]["nodeName"] != NODE]
        found[case] = "stays" if not ending else "replaced" if elsewhere else "stuck"
    return found


def check_survive(cluster, answer):
    if not isinstance(answer, dict):
        yield finding("not_a_table")
        return
    if all(answer.get(case) is ... for case in SURVIVORS):
        yield finding("unanswered")
    here = {pod["metadata"].get("labels", {}).get("app") for pod in cluster.get("pods") if pod["spec"].get("nodeName") == NODE}
    missing = [name for name in map(app_of, SURVIVORS) if name not in here]
    if missing:
        yield finding("changed", name=missing[0])
        return
    truth = fates(cluster)
    for case, right in truth.items():
        given = answer.get(case)
        if given not in WORDS:
            yield finding("word", case=case)
        elif given != right:
            yield finding(app_of(case), given=given)


survivors = filled(SURVIVORS)
SURVIVE = Exercise(
    id="survive",
    start=five_pods,
    check=check_survive,
    solution=survivors(),
    wrong=(
        Wrong(survivors(**{"db-0 (of a StatefulSet)": "replaced"}), "db"),
        Wrong(survivors(**{"agent (of a DaemonSet)": "stuck"}), "agent"),
        Wrong(survivors(**{"alone (nobody's)": "replaced"}), "alone"),
        Wrong(survivors(**{"web (of a Deployment)": "stays"}), "web"),
        Wrong(survivors(**{"patient (nobody's, tolerates everything)": "stuck"}), "patient"),
        Wrong(survivors(**{"alone (nobody's)": "gone"}), "word"),
        Wrong("%kubectl delete pod alone\n" + survivors(), "changed"),
    ),
)

# ---------------------------------------------------------------- when: at which second

MOMENTS = {  # what happens after the loss of power: (seconds, finding for a wrong number)
    "the node becomes Unknown": (48, "unknown"),
    "its Pods are deleted": (353, "deleted"),
    "its Pods have gone from the API, if it comes back after 1000 seconds": (1002, "gone"),
}
SLACK = 10


@lines(MOMENTS)
def check_when(moment, right, given):
    seconds, name = right
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        yield finding("number", moment=moment)
    elif not abs(given - seconds) <= SLACK:  # so that nan is wrong, too
        yield finding(name, given=given)


def moments(**changes):
    return f"answer = {({moment: right for moment, (right, _) in MOMENTS.items()} | changes)!r}"


WHEN = Exercise(
    id="when",
    check=check_when,
    solution=moments(**{"the node becomes Unknown": 50, "its Pods are deleted": 355}),
    wrong=(
        Wrong(moments(**{"the node becomes Unknown": 10}), "unknown"),
        Wrong(moments(**{"its Pods are deleted": 300}), "deleted"),
        Wrong(moments(**{"its Pods are deleted": 50}), "deleted"),
        Wrong(moments(**{"its Pods have gone from the API, if it comes back after 1000 seconds": 355}), "gone"),
        Wrong(moments(**{"the node becomes Unknown": "50 s"}), "number"),
        Wrong("nan = float('nan')\n" + moments(**{"its Pods are deleted": float("nan")}), "deleted"),
    ),
)

# ---------------------------------------------------------------- leave: wait less

WEB = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 3
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - name: nginx
        image: nginx:1.27
"""
WITHIN, FLAP = 100, 70  # seconds


def toleration(key, effect="NoExecute", limit=None):
    """One toleration, as YAML below a Pod's spec."""
    more = "" if limit is None else f"\n        tolerationSeconds: {limit}"
    return f"      - key: node.kubernetes.io/{key}\n        operator: Exists\n        effect: {effect}{more}\n"


def tolerant(**how):
    """The Deployment with both tolerations."""
    return "%%manifest\n" + WEB + "      tolerations:\n" + "".join(toleration(key, **how) for key in ("unreachable", "not-ready"))


def three_nodes():
    cluster = Cluster(nodes=3)
    cluster.kubectl("apply -f -", stdin=WEB)
    cluster.settle()
    return cluster


def keeps_its_pods(cluster, node):
    """Whether a node that is silent for a while still has its Pods when it is back."""
    before = {pod["metadata"]["uid"] for pod in pods(cluster, app="web")}
    cluster.faults.partition_node(node)
    cluster.run_for(FLAP)
    cluster.faults.restore_node(node)
    cluster.run_for(60)
    return before == {pod["metadata"]["uid"] for pod in pods(cluster, app="web")}


def seconds_until_replaced(cluster, node):
    """How long three Pods are not ready on other nodes, once this one is lost; None where that takes too long to wait for."""
    began = cluster.now
    cluster.faults.fail_node(node)

    def replaced(now):
        return len([pod for pod in ready_pods(now, app="web") if pod["spec"]["nodeName"] != node]) == 3

    return (cluster.now - began) // SECOND if cluster.run_until(replaced, limit=500) else None


def check_leave(cluster, _answer):
    cluster.settle(limit=60)
    web = cluster.get("deployments", "web")
    if web is None:
        yield finding("gone")
        return
    found = ready_pods(cluster, app="web")
    if web["spec"]["replicas"] != 3 or len(found) != 3:
        yield finding("three", ready=len(found))
        return
    node = found[0]["spec"]["nodeName"]
    took = seconds_until_replaced(cluster.fork(), node)
    if took is None:
        yield finding("never")
    elif took > WITHIN:
        yield finding("slow", took=took)
    elif not keeps_its_pods(cluster, node):
        yield finding("eager")


LEAVE = Exercise(
    id="leave",
    start=three_nodes,
    check=check_leave,
    solution=tolerant(limit=30),
    wrong=(
        Wrong(tolerant(limit=120), "slow"),
        Wrong(tolerant(limit=0), "eager"),
        Wrong(tolerant(), "never"),
        Wrong(tolerant(effect="NoSchedule"), "never"),
        Wrong("%kubectl scale deployment web --replicas=4", "three"),
        Wrong("%kubectl delete deployment web", "gone"),
    ),
)

# ---------------------------------------------------------------- drain: take a node out of service


def shop():
    """Three Pods of a shop whose budget wants three, and a log agent on every node."""
    cluster = Cluster(nodes=3)
    cluster.client.create("deployments.apps", labelled("Deployment", "shop", 3, NGINX), "default")
    cluster.client.create("daemonsets.apps", labelled("DaemonSet", "agent", 0, NGINX), "default")
    cluster.kubectl("create poddisruptionbudget shop --selector=app=shop --min-available=3")
    cluster.settle()
    return cluster


def fewest_ready(cluster):
    """How few Pods of the shop were ready at the worst moment since the three were up."""
    lives = cluster.timeline("deployment/shop").lives
    turns = sorted({moment for life in lives for span in life.spans for moment in (span.begin, span.end)})
    counts = [sum(1 for life in lives if (span := life.at(turn)) is not None and span.state == "ok") for turn in turns]
    up = next((index for index, count in enumerate(counts) if count >= 3), len(counts))
    return min(counts[up:-1], default=0)


def check_drain(cluster, _answer):
    cluster.settle(limit=60)
    node, budget = cluster.get("nodes", "node-2"), cluster.get("poddisruptionbudgets.policy", "shop")
    if node is None:
        yield finding("no_node")
        return
    if cluster.get("deployments", "shop") is None:
        yield finding("gone")
        return
    if budget is None or budget["spec"].get("minAvailable") != 3:
        yield finding("budget")
    fewest = fewest_ready(cluster)
    if fewest < 3:
        yield finding("dipped", fewest=fewest)
    here = [pod for pod in pods(cluster, app="shop") if pod["spec"].get("nodeName") == "node-2"]
    if not node["spec"].get("unschedulable"):
        yield finding("open")
    elif here:
        yield finding("there", count=len(here))
    if len(ready_pods(cluster, app="shop")) < 3:
        yield finding("few")
    if cluster.get("daemonsets", "agent") is None:
        yield finding("agents")


DRAIN = Exercise(
    id="drain",
    start=shop,
    check=check_drain,
    solution="%kubectl scale deployment shop --replicas=4\n%settle\n%kubectl drain node-2 --ignore-daemonsets",
    wrong=(
        Wrong("%kubectl drain node-2 --ignore-daemonsets --timeout=30s", "there"),
        Wrong("%kubectl delete poddisruptionbudget shop\n%kubectl drain node-2 --ignore-daemonsets", "budget"),
        Wrong("%kubectl drain node-2 --ignore-daemonsets --disable-eviction", "dipped"),
        Wrong("%kubectl scale deployment shop --replicas=4", "open"),
        Wrong("%kubectl cordon node-2\n%kubectl delete pods -l app=shop", "dipped"),
        Wrong("%kubectl delete node node-2", "no_node"),
        Wrong("%kubectl delete deployment shop", "gone"),
    ),
)

# ---------------------------------------------------------------- memory: who has to go

DB = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: db
spec:
  replicas: 1
  selector:
    matchLabels:
      app: db
  template:
    metadata:
      labels:
        app: db
    spec:
      containers:
      - name: db
        image: polinux/stress
        command: [stress, --vm, "1", --vm-bytes, 700M, --vm-hang, "1"]
"""
COMMAND = ["stress", "--vm", "1", "--vm-bytes", "700M", "--vm-hang", "1"]


def stress(amount):
    """A container that uses so much memory."""
    return {"image": "polinux/stress", "command": ["stress", "--vm", "1", "--vm-bytes", amount, "--vm-hang", "1"]}


def one_machine():
    cluster = Cluster(nodes=1)
    batch = {**stress("500M"), "resources": {"requests": {"memory": "100Mi"}}}
    cluster.client.create("deployments.apps", labelled("Deployment", "batch", 2, batch), "default")
    cluster.kubectl("apply -f -", stdin=DB)
    cluster.settle()
    return cluster


def of_the_database(cluster):
    """All Pods of the database, those that have failed among them."""
    return [pod for pod in cluster.get("pods") if dig(pod, "metadata.labels.app", "") == "db"]


def starve(cluster):
    """Leave 50 MiB on the machine, whatever its Pods use now, and wait."""
    used = SYSTEM_MEMORY + cluster.simulation.parts.machines.runtimes["node-1"].memory()
    cluster.faults.use_memory("node-1", 4096 * 2**20 - used - 50 * 2**20)
    cluster.run_for(40)


def check_memory(cluster, _answer):
    cluster.settle(limit=60)
    db = cluster.get("deployments", "db")
    if db is None:
        yield finding("gone")
        return
    if list(dig(db, ("spec", "template", "spec", "containers", 0, "command"), [])) != COMMAND:
        yield finding("program")
        return
    if db["spec"]["replicas"] != 1:
        yield finding("replicas", replicas=db["spec"]["replicas"])
        return
    found = [pod for pod in pods(cluster, app="db") if pod["status"].get("phase") != "Failed"]
    if any(dig(pod, ("status", "containerStatuses", 0, "restartCount"), 0) for pod in found):
        yield finding("killed")
        return
    if not ready_pods(cluster, app="db") or len(found) > 1:
        why = next((condition(pod, "PodScheduled").get("message", "") for pod in found), "")
        yield finding("pending", why=why.partition(".")[0] or "no Pod is ready")
        return
    if not ready_pods(cluster, app="batch"):
        yield finding("batch")
    starve(cluster)
    if any(pod["status"].get("reason") == "Evicted" for pod in of_the_database(cluster)):
        yield finding("evicted")


def with_resources(text):
    return "%%manifest\n" + DB + "        resources:\n" + "".join(f"          {line}\n" for line in text.splitlines())


MEMORY = Exercise(
    id="memory",
    start=one_machine,
    check=check_memory,
    solution=with_resources("requests: {memory: 800Mi}\nlimits: {memory: 800Mi}"),
    wrong=(
        Wrong(with_resources("requests: {memory: 256Mi}"), "evicted"),
        Wrong(with_resources("requests: {memory: 512Mi}\nlimits: {memory: 512Mi}"), "killed"),
        Wrong(with_resources("requests: {memory: 8Gi}"), "pending"),
        Wrong("%kubectl scale deployment batch --replicas=0", "batch"),
        Wrong("%kubectl scale deployment db --replicas=2", "replicas"),
        Wrong("%%manifest\n" + DB.replace("700M", "100M"), "program"),
        Wrong("%kubectl delete deployment db", "gone"),
    ),
)

EXERCISES = (SURVIVE, WHEN, LEAVE, DRAIN, MEMORY)
QUIZ = {"unknown": 1, "kubelet": 2, "statefulset": 0, "evicted": 1, "cordon": 2}
