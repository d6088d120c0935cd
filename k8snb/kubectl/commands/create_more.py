"""Generators of ``kubectl create``: namespaces, identities, permissions, quotas, priorities, budgets; and tokens.

Each row of ``GENERATORS``: names, a sentence, the function that makes the object, what stands before a refusal, flags.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.apimachinery.errors import ApiError, quote
from k8snb.apimachinery.objects import dig
from k8snb.apimachinery.selectors import SelectorError, parse, to_label_selector
from k8snb.kubectl import generate
from k8snb.kubectl.api import Json
from k8snb.kubectl.call import PRINT, Call, Command
from k8snb.kubectl.commands.create_workloads import given_namespace
from k8snb.kubectl.flags import Flag, boolean
from k8snb.kubectl.printers import printer
from k8snb.kubectl.result import Failure, NoMatch, Several


def _namespace(call: Call) -> Json:
    return generate.obj("v1", "Namespace", call.exactly_one_name(), spec={}, status={})


def _service_account(call: Call) -> Json:
    return generate.obj("v1", "ServiceAccount", call.exactly_one_name(), given_namespace(call))


def _quota(call: Call) -> Json:
    return generate.quota(call.exactly_one_name(), given_namespace(call), call.flag("hard"), call.flag("scopes"))


def _priority_class(call: Call) -> Json:
    name, preemption = call.exactly_one_name(), call.flag("preemption-policy")
    return generate.priority_class(name, call.flag("value"), call.flag("global-default"), call.flag("description"), preemption)


def _budget(call: Call) -> Json:
    name, least, most = call.exactly_one_name(), call.flag("min-available"), call.flag("max-unavailable")
    if not call.flag("selector"):
        raise Failure("a selector must be specified")
    if least and most:
        raise Failure("min-available and max-unavailable cannot be both specified")
    if not least and not most:
        raise Failure("one of min-available or max-unavailable must be specified")
    for flag, value in (("min-available", least), ("max-unavailable", most)):
        if value and not value.removesuffix("%").isdecimal():
            raise Failure(f"invalid format specified for {flag}")
    return generate.disruption_budget(name, given_namespace(call), _selector(call.flag("selector")), least, most)


def _selector(text: str) -> Json:
    """A selector on the command line as an object has it. Raises Failure."""
    try:
        return to_label_selector(parse(text))
    except SelectorError as problem:
        raise Failure(f"couldn't parse the selector string {quote(text)}: {problem}") from None


# -- permissions -------------------------------------------------------------------------------------------------------------


def _rules(call: Call) -> list[Json]:
    verbs = list(dict.fromkeys(call.flag("verb")))
    if not verbs:
        raise Failure("at least one verb must be specified")
    if "*" in verbs:
        verbs = ["*"]
    paths = list(dict.fromkeys(call.flag("non-resource-url", ())))
    if not call.flag("resource") and not paths:
        known = "non-resource-url" in call.values.known
        raise Failure("one of resource or nonResourceURL must be specified" if known else "at least one resource must be specified")
    return [*_resource_rules(call, verbs), *({"verbs": verbs, "nonResourceURLs": paths} for _ in _checked_paths(verbs, paths)[:1])]


def _resource_rules(call: Call, verbs: Sequence[str]) -> list[Json]:
    texts = ["*"] if "*" in call.flag("resource") else call.flag("resource")
    for verb in verbs if texts else ():
        if verb not in VERBS:
            call.err(f"Warning: '{verb}' is not a standard resource verb")
    found = [_resource(call, text) for text in texts]
    for group, resource in found:
        for verb in verbs:
            if verb in _SPECIAL and (group, resource.partition("/")[0]) not in _SPECIAL[verb]:
                raise Failure(f"can not perform '{verb}' on '{resource.partition('/')[0]}' in group '{group}'")
    return generate.rules_of(verbs, found, call.flag("resource-name"))


_RBAC = "rbac.authorization.k8s.io"
_ROLES = ((_RBAC, "roles"), (_RBAC, "clusterroles"))
_SPECIAL = {  # verbs that mean something for a few resources only
    "use": (("policy", "podsecuritypolicies"), ("extensions", "podsecuritypolicies")),
    "bind": _ROLES, "escalate": _ROLES,
    "impersonate": (("", "users"), ("", "serviceaccounts"), ("", "groups"), ("authentication.k8s.io", "userextras")),
    "approve": (("certificates.k8s.io", "signers"),), "sign": (("certificates.k8s.io", "signers"),),
}  # fmt: skip


_PATH_VERBS = ("*", "get", "post", "put", "delete", "patch", "head", "options")


def _checked_paths(verbs: Sequence[str], paths: Sequence[str]) -> Sequence[str]:
    """The paths of a rule, where they and its verbs may be. Raises Failure."""
    for verb in verbs if paths else ():
        if verb not in _PATH_VERBS:
            raise Failure(f"invalid verb: '{verb}' for nonResourceURL")
    for path in paths:
        if path != "*" and not path.startswith("/"):
            raise Failure("nonResourceURL should start with /")
        if "*" in path[:-1]:
            raise Failure("nonResourceURL only supports wildcard matches when '*' is at the end")
    return paths


def _resource(call: Call, text: str) -> tuple[str, str]:
    """``deployments.apps/scale`` as group and resource, known to the server."""
    name, slash, sub = text.partition("/")
    if name == "*":
        return "", "*" + slash + sub
    try:
        kind = call.mapper.resource(name)
    except NoMatch:
        word, _, group = name.partition(".")
        if any((group, word) in pairs for pairs in _SPECIAL.values()):
            return group, word + slash + sub  # users and signers are in no discovery document
        raise Several([NoMatch(word, group)]) from None  # kubectl prints it without the word error
    return kind.group, kind.resource + slash + sub


def _role(call: Call) -> Json:
    return generate.obj("rbac.authorization.k8s.io/v1", "Role", call.exactly_one_name(), given_namespace(call), rules=_rules(call))


def _cluster_role(call: Call) -> Json:
    name, aggregated = call.exactly_one_name(), call.flag("aggregation-rule")
    if aggregated:
        if any(call.flag(name) for name in ("non-resource-url", "verb", "resource", "resource-name")):
            raise Failure("aggregation rule must be specified without nonResourceURLs, verbs, resources or resourceNames")
        selectors = [{"matchLabels": generate.parse_labels(aggregated)}]
        rule = {"clusterRoleSelectors": selectors}
        return generate.obj("rbac.authorization.k8s.io/v1", "ClusterRole", name, aggregationRule=rule, rules=None)
    return generate.obj("rbac.authorization.k8s.io/v1", "ClusterRole", name, rules=_rules(call))


def _binding(kind: str, namespaced: bool) -> object:
    def make(call: Call) -> Json:
        name, role, cluster_role = call.exactly_one_name(), call.flag("role", ""), call.flag("clusterrole")
        if bool(role) == bool(cluster_role):
            raise Failure("exactly one of clusterrole or role must be specified")
        ref = ("Role", role) if role else ("ClusterRole", cluster_role)
        who = {"users": call.flag("user"), "groups": call.flag("group"), "accounts": call.flag("serviceaccount")}
        return generate.binding(kind, name, given_namespace(call) if namespaced else "", role=ref, **who)

    return make


VERBS = ("*", "get", "delete", "list", "create", "update", "patch", "watch", "proxy", "deletecollection", "use", "bind", "approve", "sign",
         "escalate", "impersonate")  # fmt: skip
_WHO = (Flag("user", kind="array"), Flag("group", kind="array"), Flag("serviceaccount", kind="array"), Flag("clusterrole"))
_RULES = (Flag("verb", kind="strings"), Flag("resource", kind="strings"), Flag("resource-name", kind="array"))
GENERATORS = (
    (("namespace", "ns"), "Create a namespace with the specified name", _namespace, "", ()),
    (("serviceaccount", "sa"), "Create a service account with the specified name", _service_account,
     "failed to create serviceaccount: ", ()),
    (("quota", "resourcequota"), "Create a quota with the specified name", _quota, "failed to create quota: ", (Flag("hard"),
     Flag("scopes"))),
    (("priorityclass", "pc"), "Create a priority class with the specified name", _priority_class, "failed to create priorityclass: ",
     (Flag("value", kind="int"), boolean("global-default"), Flag("description"),
      Flag("preemption-policy", default="PreemptLowerPriority"))),
    (("poddisruptionbudget", "pdb"), "Create a pod disruption budget with the specified name", _budget,
     "failed to create poddisruptionbudgets: ", (Flag("min-available"), Flag("max-unavailable"), Flag("selector"))),
    (("role",), "Create a role with single rule", _role, "", _RULES),
    (("clusterrole",), "Create a cluster role", _cluster_role, "",
     (*_RULES, Flag("non-resource-url", kind="strings"), Flag("aggregation-rule"))),
    (("rolebinding",), "Create a role binding for a particular role or cluster role", _binding("RoleBinding", True),
     "failed to create rolebinding: ", (*_WHO, Flag("role"))),
    (("clusterrolebinding",), "Create a cluster role binding for a particular cluster role", _binding("ClusterRoleBinding", False),
     "failed to create clusterrolebinding: ", (*_WHO[:-1], Flag("clusterrole", required=True))),
)  # fmt: skip


def _token_spec(call: Call) -> Json:
    """For whom, for how long, and with what the token dies."""
    seconds, bound = call.flag("duration"), {part: call.flag(f"bound-object-{part}") for part in ("kind", "name", "uid")}
    if seconds < 0:
        raise Failure("--duration must be greater than or equal to 0")
    if seconds % 1:
        raise Failure("--duration cannot be expressed in units less than seconds")
    if "" in call.flag("audience"):
        raise Failure("--audience must not be an empty string")
    if not bound["kind"]:
        for part in ("name", "uid"):
            if bound[part]:
                raise Failure(f"--bound-object-{part} can only be set if --bound-object-kind is provided")
    elif bound["kind"] not in ("Node", "Pod", "Secret"):
        raise Failure("supported --bound-object-kind values are Node, Pod, Secret")
    elif not bound["name"]:
        raise Failure("--bound-object-name is required if --bound-object-kind is provided")
    spec: Json = {"audiences": list(call.flag("audience"))} if call.flag("audience") else {}
    if seconds:
        spec["expirationSeconds"] = int(seconds)
    if bound["kind"]:
        spec["boundObjectRef"] = {"apiVersion": "v1", **{part: value for part, value in bound.items() if value}}
    return spec


def _token(call: Call) -> None:
    """Ask for a token of a service account."""
    name, kind = call.exactly_one_name(), call.mapper.resource("serviceaccounts")
    spec: Json = _token_spec(call)
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "metadata": {},
        "spec": spec,
        "status": {"token": "", "expirationTimestamp": None},
    }
    try:
        answer = call.api.do("create", kind, call.namespace, name, subresource="token", body=body)
    except ApiError as problem:
        raise Failure(f"failed to create token: {problem.message}") from None
    token = dig(answer, "status.token", "")
    if not token:
        raise Failure(f"failed to create token: no token in server response for {quote(name)}")
    if call.flag("output"):
        printer(call, structs=True)(answer)
    else:
        call.out(str(token))


TOKEN = Command(
    "token", "Request a service account token", "kubectl create token SERVICE_ACCOUNT_NAME", _token,
    (*PRINT, Flag("audience", kind="array"), Flag("duration", kind="duration"), Flag("bound-object-kind"), Flag("bound-object-name"),
     Flag("bound-object-uid")),
)  # fmt: skip
