"""``kubectl logs``: what containers wrote.

It is a request to a subresource of the pod; the kubelet on its node answers it.

Models: k8s.io/kubectl/pkg/cmd/logs/logs.go.
Simplified: ``logs -f`` follows for 30 s of virtual time unless ``--request-timeout`` says otherwise, and says when it stops.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.apimachinery import meta
from k8snb.apimachinery.errors import ApiError, quote
from k8snb.apimachinery.objects import dig
from k8snb.apimachinery.selectors import from_label_selector
from k8snb.component_helpers.logs import FollowedLog, has_ended
from k8snb.kubectl.api import Json
from k8snb.kubectl.builder import looked_up, words
from k8snb.kubectl.call import ALL_NAMESPACES, SELECTOR, Call, Command
from k8snb.kubectl.flags import Flag, boolean, duration
from k8snb.kubectl.result import Failure, usage_error
from k8snb.kubectl.text import MICROS
from k8snb.messages import text as sentence

FOLLOW_SECONDS = 30.0
SELECTING = ("Service", "ReplicationController", "ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job")
DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


def pods_behind(call: Call, text: str) -> list[Json]:
    """The pod that ``web`` or ``deploy/web`` means; of a workload all its pods, the ready ones first."""
    word = words(call, [text] if "/" in text else ["pods", text])[0]
    obj = looked_up(call, word.kind, call.namespace, word.name)
    if word.kind.kind == "Pod":
        return [obj]
    doing = "cannot get the logs from" if call.path.endswith(" logs") else "cannot attach to"
    if word.kind.kind not in SELECTING:
        raise Failure(f"{doing} *{word.kind.version}.{word.kind.kind}: selector for *{word.kind.version}.{word.kind.kind} not implemented")
    selector = dig(obj, "spec.selector")
    if not selector:
        raise Failure(f"{doing} *v1.Service: invalid service '{word.name}': Service is defined without a selector")
    plain = word.kind.kind in ("Service", "ReplicationController")
    chosen = ",".join(f"{key}={selector[key]}" for key in sorted(selector)) if plain else str(from_label_selector(selector))
    found = call.api.items("v1", "Pod", call.namespace, label_selector=chosen)
    if not found:
        raise Failure("timed out waiting for the condition")
    return sorted(
        found, key=lambda pod: (not meta.is_true(pod, "Ready"), pod["metadata"].get("creationTimestamp") or "", pod["metadata"]["name"])
    )


def default_container(call: Call, pod: Json) -> str:
    """The container that is meant where none is named; says so where there are several."""
    names = [one["name"] for key in ("containers", "initContainers", "ephemeralContainers") for one in dig(pod, ("spec", key), [])]
    chosen = dig(pod, ("metadata", "annotations", DEFAULT_CONTAINER)) or names[0]
    if len(dig(pod, "spec.containers", [])) + len(dig(pod, "spec.initContainers", [])) > 1 and DEFAULT_CONTAINER not in dig(
        pod, "metadata.annotations", {}
    ):
        call.err(f"Defaulted container {quote(chosen)} out of: {_listed(pod)}")
    return str(chosen)


def _listed(pod: Json) -> str:
    names = [one["name"] for one in dig(pod, "spec.containers", [])]
    names += [f"{one['name']} (init)" for one in dig(pod, "spec.initContainers", [])]
    return ", ".join(names + [f"{one['name']} (ephem)" for one in dig(pod, "spec.ephemeralContainers", [])])


# -- logs --------------------------------------------------------------------------------------------------------------------


def text_of(body: Any) -> str:
    """The text of an answer that is text."""
    return str(body.get("text", ""))


def container_log(call: Call, namespace: str, pod: str, container: str, **parameters: str) -> str:
    """The log of one container."""
    pairs = tuple({"container": container, **parameters}.items())
    return text_of(call.api.get(call.mapper.resource("pods"), namespace, pod, subresource="log", parameters=pairs))


def _parameters(call: Call) -> dict[str, str]:
    found: dict[str, str] = {}
    tail = call.flag("tail")
    if call.flag("since") and call.flag("since-time"):
        raise Failure("at most one of `sinceTime` or `sinceSeconds` may be specified")
    if tail < -1:
        raise Failure("--tail must be greater than or equal to -1")
    if tail >= 0 or (call.flag("selector") and tail == -1):
        found["tailLines"] = str(tail if tail >= 0 else 10)
    for key, flag in (("previous", "previous"), ("timestamps", "timestamps")):
        if call.flag(flag):
            found[key] = "true"
    if call.flag("since"):
        found["sinceSeconds"] = str(int(call.flag("since") + 0.5))
    for key, flag in (("sinceTime", "since-time"),):
        if call.flag(flag):
            found[key] = call.flag(flag)
    if call.flag("limit-bytes"):
        found["limitBytes"] = str(call.flag("limit-bytes"))
    return found


def run_logs(call: Call) -> None:
    """Print logs."""
    pods = _chosen(call)
    parameters = _parameters(call)
    targets = [(pod, name) for pod in pods for name in _names(call, pod)]
    if call.flag("follow"):
        if len(targets) > call.flag("max-log-requests"):
            most = call.flag("max-log-requests")
            raise Failure(
                f"you are attempting to follow {len(targets)} log streams, but maximum allowed concurrency is {most}, "
                "use --max-log-requests to increase the limit"
            )
        given = str(call.flag("request-timeout", "0"))
        follow(call, targets, parameters, duration(given if given[-1].isalpha() else given + "s") or FOLLOW_SECONDS)
        return
    for pod, name in targets:
        try:
            text = container_log(call, pod["metadata"]["namespace"], pod["metadata"]["name"], name, **parameters)
        except ApiError as problem:
            if not call.flag("ignore-errors"):
                raise
            call.err(f"error: {problem.message}")
            continue
        call.write(_prefixed(call, pod, name, text))


def _chosen(call: Call) -> list[Json]:
    if call.flag("selector"):
        if call.args:
            raise usage_error(call.path, "only a selector (-l) or a POD name is allowed")
        chosen = call.api.items("v1", "Pod", call.namespace, label_selector=call.flag("selector"))
        if not chosen:
            call.err(f"No resources found in {call.namespace} namespace.")
        return chosen
    if not call.args or len(call.args) > 2:
        raise usage_error(
            call.path,
            "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command",
        )
    try:
        found = pods_behind(call, call.args[0])
    except ApiError as problem:
        if problem.reason == "NotFound":
            raise Failure(f"error from server (NotFound): {problem.message} in namespace {quote(call.namespace)}") from None
        raise
    if len(found) > 1 and not call.flag("all-pods"):  # of a workload, which stands for one of its pods
        call.err(f"Found {len(found)} pods, using pod/{found[0]['metadata']['name']}")
        return found[:1]
    return found


def _names(call: Call, pod: Json) -> list[str]:
    known = [one["name"] for key in ("initContainers", "containers", "ephemeralContainers") for one in dig(pod, ("spec", key), [])]
    if call.flag("all-containers"):
        return known
    wanted = call.flag("container") or (call.args[1] if len(call.args) > 1 else "")
    if wanted and wanted not in known:
        raise Failure(f"container {wanted} is not valid for pod {pod['metadata']['name']} out of: {_listed(pod)}")
    return [wanted or default_container(call, pod)]


def _prefixed(call: Call, pod: Json, name: str, text: str) -> str:
    if not call.flag("prefix"):
        return text
    return "".join(f"[pod/{pod['metadata']['name']}/{name}] {line}" for line in text.splitlines(keepends=True))


def follow(call: Call, targets: Sequence[tuple[Json, str]], parameters: dict[str, str], seconds: float = FOLLOW_SECONDS) -> None:
    """Print logs as they grow: until the containers have ended, at most so many seconds; says so where it is cut short."""
    begun = call.host.now
    open_ones = [(pod, name, _followed(call, pod, name, parameters)) for pod, name in targets]

    def look() -> bool:
        open_ones[:] = [one for one in open_ones if not _print_fresh(call, *one)]
        return not open_ones

    if not look() and not call.wait(look, seconds):
        call.err(sentence("kubectl.follow_ended", seconds=f"{(call.host.now - begun) / MICROS:g}"))


def _followed(call: Call, pod: Json, name: str, parameters: Mapping[str, str]) -> FollowedLog:
    namespace, of = pod["metadata"]["namespace"], pod["metadata"]["name"]
    return FollowedLog(parameters, lambda wanted: container_log(call, namespace, of, name, **wanted), lambda: call.host.now)


def _print_fresh(call: Call, pod: Json, name: str, log: FollowedLog) -> bool:
    """Print what a container has written since the last look; whether that was the last of it."""
    try:
        fresh = log.look()
        now = call.api.get(call.mapper.resource("pods"), pod["metadata"]["namespace"], pod["metadata"]["name"])
    except ApiError as problem:
        if problem.code == 404:
            return True
        raise
    call.write(_prefixed(call, pod, name, fresh))
    return log.full or has_ended(now, name)


LOGS = Command(
    "logs", "Print the logs for a container in a pod", "kubectl logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]", run_logs,
    (
        SELECTOR, Flag("container", "c"), boolean("follow", "f"), boolean("previous", "p"), boolean("all-containers"), boolean("all-pods"),
        Flag("tail", kind="int", default=-1), Flag("since", kind="duration"), Flag("since-time"), Flag("limit-bytes", kind="int"),
        boolean("timestamps"), boolean("prefix"), boolean("ignore-errors"), Flag("max-log-requests", kind="int", default=5), ALL_NAMESPACES,
        Flag("pod-running-timeout", kind="duration"), boolean("insecure-skip-tls-verify-backend"),
    ),
)  # fmt: skip
