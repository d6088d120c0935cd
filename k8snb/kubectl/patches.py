"""Patches that kubectl computes itself: from two versions of an object, or from three.

A built-in kind has merge keys, so its lists are merged item by item (a strategic merge patch); for a custom resource a list is replaced
(a JSON merge patch).

Models: k8s.io/kubectl/pkg/cmd/apply/patcher.go, k8s.io/apimachinery/pkg/util/strategicpatch.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.patch_diff import three_way_merge_patch, three_way_strategic_patch, two_way_merge_patch, two_way_strategic_patch
from k8snb.apiserver.request import JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH
from k8snb.kubectl.api import Json
from k8snb.kubectl.schemas import type_of

PATCH_TYPES = {"json": JSON_PATCH, "merge": MERGE_PATCH, "strategic": STRATEGIC_MERGE_PATCH}


def two_way(old: Json, new: Json) -> tuple[Json, str]:
    """The patch that makes ``new`` of ``old``, and its media type; an empty patch where they are equal."""
    known: Any = type_of(old["apiVersion"], old["kind"])
    if known is None:
        return two_way_merge_patch(old, new), MERGE_PATCH
    return two_way_strategic_patch(old, new, known), STRATEGIC_MERGE_PATCH


def three_way(original: Json | None, modified: Json, current: Json) -> tuple[Json, str]:
    """What apply sends, and its media type; an empty patch where there is nothing to change."""
    known: Any = type_of(modified["apiVersion"], modified["kind"])
    if known is None:
        return three_way_merge_patch(original, modified, current), MERGE_PATCH
    return three_way_strategic_patch(original, modified, current, known), STRATEGIC_MERGE_PATCH
