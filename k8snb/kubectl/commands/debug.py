"""``kubectl debug``: another container beside those that run, a copy of a pod, or a pod on a node, to look around in.

    debug web -it --image=busybox --target=app        an ephemeral container in the running pod
    debug web -it --image=busybox --copy-to=web-2     a copy of the pod with one container more
    debug node/node-1 -it --image=busybox             a pod on the node that has its file system at /host

Models: k8s.io/kubectl/pkg/cmd/debug/debug.go.
Simplified: the profile is *general*; a copy keeps all of the pod's fields but its labels; nobody types, but ``stdin`` is a script.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.objects import dig, freeze
from k8snb.apiserver.request import STRATEGIC_MERGE_PATCH
from k8snb.kubectl import generate
from k8snb.kubectl.api import Json
from k8snb.kubectl.call import Call, Command
from k8snb.kubectl.commands.attach import CONTAINER, attach
from k8snb.kubectl.flags import Flag, boolean
from k8snb.kubectl.result import Failure, usage_error
from k8snb.messages import text as sentence

DEBUG_SECONDS = 60.0


def run(call: Call) -> None:
    """Make a container to debug with."""
    if not call.args:
        raise usage_error(call.path, "NAME or --filename is required for debug")
    if not call.flag("image") and not (call.flag("copy-to") and call.flag("set-image")):
        raise usage_error(call.path, "you must specify --image when not using --copy-to")
    kind, slash, name = call.args[0].rpartition("/")
    if slash and kind.lower() in ("node", "nodes", "no"):
        _on_node(call, name)
    elif slash and kind.lower() not in ("pod", "pods", "po"):
        raise Failure(f"{call.args[0]} not supported by debug")
    elif call.flag("copy-to"):
        _copy(call, name)
    else:
        _ephemeral(call, name)


def _container(call: Call, name: str) -> Json:
    command = call.args[1:]
    made: Json = {"name": name, "image": call.flag("image"), "imagePullPolicy": call.flag("image-pull-policy") or "IfNotPresent"}
    made |= {"stdin": True} if call.flag("stdin") else {}
    made |= {"tty": True} if call.flag("tty") else {}
    made |= {"args" if call.flag("arguments-only") else "command": command} if command else {}
    env = generate.environment(call.flag("env"))
    return made | ({"env": env} if env else {})


def _ephemeral(call: Call, name: str) -> None:
    kind = call.mapper.resource("pods")
    pod = call.api.get(kind, call.namespace, name)
    taken = dig(pod, "spec.ephemeralContainers", [])
    chosen = call.flag("container") or f"debugger-{generate.suffix(pod['metadata']['uid'], str(len(taken)))}"
    if not call.flag("container") and not call.flag("quiet"):
        call.err(f"Defaulting debug container name to {chosen}.")
    if call.flag("target") and not call.flag("quiet"):
        call.err(f'Targeting container "{call.flag("target")}". If you don\'t see processes from this container it may be because the '
                 "container runtime doesn't support this feature.")  # fmt: skip
    container = _container(call, chosen) | ({"targetContainerName": call.flag("target")} if call.flag("target") else {})
    body = freeze({"spec": {"ephemeralContainers": [*taken, container]}})
    call.api.do(
        "patch", kind, call.namespace, name, subresource="ephemeralcontainers", body=body, patch_type=STRATEGIC_MERGE_PATCH,
    )  # fmt: skip
    _attach(call, name, chosen)


def _copy(call: Call, name: str) -> None:
    kind = call.mapper.resource("pods")
    pod: Any = call.api.get(kind, call.namespace, name)
    spec = {key: value for key, value in pod["spec"].items() if key not in ("nodeName", "ephemeralContainers")}
    images = dict(text.partition("=")[::2] for text in call.flag("set-image"))
    containers = [{**one, **({"image": images.get(one["name"], images.get("*"))} if images.keys() & {one["name"], "*"} else {})}
                  for one in spec["containers"]]  # fmt: skip
    chosen = call.flag("container") or (
        f"debugger-{generate.suffix(pod['metadata']['uid'], 'copy')}" if call.flag("image") else containers[0]["name"]
    )
    existing = [one for one in containers if one["name"] == chosen]
    if existing:
        own = _container(call, chosen)
        own = {key: value for key, value in own.items() if value} | ({} if call.flag("image") else {"image": existing[0]["image"]})
        containers = [{**one, **own} if one["name"] == chosen else one for one in containers]
    else:
        if not call.flag("container") and not call.flag("quiet"):
            call.err(f"Defaulting debug container name to {chosen}.")
        containers.append(_container(call, chosen))
    if call.flag("same-node"):
        spec["nodeName"] = pod["spec"].get("nodeName", "")
    made = generate.obj("v1", "Pod", call.flag("copy-to"), call.namespace, spec={**spec, "containers": containers})
    if call.flag("share-processes"):
        made["spec"]["shareProcessNamespace"] = True
    call.api.do("create", kind, call.namespace, body=freeze(made))
    _attach(call, call.flag("copy-to"), chosen)


def _on_node(call: Call, node: str) -> None:
    kind = call.mapper.resource("pods")
    call.api.get(call.mapper.resource("nodes"), "", node)
    name, chosen = f"node-debugger-{node}-{generate.suffix(node, str(call.host.now))}", call.flag("container") or "debugger"
    call.err(f"Creating debugging pod {name} with container {chosen} on node {node}.")
    container = _container(call, chosen) | {"volumeMounts": [{"name": "host-root", "mountPath": "/host"}]}
    spec = {
        "containers": [container], "nodeName": node, "hostIPC": True, "hostNetwork": True, "hostPID": True, "restartPolicy": "Never",
        "tolerations": [{"operator": "Exists"}], "volumes": [{"name": "host-root", "hostPath": {"path": "/"}}],
    }  # fmt: skip
    made = generate.obj("v1", "Pod", name, call.namespace, labels={"app.kubernetes.io/managed-by": "kubectl-debug"}, spec=spec)
    call.api.do("create", kind, call.namespace, body=freeze(made))
    _attach(call, name, chosen)


def _attach(call: Call, name: str, container: str) -> None:
    """Show what the new container does, where somebody asked to be there."""
    if not (call.flag("attach") or call.flag("stdin")):
        return
    kind, pod = call.mapper.resource("pods"), list[Json]()

    def begun() -> bool:
        pod[:] = [call.api.get(kind, call.namespace, name)]
        lists = ("containerStatuses", "ephemeralContainerStatuses")
        states = [one.get("state", {}) for key in lists for one in dig(pod[0], ("status", key), []) if one["name"] == container]
        return any("running" in state or "terminated" in state for state in states)

    if not call.wait(begun, DEBUG_SECONDS):
        raise Failure("timed out waiting for the condition")
    if call.flag("stdin") and not call.inputs.stdin and not call.args[1:]:
        call.err(sentence("kubectl.debug_wait"))
        return
    attach(call, pod[0], container, (call.inputs.stdin or "") if call.flag("stdin") else None)


COMMAND = Command(
    "debug", "Create debugging sessions for troubleshooting workloads and nodes",
    "kubectl debug (POD | TYPE[[.VERSION].GROUP]/NAME) [ -- COMMAND [args...] ]", run,
    (
        CONTAINER, Flag("image"), Flag("image-pull-policy"), Flag("target"), Flag("copy-to"), Flag("env", kind="array"), Flag("profile"),
        Flag("set-image", kind="strings"), boolean("stdin", "i"), boolean("tty", "t"), boolean("attach"), boolean("quiet", "q"),
        boolean("share-processes", default=True), boolean("same-node"), boolean("replace"), boolean("arguments-only"),
        boolean("keep-labels"),
    ),
)  # fmt: skip
