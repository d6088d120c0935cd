"""``kubectl describe``: objects in words, with what belongs to them.

Models: k8s.io/kubectl/pkg/cmd/describe/describe.go.
"""

from __future__ import annotations

from k8snb.kubectl.builder import Info, scope_of, visit, words
from k8snb.kubectl.call import ALL_NAMESPACES, CHUNK_SIZE, FILENAME, SELECTOR, Call, Command
from k8snb.kubectl.describe import Look, describe
from k8snb.kubectl.flags import boolean
from k8snb.kubectl.result import Failure, not_found, raise_all


def run(call: Call) -> None:
    """Describe each object; a name that is not there may be the beginning of one."""
    if not call.args and not call.flag("filename"):
        raise Failure(
            'You must specify the type of resource to describe. Use "kubectl api-resources" for a complete list of supported resources.'
        )
    infos, errors = visit(call, scope_of(call))
    if len(errors) == 1 and not_found(errors[0]) and len(call.args) == 2:
        if "/" in call.args[0]:
            raise errors[0]  # kubectl takes the second pair for the beginning of a name
        _by_prefix(call, errors[0])
        return
    look = Look(call.api, call.host.now, bool(call.flag("show-events")))
    for index, info in enumerate(infos):
        call.write(("\n\n" if index else "") + describe(info.obj, look))
    if not infos and not errors:
        call.err("No resources found" if call.flag("all-namespaces") else f"No resources found in {call.namespace} namespace.")
    raise_all(errors)


def _by_prefix(call: Call, original: Exception) -> None:
    kind, prefix = words(call, call.args[:1])[0].kind, call.args[1]
    infos, _ = visit(call, scope_of(call, [kind.qualified]))
    found: list[Info] = [info for info in infos if info.name.startswith(prefix)]
    if not found:
        raise original
    look = Look(call.api, call.host.now, bool(call.flag("show-events")))
    for info in found:
        call.write(describe(info.obj, look) + "\n")


COMMAND = Command(
    "describe", "Show details of a specific resource or group of resources",
    "kubectl describe (-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)", run,
    (*FILENAME, SELECTOR, ALL_NAMESPACES, CHUNK_SIZE, boolean("show-events", default=True)),
)  # fmt: skip
