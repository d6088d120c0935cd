"""kubectl in process: a command line in, what a terminal would show out.

    kubectl = Kubectl(server.handle, host)
    kubectl.run("get pods -o wide")
    kubectl.run("apply -f -", stdin=manifest)
    kubectl.complete("get po", 6)                    # ['pod', 'poddisruptionbudgets', ...]

It asks the server through requests only; commands that block let virtual time pass through the host. It raises nothing:
whatever goes wrong becomes text and an exit code.

Models: k8s.io/kubectl/pkg/cmd/cmd.go, github.com/spf13/cobra/command.go.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace

from k8snb.apimachinery.errors import ApiError, quote
from k8snb.apiserver.request import ADMIN, MASTERS, Request, Response, User
from k8snb.component_helpers.command_line import LONGEST_WORD, TOO_LONG, fits
from k8snb.kubectl import completion
from k8snb.kubectl.advice import advised
from k8snb.kubectl.api import Send
from k8snb.kubectl.call import Call, Command, Host, Inputs, Session
from k8snb.kubectl.commands.config import CONTEXT
from k8snb.kubectl.flags import Flag, FlagError, Values, boolean, duration, find_word, missing, parse, words_of
from k8snb.kubectl.help import help_text, options_text, topic
from k8snb.kubectl.result import Failure, Result, Several, fatal
from k8snb.kubectl.table import COMMANDS
from k8snb.kubectl.unreachable import Unreachable, told
from k8snb.messages import text as sentence
from k8snb.sim.clock import LATENCY

WRITES = ("create", "update", "patch", "delete", "deletecollection")

GLOBAL_FLAGS = (
    Flag("namespace", "n"), Flag("as"), Flag("as-group", kind="array"), Flag("as-uid"), Flag("context"), Flag("cluster"), Flag("user"),
    Flag("kubeconfig"), Flag("server", "s"), Flag("token"), Flag("request-timeout", default="0"), Flag("cache-dir"), Flag("v", "v", "int"),
    Flag("vmodule"), Flag("certificate-authority"), Flag("client-certificate"), Flag("client-key"), Flag("tls-server-name"),
    Flag("username"), Flag("password"), Flag("profile"), Flag("profile-output"), Flag("log-flush-frequency"), Flag("kuberc"),
    boolean("insecure-skip-tls-verify"), boolean("match-server-version"), boolean("warnings-as-errors"), boolean("disable-compression"),
    boolean("help", "h"),
)  # fmt: skip
# Accepted, because scripts use them; there is no other server, no cache, no editor and no second stream here.
GLOBAL_WITHOUT_EFFECT = (
    "kubeconfig", "cluster", "user", "server", "token", "username", "password", "certificate-authority", "client-certificate", "client-key",
    "insecure-skip-tls-verify", "tls-server-name", "kuberc",
)  # fmt: skip
OWN_WITHOUT_EFFECT = (
    "output-watch-events", "server-print", "edit", "interactive", "windows-line-endings", "openapi-patch", "leave-stdin-open",
)  # fmt: skip
SHELL_WORDS = ("|", ">", ">>", "<", "&&", "||", ";", "&", "2>&1")
CONTENT_WITHOUT = ("kubectl", "certificate")  # bare, they show their help and succeed; other groups miss their subcommand
ADMINISTRATOR = User(ADMIN, (MASTERS, "system:authenticated"))
ROOT = Command(
    "kubectl", "kubectl controls the Kubernetes cluster manager", "kubectl [flags]", subcommands=COMMANDS,
    long="kubectl controls the Kubernetes cluster manager.\n\n Find more information at: https://kubernetes.io/docs/reference/kubectl/",
)  # fmt: skip


class Paced:
    """The requests of one command. Between two writes a little time passes, as on a wire: controllers act in between."""

    def __init__(self, send: Send, host: Host):
        self.send, self.host, self.wrote, self.took = send, host, False, 0

    def __call__(self, request: Request) -> Response:
        """Send one request."""
        if request.verb in WRITES and not request.options.dry_run:
            if self.wrote:
                self.host.advance(lambda: False, LATENCY["kubectl request"])
                self.took += LATENCY["kubectl request"]
            self.wrote = True
        return self.send(request)


class Kubectl:
    """Runs command lines as one user in one default namespace."""

    def __init__(self, send: Send, host: Host, *, namespace: str = "default", user: User = ADMINISTRATOR):
        self.session = Session(send, host, user, namespace)

    def __repr__(self) -> str:
        return f"<Kubectl {self.session.user.name} in {self.session.namespace}>"

    def run(self, line: str | Sequence[str], stdin: str | None = None, files: Mapping[str, str] | None = None) -> Result:
        """Run one command. ``line`` may start with ``kubectl``; ``files`` are what ``-f NAME`` finds first, and where ``cp`` writes."""
        if not _fits(line):
            return _refused(sentence("kubectl.too_long", problem=TOO_LONG, most=LONGEST_WORD), 126)
        try:
            argv = shlex.split(line, comments=False) if isinstance(line, str) else list(line)
        except ValueError as problem:
            return _refused(sentence("kubectl.quotes", problem=problem))
        argv = argv[1:] if argv[:1] == ["kubectl"] else argv
        shell = next((word for word in argv if word in SHELL_WORDS), "")
        if shell and isinstance(line, str):
            return _refused(sentence("kubectl.no_shell", word=shell))
        sink = files if isinstance(files, MutableMapping) else None
        inputs = Inputs(stdin, tuple((files or {}).items()), sink)
        if argv[:1] in (["help"], ["options"]):
            return options_text(GLOBAL_FLAGS) if argv[0] == "options" else topic(ROOT, argv[1:])
        command, paced = ROOT, Paced(self.session.send, self.session.host)
        try:
            command, path, rest = find(argv)
            call = self._call(command, path, rest, inputs, paced)
        except (Failure, Several) as problem:
            text, code = fatal(problem)
            return advised(Result((("stderr", text),), code), argv, command.flags + GLOBAL_FLAGS)
        result = replace(_run(command, call), manifests=tuple(call.manifests), paced=paced.took)
        return advised(result, argv, command.flags + GLOBAL_FLAGS, nothing_found=call.found == 0)

    def _call(self, command: Command, path: str, rest: Sequence[str], inputs: Inputs, paced: Paced) -> Call:
        flags = command.flags + tuple(flag for flag in GLOBAL_FLAGS if flag.name not in {own.name for own in command.flags})
        taken = {flag.shorthand for flag in command.flags} - {""}
        flags = tuple(flag if flag in command.flags or flag.shorthand not in taken else replace(flag, shorthand="") for flag in flags)
        try:
            values = parse(rest, flags)
        except FlagError as problem:
            raise Failure(f"{problem}\nSee '{path} --help' for usage.") from None
        unset = missing(values)
        if unset and not values.help:
            raise Failure(f"required flag(s) {', '.join(quote(name) for name in unset)} not set")
        _check_globals(values, self.session.user.name)
        call = Call(self.session, paced, path=path, values=values, inputs=inputs)
        for flag in flags:
            if flag.deprecated and values.said(flag.name):
                call.err(f"Flag --{flag.name} has been deprecated, {flag.deprecated}")
        return call

    def complete(self, line: str, cursor: int | None = None) -> list[str]:
        """What may stand at the cursor: commands, resource types, names of live objects, flags."""
        if not _fits(line):
            return []
        return completion.complete(self.session, ROOT, line, len(line) if cursor is None else cursor)


def _check_globals(values: Values, user: str) -> None:
    """What a kubeconfig and a client would refuse. Raises Failure."""
    timeout, context = str(values.request_timeout), str(values.context)
    try:
        duration(timeout if timeout[-1:].isalpha() else f"{timeout or 0}s")
    except ValueError:
        raise Failure(
            "Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit "
            "(e.g. 1s | 2m | 3h)"
        ) from None
    if context not in ("", CONTEXT):
        raise Several([Failure(f"Error in configuration: context was not found for specified context: {context}")])
    if not values.get("as") and (values.get("as-group") or values.get("as-uid")):
        raise Failure(f"requesting uid, groups or user-extra for {user} without impersonating a user")


def _refused(remark: str, code: int = 2) -> Result:
    return Result((("stderr", f"error: {remark}\n"),), code)


def _fits(line: str | Sequence[str]) -> bool:
    """Whether it is short enough for a shell. (A line as a whole is a single word, as after ``sh -c``.)"""
    return fits((line,) if isinstance(line, str) else line)


def find(argv: Sequence[str]) -> tuple[Command, str, list[str]]:
    """The command that a line means, its path (``kubectl rollout undo``) and the words that are left. Raises Failure."""
    command, path, rest = ROOT, ROOT.name, list(argv)
    while command.subcommands:
        position = find_word(rest, GLOBAL_FLAGS + command.flags)
        found = command.find(rest[position]) if position >= 0 else None
        if found is None:
            if position >= 0 and command.run is None:
                raise _unknown(command, path, rest[position], words_of(rest, GLOBAL_FLAGS + command.flags))
            break
        command, path = found, f"{path} {found.name}"
        del rest[position]
    return command, path, rest


def _unknown(command: Command, path: str, word: str, said: Sequence[str]) -> Failure:
    if command is not ROOT:
        remark = command.remark.replace("WORD", word) if "WORD" in command.remark else f"{command.remark} {quote(' '.join(said))}"
        return Failure(f"{remark}\nSee '{path} -h' for help and examples")
    near = [known.name for known in COMMANDS if distance(word, known.name) <= 2 or known.name.startswith(word.lower())]
    hint = "\n\nDid you mean this?\n" + "".join(f"\t{name}\n" for name in near) if near else ""
    return Failure(f"unknown command {quote(word)} for {quote(path)}{hint}")


def distance(one: str, other: str) -> int:
    """How many letters must change to make one word the other (Levenshtein)."""
    row = list(range(len(other) + 1))
    for index, letter in enumerate(one, 1):
        last, row[0] = row[0], index
        for column, char in enumerate(other, 1):
            last, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, last + (letter.lower() != char.lower()))
    return row[-1]


def _run(command: Command, call: Call) -> Result:
    if call.values.help or command.run is None:
        asked = call.values.help or command.name in CONTENT_WITHOUT
        return Result((("stdout", help_text(command, call.path)),), 0 if asked else 1)
    code = 0
    own = {flag.name for flag in command.flags}
    for name in [*(name for name in GLOBAL_WITHOUT_EFFECT if name not in own), *(name for name in OWN_WITHOUT_EFFECT if name in own)]:
        if call.values.said(name):
            call.err("Warning: " + sentence("kubectl.no_effect", flag=name))
    try:
        command.run(call)
        if call.flag("warnings-as-errors") and call.api.warned:
            count = len(call.api.warned)
            raise Failure(f"{count} warning{'s' * (count > 1)} received")
    except Unreachable:
        call.chunks.append(("stderr", told(tuple(call.flag("filename", ())), str(call.flag("validate", "")))))
        code = 1
    except (ApiError, Failure, Several) as problem:
        text, code = fatal(problem)
        if text:
            call.chunks.append(("stderr", text))
    return Result(tuple(call.chunks), code)
