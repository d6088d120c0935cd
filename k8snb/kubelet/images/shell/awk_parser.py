"""From the text of an awk program to nested tuples: rules of (pattern, statements).

    statement   ("print", expressions) | ("printf", expressions) | ("do", expression) | ("if", condition, yes, no) | ("while", ...) ...
    expression  ("value", v) | ("var", name) | ("field", e) | ("item", array, e) | ("set", target, operator, e) | ("call", name, es) ...

Models: the grammar of POSIX awk. What it runs is :mod:`.awk`.
"""

from __future__ import annotations

import re
from typing import Any

from k8snb.kubelet.images.shell.commands import unescape

CALLS = ("substr", "index", "toupper", "tolower", "int", "sprintf", "sqrt", "match", "length", "sub", "gsub", "split")
"""The functions that are simulated."""
_TOKEN = re.compile(
    r'\s*(?:(?P<comment>\#[^\n]*)|(?P<number>\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)|(?P<text>"(?:[^"\\]|\\.)*")|(?P<name>[A-Za-z_]\w*)'
    r"|(?P<op>\+\+|--|\+=|-=|\*=|/=|%=|==|!=|<=|>=|&&|\|\||!~|[-+*/%^=<>!~?:,;(){}\[\]$\n]))"
)
_REGEX = re.compile(r"\s*/((?:[^/\\\n]|\\.)*)/")


class AwkError(ValueError):
    """The program cannot be read, or does something that is not simulated."""


class Parser:
    """From a program's text to nested tuples."""

    def __init__(self, program: str):
        self.program, self.at = program, 0

    def peek(self) -> tuple[str, str]:
        """The next token: (kind, text); kind is empty at the end."""
        kept = self.at
        token = self.take()
        self.at = kept
        return token

    def take(self) -> tuple[str, str]:
        """The next token, which is used up. A line end inside blanks counts as ``;``."""
        while self.at < len(self.program) and self.program[self.at] in " \t\\":
            self.at += 1
        if self.at < len(self.program) and self.program[self.at] == "\n":
            self.at += 1
            return "op", ";"
        found = _TOKEN.match(self.program, self.at)
        if not found:
            if self.program[self.at :].strip():
                raise AwkError(f"syntax error near {self.program[self.at :].strip()[:20]!r}")
            return "", ""
        self.at = found.end()
        kind = found.lastgroup or ""
        return self.take() if kind == "comment" else (kind, found[kind])

    def accept(self, *words: str) -> str:
        """Use up one of these, if it is next."""
        kept = self.at
        _kind, word = self.take()
        if word in words:
            return word
        self.at = kept
        return ""

    def expect(self, word: str) -> None:
        """Use up this, or fail."""
        if not self.accept(word):
            raise AwkError(f"syntax error: expected {word} near {self.program[self.at : self.at + 20].strip()!r}")

    def skip(self) -> None:
        """Skip empty statements."""
        while self.accept(";"):
            pass

    def rules(self) -> list[tuple[Any, Any]]:
        """All ``pattern { action }``."""
        found = []
        self.skip()
        while self.peek()[0]:
            pattern: Any = None
            if self.peek()[1] in ("BEGIN", "END"):
                pattern = self.take()[1]
            elif self.peek()[1] != "{":
                pattern = self.expression()
                if self.accept(","):
                    raise AwkError("ranges of patterns are not simulated")
            action = self.block() if self.peek()[1] == "{" else [("print", [])]
            found.append((pattern, action))
            self.skip()
        return found

    def block(self) -> list[Any]:
        """``{ statements }``, or one statement."""
        if not self.accept("{"):
            return [self.statement()]
        found = []
        self.skip()
        while not self.accept("}"):
            if not self.peek()[0]:
                raise AwkError("syntax error: missing }")
            found.append(self.statement())
            self.skip()
        return found

    def statement(self) -> Any:
        """One statement."""
        word = self.peek()[1]
        if word == "{":
            return ("block", self.block())
        if word in ("if", "while", "for", "print", "printf", "delete"):
            self.take()
            return getattr(self, f"_{word}")()
        if word in ("break", "continue"):
            return ("leave", self.take()[1])
        if word in ("next", "exit"):
            self.take()
            value = self.expression() if word == "exit" and self.peek()[1] not in (";", "}", "") else None
            return (word, value)
        return ("do", self.expression())

    def _if(self) -> Any:
        self.expect("(")
        condition = self.expression()
        self.expect(")")
        self.skip()
        yes = self.block()
        kept = self.at
        self.skip()
        if self.accept("else"):
            self.skip()
            return ("if", condition, yes, self.block())
        self.at = kept
        return ("if", condition, yes, [])

    def _while(self) -> Any:
        self.expect("(")
        condition = self.expression()
        self.expect(")")
        self.skip()
        return ("while", condition, self.block())

    def _for(self) -> Any:
        self.expect("(")
        kept = self.at
        _kind, name = self.take()
        if self.accept("in"):
            array = self.take()[1]
            self.expect(")")
            self.skip()
            return ("each", name, array, self.block())
        self.at = kept
        first = None if self.peek()[1] == ";" else self.expression()
        self.expect(";")
        condition = None if self.peek()[1] == ";" else self.expression()
        self.expect(";")
        step = None if self.peek()[1] == ")" else self.expression()
        self.expect(")")
        self.skip()
        return ("for", first, condition, step, self.block())

    def _arguments(self) -> list[Any]:
        found: list[Any] = []
        while self.peek()[1] not in (";", "}", "", ")"):
            found.append(self.expression(compare=False))
            if not self.accept(","):
                break
        if self.peek()[1] in (">", "|"):
            raise AwkError("redirections are not simulated")
        return found

    def _print(self) -> Any:
        return ("print", self._arguments())

    def _printf(self) -> Any:
        return ("printf", self._arguments())

    def _delete(self) -> Any:
        name = self.take()[1]
        if self.accept("["):
            index = self.expression()
            self.expect("]")
            return ("delete", name, index)
        return ("delete", name, None)

    # -- expressions, the loosest first ------------------------------------------------------------------------------

    def expression(self, *, compare: bool = True) -> Any:
        """An expression; without ``compare`` a ``>`` ends it, as in print."""
        left = self._choice(compare)
        if (word := self.peek()[1]) in ("=", "+=", "-=", "*=", "/=", "%=") and left[0] in ("var", "field", "item"):
            self.take()
            return ("set", left, word[:-1], self.expression(compare=compare))
        return left

    def _choice(self, compare: bool) -> Any:
        condition = self._either(compare)
        if self.accept("?"):
            yes = self.expression(compare=compare)
            self.expect(":")
            return ("choice", condition, yes, self.expression(compare=compare))
        return condition

    def _either(self, compare: bool) -> Any:
        left = self._both(compare)
        while self.accept("||"):
            left = ("or", left, self._both(compare))
        return left

    def _both(self, compare: bool) -> Any:
        left = self._in(compare)
        while self.accept("&&"):
            left = ("and", left, self._in(compare))
        return left

    def _in(self, compare: bool) -> Any:
        left = self._match(compare)
        while self.accept("in"):
            left = ("in", left, self.take()[1])
        return left

    def _match(self, compare: bool) -> Any:
        left = self._compared(compare)
        while word := self.accept("~", "!~"):
            left = ("match", word, left, self._compared(compare))
        return left

    def _compared(self, compare: bool) -> Any:
        left = self._joined()
        words = ("<", "<=", "==", "!=", ">", ">=") if compare else ("<", "<=", "==", "!=", ">=")
        if word := self.accept(*words):
            return ("compare", word, left, self._joined())
        return left

    def _joined(self) -> Any:
        left = self._sum()
        while True:
            kind, word = self.peek()
            starts = kind in ("number", "text") or (kind == "name" and word not in ("in", "else")) or word in ("$", "(", "-", "!")
            if not starts or word in ("-", "!"):
                return left
            left = ("join", left, self._sum())

    def _sum(self) -> Any:
        left = self._product()
        while word := self.accept("+", "-"):
            left = ("math", word, left, self._product())
        return left

    def _product(self) -> Any:
        left = self._unary()
        while word := self.accept("*", "/", "%"):
            left = ("math", word, left, self._unary())
        return left

    def _unary(self) -> Any:
        if word := self.accept("!", "-", "+"):
            return (word, self._unary())
        left = self._postfix()
        if self.accept("^"):
            return ("math", "^", left, self._unary())
        return left

    def _postfix(self) -> Any:
        if word := self.accept("++", "--"):
            return ("step", self._postfix(), word, True)
        value = self._atom()
        if value[0] in ("var", "field", "item") and (word := self.accept("++", "--")):
            return ("step", value, word, False)
        return value

    def _atom(self) -> Any:
        if found := _REGEX.match(self.program, self.at):
            self.at = found.end()
            return ("regex", found[1].replace("\\/", "/"))
        kind, word = self.take()
        if kind == "number":
            return ("value", float(word))
        if kind == "text":
            return ("value", unescape(word[1:-1]).replace('\\"', '"'))
        if word == "$":
            return ("field", self._postfix() if self.peek()[1] != "(" else self._atom())
        if word == "(":
            inner = self.expression()
            self.expect(")")
            return ("group", inner)
        if kind == "name":
            return self._named(word)
        raise AwkError(f"syntax error near {word or 'end of program'!r}")

    def _named(self, word: str) -> Any:
        if word in CALLS:
            arguments: list[Any] = []
            if self.accept("("):
                while not self.accept(")"):
                    arguments.append(self.expression())
                    self.accept(",")
            return ("call", word, arguments)
        if self.accept("["):
            index = self.expression()
            self.expect("]")
            return ("item", word, index)
        if self.program[self.at : self.at + 1] == "(" or word in ("function", "getline", "system"):
            raise AwkError(f"{word} is not simulated")
        return ("var", word)
