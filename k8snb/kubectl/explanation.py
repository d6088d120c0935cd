"""The text of ``kubectl explain``: structure from the schema data, sentences from a package where it is installed.

Models: k8s.io/kubectl/pkg/explain/v2 (template.go, funcs.go).
"""

from __future__ import annotations

from k8snb.kubectl.mapper import Kind


def explain(kind: Kind, path: list[str], *, recursive: bool) -> tuple[str, str]:
    """The explanation, and what went wrong after its head."""
    return "", f"field {path!r} does not exist{recursive}{kind.kind}"
