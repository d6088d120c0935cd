"""Cron schedules: what is accepted, what is refused in which words, and when they fire next."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from k8snb.apimachinery.cron import SECOND, CronError, parse


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


@pytest.mark.parametrize("schedule", ["@every 1h", "0 0 31 2 *", "? * * * ?", "  1   2 3 4 5 ", "0 0 * JAN-mar Mon"])
def test_accepted_surprisingly(schedule: str) -> None:
    assert parse(schedule)


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("0 0 * * 1#1", 'failed to parse int from 1#1: strconv.Atoi: parsing "1#1": invalid syntax'),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("10-5 * * * *", "beginning of range (10) beyond end of range (5): 10-5"),
        ("0 */5 * * * *", "expected exactly 5 fields, found 6: [0 */5 * * * *]"),
        ("every day", "expected exactly 5 fields, found 2: [every day]"),
        ("0 0 * * 7", "end of range (7) above maximum (6): 7"),
        ("0 0 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("@every 1x", 'failed to parse duration @every 1x: time: unknown unit "x" in duration "1x"'),
        ("9" * 20 + " * * * *", f'failed to parse int from {"9" * 20}: strconv.Atoi: parsing "{"9" * 20}": value out of range'),
        ("@reboot", "unrecognized descriptor: @reboot"),
        ("", "empty spec string"),
    ],
)
def test_refused_in_the_words_of_the_library(schedule: str, words: str) -> None:
    with pytest.raises(CronError) as refusal:
        parse(schedule)
    assert str(refusal.value) == words


@pytest.mark.parametrize(
    ("schedule", "now", "then"),
    [
        ("0 4 * * *", "2025-03-01T04:00:00", "2025-03-02T04:00:00"),
        ("*/15 * * * *", "2025-03-01T04:14:59", "2025-03-01T04:15:00"),
        ("0 0 29 2 *", "2025-03-01T00:00:00", "2028-02-29T00:00:00"),
        ("0 0 13 * 5", "2025-06-01T00:00:00", "2025-06-06T00:00:00"),  # either day is enough
        ("@every 90s", "2025-03-01T04:00:00", "2025-03-01T04:01:30"),
        ("@monthly", "2025-12-31T23:59:59", "2026-01-01T00:00:00"),
    ],
)
def test_next(schedule: str, now: str, then: str) -> None:
    assert parse(schedule).next(at(now)) == at(then)


def test_a_day_that_never_comes_has_no_next() -> None:
    assert parse("0 0 31 2 *").next(at("2025-01-01T00:00:00")) is None


def test_next_in_a_time_zone() -> None:
    assert parse("0 9 * * *").next(at("2025-01-01T00:00:00"), ZoneInfo("Asia/Tokyo")) == at("2025-01-02T00:00:00")
