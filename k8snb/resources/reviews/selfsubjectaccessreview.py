"""SelfSubjectAccessReviews: may I do that? (``kubectl auth can-i``)

Models: pkg/registry/authorization/selfsubjectaccessreview.
"""

from __future__ import annotations

from k8snb.resources.discovery import served
from k8snb.resources.reviews.access import review_self

EXAMPLE = {
    "apiVersion": "authorization.k8s.io/v1",
    "kind": "SelfSubjectAccessReview",
    "spec": {"resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "shop"}},
}

RESOURCE = served("authorization.k8s.io/v1", "SelfSubjectAccessReview", answer=review_self, example=EXAMPLE, simulated=True)
