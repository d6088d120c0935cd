"""``%load_ext k8snb``: registers the magics, the completion of ``%kubectl``, how texts are shown, and who explains a missed name
or what stands above ``%%manifest``."""

from __future__ import annotations

from typing import Any

from k8snb.notebook import display, first_line, order
from k8snb.notebook.completion import kubectl_matcher
from k8snb.notebook.magics import ClusterMagics


def load_ipython_extension(shell: Any) -> None:
    """Called by IPython: the magics are there from now on. Loading twice is the same as loading once."""
    shell.register_magics(ClusterMagics)
    display.register(shell)
    order.register(shell)
    first_line.register(shell)
    if kubectl_matcher not in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.append(kubectl_matcher)


def unload_ipython_extension(shell: Any) -> None:
    """Called by IPython: completion ends; magics cannot be taken back and stay."""
    order.unregister(shell)
    first_line.unregister(shell)
    if kubectl_matcher in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.remove(kubectl_matcher)
