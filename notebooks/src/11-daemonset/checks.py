"""The exercises of chapter 11: on which nodes, on all of them, on some of them, and a release without a gap."""

from k8snb import Cluster
from k8snb.apimachinery.objects import dig
from k8snb.course.exercise import Exercise, Wrong, finding
from k8snb.course.tables import filled, lines
from k8snb.course.world import condition, container_image, is_ready, pods, ready_pods, settled

PAUSE = "registry.k8s.io/pause:3.10"
NODES = ("node-1", "node-2", "node-3", "node-4")


def is_daemon(pod):
    """Whether a DaemonSet looks after the Pod."""
    return dig(pod, ("metadata", "ownerReferences", 0, "kind"), "") == "DaemonSet"


def nodes_of(found):
    """The nodes on which Pods are."""
    return {pod["spec"].get("nodeName") for pod in found}


# ---------------------------------------------------------------- where: is there a Pod?

CASES = {
    "on a node that was cordoned before the DaemonSet was made": True,
    "on a node that has had the taint gpu=yes:NoSchedule from the beginning": False,
    "on a node that got the taint gpu=yes:NoSchedule when its Pod was running": True,
    "on a node that got the taint gpu=yes:NoExecute when its Pod was running": False,
    "on a node that has been silent (NotReady) for ten minutes": True,
    "on a node that joins tomorrow": True,
}


def reason(case):
    """Which rule somebody who got this wrong should look at."""
    if "gpu" in case:
        return "stays" if CASES[case] else "tainted"
    return "joins" if "joins" in case else "added"


@lines(CASES)
def check_where(case, right, given):
    if not isinstance(given, bool):
        yield finding("missing", case=case)
    elif given != right:
        yield finding(reason(case), case=case)


table = filled(CASES)
WHERE = Exercise(
    id="where",
    check=check_where,
    solution=table(),
    wrong=(
        Wrong(table(**{"on a node that was cordoned before the DaemonSet was made": False}), "added"),
        Wrong(table(**{"on a node that has been silent (NotReady) for ten minutes": False}), "added"),
        Wrong(table(**{"on a node that got the taint gpu=yes:NoSchedule when its Pod was running": False}), "stays"),
        Wrong(table(**{"on a node that got the taint gpu=yes:NoExecute when its Pod was running": True}), "tainted"),
        Wrong(table(**{"on a node that joins tomorrow": False}), "joins"),
        Wrong(table(**{"on a node that joins tomorrow": "yes"}), "missing"),
    ),
)

# ---------------------------------------------------------------- agent: on every node, tainted ones too

AGENT = """apiVersion: apps/v1
kind: {kind}
metadata:
  name: log-agent
spec:
  selector:
    matchLabels:
      app: log-agent
{more}  template:
    metadata:
      labels:
        app: log-agent
    spec:
      tolerations:
{tolerations}
      containers:
      - name: agent
        image: registry.k8s.io/pause:3.10
"""
TAINTS = {
    "node-1": "node-role.kubernetes.io/control-plane:NoSchedule",
    "node-3": "dedicated=database:NoSchedule",
    "node-4": "gpu=yes:NoExecute",
}
EVERYTHING = "      - operator: Exists"


def agent(*tolerations, kind="DaemonSet", more=""):
    return "%%manifest\n" + AGENT.format(kind=kind, more=more, tolerations="\n".join(tolerations))


def tolerate(key, effect="NoSchedule"):
    return f"      - {{key: {key}, operator: Exists, effect: {effect}}}"


CONTROL, DATABASE, GPU = tolerate("node-role.kubernetes.io/control-plane"), tolerate("dedicated"), tolerate("gpu", "NoExecute")


def tainted():
    return settled(*(f"taint node {node} {taint}" for node, taint in TAINTS.items()), nodes=4)


def agents_of(cluster):
    """The agents in whichever namespace: those of a whole cluster often live in kube-system."""
    return [pod for name in cluster.get("namespaces") for pod in pods(cluster, name["metadata"]["name"], app="log-agent")]


def unplaced(agents):
    """What the scheduler says of the agents that have no node."""
    waiting = [condition(pod, "PodScheduled").get("message", "") for pod in agents if not pod["spec"].get("nodeName")]
    return [message.partition(". ")[0] for message in waiting if message]


def check_agent(cluster, _answer):
    cluster.run_for(60)
    for node, taint in TAINTS.items():
        key = taint.partition(":")[0].partition("=")[0]
        if key not in [one["key"] for one in dig(cluster.get("nodes", node) or {}, "spec.taints", ())]:
            yield finding("untainted", node=node)
    agents = agents_of(cluster)
    found = [pod for pod in agents if is_ready(pod)]
    if not agents:
        yield finding("none")
        return
    if not all(is_daemon(pod) for pod in found):
        yield finding("not_daemon")
    missing = [node for node in NODES if node not in nodes_of(found)]
    if set(missing) & nodes_of(agents):
        yield finding("unready", node=min(set(missing) & nodes_of(agents)))
        return
    if missing:
        yield from (finding("waits", node=missing[0], why=why) for why in unplaced(agents))
        yield finding("missing", node=missing[0], taint=TAINTS.get(missing[0], "-"))
        return
    cluster.kubectl("taint node node-2 maintenance=tomorrow:NoExecute")
    cluster.run_for(60)
    if "node-2" not in nodes_of(pod for pod in agents_of(cluster) if is_ready(pod)):
        yield finding("evicted")


AGENT_EXERCISE = Exercise(
    id="agent",
    start=tainted,
    check=check_agent,
    solution=agent(EVERYTHING),
    wrong=(
        Wrong(agent(CONTROL, DATABASE), "missing"),
        Wrong(agent("      - {operator: Exists, effect: NoSchedule}"), "missing"),
        Wrong(agent(CONTROL, DATABASE, GPU), "evicted"),
        Wrong(agent(EVERYTHING, kind="Deployment", more="  replicas: 4\n"), "not_daemon"),
        Wrong("%kubectl taint node node-1 node-role.kubernetes.io/control-plane-", "untainted"),
        Wrong(agent(EVERYTHING).replace("pause:3.10", "pause:3.99"), "unready"),
        Wrong(agent(EVERYTHING) + "        resources: {requests: {cpu: 3}}\n", "waits"),
        Wrong("%kubectl get nodes", "none"),
    ),
)

# ---------------------------------------------------------------- some: only where it belongs

DRIVER = """apiVersion: apps/v1
kind: DaemonSet
metadata: {name: gpu-driver}
spec:
  selector: {matchLabels: {app: gpu-driver}}
  template:
    metadata: {labels: {app: gpu-driver}}
    spec:
      containers: [{name: driver, image: "registry.k8s.io/pause:3.10"}]
"""


def two_cards():
    cluster = Cluster(nodes=4)
    cluster.kubectl("label node node-2 node-3 gpu=yes")
    cluster.kubectl("apply -f -", stdin=DRIVER)
    cluster.settle()
    return cluster


def check_some(cluster, _answer):
    cluster.run_for(90)
    for node, labelled in (("node-1", False), ("node-2", True), ("node-3", True), ("node-4", False)):
        if (dig(cluster.get("nodes", node) or {}, ("metadata", "labels", "gpu")) == "yes") != labelled:
            yield finding("relabelled", node=node)
    found = ready_pods(cluster, app="gpu-driver")
    if not found:
        yield finding("none")
        return
    if not all(is_daemon(pod) and container_image(pod) == PAUSE for pod in found):
        yield finding("other")
    for node in ("node-2", "node-3"):
        if node not in nodes_of(found):
            yield finding("missing", node=node)
    for node in ("node-1", "node-4"):
        if node in nodes_of(found):
            yield finding("elsewhere", node=node)
    cluster.kubectl("label node node-1 gpu=yes --overwrite")
    cluster.run_for(60)
    if "node-1" not in nodes_of(ready_pods(cluster, app="gpu-driver")):
        yield finding("later")


def patched(name, patch):
    return f"lab.kubectl(['patch', 'daemonset', '{name}', '--patch', '{patch}'])"


BY_NAME = (
    '{"spec":{"template":{"spec":{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":'
    '[{"matchExpressions":[{"key":"kubernetes.io/hostname","operator":"In","values":["node-2","node-3"]}]}]}}}}}}}'
)
SOME = Exercise(
    id="some",
    start=two_cards,
    check=check_some,
    solution=patched("gpu-driver", '{"spec": {"template": {"spec": {"nodeSelector": {"gpu": "yes"}}}}}'),
    wrong=(
        Wrong(patched("gpu-driver", '{"spec": {"template": {"spec": {"nodeName": "node-2"}}}}'), "missing"),
        Wrong(patched("gpu-driver", BY_NAME), "later"),
        Wrong("%kubectl delete pods --all", "elsewhere"),
        Wrong(patched("gpu-driver", '{"spec": {"template": {"spec": {"nodeSelector": {"gpu": "true"}}}}}'), "none"),
        Wrong("%kubectl label node node-1 node-4 gpu=yes", "relabelled"),
        Wrong("%kubectl delete daemonset gpu-driver", "none"),
    ),
)

# ---------------------------------------------------------------- gap: never without an agent

NET = """apiVersion: apps/v1
kind: DaemonSet
metadata: {name: net}
spec:
  selector: {matchLabels: {app: net}}
  template:
    metadata: {labels: {app: net}}
    spec:
      containers:
      - name: net
        image: k8snb/web:1.0
        readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
"""
MARK = {"name": "RELEASE", "value": "check"}
LOOKS, EVERY = 240, 0.25  # a minute, four times a second


def with_net():
    cluster = Cluster(nodes=3)
    cluster.kubectl("apply -f -", stdin=NET)
    cluster.run_for(10)
    return cluster


def is_new(pod):
    return MARK in dig(pod, ("spec", "containers", 0, "env"), [])


def check_gap(cluster, _answer):
    cluster.run_for(30)
    if cluster.get("daemonsets", "net") is None:
        yield finding("gone")
        return
    if len(nodes_of(ready_pods(cluster, app="net"))) < 3:
        yield finding("stuck")
        return
    cluster.kubectl("set env daemonset/net RELEASE=check")
    bare = {}
    for _ in range(LOOKS):
        cluster.run_for(EVERY)
        found = pods(cluster, app="net")
        for node in {"node-1", "node-2", "node-3"} - nodes_of(pod for pod in found if is_ready(pod)):
            bare[node] = bare.get(node, 0) + 1
        if len(found) == 3 and all(is_new(pod) and is_ready(pod) for pod in found):
            break
    if bare:
        yield finding("gap", node=min(bare), seconds=bare[min(bare)] * EVERY)
    updated = nodes_of(pod for pod in ready_pods(cluster, app="net") if is_new(pod))
    if len(updated) < 3:
        yield finding("unfinished", updated=len(updated))


GAP = Exercise(
    id="gap",
    start=with_net,
    check=check_gap,
    solution=patched("net", '{"spec": {"updateStrategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}}'),
    wrong=(
        Wrong(patched("net", '{"spec": {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 1}}}}'), "gap"),
        Wrong(patched("net", '{"spec": {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 0}}}}'), "gap"),
        Wrong(patched("net", '{"spec": {"updateStrategy": {"type": "OnDelete", "rollingUpdate": null}}}'), "unfinished"),
        Wrong(patched("net", '{"spec": {"minReadySeconds": 10}}'), "gap"),
        Wrong("%kubectl delete daemonset net", "gone"),
    ),
)

EXERCISES = (WHERE, AGENT_EXERCISE, SOME, GAP)
QUIZ = {"desired": 2, "two": 1, "drain": 0, "update": 1}
