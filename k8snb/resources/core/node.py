"""Nodes.

Models: pkg/apis/core/validation (ValidateNode, ValidateNodeUpdate), pkg/apis/core/v1/defaults.go (allocatable), pkg/registry/core/
node/strategy.go, pkg/printers (printNode), pkg/api/node/util.go.
Simplified: the deprecated configSource is not checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.apimachinery.errors import Errors, duplicate, forbidden, invalid, required, within
from k8snb.apimachinery.meta import condition_status
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, dig
from k8snb.apimachinery.validation import check, label_value, qualified_name
from k8snb.resources.common.cells import NONE, age
from k8snb.resources.common.compute import resource_quantity
from k8snb.resources.common.fill import inside, where_given
from k8snb.resources.common.formats import cidr
from k8snb.resources.common.pod_defaults import default_resource_list
from k8snb.resources.common.pod_scheduling import taint_effect
from k8snb.resources.core import proxy
from k8snb.resources.discovery import served, with_handlers

ROLE = "node-role.kubernetes.io/"
_CIDR_WORDS = 'node updates may not change podCIDR except from "" to valid'


def default(obj: Object) -> Object:
    """What can be allocated is the capacity, where nobody said."""
    defaulted: Object = inside(inside(obj, "spec", lambda spec: spec), "status", _default_status)
    return defaulted


def _default_status(status: Mapping[str, Any]) -> Any:
    for key in ("capacity", "allocatable"):
        status = where_given(status, key, default_resource_list)
    if status.get("capacity") and not status.get("allocatable"):
        return FrozenDict({**status, "allocatable": status["capacity"]})
    return status


def validate_taints(taints: Sequence[Mapping[str, Any]]) -> Errors:
    """Taints, unique by key and effect."""
    errors: Errors = []
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        key, effect, value = taint.get("key", ""), taint.get("effect", ""), taint.get("value", "")
        found = check("key", key, qualified_name)
        if wrong := label_value(value):
            found.append(invalid("value", value, ";".join(wrong)))
        found += taint_effect("effect", effect) if effect else [required("effect")]
        if (key, effect) in seen:
            again = duplicate("", {"key": key, **({"value": value} if value else {}), "effect": effect})
            found.append(again._replace(message=f"{again.message}: taints must be unique by key and effect pair"))
        seen.add((key, effect))
        errors += within(f"[{index}]", found)
    return errors


def validate(obj: Object) -> Errors:
    """Taints, amounts, CIDRs. Upstream reports taints below ``metadata``."""
    spec, status = obj.get("spec") or EMPTY_DICT, obj.get("status") or EMPTY_DICT
    errors = within("metadata.taints", validate_taints(spec.get("taints") or ()))
    for key in ("capacity", "allocatable"):
        for name, quantity in sorted((status.get(key) or EMPTY_DICT).items()):
            errors += resource_quantity(f"status.{key}.{name}", name, quantity)
    ranges = spec.get("podCIDRs") or ()
    errors += [error for index, text in enumerate(ranges) for error in cidr(f"spec.podCIDRs[{index}]", text)]
    if len(ranges) > 1 and sorted(":" in text for text in ranges) != [False, True]:
        errors.append(invalid("spec.podCIDRs", list(ranges), "may specify no more than one CIDR for each IP family"))
    return errors


def validate_update(obj: Object, old: Object) -> Errors:
    """What a node is, it stays."""
    spec, before = obj.get("spec") or EMPTY_DICT, old.get("spec") or EMPTY_DICT
    errors = _validate_addresses(obj)
    if before.get("podCIDRs") and list(spec.get("podCIDRs") or ()) != list(before["podCIDRs"]):
        errors.append(forbidden("spec.podCIDRs", _CIDR_WORDS))
    if before.get("providerID") and spec.get("providerID", "") != before["providerID"]:
        errors.append(forbidden("spec.providerID", 'node updates may not change providerID except from "" to valid'))
    return errors


def _validate_addresses(obj: Object) -> Errors:
    addresses = list(dig(obj, "status.addresses", ()))
    repeated = [index for index, address in enumerate(addresses) if address in addresses[:index]]
    return [duplicate(f"status.addresses[{i}]", {"Type": addresses[i]["type"], "Address": addresses[i]["address"]}) for i in repeated]


def warnings(obj: Object, _old: Object | None) -> list[str]:
    """Fields that have had their day."""
    spec = obj.get("spec") or EMPTY_DICT
    found = []
    if spec.get("configSource") is not None:
        found.append("spec.configSource: the feature is removed")
    if spec.get("externalID"):
        found.append("spec.externalID: this field is deprecated, and is unused by Kubernetes")
    return found


def _roles(labels: Mapping[str, str]) -> str:
    named = {key.removeprefix(ROLE) for key in labels if key.startswith(ROLE)} - {""}
    return ",".join(sorted(named | ({labels["kubernetes.io/role"]} if labels.get("kubernetes.io/role") else set()))) or NONE


def _address(status: Mapping[str, Any], kind: str) -> str:
    return next((a.get("address", "") for a in status.get("addresses") or () if a.get("type") == kind), NONE)


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get nodes``."""
    status, ready = obj.get("status") or EMPTY_DICT, condition_status(obj, "Ready")
    state = {"True": "Ready", "": "Unknown"}.get(ready, "NotReady")
    state += ",SchedulingDisabled" if dig(obj, "spec.unschedulable") else ""
    info = status.get("nodeInfo") or EMPTY_DICT
    software = [info.get(key) or "<unknown>" for key in ("osImage", "kernelVersion", "containerRuntimeVersion")]
    return [
        obj["metadata"]["name"], state, _roles(obj["metadata"].get("labels") or EMPTY_DICT), age(obj, now), info.get("kubeletVersion", ""),
        _address(status, "InternalIP"), _address(status, "ExternalIP"), *software,
    ]  # fmt: skip


EXAMPLE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "node-1", "labels": {"kubernetes.io/hostname": "node-1"}},
    "status": {"capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"}},
}

_NODE = served(
    "v1",
    "Node",
    default=default,
    validate=validate,
    validate_update=validate_update,
    validate_status_update=lambda obj, _old: _validate_addresses(obj),
    warnings=warnings,
    cells=cells,
    selectable_fields={"spec.unschedulable": lambda obj: "true" if dig(obj, "spec.unschedulable") else "false"},
    status_on_create=True,
    example=EXAMPLE,
    simulated=True,
)
RESOURCE = with_handlers(_NODE, proxy=proxy.node)
