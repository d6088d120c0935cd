"""Objects in the order of Go's structs: ``create``, ``run``, ``expose``, ``autoscale``, ``set`` and ``rollout`` print JSON that way.

These commands hold objects as Go structs, and Go's encoder writes the fields of a struct as they are declared: ``kind`` before
``apiVersion``, ``name`` before ``labels``. All else (``get``, ``apply``, ``patch``) holds maps, whose keys Go sorts. YAML is always
sorted. Fields are mostly declared in the order of their protobuf numbers; ``DECLARED`` has what is declared elsewhere.
"""

from __future__ import annotations

import functools
from typing import Any

from k8snb.apimachinery.schema import MAP, STRUCT, Type
from k8snb.kubectl.api import Json
from k8snb.resources import schema

_CORE, _BATCH, _APPS, _NET = (f"io.k8s.api.{group}.v1." for group in ("core", "batch", "apps", "networking"))
_CONDITION = "type status lastUpdateTime lastTransitionTime reason message"
DECLARED = {
    _CORE + "PodSpec": "volumes initContainers containers ephemeralContainers restartPolicy terminationGracePeriodSeconds "
    "activeDeadlineSeconds dnsPolicy nodeSelector serviceAccountName serviceAccount automountServiceAccountToken nodeName hostNetwork "
    "hostPID hostIPC shareProcessNamespace securityContext imagePullSecrets hostname subdomain affinity schedulerName tolerations",
    _CORE + "Container": "name image command args workingDir ports envFrom env resources resizePolicy restartPolicy restartPolicyRules "
    "volumeMounts volumeDevices livenessProbe readinessProbe startupProbe lifecycle terminationMessagePath terminationMessagePolicy "
    "imagePullPolicy securityContext",
    _CORE + "ServiceSpec": "ports selector clusterIP clusterIPs type externalIPs sessionAffinity loadBalancerIP loadBalancerSourceRanges "
    "externalName externalTrafficPolicy healthCheckNodePort publishNotReadyAddresses sessionAffinityConfig ipFamilies ipFamilyPolicy",
    _CORE + "ServicePort": "name protocol appProtocol port",
    _CORE + "Secret": "metadata immutable",
    _CORE + "ConfigMap": "metadata immutable",
    _APPS + "DeploymentCondition": _CONDITION,
    _APPS + "DeploymentStatus": "observedGeneration replicas updatedReplicas readyReplicas availableReplicas unavailableReplicas "
    "terminatingReplicas",
    _APPS + "ReplicaSetStatus": "replicas fullyLabeledReplicas readyReplicas availableReplicas terminatingReplicas observedGeneration",
    _BATCH + "JobSpec": "parallelism completions activeDeadlineSeconds podFailurePolicy successPolicy backoffLimit backoffLimitPerIndex "
    "maxFailedIndexes selector manualSelector template ttlSecondsAfterFinished completionMode suspend podReplacementPolicy",
    "io.k8s.api.authentication.v1.TokenRequestSpec": "audiences expirationSeconds",
    _BATCH + "CronJobSpec": "schedule timeZone",
    _CORE + "NodeSpec": "podCIDR podCIDRs",
    "io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference": "apiVersion",
    _NET + "IngressSpec": "ingressClassName",
    _NET + "IngressBackend": "service resource",
    _NET + "HTTPIngressPath": "path pathType",
}


@functools.cache
def _order(name: str) -> dict[str, int]:
    """Field -> its place in the struct of this OpenAPI name."""
    names = [*DECLARED.get(name, "").split(), *_numbered(name)]
    return {field: place for place, field in reversed(list(enumerate(names)))}


def _numbered(name: str) -> list[str]:
    found: list[str] = []
    for field in schema.numbers().get(name, ()):
        found += _numbered(field[1:]) if field and field.startswith(schema.INLINE) else [field] if field else []
    return found


def declared(obj: Json) -> Json:
    """The object with its fields as Go's struct declares them; one of a kind that is not built in is sorted.

    >>> list(declared({"apiVersion": "v1", "data": {}, "kind": "ConfigMap", "metadata": {}}))
    ['kind', 'apiVersion', 'metadata', 'data']
    """
    group, _, version = obj.get("apiVersion", "").rpartition("/")
    ordered: Json = _ordered(obj, schema.type_of(group, version, obj.get("kind", "")))
    first = [key for key in ("kind", "apiVersion", "metadata") if key in obj]
    return {key: ordered[key] for key in (*first, *(key for key in ordered if key not in first))}


def _ordered(value: Any, type_: Type | None) -> Any:
    if isinstance(value, list | tuple):
        return [_ordered(item, type_.item if type_ is not None else None) for item in value]
    if not isinstance(value, dict):
        return value
    if type_ is None or type_.kind != STRUCT:
        item = type_.item if type_ is not None and type_.kind == MAP else None
        return {key: _ordered(value[key], item) for key in sorted(value)}
    order, fields = _order(type_.name), type_.fields
    keys = sorted(value, key=lambda key: (order.get(key, len(order)), key))
    return {key: _ordered(value[key], fields[key].type if key in fields else None) for key in keys}
