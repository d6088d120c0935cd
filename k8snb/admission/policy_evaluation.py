"""One policy, asked about one request: the values of CEL's variables, and what its expressions give.

Values are made when an expression is first evaluated, and once for each request and version. A policy's own variables are evaluated
when an expression that names them is; one that fails makes only those expressions fail whose value depends on it.

Models: k8s.io/apiserver/pkg/admission/plugin/cel/{activation,condition,composition}.go, plugin/webhook/matchconditions/matcher.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from k8snb.admission.plugin import Context
from k8snb.admission.policy_matching import Case, Question
from k8snb.apimachinery.cel import BOOL, UNBOUND, CelError, Program
from k8snb.apimachinery.errors import aggregate
from k8snb.apimachinery.objects import Object, thaw
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.request import MASTERS, Request, User
from k8snb.resources.admissionregistration.expressions import (
    AUTHORIZER,
    REQUEST,
    RESOURCE_CHECK,
    compile_checked,
    plain_variables,
    variables,
)

_OWN = re.compile(r"\bvariables\s*\.\s*(\w+)")


class Evaluation:
    """The variables of one case; ``value`` evaluates an expression with them."""

    def __init__(self, context: Context, question: Question, case: Case):
        self._context, self._question, self._case = context, question, case
        self._own: dict[str, Any] = {}  # the policy's variables that were evaluated: values and errors

    def value(self, program: Program, expression: str) -> Any:
        """The value of an expression. Raises CelError with the words of the API server."""
        try:
            return self._value(program)
        except CelError as error:
            raise CelError(f"expression '{expression}' resulted in error: {error}") from None

    def _value(self, program: Program) -> Any:
        from k8snb.apimachinery import cel_library  # only where there is an expression is the library there

        bound = dict(self._plain)
        for name in _OWN.findall(program.expression):
            found = self._variable(name)
            if not isinstance(found, CelError):
                bound[f"variables.{name}"] = found
        try:
            with cel_library.answering(self._allowed):
                return program.evaluate(bound)
        except CelError as error:
            unbound = UNBOUND.match(str(error))
            raise (self._own[unbound[1]] if unbound else error) from None

    def _variable(self, name: str) -> Any:
        if name not in self._own:
            program = variables(self._case.policy["spec"])[name]
            try:
                self._own[name] = self._value(program) if isinstance(program, Program) else _failed(name, "compile", program)
            except CelError as error:
                self._own[name] = _failed(name, "evaluate", error)
        return self._own[name]

    def matches(self) -> bool:
        """Whether all match conditions hold. Raises CelError where none is false and one cannot be evaluated."""
        spec, problems = self._case.policy["spec"], []
        known = plain_variables(spec)
        for condition in spec.get("matchConditions") or ():
            try:
                program = compile_checked(condition["expression"], known, (BOOL,))
                if self.value(program, condition["expression"]) is False:
                    return False
            except CelError as error:
                problems.append(str(error))
        if problems:
            raise CelError(aggregate(problems))
        return True

    # ------------------------------------------------------------------ the values

    @cached_property
    def _plain(self) -> Mapping[str, Any]:
        from k8snb.apimachinery import cel_library as library

        question, case = self._question, self._case
        assert case.resource is not None
        user = question.request.user
        asker = {"user": user.name, "groups": list(user.groups)}
        about = asker | {
            "group": case.resource.group, "resource": case.resource.plural, "subresource": question.request.subresource,
            "namespace": question.request.namespace, "name": question.name,
        }  # fmt: skip
        return {
            "object": _shown(case.resource, question.obj),
            "oldObject": _shown(case.resource, question.old),
            "request": library.message(REQUEST, _request(question, case.resource)),
            "namespaceObject": self._namespace(),
            "params": thaw(case.param),
            "authorizer": library.message(AUTHORIZER, asker),
            "authorizer.requestResource": library.message(RESOURCE_CHECK, about),
        }

    def _namespace(self) -> Any:
        question = self._question
        if question.resource.key == "namespaces" or not question.request.namespace:
            return None
        return thaw(self._context.get("namespaces", question.request.namespace))

    def _allowed(self, asked: Mapping[str, Any], verb: str) -> tuple[bool, str]:
        """What the authorizer says to a question of an expression, and why; of RBAC's reason only that there is one."""
        user = User(asked.get("user", ""), tuple(asked.get("groups") or ()))
        fields = {name: asked.get(name, "") for name in ("group", "resource", "subresource", "namespace", "name", "path")}
        request = Request(verb=verb, user=user, **fields)
        allowed = MASTERS in user.groups or self._context.server.authorizer.allows(user, request)
        return bool(allowed), ""


def _failed(name: str, act: str, problem: Any) -> CelError:
    return CelError(f'composited variable "{name}" fails to {act}: {problem}')


def _shown(resource: Resource, obj: Object | None) -> Any:
    return None if obj is None else thaw(resource.from_storage(obj))


def _request(question: Question, matched: Resource) -> dict[str, Any]:
    request = question.request
    found = {
        "kind": _named(matched, "kind", matched.kind), "resource": _named(matched, "resource", matched.plural),
        "requestKind": {"group": request.group, "version": request.version, "kind": matched.kind},
        "requestResource": {"group": request.group, "version": request.version, "resource": request.resource},
        "subResource": request.subresource, "requestSubResource": request.subresource,
        "name": question.name, "namespace": request.namespace, "operation": question.operation,
        "userInfo": request.user.info(),
        "dryRun": request.options.dry_run, "options": _options(question),
    }  # fmt: skip
    return {key: value for key, value in found.items() if value != ""}


def _named(resource: Resource, field: str, value: str) -> dict[str, str]:
    return {"group": resource.group, "version": resource.version, field: value}


def _options(question: Question) -> dict[str, Any]:
    options, kind = question.request.options, question.operation.capitalize()
    named = {"fieldManager": options.field_manager, "fieldValidation": options.field_validation}
    return {"kind": f"{kind}Options", "apiVersion": "meta.k8s.io/v1"} | {key: value for key, value in named.items() if value}
