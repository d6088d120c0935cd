"""``kubectl exec``, ``attach``, ``cp`` and ``port-forward``: reaching into a running container.

``exec`` runs a command to its end, at one instant. What would be typed is given as ``stdin``. ``cp`` is a ``tar`` at each end of
an ``exec``, as in kubectl: an image without ``tar`` can be copied neither from nor to. ``attach`` shows what process 1 prints from
now on. A forward stays open beside the cells until it is stopped (``cluster.forwards``), or its pod ends.

Models: k8s.io/kubectl/pkg/cmd/exec/exec.go, pkg/cmd/attach/attach.go, pkg/cmd/cp/cp.go, pkg/cmd/portforward/portforward.go.
Simplified: there is no terminal, so ``-t`` changes nothing, and nothing can be typed after a command has begun.
"""

from __future__ import annotations

import io
import posixpath
import tarfile
from pathlib import PurePosixPath
from typing import Any, NamedTuple, NoReturn

from k8snb.apimachinery.errors import ApiError, quote
from k8snb.apimachinery.objects import dig
from k8snb.apimachinery.strconv import integer, parse_uint
from k8snb.kubectl.api import Json
from k8snb.kubectl.call import FILENAME, Call, Command
from k8snb.kubectl.commands.pods import default_container, follow, pods_behind
from k8snb.kubectl.flags import Flag, boolean, duration
from k8snb.kubectl.result import Failure, usage_error
from k8snb.messages import text as sentence

CONTAINER = Flag("container", "c")
ATTACH_SECONDS = 30.0
NO_DASH = "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\nSee 'kubectl exec -h' for help and examples"
_NOT_STARTED = "Internal error occurred: "


def end_with(call: Call, remark: str, code: int) -> NoReturn:
    """End with the exit code of something that ran in a container."""
    call.err(remark)
    raise Failure("", code)


def running_pod(call: Call, name: str) -> Json:
    """The pod (of a workload: one of its pods) in which something is to be done. Raises Failure where it is over."""
    pod = pods_behind(call, name)[0]
    phase = dig(pod, "status.phase")
    if phase in ("Succeeded", "Failed"):
        raise Failure(f"cannot exec into a container in a completed pod; current phase is {phase}")
    return pod


def execute(call: Call, pod: Json, container: str, command: list[str], stdin: str = "") -> Any:
    """Run a command; the answer has ``printed``, ``stdout``, ``stderr`` and ``exitCode``. Raises Failure where it cannot start."""
    parameters = [("container", container), *(("command", word) for word in command), ("stdout", "true"), ("stderr", "true")]
    if stdin:
        parameters += [("stdin", "true"), ("k8snb-stdin", stdin)]
    meta, kind = pod["metadata"], call.mapper.resource("pods")
    try:
        return call.api.do("create", kind, meta["namespace"], meta["name"], subresource="exec", parameters=tuple(parameters))
    except ApiError as error:
        if error.message.startswith(_NOT_STARTED):
            raise Failure(error.message) from None
        raise


def run_exec(call: Call) -> None:
    """Run a command in a container and print what it says."""
    dash = call.values.dash
    names, command = (call.args[:1], call.args[1:]) if dash < 0 else (call.args[:dash], call.args[dash:])
    if not names and not call.flag("filename"):
        raise Failure("pod, type/name or --filename must be specified")
    if dash < 0 and command:
        raise Failure(NO_DASH)
    if not command:
        raise Failure("you must specify at least one command for the container")
    pod = running_pod(call, names[0])
    container = call.flag("container") or default_container(call, pod)
    answer = execute(call, pod, container, command, (call.inputs.stdin or "") if call.flag("stdin") else "")
    for descriptor, text in answer["printed"]:
        call.chunks.append(("stdout" if descriptor == 1 else "stderr", text))
    if not answer["finished"]:
        end_with(call, sentence("kubectl.exec_endless"), 130)
    _end_as(call, answer)


def _end_as(call: Call, answer: Any) -> None:
    """Fail where the command in the container has failed."""
    code = int(answer.get("exitCode") or 0)
    if code:
        end_with(call, f"command terminated with exit code {code}", code)


EXEC = Command(
    "exec", "Execute a command in a container", "kubectl exec (POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...]", run_exec,
    (*FILENAME, CONTAINER, boolean("stdin", "i"), boolean("tty", "t"), boolean("quiet", "q"), Flag("pod-running-timeout", kind="duration")),
)  # fmt: skip


# -- attach ------------------------------------------------------------------------------------------------------------------


def type_into(call: Call, pod: Json, container: str, stdin: str | None) -> None:
    """Give process 1 of a container what would be typed; its standard input ends there. One that has ended is past that.

    None: nothing is typed, but the container must be within reach.
    """
    parameters = (("container", container), *((("stdin", "true"), ("k8snb-stdin", stdin)) if stdin is not None else ()))
    meta = pod["metadata"]
    kind = call.mapper.resource("pods")
    try:
        call.api.do("create", kind, meta["namespace"], meta["name"], subresource="attach", parameters=parameters)
    except ApiError as error:
        if error.message.startswith(_NOT_STARTED):
            raise Failure(error.message) from None
        if not error.message.startswith("unable to upgrade connection"):
            raise
        return
    if stdin is not None:
        call.err("If you don't see a command prompt, try pressing enter.")


def run_attach(call: Call) -> None:
    """Show what a container prints from now on, for a while."""
    if not call.args:
        raise usage_error(call.path, "at least 1 argument is required for attach")
    pod = running_pod(call, call.args[0])
    container = call.flag("container") or default_container(call, pod)
    attach(call, pod, container, (call.inputs.stdin or "") if call.flag("stdin") else None)


def attach(call: Call, pod: Json, container: str, stdin: str | None) -> None:
    """Follow a container's output from now on until it ends, at most ``--request-timeout`` (30 s of virtual time)."""
    begun = call.host.now
    type_into(call, pod, container, stdin)
    given = str(call.flag("request-timeout", "0"))
    follow(call, [(pod, container)], {"sinceMicros": str(begun)}, duration(given if given[-1].isalpha() else given + "s") or ATTACH_SECONDS)


ATTACH = Command(
    "attach", "Attach to a running container", "kubectl attach (POD | TYPE/NAME) -c CONTAINER", run_attach,
    (CONTAINER, boolean("stdin", "i"), boolean("tty", "t"), boolean("quiet", "q"), Flag("pod-running-timeout", kind="duration")),
)  # fmt: skip


# -- cp ----------------------------------------------------------------------------------------------------------------------


class Place(NamedTuple):
    """One end of a copy; ``pod`` empty: on this machine."""

    namespace: str
    pod: str
    path: str


def place_of(text: str, namespace: str) -> Place:
    """``pod:path``, ``namespace/pod:path`` or a local path. Raises Failure."""
    before, colon, path = text.partition(":")
    if not colon or before.startswith((".", "/")):
        return Place("", "", text)
    space, slash, pod = before.rpartition("/")
    if "/" in space or not pod:
        raise Failure("one of src or dest must be a remote file specification")
    if not path:
        raise Failure("filepath can not be empty")
    return Place(space if slash else namespace, pod, path)


def run_cp(call: Call) -> None:
    """Copy files between a container and this machine."""
    if len(call.args) != 2:
        raise Failure("source and destination are required")
    source, target = (place_of(text, call.namespace) for text in call.args)
    if source.pod and target.pod:
        raise Failure("one of src or dest must be a local file specification")
    if not source.pod and not target.pod:
        raise Failure("one of src or dest must be a remote file specification")
    if source.pod:
        _from_container(call, source, target.path)
    else:
        _to_container(call, source.path, target)


def _pod(call: Call, place: Place) -> tuple[Json, str]:
    pod = call.api.get(call.mapper.resource("pods"), place.namespace, place.pod)
    if dig(pod, "status.phase") in ("Succeeded", "Failed"):
        raise Failure(f"cannot exec into a container in a completed pod; current phase is {dig(pod, 'status.phase')}")
    return pod, call.flag("container") or default_container(call, pod)


def _from_container(call: Call, source: Place, target: str) -> None:
    pod, container = _pod(call, source)
    answer = execute(call, pod, container, ["tar", "cf", "-", source.path])
    if answer["stderr"]:
        call.chunks.append(("stderr", answer["stderr"]))
    _end_as(call, answer)
    try:
        unpack(call, to_bytes(answer["stdout"]), place_of(call.args[0], ""), target)
    except tarfile.TarError:
        raise Failure("archive/tar: invalid tar header") from None


def unpack(call: Call, data: bytes, source: Place, target: str) -> None:
    """Save the files of an archive, which came from a container and may say anything: none lands outside the target, and no link is
    made or followed. Raises Failure."""
    root, hint = source.path.strip("/").removeprefix("./"), _tar_hint(source)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive.getmembers():
            if not member.name.startswith(root):
                raise Failure("tar contents corrupted")
            inside = posixpath.normpath(member.name.removeprefix(root).strip("/") or ".")
            path = posixpath.normpath(posixpath.join(target, inside))
            if inside == ".." or inside.startswith("../"):
                call.err(f"warning: file {quote(path)} is outside target destination, skipping")
            elif member.issym():
                call.err(f"warning: skipping symlink: {quote(path)} -> {quote(member.linkname)}{hint}")
                hint = ""
            elif not member.isdir():
                content = archive.extractfile(member) if member.isreg() else None  # of a second name of a file only the name comes
                call.save(path, content.read().decode(errors="replace") if content is not None else "")


def _tar_hint(source: Place) -> str:
    """What is said once, beside the first link."""
    space, pod, path = (quote(word) for word in source)
    return f' (consider using "kubectl exec -n {space} {pod} -- tar cf - {path} | tar xf -")'


def _to_container(call: Call, source: str, target: Place) -> None:
    files = call.local_files(source)
    if not files:
        raise Failure(f"{source} doesn't exist in local filesystem")
    pod, container = _pod(call, target)
    is_folder = execute(call, pod, container, ["test", "-d", target.path])["exitCode"] == 0
    name = PurePosixPath(source.rstrip("/")).name
    path = f"{target.path.rstrip('/')}/{name}" if is_folder or target.path.endswith("/") else target.path
    folder, _, last = path.rpartition("/")
    archive = packed({(f"{last}/{inside}" if inside else last): text for inside, text in files.items()})
    command = ["tar", "-xmf", "-", *(["-C", folder or "/"] if folder or path.startswith("/") else [])]
    answer = execute(call, pod, container, command, from_bytes(archive))
    if answer["stderr"]:
        call.chunks.append(("stderr", answer["stderr"]))
    _end_as(call, answer)


def packed(files: dict[str, str]) -> bytes:
    """A tar archive of texts, the same bytes every time."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def to_bytes(text: str) -> bytes:
    """Output of a command as the bytes that it stands for."""
    return text.encode(errors="surrogateescape")


def from_bytes(data: bytes) -> str:
    """Bytes as text that :func:`to_bytes` gives back."""
    return data.decode(errors="surrogateescape")


CP = Command(
    "cp", "Copy files and directories to and from containers", "kubectl cp <file-spec-src> <file-spec-dest>", run_cp,
    (CONTAINER, boolean("no-preserve"), Flag("retries", kind="int")),
)  # fmt: skip


# -- port-forward ------------------------------------------------------------------------------------------------------------


def run_port_forward(call: Call) -> None:
    """Open ports of this machine that lead into a pod."""
    if len(call.args) < 2:
        raise usage_error(call.path, "TYPE/NAME and list of ports are required for port-forward")
    pod = pods_behind(call, call.args[0])[0]
    phase = dig(pod, "status.phase", "Pending")
    if phase != "Running":
        raise Failure(f"unable to forward port because pod is not running. Current status={phase}")
    for text in call.args[1:]:
        local, remote = _ports(call, text, pod)
        meta = pod["metadata"]
        opened = call.host.forward(meta["namespace"], meta["name"], remote, local)
        if not opened:
            problem = f"Error listen tcp4 127.0.0.1:{local}: bind: address already in use"
            raise Failure(
                f"Unable to listen on port {local}: Listeners failed to create with the following errors: "
                f"[unable to create listener: {problem}]"
            )
        call.out(f"Forwarding from 127.0.0.1:{opened} -> {remote}")
        call.out(f"Forwarding from [::1]:{opened} -> {remote}")
        call.err(sentence("kubectl.forwarding", port=opened))


def _ports(call: Call, text: str, pod: Json) -> tuple[int, int]:
    """``8080:80``, ``80`` or ``:80``; a Service's port becomes its target port, a name the number. Raises Failure."""
    local, colon, remote = text.rpartition(":")
    number = _target(call, remote, pod)
    try:
        here = parse_uint(local, bits=16) if local else None
    except ValueError as problem:
        raise Failure(f"error parsing local port {quote(local)}: {problem}") from None
    if here is None:
        asked = integer(remote)
        here = 0 if colon else number if asked is None else asked
    return here, number


def _target(call: Call, text: str, pod: Json) -> int:
    kind, slash, name = call.args[0].partition("/")
    if slash and kind.lower() in ("service", "services", "svc"):
        service = call.api.get(call.mapper.resource("services"), call.namespace, name)
        ports = [port for port in dig(service, "spec.ports", []) if text in (str(port["port"]), port.get("name"))]
        if not ports:
            raise Failure(f"Service {name} does not have a service port {text}")
        text = str(ports[0].get("targetPort", ports[0]["port"]))
    if text.isdecimal():
        return int(text)
    named = [p["containerPort"] for c in dig(pod, "spec.containers", []) for p in c.get("ports") or () if p.get("name") == text]
    if not named:
        raise Failure(f"Pod '{pod['metadata']['name']}' does not have a named port '{text}'")
    return int(named[0])


PORT_FORWARD = Command(
    "port-forward", "Forward one or more local ports to a pod",
    "kubectl port-forward TYPE/NAME [options] [LOCAL_PORT:]REMOTE_PORT [...[LOCAL_PORT_N:]REMOTE_PORT_N]", run_port_forward,
    (Flag("address", kind="strings"), Flag("pod-running-timeout", kind="duration")),
)  # fmt: skip
