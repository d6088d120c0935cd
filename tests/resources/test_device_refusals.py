"""What claims, classes and slices of devices refuse, rule by rule."""

from __future__ import annotations

from typing import Any

import pytest

from tests.resources.test_refusals import errors


def exactly(**more: Any) -> list[Any]:
    """One request for a GPU."""
    return [{"name": "gpu", "exactly": {"deviceClassName": "gpu", **more}}]


def devices(**more: Any) -> dict[str, Any]:
    """The devices of a claim: one GPU, and more."""
    return {"requests": exactly(), **more}


def opaque(**more: Any) -> list[Any]:
    """Configuration for a driver."""
    return [{"opaque": {"driver": "gpu.example.com", "parameters": {"mode": "fast"}, **more}}]


def device(**more: Any) -> list[Any]:
    """The devices of a slice: one, with more said about it."""
    return [{"name": "gpu-0", **more}]


REQUESTS, DEVICES = "spec.devices.requests", "spec.devices"
A_REQUEST = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
ALTERNATIVES = [{"name": "a", "deviceClassName": "gpu"}, {"name": "a", "deviceClassName": "gpu"}]
REFUSED = [
    (
        "ResourceClaim",
        REQUESTS,
        exactly(deviceClassName="A"),
        'requests[0].exactly.deviceClassName: Invalid value: "A": a lowercase RFC 1123',
    ),
    ("ResourceClaim", REQUESTS, exactly(count=-1), "spec.devices.requests[0].exactly.count: Invalid value: -1: must be greater than zero"),
    ("ResourceClaim", REQUESTS, exactly(allocationMode="All", count=1), "must not be specified when allocationMode is 'All'"),
    ("ResourceClaim", REQUESTS, exactly(allocationMode="Some"), 'Unsupported value: "Some": supported values: "All", "ExactCount"'),
    ("ResourceClaim", REQUESTS, exactly(selectors=[{}]), "spec.devices.requests[0].exactly.selectors[0].cel: Required value"),
    ("ResourceClaim", REQUESTS, exactly(tolerations=[{"operator": "Exists", "value": "x"}]), "must be empty for operator `Exists`"),
    ("ResourceClaim", REQUESTS, exactly(tolerations=[{"operator": "In"}]), 'Unsupported value: "In": supported values: "Equal", "Exists"'),
    ("ResourceClaim", REQUESTS, exactly(tolerations=[{"effect": "x"}]), 'supported values: "NoExecute", "NoSchedule", "None"'),
    ("ResourceClaim", REQUESTS, [{"name": "gpu", "firstAvailable": ALTERNATIVES}], "requests[0].firstAvailable[1]: Duplicate value: "),
    ("ResourceClaim", REQUESTS, exactly() * 2, 'spec.devices.requests[1]: Duplicate value: {"name":"gpu"'),
    ("ResourceClaim", REQUESTS, [{"exactly": {"deviceClassName": "gpu"}}], "spec.devices.requests[0].name: Required value"),
    ("ResourceClaim", REQUESTS, exactly() * 33, "spec.devices.requests: Too many: 33: must have at most 32 items"),
    ("ResourceClaim", DEVICES, devices(constraints=[{"matchAttribute": "x"}]), "must be a domain and a name separated by a slash"),
    ("ResourceClaim", DEVICES, devices(constraints=[{"matchAttribute": "a.b/1x"}]), "a valid C identifier must start with alphabetic"),
    ("ResourceClaim", DEVICES, devices(constraints=[{"requests": ["no"], "matchAttribute": "a.b/x"}]), f'Invalid value: "no": {A_REQUEST}'),
    ("ResourceClaim", DEVICES, devices(constraints=[{}]), 'spec.devices.constraints[0]: Required value: exactly one of "matchAttribute"'),
    ("ResourceClaim", DEVICES, devices(config=[{}]), "spec.devices.config[0].opaque: Required value"),
    ("ResourceClaim", DEVICES, devices(config=opaque(driver="")), "spec.devices.config[0].opaque.driver: Required value"),
    ("ResourceClaim", DEVICES, devices(config=opaque(parameters=[1])), 'Invalid value: "<value omitted>": must be a valid JSON object'),
    (
        "ResourceClaimTemplate",
        "spec.spec.devices.requests",
        [{"name": "a"}],
        "spec.spec.devices.requests[0]: Required value: exactly one of",
    ),
    (
        "DeviceClass",
        "spec.extendedResourceName",
        "cpu",
        'extendedResourceName: Invalid value: "cpu": must be a valid extended resource name',
    ),
    ("DeviceClass", "spec.config", opaque(parameters=None), "spec.config[0].opaque.parameters: Required value"),
    ("ResourceSlice", "spec.nodeName", "", 'spec.nodeName: Invalid value: "": must be either unset or set to a non-empty string'),
    ("ResourceSlice", "spec.allNodes", True, 'spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`'),
    ("ResourceSlice", "spec.perDeviceNodeSelection", False, "Invalid value: false: must be either unset or set to true"),
    ("ResourceSlice", "spec.pool.generation", -1, "spec.pool.generation: Invalid value: -1: must be greater than or equal to zero"),
    ("ResourceSlice", "spec.pool.name", "A", 'spec.pool.name: Invalid value: "A": a lowercase RFC 1123 subdomain'),
    ("ResourceSlice", "spec.sharedCounters", [], 'spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed'),
    (
        "ResourceSlice",
        "spec.devices",
        device(attributes={"model": {}}),
        'spec.devices[0].attributes[model]: Invalid value: "": exactly one',
    ),
    ("ResourceSlice", "spec.devices", device(attributes={"v": {"version": "1"}}), "must be a string compatible with semver.org spec 2.0.0"),
    (
        "ResourceSlice",
        "spec.devices",
        device(attributes={"a b": {"int": 1}}),
        'spec.devices[0].attributes: Invalid value: "a b": a valid C',
    ),
    (
        "ResourceSlice",
        "spec.devices",
        device(attributes={"s": {"string": "x" * 65}}),
        "attributes[s].string: Too long: may not be more than 64",
    ),
    ("ResourceSlice", "spec.devices", device(taints=[{"key": "a"}]), "spec.devices[0].taints[0].effect: Required value"),
    ("ResourceSlice", "spec.devices", device(nodeName="node-1"), "spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and"),
    ("ResourceSlice", "spec.devices", device(bindingConditions=["a"]), "bindingFailureConditions are required to use bindingConditions"),
    ("ResourceSlice", "spec.devices", device() * 2, "spec.devices[1]: Duplicate value"),
    (
        "ResourceSlice",
        "spec.devices",
        device(capacity={"memory": {"value": "1Gi", "requestPolicy": {}}}),
        "allowMultipleAllocations must be true",
    ),
    ("ResourceSlice", "spec.devices", device(consumesCounters=[{"counterSet": "a"}]), "consumesCounters[0].counters: Required value"),
]


@pytest.mark.parametrize(("kind", "path", "value", "words"), REFUSED)
def test_a_damaged_example_is_refused(kind: str, path: Any, value: Any, words: str) -> None:
    assert any(words in text for text in errors(kind, path, value)), errors(kind, path, value)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("ResourceClaim", REQUESTS, exactly(tolerations=[{"key": "a", "value": "b"}], count=2)),
        (
            "ResourceClaim",
            DEVICES,
            devices(config=opaque(), constraints=[{"requests": ["gpu"], "matchAttribute": "gpu.example.com/model"}]),
        ),
        (
            "ResourceClaim",
            REQUESTS,
            [{"name": "gpu", "firstAvailable": [{"name": "big", "deviceClassName": "gpu", "allocationMode": "All"}]}],
        ),
        ("DeviceClass", "spec.extendedResourceName", "example.com/gpu"),
        ("ResourceSlice", "spec.devices", device(attributes={"a": {"bool": False}, "gpu.example.com/v": {"version": "1.2.3-rc.1+5"}})),
        ("ResourceSlice", "spec.devices", device(capacity={"memory": {"value": "1Gi"}}, taints=[{"key": "a", "effect": "NoSchedule"}])),
    ],
)
def test_what_is_sound_is_accepted(kind: str, path: Any, value: Any) -> None:
    assert errors(kind, path, value) == []
