"""A small awk: patterns and actions over the fields of lines.

    awk -F: '$3 > 100 {n++; print $1, n} END {printf "%d\\n", n}' file

Statements: print, printf, assignments (also to fields), ``++``/``--``, if/else, while, for (both forms), next, exit, delete, blocks.
Expressions: numbers, texts, ``$n``, variables, arrays, arithmetic, comparison, ``~``, ``!~``, ``in``, ``&&``, ``||``, ``!``, ``?:``,
concatenation, and the functions of :data:`FUNCTIONS`.

Models: POSIX awk.
Simplified: no user functions, no getline, no redirections, one-dimensional arrays; what is not known is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from k8snb.apimachinery.patterns import PatternError, posix
from k8snb.kubelet.images.shell.awk_parser import AwkError, Parser
from k8snb.kubelet.images.shell.commands import Call, Result, fail, unescape
from k8snb.kubelet.images.shell.files import read

LONGEST = 1 << 20  # characters of one text
STEPS = 200_000
"""So many statements run at most; an endless program is ended."""


class _Next(Exception):
    pass


class _Leave(Exception):
    """``break`` and ``continue``."""


class _Exit(Exception):
    pass


def number(value: Any) -> float:
    """A value as a number: the digits at its beginning."""
    if isinstance(value, (int, float)):
        return float(value)
    found = re.match(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", str(value))
    return float(found[0]) if found else 0.0


def text(value: Any) -> str:
    """A value as text."""
    if isinstance(value, float):
        return str(int(value)) if value == int(value) and abs(value) < 1e16 else f"{value:.6g}"
    return str(value)


def _looks_numeric(value: Any) -> bool:
    return isinstance(value, (int, float)) or bool(re.fullmatch(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*", str(value)))


def _truth(value: Any) -> bool:
    return bool(value) if isinstance(value, (int, float)) else value != "" and (not _looks_numeric(value) or number(value) != 0)


def _substr(value: Any, begin: Any, count: Any = None) -> str:
    first = int(number(begin))
    end = len(text(value)) + 1 if count is None else first + int(number(count))
    return text(value)[max(0, first - 1) : max(0, end - 1)]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "substr": _substr,
    "index": lambda value, part: float(text(value).find(text(part)) + 1),
    "toupper": lambda value: text(value).upper(),
    "tolower": lambda value: text(value).lower(),
    "int": lambda value: float(int(number(value))),
    "sprintf": lambda form, *values: formatted(text(form), list(values)),
    "sqrt": lambda value: number(value) ** 0.5,
    "match": lambda value, pattern: float((found.start() + 1) if (found := posix(text(pattern)).search(text(value))) else 0),
}


def formatted(form: str, values: list[Any]) -> str:
    """``printf`` of awk."""

    def one(found: re.Match[str]) -> str:
        if found[2] == "%":
            return "%"
        value = values.pop(0) if values else ""
        if found[2] in "di":
            return f"%{found[1]}d" % int(number(value))
        if found[2] in "feg":
            return f"%{found[1]}{found[2]}" % number(value)
        if found[2] in "xXo":
            return f"%{found[1]}{found[2]}" % int(number(value))
        return f"%{found[1]}s" % (text(value)[:1] if found[2] == "c" else text(value))

    return re.sub(r"%([-+ 0#]*\d*(?:\.\d+)?)([dixXofegsc%])", one, form)


class Machine:
    """Runs a program."""

    def __init__(self, variables: dict[str, Any]):
        self.variables: dict[str, Any] = {"NR": 0.0, "NF": 0.0, "FS": " ", "OFS": " ", "ORS": "\n", **variables}
        self.fields: list[str] = [""]
        self.out: list[str] = []
        self.steps = 0
        self.status = 0

    def split(self, line: str) -> None:
        """Take a line apart."""
        mark = text(self.variables["FS"])
        words = line.split() if mark == " " else ([] if not line else posix(mark if len(mark) > 1 else re.escape(mark)).split(line))
        self.fields, self.variables["NF"] = [line, *words], float(len(words))

    def array(self, name: str) -> dict[str, Any]:
        """An array by its name."""
        found = self.variables.setdefault(name, {})
        if not isinstance(found, dict):
            raise AwkError(f"{name} is no array")
        return found

    def run(self, statements: list[Any]) -> None:
        """Run statements."""
        for statement in statements:
            self.steps += 1
            if self.steps > STEPS:
                raise AwkError("the program does not end")
            getattr(self, f"_{statement[0]}")(*statement[1:])

    def _do(self, expression: Any) -> None:
        self.value(expression)

    def _block(self, statements: list[Any]) -> None:
        self.run(statements)

    def _print(self, arguments: list[Any]) -> None:
        words = [text(self.value(one)) for one in arguments] if arguments else [self.fields[0]]
        self.out.append(text(self.variables["OFS"]).join(words) + text(self.variables["ORS"]))

    def _printf(self, arguments: list[Any]) -> None:
        form, *values = [self.value(one) for one in arguments] or [""]
        self.out.append(formatted(text(form), values))

    def _if(self, condition: Any, yes: list[Any], no: list[Any]) -> None:
        self.run(yes if _truth(self.value(condition)) else no)

    def _leave(self, word: str) -> None:
        raise _Leave(word)

    def _turn(self, body: list[Any]) -> bool:
        """One turn of a loop; whether it goes on."""
        try:
            self.run([*body, ("block", [])])
        except _Leave as leave:
            return str(leave.args[0]) == "continue"
        return True

    def _while(self, condition: Any, body: list[Any]) -> None:
        while _truth(self.value(condition)) and self._turn(body):
            pass

    def _for(self, first: Any, condition: Any, step: Any, body: list[Any]) -> None:
        if first is not None:
            self.value(first)
        while (condition is None or _truth(self.value(condition))) and self._turn(body):
            if step is not None:
                self.value(step)

    def _each(self, name: str, array: str, body: list[Any]) -> None:
        for key in list(self.array(array)):
            self.variables[name] = key
            if not self._turn(body):
                return

    def _next(self, _value: Any) -> None:
        raise _Next

    def _exit(self, value: Any) -> None:
        self.status = int(number(self.value(value))) if value is not None else self.status
        raise _Exit

    def _delete(self, name: str, index: Any) -> None:
        if index is None:
            self.array(name).clear()
        else:
            self.array(name).pop(text(self.value(index)), None)

    # -- values ------------------------------------------------------------------------------------------------------

    def value(self, node: Any) -> Any:
        """What an expression comes to."""
        kind = node[0]
        if kind == "value":
            return node[1]
        if kind == "group":
            return self.value(node[1])
        if kind in ("var", "field", "item"):
            return self.load(node)
        if kind == "regex":
            return float(posix(node[1]).search(self.fields[0]) is not None)
        return getattr(self, f"v_{_NAMES.get(kind, kind)}")(node)

    def load(self, node: Any) -> Any:
        """The value of a variable, a field or an item."""
        if node[0] == "var":
            return self.variables.get(node[1], "")
        if node[0] == "item":
            return self.array(node[1]).setdefault(text(self.value(node[2])), "")
        at = int(number(self.value(node[1])))
        return self.fields[at] if at < len(self.fields) else ""

    def store(self, node: Any, value: Any) -> Any:
        """Give a variable, a field or an item a value."""
        if node[0] == "var":
            self.variables[node[1]] = value
        elif node[0] == "item":
            self.array(node[1])[text(self.value(node[2]))] = value
        else:
            at = int(number(self.value(node[1])))
            if at == 0:
                self.split(text(value))
            else:
                self.fields += [""] * (at + 1 - len(self.fields))
                self.fields[at] = text(value)
                self.fields[0] = text(self.variables["OFS"]).join(self.fields[1:])
                self.variables["NF"] = float(len(self.fields) - 1)
        return value

    def v_set(self, node: Any) -> Any:
        _, target, operator, expression = node
        value = self.value(expression)
        return self.store(target, self._math(operator, self.load(target), value) if operator else value)

    def v_step(self, node: Any) -> Any:
        _, target, word, first = node
        before = number(self.load(target))
        after = self.store(target, before + (1 if word == "++" else -1))
        return after if first else before

    def v_choice(self, node: Any) -> Any:
        return self.value(node[2] if _truth(self.value(node[1])) else node[3])

    def v_or(self, node: Any) -> Any:
        return float(_truth(self.value(node[1])) or _truth(self.value(node[2])))

    def v_and(self, node: Any) -> Any:
        return float(_truth(self.value(node[1])) and _truth(self.value(node[2])))

    def v_in(self, node: Any) -> Any:
        return float(text(self.value(node[1])) in self.array(node[2]))

    def v_match(self, node: Any) -> Any:
        _, word, left, right = node
        pattern = right[1] if right[0] == "regex" else text(self.value(right))
        return float((posix(pattern).search(text(self.value(left))) is not None) == (word == "~"))

    def v_compare(self, node: Any) -> Any:
        _, word, one, other = node
        left, right = self.value(one), self.value(other)
        if all(isinstance(found, float) or (node_[0] in ("field", "var", "item") and _looks_numeric(found))
               for node_, found in ((one, left), (other, right))):  # fmt: skip
            left, right = number(left), number(right)
        else:
            left, right = text(left), text(right)
        return float({"<": left < right, "<=": left <= right, "==": left == right, "!=": left != right, ">": left > right,
                      ">=": left >= right}[word])  # fmt: skip

    def v_join(self, node: Any) -> Any:
        joined = text(self.value(node[1])) + text(self.value(node[2]))
        if len(joined) > LONGEST:
            raise AwkError("out of memory")
        return joined

    def v_math(self, node: Any) -> Any:
        return self._math(node[1], self.value(node[2]), self.value(node[3]))

    @staticmethod
    def _math(operator: str, one: Any, other: Any) -> float:
        left, right = number(one), number(other)
        if operator in "/%" and right == 0:
            raise AwkError("division by zero")
        if operator == "^":
            return float(left**right)
        return {"+": left + right, "-": left - right, "*": left * right, "/": left / (right or 1), "%": left % (right or 1)}[operator]

    def v_not(self, node: Any) -> Any:
        return float(not _truth(self.value(node[1])))

    def v_minus(self, node: Any) -> Any:
        return -number(self.value(node[1]))

    def v_plus(self, node: Any) -> Any:
        return number(self.value(node[1]))

    def v_call(self, node: Any) -> Any:
        _, name, arguments = node
        if name == "length":
            found = self.variables.get(arguments[0][1], "") if arguments and arguments[0][0] == "var" else None
            return float(len(found if isinstance(found, dict) else text(self.value(arguments[0]) if arguments else self.fields[0])))
        if name == "split":
            mark = arguments[2][1] if len(arguments) > 2 else text(self.variables["FS"])
            parts = text(self.value(arguments[0])).split(None if mark == " " else text(mark))
            self.variables[arguments[1][1]] = {str(at): part for at, part in enumerate(parts, 1)}
            return float(len(parts))
        if name in ("sub", "gsub"):
            return self._substitute(name, arguments)
        return FUNCTIONS[name](*(self.value(one) if one[0] != "regex" else one[1] for one in arguments))

    def _substitute(self, name: str, arguments: list[Any]) -> float:
        pattern = arguments[0][1] if arguments[0][0] == "regex" else text(self.value(arguments[0]))
        target = arguments[2] if len(arguments) > 2 else ("field", ("value", 0.0))
        new = text(self.value(arguments[1]))
        changed, count = posix(pattern).subn(lambda found: new.replace("&", found.group()), text(self.load(target)), count=name == "sub")
        if count:
            self.store(target, changed)
        return float(count)


_NAMES = {"!": "not", "-": "minus", "+": "plus"}


def awk(call: Call) -> Result:
    """``awk [-F mark] [-v name=value] program [file...]``."""
    options, variables, args = {}, dict[str, Any](), list(call.args)
    while args and args[0].startswith("-") and args[0] != "-":
        word = args.pop(0)
        if word == "--":
            break
        value = word[2:] or (args.pop(0) if args else "")
        if word[:2] == "-v":
            name, _, given = value.partition("=")
            variables[name] = unescape(given)
        else:
            options[word[:2]] = value
    program = call.files.read(call.path(options["-f"])) or "" if "-f" in options else args.pop(0) if args else ""
    if "-F" in options:
        variables["FS"] = unescape(options["-F"])
    found, errors = ([], "") if not _reads(program) and not args else read(call, args)
    machine = Machine({"ENVIRON": dict(call.env), **variables})
    try:
        _process(machine, Parser(program).rules(), [text_ for _, text_ in found])
    except (AwkError, PatternError) as error:
        return fail(call, f"{error}", 2)
    return Result("".join(machine.out), machine.status or (2 if errors else 0), errors)


def _reads(program: str) -> bool:
    """Whether a program has more than BEGIN rules."""
    try:
        return any(pattern != "BEGIN" for pattern, _ in Parser(program).rules())
    except AwkError:
        return False


def _process(machine: Machine, rules: list[tuple[Any, Any]], texts: list[str]) -> None:
    try:
        for pattern, action in rules:
            if pattern == "BEGIN":
                machine.run(action)
        for number_, line in enumerate((line for one in texts for line in one.splitlines()), 1):
            machine.variables["NR"] = machine.variables["FNR"] = float(number_)
            machine.split(line)
            _line(machine, rules)
    except _Exit:
        return
    try:
        for pattern, action in rules:
            if pattern == "END":
                machine.run(action)
    except _Exit:
        return


def _line(machine: Machine, rules: list[tuple[Any, Any]]) -> None:
    try:
        for pattern, action in rules:
            if pattern is None or (pattern not in ("BEGIN", "END") and _truth(machine.value(pattern))):
                machine.run(action)
    except _Next:
        return
