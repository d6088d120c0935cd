"""``kubectl logs`` and ``exec``: what a container wrote, and a command inside it.

Both are requests to subresources of the pod; the kubelet on its node answers them.

Models: k8s.io/kubectl/pkg/cmd/logs/logs.go, pkg/cmd/exec/exec.go.
Simplified: ``logs -f`` follows for 30 s of virtual time unless ``--request-timeout`` says otherwise; ``exec`` has no terminal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from k8snb.apimachinery import meta
from k8snb.apimachinery.errors import ApiError, quote
from k8snb.apimachinery.objects import dig
from k8snb.apimachinery.selectors import from_label_selector
from k8snb.kubectl.api import Json
from k8snb.kubectl.builder import words
from k8snb.kubectl.call import ALL_NAMESPACES, FILENAME, SELECTOR, Call, Command
from k8snb.kubectl.flags import Flag, boolean, duration
from k8snb.kubectl.result import Failure, usage_error

FOLLOW_SECONDS = 30.0
DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


def pods_behind(call: Call, text: str) -> list[Json]:
    """The pod that ``web`` or ``deploy/web`` means; of a workload all its pods, the ready ones first."""
    word = words(call, [text] if "/" in text else ["pods", text])[0]
    obj = call.api.get(word.kind, call.namespace, word.name)
    if word.kind.kind == "Pod":
        return [obj]
    selector = dig(obj, "spec.selector")
    if selector is None:
        raise Failure(f"cannot get the logs from {word.kind.kind}: selector field is missing")
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


def container_log(call: Call, pod: str, container: str, **parameters: str) -> str:
    """The log of one container."""
    pairs = tuple({"container": container, **parameters}.items())
    return text_of(call.api.get(call.mapper.resource("pods"), call.namespace, pod, subresource="log", parameters=pairs))


def _parameters(call: Call) -> dict[str, str]:
    found: dict[str, str] = {}
    tail = call.flag("tail")
    if tail >= 0 or (call.flag("selector") and tail == -1):
        found["tailLines"] = str(tail if tail >= 0 else 10)
    for key, flag in (("previous", "previous"), ("timestamps", "timestamps")):
        if call.flag(flag):
            found[key] = "true"
    if call.flag("since"):
        found["sinceSeconds"] = str(int(call.flag("since")))
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
        _follow(call, targets, parameters)
        return
    for pod, name in targets:
        call.write(_prefixed(call, pod, name, container_log(call, pod["metadata"]["name"], name, **parameters)))


def _chosen(call: Call) -> list[Json]:
    if call.flag("selector"):
        if call.args:
            raise usage_error(call.path, "only a selector (-l) or a POD name is allowed")
        return call.api.items("v1", "Pod", call.namespace, label_selector=call.flag("selector"))
    if not call.args:
        raise usage_error(
            call.path,
            "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command",
        )
    try:
        found = pods_behind(call, call.args[0])
    except ApiError as problem:
        if problem.reason == "NotFound" and "/" not in call.args[0]:
            raise Failure(f"error from server (NotFound): {problem.message} in namespace {quote(call.namespace)}") from None
        raise
    if len(found) > 1 and not call.flag("all-pods"):
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


def _follow(call: Call, targets: Sequence[tuple[Json, str]], parameters: dict[str, str]) -> None:
    """Print logs as they grow, for a bounded time."""
    printed: dict[tuple[str, str], int] = {}

    def look() -> bool:
        for pod, name in targets:
            key = (pod["metadata"]["name"], name)
            options = parameters if key not in printed else {name: value for name, value in parameters.items() if name != "tailLines"}
            text = container_log(call, *key, **options)
            whole = text if "tailLines" not in options else container_log(call, *key)
            fresh = text if key not in printed else text[printed[key] :]
            printed[key] = len(whole)
            call.write(_prefixed(call, pod, name, fresh))
        return False

    look()
    given = str(call.flag("request-timeout", "0"))
    call.wait(look, duration(given if given[-1].isalpha() else given + "s") or FOLLOW_SECONDS)


LOGS = Command(
    "logs", "Print the logs for a container in a pod", "kubectl logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]", run_logs,
    (
        SELECTOR, Flag("container", "c"), boolean("follow", "f"), boolean("previous", "p"), boolean("all-containers"), boolean("all-pods"),
        Flag("tail", kind="int", default=-1), Flag("since", kind="duration"), Flag("since-time"), Flag("limit-bytes", kind="int"),
        boolean("timestamps"), boolean("prefix"), boolean("ignore-errors"), Flag("max-log-requests", kind="int", default=5), ALL_NAMESPACES,
        Flag("pod-running-timeout", kind="duration"), boolean("insecure-skip-tls-verify-backend"),
    ),
)  # fmt: skip


# -- exec --------------------------------------------------------------------------------------------------------------------


def run_exec(call: Call) -> None:
    """Run a command in a container and print what it says."""
    dash = call.values.dash
    names, command = (call.args[:1], call.args[1:]) if dash < 0 else (call.args[:dash], call.args[dash:])
    if not names and not call.flag("filename"):
        raise usage_error(call.path, "pod, type/name or --filename must be specified")
    if dash < 0 and command:
        raise Failure(
            "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\n"
            "See 'kubectl exec -h' for help and examples"
        )
    if not command:
        raise Failure("you must specify at least one command for the container")
    pod = pods_behind(call, names[0])[0]
    if dig(pod, "status.phase") in ("Succeeded", "Failed"):
        raise Failure(f"cannot exec into a container in a completed pod; current phase is {dig(pod, 'status.phase')}")
    container = call.flag("container") or default_container(call, pod)
    parameters = (("container", container), *(("command", word) for word in command), ("stdout", "true"), ("stderr", "true"))
    if call.flag("stdin") and call.inputs.stdin is not None:
        parameters += (("stdin", call.inputs.stdin),)
    answer = call.api.do(
        "create", call.mapper.resource("pods"), call.namespace, pod["metadata"]["name"], subresource="exec", parameters=parameters
    )
    _show(call, answer)


def end_with(call: Call, remark: str, code: int) -> NoReturn:
    """End with the exit code of something that ran in a container."""
    call.err(remark)
    raise Failure("", code)


def _show(call: Call, answer: Any) -> None:
    """What the command wrote, and its exit code."""
    call.write(str(answer.get("stdout", "")))
    code = int(answer.get("exitCode") or 0)
    if code:
        end_with(call, f"command terminated with exit code {code}", code)


EXEC = Command(
    "exec", "Execute a command in a container", "kubectl exec (POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...]", run_exec,
    (*FILENAME, Flag("container", "c"), boolean("stdin", "i"), boolean("tty", "t"), boolean("quiet", "q"),
     Flag("pod-running-timeout", kind="duration")),
)  # fmt: skip
