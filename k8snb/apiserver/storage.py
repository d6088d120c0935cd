"""What lies between the API server's objects and etcd's values.

An object's ``resourceVersion`` is the revision of its last change. The real server writes it into the object when it reads;
here it is part of the stored value, written by whoever proposes. With a Raft group a proposal that timed out may be carried
out later, under another revision than its writer expected: :func:`stamped` puts that right when it is applied.

Models: k8s.io/apiserver/pkg/storage/api_object_versioner.go.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.objects import put


def stamped(value: Any, revision: int) -> Any:
    """The value as etcd holds it under a revision: objects carry it, everything else is as it was."""
    meta = value.get("metadata") if isinstance(value, dict) else None
    if meta is None or meta.get("resourceVersion") in (None, str(revision)):
        return value
    return put(value, ("metadata", "resourceVersion"), str(revision))
