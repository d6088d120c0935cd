"""Who is who in a StatefulSet: the Pod with ordinal N is called ``NAME-N``, today and after every restart.

The name is the identity: host name, claims and DNS record follow from it. Ordinals begin at ``spec.ordinals.start``.

Models: pkg/controller/statefulset/stateful_set_utils.go (getParentNameAndOrdinal, newStatefulSetPod, initIdentity, updateStorage).
"""

from __future__ import annotations

import re

from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, FrozenDict, FrozenList, Object, dig
from k8snb.controllers.history import POD_HASH
from k8snb.controllers.pod_control import pod_from_template

POD_NAME, POD_INDEX = "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"
_NAME = re.compile(r"(.*)-([0-9]+)")
_LARGEST = 2**31


def parent_and_ordinal(pod: Object) -> tuple[str, int]:
    """The set that a Pod's name names, and its number; ("", -1) where the name is not of that form.

    >>> parent_and_ordinal({"metadata": {"name": "db-12"}})
    ('db', 12)
    """
    match = _NAME.fullmatch(pod["metadata"]["name"])
    return (match[1], int(match[2])) if match and int(match[2]) < _LARGEST else ("", -1)


def ordinal_of(pod: Object) -> int:
    """The Pod's number."""
    return parent_and_ordinal(pod)[1]


def first_ordinal(statefulset: Object) -> int:
    """The number of the first Pod."""
    found: int = dig(statefulset, "spec.ordinals.start", 0)
    return found


def ordinals(statefulset: Object) -> range:
    """The numbers that there should be."""
    start = first_ordinal(statefulset)
    return range(start, start + statefulset["spec"]["replicas"])


def claim_name(statefulset: Object, template: Object, ordinal: int) -> str:
    """The name of the claim that a claim template means for a number: ``data-db-0``."""
    return f"{template['metadata']['name']}-{statefulset['metadata']['name']}-{ordinal}"


def identity_labels(pod_name: str, ordinal: int) -> dict[str, str]:
    """The labels by which a Service can select a single Pod."""
    return {POD_NAME: pod_name, POD_INDEX: str(ordinal)}


def stateful_pod(statefulset: Object, template: Object, revision: str, ordinal: int) -> Object:
    """The Pod with that number, from the template of the revision with that name."""
    name = f"{statefulset['metadata']['name']}-{ordinal}"
    pod = pod_from_template(statefulset, template)
    meta = pod["metadata"]
    labels = {**(meta.get("labels") or EMPTY_DICT), **identity_labels(name, ordinal), POD_HASH: revision}
    spec = {**pod["spec"], "hostname": name}
    if statefulset["spec"].get("serviceName"):
        spec["subdomain"] = statefulset["spec"]["serviceName"]
    volumes = _volumes(statefulset, pod["spec"], ordinal)
    if volumes:
        spec["volumes"] = volumes
    return FrozenDict({**pod, "metadata": FrozenDict({**meta, "name": name, "labels": FrozenDict(labels)}), "spec": FrozenDict(spec)})


def _volumes(statefulset: Object, spec: Object, ordinal: int) -> FrozenList:
    """A volume for each claim, which hides one of the same name in the template; then the template's other volumes."""
    templates = statefulset["spec"].get("volumeClaimTemplates") or EMPTY_LIST
    claimed = {t["metadata"]["name"]: claim_name(statefulset, t, ordinal) for t in templates}
    own = [FrozenDict({"name": n, "persistentVolumeClaim": FrozenDict({"claimName": c})}) for n, c in claimed.items()]
    return FrozenList([*own, *(v for v in spec.get("volumes") or () if v["name"] not in claimed)])
