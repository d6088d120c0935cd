"""Containers of a pod: the common rules, and those of each of the three sorts.

Models: pkg/apis/core/validation/validation.go (validateContainerCommon, validateContainers, validateInitContainers,
validateEphemeralContainers, validateContainerRestartPolicy, validateResizePolicy).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.apimachinery.errors import Errors, duplicate, forbidden, invalid, not_found, not_supported, required, too_long, within
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, dns_label
from k8snb.resources.common.compute import validate_requirements
from k8snb.resources.common.pod_env import validate_devices, validate_env, validate_env_from, validate_mounts, validate_ports
from k8snb.resources.common.pod_probes import PROBES, validate_lifecycle, validate_probes
from k8snb.resources.common.pod_security import validate_security_context

Containers = Sequence[Mapping[str, Any]]


@once
def may_restart_all(spec: Mapping[str, Any]) -> bool:
    """Whether a rule of a container may restart all containers of its pod."""
    rules = [rule for key in ("initContainers", "containers") for c in spec.get(key) or () for rule in c.get("restartPolicyRules") or ()]
    return any(rule.get("action") == "RestartAllContainers" for rule in rules)


class PodFacts(NamedTuple):
    """What the rules of a container need to know about its pod."""

    volumes: Mapping[str, Mapping[str, Any]]
    claims: frozenset[str]
    restart_policy: str
    grace: int | None
    os: str
    host_users: bool


def _choice(container: Mapping[str, Any], field: str, *choices: str) -> Errors:
    value = container.get(field, "")
    if not value:
        return [required(field)]
    return [] if value in choices else [not_supported(field, value, choices)]


def _common(container: Mapping[str, Any], pod: PodFacts) -> Errors:
    name = container.get("name", "")
    errors = check("name", name, dns_label) if name else [required("name")]
    if not container.get("image"):
        errors.append(required("image"))
    errors += _choice(container, "terminationMessagePolicy", "File", "FallbackToLogsOnError")
    for field, rule in _LISTS.items():
        if items := container.get(field):
            errors += within(field, rule(items))
    mounts, devices = container.get("volumeMounts") or (), container.get("volumeDevices") or ()
    if mounts:
        errors += within("volumeMounts", validate_mounts(mounts, devices, pod.volumes, container))
    if devices:
        errors += within("volumeDevices", validate_devices(devices, mounts, pod.volumes))
    errors += _choice(container, "imagePullPolicy", "Always", "IfNotPresent", "Never")
    if resources := container.get("resources"):
        wrong = validate_requirements(resources, pod.claims) if resources.get("claims") else _validate_amounts(resources)
        errors += within("resources", wrong)
    if policies := container.get("resizePolicy"):
        errors += within("resizePolicy", _validate_resize_policy(policies, pod.restart_policy))
    if container.get("securityContext") is not None:
        errors += within("securityContext", validate_security_context(container["securityContext"], pod.host_users))
    return errors


_LISTS = {"ports": validate_ports, "env": validate_env, "envFrom": validate_env_from}
_validate_amounts = once(validate_requirements)  # remembered on what the containers of all pods of one template share


def _validate_resize_policy(policies: Containers, restart_policy: str) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for index, policy in enumerate(policies):
        name, restart = policy.get("resourceName", ""), policy.get("restartPolicy", "")
        if name in seen:
            errors.append(duplicate(f"[{index}]", name))
        seen.add(name)
        if name not in ("cpu", "memory"):
            errors.append(not_supported("", name, ("cpu", "memory")) if name else required(""))
        if restart not in ("NotRequired", "RestartContainer"):
            errors.append(not_supported("", restart, ("NotRequired", "RestartContainer")) if restart else required(""))
        if restart_policy == "Never" and restart != "NotRequired":
            errors.append(invalid("", restart, "must be 'NotRequired' when `restartPolicy` is 'Never'"))
    return errors


def _validate_restart_policy(container: Mapping[str, Any]) -> Errors:
    policy, rules = container.get("restartPolicy"), container.get("restartPolicyRules") or ()
    errors: Errors = []
    if policy is None:
        errors += [required("restartPolicy", "must specify restartPolicy when restart rules are used")] if rules else []
    elif policy not in ("Always", "Never", "OnFailure"):
        errors.append(not_supported("restartPolicy", policy, ("Always", "Never", "OnFailure")))
    if len(rules) > 20:
        errors.append(too_long("restartPolicyRules", 20))
    for index, rule in enumerate(rules):
        errors += within(f"restartPolicyRules[{index}]", _validate_restart_rule(rule))
    return errors


def _validate_restart_rule(rule: Mapping[str, Any]) -> Errors:
    known = rule.get("action") in ("Restart", "RestartAllContainers")  # upstream's message knows the first only
    errors = [] if known else [not_supported("action", rule.get("action", ""), ["Restart"])]
    codes = rule.get("exitCodes")
    if codes is None:
        return [*errors, required("exitCodes", "must be specified")]
    if codes.get("operator") not in ("In", "NotIn"):
        errors.append(not_supported("exitCodes.operator", codes.get("operator", ""), ("In", "NotIn")))
    return errors + ([too_long("exitCodes.values", 255)] if len(codes.get("values") or ()) > 255 else [])


def _host_port_conflicts(containers: Iterable[tuple[int, Mapping[str, Any]]]) -> Errors:
    errors: Errors = []
    taken: set[str] = set()
    for index, container in containers:
        for number, port in enumerate(container.get("ports") or ()):
            if not port.get("hostPort"):
                continue
            key = f"{port.get('protocol', '')}/{port.get('hostIP', '')}/{port['hostPort']}"
            if key in taken:
                errors.append(duplicate(f"[{index}].ports[{number}].hostPort", key))
            taken.add(key)
    return errors


def validate_containers(containers: Containers, pod: PodFacts) -> Errors:
    """The containers that make the pod run."""
    if not containers:
        return [required("")]
    errors: Errors = []
    names: set[str] = set()
    for index, container in enumerate(containers):
        found = _common(container, pod)
        if container.get("name", "") in names:
            found.append(duplicate("name", container.get("name", "")))
        names.add(container.get("name", ""))
        found += _hooks_and_probes(container, pod) + _validate_restart_policy(container)
        errors += within(f"[{index}]", found)
    return errors + _host_port_conflicts(enumerate(containers))


def _hooks_and_probes(container: Mapping[str, Any], pod: PodFacts) -> Errors:
    errors: Errors = []
    if container.get("lifecycle") is not None:
        errors += within("lifecycle", validate_lifecycle(container["lifecycle"], pod.grace, pod.os))
    return errors + validate_probes(container, pod.grace)


def validate_init_containers(containers: Containers, regular: Containers, pod: PodFacts) -> Errors:
    """The containers that run before the others, or beside them where they restart always."""
    errors: Errors = []
    names = {container.get("name", "") for container in regular}
    for index, container in enumerate(containers):
        name = container.get("name", "")
        found = _common(container, pod) + _validate_restart_policy(container)
        if name in names:
            found.append(duplicate("name", name))
        elif name:
            names.add(name)
        errors += within(f"[{index}]", found)
        errors += _host_port_conflicts([(0, container)])
        errors += within(f"[{index}]", _init_hooks(container, pod))
    return errors


def _init_hooks(container: Mapping[str, Any], pod: PodFacts) -> Errors:
    if container.get("restartPolicy") == "Always":
        return _hooks_and_probes(container, pod)
    why = "may not be set for init containers without restartPolicy=Always"
    return [forbidden(field, why) for field in ("lifecycle", *PROBES) if container.get(field) is not None]


_NOT_EPHEMERAL = ("ports", "resources", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resizePolicy", "restartPolicy")


def validate_ephemeral_containers(containers: Containers, others: Containers, pod: PodFacts) -> Errors:
    """The containers that somebody put into a running pod to look around."""
    errors: Errors = []
    lasting = {container.get("name", "") for container in others}
    names = set(lasting)
    why = "cannot be set for an Ephemeral Container"
    for index, container in enumerate(containers):
        name, target = container.get("name", ""), container.get("targetContainerName", "")
        found = _common(container, pod) + only_in_pods(container)
        if name in names:
            found.append(duplicate("name", name))
        names.add(name)
        if target and target not in lasting:
            found.append(not_found("targetContainerName", target))
        found += [forbidden(field, why) for field in _NOT_EPHEMERAL if container.get(field)]
        for number, mount in enumerate(container.get("volumeMounts") or ()):
            found += [forbidden(f"volumeMounts[{number}].{field}", why) for field in ("subPath", "subPathExpr") if mount.get(field)]
        errors += within(f"[{index}]", found)
    return errors


def only_in_pods(container: Mapping[str, Any]) -> Errors:
    """The rule that templates are spared: no blanks around an image."""
    image = container.get("image", "")
    return [] if image == image.strip() else [invalid("image", image, "must not have leading or trailing whitespace")]
