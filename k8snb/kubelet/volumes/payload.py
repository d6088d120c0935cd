"""The files that a ConfigMap, a Secret, a downwardAPI or a projected volume consists of.

A payload is a path -> :class:`~k8snb.kubelet.images.files.File`. What is missing, and not optional, raises
:class:`~k8snb.kubelet.environment.ConfigError` in the words of the volume plugin.

Models: pkg/volume/{configmap,secret,downwardapi,projected} (MakePayload, CollectData, collectData), pkg/kubelet/token.
Simplified: cluster trust bundles and pod certificates are not simulated; what is in binaryData is shown as text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from k8snb.apimachinery.errors import aggregate
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object
from k8snb.kubelet.environment import ConfigError, Sources, content_of, field_value, resource_value
from k8snb.kubelet.images.files import File
from k8snb.sim.clock import SECOND

DEFAULT_MODE = 0o644
DEFAULT_EXPIRATION = 3600
REFRESH_PERCENT = 80  # of a token's life; then the kubelet asks for another one
Payload = dict[str, File]
Token = Callable[[Object], tuple[str, int]]
"""``issue(source)``: a token, and when it expires (µs)."""


class Made(NamedTuple):
    """A payload, and when it must be made anew although nothing has changed (µs; 0: never): its tokens grow old."""

    files: Payload
    renew_at: int = 0


def make(volume: Object, sources: Sources, token: Token, now: int) -> Made:
    """The files of a volume of one of these kinds, now. Raises :class:`ConfigError`."""
    if "configMap" in volume:
        return Made(_of_object("configmaps", volume["configMap"], "name", sources))
    if "secret" in volume:
        return Made(_of_object("secrets", volume["secret"], "secretName", sources))
    if "downwardAPI" in volume:
        return Made(_downward(volume["downwardAPI"], sources))
    return _projected(volume["projected"], sources, token, now)


def _projected(volume: Object, sources: Sources, token: Token, now: int) -> Made:
    files: Payload = {}
    mode, renew, errors = volume.get("defaultMode", DEFAULT_MODE), [], []
    for source in volume.get("sources") or ():
        try:
            if "configMap" in source:
                files |= _of_object("configmaps", source["configMap"], "name", sources, mode)
            elif "secret" in source:
                files |= _of_object("secrets", source["secret"], "name", sources, mode)
            elif "downwardAPI" in source:
                files |= _downward(source["downwardAPI"], sources, mode)
            elif "serviceAccountToken" in source:
                wanted = source["serviceAccountToken"]
                text, expires = token(wanted)
                files[wanted.get("path", "token")] = File(text, mode)
                renew.append(now + (expires - now) * REFRESH_PERCENT // 100)
        except ConfigError as error:
            errors.append(str(error))
    if errors:
        raise ConfigError(aggregate(errors))
    return Made(files, min(renew, default=0))


def token_request(source: Object, pod: Object) -> Object:
    """What the kubelet asks the API server for: a token that dies with the pod."""
    meta, audience = pod["metadata"], source.get("audience")
    bound = FrozenDict({"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]})
    spec = {"expirationSeconds": source.get("expirationSeconds", DEFAULT_EXPIRATION), "boundObjectRef": bound}
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {**spec, "audiences": [audience] if audience else []}}


def expiry(request: Object, now: int) -> int:
    """When the token of a TokenRequest expires (µs)."""
    return now + int(request["spec"]["expirationSeconds"]) * SECOND


def _of_object(resource: str, source: Object, field: str, sources: Sources, mode: int | None = None) -> Payload:
    """The entries of a ConfigMap or Secret, or those that ``items`` choose."""
    name, optional = source.get(field, ""), bool(source.get("optional"))
    mode = source.get("defaultMode", DEFAULT_MODE) if mode is None else mode
    obj = sources.find(resource, name)
    if obj is None:
        if optional:
            return {}
        raise ConfigError(f'{"configmap" if resource == "configmaps" else "secret"} "{name}" not found')
    content = content_of(resource, obj, binary=True)
    if not source.get("items"):
        return {key: File(text, mode) for key, text in sorted(content.items())}
    words = "configmap references non-existent config key" if resource == "configmaps" else "references non-existent secret key"
    for item in source["items"]:
        if item["key"] not in content and not optional:
            raise ConfigError(f"{words}: {item['key']}")
    return {item["path"]: File(content[item["key"]], item.get("mode", mode)) for item in source["items"] if item["key"] in content}


def _downward(source: Object, sources: Sources, mode: int | None = None) -> Payload:
    """Fields of the pod, and resources of its containers."""
    mode = source.get("defaultMode", DEFAULT_MODE) if mode is None else mode
    found: Payload = {}
    for item in source.get("items") or ():
        text = ""
        if "fieldRef" in item:
            text = field_value(sources.pod, item["fieldRef"]["fieldPath"], sources.status)
        elif "resourceFieldRef" in item:
            text = resource_value(sources.pod, EMPTY_DICT, item["resourceFieldRef"], sources.node)
        found[item["path"]] = File(text, item.get("mode", mode))
    return found
