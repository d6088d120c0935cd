"""What a server accepts, but not gladly: the example of a kind, changed at some paths, and all that is said of it."""

from typing import Any

import pytest

from k8snb.apimachinery.objects import freeze, put
from k8snb.resources import OWN

BY_KIND = {resource.kind: resource for resource in OWN}
JOB = {"completionMode": "Indexed", "completions": 200_000, "parallelism": 20_000}
TOO_MANY = (
    "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, "
    "Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
)
TIME_ZONE = (
    "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, "
    "see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
)
V6, CANONICAL = "FD00::1", 'IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")'
CIDR, PLAIN = "FD00::/64", 'IPv6 CIDR value "FD00::/64" should be in RFC 5952 canonical format ("fd00::/64")'
NO_END = "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"


def files(*paths: str) -> dict[str, Any]:
    return {"name": "own", "items": [{"key": "k", "path": path} for path in paths]}


def volume(kind: str, source: Any) -> dict[str, Any]:
    return {"spec.volumes": [{"name": "v", kind: source}]}


def projected(*sources: dict[str, Any]) -> dict[str, Any]:
    return volume("projected", {"sources": list(sources)})


def claim(size: str) -> dict[str, Any]:
    return {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": size}}}}


ON_CREATION = [
    ("Service", {"spec.externalIPs": ["192.0.2.1"]}, ["spec.externalIPs is deprecated and may no longer be implemented in some clusters"]),
    (
        "Service",
        {"spec.type": "ExternalName", "spec.externalName": "example.com", "spec.externalIPs": ["192.0.2.1"]},
        ['spec.externalIPs is ignored when spec.type is "ExternalName"'],
    ),
    ("Endpoints", {"subsets": [{"addresses": [{"ip": V6}]}]}, [f"subsets[0].addresses[0].ip: {CANONICAL}"]),
    ("EndpointSlice", {"endpoints": [{"addresses": [V6]}]}, [f"endpoints[0].addresses[0]: {CANONICAL}"]),
    ("EndpointSlice", {"addressType": "FQDN", "endpoints": []}, ["spec.addressType: FQDN endpoints are deprecated"]),
    (
        "NetworkPolicy",
        {"spec.egress": [{"to": [{"ipBlock": {"cidr": CIDR, "except": ["FD00::/64"]}}]}]},
        [f"spec.egress[0].to[0].ipBlock.cidr: {PLAIN}", f"spec.egress[0].to[0].ipBlock.except[0]: {PLAIN}"],
    ),
    (
        "Pod",
        {"spec.dnsConfig": {"nameservers": [V6]}, "spec.hostAliases": [{"ip": V6}]},
        [f"spec.dnsConfig.nameservers[0]: {CANONICAL}", f"spec.hostAliases[0].ip: {CANONICAL}"],
    ),
    ("StatefulSet", {"spec.revisionHistoryLimit": -1}, [NO_END]),
    (
        "StatefulSet",
        {"spec.volumeClaimTemplates": [claim("1500m")]},
        ['spec.volumeClaimTemplates[0].resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer'],
    ),
    ("Job", {f"spec.{field}": value for field, value in JOB.items()}, [f"spec: {TOO_MANY}"]),
    ("CronJob", {f"spec.jobTemplate.spec.{field}": value for field, value in JOB.items()}, [f"spec.jobTemplate.spec: {TOO_MANY}"]),
    ("Pod", volume("configMap", files("a", "b", "ab")), []),
    ("Pod", volume("configMap", files("a", "a/b")), ['volume "v" (ConfigMap "own"): overlapping paths: "a/b" with "a"']),
    (
        "Pod",
        projected({"secret": files("a", "b")}, {"configMap": files("a")}, {"serviceAccountToken": {"path": "b/"}}),
        [
            'volume "v" (Projected): overlapping paths: "a" (ConfigMap "own") with "a" (Secret "own")',
            'volume "v" (Projected): overlapping paths: "b" (ServiceAccountToken) with "b" (Secret "own")',
        ],
    ),
    (
        "Pod",
        projected({"serviceAccountToken": {"path": "a/b"}}, {"downwardAPI": {"items": [{"path": "a"}, {"path": "a"}]}}, {}),
        [
            *['volume "v" (Projected): overlapping paths: "a" (DownwardAPI) with "a/b" (ServiceAccountToken)'] * 2,
            'volume "v" (Projected): overlapping paths: "a" (DownwardAPI) with "a" (DownwardAPI)',
            'volume "v" (Projected) has no sources provided',
        ],
    ),
    (
        "Pod",
        projected({"secret": files("a")}, {"configMap": {"name": "all"}}),
        ['volume "v" (Projected): overlapping paths: "a" (Secret "own") with "a" (Secret "own")'],
    ),
]


def changed(kind: str, changes: dict[str, Any]) -> Any:
    obj: Any = freeze(BY_KIND[kind].example)
    for path, value in changes.items():
        obj = put(obj, path, freeze(value))
    return BY_KIND[kind].default(obj)


@pytest.mark.parametrize(("kind", "changes", "words"), ON_CREATION)
def test_warned(kind: str, changes: dict[str, Any], words: list[str]) -> None:
    assert BY_KIND[kind].warnings(changed(kind, changes), None) == words


def test_warned_on_an_update() -> None:
    old = changed("CronJob", {"spec.schedule": "TZ=UTC 0 * * * *"})
    assert BY_KIND["CronJob"].warnings(old, None) == []
    assert BY_KIND["CronJob"].warnings(old, old) == [TIME_ZONE]


def test_controllers_write_addresses_as_they_should_be() -> None:
    labels = {"metadata.labels": {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}}
    assert BY_KIND["EndpointSlice"].warnings(changed("EndpointSlice", {"endpoints": [{"addresses": [V6]}], **labels}), None) == []
