"""Patterns that somebody else wrote: what they match, and that they always end."""

import json
import time

import pytest

from k8snb.apimachinery import patterns
from k8snb.apimachinery.patterns import BUDGET, PatternError, go, pcre, posix
from k8snb.cluster import Cluster
from k8snb.kubelet.images.nginx_conf import choose_location, configuration, texts

HOSTILE = "(a+)+$"
LONG = "a" * 5_000 + "b"


@pytest.fixture
def quick():
    """Fails what takes longer than anybody would wait."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("kind", [go, posix, pcre])
def test_a_hostile_pattern_ends(kind, quick):
    assert kind(HOSTILE).search(LONG) is None
    assert kind("(a|aa)+$").search(LONG) is None
    assert kind("(.*)*x").search(LONG) is None


def test_each_kind_matches_as_its_readers_expect():
    assert posix("a|ab").search("abc").group() == "ab"
    assert pcre("a|ab").search("abc").group() == "a"
    assert go(r"^\p{Greek}+$").search("αβγ")
    assert posix("[[:alpha:]]+").search("12ab3").group() == "ab"
    assert posix(r"\<b").search("ab b").start() == 3
    assert pcre("^/(?!api)", ignore_case=True).search("/shop")
    assert not pcre("^/(?!api)", ignore_case=True).search("/API")
    assert posix(r"(.)\1").search("hello").group() == "ll"
    assert posix("x").sub(lambda found: f"<{found.group()}>", "axbxc", 1) == "a<x>bxc"
    assert posix("[,;]").split("a,b;c") == ["a", "b", "c"]
    assert [found.group() for found in posix("[0-9]+").finditer("1 22 333")] == ["1", "22", "333"]


def test_bytes_that_are_no_text_are_searched_too():
    assert posix("b").search("a\udc80b").start() == 2


@pytest.mark.parametrize(
    ("pattern", "error"),
    [
        ("(a", "error parsing regexp: missing closing ): `(a`"),
        ("a)", "error parsing regexp: unexpected ): `a)`"),
        ("[a", "error parsing regexp: missing closing ]: `[a`"),
        ("*a", "error parsing regexp: missing argument to repetition operator: `*`"),
        ("a**", "error parsing regexp: invalid nested repetition operator: `**`"),
        ("[z-a]", "error parsing regexp: invalid character class range: `z-a`"),
        (r"(.)\1", "error parsing regexp: invalid escape sequence: `\\1`"),
        ("(?=a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`"),
        ("a{2000}", "error parsing regexp: invalid repeat count: `{2000}`"),
    ],
)
def test_what_go_refuses_is_refused_in_its_words(pattern, error):
    with pytest.raises(PatternError) as refused:
        go(pattern)
    assert str(refused.value) == error


@pytest.mark.parametrize("pattern", [r"(a+)+\1", r"(aa|b)*\1", r"(?=(a*)*)b"])
def test_what_only_python_can_match_is_refused_where_its_steps_cannot_be_counted(pattern):
    with pytest.raises(PatternError):
        posix(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["(?>(?:a+)+b)", "(x)?(?(1)y|(?:a+)+b)", "(x)?(?(1)(?:a+)+b|y)", "(?>(?(1)y|(a|aa)+))(x)", r"(?!(?:a+)+b)\w", "(?<=a)(?:a+)+b"],
)
def test_nor_where_they_hide_in_a_group_of_another_kind(pattern):
    with pytest.raises(PatternError):
        pcre(pattern)


def test_every_part_of_a_pattern_is_counted_or_refused():
    counted = {*patterns._REPEATS, *patterns._FREE, *patterns._AROUND, patterns.sre.BRANCH, patterns.sre.GROUPREF}
    for code in set(patterns.sre.OPCODES) - counted:
        with pytest.raises(patterns._NoBound):
            patterns._of_one(code, ())


def test_groups_of_such_kinds_match_where_they_are_simple():
    assert pcre("^/(?>api|app)/x").search("/app/x")
    assert [bool(pcre("^(<)?a(?(1)>|$)").search(text)) for text in ("<a>", "a", "<a")] == [True, True, False]


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"\<b\>", "ab b", "b"),
        (r"a\\<b", r"a\<b", r"a\<b"),
        (r"a\\\<b", "a\\b", "a\\b"),
        (r"[\<]b", "a<b", "<b"),
        (r"[]\<]b", "a<b", "<b"),
        (r"[[:alpha:]]\>", "ab", "b"),
    ],
)
def test_a_backslash_belongs_to_what_follows_it(pattern, text, found):
    assert posix(pattern).search(text).group() == found


def test_and_given_up_where_there_are_too_many(quick):
    twice = posix(r"(a*).*\1x")
    assert twice.search("a" * 20) is None
    with pytest.raises(PatternError):
        twice.search("a" * BUDGET)


# -- where patterns come from -----------------------------------------------------------------------------------------------


def test_a_definition_with_a_hostile_pattern_answers(quick):
    cluster = Cluster(nodes=1)
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"name": {"type": "string", "pattern": HOSTILE}}}}}
    names = {"plural": "things", "singular": "thing", "kind": "Thing"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    spec = {"group": "shop.example.com", "scope": "Namespaced", "names": names, "versions": [version]}
    definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": spec}
    cluster.apply(json.dumps({**definition, "metadata": {"name": "things.shop.example.com"}}))
    cluster.settle()
    thing = {"apiVersion": "shop.example.com/v1", "kind": "Thing", "metadata": {"name": "a"}, "spec": {"name": LONG}}
    assert "spec.name in body should match '(a+)+$'" in str(cluster.apply(json.dumps(thing)))
    version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["name"]["pattern"] = "(a"
    refused = str(cluster.apply(json.dumps({**definition, "metadata": {"name": "things.shop.example.com"}})))
    assert "must be a valid regular expression, but isn't: error parsing regexp: missing closing ): `(a`" in refused


@pytest.fixture(scope="module")
def box():
    cluster = Cluster(nodes=1)
    cluster.kubectl("run box --image=busybox:1.36 -- sleep 100000")
    cluster.settle()
    return cluster


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (f"echo {LONG} | grep -cE '{HOSTILE}'", "0"),
        (f"echo {LONG} | sed -E 's/{HOSTILE}/x/' | wc -c", str(len(LONG) + 1)),
        (f"echo {LONG} | awk '/{HOSTILE}/ {{n++}} END {{print n+0}}'", "0"),
        (f"echo {LONG} | awk '{{print match($0, \"{HOSTILE}\")}}'", "0"),
        ("echo hello | sed 's/\\(.\\)\\1/<&>/'", "he<ll>o"),
        ("echo 'a1b22' | sed -E 's/([a-z])([0-9]+)/\\2\\1/g'", "1a22b"),
        ("echo abc | grep -oE 'a|ab'", "ab"),
        ("expr web-12 : '[a-z]*-\\([0-9]*\\)'", "12"),
        ("echo aaa | grep -E '(a+)+\\1'", "grep: "),
    ],
)
def test_tools_of_a_container_end(box, command, says, quick):
    assert says in str(box.kubectl(["exec", "box", "--", "sh", "-c", command]))


def test_locations_of_nginx_end(quick):
    text = "http { server { listen 80; location ~ ^/(a+)+$ { return 200 yes; } location / { return 200 no; } } }"
    (server,) = configuration(texts(lambda path: [(path, text)])).servers
    assert choose_location(server.block, "/" + LONG).args == ("/",)
    assert choose_location(server.block, "/aaa").args == ("~", "^/(a+)+$")
