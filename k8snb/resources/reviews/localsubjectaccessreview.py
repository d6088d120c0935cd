"""LocalSubjectAccessReviews: may this user do that in this namespace?

Models: pkg/registry/authorization/localsubjectaccessreview.
"""

from __future__ import annotations

from k8snb.resources.discovery import served
from k8snb.resources.reviews.access import review_local_subject

EXAMPLE = {
    "apiVersion": "authorization.k8s.io/v1",
    "kind": "LocalSubjectAccessReview",
    "spec": {"resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "shop"}, "user": "jane"},
}

RESOURCE = served("authorization.k8s.io/v1", "LocalSubjectAccessReview", answer=review_local_subject, example=EXAMPLE, simulated=True)
