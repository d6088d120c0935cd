"""The exercises of chapter 6: an image, a crash, a probe, an init container, and the order of things."""

from k8snb import Cluster
from k8snb.apimachinery.objects import dig
from k8snb.course.exercise import Exercise, Wrong, finding
from k8snb.course.world import container_image, is_ready


def one_pod(manifest, seconds=45):
    cluster = Cluster(nodes=1)
    cluster.kubectl("apply -f -", stdin=manifest)
    cluster.run_for(seconds)
    return cluster


def restarts(pod):
    return dig(pod, ("status", "containerStatuses", 0, "restartCount"), 0)


def reason(pod):
    return dig(pod, ("status", "containerStatuses", 0, "state", "waiting", "reason"), "")


# ---------------------------------------------------------------- pull: an image that does not exist

FRONT = """
apiVersion: v1
kind: Pod
metadata: {name: front}
spec:
  containers:
  - {name: front, image: "nginx:1.72"}
"""


def check_pull(cluster, _answer):
    cluster.run_for(330)  # the longest pause between two attempts is over
    pod = cluster.get("pods", "front")
    if pod is None:
        yield finding("gone")
        return
    image = container_image(pod)
    if image.partition(":")[0] not in ("nginx", "docker.io/nginx", "docker.io/library/nginx"):
        yield finding("other", image=image)
    elif not is_ready(pod):
        yield finding("waiting", image=image, reason=reason(pod) or dig(pod, "status.phase", ""))


PULL = Exercise(
    id="pull",
    start=lambda: one_pod(FRONT),
    check=check_pull,
    solution="%kubectl set image pod/front front=nginx:1.27",
    wrong=(
        Wrong("%kubectl set image pod/front front=nginx:1.270", "waiting"),
        Wrong("%kubectl set image pod/front front=httpd:2.4", "other"),
        Wrong("%kubectl delete pod front", "gone"),
    ),
)

# ---------------------------------------------------------------- crash: a database without its password

DATABASE = """
apiVersion: v1
kind: Pod
metadata:
  name: db
spec:
  containers:
  - name: postgres
    image: postgres:17
"""
PASSWORD = DATABASE + "    env:\n    - name: POSTGRES_PASSWORD\n      value: secret\n"


def replaced(name, manifest):
    """The learner's cell with another manifest."""
    return f'{name} = """{manifest}"""\nlab.kubectl("replace --force -f -", stdin={name})'


def check_crash(cluster, _answer):
    cluster.run_for(20)
    pod = cluster.get("pods", "db")
    if pod is None:
        yield finding("gone")
        return
    if not container_image(pod).rpartition("/")[2].startswith("postgres"):
        yield finding("other", image=container_image(pod))
        return
    if reason(pod) == "CreateContainerConfigError":
        yield finding("waits", reason=reason(pod), message=dig(pod, ("status", "containerStatuses", 0, "state", "waiting", "message"), ""))
        return
    before = restarts(pod)
    cluster.run_for(120)
    pod = cluster.get("pods", "db") or pod
    if restarts(pod) > before or not is_ready(pod):
        said = cluster.kubectl("logs db").stdout.strip() or cluster.kubectl("logs db --previous").stdout.strip()
        yield finding("crashes", said=said.partition("\n")[0])
    elif not cluster.kubectl("exec db -- pg_isready").ok:
        yield finding("idle")


CRASH = Exercise(
    id="crash",
    start=lambda: one_pod(DATABASE, seconds=100),
    check=check_crash,
    solution=replaced("database", PASSWORD),
    wrong=(
        Wrong(replaced("database", PASSWORD.replace("POSTGRES_PASSWORD", "PASSWORD")), "crashes"),
        Wrong(replaced("database", PASSWORD.replace("value: secret", 'value: ""')), "crashes"),
        Wrong(replaced("database", DATABASE + '    command: ["sleep", "3600"]\n'), "idle"),
        Wrong(replaced("database", DATABASE.replace("postgres:17", "redis:7")), "other"),
        Wrong(replaced("database", PASSWORD.replace("value: secret", "valueFrom: {secretKeyRef: {name: pw, key: pw}}")), "waits"),
        Wrong(replaced("database", PASSWORD.replace("env:", "envs:")), "gone"),
        Wrong("%kubectl delete pod db", "gone"),
    ),
)

# ---------------------------------------------------------------- probe: one that is too hasty

API = """
apiVersion: v1
kind: Pod
metadata:
  name: api
spec:
  containers:
  - name: api
    image: k8snb/slow-starter:1.0
    env:
    - name: STARTUP
      value: "20"
"""
LIVENESS = """    livenessProbe:
      httpGet:
        path: /healthz
        port: 8080
      periodSeconds: 5
      failureThreshold: 2
"""
STARTUP = LIVENESS.replace("liveness", "startup").replace("failureThreshold: 2", "failureThreshold: 12")
READINESS = LIVENESS.replace("liveness", "readiness")


def notices_silence(cluster, pod):
    """Whether the liveness probe gets a program restarted that never answers: the same Pod without the patience of the start."""
    probe = {**pod["spec"]["containers"][0]["livenessProbe"], "initialDelaySeconds": 0}
    container = {"name": "api", "image": "k8snb/slow-starter:1.0", "env": [{"name": "STARTUP", "value": "100000"}], "livenessProbe": probe}
    silent = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "silent"}, "spec": {"containers": [container]}}
    cluster.client.create("pods", silent, "default")
    cluster.run_for(60)
    return restarts(cluster.get("pods", "silent")) > 0


def check_probe(cluster, _answer):
    pod = cluster.get("pods", "api")
    if pod is None:
        yield finding("gone")
        return
    container = pod["spec"]["containers"][0]
    env = {one["name"]: one.get("value") for one in container.get("env") or ()}
    if container["image"] != "k8snb/slow-starter:1.0" or env.get("STARTUP") != "20":
        yield finding("other")
        return
    cluster.run_for(180)
    pod = cluster.get("pods", "api") or pod
    if restarts(pod):
        yield finding("restarts", count=restarts(pod))
    elif dig(pod, "status.phase", "") in ("Failed", "Succeeded"):
        yield finding("over", phase=pod["status"]["phase"])
    elif not is_ready(pod):
        yield finding("not_ready")
    probe = container.get("livenessProbe")
    if not probe:
        yield finding("no_liveness")
    elif probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3) > 30:
        yield finding("late", seconds=probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3))
    elif not notices_silence(cluster, pod):
        yield finding("blind")


PROBE = Exercise(
    id="probe",
    start=lambda: one_pod(API + LIVENESS, seconds=60),
    check=check_probe,
    solution=replaced("api", API + LIVENESS + STARTUP),
    wrong=(
        Wrong(replaced("api", API), "no_liveness"),
        Wrong(replaced("api", API + READINESS), "no_liveness"),
        Wrong(replaced("api", API + LIVENESS + READINESS), "restarts"),
        Wrong(replaced("api", API + LIVENESS.replace("failureThreshold: 2", "failureThreshold: 12")), "late"),
        Wrong(replaced("api", API + LIVENESS + STARTUP.replace("8080", "80")), "restarts"),
        Wrong(replaced("api", API.replace('"20"', '"1"') + LIVENESS), "other"),
        Wrong(replaced("api", API + "    livenessProbe:\n      exec:\n        command: [\"true\"]\n"), "blind"),
        Wrong(replaced("api", API.replace("  containers:", "  restartPolicy: Never\n  containers:") + LIVENESS), "over"),
        Wrong("%kubectl delete pod api", "gone"),
    ),
)

# ---------------------------------------------------------------- init: waiting for a name

REPORT = """
apiVersion: v1
kind: Pod
metadata: {name: report}
spec:
  initContainers:
  - name: wait
    image: busybox:1.36
    command: ["sh", "-c", "until nslookup database.default.svc.cluster.local; do echo waiting for database; sleep 2; done"]
  containers:
  - {name: report, image: "k8snb/web:1.0"}
"""
STORE = """
apiVersion: v1
kind: Pod
metadata: {name: store, labels: {app: store}}
spec:
  containers:
  - {name: redis, image: "redis:7"}
---
apiVersion: v1
kind: Service
metadata: {name: store}
spec:
  selector: {app: store}
  ports:
  - {port: 6379}
"""


ADDRESSES = "get endpointslices -l kubernetes.io/service-name=database -o jsonpath={.items[*].endpoints[*].addresses[0]}"


def check_init(cluster, _answer):
    cluster.run_for(45)
    pod = cluster.get("pods", "report")
    if pod is None:
        yield finding("gone")
        return
    if not pod["spec"].get("initContainers"):
        yield finding("no_init")
        return
    if not is_ready(pod):
        names = ", ".join(sorted(service["metadata"]["name"] for service in cluster.get("services")))
        yield finding("waiting", names=names)
        return
    if cluster.get("services", "database") and "." not in cluster.kubectl(ADDRESSES).text:
        yield finding("nobody")
        return
    for service in ("database", "store"):
        cluster.kubectl(f"delete service {service} --ignore-not-found")
    cluster.kubectl("replace --force -f -", stdin=cluster.kubectl("get pod report -o yaml").stdout)
    cluster.run_for(30)
    if is_ready(cluster.get("pods", "report")):
        yield finding("careless")


SERVICE = """%%manifest
apiVersion: v1
kind: Service
metadata:
  name: {name}
spec:
  selector:
    app: store
  ports:
  - port: 6379"""
WITHOUT = REPORT[: REPORT.index("  initContainers")] + REPORT[REPORT.index("  containers") :]
INIT = Exercise(
    id="init",
    start=lambda: one_pod(REPORT + "---" + STORE),
    check=check_init,
    solution=SERVICE.format(name="database"),
    wrong=(
        Wrong(SERVICE.format(name="db"), "waiting"),
        Wrong(replaced("report", WITHOUT), "no_init"),
        Wrong(replaced("report", REPORT.replace("nslookup database.default.svc.cluster.local", "true")), "careless"),
        Wrong(SERVICE.format(name="database").replace("app: store", "app: database"), "nobody"),
        Wrong("%kubectl delete pod report", "gone"),
    ),
)

# ---------------------------------------------------------------- order: begin and end

ORDER = ["c", "f", "e", "a", "d", "b"]


def check_order(_cluster, answer):
    given = list(answer) if isinstance(answer, (list, tuple, str)) else []
    given = [letter for letter in (str(one).strip().lower() for one in given) if letter not in ("", ",")]
    if sorted(given) != sorted(ORDER):
        yield finding("letters")
    elif given.index("e") < given.index("f"):
        yield finding("early")
    elif given.index("a") < given.index("e"):
        yield finding("sidecar")
    elif given.index("b") < given.index("d"):
        yield finding("backwards")
    elif given != ORDER:
        yield finding("order")


EXERCISE_ORDER = Exercise(
    id="order",
    check=check_order,
    solution=f"answer = {ORDER!r}",
    wrong=(
        Wrong('answer = ["c", "e", "f", "a", "d", "b"]', "early"),
        Wrong('answer = ["c", "f", "a", "e", "d", "b"]', "sidecar"),
        Wrong('answer = ["c", "f", "e", "a", "b", "d"]', "backwards"),
        Wrong('answer = ["c", "f", "e", "a"]', "letters"),
        Wrong('answer = ["d", "c", "f", "e", "a", "b"]', "order"),
        Wrong("answer = 7", "letters"),
    ),
)

EXERCISES = (PULL, CRASH, PROBE, INIT, EXERCISE_ORDER)
QUIZ = {"share": 1, "loop": 2, "ready": 0, "code": 2, "restart": 1}
