"""Lengths of time are read and written as Go does it."""

import re

import pytest

from k8snb.apimachinery.duration import go_duration, nanoseconds, parse_duration
from k8snb.sim.clock import HOUR, MINUTE, SECOND

WRITTEN = [
    (0, "0s"), (1, "1µs"), (500, "500µs"), (999, "999µs"), (1_000, "1ms"), (1_001, "1.001ms"), (900_000, "900ms"), (999_999, "999.999ms"),
    (SECOND, "1s"), (1_234_567, "1.234567s"), (10 * SECOND, "10s"), (59_999_999, "59.999999s"), (MINUTE, "1m0s"),
    (MINUTE + 500_000, "1m0.5s"), (HOUR, "1h0m0s"), (25 * HOUR + 61 * SECOND + 1, "25h1m1.000001s"), (-5 * SECOND, "-5s"), (-500, "-500µs"),
    (100 * SECOND, "1m40s"), (10_000, "10ms"),
]  # fmt: skip


@pytest.mark.parametrize(("microseconds", "text"), WRITTEN)
def test_a_length_of_time_is_written_exactly_and_read_again(microseconds: int, text: str) -> None:
    assert go_duration(microseconds) == text
    assert parse_duration(text) == microseconds


READ = [
    ("0", 0), ("+0", 0), ("-0", 0), ("0s", 0), ("1h", 3600 * 10**9), ("-1.5h", -5400 * 10**9), ("+5s", 5 * 10**9), (".5s", 5 * 10**8),
    ("5.s", 5 * 10**9), ("1h15m30.918273645s", 4_530_918_273_645), ("100ns", 100), ("1.5us", 1500), ("1.5µs", 1500), ("1.5μs", 1500),
    ("007s", 7 * 10**9), ("0.3333333333333333333h", 20 * 60 * 10**9), ("0.100000000000000000000h", 360 * 10**9),
    ("9223372036854775807ns", 2**63 - 1), ("-9223372036854775808ns", -(2**63)), ("0." + "0" * 5000 + "1h", 0), ("0" * 5000 + "1s", 10**9),
    ("2562047h47m16.854775807s", 2**63 - 1),
]  # fmt: skip


@pytest.mark.parametrize(("text", "found"), READ)
def test_what_go_reads(text: str, found: int) -> None:
    assert nanoseconds(text) == found


REFUSED = [
    ("", 'invalid duration ""'), ("3", 'missing unit in duration "3"'), ("-", 'invalid duration "-"'), ("s", 'invalid duration "s"'),
    (".", 'invalid duration "."'), ("-.", 'invalid duration "-."'), (".s", 'invalid duration ".s"'), ("+.s", 'invalid duration "+.s"'),
    ("1d", 'unknown unit "d" in duration "1d"'), ("1h2x", 'unknown unit "x" in duration "1h2x"'),
    ("1.2.3s", 'missing unit in duration "1.2.3s"'),
    ("1s ", 'unknown unit "s " in duration "1s "'), ("٣s", r'invalid duration "\xd9\xa3s"'), ('1"', r'unknown unit "\"" in duration "1\""'),
    ("3000000h", 'invalid duration "3000000h"'), ("9223372036854775808ns", 'invalid duration "9223372036854775808ns"'),
    ("-9223372036854775809ns", 'invalid duration "-9223372036854775809ns"'), ("9223372036854775807ns1ns", 'invalid duration'),
    ("1" * 5000 + "s", "invalid duration"), ("1--1s", 'unknown unit "--" in duration "1--1s"'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), REFUSED)
def test_what_go_refuses_is_refused_in_its_words(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=f"^time: {re.escape(says)}"):
        nanoseconds(text)
