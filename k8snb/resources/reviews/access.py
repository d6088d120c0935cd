"""Questions about access: *may this user do that?* They are created, answered, and never stored.

Models: pkg/registry/authorization/*/rest.go, pkg/apis/authorization/validation, pkg/registry/authentication/*.
Simplified: only the tokens of service accounts are known to a TokenReview.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, bad_request, invalid, object_invalid
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig, freeze, put
from k8snb.apiserver.auth import NODES
from k8snb.apiserver.request import MASTERS, Request, User
from k8snb.resources.core.serviceaccount_token import ISSUER, owner_of

_BOTH = "cannot be specified in combination with resourceAttributes"
_NEITHER = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
_NOBODY = "at least one of user or group must be specified"


def validate_attributes(spec: Mapping[str, Any]) -> Errors:
    """Either a resource or a path."""
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and path is not None:
        shown = {"Path": path.get("path", ""), "Verb": path.get("verb", "")}
        return [invalid("spec.nonResourceAttributes", shown, _BOTH)]
    return [invalid("spec.resourceAttributes", None, _NEITHER)] if resource is None and path is None else []


def validate_subject(spec: Mapping[str, Any]) -> Errors:
    """Somebody is asked about."""
    return [] if spec.get("user") or spec.get("groups") else [invalid("spec.user", "", _NOBODY)]


def refuse(kind: str, errors: Errors) -> None:
    """Raise ApiError 422 where a question is not well put."""
    if errors:
        raise object_invalid("authorization.k8s.io", kind, "", errors)


def user_of(spec: Mapping[str, Any]) -> User:
    """The user a SubjectAccessReview asks about."""
    return User(spec.get("user", ""), tuple(spec.get("groups") or ()))


def allowed(context: Any, user: User, spec: Mapping[str, Any]) -> bool:
    """Whether the user may do what the attributes say."""
    resource, path = spec.get("resourceAttributes") or EMPTY_DICT, spec.get("nonResourceAttributes") or EMPTY_DICT
    if path:
        asked = Request(verb=path.get("verb", ""), path=path.get("path", ""), user=user)
    else:
        asked = Request(
            verb=resource.get("verb", ""),
            group=resource.get("group", ""),
            version=resource.get("version", ""),
            resource=resource.get("resource", ""),
            subresource=resource.get("subresource", ""),
            namespace=resource.get("namespace", ""),
            name=resource.get("name", ""),
            user=user,
        )
    return MASTERS in user.groups or NODES in user.groups or bool(context.server.authorizer.allows(user, asked))


def answered(context: Any, obj: Object, user: User) -> Object:
    """The question with its answer."""
    return put(obj, "status", freeze({"allowed": allowed(context, user, obj.get("spec") or EMPTY_DICT)}))


def review_subject(context: Any, obj: Object) -> Object:
    """SubjectAccessReview: about anybody."""
    spec = obj.get("spec") or EMPTY_DICT
    refuse("SubjectAccessReview", validate_attributes(spec) + validate_subject(spec))
    return answered(context, obj, user_of(spec))


def review_local_subject(context: Any, obj: Object) -> Object:
    """LocalSubjectAccessReview: about anybody, within one namespace."""
    spec, here = obj.get("spec") or EMPTY_DICT, context.request.namespace
    errors = validate_attributes(spec) + validate_subject(spec)
    if spec.get("nonResourceAttributes") is not None:
        errors.append(invalid("spec.nonResourceAttributes", spec["nonResourceAttributes"], "disallowed on this kind of request"))
    refuse("LocalSubjectAccessReview", errors)
    named = dig(spec, "resourceAttributes.namespace", "")
    if named != here:
        raise bad_request(f"spec.resourceAttributes.namespace must match namespace: {here}")
    return answered(context, put(obj, "metadata.namespace", here), user_of(spec))


def review_self(context: Any, obj: Object) -> Object:
    """SelfSubjectAccessReview: may I?"""
    refuse("SelfSubjectAccessReview", validate_attributes(obj.get("spec") or EMPTY_DICT))
    return answered(context, obj, context.request.user)


def review_self_rules(context: Any, obj: Object) -> Object:
    """SelfSubjectRulesReview: everything that I may do in a namespace."""
    namespace = dig(obj, "spec.namespace", "")
    if not namespace:
        raise bad_request("no namespace on request")
    user = context.request.user
    rules = context.server.authorizer.rules_of(user, namespace)
    resource = [_copied(r, "verbs", "apiGroups", "resources", "resourceNames") for r in rules if r.get("resources")]
    paths = [_copied(r, "verbs", "nonResourceURLs") for r in rules if r.get("nonResourceURLs")]
    return put(obj, "status", freeze({"resourceRules": resource, "nonResourceRules": paths, "incomplete": False}))


def _copied(rule: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: rule[name] for name in names if rule.get(name)}


def review_me(context: Any, obj: Object) -> Object:
    """SelfSubjectReview: who am I?"""
    return put(obj, "status", freeze({"userInfo": context.request.user.info()}))


def review_token(context: Any, obj: Object) -> Object:
    """TokenReview: whose token is this?"""
    token = dig(obj, "spec.token")
    if not token:
        raise bad_request("token is required for TokenReview in authentication")
    known = owner_of(context, token)
    wanted = dig(obj, "spec.audiences") or [ISSUER]
    shared = [audience for audience in wanted if known is not None and audience in known[1]["aud"]]
    if known is None or not shared:
        return put(obj, "status", freeze({"user": {}, "error": "invalid bearer token"}))
    return put(obj, "status", freeze({"authenticated": True, "user": known[0].info(), "audiences": shared}))
