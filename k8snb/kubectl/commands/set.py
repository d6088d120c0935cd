"""``kubectl set``: change one thing of a pod template.

Each subcommand is a function from an object to a changed object; :func:`_apply` computes the patch between them and sends it.

Models: k8s.io/kubectl/pkg/cmd/set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.apimachinery.errors import ApiError, quote
from k8snb.apimachinery.objects import dig, freeze, merge, put, thaw
from k8snb.apimachinery.selectors import SelectorError, parse, to_label_selector
from k8snb.kubectl import generate
from k8snb.kubectl.api import Json
from k8snb.kubectl.builder import Info, manifests, scope_of, visit, words
from k8snb.kubectl.call import ALL, DRY_RUN, FILENAME, PRINT, RECORD, SELECTOR, Call, Command, field_manager
from k8snb.kubectl.commands.env_resolve import resolved
from k8snb.kubectl.commands.metadata import split
from k8snb.kubectl.flags import Flag, boolean
from k8snb.kubectl.mapper import group_of, label_of
from k8snb.kubectl.patches import two_way
from k8snb.kubectl.printers import printer
from k8snb.kubectl.result import Failure, raise_all
from k8snb.kubectl.text import go_value

Change = Callable[[Json], Json]

TEMPLATES = {"Pod": "spec", "CronJob": "spec.jobTemplate.spec.template.spec"}
TEMPLATE = "spec.template.spec"


def pod_spec_path(obj: Json) -> str:
    """Where an object keeps its pod's specification. Raises Failure where it has none."""
    path = TEMPLATES.get(obj["kind"], TEMPLATE)
    if dig(obj, path) is None:
        label = f"{label_of(group_of(obj), obj['kind'])}/{obj['metadata']['name']}"
        raise Failure(f"{label} the object is not a pod or does not have a pod template: *v1.{obj['kind']}")
    return path


Found = tuple[list[Info], list[Exception]]


def _found(call: Call, resources: Sequence[str]) -> Found:
    """What the arguments name; it is looked up before anything else that was said is checked."""
    return (manifests(call), []) if call.flag("local") else visit(call, scope_of(call, resources, must_name=True))


def _apply(call: Call, found: Found, done: str, change: Change, *, failed: str = "", always: bool = False) -> None:
    """Change every object that was found. ``failed`` stands before the server's refusal; ``always``: also where nothing changes."""
    infos, errors = found
    for info in infos:
        try:
            _one(call, info, done, change, always)
        except ApiError as problem:
            errors.append(Failure(f"{failed}{problem.message}") if failed else problem)
        except Failure as problem:
            errors.append(problem)
    raise_all(errors)


def _one(call: Call, info: Info, done: str, change: Change, always: bool) -> None:
    changed = merge(change(thaw(info.obj)), call.cause)
    patch, patch_type = two_way(info.obj, changed)
    if call.flag("local") or call.dry_run == "client":
        printer(call, done, structs=True)(changed)
    elif patch or always:
        made = call.api.do("patch", info.kind, info.namespace, info.name, body=freeze(patch or {}), patch_type=patch_type, **call.writes)
        printer(call, done, structs=True)(made)


def _containers(obj: Json, names: str = "*", *, init: bool = False) -> list[Json]:
    """The containers of a private copy whose name fits, to be changed in place."""
    spec = dig(obj, pod_spec_path(obj))
    found = [*(spec.get("containers") or ()), *(spec.get("initContainers") or () if init else ())]
    return [one for one in found if names == "*" or one["name"] == names]


# -- image -------------------------------------------------------------------------------------------------------------------


def run_image(call: Call) -> None:
    """Change images of containers."""
    resources, pairs = split(call.args)
    images = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    found = _found(call, resources)
    if not images:
        raise Failure("at least one image update is required")
    if len(images) > 1 and "*" in images:
        raise Failure("all containers are already specified by *, but saw more than one container_name=container_image pairs")

    def change(obj: Json) -> Json:
        for name, image in images.items():
            chosen = _containers(obj, name, init=True)
            if not chosen:
                raise Failure(f"unable to find container named {quote(name)}")
            for container in chosen:
                container["image"] = image
        return obj

    _apply(call, found, "image updated", change, failed="failed to patch image update to pod template: ")


# -- env ---------------------------------------------------------------------------------------------------------------------


def run_env(call: Call) -> None:
    """Change environment variables of containers, or list them."""
    resources, specs = split(call.args)
    if not resources and not call.flag("filename"):
        raise Failure("one or more resources must be specified as <resource> <name> or <resource>/<name>")
    if call.flag("list") and call.flag("output"):
        raise Failure("--list and --output may not be specified together")
    if call.flag("keys") and not call.flag("from"):
        raise Failure("when specifying --keys, a configmap or secret must be provided with --from")
    new = [{"name": name, "value": value} for name, equals, value in (spec.partition("=") for spec in specs) if equals]
    gone = [spec[:-1] for spec in specs if spec.endswith("-") and "=" not in spec]
    if call.flag("from"):
        new += _from(call)
    if call.flag("list"):
        _list_env(call, resources)
        return

    def change(obj: Json) -> Json:
        found = _containers(obj, call.flag("containers"), init=True)
        if not found:
            name = f"{obj['kind']}/{obj['metadata']['name']}"
            call.err(f"Warning: {name} does not have any containers matching {quote(call.flag('containers'))}")
        for container in found:
            try:
                container["env"] = _merged(container.get("env") or [], new, gone, overwrite=call.flag("overwrite"))
            except Failure as problem:
                plural = call.mapper.kind(obj["apiVersion"], obj["kind"])
                raise Failure(f"error: {plural.resource if plural else ''}/{obj['metadata']['name']} {problem.message}") from None
        return obj

    _apply(call, _found(call, resources), "env updated", change, failed="failed to patch env update to pod template: ")


def _merged(old: list[Json], new: Sequence[Json], gone: Sequence[str], *, overwrite: bool) -> list[Json]:
    by_name = {entry["name"]: entry for entry in old}
    for entry in new:
        if entry["name"] in by_name and not overwrite:
            raise Failure(f"'{entry['name']}' already has a value ({by_name[entry['name']].get('value', '')}), and --overwrite is false")
        by_name[entry["name"]] = entry
    return [entry for name, entry in by_name.items() if name not in gone]


def _from(call: Call) -> list[Json]:
    """One variable for each key of a ConfigMap or a Secret."""
    word = words(call, [call.flag("from")])[0]
    keys = sorted(dig(call.api.get(word.kind, call.namespace, word.name), "data", {}))
    chosen = [key for key in keys if not call.flag("keys") or key in call.flag("keys")]
    ref = {"ConfigMap": "configMapKeyRef", "Secret": "secretKeyRef"}.get(word.kind.kind)
    if ref is None:
        raise Failure(f"unsupported resource specified in --from: {word.kind.kind}")
    names = {key: call.flag("prefix") + key.upper().replace("-", "_").replace(".", "_") for key in chosen}
    for key in chosen:
        if key != names[key].removeprefix(call.flag("prefix")):
            call.err(f"Warning: key {key} transferred to {names[key].removeprefix(call.flag('prefix'))}")
    return [{"name": names[key], "valueFrom": {ref: {"name": word.name, "key": key}}} for key in chosen]


def _list_env(call: Call, resources: Sequence[str]) -> None:
    infos, errors = visit(call, scope_of(call, resources, must_name=True))
    for info in infos:
        for container in _containers(thaw(info.obj), call.flag("containers"), init=True):
            call.out(f"# {info.kind.kind} {info.name}, container {container['name']}")
            _list_one(call, info.obj, container)
    raise_all(errors)


def _list_one(call: Call, obj: Json, container: Json) -> None:
    """The variables of a container; with ``--resolve`` the values that they refer to, as far as these can be found."""
    unknown: dict[str, list[str]] = {}
    for entry in container.get("env") or ():
        source, value, error = entry.get("valueFrom"), entry.get("value", ""), ""
        if source and call.flag("resolve"):
            value, error = resolved(call, source, obj, container)
        if source and (error or not call.flag("resolve")):
            call.out(f"# {entry['name']} from {_source(source)}")
        else:
            call.out(f"{entry['name']}={value}")
        if error:
            unknown.setdefault(error, []).append(entry["name"])
    for line in sorted(f"error retrieving reference for {', '.join(sorted(names))}: {error}" for error, names in unknown.items()):
        call.err(line)


def _source(source: Mapping[str, Any]) -> str:
    if "configMapKeyRef" in source:
        return f"configmap {source['configMapKeyRef'].get('name')}, key {source['configMapKeyRef'].get('key')}"
    if "secretKeyRef" in source:
        return f"secret {source['secretKeyRef'].get('name')}, key {source['secretKeyRef'].get('key')}"
    if "fieldRef" in source:
        return f"field path {source['fieldRef'].get('fieldPath')}"
    container = dig(source, "resourceFieldRef.containerName", "")
    return f"resource field {container}{'/' * bool(container)}{dig(source, 'resourceFieldRef.resource', '')}"


# -- resources, service account, selector, subject ---------------------------------------------------------------------------


def run_resources(call: Call) -> None:
    """Change requests and limits of containers."""
    found = _found(call, call.args)
    wanted = {key: generate.resource_list(call.flag(key)) for key in ("limits", "requests") if call.flag(key)}
    if not wanted:
        raise Failure("you must specify an update to requests or limits (in the form of --requests/--limits)")

    def change(obj: Json) -> Json:
        chosen = _containers(obj, call.flag("containers"), init=True)
        if not chosen:
            raise Failure(f"unable to find container named {call.flag('containers')}")
        for container in chosen:
            known = container.setdefault("resources", {})
            for key, amounts in wanted.items():
                known[key] = {**(known.get(key) or {}), **amounts}
        return obj

    _apply(call, found, "resource requirements updated", change, failed="failed to patch resources update to pod template ")


def run_service_account(call: Call) -> None:
    """Change the service account of a pod template."""
    if not call.args:
        raise Failure("serviceaccount is required")
    *resources, name = call.args

    def change(obj: Json) -> Json:
        path = pod_spec_path(obj)
        return put(put(obj, f"{path}.serviceAccountName", name), f"{path}.serviceAccount", name)

    _apply(call, _found(call, resources), "serviceaccount updated", change, failed="failed to patch ServiceAccountName ", always=True)


def run_selector(call: Call) -> None:
    """Change the selector of a service."""
    if not call.args:
        raise Failure("one selector is required")
    *resources, text = call.args
    try:
        wanted = to_label_selector(parse(text))
    except SelectorError as problem:
        raise Failure(f"couldn't parse the selector string {quote(text)}: {problem}") from None

    def change(obj: Json) -> Json:
        if obj["kind"] != "Service":
            raise Failure("setting a selector is only supported for Services")
        if wanted.get("matchExpressions"):
            shown = [[one["key"], one["operator"], one.get("values", [])] for one in wanted["matchExpressions"]]
            text = " ".join(f"{{{key} {operator} {go_value(values)}}}" for key, operator, values in shown)
            raise Failure(f"match expression [{text}] not supported on this object")
        version = {"resourceVersion": call.flag("resource-version")} if call.flag("resource-version") else {}
        spec = {**obj["spec"], "selector": wanted.get("matchLabels", {})}
        return {**obj, "metadata": {**obj["metadata"], **version}, "spec": spec}

    _apply(call, _found(call, resources), "selector updated", change)


def run_subject(call: Call) -> None:
    """Add subjects to a role binding."""
    found = _found(call, call.args)
    who = {"users": sorted(call.flag("user")), "groups": sorted(call.flag("group")), "accounts": sorted(call.flag("serviceaccount"))}
    added = generate.binding("RoleBinding", "x", "", role=("", ""), **who).get("subjects", [])
    if not added:
        raise Failure("you must specify at least one value of user, group or serviceaccount")

    def change(obj: Json) -> Json:
        if obj["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
            raise Failure("setting subjects is only supported for RoleBinding/ClusterRoleBinding")
        known = obj.get("subjects") or []
        return {**obj, "subjects": known + [one for one in added if one not in known]}

    _apply(call, found, "subjects updated", change, failed="failed to patch subjects to rolebinding: ")


_FLAGS = (*FILENAME, *PRINT, SELECTOR, ALL, DRY_RUN, RECORD, boolean("local"), field_manager("kubectl-set"))
_CONTAINERS = Flag("containers", "c", default="*")
_WHO = (Flag("user", kind="array"), Flag("group", kind="array"), Flag("serviceaccount", kind="array"))
COMMAND = Command(
    "set", "Set specific features on objects", "kubectl set SUBCOMMAND",
    long="Configure application resources.\n\n These commands help you make changes to existing application resources.",
    subcommands=(
        Command("env", "Update environment variables on a pod template", "", run_env,
                (*_FLAGS, _CONTAINERS, Flag("env", "e", "array"), Flag("from"), Flag("prefix"), Flag("keys", kind="strings"),
                 boolean("list"), boolean("resolve"), boolean("overwrite", default=True))),
        Command("image", "Update the image of a pod template", "", run_image, _FLAGS),
        Command("resources", "Update resource requests/limits on objects with pod templates", "", run_resources,
                (*_FLAGS, _CONTAINERS, Flag("limits"), Flag("requests"))),
        Command("selector", "Set the selector on a resource", "", run_selector, (*_FLAGS, Flag("resource-version"))),
        Command("serviceaccount", "Update the service account of a resource", "", run_service_account, _FLAGS, ("sa",)),
        Command("subject", "Update the user, group, or service account in a role binding or cluster role binding", "", run_subject,
                (*_FLAGS, *_WHO)),
    ),
)  # fmt: skip
