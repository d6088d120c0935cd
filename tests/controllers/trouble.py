"""The troubles that every scenario is told in: see ``scenarios.py``.

A trouble is a generator over a run: it strikes, yields the condition under which it wants to strike again, and mends what it broke when
it is closed. What is drawn is drawn from the names of the scenario and the trouble, so a failure can be told again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apiserver.request import Request, Response
from k8snb.client.client import Send
from tests.controllers.scenarios import Run, Strikes, Trouble, never

MANAGER = "kube-controller-manager"
WRITES = frozenset({"create", "update", "patch", "delete"})
MOST = 12  # so often does a trouble of one kind strike
OUTAGE = 8  # seconds
SILENCE = 25  # seconds in which a node is not heard of: too few for anybody to give it up

Answer = Callable[[Send, Request], Response]


# ---------------------------------------------------------------- writes of the loop


@contextmanager
def between(run: Run, answer: Answer) -> Iterator[None]:
    """The loop's first write, and of those after it some, drawn, are answered by ``answer`` in place of the API server."""
    client, draws, left = run.loop.client, Random(run.scenario.name), [MOST]
    send = client._send

    def instead(request: Request) -> Response:
        hit = request.verb in WRITES and request.resource != "events" and left[0] and (left[0] == MOST or draws.random() < 0.5)
        left[0] -= bool(hit)
        return answer(send, request) if hit else send(request)

    client._send = instead
    try:
        yield
    finally:
        client._send = send


def failing() -> Response:
    """What an API server says that has lost its way."""
    return Response(500, ApiError(500, "InternalError", "Internal error occurred: injected fault").status)


def answered(answer: Callable[[Run], Answer]) -> Trouble:
    """The loop's writes meet ``answer``."""

    def strike(run: Run) -> Strikes:
        with between(run, answer(run)):
            yield never

    return strike


def refused(_run: Run) -> Answer:
    """500, and nothing is written."""
    return lambda _send, _request: failing()


def unheard(_run: Run) -> Answer:
    """It is written, but the answer is lost: the loop hears of a failure."""

    def answer(send: Send, request: Request) -> Response:
        done = send(request)
        return failing() if done.ok else done

    return answer


def overtaken(run: Run) -> Answer:
    """Somebody else writes to the object a moment before: what relies on its resourceVersion is a 409 Conflict."""

    def answer(send: Send, request: Request) -> Response:
        key = f"{request.resource}.{request.group}" if request.group else request.resource
        if request.verb == "update" and run.cluster.client.find(key, request.name, request.namespace):
            note = {"metadata": {"annotations": {"example.com/touched": str(run.cluster.revision)}}}
            run.cluster.client.patch(key, request.name, note, request.namespace)
        return send(request)

    return answer


# ---------------------------------------------------------------- processes, watches, machines


def repeated(every: int, act: Callable[[Run], None]) -> Trouble:
    """Something happens at every so-many-th event."""

    def strike(run: Run) -> Strikes:
        for _ in range(MOST):
            yield run.after_events(every)
            act(run)
        yield never

    return strike


def restart(run: Run) -> None:
    """The controllers' process dies and is started again at once."""
    run.cluster.faults.stop(MANAGER)
    run.cluster.faults.start(MANAGER)


def cut(run: Run) -> None:
    """The controllers' watches break; what was under way is lost."""
    run.cluster.faults.break_watches(MANAGER)


def interrupted(break_it: Callable[[Run], None], mend_it: Callable[[Run], None], *, at: int, seconds: float) -> Trouble:
    """Something is broken at the ``at``-th event and mended after some seconds; and later once more."""

    def strike(run: Run) -> Strikes:
        for events in (at, 3 * at):
            yield run.after_events(events)
            break_it(run)
            try:
                yield run.after_seconds(seconds)
            finally:
                mend_it(run)
        yield never

    return strike


def away(component: str, *, at: int, seconds: float = OUTAGE) -> Trouble:
    """A component stops in the middle, and is started after some seconds."""
    return interrupted(
        lambda run: run.cluster.faults.stop(component), lambda run: run.cluster.faults.start(component), at=at, seconds=seconds
    )


def unreachable(node: str) -> Trouble:
    """A machine is cut off for a while."""
    return interrupted(
        lambda run: run.cluster.faults.partition_node(node), lambda run: run.cluster.faults.restore_node(node), at=10, seconds=SILENCE
    )


def lasting(break_it: Callable[[Any], None], mend_it: Callable[[Any], None]) -> Trouble:
    """Something is broken from the beginning to the end."""

    def strike(run: Run) -> Strikes:
        break_it(run.cluster)
        try:
            yield never
        finally:
            mend_it(run.cluster)

    return strike


def slow_kubelets(cluster: Any) -> None:
    """Every kubelet hears of its pods late, and images come slowly."""
    cluster.faults.registry_slow("docker.io", 10)
    for node in cluster.simulation.parts.machines.kubelets:
        cluster.faults.delay_watches(f"kubelet/{node}", 4)


def quick_kubelets(cluster: Any) -> None:
    """As usual."""
    cluster.faults.registry_up("docker.io")
    for node in cluster.simulation.parts.machines.kubelets:
        cluster.faults.delay_watches(f"kubelet/{node}", 0)


def together(*troubles: Trouble) -> Trouble:
    """Several at a time."""

    def strike(run: Run) -> Strikes:
        parts = [trouble(run) for trouble in troubles]
        dues = [next(part) for part in parts]
        try:
            while True:
                yield lambda: any(due() for due in dues)  # noqa: B023 -- asked before they change
                dues = [next(part, never) if due() else due for part, due in zip(parts, dues, strict=True)]
        finally:
            for part in parts:
                part.close()

    return strike


late_watches = lasting(lambda cluster: cluster.faults.delay_watches(MANAGER, 3), lambda cluster: cluster.faults.delay_watches(MANAGER, 0))

TROUBLES: dict[str, Trouble] = {
    "writes are refused": answered(refused),
    "answers are lost": answered(unheard),
    "somebody writes first": answered(overtaken),
    "restarted at every 5th event": repeated(5, restart),
    "restarted at every 14th event": repeated(14, restart),
    "restarted at every 41st event": repeated(41, restart),
    "the manager is away": away(MANAGER, at=7),
    "watches break at every 9th event": repeated(9, cut),
    "watches are late": late_watches,
    "kubelets are slow": lasting(slow_kubelets, quick_kubelets),
    "a kubelet is away": away("kubelet/node-1", at=10, seconds=SILENCE),
    "a node is cut off": unreachable("node-1"),
    "etcd is down": away("etcd", at=6),
    "the API server is down": away("kube-apiserver", at=9),
    "restarts and refusals": together(repeated(23, restart), answered(refused)),
    "late watches and conflicts": together(late_watches, answered(overtaken)),
    "an API server down and broken watches": together(away("kube-apiserver", at=12), repeated(17, cut)),
    "slow kubelets and restarts": together(lasting(slow_kubelets, quick_kubelets), repeated(31, restart)),
}
