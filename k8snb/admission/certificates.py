"""Who may approve and sign certificate requests, and one subject that nobody may ask for.

The right to approve or sign is a right on *signers*: verb ``approve`` or ``sign`` on ``signers.certificates.k8s.io``, for one
signer's name or for all of its domain (``example.com/*``).

Models: plugin/pkg/admission/certificates/{approval,signing,subjectrestriction}/admission.go.
Simplified: the organisation in a request is looked for in its bytes; the request is not taken apart.
"""

from __future__ import annotations

import base64
import binascii

from k8snb.admission.plugin import Context, forbidden
from k8snb.apimachinery.objects import Object, dig
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.request import MASTERS, Request

REQUESTS = "certificatesigningrequests.certificates.k8s.io"
CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client"
_HEADER, _FOOTER = "-----BEGIN CERTIFICATE REQUEST-----", "-----END CERTIFICATE REQUEST-----"


def _may(context: Context, request: Request, verb: str, signer: str) -> bool:
    if MASTERS in request.user.groups:
        return True
    names = (signer, f"{signer.partition('/')[0]}/*")
    asked = (Request(verb, "certificates.k8s.io", "*", "signers", name=name, user=request.user) for name in names)
    return any(context.server.authorizer.allows(request.user, question) for question in asked)


class CertificateApproval:
    """Approving (and denying) takes the right to ``approve`` for the signer."""

    name = "CertificateApproval"
    handles = ("update",)
    resources = ("certificatesigningrequests.certificates.k8s.io",)

    def validate(self, context: Context, request: Request, resource: Resource, obj: Object | None, old: Object | None) -> None:
        """Look at changes of the subresource ``approval``."""
        if obj is None or resource.key != REQUESTS or request.subresource != "approval":
            return
        signer = dig(obj, "spec.signerName", "")
        if not _may(context, request, "approve", signer):
            raise forbidden(request, resource, obj, f'user not permitted to approve requests with signerName "{signer}"')


class CertificateSigning:
    """Handing out a certificate takes the right to ``sign`` for the signer."""

    name = "CertificateSigning"
    handles = ("update",)
    resources = ("certificatesigningrequests.certificates.k8s.io",)

    def validate(self, context: Context, request: Request, resource: Resource, obj: Object | None, old: Object | None) -> None:
        """Look at changes of the certificate in the status."""
        if obj is None or old is None or resource.key != REQUESTS or request.subresource != "status":
            return
        if dig(obj, "status.certificate") == dig(old, "status.certificate"):
            return
        signer = dig(old, "spec.signerName", "")
        if not _may(context, request, "sign", signer):
            raise forbidden(request, resource, obj, f'user not permitted to sign requests with signerName "{signer}"')


class CertificateSubjectRestriction:
    """Nobody becomes a member of ``system:masters`` by a certificate."""

    name = "CertificateSubjectRestriction"
    handles = ("create",)
    resources = ("certificatesigningrequests.certificates.k8s.io",)

    def validate(self, context: Context, request: Request, resource: Resource, obj: Object | None, old: Object | None) -> None:
        """Look at requests to the signer of client certificates."""
        if obj is None or resource.key != REQUESTS or dig(obj, "spec.signerName") != CLIENT_SIGNER:
            return
        if MASTERS.encode() in _content(dig(obj, "spec.request", "")):
            raise forbidden(request, resource, obj, f"use of {CLIENT_SIGNER} signer with {MASTERS} group is not allowed")


def _content(text: str) -> bytes:
    """The bytes of a request: base64 of PEM of base64."""
    try:
        pem = base64.b64decode(text).decode("ascii", "replace")
        return base64.b64decode(pem.partition(_HEADER)[2].partition(_FOOTER)[0])
    except (binascii.Error, ValueError):
        return b""
