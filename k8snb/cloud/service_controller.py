"""The service controller: a Service of type LoadBalancer gets a load balancer of the cloud, and loses it again.

    created  -> finalizer, EnsuringLoadBalancer -> the cloud works -> status.loadBalancer.ingress, EnsuredLoadBalancer
    deleted  -> DeletingLoadBalancer -> the cloud works -> DeletedLoadBalancer, the finalizer goes, the Service goes
    nodes change -> the load balancer's backends change, UpdatedLoadBalancer

Until the cloud has an address, ``kubectl get service`` prints ``<pending>``: for ever, where there is no cloud.

Models: k8s.io/cloud-provider/controllers/service/controller.go.
Simplified: shared addresses, and the annotations of Azure but for the internal one, are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import annotation
from k8snb.apimachinery.objects import EMPTY_LIST, Object, dig
from k8snb.client.controller import Controller, Watches
from k8snb.cloud.pools import TO_BE_DELETED
from k8snb.seams.cloud import Frontend
from k8snb.sim.state import Shelf

if TYPE_CHECKING:
    from k8snb.cloud.controller_manager import CloudControllerManager

FINALIZER = "service.kubernetes.io/load-balancer-cleanup"
INTERNAL = "service.beta.kubernetes.io/azure-load-balancer-internal"
EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers"
ENSURE, UPDATE, DONE, REMOVING = "ensure", "update", "done", "removing"
_SAID = {
    ENSURE: ("EnsuredLoadBalancer", "Ensured load balancer"),
    UPDATE: ("UpdatedLoadBalancer", "Updated load balancer with new hosts"),
}
Ensured = tuple[tuple[Frontend, ...], tuple[str, ...], bool]


def wants_load_balancer(service: Object) -> bool:
    """Whether this cloud is asked for a load balancer; with a class of its own it is somebody else's business."""
    return service["spec"].get("type") == "LoadBalancer" and not service["spec"].get("loadBalancerClass")


def eligible(node: Object) -> bool:
    """Whether a Node is a backend. Being ready does not matter: that is for the health probes to find out."""
    taints = node["spec"].get("taints") or ()
    excluded = EXCLUDED in (node["metadata"].get("labels") or {}) or any(taint["key"] == TO_BE_DELETED for taint in taints)
    return bool(node["spec"].get("providerID")) and not excluded and not node["metadata"].get("deletionTimestamp")


def frontends_of(service: Object) -> tuple[Frontend, ...]:
    """One frontend for each port, with the probe that its traffic policy asks for."""
    spec = service["spec"]
    local = spec.get("externalTrafficPolicy") == "Local" and spec.get("healthCheckNodePort")
    return tuple(
        Frontend(
            port["port"], port.get("protocol", "TCP"), port.get("nodePort", 0),
            spec["healthCheckNodePort"] if local else port.get("nodePort", 0), "/healthz" if local else "",
        )
        for port in spec.get("ports") or ()
    )  # fmt: skip


def _all_balanced(controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    """A Node has come, gone or changed sides: every load balancer is looked at."""
    before, after = (one is not None and eligible(one) for one in (old, new))
    return list(controller.own) if before != after else ()


class ServiceController(Controller):
    """One turn looks at one Service."""

    name = "service"
    watches = (Watches("services"), Watches("nodes", _all_balanced))
    if TYPE_CHECKING:
        process: CloudControllerManager

    def new_state(self) -> Shelf:
        return Shelf()  # key -> what the cloud was last asked for, and how far it is: (frontends, nodes, internal, phase)

    def reconcile(self, key: str) -> None:
        """Bring the cloud closer to what the Service asks for."""
        service = self.informers["services"].get(key)
        if service is None:
            self.own.pop(key, None)
        elif wants_load_balancer(service) and not service["metadata"].get("deletionTimestamp"):
            self._ensure(key, service)
        elif key in self.own or FINALIZER in (service["metadata"].get("finalizers") or ()):
            self._remove(key, service)

    def _ensure(self, key: str, service: Object) -> None:
        nodes = tuple(sorted(n["metadata"]["name"] for n in self.informers["nodes"].all() if eligible(n)))
        internal = annotation(service, INTERNAL) == "true"
        wanted = (frontends_of(service), nodes, internal)
        if self.own.get(key) == (*wanted, DONE):
            return
        phase = self._begin(key, service, wanted)
        answer = self.process.balancers.ensure(key, wanted[0], nodes, internal=internal)
        if answer.wait:
            self.queue.add_after(key, answer.wait, f"the cloud works on the load balancer of {key}")
            return
        self._publish(service, answer.address)
        self.recorder.event(service, "Normal", *_SAID[phase])
        self.own[key] = (*wanted, DONE)

    def _begin(self, key: str, service: Object, wanted: Ensured) -> str:
        """Say what begins, unless it has begun; gives its phase."""
        known = self.own.get(key)
        if known is not None and known[:3] == wanted:
            return str(known[3])
        only_nodes = known is not None and len(known) == 4 and (known[0], known[2]) == (wanted[0], wanted[2])
        phase = (ENSURE if known[3] == ENSURE else UPDATE) if only_nodes else ENSURE
        self.own[key] = (*wanted, phase)
        if FINALIZER not in (service["metadata"].get("finalizers") or ()):
            self._finalizers(service, add=True)
        if not wanted[1]:
            self.recorder.event(service, "Warning", "UnAvailableLoadBalancer", "There are no available nodes for LoadBalancer")
        if not only_nodes:
            self.recorder.event(service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer")
        return phase

    def _publish(self, service: Object, address: str) -> None:
        ingress = [{"ip": address, "ipMode": "VIP"}]
        if list(dig(service, "status.loadBalancer.ingress", EMPTY_LIST)) != ingress:
            self._patch_status(service, {"ingress": ingress})

    def _remove(self, key: str, service: Object) -> None:
        if self.own.get(key) != (REMOVING,):
            self.own[key] = (REMOVING,)
            self.recorder.event(service, "Normal", "DeletingLoadBalancer", "Deleting load balancer")
        wait = self.process.balancers.delete(key)
        if wait:
            self.queue.add_after(key, wait, f"the cloud removes the load balancer of {key}")
            return
        if not service["metadata"].get("deletionTimestamp") and dig(service, "status.loadBalancer.ingress"):
            self._patch_status(service, {"ingress": None})
        self.recorder.event(service, "Normal", "DeletedLoadBalancer", "Deleted load balancer")
        self._finalizers(service, add=False)
        self.own.pop(key, None)

    def _patch_status(self, service: Object, balancer: dict[str, Any]) -> None:
        meta = service["metadata"]
        self.client.patch("services", meta["name"], {"status": {"loadBalancer": balancer}}, meta["namespace"], subresource="status")

    def _finalizers(self, service: Object, *, add: bool) -> None:
        kept = [name for name in service["metadata"].get("finalizers") or () if name != FINALIZER]
        meta = service["metadata"]
        try:
            self.client.patch("services", meta["name"], {"metadata": {"finalizers": kept + [FINALIZER] * add}}, meta["namespace"])
        except ApiError as error:
            if error.code != 404:
                raise


