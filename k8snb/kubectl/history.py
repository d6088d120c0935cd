"""Revisions of workloads: which ReplicaSets are old, which ControllerRevisions there are, what an undo would restore.

Models: k8s.io/kubectl/pkg/polymorphichelpers (history.go, rollback.go), k8s.io/kubectl/pkg/util/deployment/deployment.go.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery import meta
from k8snb.apimachinery.objects import dig, drop
from k8snb.apimachinery.selectors import from_label_selector
from k8snb.kubectl.api import Api, Json

REVISION = "deployment.kubernetes.io/revision"
CHANGE_CAUSE = "kubernetes.io/change-cause"
HASH_LABEL = "pod-template-hash"


def owned(api: Api, owner: Json, api_version: str, kind: str) -> list[Json]:
    """Objects of a kind that a workload selects and controls, oldest first."""
    selector = str(from_label_selector(dig(owner, "spec.selector")))
    found = api.items(api_version, kind, owner["metadata"].get("namespace", ""), label_selector=selector)
    mine = [obj for obj in found if meta.is_controlled_by(obj, owner)]
    return sorted(mine, key=lambda obj: (obj["metadata"].get("creationTimestamp") or "", obj["metadata"]["name"]))


def same_template(one: Json, other: Json) -> bool:
    """Whether two pod templates differ in more than the hash label."""
    path = ("metadata", "labels", HASH_LABEL)
    return _tidy(drop(one, path)) == _tidy(drop(other, path))


def _tidy(template: Json) -> Json:
    return {**template, "metadata": {key: value for key, value in (template.get("metadata") or {}).items() if value}}


def replica_sets_of(api: Api, deployment: Json) -> tuple[list[Json], Json | None]:
    """A deployment's old ReplicaSets that still have pods wanted or not, and the new one."""
    found = owned(api, deployment, "apps/v1", "ReplicaSet")
    new = next((rs for rs in found if same_template(rs["spec"]["template"], deployment["spec"]["template"])), None)
    return [rs for rs in found if rs is not new], new


def revision_of(obj: Json) -> int:
    """A ReplicaSet's or a ControllerRevision's number."""
    if "revision" in obj:
        return int(obj["revision"])
    return int(dig(obj, ("metadata", "annotations", REVISION)) or 0)


def revisions(api: Api, workload: Json) -> dict[int, Json]:
    """Revision number -> the object that keeps it, ascending."""
    kind = ("apps/v1", "ReplicaSet") if workload["kind"] == "Deployment" else ("apps/v1", "ControllerRevision")
    found = {revision_of(obj): obj for obj in owned(api, workload, *kind)}
    return {number: found[number] for number in sorted(found)}


def template_of(workload: Json, revision: Json) -> Any:
    """The pod template that a revision keeps."""
    if workload["kind"] == "Deployment":
        return revision["spec"]["template"]
    kept = dict(dig(revision, "data.spec.template") or {})
    kept.pop("$patch", None)
    return kept
