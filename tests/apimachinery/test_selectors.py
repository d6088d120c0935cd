"""Selectors mean what they say, and what is no selector is refused in the words of the server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.apimachinery.objects import freeze
from k8snb.apimachinery.selectors import (
    SelectorError,
    check_fields,
    everything,
    format_label_selector,
    from_label_selector,
    from_set,
    nothing,
    parse,
    parse_fields,
)

WEB = {"app": "web", "tier": "front", "size": "3"}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", True), ("app=web", True), ("app==db", False), ("app!=db", True), ("missing!=x", True), ("tier in (front,back)", True),
        ("tier notin (front)", False),
        ("missing notin (x)", True), ("app", True), ("!app", False), ("!missing", True), ("size>2,size<4", True),
        ("size>3", False), ("app=web,tier=back", False),
        ("app=", False),
    ],
)  # fmt: skip
def test_a_selector_selects(text, meant):
    assert parse(text).matches(WEB) is meant


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a in x", "unable to parse requirement: found 'x' expected: '('"),
        ("a in", "unable to parse requirement: found '' expected: '('"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a=b=c", "found '=', expected: ',' or 'end of string'"),
        ("a,", "found '', expected: identifier after ','"),
        ("(a)", "found '(', expected: !, identifier, or 'end of string'"),
    ],
)
def test_what_is_no_selector_is_refused_in_the_words_of_the_server(text, words):
    with pytest.raises(SelectorError) as refused:
        parse(text)
    assert str(refused.value) == words


def test_null_selects_nothing_and_the_empty_selector_everything():
    assert not from_label_selector(None).matches(WEB)
    assert from_label_selector({}).matches(WEB)
    assert from_set(None).matches({})
    assert everything().matches(None)
    assert not nothing().matches({})


def test_a_label_selector_object_is_compiled_once_and_printed_as_kubectl_does():
    selector = freeze({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "tier", "operator": "In", "values": ["b", "a"]}]})
    assert from_label_selector(selector) is from_label_selector(selector)
    assert format_label_selector(selector) == "app=web,tier in (a,b)"
    assert format_label_selector({}) == "<none>"


def test_fields_are_equal_or_not():
    selector = parse_fields("spec.nodeName=n1,status.phase!=Running")
    assert selector.matches({"spec.nodeName": "n1", "status.phase": "Pending"}.__getitem__)
    assert selector.exact("spec.nodeName") == "n1"
    with pytest.raises(SelectorError, match=r"field label not supported: spec\.nodeName"):
        check_fields(selector, ["status.phase"])
    with pytest.raises(SelectorError, match="can't understand 'foo'"):
        parse_fields("foo")


name = st.text("abcAB01", min_size=1, max_size=4)


@given(st.dictionaries(name, name, max_size=3))
def test_the_text_form_selects_the_same(labels):
    selector = from_set(labels)
    assert parse(str(selector)) == selector
    assert selector.matches(labels)
