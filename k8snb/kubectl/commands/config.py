"""``kubectl config``: one cluster, one user, one context; what can be chosen is the namespace.

Models: k8s.io/kubectl/pkg/cmd/config.
Simplified: there is no kubeconfig file; the choice holds as long as the terminal does.
"""

from __future__ import annotations

from k8snb.apimachinery.errors import quote
from k8snb.kubectl.api import Json
from k8snb.kubectl.call import PRINT, Call, Command
from k8snb.kubectl.flags import Flag, boolean
from k8snb.kubectl.printers import formatted
from k8snb.kubectl.result import Failure, raise_all, usage_error
from k8snb.kubectl.text import columns
from k8snb.messages import text as sentence

CONTEXT = "k8snb"


def _context(call: Call) -> Json:
    namespace = {"namespace": call.session.namespace} if call.session.namespace != "default" else {}
    return {"cluster": CONTEXT, **namespace, "user": call.api.user.name}


def run_view(call: Call) -> None:
    """What a kubeconfig for this cluster would say."""
    view = {
        "apiVersion": "v1", "kind": "Config", "current-context": CONTEXT,
        "clusters": [{"name": CONTEXT, "cluster": {"server": "in-process"}}],
        "contexts": [{"name": CONTEXT, "context": _context(call)}], "users": [{"name": call.api.user.name, "user": {}}],
    }  # fmt: skip
    formatted(call, call.flag("output") or "yaml")(view)


def run_current_context(call: Call) -> None:
    """The name of the only context."""
    call.out(CONTEXT)


def run_get_contexts(call: Call) -> None:
    """The only context."""
    unknown = [name for name in call.args if name != CONTEXT]
    if call.flag("output") == "name":
        call.write("" if unknown else f"{CONTEXT}\n")
        return
    row = ["*", CONTEXT, CONTEXT, call.api.user.name, _context(call).get("namespace", "")]
    titles = [] if call.flag("no-headers") else [["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"]]
    call.write(columns(titles if unknown else [*titles, row]))
    raise_all([Failure(f"context {name} not found") for name in unknown])


def run_get_clusters(call: Call) -> None:
    """The only cluster."""
    call.out(f"NAME\n{CONTEXT}")


def run_get_users(call: Call) -> None:
    """The only user."""
    call.out(f"NAME\n{call.api.user.name}")


def run_set_context(call: Call) -> None:
    """Choose the namespace of the commands that follow."""
    if not call.args and not call.flag("current"):
        raise Failure("you must specify a non-empty context name or --current")
    if call.args and call.flag("current"):
        raise usage_error(call.path, f"unexpected args: [{' '.join(call.args)}]")
    if call.args and call.args[0] != CONTEXT:
        raise Failure(sentence("kubectl.one_context", context=CONTEXT))
    if call.enforced:
        call.session.namespace = call.namespace
    call.out(f"Context {quote(CONTEXT)} modified.")


def run_use_context(call: Call) -> None:
    """Switch to the only context."""
    name = call.args[0] if len(call.args) == 1 else ""
    if name != CONTEXT:
        raise Failure(f"no context exists with the name: {quote(name)}")
    call.out(f"Switched to context {quote(CONTEXT)}.")


LONG = """Modify kubeconfig files using subcommands like "kubectl config set current-context my-context".

 The loading order follows these rules:

  1.  If the --kubeconfig flag is set, then only that file is loaded. The flag may only be set once and no merging takes place.
  2.  If $KUBECONFIG environment variable is set, then it is used as a list of paths (normal path delimiting rules for your system). \
These paths are merged. When a value is modified, it is modified in the file that defines the stanza. When a value is created, it is \
created in the first file that exists. If no files in the chain exist, then it creates the last file in the list.
  3.  Otherwise, ${HOME}/.kube/config is used and no merging takes place."""
COMMAND = Command(
    "config", "Modify kubeconfig files", "kubectl config SUBCOMMAND", long=LONG,
    subcommands=(
        Command("view", "Display merged kubeconfig settings or a specified kubeconfig file", "", run_view,
                (*PRINT, boolean("minify"), boolean("flatten"), boolean("raw"))),
        Command("current-context", "Display the current-context", "", run_current_context),
        Command("get-contexts", "Describe one or many contexts", "", run_get_contexts, (Flag("output", "o"), boolean("no-headers"))),
        Command("get-clusters", "Display clusters defined in the kubeconfig", "", run_get_clusters),
        Command("get-users", "Display users defined in the kubeconfig", "", run_get_users),
        Command("set-context", "Set a context entry in kubeconfig", "", run_set_context, (boolean("current"),)),
        Command("use-context", "Set the current-context in a kubeconfig file", "", run_use_context, aliases=("use",)),
    ),
)  # fmt: skip
