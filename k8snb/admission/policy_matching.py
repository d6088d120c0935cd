"""Which admission policies a request meets, through which bindings, with which parameters.

    policy     matchConstraints: rules over groups, versions, resources and operations; selectors of namespaces and objects
      └─ binding   matchResources narrows it; paramRef picks parameters, each of which is a case of its own

Law: without bindings there is no work; policies and bindings are read again only after one of them changed.

Models: k8s.io/apiserver/pkg/admission/plugin/policy/{matching/matching,generic/policy_dispatcher}.go,
plugin/webhook/predicates/{rules/rules,namespace/matcher,object/matcher}.go.
Simplified: a rule for another version of the same resource matches (Equivalent), one for another group does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from k8snb.admission.plugin import Context
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.resource import Resource
from k8snb.apimachinery.selectors import from_label_selector
from k8snb.apiserver.request import Request

GROUP = "admissionregistration.k8s.io"
_NO_PARAMS = "no params found for policy binding with `Deny` parameterNotFoundAction"
_NO_NAMESPACE = "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"


@dataclass(frozen=True, slots=True)
class Question:
    """A request as policies see it: the object before and after (None where there is none), and the operation."""

    request: Request
    resource: Resource  # the stored version
    obj: Object | None
    old: Object | None
    operation: str  # CREATE, UPDATE, DELETE

    @property
    def name(self) -> str:
        """What the request is about, as far as it is known."""
        return str(self.request.name or dig(self.obj or EMPTY_DICT, "metadata.name", ""))


@dataclass(frozen=True, slots=True)
class Case:
    """A policy that is to be asked, with one binding and one parameter; or why it cannot be (``problem``)."""

    policy: Object
    binding: Object | None
    resource: Resource | None = None  # the version that matched
    param: Object | None = None
    problem: str = ""


def cases(context: Context, plural: str, question: Question) -> Iterator[Case]:
    """The cases of all policies of a kind (``validatingadmissionpolicies``) that this request meets."""
    if question.resource.group == GROUP:
        return  # nobody locks himself out
    bindings = context.remembered(f"{plural.removesuffix('ies')}ybindings.{GROUP}")
    for policy in context.remembered(f"{plural}.{GROUP}") if bindings else ():
        mine = [binding for binding in bindings if binding["spec"].get("policyName") == policy["metadata"]["name"]]
        resource = matched(context, policy["spec"].get("matchConstraints") or EMPTY_DICT, question) if mine else None
        if resource is not None:
            yield from _of_policy(context, policy, mine, resource, question)


def _of_policy(context: Context, policy: Object, bindings: Sequence[Object], resource: Resource, question: Question) -> Iterator[Case]:
    kind = policy["spec"].get("paramKind")
    params = context.server.catalogue.by_kind.get((kind["apiVersion"], kind["kind"])) if kind is not None else None
    if kind is not None and params is None:
        yield Case(policy, None, problem=f"failed to find resource referenced by paramKind: '{_printed(kind)}'")
        return
    for binding in bindings:
        if matched(context, binding["spec"].get("matchResources") or EMPTY_DICT, question) is None:
            continue
        reference = binding["spec"].get("paramRef")
        if params is None or reference is None:
            yield Case(policy, binding, resource)
            continue
        try:
            for param in _params(context, params, reference, question.request.namespace):
                yield Case(policy, binding, resource, param)
        except LookupError as problem:
            yield Case(policy, binding, resource, problem=str(problem.args[0]))


def _printed(kind: Mapping[str, Any]) -> str:
    return f"{kind['apiVersion']}, Kind={kind['kind']}"


def _params(context: Context, kind: Resource, reference: Mapping[str, Any], namespace: str) -> list[Object]:
    """The parameters that a binding refers to. Raises LookupError with the words of a misconfigured binding."""
    where = reference.get("namespace", "")
    if where and not kind.namespaced:
        raise LookupError("paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
    where = (where or namespace) if kind.namespaced else ""
    if kind.namespaced and not where:
        raise LookupError(_NO_NAMESPACE)
    stored = context.server.catalogue.storage_of(kind)
    if reference.get("name"):
        one = context.get(stored.key, reference["name"], where)
        found = [one] if one is not None else []
    else:
        selector = from_label_selector(reference.get("selector"))
        found = [obj for obj in context.list(stored.key, where) if selector.matches(dig(obj, "metadata.labels"))]
    if not found and reference.get("parameterNotFoundAction") == "Deny":
        raise LookupError(_NO_PARAMS)
    return [kind.from_storage(obj) for obj in found]


def matched(context: Context, match: Mapping[str, Any], question: Question) -> Resource | None:
    """The version of the resource in which a request meets these constraints, or None. No rules match everything."""
    if not _namespace_matches(context, match, question) or not _object_matches(match, question):
        return None
    asked: Resource = context.server.catalogue.by_path[question.request.group, question.request.version, question.request.resource]
    if any(_rule_matches(rule, asked, question) for rule in match.get("excludeResourceRules") or ()):
        return None
    rules = match.get("resourceRules") or ()
    if not rules or any(_rule_matches(rule, asked, question) for rule in rules):
        return asked
    if match.get("matchPolicy") == "Exact":
        return None
    others = [r for r in context.server.catalogue.all() if (r.group, r.plural) == (asked.group, asked.plural) and r is not asked]
    return next((other for other in others if any(_rule_matches(rule, other, question) for rule in rules)), None)


def _rule_matches(rule: Mapping[str, Any], resource: Resource, question: Question) -> bool:
    scope = rule.get("scope", "*")
    names = rule.get("resourceNames") or ()
    return (
        _in(rule.get("operations"), question.operation)
        and _in(rule.get("apiGroups"), resource.group)
        and _in(rule.get("apiVersions"), resource.version)
        and (scope == "*" or (scope == "Namespaced") == (resource.namespaced and resource.key != "namespaces"))
        and any(_names(pattern, resource.plural, question.request.subresource) for pattern in rule.get("resources") or ())
        and (not names or question.name in names)
    )


def _in(values: Any, value: str) -> bool:
    return "*" in (values or ()) or value in (values or ())


def _names(pattern: str, plural: str, subresource: str) -> bool:
    """Whether ``pods``, ``pods/*``, ``*/scale`` or ``*`` names the resource and subresource."""
    resource, _, sub = pattern.partition("/")
    return resource in ("*", plural) and sub in (subresource, "*")


def _namespace_matches(context: Context, match: Mapping[str, Any], question: Question) -> bool:
    selector = match.get("namespaceSelector")
    if not selector:
        return True
    if question.resource.key == "namespaces":
        labels = dig(question.obj or question.old or EMPTY_DICT, "metadata.labels")
    elif question.request.namespace:
        labels = dig(context.get("namespaces", question.request.namespace) or EMPTY_DICT, "metadata.labels")
    else:
        return True
    return from_label_selector(selector).matches(labels)


def _object_matches(match: Mapping[str, Any], question: Question) -> bool:
    selector = match.get("objectSelector")
    if not selector:
        return True
    wanted = from_label_selector(selector)
    return any(obj is not None and wanted.matches(dig(obj, "metadata.labels")) for obj in (question.obj, question.old))
