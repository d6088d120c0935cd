"""What a container is given: environment variables, files of volumes, ports.

References to ConfigMaps, Secrets, fields of the pod and resources are resolved here. What is missing raises
:class:`ConfigError` (the container waits with ``CreateContainerConfigError``) or :class:`MountError` (the pod waits with
``FailedMount`` Events), in the kubelet's words; both are tried again, because the missing thing may come.

Models: pkg/kubelet/kubelet_pods.go (makeEnvironmentVariables, getServiceEnvVarMap), third_party/forked/golang/expansion,
pkg/volume/{configmap,secret,projected,downwardapi,emptydir}.
Simplified: a volume is a set of small texts. Claims, hostPath and network volumes are scratch space of the pod for now.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from k8snb.apimachinery import quantity
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.seams.cri import MountPoint
from k8snb.sim.state import Shelf

Find = Callable[[str, str], Object | None]  # (resource, name) within the pod's namespace


class Sources(NamedTuple):
    """Where values come from: the pod, its addresses (``podIP``, ``hostIP``), its node, and a way to find other objects."""

    pod: Object
    status: Object
    node: Object
    find: Find


class ConfigError(Exception):
    """A container's environment cannot be made."""


class MountError(Exception):
    """A volume cannot be set up."""

    def __init__(self, volume: str, why: str):
        super().__init__(f'MountVolume.SetUp failed for volume "{volume}" : {why}')


# -- environment -----------------------------------------------------------------------------------------------------


def variables(container: Object, sources: Sources) -> dict[str, str]:
    """The variables that the pod asks for, in order, with ``$(NAME)`` replaced. Raises :class:`ConfigError`."""
    found: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        found |= _all_of(source, sources.find)
    for item in container.get("env") or ():
        if item.get("valueFrom"):
            value = _from(item["valueFrom"], container, sources)
            if value is not None:
                found[item["name"]] = value
        else:
            found[item["name"]] = expand(item.get("value", ""), found)
    return found


def check_user(pod: Object, container: Object, *, root: bool) -> None:
    """``runAsNonRoot``: the user must not be root. ``root``: the image's own user is. Raises :class:`ConfigError`."""
    context = {**(pod["spec"].get("securityContext") or {}), **(container.get("securityContext") or {})}
    user = context.get("runAsUser")
    if not context.get("runAsNonRoot") or (user is not None and user != 0) or (user is None and not root):
        return
    meta = pod["metadata"]
    where = f'(pod: "{meta["name"]}_{meta["namespace"]}({meta["uid"]})", container: {container["name"]})'
    what = "container has runAsNonRoot and image will run as root" if user is None else "container's runAsUser breaks non-root policy"
    raise ConfigError(f"{what} {where}")


def expand(text: str, values: dict[str, str]) -> str:
    """``$(NAME)`` replaced where NAME is known; ``$$`` is a dollar sign."""
    return re.sub(r"\$(\$|\(([^()]*)\))", lambda m: "$" if m[1] == "$" else values.get(m[2], m[0]), text)


def _content(resource: str, obj: Object) -> dict[str, str]:
    """The entries of a ConfigMap or a Secret as texts."""
    data: dict[str, str] = dict(obj.get("data") or {})
    if resource == "secrets":
        return {key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()}
    return data | {key: base64.b64decode(value).decode(errors="replace") for key, value in (obj.get("binaryData") or {}).items()}


def _all_of(source: Object, find: Find) -> dict[str, str]:
    prefix = source.get("prefix", "")
    for field, resource, word in (("configMapRef", "configmaps", "configmap"), ("secretRef", "secrets", "secret")):
        ref = source.get(field)
        if ref is None:
            continue
        obj = find(resource, ref.get("name", ""))
        if obj is None and not ref.get("optional"):
            raise ConfigError(f'{word} "{ref.get("name", "")}" not found')
        return {prefix + key: value for key, value in sorted(_content(resource, obj).items())} if obj is not None else {}
    return {}


def _from(source: Object, container: Object, sources: Sources) -> str | None:
    pod = sources.pod
    if "fieldRef" in source:
        return field_value(pod, source["fieldRef"]["fieldPath"], sources.status)
    if "resourceFieldRef" in source:
        return resource_value(pod, container, source["resourceFieldRef"], sources.node)
    for field, resource, word, title in (
        ("configMapKeyRef", "configmaps", "configmap", "ConfigMap"), ("secretKeyRef", "secrets", "secret", "Secret"),
    ):  # fmt: skip
        ref = source.get(field)
        if ref is None:
            continue
        obj = sources.find(resource, ref.get("name", ""))
        if obj is None:
            if ref.get("optional"):
                return None
            raise ConfigError(f'{word} "{ref.get("name", "")}" not found')
        content = _content(resource, obj)
        if ref["key"] not in content and not ref.get("optional"):
            raise ConfigError(f"couldn't find key {ref['key']} in {title} {pod['metadata']['namespace']}/{ref['name']}")
        return content.get(ref["key"])
    return None


def field_value(pod: Object, path: str, status: Object) -> str:
    """The downward API: a field of the pod as text."""
    meta, spec = pod["metadata"], pod["spec"]
    subscript = re.fullmatch(r"metadata\.(labels|annotations)\['([^']*)'\]", path)
    if subscript:
        return str((meta.get(subscript[1]) or EMPTY_DICT).get(subscript[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        return "\n".join(f'{key}="{value}"' for key, value in sorted((meta.get(path[9:]) or {}).items()))
    values = {
        "metadata.name": meta["name"], "metadata.namespace": meta.get("namespace", ""), "metadata.uid": meta.get("uid", ""),
        "spec.nodeName": spec.get("nodeName", ""), "spec.serviceAccountName": spec.get("serviceAccountName", ""),
        "status.hostIP": status.get("hostIP", ""), "status.podIP": status.get("podIP", ""),
        "status.hostIPs": status.get("hostIP", ""), "status.podIPs": status.get("podIP", ""),
    }  # fmt: skip
    return str(values.get(path, ""))


def resource_value(pod: Object, container: Object, ref: Object, node: Object) -> str:
    """A request or limit as a number of ``divisor``s, rounded up; an absent limit is what the node has."""
    owner = container
    if ref.get("containerName"):
        everyone = [*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ())]
        owner = next((c for c in everyone if c["name"] == ref["containerName"]), container)
    what, _, name = ref["resource"].partition(".")
    text = dig(owner, ("resources", what, name))
    if text is None:
        text = dig(node, ("status", "allocatable", name), "0") if what == "limits" else "0"
    divisor = quantity.exact(ref.get("divisor") or "1") or 1
    return str(-(-quantity.exact(text) // divisor))


def service_variables(services: Iterable[Object]) -> dict[str, str]:
    """``WEB_SERVICE_HOST`` and its relatives, for the Services that were there when the container started."""
    found: dict[str, str] = {}
    for service in services:
        address = service["spec"].get("clusterIP", "None")
        ports = service["spec"].get("ports") or ()
        if address in ("", "None") or not ports:
            continue
        name = service["metadata"]["name"].upper().replace("-", "_")
        found |= {f"{name}_SERVICE_HOST": address, f"{name}_SERVICE_PORT": str(ports[0]["port"])}
        found |= {f"{name}_SERVICE_PORT_{p['name'].upper().replace('-', '_')}": str(p["port"]) for p in ports if p.get("name")}
        found[f"{name}_PORT"] = f"{ports[0].get('protocol', 'TCP').lower()}://{address}:{ports[0]['port']}"
        for port in ports:
            protocol = port.get("protocol", "TCP")
            stem = f"{name}_PORT_{port['port']}_{protocol}"
            found |= {
                stem: f"{protocol.lower()}://{address}:{port['port']}", f"{stem}_PROTO": protocol.lower(),
                f"{stem}_PORT": str(port["port"]), f"{stem}_ADDR": address,
            }  # fmt: skip
    return found


# -- volumes ---------------------------------------------------------------------------------------------------------


def volumes(sources: Sources) -> dict[str, Shelf]:
    """The files of each volume of the pod. Raises :class:`MountError`."""
    found = {}
    for volume in sources.pod["spec"].get("volumes") or ():
        name = volume["name"]
        try:
            found[name] = Shelf(_files(volume, sources))
        except ConfigError as error:
            raise MountError(name, str(error)) from None
    return found


def changes(pod: Object) -> bool:
    """Whether the pod mounts ConfigMaps or Secrets of its own (beside the token that every pod gets)."""
    volumes = pod["spec"].get("volumes") or ()
    return any("configMap" in v or "secret" in v or ("projected" in v and not v["name"].startswith("kube-api-access-")) for v in volumes)


def _files(volume: Object, sources: Sources) -> dict[str, str]:
    find = sources.find
    if "configMap" in volume:
        return _projected_object("configmaps", volume["configMap"], "name", find)
    if "secret" in volume:
        return _projected_object("secrets", volume["secret"], "secretName", find)
    if "downwardAPI" in volume:
        return _downward(volume["downwardAPI"], sources)
    found: dict[str, str] = {}
    account = sources.pod["spec"].get("serviceAccountName", "default")
    for source in dig(volume, "projected.sources", ()):
        if "configMap" in source:
            found |= _projected_object("configmaps", source["configMap"], "name", find)
        elif "secret" in source:
            found |= _projected_object("secrets", source["secret"], "name", find)
        elif "downwardAPI" in source:
            found |= _downward(source["downwardAPI"], sources)
        elif "serviceAccountToken" in source:
            found[source["serviceAccountToken"].get("path", "token")] = f"token-of-{account}\n"
    return found


def _projected_object(resource: str, source: Object, field: str, find: Find) -> dict[str, str]:
    name = source.get(field, "")
    obj = find(resource, name)
    if obj is None:
        if source.get("optional"):
            return {}
        raise ConfigError(f'{"configmap" if resource == "configmaps" else "secret"} "{name}" not found')
    content = _content(resource, obj)
    if not source.get("items"):
        return content
    for item in source["items"]:
        if item["key"] not in content and not source.get("optional"):
            raise ConfigError(f"{'configmap' if resource == 'configmaps' else 'secret'} references non-existent config key: {item['key']}")
    return {item["path"]: content[item["key"]] for item in source["items"] if item["key"] in content}


def _downward(source: Object, sources: Sources) -> dict[str, str]:
    found = {}
    for item in source.get("items") or ():
        if "fieldRef" in item:
            found[item["path"]] = field_value(sources.pod, item["fieldRef"]["fieldPath"], sources.status)
        elif "resourceFieldRef" in item:
            found[item["path"]] = resource_value(sources.pod, EMPTY_DICT, item["resourceFieldRef"], sources.node)
    return found


def mounts(container: Object, values: dict[str, str]) -> tuple[MountPoint, ...]:
    """Where the container sees the volumes."""
    return tuple(
        MountPoint(m["mountPath"], m["name"], m.get("subPath") or expand(m.get("subPathExpr", ""), values), bool(m.get("readOnly")))
        for m in container.get("volumeMounts") or ()
    )


def ports(container: Object) -> tuple[int, ...]:
    """The ports that the container declares or that its probes use."""
    declared = {port.get("name", ""): port["containerPort"] for port in container.get("ports") or ()}
    found: dict[int, None] = dict.fromkeys(port["containerPort"] for port in container.get("ports") or ())
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        for kind in ("httpGet", "tcpSocket", "grpc"):
            port: Any = dig(container, (probe, kind, "port"))
            number = declared.get(port, port)
            if isinstance(number, int):
                found[number] = None
    return tuple(found)
