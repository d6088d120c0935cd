"""What we say below a command where kubectl's words, or its silence, leave somebody alone. kubectl's own words stay as they are."""

import pytest

from k8snb import Cluster
from k8snb.messages import LANGUAGES, set_language


@pytest.fixture(scope="module")
def cluster():
    found = Cluster(nodes=1)
    found.kubectl("create deployment web --image=nginx:1.27")
    found.settle()
    return found


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("get pods -l tier in (a,b)", "-l 'tier in (a,b)'"),
        ("get pods --selector tier notin (a, b) -o wide", "--selector 'tier notin (a, b)'"),
        ("get pods -l=app=web,tier in (a)", "-l 'app=web,tier in (a)'"),
        ("get pods --selector=tier in (a)", "--selector 'tier in (a)'"),
        ("delete pods -l tier in", "-l 'tier in'"),
        ("get pods -l tier in web -o wide", "-l 'tier in (web)'"),
    ],
)
def test_a_selector_that_the_shell_has_cut_is_shown_in_quotes(cluster, line, right):
    said = cluster.kubectl(line)
    assert said.advice == f"A selector with blanks in it needs quotes: {right}"
    assert said.text == "error: name cannot be provided when a selector is specified\n"


@pytest.mark.parametrize(("line", "right"), [("-l app = web", "app=web"), ("-l app =web", "app=web"), ("-l app != web", "app!=web")])
def test_a_selector_with_blanks_around_its_sign_is_shown_without(cluster, line, right):
    assert cluster.kubectl(f"get pods {line}").advice == f"A selector stands without blanks: -l {right}"


def test_a_selector_in_quotes_is_none_to_advise_on(cluster):
    for line in ("get pods -l 'tier in (a,b)'", "get pods -l app=web", "get pods -l 'app = web'", "get deploy web", "get pods in"):
        assert cluster.kubectl(line).remark == ""


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("get pods -selector=app=web", "-selector=app=web"), ("delete pods -selector app=nosuch", "-selector"),
        ("get pods -namespace=default", "-namespace=default"), ("get pods -all-namespaces", "-all-namespaces"),
        ("delete pods -all", "-all"), ("get pods -output wide", "-output"), ("get pods -watch", "-watch"),
    ],
)  # fmt: skip
def test_a_flag_that_is_a_word_has_two_dashes(cluster, line, word):
    assert cluster.kubectl(f"{line} --dry-run=client" if "delete" in line else line).advice == (
        f"{word} has one dash, so it is read letter by letter, beginning with {word[:2]}. A flag that is a word has two: -{word}"
    )


def test_letters_behind_one_dash_are_flags_and_what_stands_behind_two_dashes_is_not_ours(cluster):
    for line in ("get pods -owide", "get pods -A -ojson", "exec deploy/web -it -- ls -all", "get pods -lapp=web", "get pods -ndefault"):
        said = cluster.kubectl(line)
        assert said.ok
        assert said.remark == ""


@pytest.mark.parametrize(
    "command",
    [
        "label pods {} a=b", "annotate pods {} a=b", "set image deploy {} web=nginx", "wait pod --for=delete {}", "drain {}",
        "taint nodes {} a=b:NoSchedule", "rollout history deploy {}", "get pods -o name {}",
        "get pods -o jsonpath={{.items[*].metadata.name}} {}",
    ],
)  # fmt: skip
def test_where_nothing_matches_and_kubectl_is_silent_that_is_said(cluster, command):
    said = cluster.kubectl(command.format("-l app=nosuch"))
    assert (said.text, said.ok) == ("", True)
    assert repr(said) == "Nothing matches -l app=nosuch; kubectl prints nothing then."


def test_where_kubectl_speaks_or_something_matched_nothing_is_added(cluster):
    silent = ("get pods -l app=web -o jsonpath={.items[*].nosuch}", "exec deploy/web -- true")
    for line in ("get pods -l app=nosuch", "delete pods -l app=nosuch", *silent):
        assert cluster.kubectl(line).remark == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_advice_is_given_in_each_language(cluster, language):
    set_language(language)
    try:
        remark = cluster.kubectl("label pods -l app=nosuch a=b").remark
    finally:
        set_language(LANGUAGES[0])
    assert {"en": "Nothing matches", "ja": "一致するものはありません"}[language] in remark
