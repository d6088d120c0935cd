"""SelfSubjectRulesReviews: what may I do here? (``kubectl auth can-i --list``)

Models: pkg/registry/authorization/selfsubjectrulesreview.
"""

from __future__ import annotations

from k8snb.resources.discovery import served
from k8snb.resources.reviews.access import review_self_rules

EXAMPLE = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": "shop"}}

RESOURCE = served("authorization.k8s.io/v1", "SelfSubjectRulesReview", answer=review_self_rules, example=EXAMPLE, simulated=True)
