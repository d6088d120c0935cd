r"""Regular expressions that somebody else wrote: those of manifests, configuration files and commands. A match always ends soon.

Python's own engine tries every way to match, and ``(a+)+$`` has more ways than anybody can wait for. Kubernetes is written in Go, whose
engine (RE2) reads each character once; so does this one. All patterns that come from outside go through this module.

    go("^[a-z]+$").search("web")           as Go's regexp: CRDs                           an error in Go's words
    posix("a|ab").search("abc")[0]         the longest match: grep, sed, awk -> "ab"
    pcre("^/(?!api)").search("/shop")      the first match: nginx

What RE2 cannot do (a group that is referred to in the pattern, looking ahead), Go refuses. For the others Python's engine does it,
where the pattern is so simple that its steps can be counted beforehand, and the count is not too high: the same answer everywhere, on a
slow machine, too.

Models: Go's regexp/syntax (error texts), what grep, sed, awk and PCRE users expect. The library is google-re2, by RE2's authors.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Callable, Iterator
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any, Protocol

try:
    import re2
except ImportError:  # no wheel for this machine: only what can be counted is matched
    re2 = None

BUDGET = 5_000_000  # steps of Python's engine in one search
MANY = 16  # a repetition up to so many times counts like one without an end


class PatternError(ValueError):
    """What is no pattern, or one that could take too long; says why."""


class Match(Protocol):
    """What was found: as Python's ``re.Match``."""

    def group(self, number: int = 0, /) -> Any:
        """The text of a group; None: it took no part."""
        ...

    def groups(self) -> tuple[Any, ...]:
        """The texts of all groups but the whole."""
        ...

    def start(self) -> int:
        """Where it begins."""
        ...

    def end(self) -> int:
        """Where it ends."""
        ...


class Pattern:
    """A compiled pattern. Methods are Python's; ``sub`` takes a function. They raise PatternError where that would take too long."""

    def __init__(self, fast: Any, slow: re.Pattern[str] | None, power: int):
        self._fast, self._slow, self._power = fast, slow, power

    def _engine(self, text: str) -> Any:
        """Who searches in this text: RE2, but for bytes that are no UTF-8."""
        if self._fast is not None and text.isascii():
            return self._fast
        if self._fast is not None and not any("\ud800" <= char <= "\udfff" for char in text):
            return self._fast
        if self._slow is None or max(len(text), 2) ** self._power > BUDGET:
            raise PatternError("this pattern would take too long on a text of that length")
        return self._slow

    def search(self, text: str) -> Match | None:
        """The first place where it matches."""
        found: Match | None = self._engine(text).search(text)
        return found

    def match(self, text: str) -> Match | None:
        """Whether it matches at the beginning."""
        found: Match | None = self._engine(text).match(text)
        return found

    def finditer(self, text: str) -> Iterator[Match]:
        """All places, from left to right."""
        yield from self._engine(text).finditer(text)

    def subn(self, new: Callable[[Match], str], text: str, count: int = 0) -> tuple[str, int]:
        """Replace the first ``count`` places, 0: all of them; the text, and how many there were."""
        changed: tuple[str, int] = self._engine(text).subn(new, text, count)
        return changed

    def sub(self, new: Callable[[Match], str], text: str, count: int = 0) -> str:
        """Replace the first ``count`` places, 0: all of them."""
        return self.subn(new, text, count)[0]

    def split(self, text: str) -> list[str]:
        """What is between the places."""
        found: list[str] = self._engine(text).split(text)
        return found


@functools.lru_cache(maxsize=1024)
def go(pattern: str) -> Pattern:
    """As Go's ``regexp.Compile``. Raises PatternError in its words."""
    return Pattern(_re2(pattern, ignore_case=False, longest=False), *_counted(pattern, 0))


@functools.lru_cache(maxsize=1024)
def posix(pattern: str, *, ignore_case: bool = False) -> Pattern:
    """As the extended regular expressions of POSIX with GNU's additions: the longest match of those that begin first."""
    return _either(_BRACKETS_OR_ESCAPE.sub(_edge_of_word, pattern), ignore_case=ignore_case, longest=True)


_BRACKETS_OR_ESCAPE = re.compile(r"\[\^?\]?(?:\[:\w+:\]|[^]])*\]|\\.", re.DOTALL)


def _edge_of_word(found: re.Match[str]) -> str:
    r"""GNU's ``\<`` and ``\>`` as ``\b``; another escape (``\\`` is one, whatever follows it) and what is in brackets as it is."""
    return r"\b" if found[0] in (r"\<", r"\>") else found[0]


@functools.lru_cache(maxsize=1024)
def pcre(pattern: str, *, ignore_case: bool = False) -> Pattern:
    """As Perl and PCRE: of several alternatives the first."""
    return _either(pattern, ignore_case=ignore_case, longest=False)


def _either(pattern: str, *, ignore_case: bool, longest: bool) -> Pattern:
    """By RE2, or where that cannot, by Python. Raises PatternError where neither can."""
    try:
        fast = _re2(pattern, ignore_case=ignore_case, longest=longest)
    except PatternError as error:
        slow, power = _counted(pattern, re.IGNORECASE if ignore_case else 0)
        if slow is None:
            raise error from None
        return Pattern(None, slow, power)
    return Pattern(fast, *_counted(pattern, re.IGNORECASE if ignore_case else 0))


# -- RE2 -----------------------------------------------------------------------------------------------------------------


def _re2(pattern: str, *, ignore_case: bool, longest: bool) -> Any:
    """The pattern for RE2; None where the library is not there. Raises PatternError."""
    if re2 is None:
        return None
    options = re2.Options()
    options.log_errors, options.case_sensitive, options.longest_match = False, not ignore_case, longest
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise PatternError(_in_go(error.args[0].decode(errors="replace"), pattern)) from None
    except UnicodeEncodeError:
        raise PatternError("error parsing regexp: invalid UTF-8") from None


_WORDS = (  # RE2's words -> Go's
    ("missing ): ", "missing closing )"),
    ("unexpected ): ", "unexpected )"),
    ("missing ]: ", "missing closing ]"),
    ("bad repetition operator: ", "invalid nested repetition operator"),
    ("no argument for repetition operator: ", "missing argument to repetition operator"),
    ("invalid character class range: ", "invalid character class range"),
    ("invalid escape sequence: ", "invalid escape sequence"),
    ("invalid perl operator: ", "invalid or unsupported Perl syntax"),
    ("invalid named capture group: ", "invalid named capture"),
    ("invalid repetition size: ", "invalid repeat count"),
    ("trailing \\", "trailing backslash at end of expression"),
)


def _in_go(error: str, pattern: str) -> str:
    for ours, theirs in _WORDS:
        if error.startswith(ours):
            about = pattern if theirs.endswith(")") else error[len(ours) :]
            return f"error parsing regexp: {theirs}: `{about}`"
    return f"error parsing regexp: {error}"


# -- Python's engine, where its steps can be counted -----------------------------------------------------------------------


def _counted(pattern: str, flags: int) -> tuple[re.Pattern[str] | None, int]:
    """The pattern for Python's engine, and the power of the length that bounds its steps; None where it has no such bound."""
    try:
        with warnings.catch_warnings(action="ignore", category=FutureWarning):  # a [[ that Python may understand otherwise some day
            return re.compile(pattern, flags), 1 + _repetitions(sre_parser.parse(pattern, flags))
    except (re.error, _NoBound, OverflowError, RecursionError):
        return None, 0


class _NoBound(Exception):
    """A repetition of repetitions, or of alternatives."""


def _repetitions(parsed: Any) -> int:
    """How many repetitions can follow each other. Raises _NoBound where one is within another, and for what it does not know."""
    return sum(_of_one(code, value) for code, value in parsed)


def _of_one(code: Any, value: Any) -> int:
    if code in _REPEATS:
        least, most, body = value
        if most <= MANY and least == most:
            return _repetitions(body) * int(most)
        if not _plain(body):
            raise _NoBound
        return 1
    if code is sre.BRANCH:
        return sum(_repetitions(one) for one in value[1]) + len(value[1])
    if code is sre.GROUPREF:
        return 1
    if code in _AROUND:
        return max(_repetitions(body) for body in _AROUND[code](value) if body is not None)
    if code in _FREE:
        return 0
    raise _NoBound


def _plain(body: Any) -> bool:
    """Whether there is one way to match it: characters, one after the other."""
    return all(code in _CHARACTERS or (code is sre.SUBPATTERN and _plain(value[-1])) for code, value in body)


_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
_CHARACTERS = (sre.LITERAL, sre.NOT_LITERAL, sre.IN, sre.ANY, sre.CATEGORY, sre.AT)
_FREE = (*_CHARACTERS, sre.FAILURE)
_AROUND: dict[Any, Callable[[Any], tuple[Any, ...]]] = {  # what is matched at most once, of several one
    sre.SUBPATTERN: lambda value: value[-1:],
    sre.ATOMIC_GROUP: lambda value: (value,),
    sre.ASSERT: lambda value: value[1:],
    sre.ASSERT_NOT: lambda value: value[1:],
    sre.GROUPREF_EXISTS: lambda value: value[1:],
}
