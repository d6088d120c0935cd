"""ServiceCIDRs: the ranges that Services take their addresses from.

Models: pkg/apis/networking/validation (ValidateServiceCIDR), pkg/printers/internalversion (printServiceCIDR).
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.errors import Errors, invalid, required
from k8snb.apimachinery.objects import Object, dig
from k8snb.resources.common.cells import age
from k8snb.resources.common.formats import cidr, parse_cidr
from k8snb.resources.discovery import served

_FAMILIES = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"


def validate(obj: Object) -> Errors:
    """One range, or one of each IP family."""
    ranges = list(dig(obj, "spec.cidrs", ()))
    if not ranges:
        return [required("spec.cidrs", "at least one CIDR required")]
    if len(ranges) > 2:
        return [invalid("spec.cidrs", {"CIDRs": ranges}, "may only hold up to 2 values")]
    errors = [error for index, text in enumerate(ranges) for error in cidr(f"spec.cidrs[{index}]", text, canonical=True)]
    networks = [parse_cidr(text) for text in ranges]
    versions = [network.version for network in networks if network is not None]
    if len(versions) == 2 and versions[0] == versions[1]:
        errors.append(invalid("spec.cidrs", ranges, _FAMILIES))
    return errors


def validate_update(obj: Object, old: Object) -> Errors:
    """A second range may be added; the first stays."""
    before, after = list(dig(old, "spec.cidrs", ())), list(dig(obj, "spec.cidrs", ()))
    if len(before) == len(after):
        changed = [index for index, text in enumerate(after) if text != before[index]]
        return [invalid(f"spec.cidrs[{index}]", after[index], "field is immutable") for index in changed]
    if len(after) < len(before):
        return [invalid("spec.cidrs", after, "field is immutable")]
    return [] if after[:1] == before[:1] else [invalid("spec.cidrs[0]", after[0], "field is immutable")]


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get servicecidrs``."""
    return [obj["metadata"]["name"], ",".join(dig(obj, "spec.cidrs", ())), age(obj, now)]


EXAMPLE = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "ServiceCIDR",
    "metadata": {"name": "more"},
    "spec": {"cidrs": ["10.112.0.0/24"]},
}

RESOURCE = served("networking.k8s.io/v1", "ServiceCIDR", validate=validate, validate_update=validate_update, cells=cells, example=EXAMPLE)
