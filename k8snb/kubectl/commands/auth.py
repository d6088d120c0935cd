"""``kubectl auth`` and ``certificate``: who am I, what may I, and may that key be signed.

Models: k8s.io/kubectl/pkg/cmd/auth (cani.go, whoami.go, reconcile.go), pkg/cmd/certificates/certificates.go.
"""

from __future__ import annotations

from k8snb.apimachinery import meta
from k8snb.apimachinery.objects import dig, freeze, put
from k8snb.kubectl.api import Json
from k8snb.kubectl.builder import scope_of, visit
from k8snb.kubectl.call import ALL_NAMESPACES, FILENAME, PRINT, SUBRESOURCE, Call, Command
from k8snb.kubectl.commands import reconcile
from k8snb.kubectl.describe.rules import TITLES, rows_of
from k8snb.kubectl.flags import boolean
from k8snb.kubectl.mapper import Kind
from k8snb.kubectl.printers import formatted, printer
from k8snb.kubectl.result import Failure, NoMatch, raise_all
from k8snb.kubectl.text import columns, go_value

_REVIEWS = "authorization.k8s.io/v1"
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "use", "bind", "impersonate", "*",
         "approve", "sign", "escalate", "attest")  # fmt: skip
PATH_VERBS = ("get", "put", "post", "head", "options", "delete", "patch", "*")


def _review(call: Call, api_version: str, kind: str, spec: Json | None) -> Json:
    known = call.mapper.kind(api_version, kind)
    if known is None:
        raise Failure(f"the server does not serve {kind}")
    body = {"apiVersion": api_version, "kind": kind, "metadata": {}, **({"spec": spec} if spec is not None else {})}
    answer: Json = call.api.do("create", known, "", body=freeze(body))
    return answer


def run_can_i(call: Call) -> None:
    """Ask whether something is allowed: yes or no."""
    if call.flag("list"):
        if call.args:
            raise Failure("list option must be specified with no arguments")
        if call.flag("quiet") or call.flag("all-namespaces") or call.flag("subresource"):
            raise Failure("list option can't be specified with neither quiet, all-namespaces nor subresource options")
        _list(call)
        return
    if len(call.args) != 2:
        raise Failure(
            "you must specify two arguments: verb resource or verb resource/resourceName.\n"
            "See 'kubectl auth can-i -h' for help and examples."
        )
    path = call.args[1].startswith("/")
    if path and call.flag("subresource"):
        raise Failure("--subresource can not be used with NonResourceURL")
    spec = {"nonResourceAttributes": {"path": call.args[1], "verb": call.args[0]}} if path else {"resourceAttributes": _attributes(call)}
    if call.args[0] not in (PATH_VERBS if path else VERBS):
        call.err(f"Warning: verb '{call.args[0]}' is not a known verb\n")
    status = _review(call, _REVIEWS, "SelfSubjectAccessReview", spec).get("status") or {}
    if not call.flag("quiet"):
        remarks = "".join(f" - {status[key]}" for key in ("reason", "evaluationError") if status.get(key))
        call.out("yes" if status.get("allowed") else f"no{remarks}")
    if not status.get("allowed"):
        raise Failure("")


def _attributes(call: Call) -> Json:
    text, _, name = call.args[1].partition("/")
    kind = _kind(call, text)
    if kind is not None and not kind.namespaced and not call.flag("all-namespaces"):
        call.err(
            f"Warning: resource '{kind.resource}' is not namespace scoped" + (f" in group '{kind.group}'" if kind.group else "") + "\n"
        )
    group, resource = (kind.group, kind.resource) if kind else ("", text.split(".")[0])
    namespace = "" if call.flag("all-namespaces") else call.namespace
    return {
        "namespace": namespace, "verb": call.args[0], "group": group, "resource": resource,
        "subresource": call.flag("subresource"), "name": name,
    }  # fmt: skip


def _kind(call: Call, text: str) -> Kind | None:
    if text == "*":
        return None
    try:
        return call.mapper.resource(text)
    except NoMatch:
        word, _, group = text.partition(".")
        where = f" in group '{group}'" if group else ""
        call.err(f"Warning: the server doesn't have a resource type '{word}'{where}\n")
        return None


def _list(call: Call) -> None:
    status = _review(call, _REVIEWS, "SelfSubjectRulesReview", {"namespace": call.namespace}).get("status") or {}
    rules = [*(status.get("resourceRules") or ()), *(status.get("nonResourceRules") or ())]
    rows = [row.cells for row in rows_of(rules)]
    call.write(columns(rows if call.flag("no-headers") else [TITLES, *rows]))


def run_whoami(call: Call) -> None:
    """Who the server takes us for."""
    review = _review(call, "authentication.k8s.io/v1", "SelfSubjectReview", None)
    if call.flag("output"):
        formatted(call, call.flag("output"), structs=True)(review)
        return
    user = dig(review, "status.userInfo", {})
    rows = [["ATTRIBUTE", "VALUE"]]
    rows += [
        [title, go_value(user[key])] for title, key in (("Username", "username"), ("UID", "uid"), ("Groups", "groups")) if user.get(key)
    ]
    rows += [[f"Extra: {key}", go_value(values)] for key, values in sorted((user.get("extra") or {}).items())]
    call.write(columns(rows))


AUTH = Command(
    "auth", "Inspect authorization", "kubectl auth [flags]",
    subcommands=(
        Command("can-i", "Check whether an action is allowed", "kubectl auth can-i VERB [TYPE | TYPE/NAME | NONRESOURCEURL]", run_can_i,
                (ALL_NAMESPACES, SUBRESOURCE, boolean("list"), boolean("quiet", "q"), boolean("no-headers"))),
        Command("whoami", "Experimental: Check self subject attributes", "kubectl auth whoami", run_whoami, PRINT),
        reconcile.COMMAND,
    ),
)  # fmt: skip


# -- certificates ------------------------------------------------------------------------------------------------------------


def _decide(call: Call, condition: str, reason: str, done: str) -> None:
    if not call.args and not call.flag("filename"):
        raise Failure("one or more CSRs must be specified as <name> or -f <filename>")
    infos, errors = visit(call, scope_of(call, ["certificatesigningrequests", *call.args] if call.args else []))
    raise_all(errors)
    stamp = meta.timestamp(call.host.now)
    for info in infos:
        known = list(dig(info.obj, "status.conditions", []))
        message = f"This CSR was {done} by kubectl certificate {call.path.split()[-1]}."
        new = {"type": condition, "status": "True", "reason": reason, "message": message,
               "lastUpdateTime": stamp}  # fmt: skip
        made = info.obj
        if not any(one.get("type") == condition for one in known) or call.flag("force"):
            made = call.api.do(
                "update", info.kind, "", info.name, subresource="approval", body=put(info.obj, "status.conditions", [*known, new])
            )
        printer(call, done)(made)


def run_approve(call: Call) -> None:
    """Approve signing requests."""
    _decide(call, "Approved", "KubectlApprove", "approved")


def run_deny(call: Call) -> None:
    """Deny signing requests."""
    _decide(call, "Denied", "KubectlDeny", "denied")


_CSR_FLAGS = (*FILENAME, *PRINT, boolean("force"))
CERTIFICATE = Command(
    "certificate", "Modify certificate resources", "kubectl certificate SUBCOMMAND",
    subcommands=(
        Command("approve", "Approve a certificate signing request", "", run_approve, _CSR_FLAGS),
        Command("deny", "Deny a certificate signing request", "", run_deny, _CSR_FLAGS),
    ),
)  # fmt: skip
