"""CEL, the Common Expression Language: what policies and the rules of custom resources are written in.

    program = compile_expression("object.spec.replicas <= params.most", {"object": DYN, "params": DYN})
    program.type                                                       'bool'
    program.evaluate({"object": deployment, "params": limits})         True, or CelError("no such key: most")

An expression is parsed and type-checked once (:class:`CelError` says where and why it cannot be), evaluated often, always ends and
changes nothing. The parser, the checker and the interpreter are Google's own for C++, with Kubernetes' functions on top
(:mod:`k8snb.apimachinery.cel_library`). It is loaded when the first expression is compiled; where no wheel of it can be installed,
:func:`compile_expression` raises :class:`CelUnavailable`, so nothing passes unjudged.

Laws: the words are those of cel-go, which Kubernetes uses; where the two libraries word a thing otherwise, ``_AS_CEL_GO`` translates. A
variable that is not bound is an error only where its value decides, as in ``false && variables.broken``.

Models: k8s.io/apiserver/pkg/cel/environment/base.go, cel-go common/types (errors).
Simplified: costs are not estimated; the turns of loops are counted (ten thousand an evaluation), and sizes have a bound
(:mod:`k8snb.apimachinery.cel_cost`); an int
and a double known as such when an expression is compiled are not ordered by each other; ``transformMap`` and the formats' ``format.*``
are unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from k8snb.apimachinery import cel_cost
from k8snb.apimachinery.schema import Type

TOO_COSTLY = "operation cancelled: actual cost limit exceeded"
DYN, BOOL, STRING, NULL = "dyn", "bool", "string", "null_type"
_WORDS = "true false null in as break const continue else for function if import let loop package namespace return var void while"
RESERVED = frozenset(_WORDS.split())
"""The words that no name may be."""


class CelError(Exception):
    """An expression that cannot be compiled, or whose evaluation failed; the text is cel-go's."""


class CelUnavailable(CelError):
    """There is no CEL library on this machine."""

    def __init__(self) -> None:
        super().__init__("CEL expressions cannot be compiled here: the package cel-expr-python is not installed")


class Program:
    """A checked expression."""

    __slots__ = ("_compiled", "_growing", "expression", "type")

    def __init__(self, expression: str, compiled: Any):
        self.expression, self._compiled = expression, compiled
        tree = cel_cost.parse(compiled.serialize())
        self._growing = tree if cel_cost.grows(tree) else None
        self.type = _type_name(compiled.return_type().name())

    def __repr__(self) -> str:
        return f"<Program {self.expression!r}: {self.type}>"

    def evaluate(self, bindings: Mapping[str, Any]) -> Any:
        """The value of the expression, as Python has it. ``bindings`` are plain dicts, lists and scalars, or messages.

        Raises CelError where there is none.
        """
        if self._growing is not None:
            try:
                cel_cost.Bounds(bindings).of(self._growing, {})
            except cel_cost.TooLarge:
                raise CelError(TOO_COSTLY) from None
        try:
            result = self._compiled.eval(data=dict(bindings))
        except RuntimeError as error:  # a loop too many, or something that the library cannot hand over
            raise CelError(_evaluation_error(str(error))) from None
        if result.type().name() == "ERROR":
            raise CelError(_evaluation_error(str(result.plain_value())))
        return result.plain_value()


def compile_expression(expression: str, variables: Mapping[str, str | Type]) -> Program:
    """Parse and check an expression over variables of these types: names of CEL's or of Kubernetes' types, or kinds by their schema.

    Raises CelError with cel-go's report.
    """
    return _compile(expression, tuple(sorted(variables.items())))


def type_of(expression: str, variables: Mapping[str, str | Type]) -> str:
    """The type of an expression, which is only checked, not kept. Raises CelError with cel-go's report.

    Kubernetes orders an int and a double by each other, and the library refuses that: where nothing else is wrong, the type is not known
    (``dyn``).
    """
    try:
        return compile_expression(expression, variables).type
    except CelUnavailable:
        raise
    except CelError as error:
        reports = [report for report in _reports(str(error)) if not _ORDERED.search(report)]
        if not reports:
            return DYN
        raise CelError("".join(reports).rstrip("\n")) from None


_ORDERED = re.compile(r"found no matching overload for '_[<>]=?_' applied to '\((?:int|uint|double), (?:int|uint|double)\)'")


def _reports(text: str) -> list[str]:
    return [report for report in re.split(r"(?m)^(?=ERROR: <input>)", text) if report]


@lru_cache(maxsize=1024)
def _compile(expression: str, variables: tuple[tuple[str, str | Type], ...]) -> Program:
    try:
        return Program(expression, _environment(variables).compile(expression))
    except RuntimeError as error:
        raise CelError(_compilation_error(str(error))) from None


@lru_cache(maxsize=64)
def _environment(variables: tuple[tuple[str, str | Type], ...]) -> Any:
    try:
        from cel_expr_python import cel  # 14 MB of machine code, needed by few clusters

        from k8snb.apimachinery import cel_library
        from k8snb.apimachinery.cel_types import Declared
    except ImportError:
        raise CelUnavailable from None
    config = cel.NewEnvConfigFromYaml("extensions:\n" + "".join(f"- name: {name}\n" for name in cel_library.EXTENSIONS))
    kinds = {type_: None for _, type_ in variables if isinstance(type_, Type)}
    declared = Declared(kinds) if kinds else None
    names = declared.names if declared is not None else {}
    types = {name: cel.Type(names[type_] if isinstance(type_, Type) else type_) for name, type_ in variables}
    pool = cel_library.pool() if declared is None else cel_library.pool_with(declared.files())
    return cel.NewEnv(descriptor_pool=pool, config=config, variables=types, functions=cel_library.functions())


def _type_name(name: str) -> str:
    """A type as CEL writes it: ``list<string>`` for the library's ``LIST<STRING>``."""
    return re.sub(r"\b[A-Z]+\b", lambda found: NULL if found[0] == "NULL" else found[0].lower(), name)


# What the C++ library says, in the words of the Go library

_Words = tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]


def _undeclared(found: re.Match[str]) -> str:
    """Of ``a.b.c``, where nothing is declared, Go reports ``a`` and where it stands; of ``variables.b``, that there is no such field."""
    line, column, name = found["line"], int(found["column"]), found["name"]
    root, _, field = name.rpartition(".")
    if root == "variables":
        return f"<input>:{line}:{column}: undefined field '{field}'"
    return f"<input>:{line}:{max(1, column - len(root))}: undeclared reference to '{name.partition('.')[0]}'"


_AS_CEL_GO: _Words = (
    (re.compile(r"<input>:(?P<line>\d+):(?P<column>\d+): undeclared reference to '(?P<name>\w+(?:\.\w+)+)'"), _undeclared),
    (re.compile(r"(undefined field '\w+') not found in struct '[\w.]+'"), r"\1"),
    (re.compile(r"undefined field '(\w+)' \(in container ''\)"), r"undefined field '\1'"),
    (re.compile(r"\bnull_type\b"), "null"),
    (re.compile(r"\bgoogle\.protobuf\.(Duration|Timestamp)\b"), lambda found: found[1].lower()),
    (re.compile(r"\bdeclared\.T\d+\b"), "object"),  # a part of a kind, which has a made-up name there, too
    (re.compile(r"has\(\) argument must be a field selection"), "invalid argument to has() macro"),
)
_RUNTIME: _Words = (
    (re.compile(r'^Key not found in map : "?(.*?)"?$'), r"no such key: \1"),
    (re.compile(r"^Index error: index=(-?\d+) size=\d+$"), r"index out of bounds: \1"),
    (re.compile(r"^No matching overloads found : .*$"), "no such overload"),
    (re.compile(r"^divide by zero$"), "division by zero"),
    (re.compile(r"^invalid regular expression: (.*)$"), r"error parsing regexp: \1"),
    (re.compile(r"^Iteration budget exceeded\b.*$"), TOO_COSTLY),
    (re.compile(r"^cannot convert string to int$"), "strconv.ParseInt: invalid syntax"),
)
UNBOUND = re.compile(r'^No value with name "variables\.(\w+)" found in Activation$')
_CODE = re.compile(r"^[A-Z_]+: ")
_MARK = re.compile(r"<input>:(\d+):(\d+):")
_CALL = re.compile(
    r"overload for '(?P<name>\w+)' applied to '(?P<types>\((?P<target>[\w.]+(?:\((?:[^()]|\([^()]*\))*\))?)(?:, (?P<rest>.*?))?\))'\n"
    r" \| (?P<source>.*)"
)


def _compilation_error(text: str) -> str:
    text = re.sub(r" \[[A-Z_]+\]$", "", _CODE.sub("", text))
    for pattern, instead in _AS_CEL_GO:
        text = pattern.sub(instead, text)
    return "".join(_pointing(report) for report in _reports(text))


def _pointing(report: str) -> str:
    """A report whose line of dots points where it says, also after a translation."""
    found = _MARK.search(report)
    if found is None or "\n | " not in report:
        return report
    column = int(found[2]) - 1
    call = _CALL.search(report)
    if call is not None and call["source"][:column].endswith(f".{call['name']}"):  # Go shows the target of a method as such
        report = f"{report[: call.start('types')]}{call['target']}.({call['rest'] or ''}){report[call.end('types') :]}"
    return re.sub(r"\n \| \.*\^", f"\n | {'.' * column}^", report)


def _evaluation_error(text: str) -> str:
    text = _CODE.sub("", text)
    for pattern, instead in _RUNTIME:
        if pattern.match(text):
            return pattern.sub(instead, text)
    return text
