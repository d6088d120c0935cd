"""Warnings about pods and templates: what is accepted, but surely not meant.

Models: pkg/api/pod/warnings.go, pkg/api/node/util.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from k8snb.apimachinery.errors import quote
from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST
from k8snb.apimachinery.quantity import exact
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import label_value
from k8snb.resources.common.claim import claim_spec_warnings
from k8snb.resources.common.formats import ip_warnings
from k8snb.resources.common.pod_annotations import APP_ARMOR, SECCOMP_CONTAINER, SECCOMP_POD
from k8snb.resources.common.pod_scheduling import PREFERRED, REQUIRED
from k8snb.resources.common.pod_security import containers_with_paths

Spec = Mapping[str, Any]

DEPRECATED_LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}
_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": 'non-functional in v1.16+; use the "priorityClassName" field instead',
    "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
}
DEPRECATED_VOLUMES = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11, and disabled by default in v1.33+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}
VOLUME_PATHS = {"storageos": "storageOS"}
_SECCOMP = 'non-functional in v1.27+; use the "seccompProfile" field instead'
_APP_ARMOR = 'deprecated since v1.30; use the "appArmorProfile" field instead'


def warnings_for_pod_template(path: str, template: Spec, _old: Spec | None) -> list[str]:
    """Warnings about the template at ``path``."""
    return _warnings(f"{path}.", template.get("metadata") or EMPTY_DICT, template.get("spec") or EMPTY_DICT, of_template=True)


def warnings_for_pod(pod: Spec) -> list[str]:
    """Warnings about a pod."""
    return _warnings("", pod["metadata"], pod.get("spec") or EMPTY_DICT, of_template=False)


def _warnings(prefix: str, meta: Spec, spec: Spec, *, of_template: bool) -> list[str]:
    annotations, at = meta.get("annotations") or EMPTY_DICT, f"{prefix}spec"
    found = list(_placement(at, spec))
    if annotations:
        found += [f"{prefix}metadata.annotations[{key}]: {why}" for key, why in _ANNOTATIONS.items() if key in annotations]
    if volumes := spec.get("volumes"):
        found += [*_volumes(at, volumes), *overlapping_paths(volumes)]
    found += _lists(at, spec)
    if SECCOMP_POD in annotations and (spec.get("securityContext") or EMPTY_DICT).get("seccompProfile") is None:
        found.append(f"{prefix}metadata.annotations[{SECCOMP_POD}]: {_SECCOMP}")
    containers = containers_with_paths(spec)
    for path, container in containers:
        if annotations:
            keys = _profile_annotations(container, spec, annotations, of_template=of_template)
            found += [f"{prefix}metadata.annotations[{key}]: {why}" for key, why in keys]
        if resources := container.get("resources"):
            found += [f"{at}.{path}.resources.{words}" for words in _fractions(resources)]
        if variables := container.get("env"):
            found += _hidden_variables(f"{at}.{path}", variables)
    found += _ports(at, containers)
    if spec.get("terminationGracePeriodSeconds", 0) < 0:
        found.append(f"{at}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1")
    if affinity := spec.get("affinity"):
        found += _null_selectors(at, affinity)
    return [*found, *_addresses(at, spec)]


def _placement(at: str, spec: Spec) -> Iterator[str]:
    for key in sorted(spec.get("nodeSelector") or EMPTY_DICT):
        if key in DEPRECATED_LABELS:
            yield f"{at}.nodeSelector[{key}]: {DEPRECATED_LABELS[key]}"
    affinity = (spec.get("affinity") or EMPTY_DICT).get("nodeAffinity") or EMPTY_DICT
    for index, term in enumerate((affinity.get(REQUIRED) or EMPTY_DICT).get("nodeSelectorTerms") or ()):
        yield from node_term_warnings(f"{at}.affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms[{index}]", term)
    for index, preferred in enumerate(affinity.get(PREFERRED) or ()):
        path = f"{at}.affinity.nodeAffinity.{PREFERRED}[{index}].preference"
        yield from node_term_warnings(path, preferred.get("preference") or EMPTY_DICT, check_values=True)
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        key = constraint.get("topologyKey", "")
        if key in DEPRECATED_LABELS:
            yield f"{at}.topologySpreadConstraints[{index}].topologyKey: {key} is {DEPRECATED_LABELS[key]}"
        if constraint.get("labelSelector") is None:
            yield f"{at}.topologySpreadConstraints[{index}].labelSelector: a null labelSelector results in matching no pod"


def node_term_warnings(path: str, term: Spec, *, check_values: bool = False) -> Iterator[str]:
    """Labels of nodes that have a new name, and values that no label can have."""
    for index, expression in enumerate(term.get("matchExpressions") or ()):
        key = expression.get("key", "")
        if key in DEPRECATED_LABELS:
            yield f"{path}.matchExpressions[{index}].key: {key} is {DEPRECATED_LABELS[key]}"
        for number, value in enumerate(expression.get("values") or () if check_values else ()):
            for why in label_value(value):
                yield f"{path}.matchExpressions[{index}].values[{number}]: {value} is invalid, {why}"


def _volumes(at: str, volumes: Sequence[Spec]) -> Iterator[str]:
    for index, volume in enumerate(volumes):
        for kind in volume:
            if kind in DEPRECATED_VOLUMES and volume[kind] is not None:
                yield f"{at}.volumes[{index}].{VOLUME_PATHS.get(kind, kind)}: {DEPRECATED_VOLUMES[kind]}"
        template = (volume.get("ephemeral") or EMPTY_DICT).get("volumeClaimTemplate")
        if template is not None:
            yield from claim_spec_warnings(f"{at}.volumes[{index}].ephemeral.volumeClaimTemplate.spec", template.get("spec") or EMPTY_DICT)


def _lists(at: str, spec: Spec) -> Iterator[str]:
    for field, key in (("hostAliases", "ip"), ("imagePullSecrets", "name")):
        items = spec.get(field)
        values = [item.get(key, "") for item in items] if items else ()
        for index, value in enumerate(values):
            if value in values[:index]:
                yield f"{at}.{field}[{index}].{key}: duplicate {key} {quote(value)}"
    for index, secret in enumerate(spec.get("imagePullSecrets") or ()):
        if not secret.get("name"):
            yield f'{at}.imagePullSecrets[{index}].name: invalid empty name ""'
    if overhead := spec.get("overhead"):
        yield from _fractional(f"{at}.overhead", overhead)


def _fractional(path: str, quantities: Mapping[str, str]) -> Iterator[str]:
    for name in ("memory", "ephemeral-storage"):
        if name in quantities and exact(quantities[name]).denominator != 1:
            yield f"{path}[{name}]: fractional byte value {quote(quantities[name])} is invalid, must be an integer"


@once
def _fractions(resources: Spec) -> list[str]:
    """What is to be said of the resources of a container: worked out once for all Pods that share them."""
    found: list[str] = []
    for name in ("memory", "ephemeral-storage"):
        for kind in ("limits", "requests"):
            quantity = (resources.get(kind) or EMPTY_DICT).get(name)
            if quantity is not None:
                found += _fractional(kind, {name: quantity})
    return found


def _profile_annotations(container: Spec, spec: Spec, annotations: Mapping[str, str], *, of_template: bool) -> Iterator[tuple[str, str]]:
    own, name = container.get("securityContext") or EMPTY_DICT, container.get("name", "")
    if SECCOMP_CONTAINER + name in annotations and own.get("seccompProfile") is None:
        yield SECCOMP_CONTAINER + name, _SECCOMP
    has_profile = (spec.get("securityContext") or EMPTY_DICT).get("appArmorProfile") or own.get("appArmorProfile")
    if of_template and not has_profile and APP_ARMOR + name in annotations:
        yield APP_ARMOR + name, _APP_ARMOR


def _hidden_variables(path: str, variables: Sequence[Spec]) -> Iterator[str]:
    seen: set[str] = set()
    for index, variable in enumerate(variables):
        name, value = variable.get("name", ""), variable.get("value", "")
        ref = f"$({name})"
        if name in seen and (variable.get("valueFrom") is not None or value == ref or ref not in value):
            yield f"{path}.env[{index}]: hides previous definition of {quote(name)}, which may be dropped when using apply"
        seen.add(name)


def _ports(at: str, containers: Sequence[tuple[str, Spec]]) -> Iterator[str]:
    known: dict[str, list[tuple[str, Spec]]] = {}
    named: dict[str, str] = {}
    for path, container in containers:
        own_names: set[str] = set()
        for index, port in enumerate(container.get("ports") or ()):
            field = f"{at}.{path}.ports[{index}]"
            if port.get("hostIP") and not port.get("hostPort"):
                yield f"{field}: hostIP set without hostPort: {_go_port(port)}"
            others = known.setdefault(f"{port.get('containerPort', 0)}/{port.get('protocol', '')}", [])
            for other_field, other in others:
                yield from _port_clash(field, port, other_field, other)
            others.append((field, port))
            name = port.get("name", "")
            if name and name in named and name not in own_names:
                why = f"services and probes that select ports by name will use {named[name]}"
                yield f"{field}: duplicate port name {quote(name)} with {named[name]}, {why}"
            named.setdefault(name, field)
            own_names.add(name)


def _port_clash(field: str, port: Spec, other_field: str, other: Spec) -> Iterator[str]:
    ip, number = port.get("hostIP", ""), port.get("hostPort", 0)
    other_ip, other_number = other.get("hostIP", ""), other.get("hostPort", 0)
    if (ip, number) == (other_ip, other_number):
        yield f"{field}: duplicate port definition with {other_field}"
    elif not number or not other_number:
        yield f"{field}: overlapping port definition with {other_field}"
    elif number == other_number and bool(ip) != bool(other_ip):
        yield f"{field}: dangerously ambiguous port definition with {other_field}"


def _go_port(port: Spec) -> str:
    return (
        f"{{Name:{port.get('name', '')} HostPort:{port.get('hostPort', 0)} ContainerPort:{port.get('containerPort', 0)} "
        f"Protocol:{port.get('protocol', '')} HostIP:{port.get('hostIP', '')}}}"
    )


def _null_selectors(at: str, affinity: Spec) -> Iterator[str]:
    why = "a null labelSelector results in matching no pod"
    for field in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(field) or EMPTY_DICT
        for index, term in enumerate(rules.get(REQUIRED) or ()):
            if term.get("labelSelector") is None:
                yield f"{at}.affinity.{field}.{REQUIRED}[{index}].labelSelector: {why}"
        for index, term in enumerate(rules.get(PREFERRED) or ()):
            if (term.get("podAffinityTerm") or EMPTY_DICT).get("labelSelector") is None:
                yield f"{at}.affinity.{field}.{PREFERRED}[{index}].podAffinityTerm.labelSelector: {why}"


def _addresses(at: str, spec: Spec) -> Iterator[str]:
    for index, address in enumerate((spec.get("dnsConfig") or EMPTY_DICT).get("nameservers") or ()):
        yield from ip_warnings(f"{at}.dnsConfig.nameservers[{index}]", address)
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        yield from ip_warnings(f"{at}.hostAliases[{index}].ip", alias.get("ip", ""))


# Files of one volume that lie on top of each other

File = tuple[str, str]
"""A path and, in a projected volume, the source that brings it."""


def overlapping_paths(volumes: Sequence[Spec]) -> Iterator[str]:
    """Files of one volume of which one hides the other."""
    for volume in volumes:
        named = f"volume {quote(volume.get('name', ''))}"
        for kind, label, key in (
            ("configMap", "ConfigMap", "name"),
            ("secret", "Secret", "secretName"),
            ("downwardAPI", "DownwardAPI", ""),
        ):
            source = volume.get(kind)
            if source:
                owner = f"{label} {quote(source.get(key, ''))}" if key else label
                yield from (f"{named} ({owner}): {words}" for words in _overlaps(_files(source, "")))
        projected = volume.get("projected")
        for words in _projected_overlaps(projected.get("sources") or EMPTY_LIST) if projected else ():
            yield f"{named} (Projected){words}"


def _files(source: Spec, owner: str) -> list[File]:
    return [(item.get("path", ""), owner) for item in source.get("items") or ()]


_PROJECTED: dict[str, Callable[[Spec], list[File]]] = {
    "configMap": lambda source: _files(source, f"ConfigMap {quote(source.get('name', ''))}"),
    "secret": lambda source: _files(source, f"Secret {quote(source.get('name', ''))}"),
    "downwardAPI": lambda source: _files(source, "DownwardAPI"),
    "serviceAccountToken": lambda source: [(source.get("path", ""), "ServiceAccountToken")],
}


@once
def _projected_overlaps(sources: Sequence[Spec]) -> list[str]:
    """What is to be said of the sources of a projected volume, after its name: worked out once for all Pods that share them.

    As upstream, a source that names no files is taken to bring those of the one before it.
    """
    files: list[File] = []
    found: list[list[File] | None] = []
    for source in sources:
        kind = next((kind for kind in _PROJECTED if source.get(kind) is not None and _lists_files(kind, source[kind])), None)
        files = _PROJECTED[kind](source[kind]) if kind else files
        found.append(files if any(value is not None for value in source.values()) else None)
    warnings: list[str] = []
    before: list[File] = []
    for brought in found:
        warnings += [" has no sources provided"] if brought is None else [f": {words}" for words in _overlaps(brought, before)]
        before += brought or []
    return warnings


def _lists_files(kind: str, source: Spec) -> bool:
    return kind == "serviceAccountToken" or source.get("items") is not None


def _overlaps(files: Sequence[File], before: Sequence[File] = ()) -> Iterator[str]:
    seen = [(path.rstrip("/"), owner) for path, owner in before]
    for path, owner in files:
        file = path.rstrip("/"), owner
        for other in seen if file[0] else ():
            if other[0] and (_inside(other[0], file[0]) or _inside(file[0], other[0])):
                yield f"overlapping paths: {_shown(file)} with {_shown(other)}"
        seen.append(file)


def _inside(path: str, directory: str) -> bool:
    return f"{path}/".startswith(f"{directory}/")


def _shown(file: File) -> str:
    path, owner = file
    return f"{quote(path)} ({owner})" if owner else quote(path)
