"""MutatingAdmissionPolicies at work: requests' objects get the changes that expressions in CEL give.

    applyConfiguration   Object{metadata: Object.metadata{labels: {"team": "shop"}}}      merged as server-side apply merges
    jsonPatch            [JSONPatch{op: "add", path: "/spec/replicas", value: 3}]         a failed test changes nothing

The mutations of all policies follow each other, each on what the last one made; after one that changed something, defaults are
filled in, and the chain is asked once more. In this second round only those policies have a say whose ``reinvocationPolicy`` is
IfNeeded, and only if something has changed after them. What cannot be evaluated refuses the request, unless the policy's
``failurePolicy`` is Ignore.

Models: k8s.io/apiserver/pkg/admission/plugin/policy/mutating/{dispatcher,reinvocationcontext,patch/smd,patch/json_patch}.go.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from k8snb.admission.plugin import Context, forbidden
from k8snb.admission.policy_evaluation import Evaluation
from k8snb.admission.policy_matching import GROUP, Case, Question, cases
from k8snb.apimachinery.apply import overlay
from k8snb.apimachinery.cel import CelError
from k8snb.apimachinery.decode import decode
from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.fieldset import parts
from k8snb.apimachinery.json_patch import apply_json_patch, rejected
from k8snb.apimachinery.objects import FrozenDict, Object, freeze
from k8snb.apimachinery.resource import Resource
from k8snb.apimachinery.schema import Type
from k8snb.apimachinery.typed import check
from k8snb.apiserver.request import Request
from k8snb.resources.admissionregistration.expressions import all_variables, compile_mutation

_ATOMIC = "may not mutate atomic arrays, maps or structs"


@dataclass(slots=True)
class Rounds:
    """What is kept from the first round of a request for the second: which cases may be asked again, and which must be."""

    asked: dict[Hashable, None] = field(default_factory=dict)  # of those that want it if needed, since the last change
    due: dict[Hashable, None] = field(default_factory=dict)
    last: Object | None = None  # the object as the policies left it

    def changed(self) -> None:
        """Something changed the object: all that were asked before may have another answer."""
        self.due |= self.asked
        self.asked = {}


class MutatingAdmissionPolicy:
    """The plugin that asks them."""

    name = "MutatingAdmissionPolicy"
    handles = ("create", "update")
    needs = f"mutatingadmissionpolicybindings.{GROUP}"
    reinvokes = True

    def admit(self, context: Context, request: Request, resource: Resource, obj: Object, old: Object | None) -> Object:
        """The object with what the policies change; raises ApiError where one fails."""
        question = Question(request, resource, obj, old, "CREATE" if old is None else "UPDATE")
        first = context.rounds is None
        rounds: Rounds = context.rounds or Rounds()
        context.rounds = rounds
        if not first and obj != rounds.last:
            rounds.changed()  # by a plugin that was asked again
        problems: list[tuple[Case, str]] = []
        for case in cases(context, "mutatingadmissionpolicies", question):
            if not first and _key(case) not in rounds.due:
                continue
            before = question
            try:
                question = _asked(context, question, case)
            except CelError as error:
                if case.policy["spec"].get("failurePolicy") != "Ignore":
                    problems.append((case, str(error)))
            if question is not before:
                rounds.changed()
            if case.policy["spec"].get("reinvocationPolicy") == "IfNeeded":
                rounds.asked[_key(case)] = None
        if problems:
            raise _refusal(request, resource, obj, problems)
        assert question.obj is not None
        rounds.last = question.obj
        return question.obj


def _key(case: Case) -> Hashable:
    """A policy with one binding and one parameter."""
    binding, param = case.binding, case.param
    name = binding["metadata"]["name"] if binding is not None else ""
    return case.policy["metadata"]["name"], name, param["metadata"]["uid"] if param is not None else ""


def _asked(context: Context, question: Question, case: Case) -> Question:
    """The question as one case leaves it. Raises CelError."""
    if case.problem:
        raise CelError(f"failed to configure {'policy' if case.binding is None else 'binding'}: {case.problem}")
    spec = case.policy["spec"]
    if not Evaluation(context, question, case).matches():
        return question
    for mutation in spec.get("mutations") or ():
        field = "jsonPatch" if mutation["patchType"] == "JSONPatch" else "applyConfiguration"
        expression = mutation[field]["expression"]
        value = Evaluation(context, question, case).value(compile_mutation(expression, field, all_variables(spec)), expression)
        assert case.resource is not None
        shown = case.resource.from_storage(question.obj or FrozenDict())
        changed = _patched(shown, value) if field == "jsonPatch" else _applied(case.resource, shown, value)
        if changed != shown:
            stored = case.resource.to_storage(question.resource.default(changed))
            question = Question(question.request, question.resource, stored, question.old, question.operation)
    return question


def _patched(obj: Object, operations: Any) -> Object:
    from k8snb.apimachinery import cel_library

    steps = [cel_library.json_of(step) for step in operations]
    try:
        return apply_json_patch(obj, steps)
    except ApiError as error:
        if error.message == rejected().message:  # a test that fails is a condition, no error
            return obj
        raise CelError(f"JSONPath: {error.message}") from None


def _applied(resource: Resource, obj: Object, value: Any) -> Object:
    type_ = resource.schema
    if type_ is None or not isinstance(value, dict):
        raise CelError(f"unsupported return type from ApplyConfiguration expression: {type(value).__name__}")
    config = freeze(value | {"apiVersion": resource.api_version, "kind": resource.kind})
    wrong = check(type_, config)
    if wrong:
        raise CelError(f"error applying patch: failed to convert patch object to typed object: {'; '.join(wrong)}")
    atomic = [path for path in _atomics(type_, config, "") if path]
    if atomic:
        raise CelError(f"error applying patch: invalid ApplyConfiguration: {_ATOMIC}: {', '.join(atomic)}")
    merged: Object = overlay(type_, obj, decode(type_, config).value)
    return merged


def _atomics(type_: Type, value: Any, path: str) -> list[str]:
    """The paths of what would be replaced whole."""
    if not isinstance(value, (dict, list)):
        return []
    found = [path] if type_.atomic else []
    if isinstance(value, list) and type_.item is not None:
        return found + [p for index, item in enumerate(value) for p in _atomics(type_.item, item, f"{path}[{index}]")]
    if isinstance(value, dict) and not type_.atomic:
        found += [p for key, part in parts(type_, freeze(value)).items() for p in _atomics(part.type, part.value, f"{path}.{key[2:]}")]
    return found


def _refusal(request: Request, resource: Resource, obj: Object, problems: list[tuple[Case, str]]) -> ApiError:
    error = forbidden(request, resource, obj, "admission request denied by policy")
    causes = [{"message": _said(case, problem)} for case, problem in problems]
    error.message, error.details = causes[0]["message"], {**(error.details or {}), "causes": causes}
    if not problems[0][0].problem:
        error.reason = "Invalid"
    return error


def _said(case: Case, problem: str) -> str:
    name: Mapping[str, Any] = case.policy["metadata"]
    if case.binding is None:
        return f'policy "{name["name"]}" denied request: {problem}'
    return f"policy '{name['name']}' with binding '{case.binding['metadata']['name']}' denied request: {problem}"
