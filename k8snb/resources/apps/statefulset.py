"""StatefulSets.

Models: pkg/apis/apps/v1/{defaults,conversion}.go, pkg/apis/apps/validation (ValidateStatefulSet),
pkg/registry/apps/statefulset/strategy.go, pkg/printers/internalversion (printStatefulSet).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden, invalid, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, Object, dig
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, dns_label, not_negative, one_of
from k8snb.resources.autoscaling.scale import SCALE
from k8snb.resources.common.cells import age, containers_cells
from k8snb.resources.common.claim import claim_spec_warnings, default_claim, validate_claim_spec
from k8snb.resources.common.fill import each, fill, fill_empty, inside, where_given
from k8snb.resources.common.pod_template import default_pod_template, validate_pod_template
from k8snb.resources.common.status import decremented, not_more_than
from k8snb.resources.common.workload import only_restart_always, template_warnings, validate_selector, validate_template_labels
from k8snb.resources.discovery import served

MUTABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
FROZEN = (
    f"updates to statefulset spec for fields other than {', '.join(repr(name) for name in MUTABLE[:-1])} and '{MUTABLE[-1]}' are forbidden"
)
_KEEP = {"whenDeleted": "Retain", "whenScaled": "Retain"}
_COUNTS = ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")


def default(obj: Object) -> Object:
    """In order, one replica, rolling update of all, claims kept."""
    return inside(obj, "spec", _default_spec)


def _default_spec(spec: Mapping[str, Any]) -> Any:
    spec = inside(spec, "template", default_pod_template)
    spec = fill(spec, {"replicas": 1, "revisionHistoryLimit": 10})
    spec = fill_empty(spec, {"podManagementPolicy": "OrderedReady"})
    spec = inside(spec, "updateStrategy", _default_strategy)
    spec = inside(spec, "persistentVolumeClaimRetentionPolicy", lambda policy: fill_empty(policy, _KEEP))
    return where_given(spec, "volumeClaimTemplates", each(_default_claim_template))


@once
def _default_strategy(strategy: Mapping[str, Any]) -> Any:
    """The partition is written only where nobody chose a strategy, or somebody began to describe one."""
    if not strategy.get("type"):
        strategy = FrozenDict({**strategy, "type": "RollingUpdate", "rollingUpdate": strategy.get("rollingUpdate") or EMPTY_DICT})
    if strategy["type"] != "RollingUpdate":
        return strategy
    return where_given(strategy, "rollingUpdate", lambda rolling: fill(rolling, {"partition": 0}))


@once
def _default_claim_template(claim: Mapping[str, Any]) -> Any:
    return FrozenDict({**default_claim(claim), "apiVersion": "v1", "kind": "PersistentVolumeClaim"})


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", _validate_spec(obj.get("spec") or EMPTY_DICT))


@once
def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    errors = _validate_policies(spec)
    for index, claim in enumerate(spec.get("volumeClaimTemplates") or ()):
        errors += within(f"volumeClaimTemplates[{index}].spec", validate_claim_spec(claim.get("spec") or EMPTY_DICT))
    errors += not_negative("replicas", spec.get("replicas")) + not_negative("minReadySeconds", spec.get("minReadySeconds"))
    errors += not_negative("ordinals.start", dig(spec, "ordinals.start"))
    errors += check("serviceName", spec["serviceName"], dns_label) if spec.get("serviceName") else []
    errors += validate_selector(spec, "empty selector is invalid for statefulset")
    readable, mismatch = validate_template_labels(spec, why="")
    errors += mismatch
    template = spec.get("template") or EMPTY_DICT
    if readable:
        errors += within("template", validate_pod_template(_with_claim_volumes(spec)))
    errors += only_restart_always(template)
    if dig(template, "spec.activeDeadlineSeconds") is not None:
        errors.append(forbidden("template.spec.activeDeadlineSeconds", "activeDeadlineSeconds in StatefulSet is not Supported"))
    return errors


def _with_claim_volumes(spec: Mapping[str, Any]) -> Any:
    """The template as its pods will have it: with a volume for every claim template, which mounts may name."""
    template = spec.get("template") or EMPTY_DICT
    claims = [dig(claim, "metadata.name", "") for claim in spec.get("volumeClaimTemplates") or ()]
    if not claims:
        return template
    own = [volume for volume in dig(template, "spec.volumes", ()) if volume.get("name") not in claims]
    added = [FrozenDict({"name": name, "persistentVolumeClaim": FrozenDict({"claimName": name})}) for name in claims if name]
    pod = FrozenDict({**(template.get("spec") or EMPTY_DICT), "volumes": FrozenList([*own, *added])})
    return FrozenDict({**template, "spec": pod})


def _validate_policies(spec: Mapping[str, Any]) -> Errors:
    errors: Errors = []
    order, strategy = spec.get("podManagementPolicy", ""), spec.get("updateStrategy") or EMPTY_DICT
    if not order:
        errors.append(required("podManagementPolicy"))
    elif order not in ("OrderedReady", "Parallel"):
        errors.append(invalid("podManagementPolicy", order, "must be 'OrderedReady' or 'Parallel'"))
    errors += within("updateStrategy", _validate_strategy(strategy))
    policy = spec.get("persistentVolumeClaimRetentionPolicy")
    if policy is not None:
        for name in ("whenDeleted", "whenScaled"):
            errors += one_of(f"persistentVolumeClaimRetentionPolicy.{name}", policy.get(name, ""), ["Delete", "Retain"])
    return errors


@once
def _validate_strategy(strategy: Mapping[str, Any]) -> Errors:
    kind, rolling = strategy.get("type", ""), strategy.get("rollingUpdate")
    shown = rolling and {"Partition": rolling.get("partition", 0), "MaxUnavailable": rolling.get("maxUnavailable")}
    if not kind:
        return [required("")]
    if kind == "OnDelete":
        return [invalid("rollingUpdate", shown, "only allowed for updateStrategy 'RollingUpdate'")] if rolling is not None else []
    if kind == "RollingUpdate":
        return not_negative("rollingUpdate.partition", dig(strategy, "rollingUpdate.partition"))
    return [invalid("", {"Type": kind, "RollingUpdate": shown}, "must be 'RollingUpdate' or 'OnDelete'")]


def validate_update(obj: Object, old: Object) -> Errors:
    """Only a few fields may change."""
    before, after = ({key: value for key, value in o["spec"].items() if key not in MUTABLE} for o in (old, obj))
    return [forbidden("spec", FROZEN)] if before != after else []


def validate_status_update(obj: Object, old: Object) -> Errors:
    """Counts are not negative, and none exceeds the number of replicas."""
    status = obj.get("status") or EMPTY_DICT
    names = ("replicas", *_COUNTS, "observedGeneration", "collisionCount")
    errors = [error for name in names for error in not_negative(name, status.get(name))]
    errors += not_more_than(status, "replicas", _COUNTS, "cannot be greater than status.replicas")
    errors += not_more_than(status, "readyReplicas", ("availableReplicas",), "cannot be greater than status.readyReplicas")
    return within("status", errors + decremented(status, old.get("status") or EMPTY_DICT))


def warnings(obj: Object, old: Object | None) -> list[str]:
    """Those of the template and of the claims, and a history without end."""
    found = template_warnings(obj, old)
    for index, claim in enumerate(dig(obj, "spec.volumeClaimTemplates") or ()):
        path = f"spec.volumeClaimTemplates[{index}]" + ("" if old is None else ".Spec")
        found += claim_spec_warnings(path, claim.get("spec") or EMPTY_DICT)
    if dig(obj, "spec.revisionHistoryLimit", 0) < 0:
        found.append("spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended")
    return found


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get statefulsets``."""
    spec, status = obj["spec"], obj.get("status") or EMPTY_DICT
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}"
    return [obj["metadata"]["name"], ready, age(obj, now), *containers_cells(dig(spec, "template.spec", EMPTY_DICT))]


EXAMPLE = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {"name": "db"},
    "spec": {
        "serviceName": "db",
        "selector": {"matchLabels": {"app": "db"}},
        "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "postgres", "image": "postgres:16"}]}},
    },
}

RESOURCE = served(
    "apps/v1",
    "StatefulSet",
    default=default,
    validate=validate,
    validate_update=validate_update,
    validate_status_update=validate_status_update,
    warnings=warnings,
    cells=cells,
    subresources={"scale": SCALE},
    counts_generation=True,
    example=EXAMPLE,
    simulated=True,
)
