"""What kubectl says when nobody answers at the server's address: Go's words for a refused connection, and what becomes of them.

    error = Unreachable(request)
    # Post "https://127.0.0.1:6443/api/v1/namespaces/shop/pods?fieldManager=kubectl-run": dial tcp 127.0.0.1:6443: connect: ...

Most commands say only that the connection was refused. Those that read files need to know first what the server serves, so they
speak of that; ``create deployment`` and its like put the whole sentence behind their own.

Models: net/http and net/url (Error), k8s.io/kubectl/pkg/cmd/util/helpers.go (checkErr), k8s.io/cli-runtime/pkg/resource/mapper.go.
"""

from __future__ import annotations

from urllib.parse import urlencode

from k8snb.apimachinery.errors import ApiError, quote
from k8snb.apiserver.request import Request
from k8snb.apiserver.server import NOT_RUNNING

HOST = "127.0.0.1:6443"
REFUSED = f"The connection to the server {HOST} was refused - did you specify the right host or port?\n"
METHODS = {"create": "Post", "update": "Put", "patch": "Patch", "delete": "Delete", "deletecollection": "Delete"}


class Unreachable(ApiError):
    """No answer, since the API server does not run."""

    def __init__(self, request: Request):
        super().__init__(503, "", refused(METHODS.get(request.verb, "Get"), address(request)))


def is_down(code: int, message: str) -> bool:
    """Whether an answer stands for a connection that was refused: nobody was there to give it."""
    return code == 503 and message == NOT_RUNNING


def refused(method: str, path: str) -> str:
    """A request that found nobody, as Go tells it."""
    return f"{method} {quote(f'https://{HOST}{path}')}: dial tcp {HOST}: connect: connection refused"


def address(request: Request) -> str:
    """The path and the query of a request, as client-go sends it."""
    if not request.resource:
        return f"{request.path}?timeout=32s"
    group = f"/apis/{request.group}" if request.group else "/api"
    namespace = f"namespaces/{request.namespace}" if request.namespace else ""
    parts = (group, request.version, namespace, request.resource, request.name, request.subresource)
    options = request.options
    asked = {"dryRun": "All" if options.dry_run else "", "fieldManager": options.field_manager, "fieldValidation": options.field_validation}
    query = urlencode({key: value for key, value in asked.items() if value}) if request.verb in METHODS else ""
    return "/".join(filter(None, parts)) + f"?{query}" * bool(query)


def told(sources: tuple[str, ...], validate: str) -> str:
    """What kubectl prints. ``sources``: the files that it was to read; ``validate``: how it looks at them first, empty for not at all."""
    if not sources:
        return REFUSED
    source = quote("STDIN" if sources[0] == "-" else sources[0])
    if validate in ("", "false", "ignore"):
        return f"error: unable to recognize {source}: {refused('Get', '/api?timeout=32s')}\n"
    lost = refused("Get", "/openapi/v2?timeout=32s")
    return (
        f"error: error validating {source}: error validating data: failed to download openapi: {lost}; "
        "if you choose to ignore these errors, turn validation off with --validate=false\n"
    )
