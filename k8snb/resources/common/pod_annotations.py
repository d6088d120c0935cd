"""Annotations of pods that mean something, and how they must agree with the fields that replaced them.

Models: pkg/apis/core/validation/validation.go (ValidatePodSpecificAnnotations, validateSeccompAnnotationsAndFields,
validateAppArmorAnnotationsAndFieldsMatchOnCreate).
Simplified: tolerations in an annotation are not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden, invalid, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.resources.common.paths import descending
from k8snb.resources.common.pod_security import containers_with_paths

MIRROR = "kubernetes.io/config.mirror"
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"

Annotations = Mapping[str, str]


def is_mirror(pod: Object) -> bool:
    """Whether a pod of the API only shows a static pod."""
    return MIRROR in (pod["metadata"].get("annotations") or EMPTY_DICT)


def validate_pod_annotations(annotations: Annotations, spec: Mapping[str, Any]) -> Errors:
    """Errors relative to the annotations."""
    errors: Errors = []
    if not annotations:
        return errors
    if MIRROR in annotations and not spec.get("nodeName"):
        errors.append(invalid(f"[{MIRROR}]", annotations[MIRROR], "must set spec.nodeName if mirror pod annotation is set"))
    cost = annotations.get(DELETION_COST)
    if cost is not None and not _is_cost(cost):
        errors.append(invalid(f"[{DELETION_COST}]", cost, "must be a 32bit integer"))
    for key in sorted(annotations):
        if key == SECCOMP_POD or key.startswith(SECCOMP_CONTAINER):
            errors += _seccomp(key, annotations[key])
    names = {container.get("name", "") for _, container in containers_with_paths(spec)}
    for key in sorted(annotations):
        if key.startswith(APP_ARMOR):
            errors += _app_armor(key, annotations[key], names)
    return errors


def _is_cost(text: str) -> bool:
    return bool(re.fullmatch("0|[-]?[1-9][0-9]*", text, re.ASCII)) and -(2**31) <= int(text) < 2**31


def _seccomp(key: str, profile: str) -> Errors:
    if profile in ("runtime/default", "docker/default", "unconfined"):
        return []
    if profile.startswith("localhost/"):
        return descending(key, profile.removeprefix("localhost/"))
    return [invalid(key, profile, "must be a valid seccomp profile")]


def _app_armor(key: str, profile: str, containers: set[str]) -> Errors:
    name = key.removeprefix(APP_ARMOR)
    errors = [] if name in containers else [invalid(f"[{key}]", name, "container not found")]
    if profile not in ("", "runtime/default", "unconfined") and not profile.startswith("localhost/"):
        errors.append(invalid(f"[{key}]", profile, f'invalid AppArmor profile name: "{profile}"'))
    return errors


def validate_profiles_agree(annotations: Annotations, spec: Mapping[str, Any]) -> Errors:
    """Where both an annotation and a field name a profile, they name the same. Errors relative to the spec."""
    if not any(key == SECCOMP_POD or key.startswith((SECCOMP_CONTAINER, APP_ARMOR)) for key in annotations):
        return []
    context = spec.get("securityContext") or EMPTY_DICT
    errors = within("securityContext.seccompProfile", _agrees(annotations.get(SECCOMP_POD), context.get("seccompProfile"), "seccomp"))
    for path, container in containers_with_paths(spec):
        own, name = container.get("securityContext") or EMPTY_DICT, container.get("name", "")
        seccomp = _agrees(annotations.get(SECCOMP_CONTAINER + name), own.get("seccompProfile"), "seccomp")
        errors += within(f"{path}.securityContext.seccompProfile", seccomp)
        profile = own.get("appArmorProfile") or context.get("appArmorProfile")
        app_armor = _agrees(annotations.get(APP_ARMOR + name), profile, "apparmor")
        errors += within(f"{path}.securityContext.appArmorProfile", app_armor)
    return errors


def _agrees(annotation: str | None, profile: Mapping[str, Any] | None, what: str) -> Errors:
    if annotation is None or profile is None:
        return []
    kind = profile.get("type", "")
    defaults = {"runtime/default", "docker/default"} if what == "seccomp" else {"runtime/default"}
    fits = {
        "Unconfined": annotation == "unconfined",
        "RuntimeDefault": annotation in defaults,
        "Localhost": annotation.startswith("localhost/"),
    }
    if not fits.get(kind, True):
        return [forbidden("type", f"{what} type in annotation and field must match")]
    if kind == "Localhost" and annotation.removeprefix("localhost/") != profile.get("localhostProfile"):
        return [forbidden("localhostProfile", f"{what} profile in annotation and field must match")]
    return []
