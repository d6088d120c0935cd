"""The exercises of chapter 3: whose field it is, eight broken manifests, selectors, and what apply does."""

import functools
import re

from k8snb import Cluster
from k8snb.apimachinery import quantity
from k8snb.apimachinery.objects import EMPTY_DICT, dig
from k8snb.course.exercise import Exercise, Wrong, finding
from k8snb.course.tables import filled, lines
from k8snb.course.world import container_image

# ---------------------------------------------------------------- parts: whose field is it?

WRITERS = {
    "metadata.name": "you",
    "metadata.uid": "API server",
    "spec.containers[0].image": "you",
    "spec.restartPolicy, which the manifest did not mention": "API server",
    "spec.nodeName": "scheduler",
    "status.podIP": "kubelet",
}


@lines(WRITERS)
def check_parts(field, writer, given):
    if given is ...:
        yield finding("missing", field=field)
    elif given not in WRITERS.values():
        yield finding("word", field=field)
    elif given != writer:
        yield finding(wrong_writer(field, given), field=field, given=given)


def wrong_writer(field, given):
    """The finding for a writer that is not the one: the two mistakes that have a reason of their own, and the rest."""
    if given == "you":
        return "not_you"
    return "default" if "restartPolicy" in field else "other"


parts = filled(WRITERS)
PARTS = Exercise(
    id="parts",
    check=check_parts,
    solution=parts(),
    wrong=(
        Wrong(parts(**{"metadata.uid": "you"}), "not_you"),
        Wrong(parts(**{"spec.restartPolicy, which the manifest did not mention": "kubelet"}), "default"),
        Wrong(parts(**{"spec.nodeName": "kubelet"}), "other"),
        Wrong(parts(**{"spec.nodeName": "controller"}), "word"),
        Wrong("answer = 'you'", "not_a_table"),
    ),
)

# ---------------------------------------------------------------- understood and sensible: eight broken manifests

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
spec:
  replicas: {replicas}
  selector:
    matchLabels:
      app: {selector}
  template:
    metadata:
      labels:
        app: {label}
    spec:
      containers:
      - name: nginx
        image: nginx:1.27
"""


def two_nodes():
    return Cluster(nodes=2)


def stored(cluster, objects):
    """For each ``(resource, name, clue)`` that is not stored, a finding that says which error is meant."""
    for resource, name, clue in objects:
        if cluster.get(resource, name) is None:
            yield finding("refused", name=name, clue=clue)


UNDERSTOOD_OBJECTS = (
    ("deployments", "prices", "cannot unmarshal string"),
    ("pods", "counter", "unknown field"),
    ("configmaps", "settings", "cannot unmarshal number"),
    ("pods", "cache", "quantities must match"),
)


def check_understood(cluster, _answer):
    refused = list(stored(cluster, UNDERSTOOD_OBJECTS))
    yield from refused
    if refused:
        return
    replicas = cluster.get("deployments", "prices")["spec"]["replicas"]
    if replicas != 3:
        yield finding("replicas", replicas=replicas)
    if container_image(cluster.get("pods", "counter")) != "nginx:1.27":
        yield finding("image", image=container_image(cluster.get("pods", "counter")))
    port = dig(cluster.get("configmaps", "settings"), "data.PORT", None)
    if port != "80":
        yield finding("port", port="nothing" if port is None else port)
    memory = dig(cluster.get("pods", "cache"), ("spec", "containers", 0, "resources", "requests", "memory"), None)
    if memory is None:
        yield finding("no_memory")
    elif quantity.parse(memory).amount != 128 * 1024 * 1024:
        yield finding("memory", memory=memory)


POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\nspec:\n  {containers}:\n  - name: nginx\n    image: nginx:1.27\n"
MEMORY = "    resources:\n      requests:\n        memory: {memory}\n"
SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  PORT: {port}\n"


def understood(replicas="3", containers="containers", port='"80"', memory="128Mi"):
    """The learner's cell, mended but for what is named."""
    documents = (
        DEPLOYMENT.format(name="prices", replicas=replicas, selector="prices", label="prices"),
        POD.format(name="counter", containers=containers),
        SETTINGS.format(port=port),
        POD.format(name="cache", containers="containers") + MEMORY.format(memory=memory),
    )
    return "%%manifest\n" + "---\n".join(documents)


UNDERSTOOD = Exercise(
    id="understood",
    start=two_nodes,
    check=check_understood,
    solution=understood(),
    wrong=(
        Wrong(understood(replicas='"3"'), "refused"),
        Wrong(understood(containers="Containers"), "refused"),
        Wrong(understood(port="eighty"), "port"),
        Wrong(understood(memory="128m"), "memory"),
        Wrong(understood(memory="128M"), "memory"),
        Wrong(understood(replicas="2"), "replicas"),
        Wrong(understood().replace("    resources:", "  resources:"), "no_memory"),
    ),
)

SENSIBLE_OBJECTS = (
    ("configmaps", "shop-settings", "metadata.name"),
    ("deployments", "web", "spec.template.metadata.labels"),
    ("pods", "report", "metadata.labels"),
)


def check_sensible(cluster, _answer):
    yield from stored(cluster, SENSIBLE_OBJECTS)
    if cluster.get("configmaps", "news", "staging") is None:
        yield finding("elsewhere" if cluster.get("configmaps", "news") else "namespace")
    web, report = cluster.get("deployments", "web"), cluster.get("pods", "report")
    label = dig(web or EMPTY_DICT, "spec.template.metadata.labels.app", None)
    if web is not None and label != "web":
        yield finding("label", label=label)
    owner = dig(report or EMPTY_DICT, "metadata.labels.owner", None)
    if report is not None and owner != "team-blue":
        yield finding("owner", owner=owner)
    port = dig(report or EMPTY_DICT, ("spec", "containers", 0, "ports", 0, "containerPort"), None)
    if report is not None and port != 8080:
        yield finding("port", port=port)


STAGING = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: staging\n---\n"
CONFIGMAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n{more}data:\n  {data}\n"
REPORT = """apiVersion: v1
kind: Pod
metadata:
  name: report
  labels:
    owner: {owner}
spec:
  containers:
  - name: nginx
    image: nginx:1.27
    ports:
    - containerPort: {port}
"""


MENDED = {
    "name": "shop-settings",
    "selector": "web",
    "label": "web",
    "before": STAGING,
    "where": "  namespace: staging\n",
    "owner": "team-blue",
    "port": 8080,
}


def sensible(**changes):
    """The learner's cell, mended but for what is named."""
    given = MENDED | changes
    documents = (
        CONFIGMAP.format(name=given["name"], more="", data="currency: EUR"),
        DEPLOYMENT.format(name="web", replicas=2, selector=given["selector"], label=given["label"]),
        CONFIGMAP.format(name="news", more=given["where"], data="title: Soon"),
        REPORT.format(owner=given["owner"], port=given["port"]),
    )
    return "%%manifest\n" + given["before"] + "---\n".join(documents)


SENSIBLE = Exercise(
    id="sensible",
    start=two_nodes,
    check=check_sensible,
    solution=sensible(),
    wrong=(
        Wrong(sensible(name="shop_settings"), "refused"),
        Wrong(sensible(selector="wbe", label="wbe"), "label"),
        Wrong(sensible(before=""), "namespace"),
        Wrong(sensible(before="", where=""), "elsewhere"),
        Wrong(sensible(owner="Team-Blue"), "owner"),
        Wrong(sensible(port=80), "port"),
    ),
)

# ---------------------------------------------------------------- select: ask the right question

SHOP_PODS = (  # namespace, name, labels
    ("default", "front-1", "app=shop,tier=front,team=blue"),
    ("default", "front-2", "app=shop,tier=front,team=blue"),
    ("default", "db", "app=shop,tier=data,team=red"),
    ("default", "blog", "app=blog,tier=front,team=red"),
    ("default", "probe", "app=probe"),
    ("staging", "front-1", "app=shop,tier=front,team=blue"),
    ("staging", "db", "app=shop,tier=data"),
    ("staging", "cron", "app=cron"),
)
LATER_PODS = (  # what a question must be ready for; never shown
    ("default", "front-3", "app=shop,tier=front"),
    ("default", "stock", "app=shop,tier=stock"),
    ("default", "search", "app=search"),
    ("staging", "queue", "app=queue,team=blue"),
    ("staging", "mail", "app=mail,tier=data"),
)
WANTED = {
    "the front end of the shop, in the namespace default": lambda ns, labels: ns == "default" and {"app=shop", "tier=front"} <= labels,
    "whatever is not the tier data, in the namespace default": lambda ns, labels: ns == "default" and "tier=data" not in labels,
    "everything of the team blue, in all namespaces": lambda _ns, labels: "team=blue" in labels,
    "what belongs to no team, in the namespace staging": lambda ns, labels: ns == "staging" and not any("team=" in one for one in labels),
}
ANSWERS = ("-l app=shop,tier=front", "-l tier!=data", "-A -l team=blue", "-n staging -l '!team'")
NAMES = ["-o", "jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name} {end}"]


def run_pods(cluster, pods):
    for namespace, name, labels in pods:
        cluster.kubectl(f"run {name} -n {namespace} --image=nginx:1.27 --labels={labels}")


def labelled():
    cluster = Cluster(nodes=2)
    cluster.kubectl("create namespace staging")
    cluster.settle()  # until the namespace has its ServiceAccount, without which no Pod may be made
    run_pods(cluster, SHOP_PODS)
    cluster.settle()
    return cluster


COMMAND = re.compile(r"^\s*(%?kubectl\s+)?(get\s+pods?\s+)?")  # which need not be repeated


def check_select(cluster, answer):
    if not isinstance(answer, dict):
        yield finding("not_a_table")
        return
    run_pods(cluster, LATER_PODS)
    for asked, wanted in WANTED.items():
        given = answer.get(asked)
        if not isinstance(given, str):
            yield finding("missing", asked=asked)
            continue
        result = cluster.kubectl(f"get pods {COMMAND.sub('', given)} {NAMES[0]} '{NAMES[1]}'")
        if not result.ok:
            yield finding("refused", asked=asked, error=result.text.splitlines()[0])
            continue
        yield from compare(asked, set(result.stdout.split()), wanted)


def compare(asked, found, wanted):
    """What was selected and should not be, and what should be and was not; first what can be seen, then what comes later."""
    for pods, many, few in ((SHOP_PODS, "too_many", "too_few"), (LATER_PODS, "later_too_many", "later_too_few")):
        for namespace, name, labels in pods:
            pod, is_wanted = f"{namespace}/{name}", wanted(namespace, set(labels.split(",")))
            if (pod in found) != is_wanted:
                yield finding(few if is_wanted else many, asked=asked, pod=pod)


def queries(*changed):
    texts = [changed[i] if i < len(changed) and changed[i] else text for i, text in enumerate(ANSWERS)]
    return f"answer = {dict(zip(WANTED, texts, strict=True))!r}"


SELECT = Exercise(
    id="select",
    start=labelled,
    check=check_select,
    solution=queries(),
    wrong=(
        Wrong(queries("-l tier=front"), "too_many"),
        Wrong(queries("-l app=shop,team=blue"), "later_too_few"),
        Wrong(queries("-l app=shop,tier!=data"), "later_too_many"),
        Wrong(queries(None, "-l tier=front"), "too_few"),
        Wrong(queries(None, None, "-l team=blue"), "too_few"),
        Wrong(queries(None, None, None, "-n staging -l team="), "too_few"),
        Wrong(queries(None, None, None, "-n staging -l team!=blue,team!=red -l"), "refused"),
        Wrong("answer = {}", "missing"),
    ),
)

# ---------------------------------------------------------------- merge: what will apply do?

FIRST = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  labels:
    team: blue
    trial: "yes"
spec:
  selector:
    matchLabels:
      app: shop
  template:
    metadata:
      labels:
        app: shop
    spec:
      containers:
      - name: nginx
        image: nginx:1.27
"""
UPDATE = (('    trial: "yes"\n', ""), ("nginx:1.27", "nginx:1.28"), ("  selector", "  minReadySeconds: 10\n  selector"))
SECOND = functools.reduce(lambda text, change: text.replace(*change), UPDATE, FIRST)
FIELDS = {
    "spec.replicas": ("spec", "replicas"),
    "image": ("spec", "template", "spec", "containers", 0, "image"),
    "label team": ("metadata", "labels", "team"),
    "label trial": ("metadata", "labels", "trial"),
    "label audit": ("metadata", "labels", "audit"),
    "spec.minReadySeconds": ("spec", "minReadySeconds"),
}
REASONS = {
    "spec.replicas": "unsaid",
    "image": "said",
    "label team": "said",
    "label trial": "dropped",
    "label audit": "unsaid",
    "spec.minReadySeconds": "said",
}


def by_hand():
    cluster = Cluster(nodes=2)
    cluster.kubectl("apply -f -", stdin=FIRST)
    cluster.kubectl("scale deployment shop --replicas=6")
    cluster.kubectl("label deployment shop audit=passed")
    cluster.kubectl(["patch", "deployment", "shop", "--patch", '{"spec":{"minReadySeconds":5}}'])
    cluster.settle()
    return cluster


@functools.cache
def truth():
    """What is stored after the second text was applied: found out by doing it."""
    cluster = by_hand()
    cluster.kubectl("apply -f -", stdin=SECOND)
    return {field: dig(cluster.get("deployments", "shop"), path, None) for field, path in FIELDS.items()}


def check_merge(_cluster, answer):
    if not isinstance(answer, dict):
        yield finding("not_a_table")
        return
    if all(answer.get(field) is ... for field in FIELDS):
        yield finding("unanswered")
    for field, value in truth().items():
        given = answer.get(field, ...)
        if given is ...:
            yield finding("missing", field=field)
        elif given != value:
            yield finding("quoted" if given == str(value) else REASONS[field], field=field, given=repr(given)[:60])


def merged(**changes):
    right = {"spec.replicas": 6, "image": "nginx:1.28", "label team": "blue", "label trial": None, "label audit": "passed"}
    return f"answer = {right | {'spec.minReadySeconds': 10} | changes!r}"


MERGE = Exercise(
    id="merge",
    start=by_hand,
    check=check_merge,
    solution=merged(),
    wrong=(
        Wrong(merged(**{"spec.replicas": 1}), "unsaid"),
        Wrong(merged(**{"spec.replicas": "6"}), "quoted"),
        Wrong(merged(**{"label audit": None}), "unsaid"),
        Wrong(merged(**{"label trial": "yes"}), "dropped"),
        Wrong(merged(**{"spec.minReadySeconds": 5}), "said"),
        Wrong("answer = {'image': 'nginx:1.28'}", "missing"),
    ),
)

EXERCISES = (PARTS, UNDERSTOOD, SENSIBLE, SELECT, MERGE)
QUIZ = {"created": 1, "forgotten": 2, "dry": 0, "same": 1, "status": 2}
