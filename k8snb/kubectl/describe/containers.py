"""Containers, their probes and environment, volumes, tolerations: the parts that pods and pod templates share.

Models: k8s.io/kubectl/pkg/describe/describe.go (describeContainers, DescribeProbe, describeVolumes, DescribePodTemplate).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from k8snb.apimachinery import quantity
from k8snb.apimachinery.errors import quote
from k8snb.apimachinery.objects import dig
from k8snb.apimachinery.selectors import format_label_selector
from k8snb.kubectl.api import Json
from k8snb.kubectl.describe.writer import Writer, amount, or_none, shown, time_of, yes
from k8snb.kubectl.text import go_value

Resolve = Callable[[Json], str] | None  # an environment entry -> its value in this pod


def containers(
    w: Writer, title: str, specs: Sequence[Json], *, statuses: Sequence[Json] = (), resolve: Resolve = None, space: str = ""
) -> None:
    """All containers of one sort."""
    known = {status["name"]: status for status in statuses}
    w.line(f"{space}{title}:{'' if specs else ' <none>'}")
    for spec in specs:
        status = known.get(spec["name"])
        w.line(f"{' ' if space else ''}{spec['name']}:", 1)
        _basics(w, spec, status)
        for heading, words in (("Command", spec.get("command")), ("Args", spec.get("args"))):
            _words(w, heading, words)
        if status:
            _state(w, "State", status.get("state") or {})
            if dig(status, "lastState.terminated"):
                _state(w, "Last State", status["lastState"])
            w.field("Ready", yes(status.get("ready", False)), 2)
            w.field("Restart Count", status.get("restartCount", 0), 2)
        resources(w, spec.get("resources") or {}, 2)
        for heading, key in (("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe")):
            if spec.get(key):
                w.field(heading, probe(spec[key]), 2)
        _env_from(w, spec.get("envFrom") or ())
        _env(w, spec, resolve)
        _mounts(w, spec)


def _basics(w: Writer, spec: Json, status: Json | None) -> None:
    if status:
        w.field("Container ID", status.get("containerID", ""), 2)
    w.field("Image", spec.get("image", ""), 2)
    if status:
        w.field("Image ID", status.get("imageID", ""), 2)
    for title, key in (("Port", "containerPort"), ("Host Port", "hostPort")):
        ports = [_port(port, key) for port in spec.get("ports") or ()]
        w.field(title + "s" * (len(ports) > 1), or_none(", ".join(ports)), 2)
    profile = dig(spec, "securityContext.seccompProfile")
    if profile:
        w.field("SeccompProfile", profile.get("type"), 2)
        if profile.get("type") == "Localhost":
            w.field("LocalhostProfile", profile.get("localhostProfile"), 3)


def _port(port: Json, key: str) -> str:
    text = f"{port.get(key, 0)}/{port.get('protocol', '')}"
    return f"{text} ({port['name']})" if port.get("name") else text


def _words(w: Writer, heading: str, words: Sequence[str] | None) -> None:
    if words:
        w.line(f"{heading}:", 2)
        for word in words:
            for part in word.split("\n"):
                w.line(part, 3)


def _state(w: Writer, title: str, state: Json) -> None:
    if "running" in state:
        w.field(title, "Running", 2)
        w.field("Started", time_of(dig(state, "running.startedAt")), 3)
    elif "terminated" in state:
        _terminated(w, title, state["terminated"])
    else:
        w.field(title, "Waiting", 2)
        if dig(state, "waiting.reason"):
            w.field("Reason", state["waiting"]["reason"], 3)


def _terminated(w: Writer, title: str, state: Json) -> None:
    w.field(title, "Terminated", 2)
    for name in ("reason", "message"):
        if state.get(name):
            w.field(name.capitalize(), state[name], 3)
    w.field("Exit Code", state.get("exitCode", 0), 3)
    if state.get("signal"):
        w.field("Signal", state["signal"], 3)
    w.field("Started", time_of(state.get("startedAt")), 3)
    w.field("Finished", time_of(state.get("finishedAt")), 3)


def resources(w: Writer, wanted: Json, level: int) -> None:
    """Limits and requests."""
    for key in ("limits", "requests"):
        if wanted.get(key):
            w.line(f"{key.capitalize()}:", level)
            for name in sorted(wanted[key]):
                w.field(name, amount(wanted[key][name]), level + 1)


def probe(spec: Json) -> str:
    """A probe in one line."""
    attributes = (
        f"delay={spec.get('initialDelaySeconds', 0)}s timeout={spec.get('timeoutSeconds', 0)}s period={spec.get('periodSeconds', 0)}s "
        f"#success={spec.get('successThreshold', 0)} #failure={spec.get('failureThreshold', 0)}"
    )
    if "exec" in spec:
        return f"exec {go_value(spec['exec'].get('command') or [])} {attributes}"
    if "httpGet" in spec:
        get = spec["httpGet"]
        scheme, path = (get.get("scheme") or "").lower(), get.get("path") or ""
        slash = "/" if path and not path.startswith("/") else ""
        return f"http-get {scheme}://{get.get('host') or ''}:{get.get('port')}{slash}{path} {attributes}"
    if "tcpSocket" in spec:
        return f"tcp-socket {spec['tcpSocket'].get('host') or ''}:{spec['tcpSocket'].get('port')} {attributes}"
    if "grpc" in spec:
        return f"grpc <pod>:{spec['grpc'].get('port')} {spec['grpc'].get('service') or ''} {attributes}"
    return f"unknown {attributes}"


# -- environment -------------------------------------------------------------------------------------------------------------


def _optional(ref: Json) -> str:
    return f"Optional: {'true' if ref.get('optional') else 'false'}"


def _env_from(w: Writer, sources: Sequence[Json]) -> None:
    if not sources:
        return
    w.line("Environment Variables from:", 2)
    for source in sources:
        kind, ref = ("ConfigMap", source["configMapRef"]) if "configMapRef" in source else ("Secret", source.get("secretRef") or {})
        prefix = f" with prefix '{source['prefix']}'" if source.get("prefix") else ""
        w.table((ref.get("name"), kind + prefix, _optional(ref)), level=3)


def _env(w: Writer, spec: Json, resolve: Resolve) -> None:
    entries = spec.get("env") or ()
    w.line(f"Environment:{'' if entries else chr(9) + '<none>'}", 2)
    for entry in entries:
        source = entry.get("valueFrom")
        if not source:
            for index, part in enumerate((entry.get("value") or "").split("\n")):
                w.line(f"{entry['name'] + ':' if not index else ''}\t{part}", 3)
            continue
        text = _value_from(spec, entry, source, resolve)
        if text:
            w.line(f"{entry['name']}:\t{text}", 3)


def _value_from(spec: Json, entry: Json, source: Json, resolve: Resolve) -> str:
    if "fieldRef" in source:
        ref = source["fieldRef"]
        return f"{resolve(entry) if resolve else ''} ({ref.get('apiVersion', 'v1')}:{ref['fieldPath']})"
    if "resourceFieldRef" in source:
        ref = source["resourceFieldRef"]
        value = resource_value(spec, ref)
        free = value == "0" and ref["resource"] in ("limits.cpu", "limits.memory")
        return f"{'node allocatable' if free else value} ({ref['resource']})"
    if "secretKeyRef" in source:
        ref = source["secretKeyRef"]
        return f"<set to the key '{ref['key']}' in secret '{ref.get('name', '')}'>\t{_optional(ref)}"
    if "configMapKeyRef" in source:
        ref = source["configMapKeyRef"]
        return f"<set to the key '{ref['key']}' of config map '{ref.get('name', '')}'>\t{_optional(ref)}"
    return ""


def resource_value(spec: Json, ref: Json) -> str:
    """What a ``resourceFieldRef`` gives: the amount, divided and rounded up."""
    group, _, name = str(ref["resource"]).partition(".")
    wanted = dig(spec, ("resources", group, name))
    divisor = quantity.exact(str(ref.get("divisor") or "1")) or quantity.exact("1")
    return str(math.ceil(quantity.exact(str(wanted)) / divisor)) if wanted is not None else "0"


def field_value(pod: Json) -> Callable[[Json], str]:
    """How a pod resolves ``fieldRef``: its name and namespace, nothing else, as kubectl does."""

    def resolve(entry: Json) -> str:
        path = entry["valueFrom"]["fieldRef"]["fieldPath"]
        return str(dig(pod, path, "")) if path in ("metadata.name", "metadata.namespace") else ""

    return resolve


def _mounts(w: Writer, spec: Json) -> None:
    mounts, devices = spec.get("volumeMounts") or (), spec.get("volumeDevices") or ()
    w.line(f"Mounts:{'' if mounts else chr(9) + '<none>'}", 2)
    for mount in sorted(mounts, key=lambda mount: str(mount.get("mountPath", ""))):
        path = f",path={quote(mount['subPath'])}" if mount.get("subPath") else ""
        w.line(f"{mount.get('mountPath')} from {mount['name']} ({'ro' if mount.get('readOnly') else 'rw'}{path})", 3)
    if devices:
        w.line(f"Devices:{'' if mounts else chr(9) + '<none>'}", 2)
        for device in sorted(devices, key=lambda device: str(device["devicePath"])):
            w.line(f"{device['devicePath']} from {device['name']}", 3)


# -- where pods may run ------------------------------------------------------------------------------------------------------


def tolerations(w: Writer, title: str, found: Sequence[Json] | None) -> None:
    """Tolerations, one a line."""
    w.pairs(title, [_toleration(one) for one in sorted(found or (), key=lambda one: str(one.get("key", "")))])


def _toleration(one: Json) -> str:
    key, value, effect = (str(one.get(name, "")) for name in ("key", "value", "effect"))
    text = key + (f"={value}" if value else "") + (f":{effect}" if effect else "")
    if one.get("operator") == "Exists" and not value:
        text += " op=Exists" if text else "op=Exists"
    return text + (f" for {one['tolerationSeconds']}s" if one.get("tolerationSeconds") is not None else "")


def spread(w: Writer, constraints: Sequence[Json] | None, space: str = "") -> None:
    """Topology spread constraints, one a line."""
    lines = []
    for one in sorted(constraints or (), key=lambda one: str(one.get("topologyKey"))):
        chosen = f" for selector {format_label_selector(one['labelSelector'])}" if one.get("labelSelector") else ""
        lines.append(f"{one.get('topologyKey')}:{one.get('whenUnsatisfiable')} when max skew {one.get('maxSkew')} is exceeded{chosen}")
    if lines:
        w.pairs("Topology Spread Constraints", lines, space)


# -- volumes -----------------------------------------------------------------------------------------------------------------

Row = tuple[str, str, Any]  # label, field, what absence shows
_FS, _RO, _DRIVER = ("FSType", "fsType", ""), ("ReadOnly", "readOnly", False), ("Driver", "driver", "")
_CSI = "CSI (a Container Storage Interface (CSI) volume source)"
VOLUMES: dict[str, tuple[str, tuple[Row, ...]]] = {
    "hostPath": ("HostPath (bare host directory volume)", (("Path", "path", ""), ("HostPathType", "type", "<none>"))),
    "emptyDir": ("EmptyDir (a temporary directory that shares a pod's lifetime)", (("Medium", "medium", ""), ("SizeLimit",
    "sizeLimit", "<unset>"))),
    "secret": ("Secret (a volume populated by a Secret)", (("SecretName", "secretName", ""), ("Optional", "optional", False))),
    "configMap": ("ConfigMap (a volume populated by a ConfigMap)", (("Name", "name", ""), ("Optional", "optional", False))),
    "nfs": ("NFS (an NFS mount that lasts the lifetime of a pod)", (("Server", "server", ""), ("Path", "path", ""), _RO)),
    "persistentVolumeClaim": (
        "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)", (("ClaimName", "claimName", ""), _RO),
    ),
    "local": ("LocalVolume (a persistent volume backed by local storage on a node)", (("Path", "path", ""),)),
    "gitRepo": (
        "GitRepo (a volume that is pulled from git when the pod is created)", (("Repository", "repository", ""), ("Revision",
        "revision", "")),
    ),
    "gcePersistentDisk": (
        "GCEPersistentDisk (a Persistent Disk resource in Google Compute Engine)",
        (("PDName", "pdName", ""), _FS, ("Partition", "partition", 0), _RO),
    ),
    "awsElasticBlockStore": (
        "AWSElasticBlockStore (a Persistent Disk resource in AWS)", (("VolumeID", "volumeID", ""), _FS, ("Partition", "partition", 0), _RO),
    ),
    "image": ("Image (a container image or OCI artifact)", (("Reference", "reference", ""), ("PullPolicy", "pullPolicy", ""))),
    "csi": (_CSI, (_DRIVER, _FS, _RO)),
    "csiOfPersistentVolume": (_CSI, (_DRIVER, _FS, ("VolumeHandle", "volumeHandle", ""), _RO)),
}  # fmt: skip


def volumes(w: Writer, found: Sequence[Json] | None, space: str = "") -> None:
    """The volumes of a pod or a template."""
    w.line(f"{space}Volumes:{'' if found else chr(9) + '<none>'}")
    for volume in found or ():
        w.line(f"{' ' if space else ''}{volume['name']}:", 1)
        volume_source(w, volume)


def volume_source(w: Writer, volume: Json) -> None:
    """Where a volume comes from."""
    if "projected" in volume:
        _projected(w, volume["projected"])
    elif "downwardAPI" in volume:
        _downward(w, volume["downwardAPI"])
    elif "ephemeral" in volume:
        _ephemeral(w, volume["ephemeral"].get("volumeClaimTemplate"))
    else:
        kind = next((kind for kind in VOLUMES if kind in volume), "")
        if not kind:
            w.line("<unknown>", 1)
            return
        text, rows = VOLUMES["csiOfPersistentVolume" if "volumeHandle" in volume[kind] else kind]
        w.field("Type", text, 2)
        for label, key, absent in rows:
            w.field(label, shown(volume[kind].get(key, absent)), 2)
        if kind == "csi":
            _attributes(w, volume[kind].get("volumeAttributes") or {})


def _attributes(w: Writer, attributes: Json) -> None:
    """kubectl indents every piece of these lines, not only their beginning."""
    lines = [f"    {key}={attributes[key]}" for key in sorted(attributes)]
    w.pairs("    VolumeAttributes", lines[:1])
    for line in lines[1:]:
        w.line(f"        \t{line}")


def _ephemeral(w: Writer, claim: Json | None) -> None:
    w.field("Type", "EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)", 2)
    if claim is None:
        return
    w.field("StorageClass", dig(claim, "spec.storageClassName", ""), 2)
    w.field("Volume", dig(claim, "spec.volumeName", ""), 2)
    for title, key, sign in (("Labels", "labels", "="), ("Annotations", "annotations", ": ")):
        known = dig(claim, ("metadata", key), {})
        lines = [f"    {name}{sign}{known[name]}" for name in sorted(known)] or ["    <none>"]
        w.line(f"{title}:\t{lines[0]}", 2)
        for line in lines[1:]:
            w.line(f"    \t{line}", 2)
    w.field("Capacity", "", 2)
    w.field("Access Modes", "", 2)
    if dig(claim, "spec.volumeMode"):
        w.field("VolumeMode", claim["spec"]["volumeMode"], 2)


def _projected(w: Writer, projected: Json) -> None:
    w.field("Type", "Projected (a volume that contains injected data from multiple sources)", 2)
    for source in projected.get("sources") or ():
        for key, label in (("secret", "SecretName"), ("configMap", "ConfigMapName")):
            if key in source:
                w.field(label, source[key].get("name", ""), 2)
                w.field("Optional", bool(source[key].get("optional")), 2)
        if "downwardAPI" in source:
            w.field("DownwardAPI", "true", 2)
        if "serviceAccountToken" in source:
            w.field("TokenExpirationSeconds", dig(source, "serviceAccountToken.expirationSeconds", 0), 2)


def _downward(w: Writer, source: Json) -> None:
    w.field("Type", "DownwardAPI (a volume populated by information about the pod)", 2)
    w.line("Items:", 2)
    for item in source.get("items") or ():
        origin = dig(item, "fieldRef.fieldPath") or dig(item, "resourceFieldRef.resource")
        w.line(f"{origin} -> {item.get('path')}", 3)


def pod_template(w: Writer, template: Json) -> None:
    """The pod template of a workload."""
    spec, known = template.get("spec") or {}, template.get("metadata") or {}
    w.line("Pod Template:")
    w.labels("  Labels", known.get("labels"))
    if known.get("annotations"):
        w.annotations("  Annotations", known["annotations"])
    if spec.get("serviceAccountName"):
        w.field("Service Account", spec["serviceAccountName"], 1)
    if spec.get("initContainers"):
        containers(w, "Init Containers", spec["initContainers"], space="  ")
    containers(w, "Containers", spec.get("containers") or (), space="  ")
    volumes(w, spec.get("volumes"), "  ")
    spread(w, spec.get("topologySpreadConstraints"), "  ")
    if spec.get("priorityClassName"):
        w.field("Priority Class Name", spec["priorityClassName"], 1)
    w.labels("  Node-Selectors", spec.get("nodeSelector"))
    tolerations(w, "  Tolerations", spec.get("tolerations"))
