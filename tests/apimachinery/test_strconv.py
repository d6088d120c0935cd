"""Numbers in text are read as Go reads them, and nothing that somebody writes stops a loop."""

import math

import pytest

from k8snb.apimachinery.gojson import Refused, parse_time
from k8snb.apimachinery.intstr import scaled
from k8snb.apimachinery.objects import dig
from k8snb.apimachinery.quantity import QuantityError, canonical
from k8snb.apimachinery.selectors import parse
from k8snb.apimachinery.strconv import atoi, integer, parse_float, parse_int, parse_uint
from k8snb.apimachinery.structural import validate_value
from k8snb.cluster import Cluster

LONG = "9" * 5000
WHOLE = [
    ("0", 0), ("-0", 0), ("+7", 7), ("007", 7), ("0" * 5000 + "7", 7), ("9223372036854775807", 2**63 - 1),
    ("-9223372036854775808", -(2**63)),
]  # fmt: skip
NO_NUMBERS = ["", "-", " 5", "5 ", "1_000", "٣", "1.0", "0x10", "+-5", "5\n"]
TOO_LARGE = ["9223372036854775808", "-9223372036854775809", LONG]


@pytest.mark.parametrize(("text", "found"), WHOLE)
def test_a_whole_number(text, found):
    assert (parse_int(text), atoi(text), integer(text)) == (found, found, found)


@pytest.mark.parametrize(("texts", "why"), [(NO_NUMBERS, "invalid syntax"), (TOO_LARGE, "value out of range")])
def test_what_is_none_is_told_in_the_words_of_go(texts, why):
    for text in texts:
        assert integer(text) is None
        with pytest.raises(ValueError, match=rf"^strconv\.Atoi: parsing .*: {why}$"):
            atoi(text)


@pytest.mark.parametrize(
    ("text", "why"), [("65536", "value out of range"), ("+1", "invalid syntax"), ("-1", "invalid syntax"), (LONG, "value out of range")]
)
def test_a_port_has_sixteen_bits_and_no_sign(text, why):
    assert parse_uint("65535", bits=16) == 65535
    with pytest.raises(ValueError, match=rf"^strconv\.ParseUint: parsing .*: {why}$"):
        parse_uint(text, bits=16)


def test_a_floating_point_number():
    assert [parse_float(text) for text in ("1", "-.5", "5.", "1e3", "+Inf")] == [1, -0.5, 5, 1000, math.inf]
    assert math.isnan(parse_float("NaN"))
    assert parse_float("3.4028234e38", bits=32) < 2.0**128
    for text, bits, why in (("", 64, "syntax"), ("٣", 64, "syntax"), (" 1", 64, "syntax"), ("1e999", 64, "range"), ("3.5e38", 32, "range")):
        with pytest.raises(ValueError, match=why):
            parse_float(text, bits=bits)


def test_other_scripts_digits_are_no_time_and_no_date():
    with pytest.raises(Refused, match="cannot parse"):
        parse_time("٢٠٢٦-01-02T03:04:05Z")
    date = {"type": "string", "format": "date"}
    assert validate_value(date, "2026-02-28") == []
    assert [len(validate_value(date, text)) for text in ("2026-02-30", "٢٠٢٦-01-02", "2026-1-2")] == [1, 1, 1]


def test_a_quantity_of_very_many_digits_is_none():
    assert canonical("9" * 3999) == "9" * 3999
    with pytest.raises(QuantityError, match="quantities must match"):
        canonical(LONG)


def test_a_label_is_compared_only_where_go_reads_a_number():
    few = parse("size>5")
    assert [few.matches({"size": text}) for text in ("6", "1_000", "٩", LONG)] == [True, False, False, False]
    assert scaled(f"{LONG}%", 10, up=True) == 0


def test_a_revision_that_is_no_number_stops_no_deployment():
    cluster = Cluster(nodes=1)
    cluster.kubectl("create deployment web --image=nginx:1.27")
    cluster.settle()
    for name in ("revision", "desired-replicas", "max-replicas"):
        cluster.kubectl(f"annotate replicaset -l app=web deployment.kubernetes.io/{name}={LONG} --overwrite")
    cluster.kubectl("scale deployment web --replicas=2")
    cluster.kubectl("set image deployment/web nginx=nginx:1.28")
    cluster.settle()
    assert dig(cluster.get("deployments", "web"), "status.updatedReplicas", 0) == 2
    assert {dig(pod, ("spec", "containers", 0, "image")) for pod in cluster.get("pods")} == {"nginx:1.28"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"run web --image=nginx --port={LONG}", "value out of range"),
        ("run web --image=nginx --port=٣", 'strconv.Atoi: parsing "٣": invalid syntax'),
        (f"create service clusterip web --tcp={LONG}", "value out of range"),
        (f"create service clusterip web --tcp=80:{LONG}", ""),
        (f"scale deployment web --replicas={LONG}", "value out of range"),
        (f"get --raw /api/v1/pods?timeoutSeconds={LONG}", "value out of range"),
        (f"create deployment web --image=nginx --replicas={LONG}", "value out of range"),
    ],
)
def test_a_command_with_a_number_too_large_says_so(line, words):
    said = Cluster(nodes=0).kubectl(line)
    assert not said.ok
    assert words in said.stderr
    assert "4300" not in said.stderr
