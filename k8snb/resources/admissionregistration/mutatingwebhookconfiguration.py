"""MutatingWebhookConfigurations: whom the API server asks to change a request's object.

Models: pkg/apis/admissionregistration/{v1/defaults,validation/validation}.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.objects import Object
from k8snb.resources.admissionregistration.rules import count_webhook_generation
from k8snb.resources.admissionregistration.webhooks import default_webhook, example, validate_webhooks, webhook_cells
from k8snb.resources.common.fill import each, fill, where_given
from k8snb.resources.discovery import served


def _default_hook(hook: Mapping[str, Any]) -> Any:
    return fill(default_webhook(hook), {"reinvocationPolicy": "Never"})


def default(obj: Object) -> Object:
    """Every webhook."""
    return where_given(obj, "webhooks", each(_default_hook))


RESOURCE = served(
    "admissionregistration.k8s.io/v1",
    "MutatingWebhookConfiguration",
    default=default,
    prepare_for_update=count_webhook_generation,
    validate=validate_webhooks,
    cells=webhook_cells,
    counts_generation=True,
    example=example("MutatingWebhookConfiguration"),
)
