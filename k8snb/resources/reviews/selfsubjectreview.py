"""SelfSubjectReviews: who am I? (``kubectl auth whoami``)

Models: pkg/registry/authentication/selfsubjectreview.
"""

from __future__ import annotations

from k8snb.resources.discovery import served
from k8snb.resources.reviews.access import review_me

EXAMPLE = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}

RESOURCE = served("authentication.k8s.io/v1", "SelfSubjectReview", answer=review_me, example=EXAMPLE, simulated=True)
