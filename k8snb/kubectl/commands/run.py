"""``kubectl run``, ``expose`` and ``autoscale``: one object out of flags, about another.

Models: k8s.io/kubectl/pkg/cmd/run/run.go, pkg/cmd/expose/expose.go, pkg/cmd/autoscale/autoscale.go.
Simplified: ``run -it`` types what is given as ``stdin``, and follows until the container ends; there is no terminal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from k8snb.apimachinery.errors import ApiError, quote
from k8snb.apimachinery.objects import dig, freeze, merge
from k8snb.apimachinery.patch import apply_patch
from k8snb.apimachinery.quantity import QuantityError, canonical
from k8snb.apimachinery.strconv import atoi
from k8snb.kubectl import generate
from k8snb.kubectl.api import Json
from k8snb.kubectl.builder import Info, scope_of, visit
from k8snb.kubectl.call import DRY_RUN, FILENAME, PRINT, RECORD, Call, Command, field_manager
from k8snb.kubectl.commands.attach import end_with, type_into
from k8snb.kubectl.commands.create_workloads import given_namespace
from k8snb.kubectl.commands.delete import Manner, delete_all
from k8snb.kubectl.commands.pods import follow
from k8snb.kubectl.flags import Flag, boolean
from k8snb.kubectl.lastapplied import with_last_applied
from k8snb.kubectl.patches import PATCH_TYPES
from k8snb.kubectl.printers import printer
from k8snb.kubectl.result import Failure, raise_all, usage_error
from k8snb.kubectl.schemas import type_of
from k8snb.kubectl.text import go_value

RUN_SECONDS = 300.0


def run_run(call: Call) -> None:
    """Create a pod, and perhaps a service for it."""
    if not call.args:
        raise usage_error(call.path, "NAME is required for run")
    _check(call)
    pod, show = _pod(call), printer(call, "created", structs=call.dry_run == "client")
    if call.flag("expose"):
        show(_send(call, _run_service(call)))
        if call.flag("output") == "yaml":
            call.out("---")
    if _attached(call):
        _attach(call, _send(call, pod))
    else:
        show(_send(call, pod))


_LETTERS, _WORD = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?", "[a-z0-9]+(?:(?:[.]|_|__|-+)[a-z0-9]+)*"
IMAGE = re.compile(
    rf"(?:{_LETTERS}(?:[.]{_LETTERS})*(?::[0-9]+)?/)?{_WORD}(?:/{_WORD})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?"
    r"(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?"
)


def _check(call: Call) -> None:
    """Whether what was said goes together, in kubectl's order. Raises Failure."""
    if not call.flag("image"):
        raise Failure("--image is required")
    if not IMAGE.fullmatch(call.flag("image")):
        raise Failure(f"Invalid image name {quote(call.flag('image'))}: invalid reference format")
    for wrong, remark in (
        (call.flag("tty") and not call.flag("stdin"), "-i/--stdin is required for containers with -t/--tty=true"),
        (call.flag("expose") and not call.flag("port"), "--port must be set when exposing a service"),
        (call.flag("restart") not in ("Always", "OnFailure", "Never"), f"invalid restart policy: {call.flag('restart')}"),
        (call.flag("rm") and not _attached(call), "--rm should only be used for attached containers"),
        (_attached(call) and call.dry_run != "none",
         "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)"),
        (call.flag("image-pull-policy") not in ("", "Always", "IfNotPresent", "Never"),
         f"invalid image pull policy: {call.flag('image-pull-policy')}"),
    ):  # fmt: skip
        if wrong:
            raise usage_error(call.path, remark)
    try:
        atoi(call.flag("port") or "0")
    except ValueError as problem:
        raise Failure(str(problem)) from None


def _attached(call: Call) -> bool:
    return bool(call.flag("attach") or call.flag("stdin"))


def _port(call: Call) -> int:
    return int(call.flag("port") or 0)


def _pod(call: Call) -> Json:
    name, words = call.args[0], call.args[1:]
    labels = generate.parse_labels(call.flag("labels")) if call.flag("labels") else {"run": name}
    ports: list[Json] = [{"containerPort": _port(call)}] if _port(call) else []
    main = generate.container(
        name, call.flag("image"), env=generate.environment(call.flag("env")), ports=ports, imagePullPolicy=call.flag("image-pull-policy"),
        stdin=call.flag("stdin"), stdinOnce=call.flag("stdin"), tty=call.flag("tty"),
        **{"command" if call.flag("command") else "args": words},
    )  # fmt: skip
    pod = generate.pod(name, given_namespace(call), labels, main, call.flag("restart"))
    notes = dict(note.partition("=")[::2] for note in call.flag("annotations"))
    if notes:
        pod["metadata"]["annotations"] = notes
    if call.flag("privileged"):
        main["securityContext"] = {"privileged": True}
    return _overridden(call, pod)


def _overridden(call: Call, obj: Json) -> Json:
    if not call.flag("overrides"):
        return obj
    patch_type = PATCH_TYPES.get(call.flag("override-type"))
    if patch_type is None:
        raise Failure(f"invalid override type: {call.flag('override-type')}")
    try:
        body = freeze(json.loads(call.flag("overrides")))
    except ValueError:
        raise Failure("Invalid JSON Patch") from None
    return apply_patch(freeze(obj), body, patch_type, type_of(obj["apiVersion"], obj["kind"])) or obj


def _run_service(call: Call) -> Json:
    name, port = call.args[0], _port(call)
    selector = generate.parse_labels(call.flag("labels")) if call.flag("labels") else {"run": name}
    spec = {"ports": [{"port": port, "protocol": "TCP", "targetPort": port}], "selector": selector}
    return generate.obj("v1", "Service", name, given_namespace(call), spec=spec, status={"loadBalancer": {}})


def _create(call: Call, obj: Json, operation: str) -> None:
    printer(call, operation, structs=True)(_send(call, obj, structs=True))


def _send(call: Call, obj: Json, *, structs: bool = False) -> Json:
    obj = merge(freeze(obj), call.cause)
    obj = with_last_applied(obj, structs=structs) if call.flag("save-config") else obj
    made: Any = obj
    if call.dry_run != "client":
        kind = call.mapper.kind(obj["apiVersion"], obj["kind"])
        if kind is None:
            raise Failure(f"the server does not serve {obj['kind']}")
        made = call.api.do("create", kind, call.namespace, body=obj, **call.writes)
    found: Json = made
    return found


def _attach(call: Call, pod: Json) -> None:
    """Wait for the container, type what was given into it, show what it writes, remove it where asked."""
    kind, name = call.mapper.resource("pods"), pod["metadata"]["name"]
    if not call.wait(lambda: dig(call.api.get(kind, call.namespace, name), "status.phase") != "Pending", RUN_SECONDS):
        raise Failure("timed out waiting for the condition")
    now = call.api.get(kind, call.namespace, name)
    if call.flag("stdin") and _runs(now):
        type_into(call, now, call.args[0], call.inputs.stdin or "")
    follow(call, [(now, call.args[0])], {}, RUN_SECONDS)
    now = call.api.get(kind, call.namespace, name)
    codes = [code for status in dig(now, "status.containerStatuses", []) for code in [_exit_code(status)] if code]
    if call.flag("rm"):
        delete_all(call, [Info(kind, call.namespace, name, now)], Manner(-1, "Background", False, True))
    elif call.flag("stdin") and not codes:
        tty = " -t" if call.flag("tty") else ""
        call.err(f"Session ended, resume using 'kubectl attach {name} -c {call.args[0]} -i{tty}' command when the pod is running")
    if codes:
        end_with(call, f"pod {call.namespace}/{name} terminated (Error)", codes[0])


def _runs(pod: Json) -> bool:
    return any("running" in status.get("state", {}) for status in dig(pod, "status.containerStatuses", []))


def _exit_code(status: Json) -> int:
    ended = dig(status, "state.terminated") or dig(status, "lastState.terminated") or {}
    return int(ended.get("exitCode", 0))


RUN = Command(
    "run", "Run a particular image on the cluster",
    'kubectl run NAME --image=image [--env="key=value"] [--port=port] [--dry-run=server|client] [--overrides=inline-json] '
    "[--command] -- [COMMAND] [args...]", run_run,
    (
        *PRINT, DRY_RUN, RECORD, field_manager("kubectl-run"), Flag("image", required=True), Flag("port"),
        Flag("env", kind="array"),
        Flag("labels", "l"), Flag("annotations", kind="array"), Flag("restart", default="Always"), Flag("overrides"),
        Flag("override-type", default="merge"),
        Flag("image-pull-policy"), boolean("command"), boolean("expose"), boolean("stdin", "i"), boolean("tty", "t"), boolean("attach"),
        boolean("rm"), boolean("quiet", "q"), boolean("privileged"), boolean("save-config"), boolean("leave-stdin-open"),
        Flag("pod-running-timeout", kind="duration", default=60.0), Flag("timeout", kind="duration"),
        Flag("grace-period", kind="int", default=-1),
        boolean("force"), boolean("wait", default=True), Flag("cascade", default="background", bare="background"),
    ),
)  # fmt: skip


# -- expose ------------------------------------------------------------------------------------------------------------------


def run_expose(call: Call) -> None:
    """A service in front of pods, a workload or another service."""
    infos, errors = visit(call, replace(scope_of(call, must_name=True), selector=""))
    raise_all(errors)
    for info in infos:
        _create(call, _overridden(call, _expose(call, info.obj)), "exposed")


NO_SELECTOR = "couldn't retrieve selectors via --selector flag or introspection: {}"
NO_MAP = "couldn't convert expressions - \"{}\" to map-based selector format"


def _go_requirements(found: Sequence[Json]) -> str:
    """Label selector requirements as Go's ``%+v`` prints them."""
    texts = (f"{{Key:{one['key']} Operator:{one['operator']} Values:{go_value(one.get('values') or [])}}}" for one in found)
    return f"[{' '.join(texts)}]"


def selector_of(obj: Json) -> dict[str, str]:
    """The labels by which an object's pods are found. Raises Failure."""
    kind = obj["kind"]
    if kind == "Pod":
        found = dig(obj, "metadata.labels", {})
        if not found:
            raise Failure(NO_SELECTOR.format("the pod has no labels and cannot be exposed"))
    elif kind in ("Service", "ReplicationController"):
        found = dig(obj, "spec.selector", {})
        if not found:
            what = "service" if kind == "Service" else "replication controller"
            raise Failure(NO_SELECTOR.format(f"the {what} has no pod selector set"))
    elif kind in ("Deployment", "ReplicaSet"):
        if dig(obj, "spec.selector.matchExpressions"):
            raise Failure(NO_SELECTOR.format(NO_MAP.format(_go_requirements(obj["spec"]["selector"]["matchExpressions"]))))
        found = dig(obj, "spec.selector.matchLabels", {})
    else:
        raise Failure(f"cannot expose a {kind}.{obj['apiVersion'].rpartition('/')[0]}".rstrip("."))
    return dict(found)


def _expose(call: Call, obj: Json) -> Json:
    selector = generate.parse_labels(call.flag("selector")) if call.flag("selector") else selector_of(obj)
    labels = generate.parse_labels(call.flag("labels")) if call.flag("labels") else dict(dig(obj, "metadata.labels", {}))
    spec: Json = {"selector": selector, "ports": _expose_ports(call, obj)}
    if call.flag("type"):
        spec["type"] = call.flag("type")
    for key, flag in (
        ("clusterIP", "cluster-ip"),
        ("sessionAffinity", "session-affinity"),
        ("loadBalancerIP", "load-balancer-ip"),
    ):
        if call.flag(flag):
            spec[key] = call.flag(flag)
    if call.flag("external-ip"):
        spec["externalIPs"] = [call.flag("external-ip")]
    name = call.flag("name") or obj["metadata"]["name"]
    return generate.obj("v1", "Service", name, given_namespace(call), labels, spec=spec, status={"loadBalancer": {}})


def _expose_ports(call: Call, obj: Json) -> list[Json]:
    known, target = _ports_of(obj), call.flag("target-port")
    numbers = [int(text) for text in call.flag("port").split(",")] if call.flag("port") else [number for number, _ in known]
    if not numbers:
        raise Failure("couldn't find port via --port flag or introspection")
    ports = []
    for index, number in enumerate(numbers):
        wanted: Any = (int(target) if target.isdecimal() else target) if target else number
        name = {"name": f"port-{index + 1}"} if len(numbers) > 1 else {}
        protocol = call.flag("protocol") or next((one for port, one in known if port == number), "TCP")
        ports.append({**name, "port": number, "protocol": protocol, "targetPort": wanted})
    return ports


def _ports_of(obj: Json) -> list[tuple[int, str]]:
    """The ports of an object, each with its protocol."""
    if obj["kind"] == "Service":
        return [(port["port"], port.get("protocol", "TCP")) for port in dig(obj, "spec.ports", [])]
    path = "spec.containers" if obj["kind"] == "Pod" else "spec.template.spec.containers"
    found = [port for container in dig(obj, path, []) for port in container.get("ports") or ()]
    return [(port["containerPort"], port.get("protocol", "TCP")) for port in found]


EXPOSE = Command(
    "expose", "Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service",
    "kubectl expose (-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name] [--name=name] "
    "[--external-ip=external-ip-of-service] [--type=type]", run_expose,
    (
        *FILENAME, *PRINT, DRY_RUN, RECORD, field_manager("kubectl-expose"), Flag("port"), Flag("target-port"), Flag("protocol"),
        Flag("name"), Flag("type"),
        Flag("selector"), Flag("labels", "l"), Flag("external-ip"), Flag("cluster-ip"), Flag("session-affinity"),
        Flag("load-balancer-ip"), Flag("overrides"), Flag("override-type", default="merge"), boolean("save-config"),
    ),
)  # fmt: skip


# -- autoscale ---------------------------------------------------------------------------------------------------------------


def run_autoscale(call: Call) -> None:
    """An autoscaler for a workload."""
    if call.flag("max") < 1:
        raise Failure(f"--max=MAXPODS is required and must be at least 1, max: {call.flag('max')}")
    if call.flag("max") < call.flag("min"):
        raise Failure(f"--max=MAXPODS must be larger or equal to --min=MINPODS, max: {call.flag('max')}, min: {call.flag('min')}")
    if call.flag("cpu-percent") > 0 and call.flag("cpu"):
        raise Failure("--cpu-percent and --cpu are mutually exclusive")
    metrics = _metrics(call)
    infos, errors = visit(call, scope_of(call, must_name=True))
    raise_all(errors)
    for info in infos:
        if "scale" not in (info.kind.subresources or {}):
            missing = f"could not find scale subresource for {info.kind.group}/{info.kind.version}, Resource={info.kind.resource}"
            raise Failure(f"cannot autoscale a {info.kind.kind}: {missing} in discovery information")
        try:
            _create(call, _autoscaler(call, info, metrics), "created" if call.dry_run == "client" else "autoscaled")
        except ApiError as problem:
            raise _beyond_v1(call) or problem from None


def _beyond_v1(call: Call) -> Failure | None:
    """After any refusal kubectl tries again with autoscaling/v1, which says the same, unless that version cannot say what is asked for."""
    cpu = call.flag("cpu").strip()
    if not call.flag("memory") and cpu.endswith("%"):
        return None
    why = "%!w(<nil>)" if cpu else "empty input"
    return Failure(f"failed to create autoscaling/v2 HPA and the configuration is incompatible with autoscaling/v1: {why}")


def _autoscaler(call: Call, info: Info, metrics: list[Json]) -> Json:
    target = {"kind": info.kind.kind, "name": info.name, "apiVersion": info.kind.api_version}
    spec: Json = {"scaleTargetRef": target, "maxReplicas": call.flag("max")}
    if call.flag("min") > 0:
        spec["minReplicas"] = call.flag("min")
    if metrics:
        spec["metrics"] = metrics
    name = call.flag("name") or info.name
    status = {"currentMetrics": None, "desiredReplicas": 0}
    return generate.obj("autoscaling/v2", "HorizontalPodAutoscaler", name, given_namespace(call), spec=spec, status=status)


def _metrics(call: Call) -> list[Json]:
    percent = call.flag("cpu-percent")
    wanted = [("cpu", call.flag("cpu") or (f"{percent}%" if percent > 0 else "")), ("memory", call.flag("memory"))]
    return [{"type": "Resource", "resource": {"name": name, "target": _target(name, text.strip())}} for name, text in wanted if text]


def _target(name: str, text: str) -> Json:
    """A share of what is requested, or an amount; a bare number counts milli-CPUs, or mebibytes."""
    if text.endswith("%"):
        if not text[:-1].isdecimal():
            raise Failure(f"invalid percentage value: {text[:-1]}")
        return {"type": "Utilization", "averageUtilization": int(text[:-1])}
    if re.fullmatch(r"\d+(\.\d+)?", text):
        text = f"{float(text):g}{'m' if name == 'cpu' else 'Mi'}"
    try:
        return {"type": "AverageValue", "averageValue": canonical(text)}
    except QuantityError:
        raise Failure(f"invalid resource {name} value: {text}") from None


CPU_PERCENT = "Use --cpu with percentage or resource quantity format (e.g., '70%' for utilization or '500m' for milliCPU)."
AUTOSCALE = Command(
    "autoscale", "Auto-scale a deployment, replica set, stateful set, or replication controller",
    "kubectl autoscale (-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS [--cpu=CPU] [--memory=MEMORY]", run_autoscale,
    (
        *FILENAME, *PRINT, DRY_RUN, RECORD, field_manager("kubectl-autoscale"), Flag("min", kind="int", default=-1),
        Flag("max", kind="int", default=-1, required=True),
        Flag("cpu"), Flag("memory"), Flag("cpu-percent", kind="int", default=-1, deprecated=CPU_PERCENT), Flag("name"),
        boolean("save-config"),
    ),
)  # fmt: skip
