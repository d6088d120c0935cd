"""Type checking of a validating policy: what its expressions ask of objects that no object of the matched kinds has.

    spec.validations[0].expression    object.replicas > 1
    apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'

It only warns, in the policy's status: a policy holds for kinds that are not known yet, too. Rules with a ``*`` are not checked.

Models: k8s.io/apiserver/pkg/admission/plugin/policy/validating/typechecking.go.
Simplified: kinds that a CustomResourceDefinition defines are not checked; ``namespaceObject`` has no declared fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from k8snb.apimachinery.cel import CelError, CelUnavailable, Program, compile_expression
from k8snb.apimachinery.objects import EMPTY_LIST, FrozenDict, Object, dig
from k8snb.apimachinery.resource import Resource
from k8snb.apimachinery.schema import Type
from k8snb.resources.admissionregistration.expressions import plain_variables

MOST_KINDS = 10
Known = Mapping[str, str | Type]


def expression_warnings(policy: Object, resources: Iterable[Resource]) -> list[FrozenDict]:
    """The ``expressionWarnings`` of a ValidatingAdmissionPolicy; none where CEL is not to be had."""
    spec, served = policy["spec"], list(resources)
    worlds = [(_shown(kind), _known(spec, kind, served)) for kind in _kinds(spec, served)]
    found = []
    for field, expression in _expressions(spec):
        problems = [f"{kind}: {problem}\n" for kind, known in worlds if (problem := _problem(expression, known))]
        if problems:
            found.append(FrozenDict({"fieldRef": field, "warning": "\n".join(problems)}))
    return found


def _expressions(spec: Object) -> Iterator[tuple[str, str]]:
    for index, rule in enumerate(spec.get("validations") or ()):
        yield f"spec.validations[{index}].expression", rule.get("expression", "")
        if rule.get("messageExpression"):
            yield f"spec.validations[{index}].messageExpression", rule["messageExpression"]


def _kinds(spec: Object, served: list[Resource]) -> list[Resource]:
    """The kinds that the rules name, sorted; at most ten of one rule."""
    found: dict[tuple[str, str, str], Resource] = {}
    for rule in dig(spec, "matchConstraints.resourceRules", EMPTY_LIST):
        groups, versions = rule.get("apiGroups") or (), rule.get("apiVersions") or ()
        if any("*" in text for text in (*groups, *versions)):
            continue
        names = [name for name in rule.get("resources") or () if "*" not in name and "/" not in name]
        matched = [r for r in served if r.group in groups and r.version in versions and (r.plural in names or r.singular in names)]
        for resource in sorted(matched, key=_sorting)[:MOST_KINDS]:
            if resource.schema is not None and not resource.custom:
                found[_sorting(resource)] = resource
    return [found[key] for key in sorted(found)]


def _sorting(resource: Resource) -> tuple[str, str, str]:
    return resource.group, resource.version, resource.kind


def _shown(resource: Resource) -> str:
    """As Go prints a GroupVersionKind."""
    return f"{resource.group}/{resource.version}, Kind={resource.kind}"


def _known(spec: Object, kind: Resource, served: list[Resource]) -> Known:
    """The types of what the expressions may use, where the object is of this kind; of the policy's own variables those that compile."""
    known: dict[str, str | Type] = {**plain_variables(spec), "object": kind.schema, "oldObject": kind.schema}
    asked = spec.get("paramKind") or {}
    params = next((r for r in served if (r.api_version, r.kind) == (asked.get("apiVersion"), asked.get("kind"))), None)
    if params is not None and params.schema is not None and not params.custom:
        known["params"] = params.schema
    for variable in spec.get("variables") or ():
        program = _compiled(variable.get("expression", ""), known)
        if isinstance(program, Program):
            known[f"variables.{variable['name']}"] = _type_of(program)
    return known


def _type_of(program: Program) -> str:
    """The type of a variable for those after it; a part of a kind is not checked any further."""
    return "dyn" if "declared." in program.type else program.type


def _compiled(expression: str, known: Known) -> Program | CelError:
    try:
        return compile_expression(expression, known)
    except CelError as error:
        return error


def _problem(expression: str, known: Known) -> str:
    found: Any = _compiled(expression, known)
    return str(found) if isinstance(found, CelError) and not isinstance(found, CelUnavailable) else ""
