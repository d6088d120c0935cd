"""The exercises of chapter 10: limits, a bad revision, one release for two changes, a release without a gap."""

import re

from k8snb import Cluster
from k8snb.apimachinery.objects import dig
from k8snb.course.exercise import Exercise, Wrong, finding
from k8snb.course.tables import filled, is_pair, lines
from k8snb.course.world import container_image, pods, ready_pods, settled

# ---------------------------------------------------------------- numbers: the limits

LIMITS = {
    "10 replicas, nothing set": (13, 8),
    "3 replicas, nothing set": (4, 3),
    "4 replicas, maxSurge 0, maxUnavailable 1": (4, 3),
    "8 replicas, maxSurge 50%, maxUnavailable 0": (12, 8),
}


@lines(LIMITS, blank=(..., ...))
def check_numbers(case, right, given):
    most, least = right
    if given is ...:
        yield finding("missing", case=case)
    elif not is_pair(given):
        yield finding("pair", case=case)
    elif tuple(given) == (least, most) != (most, least):
        yield finding("swapped", case=case)
    elif given[0] != most:
        yield finding("most", case=case, given=given[0])
    elif given[1] != least:
        yield finding("least", case=case, given=given[1])


limits = filled(LIMITS)
NUMBERS = Exercise(
    id="numbers",
    check=check_numbers,
    solution=limits(),
    wrong=(
        Wrong(limits(**{"3 replicas, nothing set": (4, 2)}), "least"),
        Wrong(limits(**{"10 replicas, nothing set": (12, 8)}), "most"),
        Wrong(limits(**{"10 replicas, nothing set": (8, 13)}), "swapped"),
        Wrong(limits(**{"10 replicas, nothing set": 13}), "pair"),
    ),
)

# ---------------------------------------------------------------- undo: find the bad revision

RELEASES = (  # image, path of the readiness probe, change cause
    ("nginx:1.27", "/", "first release"),
    ("nginx:1.28", "/", "nginx 1.28"),
    ("nginx:1.28", "/healthz", "health check moved to /healthz"),
    ("nginx:1.82", "/healthz", "newest nginx"),
)
SHOP = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  annotations: {{kubernetes.io/change-cause: "{cause}"}}
spec:
  replicas: 3
  selector: {{matchLabels: {{app: shop}}}}
  template:
    metadata: {{labels: {{app: shop}}}}
    spec:
      containers:
      - name: shop
        image: {image}
        readinessProbe: {{httpGet: {{path: {path}, port: 80}}, periodSeconds: 1}}
"""


def stuck():
    cluster = Cluster(nodes=2)
    for image, path, cause in RELEASES:
        cluster.kubectl("apply -f -", stdin=SHOP.format(image=image, path=path, cause=cause))
        cluster.run_for(30)
    return cluster


def check_undo(cluster, _answer):
    cluster.run_for(60)
    shop = cluster.get("deployments", "shop")
    if shop is None:
        yield finding("gone")
        return
    template = shop["spec"]["template"]
    image, path = container_image(template), dig(template, ("spec", "containers", 0, "readinessProbe", "httpGet", "path"), "")
    if shop["spec"]["replicas"] != 3:
        yield finding("replicas", replicas=shop["spec"]["replicas"])
    if image == "nginx:1.82":
        yield finding("image", image=image)
    elif path == "/healthz":
        yield finding("probe", path=path)
    elif image != "nginx:1.28":
        yield finding("too_far" if image == "nginx:1.27" else "another", image=image)
    elif path != "/":
        yield finding("unprobed")
    ready = [pod for pod in ready_pods(cluster, app="shop") if container_image(pod) == image]
    if len(ready) != 3:
        yield finding("waiting", ready=len(ready))


UNPROBED = (
    "%kubectl set image deployment/shop shop=nginx:1.28\n"
    """%kubectl patch deployment shop --type=json -p '[{"op":"remove","path":"/spec/template/spec/containers/0/readinessProbe"}]'\n"""
)
UNDO = Exercise(
    id="undo",
    start=stuck,
    check=check_undo,
    solution="%kubectl rollout undo deployment/shop --to-revision=2",
    wrong=(
        Wrong("%kubectl rollout undo deployment/shop", "probe"),
        Wrong("%kubectl rollout undo deployment/shop --to-revision=1", "too_far"),
        Wrong("%kubectl delete deployment shop", "gone"),
        Wrong("%kubectl scale deployment shop --replicas=2", "replicas"),
        Wrong("%kubectl rollout restart deployment/shop", "image"),
        Wrong(UNPROBED, "unprobed"),
        Wrong(UNPROBED + "%kubectl set image deployment/shop shop=nginx:1.29\n", "another"),
    ),
)

# ---------------------------------------------------------------- pause: two changes, one release


def one_revision():
    return settled("create deployment web --image=nginx:1.27 --replicas=3")


def check_pause(cluster, _answer):
    cluster.settle()
    web = cluster.get("deployments", "web")
    if web is None:
        yield finding("gone")
        return
    template = web["spec"]["template"]
    if container_image(template) != "nginx:1.28":
        yield finding("image", image=container_image(template))
    if {"name": "COLOUR", "value": "green"} not in dig(template, ("spec", "containers", 0, "env"), []):
        yield finding("env")
    if web["spec"].get("paused"):
        yield finding("paused")
        return
    if web["spec"]["replicas"] != 3:
        yield finding("replicas", replicas=web["spec"]["replicas"])
    count = len([rs for rs in cluster.get("replicasets") if dig(rs, ("metadata", "ownerReferences", 0, "uid")) == web["metadata"]["uid"]])
    if count > 2:
        yield finding("many", count=count - 1)
    ready = [pod for pod in ready_pods(cluster, app="web") if container_image(pod) == "nginx:1.28"]
    if len(ready) != 3:
        yield finding("waiting", ready=len(ready))


SET_IMAGE = "%kubectl set image deployment/web nginx=nginx:1.28\n"
SET_ENV = "%kubectl set env deployment/web COLOUR=green\n"
PAUSE = Exercise(
    id="pause",
    start=one_revision,
    check=check_pause,
    solution="%kubectl rollout pause deployment/web\n" + SET_IMAGE + SET_ENV + "%kubectl rollout resume deployment/web",
    wrong=(
        Wrong(SET_IMAGE + "%settle\n" + SET_ENV, "many"),
        Wrong("%kubectl rollout pause deployment/web\n" + SET_IMAGE + SET_ENV, "paused"),
        Wrong(SET_IMAGE, "env"),
        Wrong(SET_IMAGE + SET_ENV + "%kubectl scale deployment web --replicas=4", "replicas"),
        Wrong("%kubectl delete deployment web", "gone"),
    ),
)

# ---------------------------------------------------------------- zero: a release without a gap

SLOW = """apiVersion: apps/v1
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
      - name: web
        image: k8snb/slow-starter:1.0
        env:
        - name: STARTUP
          value: "5"
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}\n"
LOAD = "run load-check --image=k8snb/load-generator:1.0 --env=TARGET=http://web --env=RATE=50"
PROBE = "        readinessProbe:\n          httpGet: {path: /, port: 8080}\n          periodSeconds: 1\n"
PRESTOP = "        lifecycle:\n          preStop: {sleep: {seconds: 2}}\n"


def slow_starter():
    cluster = Cluster(nodes=3)
    cluster.kubectl("apply -f -", stdin=SLOW)
    cluster.kubectl("apply -f -", stdin=SERVICE)
    cluster.run_for(30)
    return cluster


def updated(cluster):
    """How many Pods of the released version are ready."""
    mark = {"name": "RELEASE", "value": "check"}
    return len([pod for pod in ready_pods(cluster, app="web") if mark in dig(pod, ("spec", "containers", 0, "env"), [])])


def release_under_load(cluster):
    """Release a new version while fifty requests a second come in: (sent, failed)."""
    cluster.kubectl("delete pod load-check --ignore-not-found --now")  # one of the learner's own
    cluster.kubectl(LOAD)
    cluster.run_for(5)
    cluster.kubectl("set env deployment/web RELEASE=check")
    cluster.run_until(lambda now: updated(now) == 3 and len(pods(now, app="web")) == 3, limit=120)
    cluster.run_for(5)
    counted = re.search(r"sent (\d+) ok \d+ failed (\d+)", cluster.kubectl("logs load-check --tail=1").text)
    return (int(counted[1]), int(counted[2])) if counted else (0, 0)


def check_zero(cluster, _answer):
    cluster.run_for(30)
    web = cluster.get("deployments", "web")
    if web is None:
        yield finding("gone")
        return
    if cluster.get("services", "web") is None:
        yield finding("no_service")
    container = dig(web, ("spec", "template", "spec", "containers", 0))
    if web["spec"]["replicas"] != 3:
        yield finding("few", replicas=web["spec"]["replicas"])
    if container["image"] != "k8snb/slow-starter:1.0":
        yield finding("image", image=container["image"])
    ready = len(ready_pods(cluster, app="web"))
    if ready < 3:
        yield finding("stuck", ready=ready)
        return
    sent, failed = release_under_load(cluster)
    if updated(cluster) < 3:
        yield finding("unfinished", updated=updated(cluster))
    if failed:
        yield finding(cause(web, container), lost=failed, asked=sent)


def cause(web, container):
    """The finding that says why requests were lost."""
    if not container.get("readinessProbe"):
        return "lost"
    most = dig(web, "spec.strategy.rollingUpdate.maxUnavailable", "100%")  # Recreate has no such limit
    return "all_at_once" if most in ("100%", 3) else "lost_at_the_end"


ZERO = Exercise(
    id="zero",
    start=slow_starter,
    check=check_zero,
    solution="%%manifest\n" + SLOW + PROBE + PRESTOP,
    wrong=(
        Wrong("%%manifest\n" + SLOW.replace("replicas: 3", "replicas: 3\n  minReadySeconds: 10"), "lost"),
        Wrong("%%manifest\n" + SLOW + PROBE, "lost_at_the_end"),
        Wrong("%%manifest\n" + SLOW + PRESTOP, "lost"),
        Wrong("%%manifest\n" + SLOW + PROBE.replace("8080", "80"), "unfinished"),
        Wrong("%%manifest\n" + SLOW.replace("spec:\n", "spec:\n  strategy: {type: Recreate}\n", 1) + PROBE + PRESTOP, "all_at_once"),
        Wrong("%kubectl delete service web", "no_service"),
        Wrong("%kubectl scale deployment web --replicas=6", "few"),
        Wrong("%kubectl delete deployment web", "gone"),
    ),
)

EXERCISES = (NUMBERS, UNDO, PAUSE, ZERO)
QUIZ = {"revision": 2, "stuck": 0, "three": 1, "undo": 2, "old": 1}
