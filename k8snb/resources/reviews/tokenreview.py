"""TokenReviews: whose token is this?

Models: pkg/registry/authentication/tokenreview.
"""

from __future__ import annotations

from k8snb.resources.discovery import served
from k8snb.resources.reviews.access import review_token

EXAMPLE = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": "a-token"}}

RESOURCE = served("authentication.k8s.io/v1", "TokenReview", answer=review_token, example=EXAMPLE, simulated=True)
