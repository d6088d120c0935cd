"""From the text of a script to blocks of instructions.

A *block* is what has output and input of its own: the main script, a subshell, a ``$( )``, a stage of a pipeline, a
background job, a function. Jumps are relative, so a piece of code can be moved into a block of its own.

    word   = tuple of parts: ("text", s, quoted) | ("var", name, op, word, quoted) | ("sub", temp, quoted) | ("math", word)
    redir  = (fd, "<" | ">" | ">>" | "<<" | ">&", word)
    code   = ("run", assigns, words, redirs) | ("jump" | "jz" | "jnz", offset) | ("not",) | ("status", n)
           | ("call", block, redirs, reads pipe, writes to, shares variables) | ("spawn", block) | ("define", name, block)
           | ("for", words) | ("next", name, offset) | ("endfor",) | ("match", word, patterns)

Models: the grammar of POSIX sh, as BusyBox ash reads it.
Simplified: no aliases, no ``select``, no arrays, no process substitution.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from k8snb.kubelet.images.shell.words import BREAKS, Instruction, ShellSyntaxError, Word, Words

_ASSIGN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_REDIRECT = re.compile(r"([0-9]{0,9})(&>|>>|>&|<<-|<<|<&|>\||>|<)")
_COUNT = re.compile("[0-9]{1,9}")
_FUNCTION = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)[ \t]*\([ \t]*\)")


class Program(NamedTuple):
    """A compiled script; block 0 is where it starts."""

    blocks: tuple[tuple[Instruction, ...], ...]


@functools.lru_cache(maxsize=4096)
def compile_script(text: str) -> Program:
    """The program of a script. Raises :class:`ShellSyntaxError`."""
    parser = _Parser(text)
    try:
        main = parser.block(parser.commands, ())
    except RecursionError:
        raise ShellSyntaxError("sh: syntax error: nested too deeply") from None
    if parser.at < len(parser.text):
        raise parser.error()
    blocks = parser.blocks
    return Program((tuple(main), *(tuple(block) for block in blocks[1:])))


@dataclass
class _Loop:
    """Where ``break`` and ``continue`` of one loop stand, until their targets are known."""

    start: int
    counted: bool  # a ``for``, which keeps its words while it runs
    breaks: list[int] = field(default_factory=list)


class _Parser(Words):
    """Commands, lists, pipelines and compound commands."""

    # -- blocks ------------------------------------------------------------------------------------------------------

    def __init__(self, text: str):
        super().__init__(text)
        self.loops: list[_Loop] = []

    def block(self, read: Any, *args: Any) -> list[Instruction]:
        """What ``read`` emits, on its own: loops outside cannot be left from within."""
        loops, self.loops = self.loops, []
        code = super().block(read, *args)
        self.loops = loops
        return code

    def cut(self, start: int) -> int:
        """Move what was emitted since ``start`` into a block of its own."""
        code = self.code[start:]
        del self.code[start:]
        for loop in self.loops:  # a `break` in a block of its own cannot leave a loop outside it
            loop.breaks = [index for index in loop.breaks if index < start]
        return self.new_block(code)

    def patch(self, index: int, target: int | None = None) -> None:
        """Let the jump at ``index`` lead to ``target`` (default: here)."""
        instruction = self.code[index]
        offset = (len(self.code) if target is None else target) - index - 1
        self.code[index] = (*instruction[:-1], offset)

    # -- lists and pipelines -----------------------------------------------------------------------------------------

    def commands(self, ends: tuple[str, ...]) -> None:
        """Commands up to one of the closing words (or ``)``, or ``;;``), which stays."""
        while True:
            self.blanks(newlines=True)
            if self.at >= len(self.text) or self.text[self.at] == ")" or self.text.startswith(";;", self.at):
                return
            if self.keyword() in ends:
                return
            start = len(self.code)
            self.and_or()
            if not self.text.startswith("&&", self.at) and self.take("&"):
                self.emit("spawn", self.cut(start))
            elif not self.text.startswith(";;", self.at):
                self.take(";")

    def and_or(self) -> None:
        self.pipeline()
        while True:
            if self.take("&&"):
                jump = self.emit("jnz", 0)
            elif self.take("||"):
                jump = self.emit("jz", 0)
            else:
                return
            self.blanks(newlines=True)
            self.pipeline()
            self.patch(jump)

    def pipeline(self) -> None:
        negate = self.keyword() == "!"
        if negate:
            self.at += 1
        start = len(self.code)
        self.command()
        stages: list[int] = []
        while not self.text.startswith("||", self.at) and self.take("|"):
            stages.append(self.cut(start))
            self.blanks(newlines=True)
            self.command()
        if stages:
            stages.append(self.cut(start))
            for number, block in enumerate(stages):
                self.emit("call", block, (), number > 0, "|" if number < len(stages) - 1 else "", False)
        if negate:
            self.emit("not")
        self.blanks()

    def command(self) -> None:
        start, word = len(self.code), self.keyword()
        compound = {
            "if": self.if_, "while": self.while_, "until": self.while_, "for": self.for_, "case": self.case, "{": self.group,
        }.get(word)  # fmt: skip
        if compound:
            self.at += len(word)
            compound(word)
        elif word:
            raise self.error()
        elif self.take("("):
            self.subshell()
        elif found := _FUNCTION.match(self.text, self.at):
            self.function(found)
            return
        else:
            self.simple()
            return
        redirects = self.redirects()
        if redirects:
            self.emit("call", self.cut(start), redirects, False, "", True)

    # -- compound commands -------------------------------------------------------------------------------------------

    def if_(self, _word: str) -> None:
        ends: list[int] = []
        while True:
            self.commands(("then",))
            self.expect("then")
            skip = self.emit("jnz", 0)
            self.commands(("elif", "else", "fi"))
            ends.append(self.emit("jump", 0))
            self.patch(skip)
            if self.keyword() != "elif":
                break
            self.at += len("elif")
        if self.keyword() == "else":
            self.at += len("else")
            self.commands(("fi",))
        else:
            self.emit("status", 0)
        self.expect("fi")
        for jump in ends:
            self.patch(jump)

    def while_(self, word: str) -> None:
        loop = _Loop(len(self.code), counted=False)
        self.loops.append(loop)
        self.commands(("do",))
        self.expect("do")
        leave = self.emit("jnz" if word == "while" else "jz", 0)
        self.commands(("done",))
        self.expect("done")
        self.close_loop(loop, leave)
        self.emit("status", 0)

    def for_(self, _word: str) -> None:
        self.blanks()
        name = self.name()
        self.blanks(newlines=True)
        words: list[Word] = [(("var", "@", "", None, True),)]
        if self.keyword() == "in":
            self.at += len("in")
            words = self.words()
        self.take(";")
        self.emit("for", tuple(words))
        loop = _Loop(len(self.code), counted=True)
        self.loops.append(loop)
        leave = self.emit("next", name, 0)
        self.expect("do")
        self.commands(("done",))
        self.expect("done")
        self.close_loop(loop, leave)
        self.emit("endfor")

    def close_loop(self, loop: _Loop, leave: int) -> None:
        back = self.emit("jump", 0)
        self.patch(back, loop.start)
        for jump in [leave, *loop.breaks]:
            self.patch(jump)
        self.loops.pop()

    def case(self, _word: str) -> None:
        self.blanks()
        subject = self.word()
        self.expect("in")
        ends: list[int] = []
        while True:
            self.blanks(newlines=True)
            if self.keyword() == "esac":
                break
            self.take("(")
            patterns = [self.pattern()]
            while self.take("|"):
                patterns.append(self.pattern())
            if not self.take(")"):
                raise self.error()
            self.emit("match", subject, tuple(patterns))
            skip = self.emit("jnz", 0)
            self.commands(("esac",))
            self.take(";;")
            ends.append(self.emit("jump", 0))
            self.patch(skip)
        self.emit("status", 0)
        self.expect("esac")
        for jump in ends:
            self.patch(jump)

    def pattern(self) -> Word:
        self.blanks()
        return self.word()

    def group(self, _word: str) -> None:
        self.commands(("}",))
        self.expect("}")

    def subshell(self) -> None:
        block = self.new_block(self.block(self.commands, ()))
        if not self.take(")"):
            raise self.error()
        self.emit("call", block, (), False, "", False)

    def function(self, found: re.Match[str]) -> None:
        self.at = found.end()
        self.blanks(newlines=True)
        block = self.new_block(self.block(self.command))
        self.emit("define", found.group(1), block)

    # -- simple commands and words -----------------------------------------------------------------------------------

    def simple(self) -> None:
        assigns: list[tuple[str, Word]] = []
        words: list[Word] = []
        redirects: list[tuple[int, str, Word]] = []
        while True:
            self.blanks()
            found = _ASSIGN.match(self.text, self.at)
            if redirect := self.redirect():
                redirects += redirect
            elif found and not words:
                self.at = found.end()
                assigns.append((found.group()[:-1], self.word()))
            elif self.at < len(self.text) and self.text[self.at] not in BREAKS:
                words.append(self.word())
            else:
                break
        if not (assigns or words or redirects):
            raise self.error()
        if not self.loop_control(words):
            self.emit("run", tuple(assigns), tuple(words), tuple(redirects))

    def loop_control(self, words: list[Word]) -> bool:
        """``break [n]`` and ``continue [n]`` are jumps; the words of the inner ``for`` loops that they leave are dropped."""
        said = [word[0][1] if len(word) == 1 and word[0][0] == "text" else "" for word in words]
        if not self.loops or said[:1] not in (["break"], ["continue"]) or not all(map(_COUNT.fullmatch, said[1:])) or len(said) > 2:
            return False
        depth = min(max(1, int(said[1]) if len(said) == 2 else 1), len(self.loops))
        for inner in self.loops[len(self.loops) - depth + 1 :]:
            if inner.counted:
                self.emit("endfor")
        loop = self.loops[-depth]
        jump = self.emit("jump", 0)
        if said[0] == "break":
            loop.breaks.append(jump)
        else:
            self.patch(jump, loop.start)
        return True

    def redirects(self) -> tuple[Any, ...]:
        found: list[Any] = []
        while redirect := self.redirect():
            found += redirect
        return tuple(found)

    def redirect(self) -> list[tuple[int, str, Word]]:
        self.blanks()
        found = _REDIRECT.match(self.text, self.at)
        if not found:
            return []
        self.at = found.end()
        operator = found.group(2)
        descriptor = int(found.group(1) or (0 if operator.startswith("<") else 1))
        self.blanks()
        if operator in ("<<", "<<-"):
            return [(descriptor, "<<", self.heredoc(strip=operator == "<<-"))]
        target = self.word()
        if operator == "&>":
            return [(1, ">", target), (2, ">&", (("text", "1", False),))]
        return [(descriptor, {">|": ">", "<&": ">&"}.get(operator, operator), target)]


__all__ = ["Program", "ShellSyntaxError", "compile_script"]
