"""CustomResourceDefinitions: their names are accepted, their kinds established, and when they go their objects go first.

Models: k8s.io/apiextensions-apiserver pkg/controller/{status/naming_controller,establish,finalizer/crd_finalizer}.go.
Simplified: upstream these loops run inside kube-apiserver; here they share kube-controller-manager's process, under the API
server's own user.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.objects import Object, dig, put
from k8snb.apiserver.request import MASTERS, Request, User
from k8snb.client.client import refusal
from k8snb.client.controller import DEFINITIONS, Controller, ControllerProcess, Watches
from k8snb.resources.apiextensions.customresourcedefinition import CLEANUP, established_status, storage_version
from k8snb.sim.clock import SECOND

API_SERVER = User("system:apiserver", (MASTERS, "system:authenticated"))


class CustomResourceDefinitionController(Controller):
    """Writes the conditions of definitions, and empties those that are being deleted."""

    name = "customresourcedefinition"
    watches = (Watches(DEFINITIONS),)

    def __init__(self, process: ControllerProcess):
        super().__init__(process)
        self.client = process.client_for(API_SERVER, f"kube-apiserver/{self.name}")

    def reconcile(self, key: str) -> None:
        crd = self.informers[DEFINITIONS].get(key)
        if crd is None:
            return
        if "deletionTimestamp" in crd["metadata"]:
            self._finish(crd)
        else:
            self._establish(crd)

    def _establish(self, crd: Object) -> None:
        others = [o for o in self.informers[DEFINITIONS].all() if o is not crd and o["spec"]["group"] == crd["spec"]["group"]]
        taken = [dig(o, "status.acceptedNames", {}) for o in others]
        resources = {name for names in taken for name in (names.get("plural"), names.get("singular"), *(names.get("shortNames") or ()))}
        kinds = {name for names in taken for name in (names.get("kind"), names.get("listKind"))}
        status = established_status(crd, resources=resources - {None, ""}, kinds=kinds - {None, ""}, now=self.now)
        if status != crd.get("status"):
            self.client.update_status(DEFINITIONS, put(crd, "status", status))

    def _finish(self, crd: Object) -> None:
        """Delete every object of the kind; when none is left, let the definition go."""
        finalizers = list(crd["metadata"].get("finalizers") or ())
        if CLEANUP not in finalizers:
            return
        left = self._ask(crd, "list")["items"]
        for item in left:
            if "deletionTimestamp" not in item["metadata"]:
                meta = item["metadata"]
                self._ask(crd, "delete", name=meta["name"], namespace=meta.get("namespace", ""), body={})
        if left:
            self.queue.add_after(crd["metadata"]["name"], SECOND, "objects of the kind are still there")
            return
        rest = [name for name in finalizers if name != CLEANUP]
        self.client.update(DEFINITIONS, put(crd, "metadata.finalizers", rest))

    def _ask(self, crd: Object, verb: str, **fields: Any) -> Object:
        """A request about the kind, in its stored version. What is not served (any more) has no objects."""
        spec = crd["spec"]
        request = Request(
            verb, spec["group"], storage_version(crd), spec["names"]["plural"], user=API_SERVER, agent="kube-apiserver", **fields
        )
        response = self.process.env.send(request)
        if not response.ok and response.code != 404:
            raise refusal(response)
        return response.body if response.ok else {"items": []}
