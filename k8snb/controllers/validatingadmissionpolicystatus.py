"""The status of ValidatingAdmissionPolicies: what a check of their expressions against the kinds that they match has found.

Models: pkg/controller/validatingadmissionpolicystatus/controller.go.
"""

from __future__ import annotations

from k8snb.apimachinery.objects import dig
from k8snb.client.controller import Controller, Watches
from k8snb.resources import RESOURCES
from k8snb.resources.admissionregistration.typechecking import expression_warnings

POLICIES = "validatingadmissionpolicies.admissionregistration.k8s.io"


class ValidatingAdmissionPolicyStatusController(Controller):
    """Checks each generation of a policy once."""

    name = "validatingadmissionpolicy-status"
    watches = (Watches(POLICIES),)

    def reconcile(self, key: str) -> None:
        policy = self.informers[POLICIES].get(key)
        if policy is None or policy["metadata"]["generation"] <= dig(policy, "status.observedGeneration", 0):
            return
        warnings = expression_warnings(policy, RESOURCES)
        checked = {"expressionWarnings": warnings} if warnings else {}
        wanted = {
            "apiVersion": policy["apiVersion"], "kind": policy["kind"], "metadata": {"name": key},
            "status": {"observedGeneration": policy["metadata"]["generation"], "typeChecking": checked},
        }  # fmt: skip
        self.client.patch(POLICIES, key, wanted, kind="apply", subresource="status", manager=f"{self.name}-controller", force=True)
