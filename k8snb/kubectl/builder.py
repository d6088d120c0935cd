"""From words and files to objects: what a command is about.

    pods                      every pod              deploy/web svc/web        objects of several types
    pods,svc -l app=web       two lists              -f shop.yaml              objects of a file
    pod a b                   two objects            all                       a category

:func:`words` reads the arguments, :func:`manifests` the files, :func:`visit` gives the live objects of either, each as an
:class:`Info`. Problems with single objects are collected, so that one bad name does not hide the others.

Models: k8s.io/cli-runtime/pkg/resource (builder.go, visitor.go, mapper.go).
Simplified: no kustomize directories, no URLs (there is no network).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from k8snb.apimachinery import yaml
from k8snb.apimachinery.errors import ApiError, quote
from k8snb.apimachinery.objects import dig, freeze, put
from k8snb.apimachinery.selectors import SelectorError
from k8snb.apimachinery.selectors import parse as parse_selector
from k8snb.kubectl.api import Json
from k8snb.kubectl.call import Call
from k8snb.kubectl.manifest_checks import check_can_be_decoded, check_says_what_it_is
from k8snb.kubectl.mapper import Kind
from k8snb.kubectl.result import Failure, Several
from k8snb.messages import text as sentence

MISSING = (
    "You must provide one or more resources by argument or filename.\n"
    "Example resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> <name>'\n   '<resource>'"
)
NAME_AND_SELECTOR = "name cannot be provided when a selector is specified"
NAME_AND_ALL = "setting 'all' parameter but found a non empty selector. "
NO_NAME = "resource(s) were provided, but no name was specified"


@dataclass(slots=True)
class Info:
    """One object that a command is about: where it is, what it is now (or what the file says), and which file it came from."""

    kind: Kind
    namespace: str
    name: str
    obj: Json
    source: str = ""

    @property
    def label(self) -> str:
        """``deployment.apps/web``."""
        return f"{self.kind.label}/{self.name}"

    @property
    def version(self) -> str:
        """The object's resourceVersion."""
        return str((self.obj.get("metadata") or {}).get("resourceVersion", ""))


@dataclass(frozen=True, slots=True)
class Word:
    """One thing that arguments name: a resource, and a name where they give one."""

    kind: Kind
    name: str = ""


# -- arguments ---------------------------------------------------------------------------------------------------------------


def words(call: Call, args: Sequence[str]) -> list[Word]:
    """What the arguments name. Raises Failure with kubectl's words."""
    if not args:
        return []
    slashes = [arg.count("/") for arg in args]
    if any(slashes) and not all(slashes):
        raise _mixed()
    if any(slashes):
        return [_pair(call, arg) for arg in args]
    if len(args) > 1 and len(call.mapper.category(args[0].lower())) > 1:
        raise Failure("you must specify only one resource")
    kinds = kinds_of_word(call, args[0])
    return [Word(kind, name) for kind in kinds for name in args[1:]] if len(args) > 1 else [Word(kind) for kind in kinds]


def _mixed() -> Failure:
    return Failure(
        "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form "
        "(e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'"
    )


def _pair(call: Call, arg: str) -> Word:
    if "/" not in arg:
        raise Failure("arguments in resource/name form must have a single resource and name")
    if arg.count("/") > 1:
        raise Failure("arguments in resource/name form may not have more than one slash")
    resource, _, name = arg.partition("/")
    if not resource or not name or "," in resource:
        raise Failure("arguments in resource/name form must have a single resource and name")
    return Word(call.mapper.resource(resource), name)


def kinds_of_word(call: Call, word: str) -> list[Kind]:
    """The resources in ``pods,svc`` or of a category."""
    kinds: list[Kind] = []
    for part in word.split(","):
        if not part:
            raise Failure("arguments in resource/name form must have a single resource and name")
        kinds += call.mapper.category(part.lower()) or [call.mapper.resource(part)]
    return _distinct(kinds)


def _distinct(kinds: Sequence[Kind]) -> list[Kind]:
    return list({kind.qualified: kind for kind in reversed(kinds)}.values())[::-1]


# -- files -------------------------------------------------------------------------------------------------------------------


def texts(call: Call) -> Iterator[tuple[str, str]]:
    """The files given with -f: their name for messages, and their text."""
    for read in _texts(call):
        call.manifests.append(read)
        yield read


def _texts(call: Call) -> Iterator[tuple[str, str]]:
    if call.flag("kustomize"):
        raise Failure(sentence("kubectl.kustomize"))
    for path in call.flag("filename", ()):
        if path == "-":
            yield "STDIN", call.inputs.stdin or ""
        elif path.startswith(("http://", "https://")):
            raise Failure(sentence("kubectl.no_url", url=path))
        else:
            yield from _read(call, path)


class NoPath(Failure):
    """A file that is not there: kubectl says so before it looks at anything else."""


def _read(call: Call, path: str) -> Iterator[tuple[str, str]]:
    given = dict(call.inputs.files)
    if path in given:
        yield path, given[path]
        return
    folder = path.rstrip("/") + "/"
    inside = sorted(name for name in given if name.startswith(folder) and name.endswith((".json", ".yaml", ".yml")))
    inside = [name for name in inside if call.flag("recursive") or "/" not in name.removeprefix(folder)]
    if inside:
        yield from ((name, given[name]) for name in inside)
        return
    try:
        yield path, call.host.read(path)
    except OSError:
        raise NoPath(f"the path {quote(path)} does not exist") from None


def manifests(call: Call, *, validate: bool = False) -> list[Info]:
    """The objects of the files given, with their namespace filled in."""
    found = [info for source, text in texts(call) for info in _objects(call, source, text, validate)]
    if call.flag("selector"):
        found = [info for info in found if _selected(info, call.flag("selector"))]
    if not found and call.flag("filename"):
        raise Failure(f"no objects passed to {call.path.removeprefix('kubectl ')}")
    return found


def _objects(call: Call, source: str, text: str, validate: bool) -> Iterator[Info]:
    for document in documents(source, text):
        mode = call.flag("validate", "strict")
        if validate and mode not in ("false", "ignore"):
            check_says_what_it_is(document, source, strict=mode in ("true", "strict"))
        if _is_list(document):
            yield from _listed(call, document, source)
        else:
            check_can_be_decoded(document, source)
            yield _info(call, document, source)


def _listed(call: Call, document: Json, source: str) -> Iterator[Info]:
    """The items of a list. Those that the server does not know are told together, each on a line."""
    items, errors = document["items"], []
    if any(_is_list(item) for item in items):
        raise Failure("*unstructured.Unstructured is not a list: no Items field in this object")
    for obj in items:
        check_can_be_decoded(obj, source)
        if call.mapper.kind(obj.get("apiVersion") or "", obj["kind"]) is None:
            errors.append(
                Failure(f"unable to recognize no matches for kind {quote(obj['kind'])} in version {quote(obj.get('apiVersion') or '')}")
            )
    if errors:
        raise Several(errors)
    yield from (_info(call, obj, source) for obj in items)


def _is_list(document: Any) -> bool:
    return isinstance(document, dict) and str(document.get("kind", "")).endswith("List") and isinstance(document.get("items"), list)


def _selected(info: Info, text: str) -> bool:
    try:
        return parse_selector(text).matches(dig(info.obj, "metadata.labels"))
    except SelectorError as problem:
        raise Failure(str(problem)) from None


def documents(source: str, text: str) -> list[Json]:
    """The documents of a file, as kubectl reads YAML and JSON. Raises Failure."""
    try:
        return [document.value for document in yaml.documents(text) if document.value is not None]
    except yaml.YamlError as problem:
        raise Failure(f"error parsing {source}: {problem}") from None


def _info(call: Call, obj: Any, source: str) -> Info:
    meta: Any = obj.get("metadata") or {}
    name, namespace = str(meta.get("name") or ""), str(meta.get("namespace") or "")
    api_version = obj.get("apiVersion") or ""
    kind = call.mapper.kind(api_version, obj["kind"])
    if kind is None:
        raise Failure(
            f"resource mapping not found for name: {quote(name)} namespace: {quote(namespace)} from {quote(source)}: "
            f"no matches for kind {quote(obj['kind'])} in version {quote(api_version)}\nensure CRDs are installed first"
        )
    if kind.namespaced:
        obj = _placed(call, obj, namespace)
        namespace = namespace or call.namespace
    return Info(kind, namespace if kind.namespaced else "", name, freeze(obj), source)


def _placed(call: Call, obj: Json, namespace: str) -> Json:
    if not namespace:
        return put(obj, "metadata.namespace", call.namespace)
    if call.enforced and namespace != call.namespace:
        raise Failure(
            f"the namespace from the provided object {quote(namespace)} does not match the namespace {quote(call.namespace)}. "
            f"You must pass '--namespace={namespace}' to perform this operation."
        )
    return obj


# -- live objects ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """How live objects are looked up: by selectors, everywhere, as tables, a subresource of them."""

    args: Sequence[str] = ()
    selector: str = ""
    field_selector: str = ""
    all: bool = False
    everywhere: bool = False
    must_name: bool = False  # a type alone is not enough
    as_table: bool = False
    subresource: str = ""
    flatten: bool = True


def scope_of(call: Call, args: Sequence[str] | None = None, **more: Any) -> Scope:
    """The scope that the usual flags ask for."""
    return Scope(
        args=call.args if args is None else args, selector=call.flag("selector", "") or "",
        field_selector=call.flag("field-selector", "") or "", all=bool(call.flag("all", False)),
        everywhere=bool(call.flag("all-namespaces", False)), **more,
    )  # fmt: skip


def visit(call: Call, scope: Scope) -> tuple[list[Info], list[Exception]]:
    """The live objects, and what went wrong with single ones."""
    errors: list[Exception] = []
    infos: list[Info] = []
    for step in _steps(call, scope):
        try:
            infos += step()
        except ApiError as problem:
            errors.append(problem)
    call.found = max(call.found, 0) + sum(len(info.obj.get("items") or ()) if "items" in info.obj else 1 for info in infos)
    return infos, errors


def _steps(call: Call, scope: Scope) -> list[Callable[[], list[Info]]]:
    if call.flag("filename") or call.flag("kustomize"):
        if scope.args:
            raise Failure("when paths, URLs, or stdin is provided as resource input, you may not specify resource arguments as well")
        return [_refresh(call, info, scope) for info in _collected(call)]
    if not scope.args:
        raise Failure(MISSING)
    named = words(call, scope.args)
    _check_scope(named, scope)
    everywhere = "" if scope.everywhere else call.namespace
    return [_get(call, word, scope) if word.name else _list(call, word.kind, everywhere, scope) for word in named]


def _collected(call: Call) -> list[Info]:
    """The objects of the files; what is wrong with them is told as one of several errors."""
    try:
        return manifests(call)
    except NoPath:
        raise
    except Failure as problem:
        raise Several([problem]) from None


def _check_scope(named: Sequence[Word], scope: Scope) -> None:
    selecting = scope.selector or scope.field_selector
    if any(word.name for word in named):
        if selecting:
            raise Failure(NAME_AND_SELECTOR)
        if scope.all:
            raise Failure(NAME_AND_SELECTOR)
        if scope.everywhere:
            raise Failure("a resource cannot be retrieved by name across all namespaces")
    elif scope.must_name and not selecting and not scope.all:
        raise Failure(NO_NAME)
    if scope.all and selecting and scope.must_name:
        raise Failure(NAME_AND_ALL)


def _options(scope: Scope) -> dict[str, Any]:
    return {"as_table": True, "include_object": "Object"} if scope.as_table else {}


def looked_up(call: Call, kind: Kind, namespace: str, name: str, **options: Any) -> Any:
    """One object. Where it is not there because its namespace is not, kubectl says that (cli-runtime's ``Info.Get``)."""
    try:
        return call.api.get(kind, namespace, name, **options)
    except ApiError as problem:
        if problem.reason == "NotFound" and namespace not in ("", "default"):
            _say_if_no_namespace(call, namespace)
        raise


def _say_if_no_namespace(call: Call, namespace: str) -> None:
    try:
        call.api.get(call.mapper.resource("namespaces"), "", namespace)
    except ApiError as problem:
        if problem.reason == "NotFound":
            raise problem from None


def _get(call: Call, word: Word, scope: Scope) -> Callable[[], list[Info]]:
    def step() -> list[Info]:
        namespace = call.namespace if word.kind.namespaced else ""
        obj = looked_up(call, word.kind, namespace, word.name, subresource=scope.subresource, **_options(scope))
        return [Info(word.kind, namespace, word.name, obj)]

    return step


def _list(call: Call, kind: Kind, namespace: str, scope: Scope) -> Callable[[], list[Info]]:
    def step() -> list[Info]:
        selectors = {"label_selector": scope.selector, "field_selector": scope.field_selector}
        try:
            body = call.api.list_all(kind, namespace, subresource=scope.subresource, **selectors, **_options(scope))
        except ApiError as problem:
            if problem.code == 404:  # what discovery knew is not true any more
                call.api.discovered.kinds = ()
            raise _enhanced(problem, kind, scope) from None
        return _flattened(kind, body) if scope.flatten and not scope.as_table else [Info(kind, namespace, "", body)]

    return step


def _enhanced(problem: ApiError, kind: Kind, scope: Scope) -> ApiError:
    """A list that is refused says what was looked for (cli-runtime's ``EnhanceListError``)."""
    if problem.reason not in ("BadRequest", "NotFound", "Expired"):
        return problem
    where = quote(f"{kind.group}/{kind.version}, Resource={kind.resource}")
    if scope.selector or scope.field_selector:
        selectors = f"label selector {quote(scope.selector)}, field selector {quote(scope.field_selector)}"
        message = f"Unable to find {where} that match {selectors}: {problem.message}"
    else:
        message = f"Unable to list {where}: {problem.message}"
    return ApiError(problem.code, problem.reason, message, problem.details)


def _flattened(kind: Kind, body: Json) -> list[Info]:
    infos = []
    for item in body.get("items") or ():
        obj = item if item.get("kind") else freeze({"apiVersion": kind.api_version, "kind": kind.kind, **item})
        meta = obj["metadata"]
        infos.append(Info(kind, meta.get("namespace", ""), meta["name"], obj))
    return infos


def _refresh(call: Call, info: Info, scope: Scope) -> Callable[[], list[Info]]:
    def step() -> list[Info]:
        obj = looked_up(call, info.kind, info.namespace, info.name, subresource=scope.subresource, **_options(scope))
        return [Info(info.kind, info.namespace, info.name, obj, info.source)]

    return step
