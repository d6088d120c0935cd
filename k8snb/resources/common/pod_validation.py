"""The spec of a pod: what pods and templates have in common.

Verdicts are relative to the spec and remembered on it; a pod adds its own few rules in ``core/pod.py``.

Models: pkg/apis/core/validation/validation.go, ValidatePodSpec.
Simplified: feature gates stand as the defaults of 1.36 have them; workload references (alpha) are not checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, duplicate, forbidden, invalid, not_found, not_supported, required, too_long, within
from k8snb.apimachinery.objects import EMPTY_DICT
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, dns_label, dns_subdomain, in_range, qualified_name, validate_labels
from k8snb.resources.common.compute import validate_requirements
from k8snb.resources.common.pod_containers import (
    PodFacts,
    validate_containers,
    validate_ephemeral_containers,
    validate_init_containers,
)
from k8snb.resources.common.pod_level_resources import validate_pod_resources
from k8snb.resources.common.pod_scheduling import (
    validate_affinity,
    validate_dns,
    validate_gates,
    validate_host_aliases,
    validate_spread,
    validate_tolerations,
)
from k8snb.resources.common.pod_security import (
    containers_with_paths,
    validate_host_process,
    validate_host_users,
    validate_os,
    validate_pod_security_context,
)
from k8snb.resources.common.volumes import validate_volumes

Spec = Mapping[str, Any]
RESTART_POLICIES = ("Always", "OnFailure", "Never")
DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
PREEMPTION_POLICIES = ("PreemptLowerPriority", "Never")


@once
def validate_pod_spec(spec: Spec) -> Errors:
    """The spec of a template."""
    return _validate(spec, "", of_template=True)


def validate_spec_of_pod(spec: Spec, pod_name: str) -> Errors:
    """The spec of a pod of this name: as a template's, but host ports are already set, and claims of its own get its name."""
    return _validate(spec, pod_name, of_template=False)


def _validate(spec: Spec, pod_name: str, *, of_template: bool) -> Errors:
    errors: Errors = [] if spec.get("terminationGracePeriodSeconds") is not None else [required("terminationGracePeriodSeconds")]
    volumes, wrong = validate_volumes(spec.get("volumes") or (), pod_name)
    errors += within("volumes", wrong) + within("resourceClaims", _validate_claims(spec))
    claims = frozenset(claim["name"] for claim in spec.get("resourceClaims") or () if claim.get("name"))
    errors += _validate_all_containers(spec, PodFacts(
        volumes, claims, spec.get("restartPolicy", ""), spec.get("terminationGracePeriodSeconds"),
        (spec.get("os") or EMPTY_DICT).get("name", ""), spec.get("hostUsers") is not False,
    ))  # fmt: skip
    if spec.get("resources") is not None:
        errors += validate_pod_resources(spec, claims)
    errors += _host_port_mismatches(spec, may_be_unset=of_template)
    return errors + _validate_fields(spec) + _validate_names(spec) + _validate_file_refs(spec)


def _validate_all_containers(spec: Spec, facts: PodFacts) -> Errors:
    containers, init = spec.get("containers") or (), spec.get("initContainers") or ()
    errors = within("containers", validate_containers(containers, facts))
    if init:
        errors += within("initContainers", validate_init_containers(init, containers, facts))
    if ephemeral := spec.get("ephemeralContainers"):
        errors += within("ephemeralContainers", validate_ephemeral_containers(ephemeral, [*containers, *init], facts))
    return errors


def _validate_fields(spec: Spec) -> Errors:
    errors = _one_of(spec, "restartPolicy", RESTART_POLICIES) + _one_of(spec, "dnsPolicy", DNS_POLICIES)
    if selector := spec.get("nodeSelector"):
        errors += within("nodeSelector", validate_labels(selector))
    errors += within("securityContext", validate_pod_security_context(spec.get("securityContext") or EMPTY_DICT, spec))
    if affinity := spec.get("affinity"):
        errors += within("affinity", validate_affinity(affinity))
    errors += within("dnsConfig", validate_dns(spec.get("dnsConfig"), spec.get("dnsPolicy", "")))
    for index, gate in enumerate(spec.get("readinessGates") or ()):
        errors += check(f"readinessGates[{index}].conditionType", gate.get("conditionType", ""), qualified_name)
    if gates := spec.get("schedulingGates"):
        errors += within("schedulingGates", validate_gates(gates))
    if constraints := spec.get("topologySpreadConstraints"):
        errors += within("topologySpreadConstraints", validate_spread(constraints))
    return errors + validate_host_process(spec) + validate_host_users(spec) + _validate_hostname_override(spec)


def _one_of(spec: Spec, field: str, choices: tuple[str, ...]) -> Errors:
    value = spec.get(field, "")
    if not value:
        return [required(field)]
    return [] if value in choices else [not_supported(field, value, choices)]


_validate_tolerations = once(validate_tolerations)  # most pods share the list that admission gives them


def _validate_names(spec: Spec) -> Errors:
    errors: Errors = []
    for field in ("serviceAccountName", "nodeName"):
        if name := spec.get(field):
            errors += check(field, name, dns_subdomain)
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= 2147483647:
        errors.append(invalid("activeDeadlineSeconds", deadline, in_range(1, 2147483647)))
    for field in ("hostname", "subdomain"):
        if name := spec.get(field):
            errors += check(field, name, dns_label)
    if tolerations := spec.get("tolerations"):
        errors += within("tolerations", _validate_tolerations(tolerations))
    if aliases := spec.get("hostAliases"):
        errors += within("hostAliases", validate_host_aliases(aliases))
    errors += check("priorityClassName", spec["priorityClassName"], dns_subdomain) if spec.get("priorityClassName") else []
    if spec.get("runtimeClassName") is not None:
        errors += check("runtimeClassName", spec["runtimeClassName"], dns_subdomain)
    if spec.get("preemptionPolicy") is not None:
        errors += _one_of(spec, "preemptionPolicy", PREEMPTION_POLICIES)
    if spec.get("overhead") is not None:
        errors += within("overhead", validate_requirements({"limits": spec["overhead"]}))
    return errors + (validate_os(spec) if spec.get("os") is not None else [])


def _validate_hostname_override(spec: Spec) -> Errors:
    name = spec.get("hostnameOverride")
    if name is None:
        return []
    errors: Errors = []
    if spec.get("setHostnameAsFQDN"):
        errors.append(forbidden("hostnameOverride", "may not be specified when setHostnameAsFQDN is true"))
    if spec.get("hostNetwork"):
        errors.append(forbidden("hostnameOverride", "may not be specified when hostNetwork is true"))
    if len(name) > 64:
        errors.append(too_long("hostnameOverride", 64))
    return errors + check("hostnameOverride", name, dns_subdomain)


def _validate_claims(spec: Spec) -> Errors:
    errors: Errors = []
    names: set[str] = set()
    for index, claim in enumerate(spec.get("resourceClaims") or ()):
        name, field = claim.get("name", ""), f"[{index}].name"
        if not name:
            errors.append(required(field))
        else:
            errors += [duplicate(field, name)] if name in names else check(field, name, dns_label)
        names.add(name)
        given = [key for key in ("resourceClaimName", "resourceClaimTemplateName") if claim.get(key) is not None]
        shown = {
            "Name": name,
            "ResourceClaimName": claim.get("resourceClaimName"),
            "ResourceClaimTemplateName": claim.get("resourceClaimTemplateName"),
        }
        if len(given) > 1:
            errors.append(
                invalid(f"[{index}]", shown, "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified")
            )
        if not given:
            errors.append(invalid(f"[{index}]", shown, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"))
        errors += [error for key in given for error in check(f"[{index}].{key}", claim[key], dns_subdomain)]
    return errors


def _host_port_mismatches(spec: Spec, *, may_be_unset: bool) -> Errors:
    if not spec.get("hostNetwork"):
        return []
    return [
        invalid(f"containers[{i}].ports[{j}].hostPort", port.get("hostPort", 0), "must match `containerPort` when `hostNetwork` is true")
        for i, container in enumerate(spec.get("containers") or ())
        for j, port in enumerate(container.get("ports") or ())
        if port.get("hostPort", 0) != port.get("containerPort", 0) and not (may_be_unset and not port.get("hostPort"))
    ]


def _validate_file_refs(spec: Spec) -> Errors:
    errors: Errors = []
    for path, container in containers_with_paths(spec):
        for index, variable in enumerate(container.get("env") or ()):
            ref = (variable.get("valueFrom") or EMPTY_DICT).get("fileKeyRef")
            if ref is None:
                continue
            volumes = {volume.get("name", ""): volume for volume in spec.get("volumes") or ()}
            field, name = f"{path}.env[{index}].valueFrom.fileKeyRef.volumeName", ref.get("volumeName", "")
            if name not in volumes:
                errors.append(not_found(field, name))
            elif volumes[name].get("emptyDir") is None:
                errors.append(invalid(field, name, "referenced volume must be of type emptyDir"))
    return errors
