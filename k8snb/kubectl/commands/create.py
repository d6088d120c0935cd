"""``kubectl create``: objects from files, and the generators that need no file.

Models: k8s.io/kubectl/pkg/cmd/create.
"""

from __future__ import annotations

from collections.abc import Callable

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.gotext import go_json
from k8snb.apimachinery.objects import freeze
from k8snb.kubectl.api import Json, raw_request
from k8snb.kubectl.builder import documents, manifests, texts
from k8snb.kubectl.call import DRY_RUN, FILENAME, PRINT, SELECTOR, VALIDATE, Call, Command, field_manager
from k8snb.kubectl.commands import create_more, create_workloads
from k8snb.kubectl.flags import Flag, boolean
from k8snb.kubectl.lastapplied import has_last_applied, with_last_applied
from k8snb.kubectl.printers import printer
from k8snb.kubectl.result import Failure, raise_all, usage_error, with_source

MANAGER = "kubectl-create"


def run(call: Call) -> None:
    """Create what the files say."""
    if call.args:
        raise usage_error(call.path, f"Unexpected args: [{' '.join(call.args)}]")
    if not call.flag("filename") and not call.flag("kustomize"):
        raise Failure("must specify one of -f and -k")
    if call.flag("filename") and call.flag("kustomize"):
        raise Failure("only one of -f or -k can be specified")
    if call.flag("raw"):
        _raw(call)
        return
    show, errors = printer(call, "created"), []
    infos = manifests(call, validate=True)
    for info in infos:
        body = with_last_applied(info.obj) if call.flag("save-config") or has_last_applied(info.obj) else info.obj
        try:
            made = body if call.dry_run == "client" else call.api.do("create", info.kind, info.namespace, body=body, **call.writes)
            show(made)
        except ApiError as problem:
            errors.append(with_source(problem, "creating", info.source))
    raise_all(errors)


def _raw(call: Call) -> None:
    """POST the file as it is."""
    source, text = next(texts(call), ("", ""))
    bodies = documents(source, text)
    answer = call.api.ask(raw_request("create", call.flag("raw"), freeze(bodies[0]) if bodies else None))
    call.out(go_json(answer, sort=False))


def generator(make: Callable[[Call], Json], failed: str = "") -> Callable[[Call], None]:
    """The command that creates what ``make`` makes; ``failed`` stands before the server's refusal."""

    def command(call: Call) -> None:
        made = freeze(make(call))
        if call.flag("save-config") and made["kind"] != "Service":  # kubectl does not do it there
            made = with_last_applied(made, structs=True)
        show = printer(call, "created", structs=True)
        if call.dry_run == "client":
            show(made)
            return
        kind = call.mapper.kind(made["apiVersion"], made["kind"])
        if kind is None:
            raise Failure(f"the server does not serve {made['kind']}")
        try:
            show(call.api.do("create", kind, call.namespace, body=made, **call.writes))
        except ApiError as problem:
            if not failed:
                raise
            kind_of_service = made.get("spec", {}).get("type", "") if made["kind"] == "Service" else ""
            raise Failure(f"{failed.replace('TYPE', kind_of_service)}{problem.message}") from None

    return command


COMMON = (*PRINT, DRY_RUN, VALIDATE, boolean("save-config"), field_manager(MANAGER))


def _commands() -> tuple[Command, ...]:
    rows = (*create_workloads.GENERATORS, *create_more.GENERATORS)
    return tuple(_command(*row) for row in rows)


def _command(words: tuple[str, ...], short: str, make: Callable[[Call], Json], failed: str, flags: tuple[Flag, ...]) -> Command:
    name, *aliases = words
    return Command(name, short, f"kubectl create {name} NAME [flags]", generator(make, failed), (*flags, *COMMON), tuple(aliases))


_GENERATED = {command.name: command for command in _commands()}
_SERVICES = tuple(_GENERATED.pop(name) for name in ("clusterip", "nodeport", "loadbalancer", "externalname"))
_SECRETS = tuple(_GENERATED.pop(name) for name in ("generic", "tls", "docker-registry"))

_SECRET = (
    "Create a secret with specified type.\n\n A docker-registry type secret is for accessing a container registry.\n\n"
    " A generic type secret indicate an Opaque secret type.\n\n A tls type secret holds TLS certificate and its associated key."
)
COMMAND = Command(
    "create", "Create a resource from a file or from stdin", "kubectl create -f FILENAME", run,
    (*FILENAME, *COMMON, SELECTOR, Flag("raw"), boolean("edit"), boolean("windows-line-endings")),
    long="Create a resource from a file or from stdin.\n\n JSON and YAML formats are accepted.",
    subcommands=(
        *_GENERATED.values(),
        Command("service", "Create a service using a specified subcommand", subcommands=_SERVICES, aliases=("svc",)),
        Command("secret", "Create a secret using a specified subcommand", "kubectl create secret (docker-registry | generic | tls)",
                subcommands=_SECRETS, long=_SECRET),
        create_more.TOKEN,
    ),
)  # fmt: skip
