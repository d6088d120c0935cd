"""What a server fills in where a pod, or the template of one, is silent.

Most defaults are the same for pods and templates. :func:`default_pod` adds those that only a pod gets: requests from limits,
host ports, service links. Everything given back shares what was not changed, and is remembered on the frozen part itself.

Models: pkg/apis/core/v1/defaults.go, zz_generated.defaults.go and conversion.go (serviceAccount); pkg/api/pod/util.go
(dropDisabledFields).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, freeze
from k8snb.apimachinery.quantity import QuantityError, round_up_milli
from k8snb.apimachinery.resource import once
from k8snb.resources.common.fill import Default, each, fill, inside, where_given
from k8snb.resources.common.pod_level_resources import default_pod_level

FILE_MODE = 0o644
CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")


_PART = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_IMAGE = re.compile(
    rf"(?:(?:{_HOST}(?:\.{_HOST})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?/)?{_PART}(?:/{_PART})*"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?P<digest>@[A-Za-z][A-Za-z0-9]*(?:[+._-][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)


def image_tag(image: str) -> str:
    """The tag of an image; ``latest`` where there is neither tag nor digest; empty for a digest, or for what is no image.

    >>> image_tag("nginx"), image_tag("host:5000/nginx"), image_tag("nginx:1.27"), image_tag("Nginx")
    ('latest', 'latest', '1.27', '')
    """
    found = _IMAGE.fullmatch(image)
    if not found:
        return ""
    return found["tag"] or ("" if found["digest"] else "latest")


def pull_policy(image: str) -> str:
    """When an image is pulled, where nobody said."""
    return "Always" if image_tag(image) == "latest" else "IfNotPresent"


def default_resource_list(quantities: Mapping[str, Any]) -> Any:
    """Quantities are rounded up to thousandths."""
    rounded = {name: _rounded(amount) for name, amount in quantities.items()}
    return freeze(rounded) if rounded != quantities else quantities


def _rounded(amount: Any) -> Any:
    try:
        return round_up_milli(str(amount))
    except QuantityError:
        return amount


def default_resources(resources: Mapping[str, Any]) -> Any:
    """Limits and requests."""
    return where_given(where_given(resources, "limits", default_resource_list), "requests", default_resource_list)


def _default_field_ref(ref: Mapping[str, Any]) -> Any:
    return fill(ref, {"apiVersion": "v1"})


def _default_divisor(ref: Mapping[str, Any]) -> Any:
    return fill(ref, {"divisor": "0"})


def _default_value_from(source: Mapping[str, Any]) -> Any:
    source = where_given(source, "fieldRef", _default_field_ref)
    source = where_given(source, "fileKeyRef", lambda ref: fill(ref, {"optional": False}))
    return where_given(source, "resourceFieldRef", _default_divisor)


def _default_env(env: Mapping[str, Any]) -> Any:
    return where_given(env, "valueFrom", _default_value_from)


def _default_port(port: Mapping[str, Any]) -> Any:
    return fill(port, {"protocol": "TCP"})


def _default_http_get(action: Mapping[str, Any]) -> Any:
    return fill(action, {"path": "/", "scheme": "HTTP"})


def _default_handler(handler: Mapping[str, Any]) -> Any:
    return where_given(handler, "httpGet", _default_http_get)


def _default_probe(probe: Mapping[str, Any]) -> Any:
    probe = where_given(_default_handler(probe), "grpc", lambda action: fill(action, {"service": ""}))
    return fill(probe, {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3})


def _default_lifecycle(lifecycle: Mapping[str, Any]) -> Any:
    return where_given(where_given(lifecycle, "postStart", _default_handler), "preStop", _default_handler)


_CONTAINER_PARTS: tuple[tuple[str, Default], ...] = (
    ("ports", each(_default_port)),
    ("env", each(_default_env)),
    ("resources", default_resources),
    ("livenessProbe", _default_probe),
    ("readinessProbe", _default_probe),
    ("startupProbe", _default_probe),
    ("lifecycle", _default_lifecycle),
)


@once
def default_container(container: Mapping[str, Any]) -> Any:
    """A container of a pod, of whatever sort."""
    for key, default in _CONTAINER_PARTS:
        container = where_given(container, key, default)
    more = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File", "resources": EMPTY_DICT}
    return fill(container, more | {"imagePullPolicy": pull_policy(container.get("image", ""))})


# Volumes


def _mode(source: Mapping[str, Any]) -> Any:
    return fill(source, {"defaultMode": FILE_MODE})


def _default_file(file: Mapping[str, Any]) -> Any:
    return where_given(where_given(file, "fieldRef", _default_field_ref), "resourceFieldRef", _default_divisor)


def _default_downward(source: Mapping[str, Any]) -> Any:
    return where_given(source, "items", each(_default_file))


# Feature gates that are off in 1.36, and what the server therefore takes out in silence: ClusterTrustBundleProjection,
# PodCertificateRequest; GenericWorkload. It does so before validation, after defaulting; here it is one step with defaulting.
GATED_PROJECTIONS = ("clusterTrustBundle", "podCertificate")
GATED_FIELDS = ("schedulingGroup",)


def _without(value: Mapping[str, Any], fields: tuple[str, ...]) -> Any:
    if not any(field in value for field in fields):
        return value
    return FrozenDict({key: given for key, given in value.items() if key not in fields})


def _default_projection(source: Mapping[str, Any]) -> Any:
    source = _without(source, GATED_PROJECTIONS)
    source = where_given(source, "serviceAccountToken", lambda token: fill(token, {"expirationSeconds": 3600}))
    return where_given(source, "downwardAPI", _default_downward)


def _default_image_volume(source: Mapping[str, Any]) -> Any:
    return fill(source, {"pullPolicy": pull_policy(source.get("reference", ""))})


def default_claim_spec(spec: Mapping[str, Any]) -> Any:
    """The spec of a PersistentVolumeClaim, or of the template of one."""
    return fill(where_given(inside(spec, "resources", default_resources), "resources", default_resources), {"volumeMode": "Filesystem"})


def _default_ephemeral(source: Mapping[str, Any]) -> Any:
    return where_given(
        source, "volumeClaimTemplate", lambda claim: inside(inside(claim, "metadata", dict_or_empty), "spec", default_claim_spec)
    )


def dict_or_empty(value: Any) -> Any:
    """The default that makes an absent object an empty one."""
    return value


def filling(**defaults: Any) -> Default:
    """The default that fills these keys."""
    return lambda value: fill(value, defaults)


VOLUME_SOURCES: dict[str, Default] = {
    "secret": _mode,
    "configMap": _mode,
    "downwardAPI": lambda source: _mode(_default_downward(source)),
    "projected": lambda source: _mode(where_given(source, "sources", each(_default_projection))),
    "hostPath": filling(type=""),
    "iscsi": filling(iscsiInterface="default"),
    "rbd": filling(pool="rbd", user="admin", keyring="/etc/ceph/keyring"),
    "azureDisk": filling(cachingMode="ReadWrite", kind="Shared", fsType="ext4", readOnly=False),
    "scaleIO": filling(storageMode="ThinProvisioned", fsType="xfs"),
    "image": _default_image_volume,
    "ephemeral": _default_ephemeral,
}


@once
def default_volume(volume: Mapping[str, Any]) -> Any:
    """A volume of a pod. One without a source becomes an empty directory."""
    if all(volume[key] is None for key in volume if key != "name"):
        return fill(volume, {"emptyDir": EMPTY_DICT})
    for key in [key for key in volume if key in VOLUME_SOURCES]:
        volume = where_given(volume, key, VOLUME_SOURCES[key])
    return volume


# Pods


@once
def default_pod_spec(spec: Mapping[str, Any]) -> Any:
    """What pods and templates share."""
    for key in CONTAINER_LISTS:
        spec = where_given(spec, key, each(default_container))
    spec = where_given(_without(spec, GATED_FIELDS), "volumes", each(default_volume))
    spec = where_given(where_given(spec, "resources", default_resources), "overhead", default_resource_list)
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    spec = fill(spec, {"serviceAccountName": account, "serviceAccount": account}) if account else spec
    if account and spec["serviceAccount"] != account:
        spec = FrozenDict({**spec, "serviceAccount": account})
    return fill(spec, {
        "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "securityContext": EMPTY_DICT,
        "terminationGracePeriodSeconds": 30, "schedulerName": "default-scheduler",
    })  # fmt: skip


def _requests_from_limits(container: Mapping[str, Any]) -> Any:
    resources = container.get("resources") or EMPTY_DICT
    limits = resources.get("limits")
    if not limits:
        return container
    return inside(container, "resources", lambda given: inside(given, "requests", lambda requests: fill(requests, limits)))


def _host_ports(container: Mapping[str, Any]) -> Any:
    return where_given(container, "ports", each(lambda port: fill(port, {"hostPort": port.get("containerPort", 0)})))


@once
def _default_spec_of_pod(spec: Mapping[str, Any]) -> Any:
    spec = fill(default_pod_spec(spec), {"enableServiceLinks": True})
    for key in ("containers", "initContainers"):
        spec = where_given(spec, key, each(_requests_from_limits))
        if spec.get("hostNetwork"):
            spec = where_given(spec, key, each(_host_ports))
    return default_pod_level(spec) if spec.get("resources") else spec


_OLD_INIT_CONTAINERS = tuple(
    f"pod.{stage}.kubernetes.io/init-container{what}" for stage in ("alpha", "beta") for what in ("s", "-statuses")
)


def _without_old_annotations(meta: Mapping[str, Any]) -> Any:
    """Init containers were annotations once; these are dropped."""
    annotations = meta.get("annotations")
    if not annotations or not any(key in annotations for key in _OLD_INIT_CONTAINERS):
        return meta
    kept = FrozenDict({key: value for key, value in annotations.items() if key not in _OLD_INIT_CONTAINERS})
    return FrozenDict({key: value for key, value in {**meta, "annotations": kept}.items() if key != "annotations" or kept})


def default_pod(pod: Object) -> Object:
    """The defaults of a Pod."""
    defaulted: Object = inside(where_given(pod, "metadata", _without_old_annotations), "spec", _default_spec_of_pod)
    return defaulted


def default_pod_template(template: Mapping[str, Any]) -> Any:
    """The defaults of a pod template."""
    return inside(inside(template, "metadata", _without_old_annotations), "spec", default_pod_spec)
