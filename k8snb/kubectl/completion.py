"""What may stand at the cursor of a kubectl command line.

    complete(session, ROOT, "get po", 6)              # ['pod', 'poddisruptionbudgets', 'pods', ...]

Commands and flags come from the table, resource types from discovery, names from live objects.

Models: k8s.io/kubectl/pkg/util/completion/completion.go.
"""

from __future__ import annotations

import shlex

from k8snb.apimachinery.errors import ApiError
from k8snb.kubectl.api import Api
from k8snb.kubectl.call import Command, Session
from k8snb.kubectl.flags import Flag
from k8snb.kubectl.result import Failure

FORMATS = ("json", "yaml", "name", "wide", "jsonpath=", "go-template=", "custom-columns=", "kyaml")
PODS_ONLY = ("logs", "exec", "attach", "port-forward", "cp", "debug")
NODES_ONLY = ("cordon", "uncordon", "drain")
NO_RESOURCES = (
    "create",
    "apply",
    "run",
    "version",
    "api-resources",
    "api-versions",
    "cluster-info",
    "config",
    "auth",
    "diff",
    "events",
    "certificate",
)


def complete(session: Session, root: Command, line: str, cursor: int) -> list[str]:
    """Sorted words that may complete the one at the cursor."""
    text = line[:cursor]
    words = _words(text)
    current = words.pop() if words and not text[-1:].isspace() else ""
    if words[:1] == ["kubectl"]:
        words = words[1:]
    command, rest = _command(root, words)
    try:
        found = _candidates(session, command, rest, current)
    except (ApiError, Failure):
        found = []
    return sorted(dict.fromkeys(word for word in found if word.startswith(current)))


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _command(root: Command, words: list[str]) -> tuple[Command, list[str]]:
    command, rest = root, list(words)
    while rest and command.find(rest[0]):
        command = command.find(rest.pop(0)) or command
    return command, rest


def _candidates(session: Session, command: Command, rest: list[str], current: str) -> list[str]:
    flags = (*command.flags, Flag("namespace", "n"), Flag("as"))
    before = rest[-1] if rest else ""
    if current.startswith("-"):
        return [f"--{flag.name}" + ("" if flag.alone is not None else "=") for flag in flags]
    taking = next((flag for flag in flags if before in (f"--{flag.name}", f"-{flag.shorthand}") and flag.alone is None), None)
    api = Api(session.send, session.user, lambda _text: None, session.known)
    namespace = _namespace(rest) or session.namespace
    if taking is not None:
        return _flag_values(api, taking)
    if command.subcommands and not rest:
        return [sub.name for sub in command.subcommands]
    return _arguments(api, command, [word for word in rest if not word.startswith("-")], current, namespace)


def _namespace(rest: list[str]) -> str:
    for index, word in enumerate(rest):
        if word in ("-n", "--namespace") and index + 1 < len(rest):
            return rest[index + 1]
        if word.startswith("--namespace="):
            return word.partition("=")[2]
    return ""


def _flag_values(api: Api, flag: Flag) -> list[str]:
    if flag.name == "namespace":
        return _names(api, "namespaces", "")
    return list(FORMATS) if flag.name == "output" else []


def _names(api: Api, resource: str, namespace: str) -> list[str]:
    kind = api.mapper.resource(resource)
    return [item["metadata"]["name"] for item in api.list_all(kind, namespace).get("items") or ()]


def _arguments(api: Api, command: Command, words: list[str], current: str, namespace: str) -> list[str]:
    if command.name in NO_RESOURCES:
        return []
    if command.name in NODES_ONLY:
        return _names(api, "nodes", "")
    if command.name in PODS_ONLY:
        return _names(api, "pods", namespace)
    if "/" in current:
        resource = current.partition("/")[0]
        return [f"{resource}/{name}" for name in _names(api, resource, namespace)]
    if not words:
        return [name for kind in api.mapper.kinds if "get" in kind.verbs for name in (kind.resource, *kind.short_names)]
    return [name for name in _names(api, words[0], namespace) if name not in words[1:]]
