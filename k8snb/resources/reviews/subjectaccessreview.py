"""SubjectAccessReviews: may this user do that?

Models: pkg/registry/authorization/subjectaccessreview.
"""

from __future__ import annotations

from k8snb.resources.discovery import served
from k8snb.resources.reviews.access import review_subject

EXAMPLE = {
    "apiVersion": "authorization.k8s.io/v1",
    "kind": "SubjectAccessReview",
    "spec": {"resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "shop"}, "user": "jane"},
}

RESOURCE = served("authorization.k8s.io/v1", "SubjectAccessReview", answer=review_subject, example=EXAMPLE, simulated=True)
