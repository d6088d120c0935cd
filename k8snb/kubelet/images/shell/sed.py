"""A small sed: addresses and the commands that one uses.

    sed -n '2,5p'   sed '/^#/d'   sed -e 's/a/b/g' -e '$a end'   sed -i 's|x|y|' file   sed -E 's/(a+)b/\\1/'

Commands: s (flags g, p, I, a number), p, d, q, a, i, c, y, =. Addresses: a line, ``$``, ``/pattern/``, two of these, ``!``.

Models: sed of BusyBox and GNU.
Simplified: no branches and no hold space; what is not known is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from k8snb.apimachinery.patterns import Match, PatternError, posix
from k8snb.kubelet.images.shell.commands import Call, Result, fail
from k8snb.kubelet.images.shell.files import read


class SedError(ValueError):
    """The script cannot be read, or asks for what is not simulated. ``status``: how sed ends with it."""

    status = 1


class NotSimulated(SedError):
    """The script asks for what is not simulated."""

    status = 127


class Address(NamedTuple):
    """A line by its number (``$``: -1) or by a pattern."""

    line: int = 0
    pattern: str = ""

    def fits(self, number: int, last: int, text: str) -> bool:
        """Whether it names that line."""
        return posix(self.pattern).search(text) is not None if self.pattern else number == (last if self.line == -1 else self.line)


@dataclass(slots=True)
class Instruction:
    """One command with its addresses."""

    name: str
    first: Address | None
    second: Address | None
    negate: bool
    arguments: tuple[str, ...] = ()
    inside: bool = False  # of a range

    def applies(self, number: int, last: int, text: str) -> bool:
        """Whether the command is for this line."""
        return self._named(number, last, text) != self.negate

    def _named(self, number: int, last: int, text: str) -> bool:
        if self.first is None:
            return True
        if self.second is None:
            return self.first.fits(number, last, text)
        if self.inside:
            self.inside = not self._ends(number, last, text)
            return True
        if not self.first.fits(number, last, text):
            return False
        self.inside = not (not self.second.pattern and self._ends(number, last, text))
        return True

    def _ends(self, number: int, last: int, text: str) -> bool:
        assert self.second is not None
        if self.second.pattern:
            return self.second.fits(number, last, text)
        return number >= (last if self.second.line == -1 else self.second.line)


def basic(pattern: str, *, extended: bool) -> str:
    """A regular expression as Python reads it: in basic ones ``\\(``, ``\\+`` and ``\\{`` are the special forms."""
    if extended:
        return _classes(pattern)
    swapped = re.sub(r"\\([(){}+?|])|([(){}+?|])", lambda found: found[1] or "\\" + found[2], pattern)
    return _classes(swapped)


def _classes(pattern: str) -> str:
    names = {"space": r"\s", "digit": "0-9", "alpha": "a-zA-Z", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z", "blank": r" \t"}
    return re.sub(r"\[:(\w+):\]", lambda found: names.get(found[1], ""), pattern)


class Script:
    """Reads a script."""

    def __init__(self, text: str, *, extended: bool):
        self.text, self.at, self.extended = text, 0, extended

    def instructions(self) -> list[Instruction]:
        """All of it."""
        found: list[Instruction] = []
        while True:
            while self.at < len(self.text) and self.text[self.at] in " \t\n;":
                self.at += 1
            if self.at >= len(self.text):
                return found
            if self.text[self.at] == "#":
                self.at = (self.text + "\n").index("\n", self.at)
                continue
            found.append(self._instruction())

    def _instruction(self) -> Instruction:
        first = self._address()
        second = None
        if first is not None and self._next(","):
            second = self._address()
        negate = self._next("!")
        name, self.at = self.text[self.at : self.at + 1], self.at + 1
        if name == "s":
            arguments = self._parts(2)
            flags = re.compile(r"[gpIi0-9]*").match(self.text, self.at)
            self.at = flags.end() if flags else self.at
            return Instruction(name, first, second, negate, (*arguments, flags[0] if flags else ""))
        if name == "y":
            return Instruction(name, first, second, negate, self._parts(2))
        if name in ("a", "i", "c"):
            end = (self.text + "\n").index("\n", self.at)
            said = self.text[self.at : end].strip()
            said = self.text[end + 1 :].partition("\n")[0] if said == "\\" else said.removeprefix("\\").lstrip()
            self.at = len(self.text) if said != self.text[self.at : end].strip() and "\\" in self.text[self.at : end] else end
            return Instruction(name, first, second, negate, (said,))
        if name in ("p", "d", "q", "="):
            return Instruction(name, first, second, negate)
        raise NotSimulated(f"k8snb does not simulate the command {name!r}")

    def _next(self, char: str) -> bool:
        while self.text[self.at : self.at + 1] == " ":
            self.at += 1
        found = self.text[self.at : self.at + 1] == char
        self.at += found
        return found

    def _address(self) -> Address | None:
        self._next("\0")
        if found := re.compile(r"\d+").match(self.text, self.at):
            self.at = found.end()
            return Address(int(found[0]))
        if self._next("$"):
            return Address(-1)
        if self.text[self.at : self.at + 1] == "/":
            (pattern,) = self._parts(1)
            return Address(0, basic(pattern, extended=self.extended))
        return None

    def _parts(self, count: int) -> tuple[str, ...]:
        """The texts between marks: ``/a/b/``. The mark itself may be escaped."""
        mark, self.at = self.text[self.at : self.at + 1], self.at + 1
        parts: list[str] = []
        current = ""
        while len(parts) < count:
            if self.at >= len(self.text):
                raise SedError(f"unterminated {'`s' if count > 1 else 'address'} command")
            char = self.text[self.at]
            if char == "\\":
                pair = self.text[self.at : self.at + 2]
                current += mark if pair[1:] == mark else pair
                self.at += 2
                continue
            self.at += 1
            if char == mark:
                parts.append(current)
                current = ""
            else:
                current += char
        return tuple(parts)


def _replaced(new: str, found: Match) -> str:
    """The right side of ``s`` for one match: ``&`` is all of it, ``\\1`` its first group. Raises IndexError where there is none."""
    return re.sub(r"\\(.)|&", lambda one: _filled(one[1], found), new, flags=re.S)


def _filled(escaped: str | None, found: Match) -> str:
    if escaped is None:
        return str(found.group())
    if escaped.isdecimal():
        return str(found.group(int(escaped)) or "")
    return {"n": "\n", "t": "\t"}.get(escaped, escaped)


class Editor:
    """Applies instructions to the lines of a text."""

    def __init__(self, instructions: list[Instruction], *, quiet: bool, extended: bool):
        self.instructions, self.quiet, self.extended = instructions, quiet, extended

    def edit(self, text: str) -> str:
        """The edited text."""
        lines, out = text.splitlines(), list[str]()
        for number, given in enumerate(lines, 1):
            after: list[str] = []
            keep, stop, line = self._line(number, len(lines), given, out, after)
            if keep and not self.quiet:
                out.append(line)
            out += after
            if stop:
                break
        return "".join(f"{line}\n" for line in out)

    def _line(self, number: int, last: int, line: str, out: list[str], after: list[str]) -> tuple[bool, bool, str]:
        for one in self.instructions:
            if not one.applies(number, last, line):
                continue
            if one.name == "d":
                return False, False, line
            if one.name == "c":
                out.append(one.arguments[0])
                return False, False, line
            if one.name == "q":
                return True, True, line
            if one.name == "p":
                out.append(line)
            elif one.name == "=":
                out.append(str(number))
            elif one.name == "i":
                out.append(one.arguments[0])
            elif one.name == "a":
                after.append(one.arguments[0])
            elif one.name == "y":
                line = line.translate(str.maketrans(*one.arguments))
            else:
                line = self._substitute(one, line, out)
        return True, False, line

    def _substitute(self, one: Instruction, line: str, out: list[str]) -> str:
        pattern, new, flags = one.arguments
        expression = posix(basic(pattern, extended=self.extended), ignore_case=bool(set(flags) & {"I", "i"}))
        place = re.search(r"\d+", flags)
        if place:
            found = list(expression.finditer(line))[int(place[0]) - 1 : int(place[0])]
            changed = line if not found else line[: found[0].start()] + _replaced(new, found[0]) + line[found[0].end() :]
        else:
            changed = expression.sub(lambda one: _replaced(new, one), line, count=0 if "g" in flags else 1)
        if "p" in flags and expression.search(line):
            out.append(changed)
        return changed


def sed(call: Call) -> Result:
    """``sed [-n] [-i] [-E] [-e script] [script] [file...]``."""
    args, scripts, options = list(call.args), list[str](), set[str]()
    while args and args[0].startswith("-") and args[0] != "-":
        word = args.pop(0)
        if word in ("-e", "--expression") and args:
            scripts.append(args.pop(0))
        elif word == "-f" and args:
            scripts.append(call.files.read(call.path(args.pop(0))) or "")
        else:
            options |= {"i"} if word.startswith(("-i", "--in-place")) else set(word[1:])
    script = "\n".join(scripts) if scripts else args.pop(0) if args else ""
    extended = bool(options & {"E", "r"})
    found, errors = read(call, args)
    out = ""
    try:
        for name, text in found:
            editor = Editor(Script(script, extended=extended).instructions(), quiet="n" in options, extended=extended)
            changed = editor.edit(text)
            if "i" in options and name != "-":
                call.files.write(call.path(name), changed)
            else:
                out += changed
    except SedError as error:
        return fail(call, str(error), error.status)
    except (PatternError, IndexError) as error:
        return fail(call, str(error))
    return Result(out, 1 if errors else 0, errors)
