"""Commands that make no sense here, or not yet: they are known, and say why they do nothing.

The sentences are ours.
"""

from __future__ import annotations

from collections.abc import Callable

from k8snb.kubectl.call import Call, Command
from k8snb.kubectl.flags import Flag, boolean
from k8snb.kubectl.result import Failure
from k8snb.messages import text as sentence

_FLAGS = (
    Flag("container", "c"), Flag("filename", "f", "array"), Flag("output", "o"), Flag("selector", "l"), Flag("image"), Flag("target"),
    Flag("address"), Flag("port", "p"), boolean("stdin", "i"), boolean("tty", "t"), boolean("all-namespaces", "A"),
)  # fmt: skip


def _saying(key: str) -> Callable[[Call], None]:
    def run(_call: Call) -> None:
        raise Failure(sentence(key))

    return run


def _refusal(name: str, short: str, key: str) -> Command:
    return Command(name, short, f"kubectl {name}", _saying(key), _FLAGS)


COMMANDS = (
    _refusal("edit", "Edit a resource on the server", "kubectl.edit"),
    _refusal("proxy", "Run a proxy to the Kubernetes API server", "kubectl.proxy"),
    _refusal("kustomize", "Build a kustomization target from a directory or URL", "kubectl.kustomize"),
    _refusal("plugin", "Provides utilities for interacting with plugins", "kubectl.plugin"),
    _refusal("completion", "Output shell completion code for the specified shell (bash, zsh, fish, or powershell)", "kubectl.completion"),
)
