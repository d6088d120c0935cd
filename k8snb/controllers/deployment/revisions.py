"""Revisions: each distinct Pod template of a Deployment is one ReplicaSet, numbered in the order of its last use.

Rolling back does not bring an old number back: the old ReplicaSet becomes the newest revision, and its former number goes into
its ``revision-history``. The name of a ReplicaSet carries a hash of the template, so the same template always finds the same one.

Models: pkg/controller/deployment/util/deployment_util.go, sync.go (getNewReplicaSet).
"""

from __future__ import annotations

from collections.abc import Iterable

from k8snb.apimachinery.intstr import scaled
from k8snb.apimachinery.meta import owner_reference
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, Object, drop, freeze, put
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.strconv import integer
from k8snb.component_helpers.hashes import safe_hash

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
HASH = "pod-template-hash"
NOT_COPIED = {"kubectl.kubernetes.io/last-applied-configuration", REVISION, HISTORY, DESIRED, MAXIMUM, "deprecated.deployment.rollback.to"}
LONGEST_HISTORY = 2000


def revision_of(obj: Object) -> int:
    """The revision number in an object's annotations; 0 where there is none."""
    return integer(annotations_of(obj).get(REVISION)) or 0


def annotations_of(obj: Object) -> Object:
    """The annotations, perhaps empty."""
    found: Object = obj["metadata"].get("annotations") or EMPTY_DICT
    return found


def age(rs: Object) -> tuple[str, str]:
    """Sort key: oldest first."""
    return rs["metadata"]["creationTimestamp"], rs["metadata"]["name"]


def same_template(left: Object, right: Object) -> bool:
    """Whether two Pod templates are equal, the hash label aside."""
    return _unhashed(freeze(left)) == _unhashed(freeze(right))


@once
def _unhashed(template: Object) -> Object:
    return drop(template, ("metadata", "labels", HASH))


def find_new(deployment: Object, sets: Iterable[Object]) -> Object | None:
    """The ReplicaSet of the Deployment's present template: the oldest, should there be several."""
    template = deployment["spec"]["template"]
    return next((rs for rs in sorted(sets, key=age) if same_template(rs["spec"]["template"], template)), None)


def template_hash(deployment: Object) -> str:
    """The hash that names the ReplicaSet; ``collisionCount`` makes another one where the first is taken."""
    collisions = (deployment.get("status") or {}).get("collisionCount")
    return safe_hash([deployment["spec"]["template"], collisions])


def make_new(deployment: Object, replicas: int, revision: int) -> Object:
    """The ReplicaSet for the present template, as it is created."""
    spec, meta = deployment["spec"], deployment["metadata"]
    value = template_hash(deployment)
    template = put(spec["template"], ("metadata", "labels", HASH), value)
    selector = put(spec["selector"], ("matchLabels", HASH), value)
    wanted = {"replicas": replicas, "selector": selector, "template": template}
    if spec.get("minReadySeconds"):
        wanted["minReadySeconds"] = spec["minReadySeconds"]
    head = {
        "name": f"{meta['name']}-{value}", "namespace": meta["namespace"], "labels": template["metadata"]["labels"],
        "ownerReferences": FrozenList([freeze(owner_reference(deployment))]),
    }  # fmt: skip
    rs = FrozenDict({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": FrozenDict(head), "spec": FrozenDict(wanted)})
    return annotated(deployment, rs, revision, exists=False)


def annotated(deployment: Object, rs: Object, revision: int, *, exists: bool) -> Object:
    """The ReplicaSet with what its Deployment passes on: annotations, the revision and the history of former ones."""
    own = dict(annotations_of(rs))
    before = own.get(REVISION, "")
    own |= {key: value for key, value in annotations_of(deployment).items() if key not in NOT_COPIED}
    if (integer(before) or 0) < revision:
        own[REVISION] = str(revision)
        if before:
            own[HISTORY] = _history(own.get(HISTORY, ""), before)
    if not exists:
        own |= size_annotations(deployment)
    return rs if own == annotations_of(rs) else put(rs, ("metadata", "annotations"), own)


def _history(history: str, former: str) -> str:
    numbers = [number for number in history.split(",") if number] + [former]
    while len(",".join(numbers)) > LONGEST_HISTORY:
        numbers.pop(0)
    return ",".join(numbers)


def size_annotations(deployment: Object) -> dict[str, str]:
    """What a ReplicaSet must remember of its Deployment's size, so that scaling in mid-rollout can be proportional."""
    replicas = deployment["spec"]["replicas"]
    return {DESIRED: str(replicas), MAXIMUM: str(replicas + max_surge(deployment))}


def max_surge(deployment: Object) -> int:
    """How many Pods there may be above ``replicas`` during a rolling update."""
    return _bounds(freeze(deployment["spec"]))[0] if _is_rolling(deployment) else 0


def max_unavailable(deployment: Object) -> int:
    """How many Pods may be unavailable during a rolling update."""
    if not _is_rolling(deployment) or not deployment["spec"]["replicas"]:
        return 0
    replicas: int = deployment["spec"]["replicas"]
    return min(_bounds(freeze(deployment["spec"]))[1], replicas)


def _is_rolling(deployment: Object) -> bool:
    return bool(deployment["spec"]["strategy"]["type"] == "RollingUpdate")


@once
def _bounds(spec: Object) -> tuple[int, int]:
    """Surge rounds up, unavailability rounds down; if both come to nothing, one Pod may be unavailable."""
    rolling, replicas = spec["strategy"].get("rollingUpdate") or EMPTY_DICT, spec["replicas"]
    surge = scaled(rolling.get("maxSurge", 0), replicas, up=True)
    unavailable = scaled(rolling.get("maxUnavailable", 0), replicas, up=False)
    return (surge, unavailable) if surge or unavailable else (0, 1)
