"""The command line is read as pflag reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.kubectl.flags import Flag, FlagError, Values, boolean, duration, find_word, missing, parse

FLAGS = (
    Flag("selector", "l"), Flag("namespace", "n"), Flag("image", kind="strings"), Flag("env", kind="array"),
    Flag("replicas", "r", "int", 1),
    Flag("dry-run", default="none", bare="unchanged"), Flag("timeout", kind="duration"), Flag("filename", "f", "array"),
    boolean("stdin", "i"), boolean("tty", "t"), boolean("wait", default=True),
)  # fmt: skip


def read(line: str) -> Values:
    return parse(line.split(), FLAGS)


@pytest.mark.parametrize("line", ["-lapp=x", "-l app=x", "-l=app=x", "--selector=app=x", "--selector app=x"])
def test_a_flag_and_its_value_may_be_written_in_five_ways(line: str) -> None:
    assert read(line).selector == "app=x"


def test_boolean_flags_stand_alone_and_in_chains() -> None:
    values = read("-it --wait=false pod")
    assert (values.stdin, values.tty, values.wait, values.args) == (True, True, False, ["pod"])


def test_a_flag_with_a_bare_value_never_takes_the_next_word() -> None:
    values = read("--dry-run client")
    assert (values.dry_run, values.args) == ("unchanged", ["client"])


def test_lists_split_at_commas_and_arrays_do_not() -> None:
    values = read("--image a,b --image c --env X=1,2 --env Y=3")
    assert values.image == ("a", "b", "c")
    assert values.env == ("X=1,2", "Y=3")


def test_after_two_dashes_everything_is_an_argument() -> None:
    values = read("run -n x -- -l --wait")
    assert (values.args, values.dash, values.namespace) == (["run", "-l", "--wait"], 1, "x")


def test_a_dash_alone_is_a_value_and_an_argument() -> None:
    assert read("-f -").filename == ("-",)
    assert read("-").args == ["-"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--nope", "unknown flag: --nope"),
        ("-x", "unknown shorthand flag: 'x' in -x"),
        ("-ix", "unknown shorthand flag: 'x' in -x"),
        ("-n", "flag needs an argument: 'n' in -n"),
        ("--namespace", "flag needs an argument: --namespace"),
        ("--replicas=x", 'invalid argument "x" for "-r, --replicas" flag: strconv.ParseInt: parsing "x": invalid syntax'),
        ("--wait=maybe", 'invalid argument "maybe" for "--wait" flag: strconv.ParseBool: parsing "maybe": invalid syntax'),
        ("--timeout=x", 'invalid argument "x" for "--timeout" flag: time: invalid duration "x"'),
        ("--timeout=5", 'invalid argument "5" for "--timeout" flag: time: missing unit in duration "5"'),
        ("--=x", "bad flag syntax: --=x"),
    ],
)
def test_what_cannot_be_read_is_refused_in_pflags_words(line: str, words: str) -> None:
    with pytest.raises(FlagError) as refused:
        read(line)
    assert str(refused.value) == words


@pytest.mark.parametrize(("text", "seconds"), [("1m30s", 90), ("0", 0), ("-1s", -1), ("1.5h", 5400), ("250ms", 0.25)])
def test_durations_are_gos(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds)


def test_the_command_is_found_behind_flags_with_values() -> None:
    words = ["-n", "shop", "--as=jane", "get", "pods"]
    assert words[find_word(words, FLAGS)] == "get"
    assert find_word(["-n", "shop"], FLAGS) == -1


def test_required_flags_are_named_in_order() -> None:
    flags = (Flag("schedule", required=True), Flag("image", required=True))
    assert missing(parse([], flags)) == ["image", "schedule"]


@given(st.lists(st.text(st.characters(blacklist_characters="\x00"), min_size=1).filter(lambda word: word != "--"), max_size=6))
def test_any_words_are_read_or_refused(words: list[str]) -> None:
    try:
        values = parse(words, FLAGS)
    except FlagError:
        return
    assert all(word in words for word in values.args)
