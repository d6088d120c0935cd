"""The exercises of chapter 18: out of etcd, encrypted at rest, a file instead of a variable, one right and no more, who can learn it."""

import base64
import json

from k8snb import Cluster
from k8snb.apiserver.encryption import PREFIX
from k8snb.course.exercise import Exercise, Wrong, finding
from k8snb.course.tables import lines
from k8snb.course.world import pods, ready_pods

# ---------------------------------------------------------------- etcd: out of etcd

PIN = "7391-otter"
HELD = {  # namespace, name, key -> value
    ("bank", "vault", "pin"): PIN,
    ("bank", "vault", "owner"): "ada",
    ("default", "db", "password"): "swordfish",
    ("shop", "tls", "key"): "k-42",
}


def bank():
    cluster = Cluster(nodes=1)
    for namespace in ("bank", "shop"):
        cluster.kubectl(f"create namespace {namespace}")
    found = {}
    for (namespace, name, key), value in HELD.items():
        found.setdefault((namespace, name), []).append(f"--from-literal={key}={value}")
    for (namespace, name), literals in found.items():
        cluster.kubectl(["create", "secret", "generic", name, "-n", namespace, *literals])
    cluster.settle()
    return cluster


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def check_etcd(_cluster, answer):
    if answer is ...:
        yield finding("unanswered")
    elif isinstance(answer, (bytes, bytearray)):
        yield finding("bytes")
    elif not isinstance(answer, str):
        yield finding("not_text")
    elif answer.strip() == encoded(PIN):
        yield finding("encoded")
    elif PIN in answer and answer.strip() != PIN:
        yield finding("too_much")
    elif answer.strip() != PIN:
        yield finding("other")


ETCD = Exercise(
    id="etcd",
    start=bank,
    check=check_etcd,
    solution=(
        'import base64, json\n\nheld = json.loads(lab.etcd.get("/registry/secrets/bank/vault").value)\n'
        'answer = base64.b64decode(held["data"]["pin"]).decode()'
    ),
    wrong=(
        Wrong('import json\n\nanswer = json.loads(lab.etcd.get("/registry/secrets/bank/vault").value)["data"]["pin"]', "encoded"),
        Wrong('answer = lab.etcd.get("/registry/secrets/bank/vault")', "not_text"),
        Wrong('answer = b"7391-otter"', "bytes"),
        Wrong('answer = "swordfish"', "other"),
    ),
)

# ---------------------------------------------------------------- rest: make that impossible


def check_rest(cluster, _answer):
    for (namespace, name, key), value in HELD.items():
        secret = cluster.get("secrets", name, namespace)
        if secret is None:
            yield finding("gone", name=f"{namespace}/{name}")
        elif (secret.get("data") or {}).get(key) != encoded(value):
            yield finding("changed", name=f"{namespace}/{name}", key=key)
    if not cluster.simulation.root.config.encrypt_secrets:
        yield finding("plain")
        return
    readable = [held.key for held in cluster.etcd.range("/registry/secrets/") if not held.value.startswith(PREFIX)]
    if readable:
        yield finding("readable", key=readable[0], count=len(readable))


ALL_AGAIN = 'lab.kubectl("replace -f -", stdin=lab.kubectl("get secrets --all-namespaces -o json").text)'
REST = Exercise(
    id="rest",
    start=bank,
    check=check_rest,
    solution=f"lab.encrypt_secrets()\n{ALL_AGAIN}",
    wrong=(
        Wrong("lab.encrypt_secrets()", "readable"),
        Wrong(f"{ALL_AGAIN}\nlab.encrypt_secrets()", "readable"),
        Wrong("lab.encrypt_secrets()\n" + ALL_AGAIN.replace(" --all-namespaces", ""), "readable"),
        Wrong('lab.kubectl("delete secrets --all -n bank")', "gone"),
        Wrong("""lab.kubectl(["patch", "secret", "db", "--patch", '{"stringData": {"password": "x"}}'])""", "changed"),
    ),
)

# ---------------------------------------------------------------- file: no password in the Deployment

PASSWORD, PLACE = "swordfish", "/etc/db/password"
API = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  replicas: 1
  selector:
    matchLabels:
      app: api
  template:
    metadata:
      labels:
        app: api
    spec:
      containers:
      - name: api
        image: busybox:1.36
        command: [sleep, "36000"]
"""
IN_PLAIN = '        env:\n        - {name: PASSWORD, value: swordfish}\n'
FROM_SECRET = "        env:\n        - name: PASSWORD\n          valueFrom: {secretKeyRef: {name: db, key: password}}\n"
MOUNTED = """        volumeMounts:
        - {name: db, mountPath: /etc/db, readOnly: true}
      volumes:
      - name: db
        secret: {secretName: db}
"""
WRITTEN = '[sh, -c, "mkdir -p /etc/db; echo c3dvcmRmaXNo | base64 -d > /etc/db/password; sleep 36000"]'
SECRET = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: swordfish}\n"


def password_in_the_open():
    cluster = Cluster(nodes=1)
    cluster.apply(API + IN_PLAIN)
    cluster.settle()
    return cluster


def check_file(cluster, _answer):
    cluster.run_for(30)
    api = cluster.get("deployments", "api")
    if api is None:
        yield finding("gone")
        return
    if PASSWORD in json.dumps(api["spec"]):
        yield finding("plain")
        return
    if encoded(PASSWORD) in json.dumps(api):
        yield finding("still_encoded")
        return
    if PASSWORD in json.dumps(api):
        yield finding("remembered")
        return
    if PASSWORD in json.dumps([one.get("data") for one in cluster.get("configmaps")]):
        yield finding("configmap")
    running = ready_pods(cluster, app="api")
    if not running or len(running) != len(pods(cluster, app="api")):
        yield finding("waiting", said=_said(cluster))
        return
    read = cluster.kubectl(["exec", running[0]["metadata"]["name"], "--", "cat", PLACE])
    if not read.ok:
        yield finding("no_file", said=read.text.strip().splitlines()[0] if read.text.strip() else "-")
    elif read.stdout.strip() != PASSWORD:
        yield finding("other", read=read.stdout.strip())


def _said(cluster):
    warnings = [event for event in cluster.get("events") if event.get("type") == "Warning"]
    return warnings[-1]["message"] if warnings else "-"


FILE = Exercise(
    id="file",
    start=password_in_the_open,
    check=check_file,
    solution="%%manifest\n" + API + MOUNTED + SECRET,
    wrong=(
        Wrong("%%manifest\n" + API + FROM_SECRET + SECRET, "no_file"),
        Wrong("%%manifest\n" + API + MOUNTED, "waiting"),
        Wrong("%%manifest\n" + API + IN_PLAIN + MOUNTED + SECRET, "plain"),
        Wrong("%%manifest\n" + API + MOUNTED + SECRET.replace("password: ", "pass: "), "no_file"),
        Wrong(
            "%%manifest\n" + API + MOUNTED.replace("secret: {secretName: db}", "configMap: {name: db}")
            + SECRET.replace("Secret", "ConfigMap").replace("stringData", "data"),
            "configmap",
        ),
        Wrong("%%manifest\n" + API.replace('[sleep, "36000"]', WRITTEN), "still_encoded"),
        Wrong("%kubectl set env deployment/api PASSWORD-", "remembered"),
        Wrong("%kubectl delete deployment api", "gone"),
    ),
)  # fmt: skip

# ---------------------------------------------------------------- reader: one Secret and no more

WORKLOADS = ("deployments.apps", "replicasets.apps", "statefulsets.apps", "daemonsets.apps", "jobs.batch", "cronjobs.batch")
AROUND = (  # each of these makes a Pod, enters one, or turns into somebody who may
    "create pods", "create pods/exec", "create replicationcontrollers", "impersonate users", "escalate roles", "bind roles",
    *(f"{verb} {workload}" for verb in ("create", "update", "patch") for workload in WORKLOADS),
)  # fmt: skip
REPORTER = "system:serviceaccount:default:reporter"


def generous():
    cluster = Cluster(nodes=1)
    for name in ("report-key", "db", "tokens"):
        cluster.kubectl(f"create secret generic {name} --from-literal=value={name}-value")
    cluster.kubectl("create serviceaccount reporter")
    cluster.kubectl("create rolebinding reporter --clusterrole=edit --serviceaccount=default:reporter")
    cluster.settle()
    return cluster


def may(cluster, question):
    return cluster.kubectl(f"auth can-i {question} --as={REPORTER}").stdout.strip() == "yes"


def check_reader(cluster, _answer):
    if cluster.get("secrets", "report-key") is None or cluster.get("serviceaccounts", "reporter") is None:
        yield finding("gone")
        return
    if not may(cluster, "get secret/report-key"):
        yield finding("cannot")
    for name in ("db", "tokens"):
        if may(cluster, f"get secret/{name}"):
            yield finding("others", name=name)
            return
    for verb in ("list", "watch"):
        if may(cluster, f"{verb} secrets"):
            yield finding("list", verb=verb)
    for question in AROUND:
        if may(cluster, question):
            yield finding("around", question=question)
            return
    for question in ("update secret/report-key", "delete secret/report-key"):
        if may(cluster, question):
            yield finding("write", question=question)


TAKE_AWAY = "%kubectl delete rolebinding reporter\n"


ONE_KEY = "--verb=get --resource=secrets --resource-name=report-key"


def give(rule, name="report"):
    return f"%kubectl create role {name} {rule}\n%kubectl create rolebinding {name} --role={name} --serviceaccount=default:reporter\n"


READER = Exercise(
    id="reader",
    start=generous,
    check=check_reader,
    solution=TAKE_AWAY + give(ONE_KEY),
    wrong=(
        Wrong(TAKE_AWAY, "cannot"),
        Wrong(give(ONE_KEY), "others"),
        Wrong(TAKE_AWAY + give("--verb=get --resource=secrets"), "others"),
        Wrong(TAKE_AWAY + give(ONE_KEY) + give("--verb=list --resource=secrets", "more"), "list"),
        Wrong(TAKE_AWAY + give("--verb=get,delete --resource=secrets --resource-name=report-key"), "write"),
        Wrong(TAKE_AWAY + give(ONE_KEY) + give("--verb=create --resource=cronjobs.batch", "more"), "around"),
        Wrong(TAKE_AWAY + give(ONE_KEY) + give("--verb=patch --resource=deployments.apps", "more"), "around"),
        Wrong(TAKE_AWAY + give(ONE_KEY) + give("--verb=update,escalate --resource=roles", "more"), "around"),
        Wrong("%kubectl delete secret report-key", "gone"),
    ),
)

# ---------------------------------------------------------------- who: who can learn it?

WHO_CAN = {
    "a thief with a backup of etcd": False,
    "a user who may only list secrets in shop": True,
    "a user who may get one ConfigMap in shop": False,
    "a user who may create pods and read logs in shop": True,
    "a user who may create pods and read logs in another namespace": False,
    "a user who may exec into a Pod that mounts it": True,
}
REASONS = dict(zip(WHO_CAN, ("thief", "lister", "configmap", "pods", "elsewhere", "exec"), strict=True))


@lines(WHO_CAN)
def check_who(case, right, given):
    if not isinstance(given, bool):
        yield finding("missing", case=case)
    elif given != right:
        yield finding(REASONS[case])


def who(**changes):
    cases = {short: case for case, short in REASONS.items()}
    return f"answer = {WHO_CAN | {cases[short]: value for short, value in changes.items()}!r}"


WHO = Exercise(
    id="who",
    check=check_who,
    solution=who(),
    wrong=(
        Wrong(who(thief=True), "thief"),
        Wrong(who(lister=False), "lister"),
        Wrong(who(pods=False), "pods"),
        Wrong(who(elsewhere=True), "elsewhere"),
        Wrong(who(exec="yes"), "missing"),
    ),
)

EXERCISES = (ETCD, REST, FILE, READER, WHO)
QUIZ = {"base64": 1, "rest": 0, "old": 2, "list": 1, "change": 2}
