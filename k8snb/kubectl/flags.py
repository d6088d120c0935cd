"""The command line as pflag reads it.

    -lapp=x  -l app=x  --selector=app=x  --selector app=x  --wait  --wait=false  -it  --image a --image b  -- the rest

A flag is data (:class:`Flag`); what was said is :class:`Values`. Errors are pflag's, word for word.

Models: github.com/spf13/pflag (flag.go: parseArgs, parseLongArg, parseSingleShortArg), github.com/spf13/cobra (stripFlags).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from k8snb.apimachinery.duration import nanoseconds
from k8snb.apimachinery.errors import quote


class FlagError(Exception):
    """The command line cannot be read."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag. ``kind`` is bool, string, int, strings (comma separated, repeated), array (repeated) or duration (seconds).

    ``bare`` is the value that the flag has when it stands alone, as ``--dry-run`` does.
    """

    name: str
    shorthand: str = ""
    kind: str = "string"
    default: Any = None
    bare: str | None = None
    required: bool = False
    deprecated: str = ""  # what kubectl says to whoever still uses it

    @property
    def start(self) -> Any:
        """The value where the flag is absent."""
        if self.default is not None:
            return self.default
        return {"bool": False, "string": "", "int": 0, "strings": (), "array": (), "duration": 0.0}[self.kind]

    @property
    def alone(self) -> str | None:
        """The value where the flag stands without one; None: it needs one."""
        return "true" if self.kind == "bool" and self.bare is None else self.bare


def boolean(name: str, shorthand: str = "", default: bool = False) -> Flag:
    """A flag that is on or off."""
    return Flag(name, shorthand, "bool", default)


class Values:
    """What a command line said: flags by name (``values.dry_run``), positional arguments, and where ``--`` stood."""

    def __init__(self, flags: Sequence[Flag]):
        self.known = {flag.name: flag for flag in flags}
        self.values: dict[str, Any] = {flag.name: flag.start for flag in flags}
        self.changed: set[str] = set()
        self.line: list[str] = []  # the flags as they were given, each as --name=value
        self.args: list[str] = []
        self.dash = -1

    def __getattr__(self, name: str) -> Any:
        try:
            return self.values[name.replace("_", "-")]
        except KeyError:
            raise AttributeError(name) from None

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a flag that not every command has."""
        return self.values.get(name, default)

    def said(self, name: str) -> bool:
        """True where the flag stands on the command line."""
        return name in self.changed

    def set(self, flag: Flag, text: str, shown: str) -> None:
        """Take one occurrence of a flag; ``shown`` is how errors call it."""
        value = _value(flag, text, shown)
        if flag.kind in ("strings", "array") and flag.name in self.changed:
            value = (*self.values[flag.name], *value)
        self.values[flag.name] = value
        self.changed.add(flag.name)
        self.line.append(f"--{flag.name}={text}")


_BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}


def duration(text: str) -> float:
    """Seconds of a Go duration such as 1m30s; ``ValueError`` with Go's words."""
    return nanoseconds(text) / 1e9


OUT_OF_RANGE = 1 << 63
MOST_DIGITS = 80  # in base 2, with a sign and zeros before it


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?(0[xX][0-9a-fA-F_]+|0[oO]?[0-7_]+|0[bB][01_]+|[0-9][0-9_]*)", text):
        raise ValueError(f"strconv.ParseInt: parsing {quote(text)}: invalid syntax")
    plain = text.replace("_", "")
    base = 8 if re.fullmatch(r"[+-]?0[0-7]+", plain) else 0
    found = int(plain, base) if len(plain) <= MOST_DIGITS else OUT_OF_RANGE
    if not -OUT_OF_RANGE <= found < OUT_OF_RANGE:
        raise ValueError(f"strconv.ParseInt: parsing {quote(text)}: value out of range")
    return found


def _boolean(text: str) -> bool:
    if text not in _BOOLEANS:
        raise ValueError(f"strconv.ParseBool: parsing {quote(text)}: invalid syntax")
    return _BOOLEANS[text]


_READERS: dict[str, Callable[[str], Any]] = {
    "bool": _boolean, "string": str, "int": _integer, "duration": duration,
    "strings": lambda text: tuple(text.split(",")) if text else (), "array": lambda text: (text,),
}  # fmt: skip


def _value(flag: Flag, text: str, shown: str) -> Any:
    try:
        return _READERS[flag.kind](text)
    except ValueError as problem:
        raise FlagError(f"invalid argument {quote(text)} for {quote(shown)} flag: {problem}") from None


def _shown(flag: Flag) -> str:
    return f"-{flag.shorthand}, --{flag.name}" if flag.shorthand else f"--{flag.name}"


def parse(argv: Sequence[str], flags: Sequence[Flag]) -> Values:
    """Read a command line. Raises :class:`FlagError` with pflag's words.

    >>> values = parse(["pods", "-lapp=x", "-n", "shop", "--", "-v"], (Flag("selector", "l"), Flag("namespace", "n")))
    >>> values.args, values.selector, values.namespace, values.dash
    (['pods', '-v'], 'app=x', 'shop', 1)
    """
    values, rest = Values(flags), list(argv)
    short = {flag.shorthand: flag for flag in flags if flag.shorthand}
    while rest:
        word = rest.pop(0)
        if word == "--":
            values.dash = len(values.args)
            values.args += rest
            break
        if len(word) < 2 or word[0] != "-":
            values.args.append(word)
        elif word.startswith("--"):
            _long(values, word, rest)
        else:
            _short(values, word, rest, short)
    return values


def _long(values: Values, word: str, rest: list[str]) -> None:
    name, equals, text = word[2:].partition("=")
    if not name or name[0] in "-=":
        raise FlagError(f"bad flag syntax: {word}")
    flag = values.known.get(name)
    if flag is None:
        raise FlagError(f"unknown flag: --{name}")
    if not equals:
        if flag.alone is not None:
            text = flag.alone
        elif rest:
            text = rest.pop(0)
        else:
            raise FlagError(f"flag needs an argument: --{name}")
    values.set(flag, text, _shown(flag))


def _short(values: Values, word: str, rest: list[str], short: dict[str, Flag]) -> None:
    letters = word[1:]
    while letters:
        letter, after = letters[0], letters[1:]
        flag = short.get(letter)
        if flag is None:
            raise FlagError(f"unknown shorthand flag: {_char(letter)} in -{letters}")
        if len(after) > 1 and after[0] == "=":
            text, letters = after[1:], ""
        elif flag.alone is not None:
            text, letters = flag.alone, after
        elif after:
            text, letters = after, ""
        elif rest:
            text, letters = rest.pop(0), ""
        else:
            raise FlagError(f"flag needs an argument: {_char(letter)} in -{letters}")
        values.set(flag, text, _shown(flag))


def _char(letter: str) -> str:
    return f"'{letter}'"


def missing(values: Values) -> list[str]:
    """Names of required flags that were not given, sorted."""
    return sorted(flag.name for flag in values.known.values() if flag.required and not values.said(flag.name))


def words_of(argv: Sequence[str], flags: Sequence[Flag]) -> list[str]:
    """The words that are neither flags nor the values of flags."""
    rest, found = list(argv), []
    while (position := find_word(rest, flags)) >= 0:
        found.append(rest[position])
        del rest[: position + 1]
    return found


def find_word(argv: Sequence[str], flags: Sequence[Flag]) -> int:
    """The index of the first word that is neither a flag nor a flag's value; -1 where there is none."""
    by_name = {f"--{flag.name}": flag for flag in flags} | {f"-{flag.shorthand}": flag for flag in flags if flag.shorthand}
    index = 0
    while index < len(argv) and argv[index] != "--":
        word = argv[index]
        if not word.startswith("-") or word == "-":
            return index
        flag = by_name.get(word)
        takes_next = "=" not in word and (flag.alone is None if flag else word.startswith("--") or len(word) == 2)
        index += 2 if takes_next else 1
    return -1
