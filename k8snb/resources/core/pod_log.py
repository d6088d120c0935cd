"""``pods/log``, ``exec``, ``attach`` and ``portforward``: requests that the API server passes on to the kubelet of the Pod's node.

The server knows its kubelets only through ``server.kubelets``, a function from a node's name to what answers there; the
wiring sets it. The answers are small JSON objects: ``{"text": ...}`` for a log, ``{"stdout": ..., "exitCode": ...}`` for a
command (over HTTP a log is plain text), ``{"status": ..., "text": ...}`` for what came back through a forwarded port.

Models: pkg/registry/core/pod/strategy.go (LogLocation), pkg/registry/core/pod/rest/{log,subresources}.go.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.errors import Errors, bad_request, invalid, object_invalid, object_not_found
from k8snb.apimachinery.meta import parse_time
from k8snb.apimachinery.objects import FrozenDict, FrozenList, Object, freeze
from k8snb.apimachinery.strconv import parse_int
from k8snb.apimachinery.validation import not_negative
from k8snb.sim.clock import SECOND

TYPED = "k8snb-stdin"
"""The parameter of exec that holds what was typed: a request is one message here, not a conversation."""


def log(context: Any, request: Any, pod: Object | None) -> Object:
    """GET pods/NAME/log: the container's output, with kubectl's parameters (``tailLines``, ``previous`` ...)."""
    if pod is None:
        raise object_not_found("", "pods", request.name)
    asked, meta = dict(request.options.parameters), pod["metadata"]
    seconds, tail, limit = (_number(asked, name) for name in ("sinceSeconds", "tailLines", "limitBytes"))
    errors = [*not_negative("tailLines", tail), *_positive("limitBytes", limit), *_positive("sinceSeconds", seconds)]
    if errors:
        raise object_invalid("", "PodLogOptions", meta["name"], errors)
    container = _container(pod, asked.get("container", ""))
    choices = {
        "previous": _true(asked, "previous"), "since": _since(context, asked, seconds), "tail": -1 if tail is None else tail,
        "timestamps": _true(asked, "timestamps"), "limit_bytes": limit or 0,
    }  # fmt: skip
    return FrozenDict({"text": _endpoint(context, pod).log(meta["namespace"], meta["name"], container, choices)})


def _number(asked: dict[str, str], name: str) -> int | None:
    """A parameter that is a whole number; None where it was not given."""
    try:
        return parse_int(asked[name]) if asked.get(name) else None
    except ValueError as wrong:
        raise bad_request(str(wrong)) from None


def _positive(field: str, number: int | None) -> Errors:
    return [invalid(field, number, "must be greater than 0")] if number is not None and number < 1 else []


def _since(context: Any, asked: dict[str, str], seconds: int | None) -> int:
    """The moment from which on the log is wanted, in microseconds."""
    if seconds is not None:
        return int(context.now - seconds * SECOND)
    micros = _number(asked, "sinceMicros")  # of whoever follows a log from a moment on (component_helpers/logs.py)
    if micros is not None:
        return micros
    try:
        return parse_time(asked["sinceTime"]) if asked.get("sinceTime") else 0
    except ValueError as wrong:
        raise bad_request(str(wrong)) from None


def execute(context: Any, request: Any, pod: Object | None) -> Object:
    """POST pods/NAME/exec: run ``command`` in a container, to its end. A body ``{"session": ...}``: it is a shell at a terminal."""
    if pod is None:
        raise object_not_found("", "pods", request.name)
    container = _container(pod, dict(request.options.parameters).get("container", ""))
    command = tuple(value for key, value in request.options.parameters if key == "command")
    if not command:
        raise bad_request("you must specify at least one command for the container")
    stdin = dict(request.options.parameters).get(TYPED, "")
    session = (request.body or {}).get("session")
    done = _endpoint(context, pod).run(pod["metadata"]["namespace"], pod["metadata"]["name"], container, command, stdin, session=session)
    printed = done.printed or ((1, done.output),)
    return FrozenDict({
        "stdout": "".join(text for descriptor, text in printed if descriptor == 1),
        "stderr": "".join(text for descriptor, text in printed if descriptor == 2),
        "printed": FrozenList([FrozenList(piece) for piece in printed]), "exitCode": done.code, "finished": done.finished,
        "times": FrozenList(done.times), "took": done.duration, "session": freeze(done.session),
    })  # fmt: skip


def attach(context: Any, request: Any, pod: Object | None) -> Object:
    """POST pods/NAME/attach: type into process 1 of a container. What it prints is in its log."""
    if pod is None:
        raise object_not_found("", "pods", request.name)
    asked = dict(request.options.parameters)
    container = _container(pod, asked.get("container", ""))
    _endpoint(context, pod).attach(pod["metadata"]["namespace"], pod["metadata"]["name"], container, asked.get(TYPED, ""))
    return FrozenDict({})


def forward(context: Any, request: Any, pod: Object | None) -> Object:
    """POST pods/NAME/portforward: connect to a port inside of the pod; the body holds the port, and the request that was sent through."""
    if pod is None:
        raise object_not_found("", "pods", request.name)
    reply = _endpoint(context, pod).forward(pod["metadata"]["namespace"], pod["metadata"]["name"], request.body)
    return replied(reply)


def replied(reply: Any) -> Object:
    """What a program answered, as JSON (``reply``: :class:`k8snb.seams.cni.HTTPReply`)."""
    headers = FrozenList([FrozenList(pair) for pair in reply.headers])
    return FrozenDict({"status": reply.status, "text": reply.body, "contentType": reply.content_type, "headers": headers})


def _true(asked: dict[str, str], name: str) -> bool:
    return asked.get(name, "").lower() in ("true", "1")


def _container(pod: Object, asked: str) -> str:
    """The container that is meant; there must be only one where none is named."""
    spec, name = pod["spec"], pod["metadata"]["name"]
    ordinary = [container["name"] for container in spec["containers"]]
    init = [container["name"] for container in spec.get("initContainers") or ()]
    if asked:
        if asked not in [*ordinary, *init, *(one["name"] for one in spec.get("ephemeralContainers") or ())]:
            raise bad_request(f"container {asked} is not valid for pod {name}")
        return asked
    if len(ordinary) == 1 and not init:
        return str(ordinary[0])
    if len(ordinary) == 1:
        raise bad_request(
            f"a container name must be specified for pod {name}, choose one of: [{ordinary[0]}]"
            f" or one of the init containers: [{' '.join(init)}]"
        )
    raise bad_request(f"a container name must be specified for pod {name}, choose one of: [{' '.join(ordinary)}]")


def _endpoint(context: Any, pod: Object) -> Any:
    node = pod["spec"].get("nodeName")
    if not node:
        raise bad_request(f"pod {pod['metadata']['name']} does not have a host assigned")
    return context.server.kubelets(node)
