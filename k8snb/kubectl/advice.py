"""What a learner has probably meant by a command, where kubectl's own words, or its silence, do not say it.

    get pods -l tier in (a,b)        A selector with blanks in it needs quotes: -l 'tier in (a,b)'
    get pods -selector=app=web       -selector=app=web has one dash, so it is read letter by letter ...
    label pods -l app=nosuch a=b     Nothing matches -l app=nosuch; kubectl prints nothing then.

Only the words that were typed are looked at, and what came of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from k8snb.kubectl.flags import Flag
from k8snb.kubectl.result import Result
from k8snb.messages import text

SELECTORS = re.compile(r"(-l|--selector|--field-selector)(?:=(.*))?")
ONE_DASH = re.compile(r"-([a-z][a-z-]+)(?:=.*)?", re.S)
SETS = ("in", "notin")


def advised(result: Result, argv: Sequence[str], flags: Sequence[Flag], *, nothing_found: bool = False) -> Result:
    """The result, with advice where there is some. ``flags``: those that the command knows; ``nothing_found``: it is about no object."""
    typed = list(argv)[: argv.index("--")] if "--" in argv else list(argv)  # what stands behind is not kubectl's
    silent = nothing_found and result.ok and not result.text
    said = [*_one_dash(typed, flags), *([] if result.ok else _blanks(typed)), *(_silence(typed) if silent else ())]
    return replace(result, advice=said[0]) if said else result


def _one_dash(typed: Sequence[str], flags: Sequence[Flag]) -> Iterator[str]:
    """Flags that are words, with the one dash of those that are letters."""
    names = {flag.name for flag in flags}
    for word in typed:
        found = ONE_DASH.fullmatch(word)
        if found and found[1] in names:
            yield text("kubectl.one_dash", word=word, letter=word[:2], right=f"-{word}")


def _selectors(typed: Sequence[str]) -> Iterator[tuple[str, str, list[str]]]:
    """The selectors of a command: how each is called, what it says, and the words behind it."""
    for at, word in enumerate(typed):
        if found := SELECTORS.fullmatch(word):
            value, behind = (typed[at + 1 : at + 2], typed[at + 2 :]) if found[2] is None else ([found[2]], typed[at + 1 :])
            yield found[1], "".join(value), list(behind)


def _blanks(typed: Sequence[str]) -> Iterator[str]:
    """Selectors that the shell has cut into several words."""
    for flag, value, behind in _selectors(typed):
        operator = behind[0] if behind else ""
        if operator in SETS:
            yield text("kubectl.blanks", right=f"{flag} '{' '.join([value, operator, *_values(behind[1:])])}'")
        elif operator.lstrip("!").startswith("="):
            rest = behind[: 2 if operator.endswith("=") else 1]
            yield text("kubectl.no_blanks", right=f"{flag} {value}{''.join(rest)}")


def _values(behind: Sequence[str]) -> Sequence[str]:
    """The values of a set, which stand behind its operator: up to the parenthesis that ends them; a single one without any gets them."""
    ends = next((at for at, word in enumerate(behind, 1) if word.endswith(")")), 0)
    alone = not ends and behind and not behind[0].startswith(("-", "("))
    return [f"({behind[0]})"] if alone else behind[:ends]


def _silence(typed: Sequence[str]) -> Iterator[str]:
    words = " ".join(f"{flag} {value}" for flag, value, _ in _selectors(typed))
    if words:
        yield text("kubectl.nothing_matches", words=words)
