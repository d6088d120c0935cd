"""What ``kubectl apply --prune`` removes: objects that were applied once, that the selector finds, and that the files do not have.

Namespaces are those of the files; kinds are the usual ones, or those that ``--prune-allowlist`` names.

Models: k8s.io/kubectl/pkg/cmd/apply/prune.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8snb.apimachinery import meta
from k8snb.apimachinery.errors import ApiError, quote
from k8snb.apimachinery.objects import freeze
from k8snb.kubectl.api import Json
from k8snb.kubectl.builder import Info
from k8snb.kubectl.call import Call
from k8snb.kubectl.lastapplied import has_last_applied
from k8snb.kubectl.mapper import Kind
from k8snb.kubectl.printers import printer
from k8snb.kubectl.result import Failure

USUAL = (
    "core/v1/ConfigMap", "core/v1/Endpoints", "core/v1/Namespace", "core/v1/PersistentVolumeClaim", "core/v1/PersistentVolume",
    "core/v1/Pod", "core/v1/ReplicationController", "core/v1/Secret", "core/v1/Service", "batch/v1/Job", "batch/v1/CronJob",
    "networking.k8s.io/v1/Ingress", "apps/v1/DaemonSet", "apps/v1/Deployment", "apps/v1/ReplicaSet", "apps/v1/StatefulSet",
)  # fmt: skip
BEYOND_THE_NAMESPACE = (
    "Deprecated: kubectl apply will no longer prune non-namespaced resources by default when used with the --namespace flag in a future "
    "release. To preserve the current behaviour, list the resources you want to target explicitly in the --prune-allowlist flag."
)


def check(call: Call) -> None:
    """Whether what was said of pruning goes together. Raises Failure."""
    if call.flag("all") and call.flag("selector"):
        raise Failure("cannot set --all and --selector at the same time")
    if call.flag("prune") and not call.flag("all") and not call.flag("selector"):
        raise Failure(
            "all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all flag. "
            "If you did not mean to prune all resources, specify a label selector"
        )
    if call.flag("prune") and call.flag("server-side"):
        raise Failure("--prune is in alpha and doesn't currently work on objects created by server-side apply")


def kinds_to_prune(call: Call) -> list[Kind]:
    """The kinds that may be pruned. Raises Failure for one that is none."""
    return [_kind(call, text) for text in call.flag("prune-allowlist") or USUAL]


def _kind(call: Call, text: str) -> Kind:
    parts = text.split("/")
    if len(parts) != 3:
        raise Failure(f"invalid GroupVersionKind format: {text}, please follow <group/version/kind>")
    api_version = parts[1] if parts[0] in ("core", "") else f"{parts[0]}/{parts[1]}"
    found = call.mapper.kind(api_version, parts[2])
    if found is None:
        raise Failure(f"no matches for kind {quote(parts[2])} in version {quote(api_version)}")
    return found


def prune(call: Call, kinds: Sequence[Kind], infos: Sequence[Info], applied: Sequence[Json]) -> None:
    """Delete what is not among ``applied`` any more, and say so."""
    if call.enforced and not call.flag("prune-allowlist"):
        stamp = meta.micro_timestamp(call.host.now)
        call.err(f"W{stamp[5:7]}{stamp[8:10]} {stamp[11:26]}       1 prune.go:71] {BEYOND_THE_NAMESPACE}")
    kept = {obj["metadata"].get("uid") for obj in applied}
    namespaces = dict.fromkeys(info.namespace for info in infos if info.namespace)
    places = [(kind, namespace) for namespace in namespaces for kind in kinds if kind.namespaced]
    for kind, namespace in [*places, *((kind, "") for kind in kinds if not kind.namespaced)]:
        _prune_kind(call, kind, namespace, kept)


def _prune_kind(call: Call, kind: Kind, namespace: str, kept: set[Any]) -> None:
    try:
        for obj in call.api.list_all(kind, namespace, label_selector=call.flag("selector") or "").get("items") or ():
            if has_last_applied(obj) and obj["metadata"].get("uid") not in kept:
                if call.dry_run != "client":
                    body = freeze({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": call.flag("cascade").capitalize()})
                    call.api.do("delete", kind, namespace, obj["metadata"]["name"], body=body, dry_run=call.dry_run == "server")
                printer(call, "pruned")(freeze({"apiVersion": kind.api_version, "kind": kind.kind, **obj}))
    except ApiError as problem:
        scope = "namespaced" if namespace else "nonNamespaced"
        raise Failure(f"error pruning {scope} object {kind.api_version}, Kind={kind.kind}: {problem.message}") from None
