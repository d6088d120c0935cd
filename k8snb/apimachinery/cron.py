"""Cron schedules, as the library that Kubernetes uses reads them: five fields, or a descriptor.

    parse("*/15 8-18 * * mon-fri").next(now)      # the next minute that matches, in microseconds
    parse("@every 1h30m").next(now)

Laws: a field is a set of numbers; a minute matches when all fields contain it, except that with *both* day fields
restricted one of them is enough. ``parse`` refuses with the library's own words (:class:`CronError`), because the API
server passes them on.

Models: github.com/robfig/cron/v3 (parser.go, spec.go, constantdelay.go), used by batch/v1 validation and by the
CronJob controller.
Simplified: when clocks are put forward, a time that does not exist is moved by an hour; upstream skips around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from k8snb.apimachinery.duration import parse_duration
from k8snb.apimachinery.strconv import atoi

SECOND = 1_000_000
_YEARS_AHEAD = 5


class CronError(ValueError):
    """The schedule cannot be read; the text says why, in the library's words."""


class _Bounds(NamedTuple):
    low: int
    high: int
    names: tuple[str, ...] = ()


_MONTHS = ("", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (_Bounds(0, 59), _Bounds(0, 23), _Bounds(1, 31), _Bounds(1, 12, _MONTHS), _Bounds(0, 6, _DAYS))
_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@dataclass(frozen=True, slots=True)
class Every:
    """A constant delay: ``@every 90s``. ``delay`` in microseconds, whole seconds."""

    delay: int

    def next(self, after: int, zone: tzinfo = UTC) -> int | None:
        """The next activation after ``after`` (microseconds since the epoch)."""
        return after - after % SECOND + self.delay


@dataclass(frozen=True, slots=True)
class Fields:
    """Five sets of numbers: minute, hour, day of month, month, day of week (0 is Sunday)."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool  # one of the two day fields is a star: both must match
    zone: tzinfo | None = None

    def next(self, after: int, zone: tzinfo = UTC) -> int | None:
        """The next activation strictly after ``after`` (microseconds since the epoch), or None within five years."""
        local = datetime.fromtimestamp(after // SECOND, UTC).astimezone(self.zone or zone).replace(second=0)
        first = local + timedelta(minutes=1)
        day, limit = first.replace(hour=0, minute=0), local.year + _YEARS_AHEAD
        while day.year <= limit:
            if self._day_matches(day):
                found = self._first_on(day, after)
                if found is not None:
                    return found
                day = day.replace(hour=0, minute=0) + timedelta(days=1)
            elif day.month not in self.months:
                day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            else:
                day += timedelta(days=1)
        return None

    def _day_matches(self, day: datetime) -> bool:
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (of_month and of_week) if self.any_day else (of_month or of_week)

    def _first_on(self, day: datetime, after: int) -> int | None:
        for hour in sorted(self.hours):
            for minute in sorted(self.minutes):
                moment = int(day.replace(hour=hour, minute=minute, fold=0).timestamp()) * SECOND
                if moment > after:
                    return moment
        return None


def parse(schedule: str) -> Fields | Every:
    """Read a schedule.

    >>> parse("0 4 * * *").next(0) // 3_600_000_000
    4
    """
    if not schedule:
        raise CronError("empty spec string")
    zone: tzinfo | None = None
    if schedule.startswith(("TZ=", "CRON_TZ=")):
        named, _, rest = schedule.partition(" ")
        zone, schedule = _location(named.partition("=")[2]), rest.strip()
    if schedule.startswith("@"):
        return _descriptor(schedule, zone)
    return _fields(schedule, zone)


def _location(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise CronError(f"provided bad location {name}: unknown time zone {name}") from None


def _descriptor(text: str, zone: tzinfo | None) -> Fields | Every:
    if text in _DESCRIPTORS:
        return _fields(_DESCRIPTORS[text], zone)
    if text.startswith("@every "):
        try:
            return Every(max(parse_duration(text[7:]) // SECOND, 1) * SECOND)
        except ValueError as error:
            raise CronError(f"failed to parse duration {text}: {error}") from None
    raise CronError(f"unrecognized descriptor: {text}")


def _fields(schedule: str, zone: tzinfo | None) -> Fields:
    words = schedule.split()
    if len(words) != len(_FIELDS):
        raise CronError(f"expected exactly {len(_FIELDS)} fields, found {len(words)}: [{' '.join(words)}]")
    sets, stars = [], []
    for word, bounds in zip(words, _FIELDS, strict=True):
        numbers, star = _field(word, bounds)
        sets.append(numbers)
        stars.append(star)
    minutes, hours, days, months, weekdays = sets
    return Fields(minutes, hours, days, months, weekdays, any_day=stars[2] or stars[4], zone=zone)


def _field(word: str, bounds: _Bounds) -> tuple[frozenset[int], bool]:
    numbers: set[int] = set()
    star = False
    for expression in filter(None, word.split(",")):
        found, starred = _range(expression, bounds)
        numbers.update(found)
        star = star or starred
    return frozenset(numbers), star


def _range(expression: str, bounds: _Bounds) -> tuple[range, bool]:
    span, *steps = expression.split("/")
    ends = span.split("-")
    star = ends[0] in ("*", "?")
    if star:
        start, end = bounds.low, bounds.high
    else:
        start, end = _ends(ends, bounds, expression)
    if len(steps) > 1:
        raise CronError(f"too many slashes: {expression}")
    step = _number(steps[0]) if steps else 1
    if steps and len(ends) == 1:
        end = bounds.high  # "N/step" means "N-max/step"
    _check_range((start, end, step), bounds, expression)
    return range(start, end + 1, step), star and step <= 1


def _ends(ends: list[str], bounds: _Bounds, expression: str) -> tuple[int, int]:
    start = _number_or_name(ends[0], bounds)
    if len(ends) == 1:
        return start, start
    if len(ends) == 2:
        return start, _number_or_name(ends[1], bounds)
    raise CronError(f"too many hyphens: {expression}")


def _check_range(numbers: tuple[int, int, int], bounds: _Bounds, expression: str) -> None:
    start, end, step = numbers
    if start < bounds.low:
        raise CronError(f"beginning of range ({start}) below minimum ({bounds.low}): {expression}")
    if end > bounds.high:
        raise CronError(f"end of range ({end}) above maximum ({bounds.high}): {expression}")
    if start > end:
        raise CronError(f"beginning of range ({start}) beyond end of range ({end}): {expression}")
    if step == 0:
        raise CronError(f"step of range should be a positive number: {expression}")


def _number_or_name(text: str, bounds: _Bounds) -> int:
    lower = text.lower()
    return bounds.names.index(lower) if lower and lower in bounds.names else _number(text)


def _number(text: str) -> int:
    try:
        number = atoi(text)
    except ValueError as problem:
        raise CronError(f"failed to parse int from {text}: {problem}") from None
    if number < 0:
        raise CronError(f"negative number ({number}) not allowed: {text}")
    return number
