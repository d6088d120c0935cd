"""k8snb: a Kubernetes that you can hold still.

    %load_ext k8snb
    from k8snb import Cluster

The public surface is small, and lazy: importing ``k8snb`` imports nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "Cluster": "k8snb.cluster",
    "Controller": "k8snb.client.controller",
    "HTTPReply": "k8snb.seams.cni",
    "Image": "k8snb.kubelet.images",
    "Watches": "k8snb.client.controller",
    "owned_by": "k8snb.client.controller",
    "current": "k8snb.cluster",
    "use": "k8snb.cluster",
    "check": "k8snb.course.kit",
    "load_ipython_extension": "k8snb.notebook.extension",
    "unload_ipython_extension": "k8snb.notebook.extension",
}

__all__ = ["Cluster", "Controller", "HTTPReply", "Image", "Watches", "__version__", "check", "current", "owned_by", "use"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted({*_WHERE, *__all__})
