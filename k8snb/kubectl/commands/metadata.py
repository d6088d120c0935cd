"""``kubectl label`` and ``kubectl annotate``: one small patch of metadata.

Models: k8s.io/kubectl/pkg/cmd/label/label.go, pkg/cmd/annotate/annotate.go.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.apimachinery import validation
from k8snb.apimachinery.errors import ApiError, quote
from k8snb.apimachinery.objects import dig, merge
from k8snb.apiserver.request import MERGE_PATCH
from k8snb.kubectl.api import Json
from k8snb.kubectl.builder import Info, scope_of, visit
from k8snb.kubectl.call import ALL, ALL_NAMESPACES, DRY_RUN, FIELD_SELECTOR, FILENAME, PRINT, RECORD, SELECTOR, Call, Command, field_manager
from k8snb.kubectl.flags import Flag, boolean
from k8snb.kubectl.printers import printer
from k8snb.kubectl.result import Failure, raise_all


class Changes(NamedTuple):
    """What to set and what to remove."""

    new: dict[str, str]
    gone: list[str]


def split(args: Sequence[str]) -> tuple[list[str], list[str]]:
    """Resource arguments first, then ``key=value`` and ``key-``."""
    start = next((index for index, arg in enumerate(args) if "=" in arg or (arg.endswith("-") and arg != "-")), len(args))
    return list(args[:start]), list(args[start:])


def changes(specs: Sequence[str], what: str) -> Changes:
    """The changes that arguments ask for. Raises Failure."""
    new: dict[str, str] = {}
    gone: list[str] = []
    for spec in specs:
        key, equals, value = spec.partition("=")
        if spec.count("=") > 1 and what == "label":
            raise Failure(f"invalid label spec: {spec}")
        if equals and key:
            problems = validation.label_value(value) if what == "label" else []
            if problems:
                raise Failure(f"invalid label value: {quote(spec)}: {';'.join(problems)}")
            new[key] = value
        elif spec.endswith("-") and not equals:
            gone.append(spec[:-1])
        else:
            raise Failure(f"unknown {what} spec: {spec}" if what == "label" else f"invalid annotation format: {spec}")
    if set(new) & set(gone):
        raise Failure(
            f"can not both modify and remove {'a label' if what == 'label' else 'the following annotation(s)'} in the same command"
        )
    return Changes(new, gone)


def run_label(call: Call) -> None:
    """Change labels."""
    _run(call, "label")


def run_annotate(call: Call) -> None:
    """Change annotations."""
    _run(call, "annotation")


def _run(call: Call, what: str) -> None:
    resources, specs = split(call.args)
    if call.flag("local") and not call.flag("filename"):
        raise Failure("can only use local files by -f pod.yaml or --filename=pod.json when --local=true is set")
    if not resources and not call.flag("filename"):
        raise Failure("one or more resources must be specified as <resource> <name> or <resource>/<name>")
    asked = changes(specs, what)
    if not asked.new and not asked.gone and not call.flag("list"):
        raise Failure(f"at least one {what} update is required")
    infos, errors = visit(call, scope_of(call, resources, must_name=True))
    if call.flag("resource-version") and len(infos) > 1:
        raise Failure("--resource-version may only be used with a single resource")
    for info in infos:
        try:
            _list(call, info, what, asked) if call.flag("list") else _change(call, info, what, asked)
        except (ApiError, Failure) as problem:
            errors.append(problem)
    raise_all(errors)


def _list(call: Call, info: Info, what: str, asked: Changes) -> None:
    """What there would be; nothing is changed where it is only listed."""
    known = dig(info.obj, f"metadata.{what}s", {})
    if not call.flag("overwrite"):
        _check_overwrite(known, asked, what)
    found = {key: value for key, value in {**known, **asked.new}.items() if key not in asked.gone}
    for key in sorted(found):
        call.out(f"{key}={found[key]}")


def _change(call: Call, info: Info, what: str, asked: Changes) -> None:
    field, known = f"{what}s", dig(info.obj, f"metadata.{what}s", {})
    if not call.flag("overwrite"):
        _check_overwrite(known, asked, what)
    if what == "label":
        for key in asked.gone:
            if key not in known:
                call.out(f'label "{key}" not found.')
    patch = {key: value for key, value in asked.new.items() if known.get(key) != value} | {key: None for key in asked.gone if key in known}
    meta: dict[str, Any] = {field: patch} if patch else {}
    if call.cause:
        meta["annotations"] = meta.get("annotations", {}) | call.cause["metadata"]["annotations"]
    if call.flag("resource-version"):
        meta["resourceVersion"] = call.flag("resource-version")
    changed = merge(info.obj, {"metadata": meta})
    done = _message(info.obj, changed, asked, call) if what == "label" else "annotated"
    made = changed
    if meta and call.dry_run != "client" and not call.flag("local"):
        made = call.api.do("patch", info.kind, info.namespace, info.name, body={"metadata": meta}, patch_type=MERGE_PATCH, **call.writes)
    printer(call, done)(made)


def _check_overwrite(known: Mapping[str, str], asked: Changes, what: str) -> None:
    taken = [f"'{key}' already has a value ({known[key]})" for key, value in asked.new.items() if key in known and known[key] != value]
    if taken and what == "label":
        raise Failure(f"{taken[0]}, and --overwrite is false")
    if taken:
        raise Failure(f"--overwrite is false but found the following declared annotation(s): {', '.join(taken)}")


def _message(old: Json, new: Json, asked: Changes, call: Call) -> str:
    """kubectl tells by the length of the text whether labels came or went."""
    if old == new:
        return "not labeled"
    shorter = len(json.dumps(new)) < len(json.dumps(old))
    return "unlabeled" if shorter and not call.flag("overwrite") else "labeled"


FLAGS = (
    *FILENAME, *PRINT, SELECTOR, FIELD_SELECTOR, ALL, ALL_NAMESPACES, DRY_RUN, RECORD, boolean("overwrite"), boolean("list"),
    boolean("local"),
    Flag("resource-version"),
)  # fmt: skip
LABEL = Command(
    "label", "Update the labels on a resource",
    "kubectl label [--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]",
    run_label, (*FLAGS, field_manager("kubectl-label")),
)  # fmt: skip
ANNOTATE = Command(
    "annotate", "Update the annotations on a resource",
    "kubectl annotate [--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]",
    run_annotate, (*FLAGS, field_manager("kubectl-annotate")),
)  # fmt: skip
