"""What we say below a command, where kubectl's own words leave a learner alone.

The words above are kubectl's and stay as they are; a remark is a sentence of ours, and never part of :attr:`Result.text`.
"""

from __future__ import annotations

from dataclasses import replace

from k8snb.kubectl.pointing import COMPLAINT, STDIN, Kinds, pointer
from k8snb.kubectl.result import Result


def remarked(result: Result, kinds: Kinds, *, cell: bool = False) -> Result:
    """The result with what is to say of it: where in its manifests the mistakes are.

    ``kinds``: what the server knows. ``cell``: what was read from standard input is a cell of a notebook, below its magic.
    """
    found = [pointer(text, _about(result, name), kinds, "" if cell and name == STDIN else name) for name, text in result.manifests]
    return replace(result, places="\n".join(filter(None, found)))


def _about(result: Result, name: str) -> str:
    """The complaints that can be about the manifest of this name: of several, those that do not name another one."""
    others = [f'"{other}"' for other, _ in result.manifests if other != name]
    complaints = COMPLAINT.split(result.stderr)
    return "".join(complaint for complaint in complaints if not any(other in complaint for other in others))
