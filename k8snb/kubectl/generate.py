"""Objects out of command lines: what ``kubectl create deployment``, ``run`` and ``expose`` send.

Pure functions: values in, an object out. What Go prints although it is empty (``strategy: {}``, ``status: {}``,
``resources: {}``) is there, because ``--dry-run=client -o yaml`` shows it. Raise :class:`Failure` with kubectl's words.

Models: k8s.io/kubectl/pkg/cmd/create (create_*.go), pkg/generate/versioned, pkg/cmd/run/run.go.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.apimachinery import quantity, validation
from k8snb.apimachinery.errors import quote
from k8snb.apimachinery.gotext import go_json
from k8snb.apimachinery.objects import freeze, put
from k8snb.apimachinery.strconv import integer, parse_uint
from k8snb.kubectl.api import Json
from k8snb.kubectl.result import Failure
from k8snb.sim.rng import SAFE_ALPHABET


def obj(api_version: str, kind: str, name: str, namespace: str = "", labels: Mapping[str, str] | None = None, **fields: Any) -> Json:
    """An object; empty labels and namespace are left out."""
    meta: Json = {"name": name}
    if labels:
        meta["labels"] = dict(labels)
    if namespace:
        meta["namespace"] = namespace
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, **fields}


def container(name: str, image: str, **fields: Any) -> Json:
    """A container; what is empty is left out."""
    return {"name": name, "image": image, "resources": {}, **{key: value for key, value in fields.items() if value}}


def image_name(image: str) -> str:
    """A container's name from its image: ``docker.io/library/nginx:1.27`` is nginx; one that had to be changed gets a suffix."""
    name = image.rsplit("/", 1)[-1].split(":", maxsplit=1)[0].split("@", maxsplit=1)[0]
    changed = name.replace("_", "-").replace(".", "-")
    return name if changed == name else f"{changed}-{suffix(image)}"


def suffix(*words: str) -> str:
    """Five letters that follow from the words: the same command gives the same name every time."""
    digest = hashlib.sha256("/".join(words).encode()).digest()
    return "".join(SAFE_ALPHABET[byte % len(SAFE_ALPHABET)] for byte in digest[:5])


def deployment(name: str, namespace: str, *, images: Sequence[str], replicas: int, port: int, command: Sequence[str]) -> Json:
    """A deployment labelled ``app=NAME``."""
    if len(images) > 1 and command:
        raise Failure("cannot specify multiple --image options and command")
    labels = {"app": name}
    containers = [container(image_name(image), image, command=list(command)) for image in images]
    if port >= 0 and containers:
        containers[0]["ports"] = [{"containerPort": port}]
    spec = {
        "replicas": replicas, "selector": {"matchLabels": labels}, "strategy": {},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
    }  # fmt: skip
    return obj("apps/v1", "Deployment", name, namespace, labels, spec=spec, status={})


def pod_spec(name: str, image: str, command: Sequence[str], restart: str) -> Json:
    """The pod of a job."""
    return {"containers": [container(name, image, command=list(command))], "restartPolicy": restart}


def job(name: str, namespace: str, image: str, command: Sequence[str]) -> Json:
    """A job that runs a command once."""
    template = {"metadata": {}, "spec": pod_spec(name, image, command, "Never")}
    return obj("batch/v1", "Job", name, namespace, spec={"template": template}, status={})


def job_from(cron_job: Json, name: str, namespace: str) -> Json:
    """A job made by hand from a cron job's template, owned by it."""
    template, meta = cron_job["spec"]["jobTemplate"], cron_job["metadata"]
    known = template.get("metadata") or {}
    made = obj("batch/v1", "Job", name, namespace, known.get("labels"), spec=template["spec"], status={})
    made["metadata"]["annotations"] = {**(known.get("annotations") or {}), "cronjob.kubernetes.io/instantiate": "manual"}
    made["metadata"]["ownerReferences"] = [
        {"apiVersion": "batch/v1", "kind": "CronJob", "name": meta["name"], "uid": meta["uid"], "controller": True}
    ]
    return made


def cron_job(name: str, namespace: str, *, image: str, schedule: str, restart: str, command: Sequence[str]) -> Json:
    """A cron job."""
    template = {"metadata": {}, "spec": pod_spec(name, image, command, restart or "OnFailure")}
    spec = {"schedule": schedule, "jobTemplate": {"metadata": {"name": name}, "spec": {"template": template}}}
    return obj("batch/v1", "CronJob", name, namespace, spec=spec, status={})


# -- configuration -----------------------------------------------------------------------------------------------------------


def literals(pairs: Sequence[str], what: str, name: str) -> dict[str, str]:
    """``key=value`` pairs, checked as keys of a ConfigMap or a Secret."""
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise Failure(f"invalid literal source {pair}, expected key=value")
        add_key(found, key, value.strip("\"'"), what, name)
    return found


def add_key(found: dict[str, str], key: str, value: str, what: str, name: str) -> None:
    """Add one entry, or say why its key cannot be."""
    problems = validation.config_key(key)
    if problems:
        raise Failure(f"{quote(key)} is not a valid key name for a {what}: {','.join(problems)}")
    if key in found:
        raise Failure(f"cannot add key {quote(key)}, another key by that name already exists in Data for {what} {quote(name)}")
    found[key] = value


def env_file(text: str) -> dict[str, str]:
    """``KEY=value`` lines of a file; comments and blank lines are skipped."""
    lines = [line.strip() for line in text.splitlines()]
    return dict(_pair(line) for line in lines if line and not line.startswith("#"))


def _pair(line: str) -> tuple[str, str]:
    key, _, value = line.partition("=")
    return key.strip(), value


def config_map(name: str, namespace: str, data: Mapping[str, str]) -> Json:
    """A config map."""
    fields: dict[str, Any] = {"data": dict(data)} if data else {}
    return obj("v1", "ConfigMap", name, namespace, **fields)


def secret(name: str, namespace: str, data: Mapping[str, str], kind: str = "") -> Json:
    """A secret; values are encoded."""
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    fields: dict[str, Any] = {"data": encoded} if encoded else {}
    fields |= {"type": kind} if kind else {}
    return obj("v1", "Secret", name, namespace, **fields)


_HASH_LETTERS = str.maketrans({"0": "g", "1": "h", "3": "k", "a": "m", "e": "t"})


def with_hash(made: Json) -> Json:
    """A config map or a secret whose name ends with a hash of what it holds (``--append-hash``; pkg/util/hash)."""
    kept = {"kind": made["kind"], "name": made["metadata"]["name"], "data": made.get("data", {})}
    kept |= {"type": made.get("type", "")} if made["kind"] == "Secret" else {}
    digest = hashlib.sha256(go_json(kept).encode()).hexdigest()
    return put(freeze(made), "metadata.name", f"{made['metadata']['name']}-{digest[:10].translate(_HASH_LETTERS)}")


def docker_config(server: str, username: str, password: str, email: str) -> str:
    """The content of ``.dockerconfigjson``."""
    auth = base64.b64encode(f"{username}:{password}".encode()).decode()
    entry = {"username": username, "password": password, **({"email": email} if email else {}), "auth": auth}
    return json.dumps({"auths": {server: entry}}, separators=(",", ":"))


# -- services and ingresses --------------------------------------------------------------------------------------------------


def service_ports(texts: Sequence[str], node_port: int = 0) -> list[Json]:
    """``80:8080`` or ``80:http`` as ports of a service."""
    ports = []
    for text in texts:
        number, target = _port_pair(text)
        port: Json = {"name": f"{number}-{target}" if ":" in text else f"{number}", "port": number, "protocol": "TCP", "targetPort": target}
        port["name"] = text.replace(":", "-")
        if node_port:
            port["nodePort"] = node_port
        ports.append(port)
    return ports


MAX_PORT = 65535


def _port_pair(text: str) -> tuple[int, int | str]:
    first, colon, second = text.partition(":")
    try:
        number = parse_uint(first, bits=16)
    except ValueError as problem:
        raise Failure(str(problem)) from None
    if not colon:
        return number, number
    if (target := integer(second)) is not None:
        if not 1 <= target <= MAX_PORT:
            raise Failure(f"must be between 1 and {MAX_PORT}, inclusive")
        return number, target
    problems = validation.port_name(second)
    if problems:
        raise Failure(",".join(problems))
    return number, second


def service(name: str, namespace: str, kind: str, *, ports: Sequence[Json], cluster_ip: str = "", external_name: str = "") -> Json:
    """A service that selects ``app=NAME``."""
    spec: Json = {"selector": {"app": name}, "type": kind}
    if ports:
        spec["ports"] = list(ports)
    if cluster_ip:
        spec["clusterIP"] = cluster_ip
    if external_name:
        spec["externalName"] = external_name
    return obj("v1", "Service", name, namespace, {"app": name}, spec=spec, status={"loadBalancer": {}})


_RULE = re.compile(r"^(?P<host>[\w*.-]*)(?P<path>/[^,=\n]*)=(?P<service>[\w-]+):(?P<port>[\w-]+)(?P<tls>,tls=?(?P<secret>[\w-]+)?)?$")


def ingress(name: str, namespace: str, *, rules: Sequence[str], class_name: str, default: str, annotations: Sequence[str]) -> Json:
    """An ingress from ``host/path=service:port[,tls[=secret]]`` rules."""
    spec: Json = {}
    by_host: dict[str, list[Json]] = {}
    matches = _rules_of(rules, annotations, default)
    for match in matches:
        path, wild = match["path"], match["path"].endswith("*")
        by_host.setdefault(match["host"], []).append(
            {
                "path": path.rstrip("*") if wild else path,
                "pathType": "Prefix" if wild else "Exact",
                "backend": _backend(match["service"], match["port"]),
            }
        )
    if class_name:
        spec["ingressClassName"] = class_name
    if default:
        spec["defaultBackend"] = _backend(*default.split(":"))
    if by_host:
        spec["rules"] = [({"host": host} if host else {}) | {"http": {"paths": paths}} for host, paths in by_host.items()]
    if tls := _tls(matches):
        spec["tls"] = tls
    made = obj("networking.k8s.io/v1", "Ingress", name, namespace, spec=spec, status={"loadBalancer": {}})
    if annotations:
        made["metadata"]["annotations"] = dict(note.split("=", 1) for note in annotations)
    return made


def _rules_of(rules: Sequence[str], annotations: Sequence[str], default: str) -> list[re.Match[str]]:
    """The parts of each rule; the words of an ingress are checked in kubectl's order."""
    found = []
    for rule in rules:
        match = _RULE.match(rule)
        if not match:
            raise Failure(f"rule {rule} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]")
        found.append(match)
    for note in annotations:
        if "=" not in note:
            raise Failure(f"annotation {note} is invalid and should be in format key=[value]")
    if default and default.count(":") != 1:
        raise Failure("default-backend should be in format servicename:serviceport")
    return found


def _tls(matches: Sequence[re.Match[str]]) -> list[Json]:
    """The hosts of each secret. A host stands there once, where it came first."""
    by_secret: dict[str, list[str]] = {}
    seen: list[str] = []
    for match in matches:
        host, secret_name = match["host"], match["secret"] or ""
        if match["tls"] and host not in seen:
            seen.append(host)
            by_secret.setdefault(secret_name, []).extend([host] if host or secret_name in by_secret else [])
    found = [({"hosts": hosts} if hosts else {}) | ({"secretName": name} if name else {}) for name, hosts in by_secret.items()]
    return [one for one in found if one]


def _backend(name: str, port: str) -> Json:
    return {"service": {"name": name, "port": {"number": int(port)} if port.isdecimal() else {"name": port}}}


# -- rules -------------------------------------------------------------------------------------------------------------------


def resource_list(text: str) -> dict[str, str]:
    """``cpu=1,pods=2`` as quantities."""
    found = {}
    for part in text.split(",") if text else ():
        key, equals, value = part.partition("=")
        if not equals:
            raise Failure(f"Invalid argument syntax {part}, expected <resource>=<value>")
        try:
            found[key] = quantity.canonical(value)
        except quantity.QuantityError as problem:
            raise Failure(str(problem)) from None
    return found


def quota(name: str, namespace: str, hard: str, scopes: str) -> Json:
    """A resource quota."""
    spec: Json = {"hard": resource_list(hard)} if hard else {}
    if scopes:
        spec["scopes"] = scopes.split(",")
    return obj("v1", "ResourceQuota", name, namespace, spec=spec, status={})


def disruption_budget(name: str, namespace: str, selector: Json, min_available: str, max_unavailable: str) -> Json:
    """A pod disruption budget."""
    spec: Json = {"selector": selector}
    for key, value in (("minAvailable", min_available), ("maxUnavailable", max_unavailable)):
        if value:
            spec[key] = int(value) if value.isdecimal() else value
    status = dict.fromkeys(("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods"), 0)
    return obj("policy/v1", "PodDisruptionBudget", name, namespace, spec=spec, status=status)


def priority_class(name: str, value: int, default: bool, description: str, preemption: str) -> Json:
    """A priority class."""
    fields: Json = {"value": value, "preemptionPolicy": preemption}
    if default:
        fields["globalDefault"] = True
    if description:
        fields["description"] = description
    return obj("scheduling.k8s.io/v1", "PriorityClass", name, **fields)


def binding(
    kind: str, name: str, namespace: str, *, role: tuple[str, str], users: Sequence[str], groups: Sequence[str], accounts: Sequence[str]
) -> Json:
    """A role binding or a cluster role binding; ``accounts`` are ``namespace:name``."""
    group = "rbac.authorization.k8s.io"
    subjects: list[Json] = [{"apiGroup": group, "kind": "User", "name": user} for user in users]
    subjects += [{"apiGroup": group, "kind": "Group", "name": one} for one in groups]
    for account in accounts:
        parts = account.split(":")
        if len(parts) != 2 or not all(parts):
            raise Failure("serviceaccount must be <namespace>:<name>")
        subjects.append({"kind": "ServiceAccount", "name": parts[1], "namespace": parts[0]})
    ref = {"apiGroup": group, "kind": role[0], "name": role[1]}
    fields: dict[str, Any] = {"subjects": subjects} if subjects else {}
    return obj(f"{group}/v1", kind, name, namespace, roleRef=ref, **fields)


def rules_of(verbs: Sequence[str], resources: Sequence[tuple[str, str]], names: Sequence[str]) -> list[Json]:
    """Policy rules: the resources, as (group, resource), of each API group in one rule."""
    groups: dict[str, dict[str, None]] = {}
    for group, resource in resources:
        groups.setdefault(group, {})[resource] = None
    extra = {"resourceNames": list(dict.fromkeys(names))} if names else {}
    return [{"verbs": list(verbs), "apiGroups": [group], "resources": list(groups[group]), **extra} for group in sorted(groups)]


# -- run and expose ----------------------------------------------------------------------------------------------------------


def environment(pairs: Sequence[str]) -> list[Json]:
    """``NAME=value`` pairs as a container's environment."""
    entries = []
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
            raise Failure(f"invalid env: {pair}")
        entries.append({"name": name, "value": value} if value else {"name": name})
    return entries


def pod(name: str, namespace: str, labels: Mapping[str, str], main: Json, restart: str) -> Json:
    """The pod of ``kubectl run``."""
    spec = {"containers": [main], "dnsPolicy": "ClusterFirst", "restartPolicy": restart}
    return obj("v1", "Pod", name, namespace, labels, spec=spec, status={})


def parse_labels(text: str) -> dict[str, str]:
    """``a=b,c=d`` as labels."""
    found = {}
    for part in text.split(",") if text else ():
        key, equals, value = part.partition("=")
        if not equals:
            raise Failure(f"unexpected label spec: {part}")
        found[key] = value
    return found
