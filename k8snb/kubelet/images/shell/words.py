"""The words of a script: quotes, variables, substitutions, here-documents, and the characters they are made of.

The lower half of the compiler. A command substitution needs the upper half, which is a subclass (:mod:`.compile`).
Models: the quoting rules of POSIX sh, as BusyBox ash reads them.
"""

from __future__ import annotations

import functools
import re
from typing import Any

Word = tuple[Any, ...]
Instruction = tuple[Any, ...]
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
KEYWORD = re.compile(r"(?:if|then|elif|else|fi|while|until|do|done|for|in|case|esac|\{|\}|!)(?=[\s;&|()]|$)")
_OPERATOR = {"-", "=", "+", "?", "%", "#"}
BREAKS = " \t\n;&|()<>"


@functools.cache
def _any_of(letters: str) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(letters)}]")


class ShellSyntaxError(ValueError):
    """The script cannot be read; the message is what the shell prints."""


class Incomplete(ShellSyntaxError):
    """The script cannot be read yet: its end is missing."""


class Words:
    """Reads a text character by character."""

    def __init__(self, text: str):
        self.text, self.at = text.replace("\r\n", "\n").replace("\\\n", ""), 0
        self.blocks: list[list[Instruction]] = [[]]
        self.code: list[Instruction] = []
        self.temps = 0

    def block(self, read: Any, *args: Any) -> list[Instruction]:
        """What ``read`` emits, on its own."""
        code, self.code = self.code, []
        read(*args)
        result, self.code = self.code, code
        return result

    def new_block(self, code: list[Instruction]) -> int:
        """Keep a block; its number."""
        self.blocks.append(code)
        return len(self.blocks) - 1

    def emit(self, *instruction: Any) -> int:
        """Add an instruction; its place."""
        self.code.append(instruction)
        return len(self.code) - 1

    def commands(self, ends: tuple[str, ...]) -> None:
        """Read commands: the upper half of the compiler does it."""
        raise NotImplementedError

    # -- characters --------------------------------------------------------------------------------------------------

    def error(self) -> ShellSyntaxError:
        if self.at >= len(self.text):
            return Incomplete('sh: syntax error: unexpected "end of file"')
        word, rest = KEYWORD.match(self.text, self.at), self.text[self.at]
        found = "newline" if rest == "\n" else rest
        return ShellSyntaxError(f'sh: syntax error: unexpected "{word.group() if word else found}"')

    def blanks(self, newlines: bool = False) -> None:
        """Skip blanks and comments; with ``newlines`` also line ends."""
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in " \t" or (newlines and char == "\n"):
                self.at += 1
            elif char == "#":
                end = self.text.find("\n", self.at)
                self.at = end if end >= 0 else len(self.text)
            else:
                return

    def take(self, token: str) -> bool:
        """Skip an operator if it is next."""
        self.blanks()
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def keyword(self) -> str:
        """The reserved word that is next, or nothing."""
        self.blanks()
        found = KEYWORD.match(self.text, self.at)
        return found.group() if found else ""

    def expect(self, word: str) -> None:
        """Skip a reserved word, or fail."""
        self.blanks(newlines=True)
        if self.keyword() != word:
            raise self.error()
        self.at += len(word)

    # -- words -------------------------------------------------------------------------------------------------------

    def heredoc(self, strip: bool) -> Word:
        """The body of a here-document, which is cut out of the text."""
        start = self.at
        self.word()
        raw = self.text[start : self.at]
        end = raw.strip("'\"\\")
        head, _, rest = self.text[self.at :].partition("\n")
        lines, body = rest.split("\n"), []
        while lines and (lines[0].lstrip("\t") if strip else lines[0]) != end:
            body.append(lines.pop(0).lstrip("\t") if strip else lines.pop(0))
        text = "".join(f"{line}\n" for line in body)
        self.text = self.text[: self.at] + head + "\n" + "\n".join(lines[1:])
        return (("text", text, True),) if raw != end else self.within(text)

    def within(self, text: str) -> Word:
        """A text read as if it stood in double quotes."""
        kept, at = self.text, self.at
        self.text, self.at = text, 0
        parts = self.double("")
        self.text, self.at = kept, at
        return tuple(parts)

    def name(self) -> str:
        found = _NAME.match(self.text, self.at)
        if not found:
            raise self.error()
        self.at = found.end()
        return found.group()

    def words(self) -> list[Word]:
        found: list[Word] = []
        while True:
            self.blanks()
            if self.at >= len(self.text) or self.text[self.at] in BREAKS:
                return found
            found.append(self.word())

    def word(self, stop: str = BREAKS) -> Word:
        """One word: quotes, variables and substitutions as parts."""
        parts: list[Any] = []
        plain = ""
        while self.at < len(self.text) and self.text[self.at] not in stop:
            char = self.text[self.at]
            if char in "'\"$`":
                parts += self.plain(plain)
                plain = ""
                parts += self.special(char)
            elif char == "\\":
                parts += self.plain(plain)
                plain = ""
                parts.append(("text", self.text[self.at + 1 : self.at + 2], True))
                self.at += 2
            else:
                plain += self.ordinary(stop + "'\"$`\\")
        return tuple(parts + self.plain(plain))

    def ordinary(self, special: str) -> str:
        """What comes before the next special letter: at least one letter."""
        start = self.at
        found = _any_of(special).search(self.text, start + 1)
        self.at = found.start() if found else len(self.text)
        return self.text[start : self.at]

    def plain(self, text: str) -> list[Any]:
        return [("text", text, False)] if text else []

    def special(self, char: str) -> list[Any]:
        self.at += 1
        if char == "'":
            return [("text", self.until("'"), True)]
        if char == '"':
            return self.double('"') or [("text", "", True)]
        return [self.substitution(False) if char == "`" else self.dollar(False)]

    def until(self, end: str) -> str:
        stop = self.text.find(end, self.at)
        if stop < 0:
            raise Incomplete("sh: syntax error: unterminated quoted string")
        found, self.at = self.text[self.at : stop], stop + len(end)
        return found

    def double(self, end: str) -> list[Any]:
        parts: list[Any] = []
        plain = ""
        while end == "" or not self.text.startswith(end, self.at):
            if self.at >= len(self.text):
                if end:
                    raise Incomplete("sh: syntax error: unterminated quoted string")
                break
            char = self.text[self.at]
            if char == "\\" and self.text[self.at + 1 : self.at + 2] in tuple('$`"\\'):
                plain += self.text[self.at + 1]
                self.at += 2
            elif char in "$`":
                self.at += 1
                parts += [("text", plain, True)] if plain else []
                plain = ""
                parts.append(self.dollar(True) if char == "$" else self.substitution(True))
            else:
                plain += self.ordinary('$`"\\')
        self.at += len(end)
        return parts + ([("text", plain, True)] if plain else [])

    def dollar(self, quoted: bool) -> Any:
        """What follows a dollar sign, which is already read."""
        if self.text.startswith("((", self.at):
            self.at += 2
            return ("math", self.within(self.math()), quoted)
        if self.text.startswith("(", self.at):
            self.at += 1
            return self.embedded(quoted)
        if self.text.startswith("{", self.at):
            self.at += 1
            return self.braces(quoted)
        found = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]").match(self.text, self.at)
        if not found:
            return ("text", "$", quoted)
        self.at = found.end()
        return ("var", found.group(), "", None, quoted)

    def math(self) -> str:
        """The text up to the ``))`` that ends an arithmetic expansion."""
        start, depth = self.at, 0
        while self.at < len(self.text):
            if depth == 0 and self.text.startswith("))", self.at):
                self.at += 2
                return self.text[start : self.at - 2]
            depth += {"(": 1, ")": -1}.get(self.text[self.at], 0)
            self.at += 1
        raise Incomplete("sh: syntax error: unterminated quoted string")

    def braces(self, quoted: bool) -> Any:
        length = self.text.startswith("#", self.at) and self.text[self.at + 1 : self.at + 2] != "}"
        self.at += length
        found = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!]").match(self.text, self.at)
        if not found:
            raise ShellSyntaxError("sh: syntax error: bad substitution")
        self.at = found.end()
        operator = "length" if length else ""
        while self.text[self.at : self.at + 1] in _OPERATOR | {":"} and len(operator) < 2 and not length:
            operator += self.text[self.at]
            self.at += 1
        word = self.word("}")
        self.at += 1
        return ("var", found.group(), operator, word, quoted)

    def embedded(self, quoted: bool) -> Any:
        """``$( ... )``: its block runs before the command that uses it."""
        block = self.new_block(self.block(self.commands, ()))
        self.blanks(newlines=True)
        if not self.take(")"):
            raise self.error()
        return self.substitute(block, quoted)

    def substitution(self, quoted: bool) -> Any:
        """The older form, between back quotes."""
        inner = self.until("`")
        kept, at = self.text, self.at
        self.text, self.at = inner, 0
        block = self.new_block(self.block(self.commands, ()))
        self.text, self.at = kept, at
        return self.substitute(block, quoted)

    def substitute(self, block: int, quoted: bool) -> Any:
        self.temps += 1
        temp = f"%{self.temps}"
        self.emit("call", block, (), False, temp, False)
        return ("sub", temp, quoted)
