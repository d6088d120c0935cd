"""The exercises of chapter 05: what a queue does, a first reconcile, a shared object, and a ReplicaSet controller under faults."""

from k8snb import Cluster
from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import controller_of
from k8snb.apimachinery.objects import dig
from k8snb.course.exercise import Exercise, Wrong, finding
from k8snb.course.tables import filled, lines
from k8snb.course.world import is_ending

# ---------------------------------------------------------------- queue: how often, and when

TURNS = {
    "one key is added 50 times before its turn: turns": 1,
    "it is added twice more during that turn: turns in all": 2,
    "three keys are added 10 times each: turns": 3,
    "a turn fails for the first time: milliseconds until the next": 5,
    "it fails for the fourth time in a row: milliseconds": 40,
}


@lines(TURNS)
def check_queue(case, right, given):
    if type(given) is not int:
        yield finding("number", case=case)
    elif given != right and "fail" in case:
        yield finding("delay", case=case, given=given)
    elif given != right:
        yield finding("turns", case=case, given=given)


turns = filled(TURNS)
QUEUE = Exercise(
    id="queue",
    check=check_queue,
    solution=turns(),
    wrong=(
        Wrong(turns(**{"one key is added 50 times before its turn: turns": 50}), "turns"),
        Wrong(turns(**{"it is added twice more during that turn: turns in all": 3}), "turns"),
        Wrong(turns(**{"it fails for the fourth time in a row: milliseconds": 20}), "delay"),
        Wrong(turns(**{"three keys are added 10 times each: turns": "three"}), "number"),
    ),
)

# ---------------------------------------------------------------- label: a first reconcile

PLAIN = """apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: 0
  selector: {{matchLabels: {{app: x}}}}
  template:
    metadata: {{labels: {{app: x}}}}
    spec: {{containers: [{{name: c, image: nginx}}]}}
"""


def two_deployments():
    cluster = Cluster(nodes=1, runtime="hollow")
    for name in ("shop", "blog"):
        cluster.kubectl("apply -f -", stdin=PLAIN.format(name=name))
    cluster.settle()
    return cluster


def team(cluster, name):
    return dig(cluster.get("deployments", name), "metadata.labels.team", None)


def own_loops(cluster):
    """The learner's loops that run."""
    found = [cluster.controllers[name] for name in cluster.controllers]
    return [loop for loop in found if loop.code]


def check_label(cluster, _answer):
    if not own_loops(cluster):
        yield finding("not_running")
        return
    cluster.run_for(2)
    for name in ("shop", "blog"):
        if cluster.get("deployments", name) is None:
            yield finding("gone", name=name)
            return
    if team(cluster, "shop") != "web" or team(cluster, "blog") != "web":
        said = [error for loop in own_loops(cluster) for error in loop.errors.values()]
        yield finding("fails", error=said[0]) if said else finding("missing")
    before = cluster.revision
    cluster.run_for(1)
    if cluster.revision - before > 20:
        yield finding("restless", writes=cluster.revision - before)
    cluster.kubectl("label deployment shop team-")
    cluster.kubectl("apply -f -", stdin=PLAIN.format(name="late"))
    cluster.run_for(2)
    if team(cluster, "shop") != "web":
        yield finding("removed")
    if team(cluster, "late") != "web":
        yield finding("late")
    cluster.kubectl("delete deployment late")
    cluster.run_for(2)
    said = [error for loop in own_loops(cluster) for error in loop.errors.values()]
    if said:
        yield finding("deleted", error=said[0])


LABEL = '''from k8snb import Controller

class TeamLabel(Controller):
    watches = ("deployments.apps",)

    def reconcile(self, key):
        deployment = self.informers["deployments.apps"].get(key)
{body}

lab.controllers.run(TeamLabel)'''
GUARD = "        if deployment is None:\n            return\n"
SET = (
    '        meta = deployment["metadata"]\n'
    '        if meta.get("labels", {}).get("team") != "web":\n'
    '            self.client.patch("deployments.apps", meta["name"], {"metadata": {"labels": {"team": "web"}}}, meta["namespace"])'
)
ONCE = (
    '        self.done = getattr(self, "done", set())\n        if key in self.done:\n            return\n        self.done.add(key)\n'
    '        namespace, name = key.split("/")\n'
    '        self.client.patch("deployments.apps", name, {"metadata": {"labels": {"team": "web"}}}, namespace)'
)
ALWAYS = (
    '        meta = deployment["metadata"]\n'
    '        change = {"labels": {"team": "web"}, "annotations": {"looked-at": str(self.now)}}\n'
    '        self.client.patch("deployments.apps", meta["name"], {"metadata": change}, meta["namespace"])'
)

FIRST = Exercise(
    id="label",
    start=two_deployments,
    check=check_label,
    solution=LABEL.format(body=GUARD + SET),
    wrong=(
        Wrong("lab.kubectl('label deployment shop blog team=web')", "not_running"),
        Wrong(LABEL.format(body=SET), "deleted"),
        Wrong(LABEL.format(body=GUARD + ONCE), "removed"),
        Wrong(LABEL.format(body=GUARD + ALWAYS), "restless"),
        Wrong(LABEL.format(body=GUARD + SET.replace('["name"]', '["title"]')), "fails"),
        Wrong(LABEL.format(body="        pass"), "missing"),
    ),
)

# ---------------------------------------------------------------- shared: two writers of one object

REPORT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: report}\ndata: {owner: team-a}\n"


def a_report():
    cluster = Cluster(nodes=1, runtime="hollow")
    cluster.kubectl("apply -f -", stdin=REPORT)
    cluster.kubectl("run one --image=nginx")
    cluster.settle()
    return cluster


def report(cluster):
    found = cluster.get("configmaps", "report")
    return dict(found.get("data") or {}) if found is not None else None


def check_shared(cluster, _answer):
    mine = own_loops(cluster)
    if not mine:
        yield finding("not_running")
        return
    cluster.run_for(10)
    if report(cluster) is None:
        yield finding("gone")
        return
    if report(cluster).get("pods") != "1":
        yield finding("count", found=report(cluster).get("pods"), want=1)
    cluster.faults.delay_watches(mine[0].process, 2)
    cluster.kubectl("run two --image=nginx")
    cluster.run_for(1)
    cluster.client.patch("configmaps", "report", {"data": {"note": "on-holiday"}}, "default")
    cluster.run_for(30)
    found = report(cluster) or {}
    if found.get("note") != "on-holiday" or found.get("owner") != "team-a":
        yield finding("lost", found=", ".join(sorted(found)) or "-")
    if found.get("pods") != "2":
        yield finding("stuck", found=found.get("pods"))


SHARED_CODE = '''from k8snb import Controller, Watches

class Report(Controller):
    watches = (Watches("pods", lambda self, old, new: ["default/report"]),)
    reads = ("configmaps",)

    def reconcile(self, key):
        count = len([pod for pod in self.informers["pods"].all() if pod["metadata"]["namespace"] == "default"])
        cached = self.informers["configmaps"].get(key)
{body}

lab.controllers.run(Report)'''
BLIND = '''        data = {**cached["data"], "pods": str(count)}
        meta = {"name": "report", "namespace": "default"}
        self.client.update("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})'''
CAREFUL = '''        wanted = {**cached, "data": {**cached["data"], "pods": str(count)}}
        self.client.update("configmaps", wanted)  # carries the resourceVersion that was read: a 409 means "look again"'''
PATCHED = '        self.client.patch("configmaps", "report", {"data": {"pods": str(count)}}, "default")'
SWALLOWED = '''        try:
            self.client.update("configmaps", {**cached, "data": {**cached["data"], "pods": str(count)}})
        except Exception:
            pass'''
ALONE = '''        self.client.patch("configmaps", "report", {"data": None}, "default")
        self.client.patch("configmaps", "report", {"data": {"pods": str(count)}}, "default")'''

SHARED = Exercise(
    id="shared",
    start=a_report,
    check=check_shared,
    solution=SHARED_CODE.format(body=CAREFUL),
    wrong=(
        Wrong(SHARED_CODE.format(body=BLIND), "lost"),
        Wrong(SHARED_CODE.format(body=SWALLOWED), "stuck"),
        Wrong(SHARED_CODE.format(body=ALONE), "lost"),
        Wrong("lab.kubectl('delete configmap report')\n" + SHARED_CODE.format(body=PATCHED), "gone"),
        Wrong("", "not_running"),
    ),
)

# ---------------------------------------------------------------- replicaset: a controller that survives

SET_OF = """apiVersion: apps/v1
kind: ReplicaSet
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {app}}}}}
  template:
    metadata: {{labels: {{app: {app}}}}}
    spec: {{containers: [{{name: c, image: nginx}}]}}
"""
LOOP, PROCESS = "replicaset", "learner-replicaset"


def a_set():
    cluster = Cluster(nodes=2, runtime="hollow")
    cluster.kubectl("apply -f -", stdin=SET_OF.format(name="web", app="web", replicas=3))
    cluster.settle()
    return cluster


def labelled(cluster, app="probe"):
    return [p for p in cluster.get("pods") if dig(p, "metadata.labels.app", None) == app and p["metadata"]["namespace"] == "default"]


def active(cluster):
    """The Pods of the ReplicaSet ``probe`` that are not on their way out."""
    owned = [pod for pod in labelled(cluster) if (ref := controller_of(pod)) is not None and ref["name"] == "probe"]
    return [pod for pod in owned if not is_ending(pod)]


def failing(cluster):
    """What the learner's code raised last, where a key fails; refused requests are not counted."""
    loop = cluster.controllers[LOOP]
    return next((error for key, error in loop.errors.items() if "line" in error or "TooMany" in error), "")


def delete(cluster, pod):
    cluster.kubectl(f"delete pod {pod['metadata']['name']} --wait=false")


def most_until(cluster, seconds):
    """The largest number of active Pods that there was within so many seconds."""
    most = 0
    for _ in range(int(seconds * 10)):
        cluster.run_for(0.1)
        most = max(most, len(active(cluster)))
    return most


def makes(cluster):
    """A new set gets its Pods: owned, labelled, three; a killed one is replaced."""
    cluster.kubectl("apply -f -", stdin=SET_OF.format(name="probe", app="probe", replicas=3))
    most = most_until(cluster, 3)
    if failing(cluster):
        yield finding("raises", error=failing(cluster))
    elif not labelled(cluster):
        refused = next(iter(cluster.controllers[LOOP].errors.values()), "")
        yield finding("refused", error=refused) if refused else finding("nothing")
    elif not active(cluster):
        yield finding("no_owner")
    elif most > 3 or len(active(cluster)) != 3:
        yield finding("number", have=most, want=3)
    delete(cluster, active(cluster)[0])
    cluster.run_for(3)
    if len(active(cluster)) != 3:
        yield finding("killed", have=len(active(cluster)))


def replaces(cluster):
    """A Pod is replaced while it is still ending; a smaller number ends some."""
    last = active(cluster)[0]
    cluster.client.patch("pods", last["metadata"]["name"], {"metadata": {"finalizers": ["example.com/slow"]}}, "default")
    delete(cluster, last)
    cluster.run_for(5)
    if len(active(cluster)) != 3:
        yield finding("terminating", have=len(active(cluster)))
    cluster.client.patch("pods", last["metadata"]["name"], {"metadata": {"finalizers": None}}, "default")
    cluster.kubectl("scale replicaset probe --replicas=1")
    cluster.run_for(5)
    if len(active(cluster)) != 1:
        yield finding("down", have=len(active(cluster)))


def shares(cluster):
    """Pods with the same labels that somebody else owns do not count."""
    job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: other}\nspec:\n  parallelism: 2\n  completions: 2\n  template:\n"
    job += "    metadata: {labels: {app: probe}}\n    spec: {restartPolicy: Never, containers: [{name: c, image: nginx}]}\n"
    cluster.kubectl("apply -f -", stdin=job)
    cluster.run_for(5)
    cluster.kubectl("scale replicaset probe --replicas=4")
    cluster.run_for(5)
    if len(active(cluster)) != 4 or len(labelled(cluster)) != 6:
        yield finding("not_yours", have=len(active(cluster)), others=len(labelled(cluster)) - len(active(cluster)))


def restarts(cluster):
    """What happened while it was stopped is found; nothing is made twice."""
    cluster.faults.stop(PROCESS)
    delete(cluster, active(cluster)[0])
    cluster.run_for(2)
    cluster.faults.start(PROCESS)
    most = most_until(cluster, 5)
    if len(active(cluster)) != 3 or most > 3:
        yield finding("restart", have=most if most > 3 else len(active(cluster)))


def drops(cluster):
    """The event of a change is lost with its watch."""
    delete(cluster, active(cluster)[0])
    cluster.faults.break_watches(PROCESS)
    cluster.run_for(10)
    if len(active(cluster)) != 3:
        yield finding("dropped", have=len(active(cluster)))


def errs(cluster):
    """The API server refuses for a moment."""
    cluster.faults.api_errors(4, verb="create", resource="pods")
    cluster.kubectl("scale replicaset probe --replicas=5")
    cluster.run_for(30)
    if len(active(cluster)) != 5:
        yield finding("gave_up", have=len(active(cluster)))


def lags(cluster):
    """News of Pods comes two seconds late, and another change of the set comes before the Pods are seen."""
    cluster.faults.delay_watches(PROCESS, 2, resource="pods")
    cluster.kubectl("scale replicaset probe --replicas=5")
    cluster.run_for(0.5)
    cluster.kubectl("annotate replicaset probe note=hello")
    most = most_until(cluster, 12)
    if most > 5:
        yield finding("stale", most=most)
    if len(active(cluster)) != 5:
        yield finding("late", have=len(active(cluster)))


def ends(cluster):
    """A set that is being deleted gets no new Pods, and one that is gone is no error."""
    cluster.kubectl("delete replicaset probe --cascade=foreground --wait=false")
    cluster.run_for(10)
    if cluster.get("replicasets", "probe") is not None or labelled(cluster):
        yield finding("ending")
    if failing(cluster):
        yield finding("gone_raises", error=failing(cluster))


STORIES = (restarts, replaces, shares, drops, errs, lags, ends)


def check_replicaset(cluster, _answer):
    if not cluster.controllers[LOOP].code:
        yield finding("not_replaced")
        return
    yield from makes(cluster)
    for story in STORIES:
        future = cluster.fork()
        try:
            yield from story(future)
        except (ApiError, IndexError):
            yield finding("lost_in", error=failing(future) or "-")


CODE = '''from k8snb import Controller, Watches, owned_by
from k8snb.apimachinery.meta import controller_of, owner_reference

class MyReplicaSet(Controller):
    watches = ("replicasets.apps", Watches("pods", owned_by("ReplicaSet")))

    def reconcile(self, key):
        rs = self.informers["replicasets.apps"].get(key)
        if rs is None or "deletionTimestamp" in rs["metadata"]:
            return
        namespace = rs["metadata"]["namespace"]
        mine = [pod for pod in self.client.list("pods", namespace) if self.is_mine(rs, pod)]
        wanted = rs["spec"]["replicas"]
        for _ in range(wanted - len(mine)):
            self.client.create("pods", self.pod(rs), namespace)
        for pod in mine[wanted:]:
            self.client.delete("pods", pod["metadata"]["name"], namespace)

    def is_mine(self, rs, pod):
        owner = controller_of(pod)
        return owner is not None and owner["uid"] == rs["metadata"]["uid"] and "deletionTimestamp" not in pod["metadata"]

    def pod(self, rs):
        template = rs["spec"]["template"]
        meta = {"generateName": rs["metadata"]["name"] + "-", "labels": template["metadata"]["labels"]}
        meta["ownerReferences"] = [owner_reference(rs)]
        return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}

lab.controllers.replace("replicaset", MyReplicaSet)'''


def change(*pairs):
    """The solution with some of its text replaced."""
    code = CODE
    for old, new in pairs:
        assert old in code, old
        code = code.replace(old, new)
    return code


LIST = 'self.client.list("pods", namespace)'
CREATE = '            self.client.create("pods", self.pod(rs), namespace)\n'
SWALLOW = (
    '            try:\n                self.client.create("pods", self.pod(rs), namespace)\n'
    "            except Exception:\n                pass\n"
)
OWNED = 'return owner is not None and owner["uid"] == rs["metadata"]["uid"] and '
REMEMBER = (
    '        self.made = getattr(self, "made", {})\n        known = self.made.get(key, 0)\n        self.made[key] = wanted\n'
    "        for _ in range(wanted - known):\n"
)
DELETES = '        for pod in mine[wanted:]:\n            self.client.delete("pods", pod["metadata"]["name"], namespace)\n'
BOOKS = '''        books = self.books = getattr(self, "books", {})
        alive = [pod["metadata"]["uid"] for pod in mine]
        have = books[key] = [uid for uid in books.get(key, []) if uid in alive]
        for _ in range(wanted - len(have)):
            have.append(self.client.create("pods", self.pod(rs), namespace)["metadata"]["uid"])
'''
LOOPED = "        for _ in range(wanted - len(mine)):\n" + CREATE

REPLICASET = Exercise(
    id="replicaset",
    start=a_set,
    check=check_replicaset,
    solution=CODE,
    wrong=(
        Wrong("%kubectl get replicasets", "not_replaced"),
        Wrong(change((LOOPED, "        pass\n"), (DELETES, "")), "nothing"),
        Wrong(change(('        meta["ownerReferences"] = [owner_reference(rs)]\n', "")), "no_owner"),
        Wrong(change(("        for _ in range(wanted - len(mine)):\n", REMEMBER)), "killed"),
        Wrong(change((LOOPED, BOOKS), (DELETES, "")), "restart"),
        Wrong(change((LIST, 'self.informers["pods"].all()')), "stale"),
        Wrong(change((' and "deletionTimestamp" not in pod["metadata"]', "")), "terminating"),
        Wrong(change((OWNED, 'return pod["metadata"]["labels"].get("app") == rs["metadata"]["name"] and ')), "not_yours"),
        Wrong(change((CREATE, SWALLOW)), "gave_up"),
        Wrong(change((DELETES, "")), "down"),
        Wrong(change(('if rs is None or "deletionTimestamp" in rs["metadata"]:', "if rs is None:")), "ending"),
        Wrong(change(('if rs is None or "deletionTimestamp"', 'if "deletionTimestamp"')), "gone_raises"),
        Wrong(change(('rs["spec"]["replicas"]', 'rs["spec"]["replica"]')), "raises"),
        Wrong(change(('"labels": template["metadata"]["labels"]', '"labels": {}')), "nothing"),
        Wrong(change((LOOPED, "        while len(mine) < wanted:\n" + CREATE)), "number"),
        Wrong(change((LOOPED, "        while len(mine) < wanted:\n            pass\n")), "raises"),
    ),
)  # fmt: skip

EXERCISES = (QUEUE, FIRST, SHARED, REPLICASET)
QUIZ = {"events": 1, "cache": 2, "conflict": 0, "once": 1, "memory": 2}
