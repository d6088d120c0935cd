"""CertificateSigningRequests: the wish for a certificate, approved or denied by somebody, signed by somebody.

Models: pkg/apis/certificates/validation/validation.go, pkg/registry/certificates/certificates/strategy.go, printCSR.
Simplified: the request itself is only checked for being PEM; nothing is signed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.apimachinery.errors import Errors, duplicate, forbidden, invalid, not_supported, quote, required, too_long, within
from k8snb.apimachinery.meta import human_duration, timestamp
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, Object, dig, put
from k8snb.apimachinery.resource import Subresource
from k8snb.apimachinery.validation import Format, dns_label, dns_subdomain, one_of
from k8snb.apiserver import writes
from k8snb.apiserver.request import Request
from k8snb.resources.common.cells import NONE, age
from k8snb.resources.discovery import served

_FINAL, _OPPOSITE = ("Approved", "Denied", "Failed"), {"Approved": "Denied", "Denied": "Approved"}
LEGACY_SIGNER = "kubernetes.io/legacy-unknown"
USAGES = (
    "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment", "decipher only",
    "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel", "ipsec user", "key agreement",
    "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime", "server auth", "signing", "timestamping",
)  # fmt: skip
_SHORTEST = 600
_LONGEST_SIGNER, _LONGEST_DOMAIN = 571, 253


def any_name(_name: str) -> list[str]:
    """Requests may be called anything."""
    return []


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", _validate_spec(obj.get("spec") or EMPTY_DICT))


def validate_status_update(obj: Object, old: Object) -> Errors:
    """Conditions are sound, and those that decide stay."""
    now, before = (dig(one, "status.conditions", ()) for one in (obj, old))
    gone = [kind for kind in _FINAL if _count(now, kind) < _count(before, kind)]
    errors = _validate_conditions(now) + [forbidden("", f'updates may not remove a condition of type "{kind}"') for kind in gone]
    return within("status.conditions", errors)


def _count(conditions: Sequence[Mapping[str, Any]], kind: str) -> int:
    return sum(condition.get("type") == kind for condition in conditions)


def _validate_conditions(conditions: Sequence[Mapping[str, Any]]) -> Errors:
    errors: Errors = []
    seen: list[str] = []
    for index, condition in enumerate(conditions):
        kind, status = condition.get("type", ""), condition.get("status", "")
        choices = ("True",) if kind in _FINAL else ("False", "True", "Unknown")
        errors += [] if kind else [required(f"[{index}].type")]
        errors += one_of(f"[{index}].status", status, choices) if status else [required(f"[{index}].status")]
        if kind in _OPPOSITE and _OPPOSITE[kind] in seen:
            errors.append(invalid("", kind, "Approved and Denied conditions are mutually exclusive"))
        errors += [duplicate(f"[{index}].type", kind)] if kind in seen else []
        seen.append(kind)
    return errors


def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    usages, signer, seconds = spec.get("usages") or (), spec.get("signerName", ""), spec.get("expirationSeconds")
    errors = _validate_request(spec.get("request", ""))
    errors += [] if usages else [required("usages")]
    errors += [not_supported(f"usages[{i}]", usage, USAGES) for i, usage in enumerate(usages) if usage not in USAGES]
    errors += [duplicate(f"usages[{i}]", usage) for i, usage in enumerate(usages) if usage in usages[:i]]
    errors += validate_signer_name("signerName", signer)
    if seconds is not None and seconds < _SHORTEST:
        errors.append(invalid("expirationSeconds", seconds, f"may not specify a duration less than {_SHORTEST} seconds (10 minutes)"))
    return errors


def validate_signer_name(field: str, name: str) -> Errors:
    """``example.com/path``: a domain, and a name below it.

    Models: pkg/apis/core/validation/names.go (ValidateSignerName).
    """
    if not name:
        return [required(field)]
    if name == LEGACY_SIGNER:
        return [invalid(field, name, "the legacy signerName is not allowed via this API version")]
    if name.count("/") != 1:
        return [invalid(field, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")]
    domain, _, path = name.partition("/")
    errors = [too_long(field, _LONGEST_DOMAIN)] if len(domain) > _LONGEST_DOMAIN else []
    errors += _first_wrong(field, domain, dns_label)
    if "." not in domain:
        errors.append(invalid(field, domain, "should be a domain with at least two segments separated by dots"))
    errors += _first_wrong(field, path, dns_subdomain)
    return errors + ([too_long(field, _LONGEST_SIGNER)] if len(name) > _LONGEST_SIGNER else [])


def _first_wrong(field: str, text: str, messages: Format) -> Errors:
    """What is wrong with the first wrong part between dots."""
    wrong = next((part for part in text.split(".") if messages(part)), None)
    return [] if wrong is None else [invalid(field, text, f"validating label {quote(wrong)}: {why}") for why in messages(wrong)]


def _validate_request(text: str) -> Errors:
    try:
        pem = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        pem = b""
    if b"-----BEGIN CERTIFICATE REQUEST-----" in pem or b"-----BEGIN NEW CERTIFICATE REQUEST-----" in pem:
        return []
    shown = list(pem)
    return [invalid("request", shown, "PEM block type must be CERTIFICATE REQUEST")]


def prepare_for_update(obj: Object, old: Object) -> Object:
    """The wish stays, whatever is sent."""
    return put(obj, "spec", old["spec"]) if "spec" in old else obj


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
    prepare_for_update=prepare_for_update,
    validate_status_update=validate_status_update,
    allocate=sign_with_user,
    cells=cells,
    subresources={"approval": Subresource(name="approval", handler=approve)},
    selectable_fields={"spec.signerName": lambda obj: str(dig(obj, "spec.signerName", ""))},
    example=EXAMPLE,
)
