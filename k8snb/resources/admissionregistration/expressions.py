"""The CEL expressions of an admission policy: which variables each may use, what type it must have, and whether it compiles.

    spec.variables[*]            object, oldObject, request, namespaceObject, params, authorizer, earlier variables     any type
    spec.matchConditions[*]      the same without variables                                                          bool
    spec.validations[*]          all; its messageExpression: all but authorizer                                 bool, string
    spec.auditAnnotations[*]     all                                                                          string or null
    spec.mutations[*]            all                                           Object (its fields), or a list of JSONPatch

``params`` exists only where the policy has a ``paramKind``. Compiling is remembered; a spec that was validated is ready to run.

Models: k8s.io/apiserver/pkg/admission/plugin/cel/{compile,composition}.go, pkg/apis/admissionregistration/validation/validation.go.
Simplified: ``namespaceObject`` and ``Object{}`` have no declared fields, so a field that does not exist is found when a request comes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from k8snb.apimachinery.cel import DYN, CelError, CelUnavailable, Program, compile_expression
from k8snb.apimachinery.errors import Errors, invalid
from k8snb.apimachinery.resource import once

REQUEST, AUTHORIZER, RESOURCE_CHECK = (
    "kubernetes.AdmissionRequest",
    "kubernetes.authorization.Authorizer",
    "kubernetes.authorization.ResourceCheck",
)
_ALWAYS = {"object": DYN, "oldObject": DYN, "namespaceObject": DYN, "request": REQUEST}
_AUTHORIZED = {"authorizer": AUTHORIZER, "authorizer.requestResource": RESOURCE_CHECK}
PATCHES = "list<JSONPatch>"
_AS_GO_PRINTS = {PATCHES: "list(JSONPatch)", DYN: "Object"}  # an Object is an unchecked value here


def plain_variables(spec: Mapping[str, Any], *, authorizer: bool = True) -> dict[str, str]:
    """The types of what every expression of a policy may use."""
    params = {"params": DYN} if spec.get("paramKind") is not None else {}
    return _ALWAYS | params | (_AUTHORIZED if authorizer else {})


def all_variables(spec: Mapping[str, Any], *, authorizer: bool = True) -> dict[str, str]:
    """The same, and the policy's own variables that compile."""
    own = {f"variables.{name}": program.type for name, program in variables(spec).items() if isinstance(program, Program)}
    return plain_variables(spec, authorizer=authorizer) | own


@once
def variables(spec: Mapping[str, Any]) -> Mapping[str, Program | CelError]:
    """The policy's own variables in their order, each compiled with those before it, or why it cannot be."""
    found: dict[str, Program | CelError] = {}
    known = plain_variables(spec)
    for variable in spec.get("variables") or ():
        name = variable.get("name", "")
        try:
            program = found[name] = compile_expression(variable.get("expression", ""), known)
            known |= {f"variables.{name}": program.type}
        except CelError as error:
            found[name] = error
    return found


def compile_checked(expression: str, known: Mapping[str, str], types: Sequence[str]) -> Program:
    """Compile an expression that must have one of these types. Raises CelError in the words of the API server."""
    try:
        program = compile_expression(expression, known)
    except CelUnavailable:
        raise
    except CelError as error:
        raise CelError(f"compilation failed: {error}") from None
    if program.type not in types:
        names = [_AS_GO_PRINTS.get(type_, type_) for type_ in types]
        wanted = f"must evaluate to {names[0]}" if len(names) == 1 else f"must evaluate to one of [{' '.join(names)}]"
        raise CelError(wanted)
    return program


def validate_variable(spec: Mapping[str, Any], variable: Mapping[str, Any]) -> Errors:
    """One of the policy's own variables, if it does not compile; relative to it."""
    problem = variables(spec)[variable.get("name", "")]
    if not isinstance(problem, CelError):
        return []
    words = str(problem) if isinstance(problem, CelUnavailable) else f"compilation failed: {problem}"
    return [invalid("expression", variable.get("expression", ""), words)]


def validate_expression(field: str, expression: str, known: Mapping[str, str], types: Sequence[str]) -> Errors:
    """One expression; one that is empty is somebody else's error."""
    if not expression.strip():
        return []
    try:
        compile_checked(expression, known, types)
    except CelError as error:
        return [invalid(field, expression, str(error))]
    return []


def validate_mutation(spec: Mapping[str, Any], field: str, expression: str) -> Errors:
    """The expression of one mutation of a policy; ``field`` says of which kind, and the path is relative to it."""
    if not expression.strip():
        return []
    try:
        compile_mutation(expression, field, all_variables(spec))
    except CelError as error:
        return [invalid("expression", expression, str(error))]
    return []


def compile_mutation(expression: str, field: str, known: Mapping[str, str]) -> Program:
    """An ``applyConfiguration`` or a ``jsonPatch``. Raises CelError."""
    plain = objects_as_maps(expression)
    if field == "jsonPatch":
        return compile_checked(plain, known, (PATCHES,))
    return compile_checked(plain, known, (DYN if plain != expression else "Object",))


# Object{spec: Object.spec{replicas: 3}} -> dyn({"spec": dyn({"replicas": 3})})

_TOKEN = re.compile(
    r"""[rR]?(?:"{3}.*?"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|//[^\n]*"""
    r"""|(?P<type>\bObject(?:\s*\.\s*\w+)*\s*(?=\{))|(?P<name>\w+)|\s+|.""",
    re.S,
)


def objects_as_maps(expression: str) -> str:
    """Kubernetes' object literals as maps: the library knows only types that are declared beforehand.

    >>> objects_as_maps('Object{spec: Object.spec{?replicas: x}}')
    'dyn({"spec": dyn({?"replicas": x})})'
    """
    return "".join(_as_maps(_TOKEN.finditer(expression)))


def _as_maps(tokens: Iterator[re.Match[str]]) -> Iterator[str]:
    braces: list[bool] = []  # of those that are open: whether it is an object's
    naming = begins = False  # whether the next name is that of a field; whether the next brace is an object's
    for token in tokens:
        text = token[0]
        if text in ("(", "[", "{"):
            braces.append(text == "{" and begins)
            naming, begins = braces[-1], False
            yield text
        elif text in (")", "]", "}"):
            yield f"{text})" if braces and braces.pop() else text
        elif text == ",":
            naming = bool(braces) and braces[-1]
            yield text
        elif token.lastgroup == "type":
            begins = True
            yield "dyn("
        elif naming and token.lastgroup == "name":
            naming = False
            yield f'"{text}"'
        else:
            yield text
