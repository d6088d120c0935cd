"""The exercises of chapter 8: four ways to fit, points by hand, an even spread, victims, and a score plugin."""

import json

from k8snb import Cluster
from k8snb.apimachinery.selectors import from_label_selector
from k8snb.course.exercise import Exercise, Wrong, finding
from k8snb.course.tables import filled
from k8snb.course.world import pods
from k8snb.simulation.learners import plugins_of

SIZE = {"cpu": "2", "memory": "4Gi", "pods": "110", "ephemeral-storage": "50Gi"}


def node(name, labels):
    """A Node manifest with these labels beside its hostname."""
    metadata = {"name": name, "labels": {"kubernetes.io/hostname": name} | labels}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": {"capacity": SIZE, "allocatable": SIZE}}


def pod(name, cpu, **spec):
    """A Pod manifest as text."""
    container = {"name": "app", "image": "nginx:1.27", "resources": {"requests": {"cpu": cpu}}}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [container], **spec}})


def home(cluster, name):
    """The node of a Pod; empty where it has none, None where there is no such Pod."""
    found = cluster.get("pods", name)
    return None if found is None else found["spec"].get("nodeName", "")


# ---------------------------------------------------------------- four: make it fit, four ways


def refused_four_times():
    cluster = Cluster(nodes=4)
    for name in ("node-1", "node-2", "node-3"):
        cluster.kubectl(f"label node {name} disk=ssd")
    cluster.apply(pod("filler", "1800m", nodeSelector={"kubernetes.io/hostname": "node-1"}))
    cluster.settle()
    cluster.kubectl("cordon node-2")
    cluster.kubectl("taint nodes node-3 maintenance=yes:NoSchedule")
    cluster.apply(pod("report", "1500m", nodeSelector={"disk": "ssd"}))
    cluster.settle()
    return cluster


NODES = ("node-1", "node-2", "node-3", "node-4")


def check_four(cluster, answer):
    if not isinstance(answer, dict):
        yield finding("not_a_table")
        return
    if all("..." in str(answer.get(name, "...")) for name in NODES):
        yield finding("unanswered")
    for name in NODES:
        command = answer.get(name)
        if not isinstance(command, str) or not command.strip() or "..." in command:
            yield finding("missing", node=name)
        else:
            yield from _try(cluster.fork(), name, command)


def _try(future, name, command):
    before = future.get("pods", "report")
    words = command.strip().removeprefix("%").removeprefix("kubectl ").strip()
    result = future.kubectl(words)
    future.settle()
    if result.exit_code:
        yield finding("refused", node=name, said=result.text.strip().splitlines()[-1])
        return
    after = future.get("pods", "report")
    if after is None or after["metadata"]["uid"] != before["metadata"]["uid"]:
        yield finding("replaced", node=name)
    elif without_node(after) != without_node(before):
        yield finding("touched", node=name)
    elif not home(future, "report"):
        yield finding("still", node=name, why=future.diagnosis("report").reason(name) or "-")
    elif home(future, "report") != name:
        yield finding("elsewhere", node=name, home=home(future, "report"))


def without_node(pod):
    """What a Pod asks for: its spec, but for what the scheduler writes into it."""
    return {key: value for key, value in pod["spec"].items() if key != "nodeName"}


FOUR_WAYS = {
    "node-1": "kubectl delete pod filler",
    "node-2": "kubectl uncordon node-2",
    "node-3": "kubectl taint nodes node-3 maintenance-",
    "node-4": "kubectl label node node-4 disk=ssd",
}
TOLERANT = '{"spec":{"tolerations":[{"key":"maintenance","operator":"Exists"}]}}'


def ways(**changes):
    return f"answer = {FOUR_WAYS | {key.replace('_', '-'): value for key, value in changes.items()}!r}"


FOUR = Exercise(
    id="four",
    start=refused_four_times,
    check=check_four,
    solution=ways(),
    wrong=(
        Wrong(ways(node_4="kubectl label node node-4 disk=hdd"), "still"),
        Wrong(ways(node_3="kubectl uncordon node-2"), "elsewhere"),
        Wrong(ways(node_3="kubectl uncordon node-3"), "still"),
        Wrong(ways(node_2="kubectl uncordon nod-2"), "refused"),
        Wrong(ways(node_1="kubectl delete pod report"), "replaced"),
        Wrong(ways(node_3=f"kubectl patch pod report -p '{TOLERANT}'"), "touched"),
        Wrong("answer = ['kubectl uncordon node-2']", "not_a_table"),
    ),
)

# ---------------------------------------------------------------- points: be the scheduler

CPU, MEMORY, WANTED = 4000, 8000, (1000, 1000)
TAKEN = {"a": (0, 5000), "b": (1000, 1000), "c": (2000, 0)}


def share(taken, room):
    return (room - taken) * 100 // room


def points_of(taken, wanted=WANTED):
    cpu, memory = (mine + more for mine, more in zip(taken, wanted, strict=True))
    return (share(cpu, CPU) + share(memory, MEMORY)) // 2


POINTS_OF = {name: points_of(taken) for name, taken in TAKEN.items()}
WINNER = max(POINTS_OF, key=POINTS_OF.get)


def check_points(_cluster, answer):
    if not isinstance(answer, dict):
        yield finding("not_a_table")
        return
    if all(answer.get(name) is ... for name in (*TAKEN, "winner")):
        yield finding("unanswered")
    for name, right in POINTS_OF.items():
        given = answer.get(name)
        if type(given) not in (int, float):
            yield finding("number", node=name)
        elif given == right:
            continue
        elif given == points_of(TAKEN[name], (0, 0)):
            yield finding("without", node=name, given=given)
        elif given == 100 - right or given == 99 - right:
            yield finding("used", node=name, given=given)
        elif int(given) == right:
            yield finding("fraction", node=name, given=given)
        else:
            yield finding("points", node=name, given=given)
    winner = str(answer.get("winner")).strip().lower()
    if winner not in TAKEN:
        yield finding("no_node", given=answer.get("winner"))
    elif winner != WINNER:
        yield finding("winner", given=winner)


table = filled(POINTS_OF | {"winner": WINNER})
POINTS = Exercise(
    id="points",
    check=check_points,
    solution=table(),
    wrong=(
        Wrong(table(a=68, b=81, c=75), "without"),
        Wrong(table(a=51), "points"),
        Wrong(table(b=62.5), "fraction"),
        Wrong(table(c=44), "used"),
        Wrong(table(winner="a"), "winner"),
        Wrong(table(winner="node b"), "no_node"),
        Wrong(table(c="56"), "number"),
    ),
)

# ---------------------------------------------------------------- spread: never more than the others

ZONE = "topology.kubernetes.io/zone"
SHOP = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
spec:
  replicas: 6
  selector:
    matchLabels:
      app: shop
  template:
    metadata:
      labels:
        app: shop
    spec:
      containers:
      - name: shop
        image: nginx:1.27
        resources:
          requests:
            cpu: 200m
"""
CONSTRAINT = """      topologySpreadConstraints:
      - maxSkew: 1
        topologyKey: topology.kubernetes.io/zone
        whenUnsatisfiable: DoNotSchedule
        labelSelector:
          matchLabels:
            app: shop
        matchLabelKeys:
        - pod-template-hash
"""
SELECTOR = CONSTRAINT[CONSTRAINT.index("        labelSelector") :]
APART = """      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
          - topologyKey: topology.kubernetes.io/zone
            labelSelector:
              matchLabels:
                app: shop
"""
ZONES = {"east": ("east-1", "east-2", "east-3", "east-4"), "west": ("west-1",), "north": ("north-1",)}


def uneven():
    cluster = Cluster(nodes=[node(name, {ZONE: zone}) for zone, names in ZONES.items() for name in names])
    cluster.apply(SHOP)
    cluster.settle()
    return cluster


def by_zone(cluster):
    """How many Pods of shop run in each zone, and how many wait."""
    counts, waiting = dict.fromkeys(ZONES, 0), 0
    for one in pods(cluster, app="shop"):
        where = one["spec"].get("nodeName")
        zone = next((zone for zone, names in ZONES.items() if where in names), None)
        if zone is None:
            waiting += 1
        else:
            counts[zone] += 1
    return counts, waiting


def check_spread(cluster, _answer):
    cluster.settle()
    shop = cluster.get("deployments", "shop")
    if shop is None:
        yield finding("gone")
        return
    if shop["spec"]["replicas"] != 6:
        yield finding("replicas", replicas=shop["spec"]["replicas"])
    counts, waiting = by_zone(cluster)
    if waiting:
        yield finding("waiting", waiting=waiting, why=_why(cluster))
        return
    told = ", ".join(f"{zone} {count}" for zone, count in counts.items())
    if set(counts.values()) != {2}:
        yield finding(_fault(shop["spec"]["template"]), counts=told)
        return
    cluster.kubectl("cordon north-1")
    for one in pods(cluster, app="shop"):
        if one["spec"].get("nodeName") == "north-1":
            cluster.kubectl(f"delete pod {one['metadata']['name']}")
    cluster.settle()
    counts, _ = by_zone(cluster)
    if max(counts.values()) > 2:
        yield finding("crowds", counts=", ".join(f"{zone} {count}" for zone, count in counts.items()))


def _fault(template):
    """What is wrong with the rule over the zones; where it has nothing of the kind, only that the Pods are not even."""
    rule = next((rule for rule in template["spec"].get("topologySpreadConstraints", ()) if rule["topologyKey"] == ZONE), None)
    if rule is None:
        return "uneven"
    if not from_label_selector(rule.get("labelSelector")).matches(template["metadata"]["labels"]):
        return "counts_nobody"
    return "uneven" if rule.get("matchLabelKeys") else "old_ones"


def _why(cluster):
    waiting = next(one for one in pods(cluster, app="shop") if not one["spec"].get("nodeName"))
    return cluster.diagnosis(waiting).message.partition(". ")[0]


def shop(extra, **changes):
    text = SHOP.replace("      containers:", extra + "      containers:")
    for old, new in changes.values():
        text = text.replace(old, new)
    return "%%manifest\n" + text


SPREAD = Exercise(
    id="spread",
    start=uneven,
    check=check_spread,
    solution=shop(CONSTRAINT),
    wrong=(
        Wrong(shop(CONSTRAINT, key=(ZONE, "kubernetes.io/hostname")), "uneven"),
        Wrong(shop(CONSTRAINT.partition("        matchLabelKeys")[0]), "old_ones"),
        Wrong(shop(CONSTRAINT, soft=("DoNotSchedule", "ScheduleAnyway")), "crowds"),
        Wrong(shop(CONSTRAINT.replace("app: shop", "app: shp")), "counts_nobody"),
        Wrong(shop(CONSTRAINT.replace(SELECTOR, "")), "counts_nobody"),
        Wrong(shop(APART), "waiting"),
        Wrong(shop(CONSTRAINT, replicas=("replicas: 6", "replicas: 3")), "replicas"),
        Wrong("%kubectl delete deployment shop", "gone"),
    ),
)

# ---------------------------------------------------------------- victims: who has to go?

CROWD = (  # node, name, cpu, priority
    ("node-1", "search", "1200m", 500), ("node-1", "mail", "600m", 10),
    ("node-2", "archive-1", "800m", 50), ("node-2", "archive-2", "700m", 50), ("node-2", "thumbnails", "300m", 20),
    ("node-3", "billing", "1600m", 100), ("node-3", "logs", "200m", 0),
)  # fmt: skip
ROOM = {"node": "node-2", "victims": ["archive-1", "archive-2"]}


def full():
    cluster = Cluster(nodes=3)
    for priority in sorted({priority for *_, priority in CROWD} | {1000}):
        cluster.kubectl(f"create priorityclass p{priority} --value={priority}")
    for where, name, cpu, priority in CROWD:
        cluster.apply(pod(name, cpu, priorityClassName=f"p{priority}", nodeSelector={"kubernetes.io/hostname": where}))
        cluster.settle()
    return cluster


def check_victims(cluster, answer):
    if not isinstance(answer, dict) or "node" not in answer or "victims" not in answer:
        yield finding("not_a_table")
        return
    given = answer["victims"]
    if answer["node"] is ... and given == [...]:
        yield finding("unanswered")
        return
    if not isinstance(given, (list, tuple, set)) or not all(isinstance(name, str) for name in given):
        yield finding("names")
        return
    given = [name.rpartition("/")[2] for name in given]
    cluster.apply(pod("vip", "1500m", priorityClassName="p1000"))
    cluster.run_for(1)
    grid = cluster.diagnosis("vip", attempt=1)
    right = {name.partition("/")[2] for name in grid.victims}
    if answer["node"] != grid.nominated:
        yield finding("node", given=answer["node"])
    elif not right - set(given) and set(given) - right:
        yield finding("spared", spared=", ".join(sorted(set(given) - right)))
    elif right - set(given):
        yield finding("few", count=len(right))


room = filled(ROOM)
VICTIMS = Exercise(
    id="victims",
    start=full,
    check=check_victims,
    solution=room(),
    wrong=(
        Wrong(room(node="node-1", victims=["search"]), "node"),
        Wrong(room(node="node-3", victims=["billing"]), "node"),
        Wrong(room(victims=["archive-1", "archive-2", "thumbnails"]), "spared"),
        Wrong(room(victims=["thumbnails"]), "few"),
        Wrong(room(victims="archive-1"), "names"),
    ),
)

# ---------------------------------------------------------------- plugin: the cheapest node

MARKETS = (  # price of each node (None: no label), how many Pods come, where they should go
    ({"a": 7, "b": 2, "c": 5}, 3, {"b"}),
    ({"a": 9, "b": 10, "c": 3}, 8, {"a", "c"}),
    ({"a": 4, "b": None, "c": 8}, 3, {"a"}),
)


def market(prices=MARKETS[2][0]):
    return Cluster(nodes=[node(name, {} if price is None else {"price": str(price)}) for name, price in prices.items()])


def check_plugin(cluster, _answer):
    programs = plugins_of(cluster.simulation.programs)
    if not programs:
        yield finding("none")
        return
    for prices, count, expected in MARKETS:
        yield from _place(programs, prices, count, expected)


def _place(programs, prices, count, expected):
    """Run so many Pods of 500m on nodes with these prices, and see on which of them they land."""
    cluster, homes = market(prices), set()
    cluster.simulation.run_programs(programs)
    for number in range(count):
        cluster.apply(pod(f"p{number}", "500m"))
        cluster.settle()
        homes.add(home(cluster, f"p{number}"))
    told = ", ".join(f"{name}: {'-' if price is None else price}" for name, price in prices.items())
    if "" in homes:
        said = [event["message"] for event in cluster.get("events") if event["reason"] == "FailedScheduling"]
        yield finding("failed", prices=told, said=said[-1] if said else "-")
    elif homes != expected:
        wrong = sorted(homes - expected) or sorted(homes)
        yield finding("dear", prices=told, homes=", ".join(wrong), expected=", ".join(sorted(expected)))


def scoring(expression, weight=10):
    return f"class Cheapest:\n    def score(self, pod, node):\n        return {expression}\n\nlab.scheduler.add(Cheapest, weight={weight})"


PLUGIN = Exercise(
    id="plugin",
    start=market,
    check=check_plugin,
    solution=scoring('100 - 10 * int(node.labels.get("price", 10))'),
    wrong=(
        Wrong(scoring('int(node.labels["price"])'), "dear"),
        Wrong(scoring('100 - 10 * int(node.labels["price"])'), "failed"),
        Wrong(scoring('100 - 10 * node.labels.get("price", 10)'), "failed"),
        Wrong(scoring('10 - int(node.labels.get("price", 0))'), "dear"),
        Wrong(scoring("100").replace("lab.scheduler.add", "# lab.scheduler.add"), "none"),
    ),
)

EXERCISES = (FOUR, POINTS, SPREAD, VICTIMS, PLUGIN)
QUIZ = {"idle": 1, "new": 2, "toleration": 0, "silent": 2, "victim": 1}
