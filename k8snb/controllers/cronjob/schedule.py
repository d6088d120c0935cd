"""Whether a CronJob starts a Job now, and when to look again. Pure: an observation in, a decision out.

Only the most recent of the missed times counts: a controller that was away for a day starts one Job, not a thousand. With
``startingDeadlineSeconds`` it starts none when even that time is too long ago.

    Allow     runs may overlap
    Forbid    no new one while one runs
    Replace   the one that runs is deleted first

Models: pkg/controller/cronjob/cronjob_controllerv2.go (syncCronJob, nextScheduleTimeDuration), utils.go (mostRecentScheduleTime).
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from k8snb.apimachinery.cron import CronError, Every, Fields, parse
from k8snb.apimachinery.meta import parse_time
from k8snb.apimachinery.objects import Object, dig
from k8snb.sim.clock import MILLISECOND, MINUTE, SECOND

MARGIN = 100 * MILLISECOND  # look a little after the time, not a little before
TOO_MANY = 100


class Said(NamedTuple):
    """An Event to write: type, reason, message."""

    type: str
    reason: str
    message: str


class Decision(NamedTuple):
    """The time (µs) whose Job is to be started now, whether running ones go first, what to say, and how long to wait then (µs)."""

    start: int | None = None
    replace: bool = False
    said: tuple[Said, ...] = ()
    wait: int | None = None


class Times(NamedTuple):
    """Where counting began, the most recent time that has come since (if any), and how many have been missed."""

    earliest: int
    recent: int | None
    missed: int


def zone_of(cronjob: Object) -> tzinfo:
    """The time zone of the schedule. Raises KeyError, ValueError or OSError for an unknown one."""
    name = cronjob["spec"].get("timeZone")
    return ZoneInfo(name) if name else UTC


def decide(cronjob: Object, now: int) -> Decision:
    """Whether a Job is to be started now."""
    if "deletionTimestamp" in cronjob["metadata"]:
        return Decision()
    try:
        zone = zone_of(cronjob)
    except (KeyError, ValueError, OSError):
        name = cronjob["spec"]["timeZone"]
        return Decision(said=(Said("Warning", "UnknownTimeZone", f'invalid timeZone: "{name}": unknown time zone {name}'),))
    if cronjob["spec"].get("suspend"):
        return Decision()
    text = cronjob["spec"]["schedule"]
    try:
        schedule = parse(text)
    except CronError as error:
        return Decision(said=(Said("Warning", "UnparseableSchedule", f'unparseable schedule: "{text}" : {error}'),))
    return _decide(cronjob, schedule, zone, now)


def _decide(cronjob: Object, schedule: Fields | Every, zone: tzinfo, now: int) -> Decision:
    times = most_recent(cronjob, schedule, zone, now)
    wait = _wait(cronjob, schedule, zone, now)
    said: tuple[Said, ...] = ()
    if times.missed > TOO_MANY:
        words = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
        said = (Said("Warning", "TooManyMissedTimes", words),)
    if times.recent is None:
        return Decision(said=said, wait=wait)
    deadline = cronjob["spec"].get("startingDeadlineSeconds")
    if deadline is not None and times.recent + deadline * SECOND < now:
        when = datetime.fromtimestamp(times.recent // SECOND, UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
        return Decision(said=(*said, Said("Warning", "MissSchedule", f"Missed scheduled time to start a job: {when}")), wait=wait)
    if _is_started(cronjob, times.recent):
        return Decision(said=said, wait=wait)
    active, policy = dig(cronjob, "status.active", ()), cronjob["spec"]["concurrencyPolicy"]
    if policy == "Forbid" and active:
        words = "Not starting job because prior execution is running and concurrency policy is Forbid"
        return Decision(said=(*said, Said("Normal", "JobAlreadyActive", words)), wait=wait)
    return Decision(times.recent, policy == "Replace", said, wait)


def _is_started(cronjob: Object, moment: int) -> bool:
    name, last = job_name(cronjob, moment), dig(cronjob, "status.lastScheduleTime")
    known = any(ref["name"] == name for ref in dig(cronjob, "status.active", ()))
    return known or (last is not None and parse_time(last) == moment)


def job_name(cronjob: Object, moment: int) -> str:
    """The name of the Job of a time: with the minute, so that a time never has two Jobs."""
    return f"{cronjob['metadata']['name']}-{moment // MINUTE}"


def _wait(cronjob: Object, schedule: Fields | Every, zone: tzinfo, now: int) -> int | None:
    times = most_recent(cronjob, schedule, zone, now, with_deadline=False)
    since = times.recent if times.recent is not None else (times.earliest if not times.missed else now)
    following = schedule.next(since, zone)
    return None if following is None else following + MARGIN - now


def most_recent(cronjob: Object, schedule: Fields | Every, zone: tzinfo, now: int, *, with_deadline: bool = True) -> Times:
    """The most recent time that has come and was not served."""
    last = dig(cronjob, "status.lastScheduleTime") or cronjob["metadata"]["creationTimestamp"]
    earliest = parse_time(last)
    deadline = cronjob["spec"].get("startingDeadlineSeconds")
    if with_deadline and deadline is not None:
        earliest = max(earliest, now - deadline * SECOND)
    first = schedule.next(earliest, zone)
    if first is None or first > now:
        return Times(earliest, None, 0)
    second = schedule.next(first, zone)
    if second is None or second > now:
        return Times(earliest, first, 0)
    missed = (now - first) // (second - first) + 1
    moment = schedule.next(first + (missed - 2) * (second - first), zone)
    recent: int | None = None
    while moment is not None and moment <= now:
        recent, moment = moment, schedule.next(moment, zone)
    return Times(earliest, recent, missed)
