"""``Cluster``: a Kubernetes that you can hold still.

    cluster = Cluster(nodes=3, seed=7)
    cluster.apply(manifest)               # a request, as kubectl would send it
    cluster.step()                        # one reconcile: who acted, what it saw, what it wrote
    cluster.settle()                      # until nothing changes any more
    cluster.why("deployment/web")         # from your request to this state
    other = cluster.fork()                # a second future

The public face: it only delegates to :mod:`k8snb.simulation`, :mod:`k8snb.kubectl` and :mod:`k8snb.views`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from k8snb.apimachinery.meta import timestamp
from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.request import Options, Request, Response, User
from k8snb.client.client import Client
from k8snb.etcd.store import Compacted
from k8snb.guests.arguments import careful, shown
from k8snb.kubectl.host import SimulatedHost
from k8snb.kubectl.kubectl import Kubectl
from k8snb.kubectl.remarks import remarked
from k8snb.kubectl.result import Result
from k8snb.messages import Missing, Mistake, Plain, Told, counted, text
from k8snb.network.chains import MODES
from k8snb.network.kube_proxy import Rules
from k8snb.seams.cni import ANYBODY, HTTPResponse
from k8snb.sim.clock import duration as length
from k8snb.sim.clock import seconds
from k8snb.sim.kernel import Event
from k8snb.simulation.cloud import Cloud
from k8snb.simulation.config import Nodes, configuration
from k8snb.simulation.etcd import Etcd
from k8snb.simulation.faults import Faults
from k8snb.simulation.history import Position
from k8snb.simulation.images import Images
from k8snb.simulation.learners import Controllers
from k8snb.simulation.load import bounds_of
from k8snb.simulation.machine_files import Machine
from k8snb.simulation.outside import Forwards
from k8snb.simulation.past import Past
from k8snb.simulation.scheduling import Scheduling
from k8snb.simulation.simulation import LIMIT, QUIET, Settled, Simulation
from k8snb.simulation.watching import Watch
from k8snb.views.difference import Difference, difference
from k8snb.views.graph import Graph
from k8snb.views.load import Load
from k8snb.views.packet import PacketTrace, source_of, url_of
from k8snb.views.scheduling import Grid
from k8snb.views.steps import Step
from k8snb.views.timeline import Timeline
from k8snb.views.why import Why
from k8snb.views.window import Window

if TYPE_CHECKING:
    from k8snb.http.endpoint import Endpoint
    from k8snb.simulation.machines import Machines
    from k8snb.widgets.cluster_view import ClusterView

Manifest = str  # YAML or JSON
StepSize = Any  # one of these; step() itself says of a number what to write instead
STEP_SIZES = ("event", "reconcile", "settle")


def _mode(mode: str) -> str:
    if mode not in MODES:
        raise Mistake(text("cluster.no_proxy_mode", mode=mode, names=", ".join(MODES)))
    return mode


_current: list[Cluster] = []  # at most one: which cluster a bare command of a notebook means


def current() -> Cluster:
    """The cluster that the magics mean: the one that was made last, or chosen with :func:`use`.

    Raises LookupError where none was made yet.
    """
    if not _current:
        raise Missing(text("cluster.none_yet"))
    return _current[0]


def use(cluster: Cluster) -> Cluster:
    """Make a cluster (a fork, say) the current one, and return it. Raises ValueError for anything else."""
    if not callable(getattr(cluster, "kubectl", None)):  # whatever else stands for a cluster
        raise Mistake(text("arguments.wrong", call="use", name="cluster", wanted=text("arguments.cluster"), given=shown(cluster)))
    _current[:] = [cluster]
    return cluster


@careful("cluster", "__init__")
class Cluster:
    """A simulated cluster in virtual time.

        cluster = Cluster(nodes=3, seed=7, metrics=True)

    ``nodes``: how many workers, or Node manifests. ``seed``: the same seed and the same requests give the same bytes.
    ``runtime``: ``faithful`` (images are pulled, probed, restarted), ``hollow`` or ``hollow-exits`` (containers start at once,
    as on the control plane that the reference recordings were made with). ``etcd``: how many members etcd has; with 3 it is a
    Raft group, see ``cluster.etcd``. ``encrypt_secrets``: etcd holds Secrets as ciphertext. ``storage``: there is a
    default StorageClass, ``standard``, whose disks are simulated.
    ``ingress``: an Ingress controller (ingress-nginx, class ``nginx``) is installed.
    ``cloud``: ``aks`` is a managed cluster; its ``nodes`` are then the machines of a first node pool, see ``cluster.cloud``.
    ``scheduler``: a KubeSchedulerConfiguration as YAML text or as a dict (profiles, plugins, weights), see ``cluster.scheduler``.
    ``kubelet``: a KubeletConfiguration for all nodes, likewise (eviction thresholds, a graceful shutdown, the collection of images).
    ``metrics``: a metrics server runs, for ``kubectl top`` and HorizontalPodAutoscalers (in a managed cluster it does anyway).
    ``start``: the virtual time at the beginning, in microseconds since the Unix epoch. ``settled``: run until nothing changes any
    more. ``loud``: warn of what is accepted and not simulated. ``shuffle``: draw the order of what happens at the same time, to
    hunt races. Raises ValueError, in one sentence, for what cannot be.
    """

    def __init__(
        self, nodes: Nodes = 3, seed: int = 0, *, runtime: str = "faithful",
        start: int | None = None, shuffle: bool = False, loud: bool = True, settled: bool = True,
        etcd: int = 1, encrypt_secrets: bool = False, storage: bool = False, ingress: bool = False,
        cloud: str = "", scheduler: str | Mapping[str, Any] | None = None,
        kubelet: str | Mapping[str, Any] | None = None, metrics: bool | None = None,
    ):  # fmt: skip
        config = configuration(
            nodes, seed, runtime=runtime, start=start, shuffle=shuffle, loud=loud, etcd=etcd, encrypt_secrets=encrypt_secrets,
            storage=storage, ingress=ingress, cloud=cloud, scheduler=scheduler, kubelet=kubelet, metrics=metrics,
        )  # fmt: skip
        self._adopt(Simulation.create(config))
        use(self)
        if settled:
            self.simulation.settle()

    def _adopt(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.client = Client(self.send, User(), "kubectl")
        self.faults = Faults(simulation)
        self.etcd = Etcd(simulation)
        self.controllers = Controllers(simulation)
        self._cloud = Cloud(simulation)
        self.scheduler = Scheduling(simulation)
        self.forwards = Forwards(simulation)
        self._terminal = Kubectl(self.send, SimulatedHost(simulation))
        self._view: ClusterView | None = None

    @classmethod
    def _over(cls, simulation: Simulation) -> Cluster:
        cluster = cls.__new__(cls)
        cluster._adopt(simulation)
        return cluster

    def __repr__(self) -> str:
        parts = self.simulation.parts  # counted past the API server: a cluster without etcd can be printed, too
        nodes, pods = (parts.store.count(parts.server.catalogue.by_key[key].prefix) for key in ("nodes", "pods"))
        return f"<Cluster at {timestamp(self.now)}: {counted(nodes, 'node')}, {counted(pods, 'pod')}, revision {self.revision}>"

    # ------------------------------------------------------------------ looking

    @property
    def now(self) -> int:
        """Virtual time, in microseconds since the Unix epoch."""
        return self.simulation.now

    @property
    def revision(self) -> int:
        """The revision of the last write to etcd."""
        return self.simulation.root.store.revision

    @property
    def position(self) -> Position:
        """This moment, for :meth:`rewind`."""
        return self.simulation.position

    def send(self, request: Request) -> Response:
        """Send one request to the API server, from outside the cluster."""
        return self.simulation.request(request)

    def kubectl(self, line: str | Sequence[str], stdin: str | None = None, files: Mapping[str, str] | None = None) -> Result:
        """Run a kubectl command (without the word kubectl) and give what a terminal would show.

        Commands that wait let virtual time pass. ``stdin`` is what ``-f -`` reads; ``files`` are found before those on disk. Below
        kubectl's words may stand a remark of ours, such as the line of a manifest that an error is about.
        """
        return remarked(self._terminal.run(line, stdin, files), self.simulation.parts.server.catalogue.by_kind)

    def complete(self, line: str, cursor: int | None = None) -> list[str]:
        """What may stand at the cursor of a kubectl command: commands, resource types, names of live objects, flags."""
        return self._terminal.complete(line, cursor)

    def apply(self, manifest: Manifest, options: str = "") -> Result:
        """``kubectl apply`` of YAML text; ``options`` such as ``-n shop`` or ``--server-side``."""
        return self.kubectl(f"apply -f - {options}", stdin=manifest)

    def http(
        self, url: str, from_pod: str = "", *, from_node: str = "", method: str = "GET", timeout: float = 0,
        headers: Mapping[str, str] | None = None, body: str = "", insecure: bool = False,
    ) -> HTTPResponse:  # fmt: skip
        """Send an HTTP request and follow it hop by hop: names, Services, nodes, the process that answers.

        It comes from a pod (``name`` or ``namespace/name``), from a node, or from outside the cluster. The answer never raises
        for what went wrong on the way: see its ``status``, ``error``, ``hops`` and ``why``. ``timeout`` in seconds. A header
        ``Host`` asks an address for a host. ``insecure`` believes any certificate. Redirects are not followed. Time does not move.
        """
        sent = {"method": method, "headers": tuple((headers or {}).items()), "body": body}
        trust = ANYBODY if insecure else ""
        return self.simulation.http(url, pod=from_pod, node=from_node, timeout=seconds(timeout), trust=trust, **sent)

    def trace_packet(
        self, source: str | Object, destination: str | Object, *, mode: str = "iptables", headers: Mapping[str, str] | None = None,
    ) -> PacketTrace:  # fmt: skip
        """Every way that a request could take now: each chain, policy and rule that decides, with the share of each way.

            cluster.trace_packet("box", "http://web")          # from Pod box; "outside" and "node/node-1" are sources, too

        Objects will do as well: a Pod or Node to begin at, a Service or Pod to ask (at its first port). ``mode``: kube-proxy's
        chains as ``iptables`` or ``nftables`` names them. Only looks: nothing is sent, drawn or counted. Those are the ways of a new
        connection; where those go that the client keeps is said below.
        """
        begin, url = source_of(source), url_of(destination)
        kind, _, name = begin.partition("/")
        outside = begin in ("", "outside")
        place = {"node": name} if kind == "node" and name else {} if outside else {"pod": name if kind == "pod" else begin}
        ways = self.simulation.parts.machines.trace(url, mode=_mode(mode), headers=tuple((headers or {}).items()), **place)
        kept = self.simulation.parts.machines.kept(url, **place)
        return PacketTrace(begin or "outside", url, ways, kept)

    def rules(self, node: str, service: str = "", *, mode: str = "iptables", namespace: str = "default") -> Rules:
        """kube-proxy's rules on a node as ``iptables-save`` (or, with ``mode="nftables"``, ``nft list``) prints them there.

        Of the whole node, or only what one Service adds.
        """
        return self._proxied(node).proxies[node].text(_mode(mode), service if "/" in service or not service else f"{namespace}/{service}")

    def conntrack(self, node: str) -> Plain:
        """The connections that a node keeps on their ways, as ``conntrack -L`` prints them there. Raises ValueError for no machine."""
        found: Plain = self._proxied(node).network.conntrack(node)
        return found

    def _proxied(self, node: str) -> Machines:
        """The machines, where the node is one with a kube-proxy. Raises ValueError for others."""
        machines = self.simulation.parts.machines
        machines.known(node)
        if node not in machines.proxies:
            raise Mistake(text("cluster.no_proxy", node=node))
        return machines

    def node(self, name: str) -> Machine:
        """A machine, as somebody who is logged in on it sees it: ``cluster.node("node-1").static_pods["web.yaml"] = manifest``.

        Raises ValueError where there is none of that name.
        """
        return Machine(self.simulation, name)

    def load_test(
        self, url: str, rate: float | tuple[float, float] = 10, duration: float = 60, *, from_pod: str = "", shape: str = "steady",
        timeout: float = 1, wait: bool = True, connections: int = 0,
    ) -> Load:  # fmt: skip
        """Send requests over virtual time and keep what comes back: how many fail and how, and how long they take.

            cluster.load_test("http://web", rate=20, duration=60, from_pod="box")
            cluster.load_test("http://20.50.0.11", rate=(5, 50), shape="ramp", wait=False)     # goes on while you look at other things

        ``rate``: requests a second, or the lowest and the highest for the shapes ``ramp``, ``step`` and ``sine``. ``duration`` and
        ``timeout`` in seconds. ``connections``: how many the client keeps open and uses in turn (keep-alive), each of which stays with
        its endpoint; 0: one for each request. With ``wait`` the whole time passes now. Raises ValueError for what cannot be sent.
        """
        low, high = bounds_of(rate, shape)
        times = {"duration": seconds(duration), "timeout": seconds(timeout)}
        number = self.simulation.fault("load", url=url, pod=from_pod, low=low, high=high, shape=shape, connections=connections, **times)
        if wait:
            self.run_for(duration)
        return Load(self.simulation, number)

    def registry(self, host: str, username: str = "", password: str = "") -> None:
        """Put up a registry of images in the world outside: with a user's name a private one, which wants an imagePullSecret.

        It has copies of the images of Docker Hub: ``registry.example.com/nginx:1.27``. Raises ValueError for what is no host.
        """
        self.simulation.fault("registry", host=host, user=username, password=password, down=False)

    @property
    def cloud(self) -> Cloud:
        """The cloud's own controls, where others have ``az``: node pools, load balancers, disks. Only with ``Cluster(cloud="aks")``."""
        if not self.simulation.root.config.cloud:
            raise Mistake(text("cloud.bare"))
        return self._cloud

    @property
    def images(self) -> Images:
        """The images that containers can run; ``cluster.images.add(MyImage)`` makes another one known from now on."""
        return Images(self.simulation)

    def get(self, resource: str, name: str = "", namespace: str = "") -> Any:
        """One stored object by name (None where there is none), or all objects of a resource, of one namespace where that is given.

        By name it is looked for in ``default``, unless another namespace is given.

        ``resource`` is a key such as ``pods`` or ``deployments.apps``; see :meth:`kubectl` for kubectl's own words.
        """
        server, kind = self.simulation.parts.server, self._kind(resource)
        if not name:
            return server.stored_list(kind.key, namespace)
        return server.stored(kind.key, name, (namespace or "default") if kind.namespaced else "")

    def _kind(self, resource: str) -> Resource:
        found = self.simulation.parts.server.catalogue.named(resource)
        if found is None and "/" in resource:
            kind, _, name = resource.partition("/")
            raise Mistake(text("cluster.apart", kind=kind, name=name))
        if found is None:
            raise Mistake(text("cluster.no_resource", resource=resource))
        return found

    def watch(self, resource: str, *, since: int | None = None, namespace: str = "", name: str = "") -> Watch:
        """Follow the changes of a resource, as a component does: ``take()`` gives what has come since the last look.

        Without ``since`` the present objects come first, as ADDED; with it, everything after that revision. Where etcd's history no
        longer reaches back so far, an ERROR (410, ``too old resource version``) is all that comes. ``resource`` as in :meth:`get`.
        """
        kind = self._kind(resource)
        options = Options(resource_version="" if since is None else str(since), field_selector=f"metadata.name={name}" if name else "")
        where = namespace if kind.namespaced else ""
        return Watch(self.simulation, Request("watch", kind.group, kind.version, kind.plural, where, options=options))

    def graph(self, kind: str = "ownership", of: str | Object = "", namespace: str = "") -> Graph:
        """A picture: ``components``, ``ownership``, ``storage``, ``traffic`` (of a Service), ``causes`` (of any object) or ``etcd``.

            cluster.graph("traffic", of="service/web")

        ``of`` is an object, or its name as ``deployment/web``; for ``components`` the one to set off, such as ``kubelet``.
        Its ``namespace`` is ``default`` unless another one is given; without an object a namespace narrows ``ownership`` and ``storage``
        to what is in it. Raises LookupError where there is no such object or namespace.
        """
        return Window(self.simulation).graph(kind, of, namespace)

    def why(self, what: str | Object, namespace: str = "default") -> Why:
        """Why an object is as it is: from the users' requests to this state. ``what`` as in :meth:`graph`.

        Raises LookupError where there is no such object, and as far as is remembered never was.
        """
        window = Window(self.simulation)
        return window.why(window.known(window.identify(what, namespace)))

    def timeline(self, what: str | Object, namespace: str = "default") -> Timeline:
        """The lives of all pods that an object owns or owned, as bars over time; of a pod, those of its containers.

        ``what`` as in :meth:`graph`. Raises LookupError as :meth:`why` does.
        """
        window = Window(self.simulation)
        return window.timeline(window.known(window.identify(what, namespace)))

    def diagnosis(self, pod: str | Object, namespace: str = "default", *, attempt: int = 0) -> Grid:
        """The scheduler's last decision on a pod as a grid: node by node and plugin by plugin, the reason or the points.

        ``pod`` is an object, or its name as ``pod/web-1`` or ``web-1``; ``attempt`` chooses an earlier decision, from 1. Raises
        LookupError where there is no such pod, and where the scheduler has decided nothing about it yet (the sentence says why).
        """
        window = Window(self.simulation)
        name = window.identify(f"pod/{pod}" if isinstance(pod, str) and "/" not in pod else pod, namespace)
        found = window.decision(name, attempt)
        if isinstance(found, str):
            raise Missing(found)
        return found

    def view(self) -> ClusterView:
        """The live view: a widget that follows this cluster, steps it, plays it and looks into its past."""
        if self._view is None:
            from k8snb.widgets.cluster_view import ClusterView

            self._view = ClusterView(Window(self.simulation), self.step)
            self.simulation.listeners.append(self._view.changed)
        return self._view

    # ------------------------------------------------------------------ time

    def step(self, size: StepSize = "reconcile") -> Step:
        """Go on by one ``event``, one ``reconcile`` or until ``settle``; the result says who did what and why."""
        if not isinstance(size, str) or size not in STEP_SIZES:
            raise Mistake(text("cluster.no_size", size=shown(size), names=", ".join(STEP_SIZES)))
        trace, before = self.simulation.parts.kernel.trace, self.simulation.parts.kernel.trace.last
        began, remark, handled = self.now, "", ""
        if size == "event":
            event = self.simulation.step_event()
            handled = f"{event.component}  {event.why}" if event is not None else ""
        elif size == "reconcile":
            self.simulation.step_reconcile()
        else:
            restless = self.simulation.settle().restless
            remark = repr(restless) if restless else ""
        return Step(size, began, self.now, tuple(trace.since(before)), trace.get, remark, handled)

    def settle(self, limit: float = LIMIT / 1e6, quiet: float = QUIET / 1e6) -> Settled:
        """Run until no object has changed for ``quiet`` seconds, at most ``limit`` seconds of virtual time."""
        return self.simulation.settle(seconds(limit), seconds(quiet))

    def run_for(self, duration: float) -> int:
        """Let that many seconds of virtual time pass; gives the number of events handled."""
        began, count = self.now, self.simulation.run_for(seconds(duration))
        return Told(count, text("cluster.passed", took=length(self.now - began), count=count))

    def run_until(self, condition: Callable[[Cluster], bool], limit: float = LIMIT / 1e6) -> bool:
        """Run until ``condition(cluster)`` holds, at most ``limit`` seconds; whether it does."""
        return self.simulation.run_until(lambda: bool(condition(self)), seconds(limit))

    def pending(self) -> list[Event]:
        """What is scheduled to happen, heartbeats left out."""
        return self.simulation.pending()

    def serve(self, port: int = 0, *, factor: float = 1.0) -> Endpoint:
        """Let real kubectl in: serve the REST API on loopback, in this notebook's event loop, and let time follow the wall clock.

            endpoint = cluster.serve()
            endpoint.kubeconfig("k8snb.kubeconfig")    # then, in a terminal: kubectl --kubeconfig k8snb.kubeconfig get nodes
            endpoint.stop()                            # time stands still again

        ``factor``: virtual seconds for each second of the wall clock. Steps in cells still work; time goes on from where they
        end. Raises RuntimeError where no event loop runs (in a script: the command ``k8snb serve``), OSError for a taken port.
        """
        from k8snb.http.serve import serve_here  # only who serves needs a web server

        return serve_here(self.simulation, port=port, factor=factor)

    # ------------------------------------------------------------------ other futures, other pasts

    def fork(self) -> Cluster:
        """A second cluster that begins as this one is now and goes its own way."""
        return Cluster._over(self.simulation.fork())

    def rewind(self, position: Position) -> None:
        """Go back to an earlier moment of this cluster. What came after is forgotten."""
        self.simulation.become(self.simulation.past(position))

    def at(self, revision: int) -> Past:
        """All objects as they were at a past revision. Raises ValueError for a revision that is not kept."""
        try:
            return Past(self.simulation, revision)
        except Compacted as gone:
            raise Mistake(text("cluster.no_revision", revision=revision, floor=gone.floor, last=self.revision)) from None

    def snapshot(self) -> Past:
        """All objects as they are now (Events and leases left out)."""
        return Past(self.simulation, self.revision)

    @staticmethod
    def diff(first: Cluster | Past, second: Cluster | Past) -> Difference:
        """What differs between two clusters (two futures), or between two moments of one (see :meth:`at`)."""
        one, two = (side.snapshot() if isinstance(side, Cluster) else side for side in (first, second))
        return difference(one, two)

    def encrypt_secrets(self) -> None:
        """Turn encryption at rest on: from now on Secrets are written to etcd as ciphertext.

        Those that are there stay as they are until somebody writes them again (``kubectl get secrets -A -o json | kubectl replace
        -f -``). The API server is started anew for it, as a real one must be to read another EncryptionConfiguration.
        """
        self.simulation.fault("encrypt_secrets")

    def save(self) -> bytes:
        """The whole cluster as JSON bytes; a learner's own controllers are code, and are not saved."""
        return self.simulation.save()

    @classmethod
    def load(cls, data: bytes) -> Cluster:
        """A cluster from :meth:`save`. Raises ValueError for anything else."""
        return cls._over(Simulation.load(data))
