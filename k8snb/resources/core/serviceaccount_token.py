"""``serviceaccounts/token``: a token for a service account, for a time and perhaps only as long as a Pod lives.

    header.claims.seal        each in base64url, as a JSON Web Token

The claims are a real token's: who (``sub``), for whom (``aud``), from when and until when, bound to what. The seal is a hash over
header and claims with a word that everybody can read in this file: it shows a changed token, it protects nothing.

Models: pkg/registry/core/serviceaccount/storage/token.go, pkg/serviceaccount/claims.go, pkg/apis/authentication/validation.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from k8snb.apimachinery.errors import ApiError, Errors, conflict, invalid, object_invalid, object_not_found
from k8snb.apimachinery.meta import timestamp
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, dig, freeze
from k8snb.apiserver.request import User

SECOND = 1_000_000
ISSUER = "https://kubernetes.default.svc.cluster.local"
HOUR, SHORTEST, LONGEST = 3600, 600, 1 << 32
JTI = "jti"  # a parameter with which whoever hands tokens to the world outside makes them unguessable
_SEAL = b"k8snb: not a secret"
_COMPACT = json.JSONEncoder(separators=(",", ":"), sort_keys=True)
_BOUND = {"Pod": "pods", "Secret": "secrets", "Node": "nodes"}


def issue(context: Any, request: Any, account: Object | None) -> Object:
    """POST serviceaccounts/NAME/token: the TokenRequest with its answer. Raises ApiError 404, 409, 422."""
    if account is None:
        raise object_not_found("", "serviceaccounts", request.name)
    spec = (request.body or EMPTY_DICT).get("spec") or EMPTY_DICT
    seconds = spec.get("expirationSeconds", HOUR)
    if errors := _validate(seconds):
        raise object_invalid("authentication.k8s.io", "TokenRequest", "", errors)
    audiences = freeze(spec.get("audiences") or [ISSUER])
    bound = _bound_object(context, request.namespace, spec.get("boundObjectRef"))
    asked = {"audiences": audiences, "seconds": seconds, "jti": dict(request.options.parameters).get(JTI) or context.uid()}
    claims = _claims(context, account, asked, bound)
    now, ref = context.now, freeze(spec.get("boundObjectRef"))
    return FrozenDict({
        "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
        "metadata": FrozenDict({"name": request.name, "namespace": request.namespace, "creationTimestamp": timestamp(now)}),
        "spec": FrozenDict({"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": ref}),
        "status": FrozenDict({"token": write(claims), "expirationTimestamp": timestamp(now + seconds * SECOND)}),
    })  # fmt: skip


def _validate(seconds: int) -> Errors:
    if seconds < SHORTEST:
        return [invalid("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")]
    if seconds > LONGEST:
        return [invalid("spec.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds")]
    return []


def _bound_object(context: Any, namespace: str, ref: Object | None) -> Object | None:
    """The object that the token dies with."""
    if ref is None:
        return None
    resource = _BOUND.get(ref.get("kind", ""))
    if resource is None:
        why = f"cannot bind token to object of type {ref.get('apiVersion', '')}/{ref.get('kind', '')}"
        raise ApiError(400, "BadRequest", why)
    found: Object | None = context.get(resource, ref.get("name", ""), "" if resource == "nodes" else namespace)
    if found is None:
        raise object_not_found("", resource, ref.get("name", ""))
    uid = found["metadata"]["uid"]
    if ref.get("uid") and ref["uid"] != uid:
        words = (
            f"the UID in the bound object reference ({ref['uid']}) does not match the UID in record. "
            "The object might have been deleted and then recreated"
        )
        raise conflict("", resource, ref["name"], words)
    return found


def _claims(context: Any, account: Object, asked: dict[str, Any], bound: Object | None) -> dict[str, Any]:
    meta, now = account["metadata"], context.now // SECOND
    kubernetes: dict[str, Any] = {"namespace": meta["namespace"], "serviceaccount": {"name": meta["name"], "uid": meta["uid"]}}
    if bound is not None:
        kubernetes[bound["kind"].lower()] = {"name": bound["metadata"]["name"], "uid": bound["metadata"]["uid"]}
    if machine := dig(bound, "spec.nodeName") if bound is not None else "":
        found = context.get("nodes", machine, "")
        kubernetes["node"] = {"name": machine, **({"uid": found["metadata"]["uid"]} if found is not None else {})}
    return {
        "aud": asked["audiences"], "exp": now + asked["seconds"], "iat": now, "iss": ISSUER, "jti": asked["jti"],
        "kubernetes.io": kubernetes, "nbf": now, "sub": f"system:serviceaccount:{meta['namespace']}:{meta['name']}",
    }  # fmt: skip


def write(claims: dict[str, Any]) -> str:
    """The token of these claims."""
    head = _HEADER + "." + _encoded(claims)
    return f"{head}.{_seal(head)}"


def read(token: str) -> dict[str, Any] | None:
    """The claims of a token; None where it is none, or was changed."""
    head, _, seal = token.rpartition(".")
    try:
        if not head or seal != _seal(head):
            return None
        body = head.partition(".")[2]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except ValueError:
        return None
    return claims


def _encoded(value: dict[str, Any]) -> str:
    text = _COMPACT.encode(value)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


_HEADER = _encoded({"alg": "none", "kid": "k8snb"})


def _seal(head: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(_SEAL + head.encode()).digest()).rstrip(b"=").decode()


def owner_of(context: Any, token: str) -> tuple[User, dict[str, Any]] | None:
    """Whose token this is, with its claims: it is ours, not expired, and its account and what it is bound to are still there."""
    claims = read(token)
    if claims is None or not claims["nbf"] <= context.now // SECOND < claims["exp"]:
        return None
    about = claims["kubernetes.io"]
    namespace, account = about["namespace"], about["serviceaccount"]
    bound = [kind for kind in _BOUND if kind.lower() in about][:1]  # of a Pod's machine only the name is told
    alive = [("serviceaccounts", account), *((_BOUND[kind], about[kind.lower()]) for kind in bound)]
    for resource, ref in alive:
        found = context.get(resource, ref["name"], "" if resource == "nodes" else namespace)
        if dig(found, "metadata.uid") != ref["uid"]:
            return None
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
    return User(claims["sub"], groups, account["uid"], tuple(_extra(claims))), claims


def bearer(context: Any, token: str) -> User:
    """Who shows this token to the API server. Raises ApiError 401 where it is nobody's (any more), or meant for somebody else."""
    known = owner_of(context, token)
    if known is None or ISSUER not in known[1]["aud"]:
        raise ApiError(401, "Unauthorized", "Unauthorized", {})
    return known[0]


def _extra(claims: dict[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What else is told of who shows a token: which it is, and where it runs."""
    yield "authentication.kubernetes.io/credential-id", (f"JTI={claims['jti']}",)
    for kind in ("pod", "node"):
        for field, value in sorted(claims["kubernetes.io"].get(kind, {}).items()):
            yield f"authentication.kubernetes.io/{kind}-{field}", (value,)
