"""What checks ask of a cluster, in few words: its pods by label, whether they are ready, what they run; and how most clusters begin.

Reading only, but for :func:`delete_pod`, which a check uses on its fork to see whether somebody minds.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, Object, dig
from k8snb.cluster import Cluster


def settled(*lines: str, nodes: int = 2) -> Cluster:
    """A cluster in which these lines were typed after ``kubectl``, and which has settled."""
    cluster = Cluster(nodes=nodes)
    for line in lines:
        cluster.kubectl(line)
    cluster.settle()
    return cluster


def pods(cluster: Any, namespace: str = "default", **labels: str) -> list[Object]:
    """The Pods of a namespace that carry these labels and are not on their way out, by name."""
    found = [pod for pod in cluster.get("pods") if pod["metadata"]["namespace"] == namespace and not is_ending(pod)]
    return [pod for pod in found if labels.items() <= dig(pod, "metadata.labels", EMPTY_DICT).items()]


def is_ending(obj: Object) -> bool:
    """True where it was deleted and has not gone yet."""
    return "deletionTimestamp" in obj["metadata"]


def condition(obj: Object, kind: str) -> Object:
    """The condition of this type; empty where the object has none."""
    found: Object = next((one for one in dig(obj, "status.conditions", EMPTY_LIST) if one["type"] == kind), EMPTY_DICT)
    return found


def is_ready(pod: Object) -> bool:
    """True where the Pod's condition Ready is True."""
    return bool(condition(pod, "Ready").get("status") == "True")


def is_over(job: Object) -> bool:
    """True where the Job has ended for good."""
    return any(condition(job, kind).get("status") == "True" for kind in ("Complete", "Failed"))


def ready_pods(cluster: Any, namespace: str = "default", **labels: str) -> list[Object]:
    """Those of :func:`pods` that are ready."""
    return [pod for pod in pods(cluster, namespace, **labels) if is_ready(pod)]


def container_image(pod: Object) -> str:
    """The image of the first container."""
    return str(dig(pod, ("spec", "containers", 0, "image"), ""))


def delete_pod(cluster: Any, name: str, namespace: str = "default") -> None:
    """Delete a Pod without waiting for its end."""
    cluster.kubectl(f"delete pod {name} -n {namespace} --wait=false")
