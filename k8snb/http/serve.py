"""``k8snb serve``: a cluster for real kubectl, until it is interrupted.

k8snb serve --port 6443 --kubeconfig k8snb.kubeconfig --nodes nodes.yaml --runtime hollow
kubectl --kubeconfig k8snb.kubeconfig get nodes
"""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

from k8snb.apimachinery.yaml import documents
from k8snb.http.endpoint import Endpoint
from k8snb.messages import NotHere, text
from k8snb.sim.clock import SECOND
from k8snb.sim.pace import wall_clock
from k8snb.simulation.config import configuration
from k8snb.simulation.simulation import Simulation

BEFORE = 10 * SECOND  # of virtual time, in which a cluster starts and settles


def machines(nodes: str) -> Any:
    """Nodes as the command line names them: a number, or a file of Node manifests. Raises OSError, ValueError."""
    if nodes.isdecimal():
        return int(nodes)
    found = [document.value for document in documents(Path(nodes).read_text(encoding="utf-8")) if document.value]
    if not all(isinstance(node, dict) and node.get("kind") == "Node" for node in found):
        raise ValueError(text("serve.no_nodes", file=nodes))
    names = [(node.get("metadata") or {}).get("name") for node in found]
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise ValueError(text("serve.bad_node", file=nodes))
    return found


def new_simulation(nodes: Any, *, runtime: str = "faithful", seed: int = 0, loud: bool = True) -> Simulation:
    """A settled cluster whose time is now. (When it began is part of its configuration, so a run can be repeated.)"""
    start = wall_clock() // SECOND * SECOND - BEFORE
    simulation = Simulation.create(configuration(nodes, seed, runtime=runtime, start=start, loud=loud))
    simulation.settle()
    simulation.run_for(max(0, wall_clock() - simulation.now))
    return simulation


def serve_here(simulation: Simulation, *, port: int = 0, factor: float = 1.0) -> Endpoint:
    """Serve in the event loop that is running. Raises RuntimeError where none is, OSError where the port is taken."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise NotHere(text("serve.no_loop")) from None
    endpoint = Endpoint(simulation, port, factor=factor)
    endpoint.start()
    return endpoint


async def serve(simulation: Simulation, *, port: int, kubeconfig: Path, factor: float = 1.0) -> None:
    """Serve until interrupted. Raises OSError where the port is taken or the kubeconfig cannot be written."""
    endpoint = serve_here(simulation, port=port, factor=factor)
    endpoint.kubeconfig(kubeconfig)
    print(text("serve.ready", endpoint=repr(endpoint), kubeconfig=kubeconfig), flush=True)  # noqa: T201  (it talks to a terminal)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:  # Windows: Ctrl-C raises KeyboardInterrupt instead
            break
    await stopped.wait()
    endpoint.stop()
