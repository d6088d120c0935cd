"""The exercises of chapter 13: how many Pods, parts with numbers, an end for what never ends, a flaky batch within its budget."""

from k8snb import Cluster
from k8snb.apimachinery.meta import parse_time
from k8snb.apimachinery.objects import dig
from k8snb.course.exercise import Exercise, Wrong, finding
from k8snb.course.tables import filled, is_pair, lines
from k8snb.course.world import condition, is_over
from k8snb.sim.clock import SECOND


def pods_of(cluster, job):
    """The Pods of a Job, also those that have ended."""
    uid = job["metadata"]["uid"]
    return [pod for pod in cluster.get("pods") if dig(pod, ("metadata", "ownerReferences", 0, "uid")) == uid]


# ---------------------------------------------------------------- numbers: how many?

COUNTS = {
    "completions 5, parallelism 2, all succeed": (2, 5),
    "completions 3, parallelism 10, all succeed": (3, 3),
    "backoffLimit 4, all fail": (1, 5),
    "backoffLimit 0, all fail": (1, 1),
}


@lines(COUNTS, blank=(..., ...))
def check_numbers(case, right, given):
    most, total = right
    if given is ...:
        yield finding("missing", case=case)
    elif not is_pair(given):
        yield finding("pair", case=case)
    elif given[0] != most:
        yield finding("parallel" if "parallelism" in case else "alone", case=case, given=given[0])
    elif given[1] != total:
        yield finding("total" if "succeed" in case else "forgiven", case=case, given=given[1])


counts = filled(COUNTS)
NUMBERS = Exercise(
    id="numbers",
    check=check_numbers,
    solution=counts(),
    wrong=(
        Wrong(counts(**{"backoffLimit 4, all fail": (1, 4)}), "forgiven"),
        Wrong(counts(**{"backoffLimit 0, all fail": (1, 0)}), "forgiven"),
        Wrong(counts(**{"completions 3, parallelism 10, all succeed": (10, 10)}), "parallel"),
        Wrong(counts(**{"backoffLimit 4, all fail": (5, 5)}), "alone"),
        Wrong(counts(**{"completions 5, parallelism 2, all succeed": (2, 10)}), "total"),
        Wrong(counts(**{"backoffLimit 4, all fail": 5}), "pair"),
    ),
)

# ---------------------------------------------------------------- parts: four parts, each by a Pod of its own

ARCHIVE = """apiVersion: batch/v1
kind: Job
metadata:
  name: archive
spec:
  completions: 4{more}
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: pack
        image: busybox:1.36
        command: [sh, -c]
        args:
        - |
          {guard}
          sleep 20
          echo "part $JOB_COMPLETION_INDEX packed"
"""
GUARD = 'if [ -z "$JOB_COMPLETION_INDEX" ]; then echo "which part?"; exit 1; fi'
PARTS = ("part 0 packed", "part 1 packed", "part 2 packed", "part 3 packed")


def archive(*fields, guard=GUARD):
    return "%%manifest\n" + ARCHIVE.format(more="".join(f"\n  {field}" for field in fields), guard=guard)


def two_nodes():
    return Cluster(nodes=2)


def check_parts(cluster, _answer):
    if cluster.get("jobs", "archive") is None:
        yield finding("none")
        return
    cluster.run_until(lambda now: is_over(now.get("jobs", "archive")), limit=120)
    job = cluster.get("jobs", "archive")
    done = [pod["metadata"]["name"] for pod in pods_of(cluster, job) if pod["status"].get("phase") == "Succeeded"]
    said = [cluster.kubectl(f"logs {name} --tail=1").text.strip() for name in done]
    if dig(job, "status.failed", 0) and not done:
        reason = condition(job, "Failed").get("reason", "")
        yield finding("ended", reason=reason) if job["spec"].get("completionMode") == "Indexed" else finding("asks")
    missing = [part for part in PARTS if part not in said]
    if missing and len(done) >= 4:
        yield finding("same", count=len(done), part=missing[0].removesuffix(" packed"))
    elif missing:
        yield finding("missing", part=missing[0].removesuffix(" packed"))
    if len(done) > 4:
        yield finding("many", count=len(done))
    if any(said.count(part) > 1 for part in PARTS):
        yield finding("twice")
    if not is_over(job):
        yield finding("running")
        return
    began = job["status"]["startTime"]
    took = (parse_time(job["status"].get("completionTime", began)) - parse_time(began)) // SECOND
    if took > 60:
        yield finding("slow", took=took)


PARTS_EXERCISE = Exercise(
    id="parts",
    start=two_nodes,
    check=check_parts,
    solution=archive("parallelism: 4", "completionMode: Indexed"),
    wrong=(
        Wrong(archive("parallelism: 4"), "asks"),
        Wrong(archive("completionMode: Indexed"), "slow"),
        Wrong(archive("parallelism: 4", guard="JOB_COMPLETION_INDEX=0"), "same"),
        Wrong(archive("parallelism: 4", "completionMode: Indexed").replace("completions: 4", "completions: 3"), "missing"),
        Wrong(archive("parallelism: 5", "completionMode: Indexed").replace("completions: 4", "completions: 5"), "many"),
        Wrong(archive("parallelism: 4", "completionMode: Indexed", "activeDeadlineSeconds: 10"), "ended"),
        Wrong("%kubectl get jobs", "none"),
    ),
)

# ---------------------------------------------------------------- hang: do not wait for ever

PRINT = """apiVersion: batch/v1
kind: Job
metadata:
  name: print
spec:
  backoffLimit: 0{more}
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: print
        image: busybox:1.36
        command: [sh, -c, "echo waiting for the printer; sleep 3600"]
"""
WAITING = "echo waiting for the printer; sleep 3600"


def printing(*fields):
    return "%%manifest\n" + PRINT.format(more="".join(f"\n  {field}" for field in fields))


def check_hang(cluster, _answer):
    job = cluster.get("jobs", "print")
    if job is None:
        yield finding("none")
        return
    container = dig(job, ("spec", "template", "spec", "containers", 0))
    if [*container.get("command", ()), *container.get("args", ())] != ["sh", "-c", WAITING]:
        yield finding("program")
    cluster.run_until(lambda now: is_over(now.get("jobs", "print") or job), limit=150)
    ended = cluster.get("jobs", "print")
    if ended is None:
        yield finding("early")
        return
    if not is_over(ended):
        yield finding("waits")
        return
    if not any(dig(ended, path, None) for path in ("spec.activeDeadlineSeconds", "spec.template.spec.activeDeadlineSeconds")):
        yield finding("by_hand")
        return
    decided = condition(ended, "FailureTarget")  # Failed follows once the Pod has ended, after its grace period
    took = (parse_time(decided["lastTransitionTime"]) - parse_time(ended["status"]["startTime"])) // SECOND
    if took < 30:
        yield finding("hasty", took=took)
    elif took > 60:
        yield finding("late", took=took)
    kept = ended["spec"].get("ttlSecondsAfterFinished")
    if kept is not None and kept < 60:
        yield finding("early")
    cluster.run_for(660)
    if cluster.get("jobs", "print") is not None:
        yield finding("left")


HANG = Exercise(
    id="hang",
    start=two_nodes,
    check=check_hang,
    solution=printing("activeDeadlineSeconds: 30", "ttlSecondsAfterFinished: 300"),
    wrong=(
        Wrong(printing("ttlSecondsAfterFinished: 300"), "waits"),
        Wrong(printing("activeDeadlineSeconds: 30"), "left"),
        Wrong(printing("activeDeadlineSeconds: 10", "ttlSecondsAfterFinished: 300"), "hasty"),
        Wrong(printing("activeDeadlineSeconds: 30", "ttlSecondsAfterFinished: 0"), "early"),
        Wrong(printing().replace("sleep 3600", "sleep 40"), "program"),
        Wrong("%kubectl get jobs", "none"),
    ),
)

# ---------------------------------------------------------------- flaky: a batch within its budget

PRICES = """
apiVersion: v1
kind: Pod
metadata: {name: prices, labels: {app: prices}}
spec:
  containers:
  - {name: prices, image: "k8snb/slow-starter:1.0", env: [{name: STARTUP, value: "25"}]}
---
apiVersion: v1
kind: Service
metadata: {name: prices}
spec: {selector: {app: prices}, ports: [{port: 80, targetPort: 8080}]}
"""
PROGRAM = """if [ $JOB_COMPLETION_INDEX = 3 ]; then echo "no address"; exit 42; fi
wget -q -O- http://prices || exit 1
echo "invoice $JOB_COMPLETION_INDEX sent"
"""
INVOICES = """apiVersion: batch/v1
kind: Job
metadata:
  name: invoices
spec:
  completionMode: Indexed
  completions: 6
  parallelism: {parallelism}
{limits}
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: invoice
        image: busybox:1.36
        command: [sh, -c]
        args:
        - |
{program}"""
POLICY = """  podFailurePolicy:
    rules:
    - action: {action}
      onExitCodes:
        operator: In
        values: [42]"""
GOOD = ("0", "1", "2", "4", "5")
BUDGET, MINUTES = 12, 5


def invoices(*limits, parallelism=6, program=PROGRAM):
    body = "".join(f"          {line}\n" for line in program.splitlines())
    return "%%manifest\n" + INVOICES.format(parallelism=parallelism, limits="\n".join(limits), program=body)


def young_service():
    cluster = Cluster(nodes=3)
    cluster.kubectl("apply -f -", stdin=PRICES)
    return cluster


def index_of(pod):
    return dig(pod, ("metadata", "labels", "batch.kubernetes.io/job-completion-index"), "")


def check_flaky(cluster, _answer):
    job = cluster.get("jobs", "invoices")
    if job is None:
        yield finding("none")
        return
    container = dig(job, ("spec", "template", "spec", "containers", 0))
    if [*container.get("command", ()), *container.get("args", ())] != ["sh", "-c", PROGRAM]:
        yield finding("program")
    if cluster.get("services", "prices") is None or cluster.get("pods", "prices") is None:
        yield finding("no_prices")
    if job["spec"].get("completions") != 6:
        yield finding("count", count=job["spec"].get("completions", 1))
    cluster.run_until(lambda now: is_over(now.get("jobs", "invoices") or job), limit=MINUTES * 60)
    job = cluster.get("jobs", "invoices")
    if job is None:
        yield finding("none")
        return
    sent = {index_of(pod) for pod in pods_of(cluster, job) if pod["status"].get("phase") == "Succeeded"}
    lost = [number for number in GOOD if number not in sent]
    failed = dig(job, "status.failed", 0)
    if not is_over(job):
        yield finding("waits" if lost else "running", failed=failed, sent=len(sent))
        return
    if lost:
        yield finding("lost", reason=condition(job, "Failed").get("reason", "Complete"), number=lost[0], failed=failed)
    if failed > BUDGET:
        yield finding("spent", failed=failed)
    if dig(job, "status.failedIndexes", "") != "3":
        yield finding("unmarked")


PER_INDEX = "  backoffLimitPerIndex: 3"
FLAKY = Exercise(
    id="flaky",
    start=young_service,
    check=check_flaky,
    solution=invoices(PER_INDEX, POLICY.format(action="FailIndex")),
    wrong=(
        Wrong(invoices("  backoffLimit: 3"), "lost"),
        Wrong(invoices("  backoffLimit: 20"), "waits"),
        Wrong(invoices(PER_INDEX), "spent"),
        Wrong(invoices("  backoffLimitPerIndex: 1", POLICY.format(action="FailIndex")), "lost"),
        Wrong(invoices(PER_INDEX, POLICY.format(action="FailJob")), "lost"),
        Wrong(invoices(PER_INDEX, POLICY.format(action="Ignore")), "running"),
        Wrong(invoices(PER_INDEX, program=PROGRAM.replace("exit 42", "exit 0")), "program"),
        Wrong(invoices(PER_INDEX, POLICY.format(action="FailIndex")).replace("completions: 6", "completions: 5"), "count"),
        Wrong("%kubectl delete job invoices --ignore-not-found", "none"),
    ),
)

EXERCISES = (NUMBERS, PARTS_EXERCISE, HANG, FLAKY)
QUIZ = {"never": 1, "once": 2, "change": 0, "deadline": 1}
