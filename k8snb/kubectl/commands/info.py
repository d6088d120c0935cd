"""``kubectl api-resources``, ``api-versions``, ``cluster-info``, ``version``: about the server itself.

Models: k8s.io/kubectl/pkg/cmd/apiresources, pkg/cmd/clusterinfo, pkg/cmd/version.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from k8snb.apimachinery import yaml
from k8snb.kubectl.call import Call, Command
from k8snb.kubectl.flags import Flag, boolean
from k8snb.kubectl.mapper import Kind
from k8snb.kubectl.printers import indented
from k8snb.kubectl.result import Failure, usage_error
from k8snb.kubectl.text import columns
from k8snb.kubectl.unreachable import Unreachable
from k8snb.messages import text as sentence

VERSION = "v1.36.2"
KUSTOMIZE = "v5.8.1"


def run_api_resources(call: Call) -> None:
    """What the server serves, in the preferred version of each."""
    if call.args:
        raise usage_error(call.path, f"unexpected arguments: [{' '.join(call.args)}]")
    output = call.flag("output")
    if output not in ("", "wide", "name"):
        raise Failure(f"--output {output} is not available")
    if call.flag("sort-by") not in ("", "name", "kind"):
        raise Failure("--sort-by accepts only name or kind")
    call.mapper.refresh()
    kinds = _sorted([kind for kind in _preferred(call.mapper.kinds) if _wanted(call, kind)], call.flag("sort-by"))
    if output == "name":
        for kind in kinds:
            call.out(kind.qualified)
        return
    titles = ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"] + ["VERBS", "CATEGORIES"] * (output == "wide")
    rows = [_row(kind, wide=output == "wide") for kind in kinds]
    call.write(columns(rows if call.flag("no-headers") else [titles, *rows]))


def _preferred(kinds: Sequence[Kind]) -> list[Kind]:
    return list({(kind.group, kind.resource): kind for kind in reversed(kinds) if kind.verbs}.values())[::-1]


def _wanted(call: Call, kind: Kind) -> bool:
    said = call.values.said
    if said("api-group") and kind.group != call.flag("api-group"):
        return False
    if said("namespaced") and kind.namespaced != call.flag("namespaced"):
        return False
    return set(call.flag("verbs")) <= set(kind.verbs) and set(call.flag("categories")) <= set(kind.categories)


def _sorted(kinds: Sequence[Kind], by: str) -> list[Kind]:
    keys: dict[str, Callable[[Kind], tuple[str, ...]]] = {
        "": lambda kind: (kind.group, kind.resource), "name": lambda kind: (kind.resource, kind.group), "kind": lambda kind: (kind.kind,),
    }  # fmt: skip
    return sorted(kinds, key=keys[by])


def _row(kind: Kind, *, wide: bool) -> list[str]:
    cells = [kind.resource, ",".join(kind.short_names), kind.api_version, "true" if kind.namespaced else "false", kind.kind]
    return cells + [",".join(kind.verbs), ",".join(kind.categories)] * wide


def run_api_versions(call: Call) -> None:
    """Every group and version."""
    if call.args:
        raise usage_error(call.path, f"unexpected arguments: [{' '.join(call.args)}]")
    try:
        call.mapper.refresh()
    except Unreachable as lost:
        raise Failure(f"couldn't get available api versions from server: {lost.message}") from None
    for version in sorted({kind.api_version for kind in call.mapper.kinds}):
        call.out(version)


def run_cluster_info(call: Call) -> None:
    """Where the control plane is: here."""
    call.out(sentence("kubectl.cluster_info"))


def run_version(call: Call) -> None:
    """Versions of the client and of the server."""
    if call.args:
        raise Failure(f"extra arguments: [{' '.join(call.args)}]")
    output = call.flag("output")
    if output not in ("", "json", "yaml"):
        raise Failure("--output must be 'yaml' or 'json'")
    server, lost = _server_version(call)
    if output in ("json", "yaml"):
        parts = ("major", "minor", "gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform")
        shown = {
            "clientVersion": {"gitVersion": VERSION},
            "kustomizeVersion": KUSTOMIZE,
            **({"serverVersion": {part: server[part] for part in (*parts, *server) if part in server}} if server else {}),
        }
        call.write(indented(shown, sort=False) + "\n" if output == "json" else yaml.dump(shown))
    else:
        call.out(f"Client Version: {VERSION}\nKustomize Version: {KUSTOMIZE}")
        if server:
            call.out(f"Server Version: {server.get('gitVersion', '')}")
    if lost:
        raise lost


def _server_version(call: Call) -> tuple[dict[str, str], Unreachable | None]:
    """The server's version, or that nobody answers: the client's is printed all the same."""
    try:
        return {} if call.flag("client") else call.api.path("/version"), None
    except Unreachable as lost:
        return {}, lost


API_RESOURCES = Command(
    "api-resources", "Print the supported API resources on the server", "kubectl api-resources", run_api_resources,
    (
        Flag("output", "o"), Flag("api-group"), boolean("namespaced", default=True), Flag("sort-by"), Flag("verbs", kind="strings"),
        Flag("categories", kind="strings"), boolean("no-headers"), boolean("cached"), boolean("show-managed-fields"),
    ),
)  # fmt: skip
API_VERSIONS = Command(
    "api-versions", 'Print the supported API versions on the server, in the form of "group/version"', "", run_api_versions
)
CLUSTER_INFO = Command("cluster-info", "Display cluster information", "kubectl cluster-info", run_cluster_info)
VERSION_COMMAND = Command(
    "version", "Print the client and server version information", "", run_version, (boolean("client"), Flag("output", "o"))
)
