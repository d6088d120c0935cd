"""CertificateSigningRequests: the wish for a certificate, approved or denied by somebody, signed by somebody.

Models: pkg/apis/certificates/validation/validation.go, pkg/registry/certificates/certificates/strategy.go, printCSR.
Simplified: the request itself is only checked for being PEM; nothing is signed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, FieldError, invalid, required, within
from k8snb.apimachinery.meta import human_duration, timestamp
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, Object, dig, put
from k8snb.apimachinery.resource import Subresource
from k8snb.apimachinery.validation import immutable
from k8snb.apiserver import writes
from k8snb.apiserver.request import Request
from k8snb.resources.common.cells import NONE, age
from k8snb.resources.common.formats import domain_prefixed_path
from k8snb.resources.discovery import served

_SHORTEST = 600
_LONGEST_SIGNER = 571


def any_name(_name: str) -> list[str]:
    """Requests may be called anything."""
    return []


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", _validate_spec(obj.get("spec") or EMPTY_DICT))


def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    usages, signer, seconds = spec.get("usages") or (), spec.get("signerName", ""), spec.get("expirationSeconds")
    errors = _validate_request(spec.get("request", ""))
    errors += [] if usages else [required("usages")]
    errors += [
        FieldError(f"usages[{i}]", "FieldValueDuplicate", f'Duplicate value: "{u}"') for i, u in enumerate(usages) if u in usages[:i]
    ]
    errors += domain_prefixed_path("signerName", signer)
    if len(signer) > _LONGEST_SIGNER:
        errors.append(invalid("signerName", signer, f"must be no more than {_LONGEST_SIGNER} characters"))
    if seconds is not None and seconds < _SHORTEST:
        errors.append(invalid("expirationSeconds", seconds, f"may not specify a duration less than {_SHORTEST} seconds (10 minutes)"))
    return errors


def _validate_request(text: str) -> Errors:
    try:
        pem = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        pem = b""
    if b"-----BEGIN CERTIFICATE REQUEST-----" in pem or b"-----BEGIN NEW CERTIFICATE REQUEST-----" in pem:
        return []
    shown = list(pem)
    return [invalid("request", shown, "PEM block type must be CERTIFICATE REQUEST")]


def validate_update(obj: Object, old: Object) -> Errors:
    """The wish stays."""
    return immutable("spec", obj.get("spec"), old.get("spec"))


def sign_with_user(context: Any, obj: Object, old: Object | None) -> Object:
    """Whoever asks stands in the request; nobody can ask for somebody else."""
    if old is not None:
        return obj
    return put(obj, "spec", {**obj.get("spec", EMPTY_DICT), **context.request.user.info()})


def approve(context: Any, request: Request, obj: Object | None) -> Object:
    """``certificatesigningrequests/approval``: only conditions change, by a status update."""
    resource = context.server.catalogue.by_path[request.group, request.version, request.resource]
    if request.verb == "get" or obj is None:
        return obj or FrozenDict()
    body = FrozenDict(request.body)
    conditions = [_stamped(c, context) for c in dig(body, "status.conditions", ())]
    status = FrozenDict({**dig(obj, "status", EMPTY_DICT), "conditions": FrozenList(conditions)})
    return writes.update_decoded(context, resource, FrozenDict({**obj, "status": status}), obj, status=True)


def _stamped(condition: Mapping[str, Any], context: Any) -> FrozenDict:
    times = {name: condition.get(name) or timestamp(context.now) for name in ("lastUpdateTime", "lastTransitionTime")}
    return FrozenDict({"status": "True", **condition, **times})


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get certificatesigningrequests``."""
    spec, conditions = obj.get("spec") or EMPTY_DICT, dig(obj, "status.conditions", ())
    seconds = spec.get("expirationSeconds")
    state = [name for name in ("Approved", "Denied", "Failed") if any(c.get("type") == name for c in conditions)] or ["Pending"]
    if dig(obj, "status.certificate"):
        state.append("Issued")
    asked = NONE if seconds is None else human_duration(seconds)
    return [obj["metadata"]["name"], age(obj, now), spec.get("signerName", ""), spec.get("username", ""), asked, ",".join(state)]


_PEM = b"-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n"
EXAMPLE = {
    "apiVersion": "certificates.k8s.io/v1",
    "kind": "CertificateSigningRequest",
    "metadata": {"name": "jane"},
    "spec": {"signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"], "request": base64.b64encode(_PEM).decode()},
}

RESOURCE = served(
    "certificates.k8s.io/v1",
    "CertificateSigningRequest",
    validate=validate,
    validate_name=any_name,
    validate_update=validate_update,
    allocate=sign_with_user,
    cells=cells,
    subresources={"approval": Subresource(name="approval", handler=approve)},
    selectable_fields={"spec.signerName": lambda obj: str(dig(obj, "spec.signerName", ""))},
    example=EXAMPLE,
)
