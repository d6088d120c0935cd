"""ValidatingAdmissionPolicies at work: requests that break a rule in CEL are refused, warned of or noted for the audit.

Each case (policy, binding, parameter) gives decisions; the first denial is the answer. What cannot be judged denies, unless the
policy's ``failurePolicy`` is Ignore. With the action Audit, and for audit annotations, the request's trace record keeps the note: there
is no audit log.

Models: k8s.io/apiserver/pkg/admission/plugin/policy/validating/{dispatcher,validator}.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from k8snb.admission.plugin import Context, forbidden
from k8snb.admission.policy_evaluation import Evaluation
from k8snb.admission.policy_matching import GROUP, Case, Question, cases
from k8snb.apimachinery.cel import BOOL, NULL, STRING, CelError
from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.request import Request
from k8snb.resources.admissionregistration.expressions import all_variables, compile_checked

_CODES = {"Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413, "Invalid": 422}
_LONGEST_MESSAGE = 5 * 1024
_BINDINGS = f"validatingadmissionpolicybindings.{GROUP}"


class Decision(NamedTuple):
    """A rule that was broken or could not be judged."""

    message: str
    reason: str = "Invalid"
    always: bool = False  # denies whatever the binding's actions are
    rule: int = 0


class ValidatingAdmissionPolicy:
    """The plugin that asks them."""

    name = "ValidatingAdmissionPolicy"
    handles = ("create", "update", "delete")
    needs = f"validatingadmissionpolicybindings.{GROUP}"

    def validate(self, context: Context, request: Request, resource: Resource, obj: Object | None, old: Object | None) -> None:
        """Ask every policy that the request meets; raises ApiError for the first denial."""
        operation = "DELETE" if obj is None else "CREATE" if old is None else "UPDATE"
        question = Question(request, resource, obj, old, operation)
        denied: list[tuple[Case, Decision]] = []
        for case in cases(context, "validatingadmissionpolicies", question):
            denied += [(case, decision) for decision in _decisions(context, question, case) if _act(context, case, decision)]
        if denied:
            raise _refusal(request, resource, obj if obj is not None else old, *denied[0])


def _decisions(context: Context, question: Question, case: Case) -> Iterator[Decision]:
    spec = case.policy["spec"]
    ignores = spec.get("failurePolicy") == "Ignore"
    if case.problem:
        what = "policy" if case.binding is None else "binding"
        if not ignores:
            yield Decision(f"failed to configure {what}: {case.problem}", always=True)
        return
    evaluation = Evaluation(context, question, case)
    try:
        if not evaluation.matches():
            return
    except CelError as error:
        if not ignores:
            yield Decision(str(error))
        return
    for index, rule in enumerate(spec.get("validations") or ()):
        decision = _judge(evaluation, spec, rule, index)
        if decision is not None and not (ignores and decision.reason == ""):
            yield decision._replace(reason=decision.reason or "Invalid")
    yield from _annotations(context, evaluation, case, ignores)


def _judge(evaluation: Evaluation, spec: Mapping[str, Any], rule: Mapping[str, Any], index: int) -> Decision | None:
    """The decision of one rule; without a reason where it could not be evaluated."""
    try:
        program = compile_checked(rule["expression"], all_variables(spec), (BOOL,))
        if evaluation.value(program, rule["expression"]) is True:
            return None
    except CelError as error:
        return Decision(str(error), "", rule=index)
    message = _message(evaluation, spec, rule) or rule.get("message", "").strip() or f"failed expression: {rule['expression'].strip()}"
    return Decision(message, rule.get("reason") or "Invalid", rule=index)


def _message(evaluation: Evaluation, spec: Mapping[str, Any], rule: Mapping[str, Any]) -> str:
    """What ``messageExpression`` gives; nothing where it fails, is too long, or has more than one line."""
    expression = rule.get("messageExpression", "")
    if not expression:
        return ""
    try:
        program = compile_checked(expression, all_variables(spec, authorizer=False), (STRING,))
        message = str(evaluation.value(program, expression)).strip()
    except CelError:
        return ""
    return "" if "\n" in message or len(message.encode()) > _LONGEST_MESSAGE else message


def _annotations(context: Context, evaluation: Evaluation, case: Case, ignores: bool) -> Iterator[Decision]:
    spec = case.policy["spec"]
    for annotation in spec.get("auditAnnotations") or ():
        expression = annotation["valueExpression"]
        try:
            value = evaluation.value(compile_checked(expression, all_variables(spec), (STRING, NULL)), expression)
        except CelError as error:
            if not ignores:
                yield Decision(str(error), always=True)
            continue
        if isinstance(value, str) and value.strip():
            context.notes.append(f"audit annotation {case.policy['metadata']['name']}/{annotation['key']}: {value.strip()}")


def _act(context: Context, case: Case, decision: Decision) -> bool:
    """Do what the binding says about a decision; True where it denies."""
    if decision.always or case.binding is None:
        return True
    policy, binding = case.policy["metadata"]["name"], case.binding["metadata"]["name"]
    actions = case.binding["spec"].get("validationActions") or ()
    if "Warn" in actions:
        context.warn(f"Validation failed for ValidatingAdmissionPolicy '{policy}' with binding '{binding}': {decision.message}")
    if "Audit" in actions:
        where = f"policy {policy}, binding {binding}, expression {decision.rule}"
        context.notes.append(f"audit annotation validation.policy.admission.k8s.io/validation_failure: {where}: {decision.message}")
    return "Deny" in actions


def _refusal(request: Request, resource: Resource, obj: Object | None, case: Case, decision: Decision) -> ApiError:
    through = f" with binding '{case.binding['metadata']['name']}'" if case.binding is not None else ""
    message = f"ValidatingAdmissionPolicy '{case.policy['metadata']['name']}'{through} denied request: {decision.message}"
    error = forbidden(request, resource, obj, message)
    error.code, error.reason = _CODES.get(decision.reason, 422), decision.reason
    error.details = {**(error.details or {}), "causes": [{"message": message}]}
    return error
