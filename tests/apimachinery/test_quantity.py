"""Quantities keep their exact worth, and are written back as a real server writes them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.apimachinery import quantity as q


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("0.5", "500m"), ("1024Mi", "1Gi"), ("1000m", "1"), ("1.5Gi", "1536Mi"), ("0.5Gi", "512Mi"), ("1000000000", "1G"),
        ("64k", "64k"),
        ("1500000", "1500k"), ("1.50", "1500m"), ("00", "0"), ("-0.5", "-500m"), ("536870912", "536870912"),
        ("8Gi", "8Gi"), ("1.5Ki", "1536"),
    ],
)  # fmt: skip
def test_a_quantity_is_written_in_canonical_form(text, written):
    assert q.canonical(text) == written


@pytest.mark.parametrize("text", ["+5Mi", "500e-3", "1e9", "0", "200Mi", "1000Mi"])
def test_text_that_already_looks_canonical_stays_as_it_came(text):
    assert q.canonical(text) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", q.FORMAT_WRONG),
        ("1GB", q.FORMAT_WRONG),
        ("1 Mi", q.FORMAT_WRONG),
        ("1.5.0", q.FORMAT_WRONG),
        ("100mi", q.SUFFIX_WRONG),
        ("1K", q.SUFFIX_WRONG),
    ],
)
def test_what_is_no_quantity_is_refused_in_the_words_of_the_server(text, words):
    with pytest.raises(q.QuantityError, match=r".*") as refused:
        q.parse(text)
    assert str(refused.value) == words


def test_a_hostile_exponent_does_not_fill_memory():
    with pytest.raises(q.QuantityError):
        q.parse("1e999999999")


def test_values_round_up_and_lists_round_up_to_a_thousandth():
    assert (q.value("1.5"), q.milli_value("0.0001"), q.round_up_milli("100u"), q.round_up_milli("1.5m")) == (2, 1, "1m", "2m")


def test_sums_keep_the_format_of_their_left_side():
    assert (q.add("1Gi", "512Mi"), q.add("0", "1Gi"), q.subtract("1", "250m")) == ("1536Mi", "1Gi", "750m")


def test_json_numbers_are_read_as_go_prints_them():
    assert [q.json_number(n) for n in (1e9, 0.5, 1e21, 2.0, 1e-7, 3)] == ["1000000000", "0.5", "1e+21", "2", "1e-7", "3"]


@given(st.integers(-(10**12), 10**12), st.sampled_from(["n", "u", "m", "", "k", "M", "Ki", "Mi", "Gi", "e3", "e-2"]))
def test_writing_back_never_changes_the_worth_and_happens_once(number, suffix):
    text = f"{number}{suffix}"
    written = q.canonical(text)
    assert q.exact(written) == q.exact(text) or abs(q.exact(text)) > 2**62
    assert q.canonical(written) == written


@given(st.fractions(min_value=0, max_value=10**6, max_denominator=1000).map(lambda f: Fraction(round(f * 1000), 1000)))
def test_thousandths_are_exact(number):
    assert q.exact(q.write(number)) == number
