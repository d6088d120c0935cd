"""The exercises of chapter 14: schedules, reports that never overlap, backups that are not made by day, eight o'clock in Berlin."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from k8snb import Cluster
from k8snb.apimachinery.cron import CronError, parse
from k8snb.apimachinery.objects import dig
from k8snb.controllers.cronjob.schedule import zone_of
from k8snb.course.exercise import Exercise, Wrong, finding
from k8snb.course.tables import filled, lines
from k8snb.course.world import condition
from k8snb.sim.clock import EPOCH, HOUR, MINUTE, SECOND

# ---------------------------------------------------------------- cron: five fields

SCHEDULES = {
    "every day at 02:30": "30 2 * * *",
    "every 15 minutes": "*/15 * * * *",
    "Monday to Friday at 08:00": "0 8 * * 1-5",
    "at midnight, on the first day of every month": "0 0 1 * *",
}
TIMES = 100


def times(schedule):
    """The first times of a schedule, in µs. Raises CronError for one that cannot be read."""
    found, rule, moment = [], parse(schedule), EPOCH
    while len(found) < TIMES and (moment := rule.next(moment)) is not None:
        found.append(moment)
    return found


def clock(moment, zone=UTC):
    return datetime.fromtimestamp(moment // SECOND, zone).strftime("%A %Y-%m-%d %H:%M")


@lines(SCHEDULES, blank="* * * * *")
def check_cron(case, right, given):
    if not isinstance(given, str):
        yield finding("missing", case=case)
        return
    try:
        have, want = times(given), times(right)
    except CronError as error:
        yield finding("refused", case=case, error=error)
        return
    if have == want:
        return
    wrong, lost = next((t for t in have if t not in want), None), next((t for t in want if t not in have), None)
    if lost is None or (wrong is not None and wrong < lost):
        yield finding("extra", case=case, given=given, when=clock(wrong or have[0]))
    else:
        yield finding("lost", case=case, given=given, when=clock(lost))


table = filled(SCHEDULES)
CRON = Exercise(
    id="cron",
    check=check_cron,
    solution=table(),
    wrong=(
        Wrong(table(**{"every day at 02:30": "2 30 * * *"}), "refused"),
        Wrong(table(**{"every day at 02:30": "* 2 * * *"}), "extra"),
        Wrong(table(**{"every 15 minutes": "15 * * * *"}), "lost"),
        Wrong(table(**{"Monday to Friday at 08:00": "0 8 * * 1,5"}), "lost"),
        Wrong(table(**{"at midnight, on the first day of every month": "* * 1 * *"}), "extra"),
        Wrong(table(**{"every 15 minutes": 15}), "missing"),
    ),
)

# ---------------------------------------------------------------- overlap: a nightly report

REPORT = """apiVersion: batch/v1
kind: CronJob
metadata:
  name: {name}
spec:
  schedule: "{schedule}"{more}
  jobTemplate:
    spec:{job}
      template:
        spec:
          restartPolicy: Never
          containers:
          - name: {name}
            image: busybox:1.36
            command: [sh, -c, "{program}"]
"""
NIGHTLY, WRITING = "0 1-3 * * *", "echo writing; sleep 5400; echo done"
DAY, LOOK = 24 * HOUR, 10 * 60
EVENING = 50 * MINUTE  # time of day at which the night's check begins, at the latest
MORNING = 6 * HOUR


def cronjob(name, schedule, program, *fields, job=""):
    more = "".join(f"\n  {field}" for field in fields)
    return REPORT.format(name=name, schedule=schedule, program=program, more=more, job=f"\n      {job}" if job else "")


def nightly(*fields, schedule=NIGHTLY, job="", program=WRITING):
    return "%%manifest\n" + cronjob("report", schedule, program, *fields, job=job)


def before_one():
    cluster = Cluster(nodes=1, start=EPOCH + EVENING)
    cluster.kubectl("apply -f -", stdin=cronjob("report", NIGHTLY, WRITING))
    return cluster


def pass_night(cluster):
    """Let time pass until six in the morning: the most Pods that ran at once, Jobs that were finished, and Jobs that went before."""
    of_day = (cluster.now - EPOCH) % DAY
    left = (MORNING - of_day if of_day < HOUR else MORNING + DAY - of_day) // SECOND
    most, known, over, done = 0, set(), set(), set()
    for _ in range(left // LOOK + 1):
        cluster.run_for(LOOK)
        most = max(most, len([pod for pod in cluster.get("pods") if pod["status"].get("phase") == "Running"]))
        known |= {job["metadata"]["name"] for job in cluster.get("jobs")}
        done |= told(cluster, "Completed")
        over |= done | told(cluster, "BackoffLimitExceeded") | told(cluster, "DeadlineExceeded")
    return most, done, known - over - {job["metadata"]["name"] for job in cluster.get("jobs")}


def told(cluster, reason):
    """The Jobs of which an Event says this. (A finished Job may be cleaned away before anybody has looked at it.)"""
    return {event["involvedObject"]["name"] for event in cluster.get("events") if event["reason"] == reason}


def check_overlap(cluster, _answer):
    report = cluster.get("cronjobs", "report")
    if report is None:
        yield finding("gone")
        return
    zone = report["spec"].get("timeZone", "UTC")
    if times(report["spec"]["schedule"]) != times(NIGHTLY) or zone not in ("UTC", "Etc/UTC"):
        yield finding("schedule", schedule=report["spec"]["schedule"], zone=zone)
    container = dig(report, ("spec", "jobTemplate", "spec", "template", "spec", "containers", 0))
    if [*container.get("command", ()), *container.get("args", ())] != ["sh", "-c", WRITING]:
        yield finding("program")
    most, done, cut = pass_night(cluster)
    if cut:
        yield finding("cut", job=min(cut))
    if most > 1:
        yield finding("overlap", most=most)
    jobs = cluster.get("jobs")
    failed = [job for job in jobs if condition(job, "Failed").get("status") == "True"]
    if failed:
        yield finding("failed", reason=condition(failed[0], "Failed").get("reason", ""))
    if not done:
        yield finding("none")


OVERLAP = Exercise(
    id="overlap",
    start=before_one,
    check=check_overlap,
    solution=nightly("concurrencyPolicy: Forbid"),
    wrong=(
        Wrong(nightly(), "overlap"),
        Wrong(nightly("concurrencyPolicy: Replace"), "cut"),
        Wrong(nightly("suspend: true"), "none"),
        Wrong(nightly(schedule="0 1 * * *"), "schedule"),
        Wrong(nightly("concurrencyPolicy: Forbid", "timeZone: Europe/Berlin"), "schedule"),
        Wrong(nightly(job="activeDeadlineSeconds: 3500"), "failed"),
        Wrong(nightly("concurrencyPolicy: Forbid", program="sleep 600"), "program"),
        Wrong("%kubectl delete cronjob report", "gone"),
    ),
)

# ---------------------------------------------------------------- late: not in the daytime

BACKUP = ("backup", "0 2 * * *", "echo saving; sleep 600")
BEGIN = HOUR + 50 * MINUTE
MANAGER = "kube-controller-manager"


def before_two():
    cluster = Cluster(nodes=1, start=EPOCH + BEGIN)
    cluster.kubectl("apply -f -", stdin=cronjob(*BACKUP))
    return cluster


def runs_after(cluster, absence):
    """How many Jobs there are when the controller was away for so many seconds, and has been back for ten minutes."""
    future = cluster.fork()
    future.faults.stop(MANAGER)
    future.run_for(absence)
    future.faults.start(MANAGER)
    future.run_for(600)
    return len(future.get("jobs"))


def check_late(cluster, _answer):
    backup = cluster.get("cronjobs", "backup")
    if backup is None:
        yield finding("gone")
        return
    if times(backup["spec"]["schedule"]) != times(BACKUP[1]):
        yield finding("schedule", schedule=backup["spec"]["schedule"])
    to_two = (2 * HOUR - (cluster.now - EPOCH) % DAY) // SECOND
    if to_two <= 0 or cluster.get("jobs"):
        yield finding("over")
        return
    usual = cluster.fork()
    usual.run_for(to_two + 60)
    if not usual.get("jobs"):
        yield finding("never")
    if not runs_after(cluster, to_two + 30 * 60):
        yield finding("lost")
    if runs_after(cluster, to_two + 4 * 3600):
        yield finding("daytime")


def later(field):
    return f"lab.kubectl(['patch', 'cronjob', 'backup', '--patch', '{{\"spec\": {{{field}}}}}'])"


LATE = Exercise(
    id="late",
    start=before_two,
    check=check_late,
    solution=later('"startingDeadlineSeconds": 3600'),
    wrong=(
        Wrong("%kubectl get cronjobs", "daytime"),
        Wrong(later('"startingDeadlineSeconds": 60'), "lost"),
        Wrong(later('"startingDeadlineSeconds": 86400'), "daytime"),
        Wrong(later('"concurrencyPolicy": "Forbid"'), "daytime"),
        Wrong(later('"suspend": true'), "never"),
        Wrong(later('"schedule": "0 2 * * 1"'), "schedule"),
        Wrong("%kubectl delete cronjob backup", "gone"),
    ),
)

# ---------------------------------------------------------------- zone: at eight in Berlin

BERLIN = ZoneInfo("Europe/Berlin")
SEASONS = (datetime(2026, 1, 14, tzinfo=BERLIN), datetime(2026, 7, 14, tzinfo=BERLIN))
LETTER = "echo Guten Morgen"


def empty():
    return Cluster(nodes=1)


def letter(*fields, schedule="0 8 * * *"):
    return "%%manifest\n" + cronjob("letter", schedule, LETTER, *fields)


def check_zone(cluster, _answer):
    found = cluster.get("cronjobs", "letter")
    if found is None:
        yield finding("none")
        return
    if found["spec"].get("suspend"):
        yield finding("suspended")
    rule, zone = parse(found["spec"]["schedule"]), zone_of(found)
    for day in SEASONS:
        midnight = int(day.timestamp()) * SECOND
        first = rule.next(midnight - SECOND, zone)
        second = None if first is None else rule.next(first, zone)
        if first != midnight + 8 * HOUR:
            yield finding("hour", day=day.strftime("%d.%m."), when=clock(first, BERLIN)[-5:] if first else "-")
        if second is not None and second < midnight + 32 * HOUR:
            yield finding("often", day=day.strftime("%d.%m."))
        missing = [midnight + (8 + 24 * later) * HOUR for later in range(1, 7)]
        if gone := [moment for moment in missing if rule.next(moment - SECOND, zone) != moment]:
            yield finding("seldom", day=clock(gone[0], BERLIN).partition(" ")[0])


ZONE = Exercise(
    id="zone",
    start=empty,
    check=check_zone,
    solution=letter('timeZone: "Europe/Berlin"'),
    wrong=(
        Wrong(letter(schedule="0 7 * * *"), "hour"),
        Wrong(letter(), "hour"),
        Wrong(letter('timeZone: "Etc/GMT-1"'), "hour"),
        Wrong(letter('timeZone: "Europe/Berlin"', schedule="* 8 * * *"), "often"),
        Wrong(letter('timeZone: "Europe/Berlin"', schedule="0 8 * * 1-5"), "seldom"),
        Wrong(letter('timeZone: "Berlin"'), "none"),
        Wrong(letter(schedule="TZ=Europe/Berlin 0 8 * * *"), "none"),
    ),
)

EXERCISES = (CRON, OVERLAP, LATE, ZONE)
QUIZ = {"forbid": 1, "missed": 0, "minutes": 2, "exact": 1}
