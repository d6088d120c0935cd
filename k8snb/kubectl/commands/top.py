"""``kubectl top nodes`` and ``top pods``: what is used right now, as the metrics server says.

Models: k8s.io/kubectl/pkg/cmd/top (top_node.go, top_pod.go), pkg/metricsutil/metrics_printer.go.
Simplified: swap is not shown.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.apimachinery.duration import go_duration
from k8snb.apimachinery.meta import parse_time
from k8snb.apimachinery.objects import dig
from k8snb.apimachinery.quantity import exact, milli_value, value
from k8snb.kubectl.api import Json
from k8snb.kubectl.call import ALL_NAMESPACES, FIELD_SELECTOR, SELECTOR, Call, Command
from k8snb.kubectl.flags import Flag, boolean
from k8snb.kubectl.mapper import Kind
from k8snb.kubectl.result import Failure, usage_error
from k8snb.kubectl.text import MICROS, align

CREATION_DELAY = 120 * MICROS  # after two minutes a pod without metrics is worth a complaint
MIB = 1024 * 1024
_SORTS = ("cpu", "memory")
_SHARED = (SELECTOR, FIELD_SELECTOR, Flag("sort-by"), boolean("no-headers"), boolean("use-protocol-buffers", default=True))


def _kind(call: Call, plural: str) -> Kind:
    """The kind that the metrics server serves. Raises Failure in a cluster without one."""
    call.mapper.refresh()
    found = next((kind for kind in call.mapper.kinds if (kind.group, kind.resource) == ("metrics.k8s.io", plural)), None)
    if found is None:
        raise Failure("Metrics API not available")
    return found


def _measured(call: Call, plural: str, namespace: str) -> list[Json]:
    """The metrics asked for: one by name, or all that the selectors leave."""
    if call.flag("sort-by") and call.flag("sort-by") not in _SORTS:
        raise Failure("--sort-by accepts only cpu or memory")
    if len(call.args) > 1:
        raise usage_error(call.path, "one NAME or -l label is required")
    if call.args and call.flag("selector"):
        raise usage_error(call.path, "only one of NAME or selector can be provided")
    kind = _kind(call, plural)
    if call.args:
        return [call.api.get(kind, namespace, call.args[0])]
    chosen = {"label_selector": call.flag("selector") or "", "field_selector": call.flag("field-selector") or ""}
    return list(call.api.list_all(kind, namespace, **chosen).get("items") or ())


def _amounts(parts: Sequence[Json]) -> tuple[int, int]:
    """Millicores (rounded up) and bytes of several ``usage``."""
    cpu = sum(exact(part["cpu"]) for part in parts)
    return int(-(-cpu * 1000 // 1)), sum(value(part["memory"]) for part in parts)


def _sorted(call: Call, rows: list[tuple[Json, tuple[int, int]]]) -> list[tuple[Json, tuple[int, int]]]:
    key = call.flag("sort-by")
    return sorted(rows, key=lambda row: -row[1][_SORTS.index(key)]) if key else rows


def _print(call: Call, rows: list[list[str]]) -> None:
    """Every cell ends with a tab, the last one too, so lines end in blanks."""
    call.write(align("".join("".join(f"{cell}\t" for cell in row) + "\n" for row in rows), minwidth=6, padding=3))


def _shown(amounts: tuple[int, int]) -> list[str]:
    return [f"{amounts[0]}m", f"{amounts[1] // MIB}Mi"]


# -- nodes -----------------------------------------------------------------------------------------------------------


def run_nodes(call: Call) -> None:
    """One line a node: what is used, and how much that is of what pods may ask for."""
    measured = _measured(call, "nodes", "")
    if not measured:
        raise Failure("metrics not available yet")
    known = {node["metadata"]["name"]: node for node in call.api.items("v1", "Node", label_selector=call.flag("selector") or "")}
    rows = [] if call.flag("no-headers") else [["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]]
    field = "capacity" if call.flag("show-capacity") else "allocatable"
    for one, amounts in _sorted(call, [(one, _amounts([one["usage"]])) for one in measured]):
        node = known.pop(one["metadata"]["name"], {})
        rows.append(_node(one["metadata"]["name"], amounts, dig(node, ("status", field), {})))
    rows += [[name, *["<unknown>"] * 4] for name in sorted(known) if not call.args]
    _print(call, rows)


def _node(name: str, amounts: tuple[int, int], room: Json) -> list[str]:
    have = (milli_value(room["cpu"]), value(room["memory"])) if room else (0, 0)
    cells = [name]
    for text, used, most in zip(_shown(amounts), amounts, have, strict=True):
        cells += [text, f"{used * 100 // most}%" if most else "<unknown>"]
    return cells


# -- pods ------------------------------------------------------------------------------------------------------------


def run_pods(call: Call) -> None:
    """One line a pod, or with ``--containers`` a container."""
    everywhere = bool(call.flag("all-namespaces"))
    namespace = "" if everywhere else call.namespace
    measured = _measured(call, "pods", namespace)
    if not measured:
        _explain(call, namespace, everywhere)
        return
    rows: list[list[str]] = []
    for one, amounts in _sorted(call, [(one, _amounts([c["usage"] for c in one["containers"]])) for one in measured]):
        head = [one["metadata"]["namespace"]] if everywhere else []
        if call.flag("containers"):
            by_name = sorted(one["containers"], key=lambda container: str(container["name"]))
            containers = _sorted(call, [(c, _amounts([c["usage"]])) for c in by_name])
            rows += [[*head, one["metadata"]["name"], c["name"], *_shown(used)] for c, used in containers]
        else:
            rows.append([*head, one["metadata"]["name"], *_shown(amounts)])
    titles = ["NAMESPACE"] * everywhere + ["POD"] * bool(call.flag("containers")) + ["NAME", "CPU(cores)", "MEMORY(bytes)"]
    total = _total(call, measured, len(titles)) if call.flag("sum") else []
    _print(call, [*([] if call.flag("no-headers") else [titles]), *rows, *total])


def _total(call: Call, measured: list[Json], width: int) -> list[list[str]]:
    whole = _amounts([container["usage"] for one in measured for container in one["containers"]])
    blank = [""] * (width - 2)
    return [[*blank, "________", "________"], [*blank, *_shown(whole)]]


def _explain(call: Call, namespace: str, everywhere: bool) -> None:
    """No metrics: because there are no pods, because they are new, or because something is wrong."""
    chosen = call.flag("selector") or ""
    pods = call.api.items("v1", "Pod", namespace, label_selector=chosen)
    if not pods:
        call.err("No resources found" if everywhere else f"No resources found in {namespace} namespace.")
        return
    for pod in pods:
        age = call.host.now - parse_time(pod["metadata"]["creationTimestamp"])
        if age > CREATION_DELAY:
            name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
            raise Failure(f"Metrics not available for pod {name}, age: {go_duration(age)}")
    raise Failure("metrics not available yet")


NODES = Command(
    "node", "Display resource (CPU/memory) usage of nodes", "kubectl top node [NAME | -l label]", run_nodes,
    (*_SHARED, boolean("show-capacity"), boolean("show-swap")), ("nodes", "no"),
)  # fmt: skip
PODS = Command(
    "pod", "Display resource (CPU/memory) usage of pods", "kubectl top pod [NAME | -l label]", run_pods,
    (*_SHARED, ALL_NAMESPACES, boolean("containers"), boolean("sum"), boolean("show-swap")), ("pods", "po"),
)  # fmt: skip
COMMAND = Command(
    "top", "Display resource (CPU/memory) usage", "kubectl top [flags]", subcommands=(NODES, PODS),
    long=(
        "Display resource (CPU/memory) usage.\n\n The top command allows you to see the resource consumption for nodes or pods.\n\n"
        " This command requires Metrics Server to be correctly configured and working on the server."
    ),
)  # fmt: skip
