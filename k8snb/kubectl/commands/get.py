"""``kubectl get``: objects as tables, as names, as YAML, through templates.

Models: k8s.io/kubectl/pkg/cmd/get/get.go.
Simplified: ``-w`` watches for ``--request-timeout`` of virtual time (30 s without one) and says so, because nothing else would end it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from k8snb.apimachinery.errors import quote
from k8snb.apimachinery.jsonpath import Template
from k8snb.apimachinery.objects import dig
from k8snb.apiserver.discovery import unaggregated
from k8snb.apiserver.request import Request
from k8snb.apiserver.streaming import line
from k8snb.kubectl import tables
from k8snb.kubectl.api import Json, raw_request, raw_text
from k8snb.kubectl.builder import Info, Scope, scope_of, visit
from k8snb.kubectl.call import ALL_NAMESPACES, CHUNK_SIZE, FIELD_SELECTOR, FILENAME, PRINT, SELECTOR, SUBRESOURCE, Call, Command
from k8snb.kubectl.commands.create_workloads import read
from k8snb.kubectl.flags import Flag, boolean, duration
from k8snb.kubectl.printers import FORMATS, Print, formatted
from k8snb.kubectl.result import Failure, not_found, raise_all
from k8snb.kubectl.tables import Row, TableOptions
from k8snb.kubectl.text import columns
from k8snb.messages import text as sentence

GET_FORMATS = (*FORMATS, "custom-columns", "custom-columns-file", "wide")
WATCH_SECONDS = 30.0
NO_RESOURCE = (
    'You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.\n\n'
    "error: Required resource not specified.\n"
    'Use "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl explain pods).\n'
    "See 'kubectl get -h' for help and examples"
)


def run(call: Call) -> None:
    """Find, print, and report what was not found."""
    if call.flag("raw"):
        _raw(call)
        return
    if not call.args and not call.flag("filename"):
        call.err(NO_RESOURCE)
        raise Failure("")
    if call.args and call.flag("filename"):
        raise Failure("when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well")
    if call.flag("subresource") and len(call.args) == 1 and "/" not in call.args[0]:
        raise Failure("subresource cannot be used when bulk resources are specified")
    output = call.flag("output") or ("go-template" if call.flag("template") else "")
    human = output in ("", "wide") or output.partition("=")[0].startswith("custom-columns")
    show = None if human else formatted(call, output, GET_FORMATS)
    options = _table_options(call)
    if output.startswith("custom-columns"):
        _columns_of(call)  # a wrong specification is told before anything is asked
    if call.flag("watch") or call.flag("watch-only"):
        _watch(call, show, options)
    elif show is None:
        _human(call, options)
    else:
        _generic(call, show)


def _raw(call: Call) -> None:
    if call.args or call.flag("filename") or call.flag("selector"):
        raise Failure("arguments may not be passed when --raw is specified")
    if call.flag("output"):
        raise Failure("--raw and --output are mutually exclusive")
    if not call.flag("raw").startswith("/"):
        raise Failure(f"--raw must be a valid URL path: parse {quote(call.flag('raw'))}: invalid URI for request")
    request = raw_request("get", call.flag("raw"))
    if request.verb == "watch":
        _raw_watch(call, request)
        return
    body = call.api.ask(request)
    call.write(raw_text(unaggregated(body) if request.path.rstrip("/") in ("/api", "/apis") else body))


def _raw_watch(call: Call, request: Request) -> None:
    """Print what a watch says, a line an event, until its own time (``timeoutSeconds``) or kubectl's is over."""
    watch = call.host.watch(request._replace(user=call.api.user))
    asked = request.options.timeout_seconds
    seconds = _watch_seconds(call) if asked is None else float(asked)

    def told() -> bool:
        call.write("".join(map(line, watch.written())))
        return not watch.open

    ended = call.wait(told, seconds)
    watch.close()
    if asked is None and not ended:
        call.err(sentence("kubectl.watch_ended", seconds=f"{seconds:g}"))


def _watch_seconds(call: Call) -> float:
    text = str(call.flag("request-timeout", "0"))
    return duration(text if text[-1].isalpha() else text + "s") if text not in ("", "0") else WATCH_SECONDS


def _table_options(call: Call) -> TableOptions:
    return TableOptions(
        wide=call.flag("output") == "wide", headers=not call.flag("no-headers"), show_labels=call.flag("show-labels"),
        label_columns=tuple(call.flag("label-columns")), with_namespace=call.flag("all-namespaces"),
    )  # fmt: skip


def _scope(call: Call, *, as_table: bool) -> Scope:
    return scope_of(call, as_table=as_table, subresource=call.flag("subresource"), flatten=False)


def _found(call: Call, *, as_table: bool) -> tuple[list[Info], list[Exception]]:
    infos, errors = visit(call, _scope(call, as_table=as_table))
    if call.flag("ignore-not-found"):
        errors = [error for error in errors if not not_found(error)]
    return infos, errors


# -- tables ------------------------------------------------------------------------------------------------------------------


def _human(call: Call, options: TableOptions) -> None:
    custom = str(call.flag("output")).startswith("custom-columns")
    infos, errors = _found(call, as_table=not custom)
    mixed = bool(call.flag("show-kind")) or len({info.kind.qualified for info in infos}) > 1
    groups = list(_by_kind(infos))
    if call.flag("sort-by") and not _names_one(call):
        if len(infos) > 1 and not custom:  # kubectl looks into the tables, not into their rows
            tables.sorted_by(infos, [info.obj for info in infos], call.flag("sort-by"))
        try:
            groups = [_sorted(call, group) for group in groups]
        except Failure:
            if len(infos) > 1:
                raise
            groups = []  # kubectl passes over what it could not sort, and then has nothing to print
    blocks = [_block(call, group, options, mixed=mixed) for group in groups]
    for index, block in enumerate(blocks):
        call.write(("\n" if index and not custom and options.headers else "") + block)
    if not blocks and not errors and not call.flag("ignore-not-found"):
        namespaced = not call.flag("all-namespaces") and all(info.kind.namespaced for info in infos)
        call.err(f"No resources found in {call.namespace} namespace." if namespaced else "No resources found")
    raise_all(errors)


Group = tuple[Info, list[Json], list[Row]]  # what it is, the column definitions, the rows


def _by_kind(infos: Sequence[Info]) -> Iterator[Group]:
    """Neighbours of one kind share a table; a kind without rows has none."""
    current: Group | None = None
    for info in infos:
        rows = _rows(info)
        if not rows:
            continue
        definitions = list(info.obj.get("columnDefinitions") or ())
        if current and current[0].kind == info.kind:
            current[2].extend(rows)
            continue
        if current:
            yield current
        current = (info, definitions, rows)
    if current:
        yield current


def _rows(info: Info) -> list[Row]:
    if info.obj.get("kind") == "Table":
        return tables.rows_of(info.obj)
    items = info.obj.get("items")
    return [Row((), item) for item in (items if isinstance(items, list) else [info.obj])]


def _sorted(call: Call, group: Group) -> Group:
    info, definitions, rows = group
    return info, definitions, tables.sorted_by(rows, [row.obj for row in rows], call.flag("sort-by"))


def _block(call: Call, group: Group, options: TableOptions, *, mixed: bool) -> str:
    info, definitions, rows = group
    if not definitions:
        definitions, rows = tables.plain(rows, call.host.now)
    if str(call.flag("output")).startswith("custom-columns"):
        return _custom(call, rows)
    options = replace(options, with_kind=mixed, with_namespace=options.with_namespace and info.kind.namespaced)
    lines = [tables.line(row, definitions, options, info.kind.label) for row in rows]
    return columns([tables.header(definitions, options), *lines] if options.headers else lines)


def _columns_of(call: Call) -> list[tuple[str, Template]]:
    name, _, argument = str(call.flag("output")).partition("=")
    return tables.columns_of_file(read(call, argument)) if name == "custom-columns-file" else tables.custom_columns(argument)


def _custom(call: Call, rows: Sequence[Row]) -> str:
    chosen = _columns_of(call)
    lines = [tables.custom_line(row.obj, chosen) for row in rows]
    return columns(lines if call.flag("no-headers") else [[name for name, _ in chosen], *lines])


# -- objects -----------------------------------------------------------------------------------------------------------------


def _generic(call: Call, show: Print) -> None:
    infos, errors = _found(call, as_table=False)
    single = len(infos) == 1 and not isinstance(infos[0].obj.get("items"), list) and _names_one(call)
    if single:
        show(infos[0].obj)
    elif infos or not (errors or call.flag("ignore-not-found")):
        show(_as_list(call, infos))
    raise_all(errors)


def _names_one(call: Call) -> bool:
    words = call.args
    if not words:
        return bool(call.flag("filename"))
    return "/" in words[0] if len(words) == 1 else len(words) == 2 and "," not in words[0]


def _as_list(call: Call, infos: Sequence[Info]) -> Json:
    items: list[Json] = []
    for info in infos:
        found = info.obj.get("items")
        if not isinstance(found, list):
            items.append(info.obj)
            continue
        items += [item if item.get("kind") else {"apiVersion": info.kind.api_version, "kind": info.kind.kind, **item} for item in found]
    if call.flag("sort-by"):
        items = tables.sorted_by(items, items, call.flag("sort-by"))
    return {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}


# -- watch -------------------------------------------------------------------------------------------------------------------


def _watch(call: Call, show: Print | None, options: TableOptions) -> None:
    """Print what is there, then every object that changes, for a bounded time."""
    scope = _scope(call, as_table=True)
    state = _Watch(call, scope, show, options)
    state.look(silent=bool(call.flag("watch-only")))
    seconds = _watch_seconds(call)
    call.wait(lambda: bool(state.look()) and False, seconds)
    call.err(sentence("kubectl.watch_ended", seconds=f"{seconds:g}"))


class _Watch:
    """What a watch has printed so far: names and the versions in which they were seen."""

    def __init__(self, call: Call, scope: Scope, show: Print | None, options: TableOptions):
        self.call, self.scope, self.show, self.options = call, scope, show, options
        self.versions: dict[tuple[str, str, str], tuple[str, Row]] = {}
        self.headed = False
        self.widths: list[int] = []

    def look(self, *, silent: bool = False) -> int:
        """Look again; print what is new, changed or gone. How many there were."""
        infos, errors = visit(self.call, self.scope)
        if errors and not self.versions:
            raise_all(errors)
        now = {_key(info, row): (info, row) for info in infos for row in _rows(info)}
        changed = [pair for key, pair in now.items() if self.versions.get(key, ("", None))[0] != _version(pair[1])]
        gone = [row for key, (_, row) in self.versions.items() if key not in now]
        self.versions = {key: (_version(row), row) for key, (_, row) in now.items()}
        if not silent:
            definitions = list(infos[0].obj.get("columnDefinitions") or ()) if infos else []
            self.print([row for _, row in changed] + gone, definitions)
        return len(changed) + len(gone)

    def print(self, rows: Sequence[Row], definitions: Sequence[Json]) -> None:
        """Rows under one heading, in columns that never get narrower."""
        if self.show is not None:
            for row in rows:
                self.show(row.obj)
            return
        if not rows:
            return
        lines = [tables.line(row, definitions, self.options) for row in rows]
        if not self.headed and self.options.headers:
            lines.insert(0, tables.header(definitions, self.options))
        self.headed = True
        for index in range(len(lines[0]) - 1):
            width = max(6, *(len(cells[index]) + 3 for cells in lines))
            self.widths[index : index + 1] = [max([width, *self.widths[index : index + 1]])]
        for cells in lines:
            self.call.out("".join(cell.ljust(width) for cell, width in zip(cells, self.widths, strict=False)) + cells[-1])


def _key(info: Info, row: Row) -> tuple[str, str, str]:
    return info.kind.qualified, dig(row.obj, "metadata.namespace", ""), tables.name_of(row.obj)


def _version(row: Row) -> str:
    return str(dig(row.obj, "metadata.resourceVersion", ""))


COMMAND = Command(
    "get", "Display one or many resources",
    "kubectl get [(-o|--output=)json|yaml|name|wide|...] "
    "(TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE[.VERSION][.GROUP]/NAME ...) [flags]", run,
    (
        *FILENAME, *PRINT, SELECTOR, FIELD_SELECTOR, ALL_NAMESPACES, SUBRESOURCE, CHUNK_SIZE, Flag("raw"), Flag("sort-by"),
        Flag("label-columns", "L", "strings"), boolean("show-labels"), boolean("no-headers"), boolean("ignore-not-found"),
        boolean("watch", "w"), boolean("watch-only"), boolean("output-watch-events"), boolean("server-print", default=True),
        boolean("show-kind"),
    ),
)  # fmt: skip
