"""Paths in a file system, as volumes and mounts name them.

Models: pkg/apis/core/validation (validatePathNoBacksteps, validateLocalDescendingPath, ValidateLocalNonReservedPath).
"""

from __future__ import annotations

from k8snb.apimachinery.errors import Errors, invalid

FILE_MODE_WORDS = "must be a number between 0 and 0777 (octal), both inclusive"


def no_backsteps(field: str, path: str) -> Errors:
    """No ``..`` among the parts."""
    return [invalid(field, path, "must not contain '..'")] if ".." in path.split("/") else []


def descending(field: str, path: str) -> Errors:
    """A relative path that does not leave its directory."""
    errors = [invalid(field, path, "must be a relative path")] if path.startswith("/") else []
    return errors + no_backsteps(field, path)


def non_reserved(field: str, path: str) -> Errors:
    """A descending path that does not begin with ``..``, for such names are Kubernetes' own."""
    errors = descending(field, path)
    if path.startswith("..") and not path.startswith("../"):
        errors.append(invalid(field, path, "must not start with '..'"))
    return errors


def file_mode(field: str, mode: int | None) -> Errors:
    """Permission bits."""
    return [invalid(field, mode, FILE_MODE_WORDS)] if mode is not None and not 0 <= mode <= 0o777 else []
