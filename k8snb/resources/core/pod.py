"""Pods.

What a pod may become, and what of it may change: nearly nothing. The spec itself is checked in ``common/pod_validation.py``.

Models: pkg/registry/core/pod/strategy.go, pkg/apis/core/validation (ValidatePodCreate, ValidatePodUpdate,
ValidatePodStatusUpdate).
Simplified: matchLabelKeys are not merged into selectors; a status may name any resource claim.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden, invalid, within
from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, FrozenDict, FrozenList, Object, dig, freeze, put
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, dns_label, dns_subdomain, immutable, in_range, not_negative, qualified_name
from k8snb.resources.common.formats import ip
from k8snb.resources.common.internal_form import diff
from k8snb.resources.common.pod_annotations import APP_ARMOR, MIRROR, validate_pod_annotations, validate_profiles_agree
from k8snb.resources.common.pod_containers import may_restart_all, only_in_pods
from k8snb.resources.common.pod_defaults import default_pod
from k8snb.resources.common.pod_scheduling import REQUIRED, validate_tolerations
from k8snb.resources.common.pod_validation import validate_spec_of_pod
from k8snb.resources.common.pod_warnings import warnings_for_pod
from k8snb.resources.common.qos import qos_class
from k8snb.resources.core import pod_parts, proxy
from k8snb.resources.core.pod_binding import bind
from k8snb.resources.core.pod_cells import cells
from k8snb.resources.core.pod_eviction import evict
from k8snb.resources.core.pod_log import attach, execute, forward, log
from k8snb.resources.discovery import served, with_handlers, with_parts

MAX_INT32 = 2147483647


def prepare_for_create(pod: Object) -> Object:
    """A new pod is Pending, knows its class, and says so where gates hold it back."""
    status: dict[str, Any] = {"phase": "Pending", "qosClass": qos_class(pod)}
    if pod["spec"].get("schedulingGates"):
        gated = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates",
        }
        status["conditions"] = [gated | {"lastProbeTime": None, "lastTransitionTime": None, "observedGeneration": 1}]
    return FrozenDict({**pod, "status": freeze(status)})


def _non_negative_grace(pod: Object) -> Object:
    """A negative grace period means the shortest."""
    grace = (pod.get("spec") or EMPTY_DICT).get("terminationGracePeriodSeconds") or 0
    return put(pod, "spec.terminationGracePeriodSeconds", 1) if grace < 0 else pod


def validate(pod: Object) -> Errors:
    """Everything but metadata; what holds for new pods only is in :func:`validate_create`."""
    meta, spec = pod["metadata"], pod.get("spec") or EMPTY_DICT
    annotations = meta.get("annotations") or EMPTY_DICT
    errors = within("metadata.annotations", validate_pod_annotations(annotations, spec)) if annotations else []
    errors += within("spec", validate_spec_of_pod(spec, meta.get("name", "")) + _tokens_need_account(spec))
    for key in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(key) or ()):
            if wrong := only_in_pods(container):
                errors += within(f"spec.{key}[{index}]", wrong)
    return errors


def _tokens_need_account(spec: Mapping[str, Any]) -> Errors:
    if spec.get("serviceAccountName"):
        return []
    why = "must not be specified when serviceAccountName is not set"
    return [
        forbidden(f"volumes[{i}].projected.sources[{j}].serviceAccountToken", why)
        for i, volume in enumerate(spec.get("volumes") or ())
        for j, source in enumerate((volume.get("projected") or EMPTY_DICT).get("sources") or ())
        if source.get("serviceAccountToken") is not None
    ]


def validate_create(pod: Object) -> Errors:
    """What a new pod may not have."""
    spec, errors = pod.get("spec") or EMPTY_DICT, []
    if spec.get("ephemeralContainers"):
        errors.append(forbidden("ephemeralContainers", "cannot be set on create"))
    if spec.get("nodeName") and spec.get("schedulingGates"):
        errors.append(forbidden("nodeName", "cannot be set until all schedulingGates have been cleared"))
    if annotations := pod["metadata"].get("annotations"):
        errors += validate_profiles_agree(annotations, spec)
    return within("spec", errors)


# Updates

_UPDATABLE = (
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def validate_update(pod: Object, old: Object) -> Errors:
    """What may change: images, a shorter deadline, more tolerations, fewer gates; and a gated pod's placement."""
    errors = within("metadata.annotations", _annotation_updates(pod, old))
    spec, before = pod["spec"], old["spec"]
    for key in ("containers", "initContainers"):
        if len(spec.get(key) or ()) != len(before.get(key) or ()):
            return [*errors, forbidden(f"spec.{key}", "pod updates may not add or remove containers")]
    deadline, stop = _deadline_update(spec.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds"))
    errors += within("spec", deadline)
    if stop:
        return errors
    errors += within("spec.tolerations", _toleration_updates(spec.get("tolerations") or (), before.get("tolerations") or ()))
    errors += within("spec.schedulingGates", _gate_updates(spec.get("schedulingGates") or (), before.get("schedulingGates") or ()))
    if spec == before:
        return errors
    masked, wrong = _masked(spec, before)
    errors += within("spec", wrong)
    if masked != before:
        changed = diff("PodSpec", before, masked)
        errors.append(forbidden("spec", f"pod updates may not change fields other than {_UPDATABLE}\n{changed}"))
    return errors


def _annotation_updates(pod: Object, old: Object) -> Errors:
    new, before = pod["metadata"].get("annotations") or EMPTY_DICT, old["metadata"].get("annotations") or EMPTY_DICT
    errors: Errors = []
    for key in sorted({*new, *before}):
        if new.get(key) == before.get(key):
            continue
        action = "remove or update" if key in before else "add"
        if key.startswith(APP_ARMOR):
            errors.append(forbidden(f"[{key}]", f"may not {action} AppArmor annotations"))
        if key == MIRROR:
            errors.append(forbidden(f"[{key}]", f"may not {action} mirror pod annotation"))
    return errors


def _deadline_update(new: int | None, old: int | None) -> tuple[Errors, bool]:
    field = "activeDeadlineSeconds"
    if new is None:
        return ([] if old is None else [invalid(field, None, "must not update from a positive integer to nil value")]), False
    if not 0 <= new <= MAX_INT32:
        return [invalid(field, new, in_range(0, MAX_INT32))], True
    if old is not None and old < new:
        return [invalid(field, new, "must be less than or equal to previous value")], True
    return [], False


def _toleration_updates(new: Sequence[Mapping[str, Any]], old: Sequence[Mapping[str, Any]]) -> Errors:
    def kept(toleration: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in toleration.items() if key != "tolerationSeconds"}

    remaining = [kept(toleration) for toleration in new]
    if any(kept(toleration) not in remaining for toleration in old):
        return [forbidden("", "existing toleration can not be modified except its tolerationSeconds")]
    return validate_tolerations(new)


def _gate_updates(new: Sequence[Mapping[str, Any]], old: Sequence[Mapping[str, Any]]) -> Errors:
    known = {gate["name"] for gate in old}
    why = "only deletion is allowed, but found new scheduling gate"
    return [forbidden(f"[{i}].name", f"{why} '{gate['name']}'") for i, gate in enumerate(new) if gate["name"] not in known]


def _masked(spec: Mapping[str, Any], before: Mapping[str, Any]) -> tuple[Mapping[str, Any], Errors]:
    """The new spec with what may change set back, and what is wrong with a gated pod's new placement."""
    masked = dict(spec)
    for key in ("containers", "initContainers"):
        pairs = zip(spec.get(key) or (), before.get(key) or (), strict=True)
        if spec.get(key):
            masked[key] = FrozenList([FrozenDict({**new, "image": old.get("image", "")}) for new, old in pairs])
    free = ["activeDeadlineSeconds", "schedulingGates", "tolerations"]
    if before.get("terminationGracePeriodSeconds", 0) < 0 and spec.get("terminationGracePeriodSeconds") == 1:
        free.append("terminationGracePeriodSeconds")
    errors: Errors = []
    if before.get("schedulingGates"):
        free.append("nodeSelector")
        errors = _node_selector_update(spec, before) + _node_affinity_update(spec, before)
        masked["affinity"] = _with_node_affinity(spec.get("affinity"), before.get("affinity"))
    for key in free:
        masked[key] = before.get(key)
    return FrozenDict({key: value for key, value in masked.items() if value is not None}), errors


def _node_selector_update(spec: Mapping[str, Any], before: Mapping[str, Any]) -> Errors:
    new, old = spec.get("nodeSelector") or EMPTY_DICT, before.get("nodeSelector") or EMPTY_DICT
    if all(new.get(key) == value for key, value in old.items()):
        return []
    return [invalid("nodeSelector", new, "only additions to spec.nodeSelector are allowed (no mutations or deletions)")]


def _terms(spec: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = dig(spec, ("affinity", "nodeAffinity", REQUIRED, "nodeSelectorTerms"), EMPTY_LIST)
    return found


def _node_affinity_update(spec: Mapping[str, Any], before: Mapping[str, Any]) -> Errors:
    new, old = _terms(spec), _terms(before)
    field = f"affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms"
    if old and len(new) != len(old):
        return [invalid(field, list(new), "no additions/deletions to non-empty NodeSelectorTerms list are allowed")]
    why = "only additions are allowed (no mutations or deletions)"
    return [invalid(f"{field}[{i}]", new[i], why) for i, term in enumerate(old) if not _only_added(new[i], term)]


def _only_added(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    keys = ("matchExpressions", "matchFields")
    if not any(old.get(key) for key in keys):
        return not any(new.get(key) for key in keys)
    return all(list((new.get(key) or ())[: len(old.get(key) or ())]) == list(old.get(key) or ()) for key in keys)


def _with_node_affinity(new: Mapping[str, Any] | None, old: Mapping[str, Any] | None) -> Any:
    others = {key: value for key, value in (new or EMPTY_DICT).items() if key != "nodeAffinity"}
    kept = (old or EMPTY_DICT).get("nodeAffinity")
    if not others and old is None:
        return None
    return FrozenDict(others | ({} if kept is None else {"nodeAffinity": kept}))


# Status


def validate_status_update(pod: Object, old: Object) -> Errors:
    """What a kubelet may not report."""
    status, before = pod.get("status") or EMPTY_DICT, old.get("status") or EMPTY_DICT
    errors = [*_validate_conditions(status.get("conditions") or EMPTY_LIST)]
    if status.get("nominatedNodeName"):
        errors += _nominated(status, before, old["spec"].get("nodeName", ""))
    errors += not_negative("observedGeneration", status.get("observedGeneration"))
    errors += immutable("qosClass", status.get("qosClass", ""), before.get("qosClass", ""))
    for field in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        if before.get(field):
            errors += _transitions(field, status, before, old["spec"])
    addresses = status.get("podIPs") or ()
    for index, item in enumerate(addresses if addresses is not before.get("podIPs") else ()):
        errors += ip(f"podIPs[{index}]", item.get("ip", ""))
    return within("status", errors)


@once
def _validate_conditions(conditions: list[Object]) -> Errors:
    errors: Errors = []
    for index, condition in enumerate(conditions):
        field = f"conditions[{index}]"
        if condition.get("observedGeneration", 0) < 0:
            errors.append(invalid(f"{field}.observedGeneration", condition["observedGeneration"], "must be a non-negative integer"))
        if condition.get("type") not in ("PodScheduled", "Ready", "Initialized"):
            errors += check(f"{field}.Type", condition.get("type", ""), qualified_name)
    return errors


def _nominated(status: Mapping[str, Any], before: Mapping[str, Any], node: str) -> Errors:
    name = status["nominatedNodeName"]
    if name == before.get("nominatedNodeName", ""):
        return []
    errors = check("nominatedNodeName", name, dns_subdomain)
    return [*errors, forbidden("nominatedNodeName", "may not be set on pods that are already bound to a node")] if node else errors


def _transitions(field: str, status: Mapping[str, Any], before: Mapping[str, Any], spec: Mapping[str, Any]) -> Errors:
    """A container that has ended for good does not come back, unless a rule may restart all containers."""
    errors: Errors = []
    for index, container in enumerate(before.get(field) or ()):
        ended = (container.get("state") or EMPTY_DICT).get("terminated")
        if ended is None or (field != "ephemeralContainerStatuses" and may_restart_all(spec)):
            continue
        now = {container["name"]: container.get("state") or EMPTY_DICT for container in status.get(field) or ()}
        state = now.get(container["name"])
        if state is None or state.get("terminated") is not None:
            continue
        if not _may_restart(field, container["name"], ended.get("exitCode", 0), spec):
            errors.append(forbidden(f"{field}[{index}].state", "may not be transitioned to non-terminated state"))
    return errors


def _may_restart(field: str, name: str, exit_code: int, spec: Mapping[str, Any]) -> bool:
    if field == "ephemeralContainerStatuses":
        return False
    key = "containers" if field == "containerStatuses" else "initContainers"
    container = next((c for c in spec.get(key) or () if c.get("name") == name), EMPTY_DICT)
    for rule in container.get("restartPolicyRules") or ():
        codes = rule.get("exitCodes") or EMPTY_DICT
        if rule.get("action") == "Restart" and (exit_code in (codes.get("values") or ())) == (codes.get("operator") == "In"):
            return True
    policy = container.get("restartPolicy") or spec.get("restartPolicy")
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


# Warnings, deletion, selection


def warnings(pod: Object, old: Object | None) -> list[str]:
    """What is accepted, but surely not meant; asked again only where the spec changed."""
    found: list[str] = []
    if old is not None:
        return warnings_for_pod(pod) if pod["spec"] is not old["spec"] or pod["metadata"] != old["metadata"] else []
    if wrong := dns_label(pod["metadata"].get("name", "")):
        words = "this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended"
        found.append(f"metadata.name: {words}: [{' '.join(wrong)}]")
    return found + warnings_for_pod(pod)


def graceful_delete(pod: Object, asked: int | None) -> int:
    """Seconds that a pod gets to end: what was asked, or what it asks for; none where it is on no node or has ended."""
    period = asked if asked is not None else int(dig(pod, "spec.terminationGracePeriodSeconds", 0))
    if not pod["spec"].get("nodeName") or dig(pod, "status.phase", "") in ("Succeeded", "Failed"):
        return 0
    return 1 if period < 0 else period


SELECTABLE = {
    "spec.nodeName": lambda pod: str(pod["spec"].get("nodeName", "")),
    "spec.restartPolicy": lambda pod: str(pod["spec"].get("restartPolicy", "")),
    "spec.schedulerName": lambda pod: str(pod["spec"].get("schedulerName", "")),
    "spec.serviceAccountName": lambda pod: str(pod["spec"].get("serviceAccountName", "")),
    "spec.hostNetwork": lambda pod: "true" if pod["spec"].get("hostNetwork") else "false",
    "status.phase": lambda pod: str((pod.get("status") or EMPTY_DICT).get("phase") or ""),
    "status.podIP": lambda pod: str((pod.get("status") or EMPTY_DICT).get("podIP") or ""),
    "status.nominatedNodeName": lambda pod: str((pod.get("status") or EMPTY_DICT).get("nominatedNodeName") or ""),
}

EXAMPLE = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web"},
    "spec": {"containers": [{"name": "nginx", "image": "nginx:1.27", "ports": [{"containerPort": 80}]}]},
}

_POD = served(
    "v1",
    "Pod",
    default=default_pod,
    prepare_for_create=prepare_for_create,
    canonicalize=_non_negative_grace,
    validate=validate,
    validate_create=validate_create,
    validate_update=validate_update,
    validate_status_update=validate_status_update,
    warnings=warnings,
    cells=cells,
    selectable_fields=SELECTABLE,
    counts_generation=True,
    graceful_delete=graceful_delete,
    example=EXAMPLE,
    simulated=True,
)
RESOURCE = with_parts(
    with_handlers(_POD, binding=bind, eviction=evict, log=log, exec=execute, attach=attach, portforward=forward, proxy=proxy.pod),
    ephemeralcontainers=(pod_parts.with_ephemeral, pod_parts.validate_ephemeral_update),
    resize=(pod_parts.resized, pod_parts.validate_resize),
)
