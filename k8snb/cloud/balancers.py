"""Load balancers: a public address in front of the nodes, and probes that find out which nodes to send to.

    ensure --"load balancer"--> the address is there; from then on a probe of every backend every five seconds
    two failed probes in a row: no new connections to that node; one good probe: connections again

With ``externalTrafficPolicy: Cluster`` every node is a backend for every Service, and the probe asks whether the Service's node
port accepts a connection. With ``Local`` the probe asks the node's ``healthCheckNodePort``, and only nodes with a ready pod of
the Service answer 200: so only they get traffic.

Models: pkg/provider/azure_loadbalancer.go of cloud-provider-azure (defaults of its health probes); Azure Load Balancer, Standard.
Simplified: TCP probes also for UDP ports; connections that exist are not modelled, so none is kept when a node drops out.
"""

from __future__ import annotations

from typing import NamedTuple

from k8snb.cloud.azure import RUNNING, AzureState
from k8snb.cloud.pools import Instance
from k8snb.seams.cloud import Ensured, Frontend, LoadBalancer
from k8snb.seams.cni import Network, Source
from k8snb.sim.clock import LATENCY, SECOND
from k8snb.sim.kernel import Event, Kernel

NAME = "azure/load-balancers"
PROBE_INTERVAL = 5 * SECOND
PROBE_FAILURES = 2
PUBLIC, INTERNAL = "20.50.", "10.224.250."


class Balancer(NamedTuple):
    """One load balancer, with one address. It serves from ``since`` (µs) on, also while the cloud changes something about it;
    ``ready`` (µs): when the cloud will have done what was asked last.

    ``failures``: for each (port, node) how many probes in a row have failed; no entry: none has been made.
    """

    service: str
    address: str
    internal: bool
    frontends: tuple[Frontend, ...]
    nodes: tuple[str, ...]
    since: int
    ready: int
    failures: tuple[tuple[int, str, int], ...] = ()
    going: bool = False

    def healthy(self, port: int) -> tuple[str, ...]:
        """The nodes that connections to a port are sent to now."""
        return tuple(node for at, node, failed in self.failures if at == port and failed < PROBE_FAILURES and node in self.nodes)


class LoadBalancerService:
    """Implements :class:`k8snb.seams.cloud.Balancers` and :class:`k8snb.seams.cloud.CloudNetwork`."""

    def __init__(self, kernel: Kernel, state: AzureState, network: Network):
        self.kernel, self.state, self.network = kernel, state, network
        kernel.handlers[NAME] = self.handle

    # -- what the cloud-controller-manager asks ----------------------------------------------------------------------

    def ensure(self, service: str, frontends: tuple[Frontend, ...], nodes: tuple[str, ...], *, internal: bool = False) -> Ensured:
        """Make it as it should be."""
        known: Balancer | None = self.state.balancers.get(service)
        if known is None or known.internal != internal:
            known = self._make(service, frontends, nodes, internal)
        elif (known.frontends, known.nodes) != (frontends, nodes):
            ready = max(known.ready, self.kernel.now + LATENCY["load balancer change"])
            known = known._replace(frontends=frontends, nodes=nodes, ready=ready, going=False)
            self._keep(known, "change")
        return Ensured(known.address, max(0, known.ready - self.kernel.now))

    def _make(self, service: str, frontends: tuple[Frontend, ...], nodes: tuple[str, ...], internal: bool) -> Balancer:
        self.state.public += 1
        number = self.state.public
        address = f"{INTERNAL}{number + 3}" if internal else f"{PUBLIC}{number // 200}.{number % 200 + 10}"
        since = self.kernel.now + LATENCY["load balancer"]
        made = Balancer(service, address, internal, frontends, nodes, since, since)
        self._keep(made, "create load balancer")
        return made

    def delete(self, service: str) -> int:
        """Remove it."""
        known: Balancer | None = self.state.balancers.get(service)
        if known is None:
            return 0
        if not known.going:
            self._keep(known._replace(going=True, ready=self.kernel.now + LATENCY["load balancer change"]), "delete load balancer")
        going: Balancer = self.state.balancers[service]
        return max(0, going.ready - self.kernel.now)

    def _keep(self, balancer: Balancer, verb: str) -> None:
        kernel = self.kernel
        self.state.balancers[balancer.service] = balancer
        kernel.trace.add(kernel.now, "runtime", NAME, verb, balancer.service, balancer.address, kernel.causes)
        why = f"the cloud has done what it was asked for {balancer.service}"
        kernel.after(balancer.ready - kernel.now, NAME, ("done", balancer.service, balancer.ready), why=why, causes=kernel.causes)

    # -- what packets ask --------------------------------------------------------------------------------------------

    def load_balancer(self, address: str, port: int) -> LoadBalancer | None:
        """What listens on an address and port."""
        for one in self.state.balancers.values():
            if one.address == address and one.since <= self.kernel.now and any(f.port == port for f in one.frontends):
                return LoadBalancer(one.service, one.healthy(port))
        return None

    # -- probes ------------------------------------------------------------------------------------------------------

    def handle(self, event: Event) -> None:
        """The cloud has done something, or it is time for a probe."""
        kind, service, ready = event.key
        known: Balancer | None = self.state.balancers.get(service)
        if known is None or known.ready != ready:
            return  # something else was asked for meanwhile
        if kind == "done" and known.going:
            del self.state.balancers[service]
            return
        self._probe(known)
        self.kernel.after(PROBE_INTERVAL, NAME, ("probe", service, ready), why=f"health probes of {service}", background=True)

    def _probe(self, balancer: Balancer) -> None:
        before = {(port, node): failed for port, node, failed in balancer.failures}
        after = {}
        for frontend in balancer.frontends:
            for node in balancer.nodes:
                at = (frontend.port, node)
                failed = before.get(at, PROBE_FAILURES)  # a new backend gets traffic once it has answered
                after[at] = 0 if self._answers(node, frontend) else min(failed + 1, PROBE_FAILURES)
        self.state.balancers[balancer.service] = balancer._replace(failures=tuple((*at, failed) for at, failed in after.items()))
        for at, failed in after.items():
            if (before.get(at, PROBE_FAILURES) < PROBE_FAILURES) != (failed < PROBE_FAILURES):
                verb = "probe fails" if failed else "probe succeeds"
                self.kernel.trace.add(self.kernel.now, "note", NAME, verb, f"{balancer.service} {at[1]}", None, self.kernel.causes)

    def _answers(self, node: str, frontend: Frontend) -> bool:
        instance: Instance | None = self.state.instances.get(node)
        if instance is None or instance.state != RUNNING:
            return False
        if frontend.probe_path:
            response = self.network.http(f"http://{instance.address}:{frontend.probe_port}{frontend.probe_path}", Source())
            return response.status == 200
        return not self.network.dial(instance.address, frontend.probe_port, Source()).error
