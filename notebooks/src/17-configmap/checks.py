"""The exercises of chapter 17: who hears of a change, what is missing, change without and with a restart."""

from k8snb import Cluster
from k8snb.apimachinery.objects import dig
from k8snb.course.exercise import Exercise, Wrong, finding
from k8snb.course.tables import EACH, filled, lines
from k8snb.course.world import is_ready, pods, ready_pods

# ---------------------------------------------------------------- who: who hears of a change

WHO = {
    "a variable, by configMapKeyRef": False,
    "a variable, by envFrom": False,
    "a file in a mounted directory": True,
    "a file mounted by subPath": False,
    "$(COLOUR) in the container's args": False,
    "a file in a mounted directory, after the container crashed and started again": True,
    "a variable, after the container crashed and started again": True,
}


@lines(WHO, blank=EACH)
def check_who(case, right, given):
    if given is ...:
        yield finding("unanswered", case=case)
    elif type(given) is not bool:
        yield finding("not_a_truth", case=case)
    elif given != right:
        yield finding(reason(case), case=case)


def reason(case):
    """Which explanation belongs to a wrong answer."""
    if "crashed" in case:
        return "anew"
    if "subPath" in case:
        return "subpath"
    return "file" if case.startswith("a file") else "copied"


who = filled(WHO)
TABLE = Exercise(
    id="who",
    check=check_who,
    solution=who(),
    wrong=(
        Wrong(who(**{"a variable, by envFrom": True}), "copied"),
        Wrong(who(**{"a file mounted by subPath": True}), "subpath"),
        Wrong(who(**{"a file in a mounted directory": False}), "file"),
        Wrong(who(**{"a variable, after the container crashed and started again": False}), "anew"),
        Wrong(who(**{"$(COLOUR) in the container's args": True}), "copied"),
        Wrong(who(**{"a variable, by envFrom": "no"}), "not_a_truth"),
    ),
)

# ---------------------------------------------------------------- missing: two that wait

BROKEN = """
apiVersion: v1
kind: ConfigMap
metadata: {name: server}
data: {LOGLEVEL: info}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: main
    image: nginx:1.27
    env:
    - name: LEVEL
      valueFrom: {configMapKeyRef: {name: server, key: LEVEL}}
---
apiVersion: v1
kind: Pod
metadata: {name: api}
spec:
  containers:
  - name: main
    image: nginx:1.27
    volumeMounts: [{name: settings, mountPath: /etc/api}]
  volumes: [{name: settings, configMap: {name: api-settings}}]
"""


def two_that_wait():
    cluster = Cluster(nodes=1)
    cluster.apply(BROKEN)
    cluster.run_for(20)
    return cluster


def check_missing(cluster, _answer):
    cluster.run_for(180)
    found = {pod["metadata"]["name"]: pod for pod in pods(cluster)}
    for name in ("web", "api"):
        if name not in found:
            yield finding("gone", pod=name)
    if not {"web", "api"} <= found.keys():
        return
    if not dig(found["web"], ("spec", "containers", 0, "env", 0, "valueFrom", "configMapKeyRef")) or not any(
        "configMap" in volume for volume in dig(found["api"], "spec.volumes", ())
    ):
        yield finding("changed")
        return
    server = cluster.get("configmaps", "server")
    if server is None:
        yield finding("server_gone")
    elif "LEVEL" not in (server.get("data") or {}):
        yield finding("key")
    if cluster.get("configmaps", "api-settings") is None:
        yield finding("map")
    for name in ("web", "api"):
        if not is_ready(found[name]):
            yield finding("waiting", pod=name)


KEY = '%kubectl patch configmap server --patch \'{"data":{"LEVEL":"info"}}\'\n'
MAP = "%kubectl create configmap api-settings --from-literal=timeout=5\n"
MISSING = Exercise(
    id="missing",
    start=two_that_wait,
    check=check_missing,
    solution=KEY + MAP,
    wrong=(
        Wrong(MAP, "key"),
        Wrong(KEY, "map"),
        Wrong(KEY + "%kubectl create configmap api-setting --from-literal=timeout=5", "map"),
        Wrong("%kubectl delete pod web api", "gone"),
        Wrong("%kubectl delete configmap server\n" + MAP, "server_gone"),
        Wrong("%kubectl delete pod web\n%kubectl run web --image=nginx:1.27\n" + MAP, "changed"),
    ),
)

# ---------------------------------------------------------------- live and release: the same program, with and without a restart

SIGN = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: sign
spec:
  replicas: 2
  selector:
    matchLabels: {app: sign}
  template:
    metadata:
      labels: {app: sign}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: sign
        image: busybox:1.36
        command: [sh, -c, 'while true; do echo "colour COLOUR"; sleep 5; done']
"""
ENV = SIGN.replace("COLOUR", "$COLOUR") + "        envFrom:\n        - configMapRef: {name: sign}\n"
MOUNTED = "        volumeMounts:\n        - {name: sign, mountPath: /etc/sign}\n"
VOLUME = "      volumes:\n      - name: sign\n        configMap: {name: sign}\n"
MOUNT = SIGN.replace("COLOUR", "$(cat /etc/sign/COLOUR)") + MOUNTED + VOLUME
SUBPATH = MOUNT.replace("mountPath: /etc/sign}", "mountPath: /etc/sign/COLOUR, subPath: COLOUR}")
ONCE = MOUNT.replace("while true; do echo", "C=$(cat /etc/sign/COLOUR); while true; do echo").replace(
    '"colour $(cat /etc/sign/COLOUR)"', '"colour $C"'
)


def a_sign():
    cluster = Cluster(nodes=2)
    cluster.kubectl("create configmap sign --from-literal=COLOUR=blue")
    cluster.apply(ENV)
    cluster.run_for(20)
    return cluster


def colours(cluster):
    """What each ready Pod has printed last."""
    lines = (cluster.kubectl(f"logs {pod['metadata']['name']} --tail=1").text.split() for pod in ready_pods(cluster, app="sign"))
    return [words[-1] if words else "" for words in lines]


def lives(cluster):
    """The containers that run, by Pod: another one after a restart."""
    return {pod["metadata"]["uid"]: dig(pod, ("status", "containerStatuses", 0, "containerID")) for pod in pods(cluster, app="sign")}


def sign_is_up(cluster):
    cluster.run_for(60)
    if cluster.get("deployments", "sign") is None:
        yield finding("gone")
    elif cluster.get("configmaps", "sign") is None:
        yield finding("map_gone")
    elif waiting := [pod["metadata"]["name"] for pod in pods(cluster, app="sign") if not is_ready(pod)]:
        yield finding("not_ready", pod=waiting[0])
    elif len(pods(cluster, app="sign")) != 2:
        yield finding("count", count=len(pods(cluster, app="sign")))


def check_live(cluster, _answer):
    trouble = list(sign_is_up(cluster))
    if trouble:
        yield from trouble
        return
    before, was = lives(cluster), dig(cluster.get("configmaps", "sign"), "data.COLOUR", "")
    answer = cluster.kubectl(["patch", "configmap", "sign", "--patch", '{"data": {"COLOUR": "violet"}}'])
    if not answer.ok:
        yield finding("immutable")
        return
    cluster.run_for(120)
    if lives(cluster) != before:
        yield finding("restarted")
    template = dig(cluster.get("deployments", "sign"), "spec.template.spec")
    mounts = [mount for mount in dig(template, ("containers", 0, "volumeMounts"), ()) if mount["name"]]
    old = other_than(cluster, "violet")
    if old == was and mounts:
        cluster.run_for(300)  # it may sleep for long between two looks at the file
        old = other_than(cluster, "violet")
    if old is not None:
        yield finding(_fault(mounts, read=old == was), colour=old)


def other_than(cluster, wanted):
    """A colour that a Pod says instead of this one; None where all of them say it."""
    return next((colour for colour in colours(cluster) if colour != wanted), None)


def _fault(mounts, read):
    """Why a Pod does not say the new colour; ``read``: it says the one before."""
    if not mounts:
        return "variable"
    if any(mount.get("subPath") for mount in mounts):
        return "subpath"
    return "unread" if read else "nothing"


LIVE = Exercise(
    id="live",
    start=a_sign,
    check=check_live,
    solution="%%manifest\n" + MOUNT,
    wrong=(
        Wrong("%%manifest\n" + ENV, "variable"),
        Wrong("%%manifest\n" + SUBPATH, "subpath"),
        Wrong("%%manifest\n" + ONCE, "unread"),
        Wrong("%%manifest\n" + MOUNT.replace("cat /etc/sign/COLOUR", "cat /etc/sign/colour"), "nothing"),
        Wrong("%kubectl scale deployment sign --replicas=0", "count"),
        Wrong("%kubectl delete deployment sign", "gone"),
        Wrong("%%manifest\n" + MOUNT.replace("configMap: {name: sign}", "configMap: {name: sing}"), "not_ready"),
    ),
)


def check_release(cluster, _answer):
    trouble = list(sign_is_up(cluster))
    if trouble:
        yield from trouble
        return
    seen = colours(cluster)
    if set(seen) != {"green"}:
        yield finding("not_green", colours=", ".join(sorted(set(seen))))
        return
    undone = cluster.kubectl("rollout undo deployment/sign")
    cluster.run_for(60)
    if not undone.ok:
        yield finding("no_history")
    elif set(colours(cluster)) != {"blue"}:
        yield finding("no_way_back", colours=", ".join(sorted(set(colours(cluster)))))


GREEN = '%kubectl patch configmap sign --patch \'{"data":{"COLOUR":"green"}}\'\n'
NEW_MAP = "%kubectl create configmap sign-v2 --from-literal=COLOUR=green\n"
RELEASE = Exercise(
    id="release",
    start=a_sign,
    check=check_release,
    solution="lab.kubectl('create configmap sign-v2 --from-literal=COLOUR=green')\nlab.apply("
    + repr(ENV.replace("configMapRef: {name: sign}", "configMapRef: {name: sign-v2}"))
    + ")",
    wrong=(
        Wrong(GREEN, "not_green"),
        Wrong(GREEN + "%kubectl rollout restart deployment/sign", "no_way_back"),
        Wrong(GREEN + "%kubectl delete pod -l app=sign", "no_history"),
        Wrong(NEW_MAP, "not_green"),
        Wrong("%kubectl scale deployment sign --replicas=3", "count"),
        Wrong("%kubectl delete configmap sign\n" + NEW_MAP, "map_gone"),
        Wrong("%kubectl delete deployment sign", "gone"),
    ),
)

EXERCISES = (TABLE, MISSING, LIVE, RELEASE)
QUIZ = {"env": 1, "delay": 2, "secret": 1, "undo": 0}
