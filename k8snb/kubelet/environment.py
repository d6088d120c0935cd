"""What a container is given: environment variables and ports. (Its files: :mod:`k8snb.kubelet.volumes`.)

References to ConfigMaps, Secrets, fields of the pod and resources are resolved here. What is missing raises
:class:`ConfigError`, in the kubelet's words: the container waits with ``CreateContainerConfigError``, and it is tried again,
because the missing thing may come.

    envFrom, in order  <  env, in order  <  nothing            a later one replaces an earlier one of the same name
    $(NAME)  is replaced by what is known before it, Services included; $$ is a dollar sign; what is unknown stays as it is

Since 1.34 every printable name without ``=`` is a name, so no key of a ConfigMap is passed over any more.

Models: pkg/kubelet/kubelet_pods.go (makeEnvironmentVariables, getServiceEnvVarMap), third_party/forked/golang/expansion.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from k8snb.apimachinery import quantity
from k8snb.apimachinery.errors import quote
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.resource import once
from k8snb.seams.cri import RunAs

Find = Callable[[str, str], Object | None]  # (resource, name) within the pod's namespace


class Sources(NamedTuple):
    """Where values come from: the pod, its addresses (``podIP``, ``hostIP``), its node, and ways to find other objects and to read
    a file of one of its volumes."""

    pod: Object
    status: Object
    node: Object
    find: Find
    read: Callable[[str, str], str | None] = lambda _volume, _path: None


class ConfigError(Exception):
    """A container's environment cannot be made."""


# -- environment -----------------------------------------------------------------------------------------------------


def variables(container: Object, sources: Sources, services: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of a container: its own in order, then those of ``services``. Raises :class:`ConfigError`."""
    found: dict[str, str] = {}
    links = services or {}
    for source in container.get("envFrom") or ():
        found |= _all_of(source, sources.find)
    for item in container.get("env") or ():
        if item.get("value") or not item.get("valueFrom"):
            found[item["name"]] = expand(item.get("value", ""), {**links, **found})
            continue
        value = _from(item["valueFrom"], container, sources)
        if value is not None:
            found[item["name"]] = value
    return found | {name: value for name, value in links.items() if name not in found}


def check_user(pod: Object, container: Object, of_image: Callable[[str], str | None]) -> None:
    """``runAsNonRoot``: the user must not be root. ``of_image`` gives an image's own: a number or a name, of which a kubelet cannot know
    whose it is; None: nobody knows, and it is let through. Raises :class:`ConfigError`.

    Models: pkg/kubelet/kuberuntime/security_context.go (verifyRunAsNonRoot), kuberuntime_image.go (getImageUser).
    """
    context = {**(pod["spec"].get("securityContext") or EMPTY_DICT), **(container.get("securityContext") or EMPTY_DICT)}
    user = context.get("runAsUser")
    if not context.get("runAsNonRoot") or user:
        return
    own = of_image(container["image"])
    if user is None and own is None:
        return
    named = (own or "").partition(":")[0]
    if user == 0:
        what = "container's runAsUser breaks non-root policy"
    elif not named.isdecimal():
        what = f"container has runAsNonRoot and image has non-numeric user ({named}), cannot verify user is non-root"
    elif int(named) == 0:
        what = "container has runAsNonRoot and image will run as root"
    else:
        return
    meta = pod["metadata"]
    raise ConfigError(f'{what} (pod: "{meta["name"]}_{meta["namespace"]}({meta["uid"]})", container: {container["name"]})')


_OF_THE_IMAGE = RunAs()


def user_of(pod: Object, container: Object) -> RunAs:
    """The user that a container runs as, and its groups: what its own security context says, else the pod's, else the image."""
    of_pod, own = pod["spec"].get("securityContext") or EMPTY_DICT, container.get("securityContext")
    if not of_pod and not own:
        return _OF_THE_IMAGE
    context = {**of_pod, **(own or EMPTY_DICT)}
    more = (*(of_pod.get("supplementalGroups") or ()), *([of_pod["fsGroup"]] if "fsGroup" in of_pod else []))
    return RunAs(context.get("runAsUser"), context.get("runAsGroup"), more, of_pod.get("supplementalGroupsPolicy") != "Strict")


def expand(text: str, values: Mapping[str, str]) -> str:
    """``$(NAME)`` replaced where NAME is known; ``$$`` is a dollar sign. A reference ends with the first closing parenthesis.

    Models: third_party/forked/golang/expansion.
    """
    return re.sub(r"\$(\$|\(([^)]*)\))", lambda m: "$" if m[1] == "$" else values.get(m[2], m[0]), text)


def content_of(resource: str, obj: Object, *, binary: bool = False) -> dict[str, str]:
    """The entries of a ConfigMap or a Secret as texts; ``binary``: what is in ``binaryData``, too (files have it, variables do not)."""
    data: dict[str, str] = dict(obj.get("data") or {})
    if resource == "secrets":
        return {key: _text(value) for key, value in data.items()}
    return data | {key: _text(value) for key, value in (obj.get("binaryData") or {}).items()} if binary else data


def _text(value: str) -> str:
    return base64.b64decode(value).decode(errors="replace")


def _all_of(source: Object, find: Find) -> dict[str, str]:
    prefix = source.get("prefix", "")
    for field, resource, word in (("configMapRef", "configmaps", "configmap"), ("secretRef", "secrets", "secret")):
        ref = source.get(field)
        if ref is None:
            continue
        obj = find(resource, ref.get("name", ""))
        if obj is None and not ref.get("optional"):
            raise ConfigError(f'{word} "{ref.get("name", "")}" not found')
        return {prefix + key: value for key, value in sorted(content_of(resource, obj).items())} if obj is not None else {}
    return {}


def _from(source: Object, container: Object, sources: Sources) -> str | None:
    pod = sources.pod
    if "fieldRef" in source:
        return field_value(pod, source["fieldRef"]["fieldPath"], sources.status)
    if "resourceFieldRef" in source:
        return resource_value(pod, container, source["resourceFieldRef"], sources.node)
    if "fileKeyRef" in source:
        return _from_file(source["fileKeyRef"], sources)
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
        content = content_of(resource, obj)
        if ref["key"] not in content and not ref.get("optional"):
            raise ConfigError(f"couldn't find key {ref['key']} in {title} {pod['metadata']['namespace']}/{ref['name']}")
        return content.get(ref["key"])
    return None


def _from_file(ref: Object, sources: Sources) -> str | None:
    """A variable that an init container has written into a file of an emptyDir, as ``NAME='value'``."""
    path = ref.get("path", "")
    for line in (sources.read(ref.get("volumeName", ""), path) or "").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = re.fullmatch(r"\s*([^=\s']+)\s*=\s*'([^']*)'\s*", line)
        if found is None:
            raise ConfigError("couldn't parse env file")
        if found[1] == ref.get("key"):
            return found[2]
    if ref.get("optional"):
        return None
    raise ConfigError(f'environment variable key "{ref.get("key", "")}" not found in file "{path}"')


def field_value(pod: Object, path: str, status: Object) -> str:
    """The downward API: a field of the pod as text."""
    part, _, name = path.partition(".")
    if path in _PLAIN_FIELDS:
        return str((status if part == "status" else pod[part]).get(name.removesuffix("s"), ""))
    meta = pod["metadata"]
    subscript = re.fullmatch(r"metadata\.(labels|annotations)\['([^']*)'\]", path)
    if subscript:
        return str((meta.get(subscript[1]) or EMPTY_DICT).get(subscript[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        return "\n".join(f"{key}={quote(value)}" for key, value in sorted((meta.get(name) or {}).items()))
    return ""


_PLAIN_FIELDS = frozenset((
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
    "status.hostIP", "status.podIP", "status.hostIPs", "status.podIPs",  # of several addresses there is one
))  # fmt: skip


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
        found.update(_variables_of(service))
    return found


@once
def _variables_of(service: Object) -> dict[str, str]:
    address = service["spec"].get("clusterIP", "None")
    ports = service["spec"].get("ports") or ()
    if address in ("", "None") or not ports:
        return {}
    name = service["metadata"]["name"].upper().replace("-", "_")
    found = {f"{name}_SERVICE_HOST": address, f"{name}_SERVICE_PORT": str(ports[0]["port"])}
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


def ports(container: Object) -> tuple[int, ...]:
    """The ports that the container declares or that its probes use."""
    declared = {port.get("name", ""): port["containerPort"] for port in container.get("ports") or ()}
    found: dict[int, None] = dict.fromkeys([port["containerPort"] for port in container.get("ports") or ()])
    for probe in filter(None, map(container.get, ("startupProbe", "livenessProbe", "readinessProbe"))):
        for kind in ("httpGet", "tcpSocket", "grpc"):
            port: Any = dig(probe, (kind, "port"))
            number = declared.get(port, port)
            if isinstance(number, int):
                found[number] = None
    return tuple(found)
