"""What the shell itself does: its variables, where output goes, and the commands that change the shell.

:class:`Shell` is the view that builtins get: one job of one shell in one process, for the length of one instruction.
"""

from __future__ import annotations

from collections.abc import Callable

from k8snb.kubelet.images.files import WriteError
from k8snb.kubelet.images.process import Process
from k8snb.kubelet.images.shell import expand
from k8snb.kubelet.images.shell.state import Frame, Job, ShellState
from k8snb.sim.state import Shelf

_DISCARD = ("/dev/null",)
_CONTAINER = ("/dev/stdout", "/dev/stderr", "/dev/tty")
_TO_MAIN = ("/proc/1/fd/1", "/proc/1/fd/2")  # what process 1 prints: the container's log


def frame_of(job: Job, name: str) -> str:
    """Where a job's output (or error) goes at the moment, if that is a file."""
    for frame in reversed(job.frames):
        target = str(getattr(frame, name))
        if target:
            return target if target.startswith("/") else ""
    return ""


class Shell:
    """One job of a shell, with the process that it runs in."""

    __slots__ = ("job", "process", "state")

    def __init__(self, state: ShellState, job: Job, process: Process):
        self.state, self.job, self.process = state, job, process

    # -- variables ---------------------------------------------------------------------------------------------------

    def _scope(self) -> Shelf:
        for frame in reversed(self.job.frames):
            if not frame.shared:
                return frame.variables
        return self.job.frames[0].variables

    def get(self, name: str) -> str | None:
        """The value of a variable or of a special parameter."""
        arguments = self.job.frames[-1].arguments
        if name.isdigit():
            return arguments[int(name)] if int(name) < len(arguments) else None
        special = {"?": str(self.job.status), "#": str(len(arguments) - 1), "$": "1", "-": "", "0": arguments[0]}
        if name in special:
            return special[name]
        if name == "RANDOM":
            return str(int(self.process.system.fraction() * 32768))
        if name == "PWD":
            return self.state.directory
        found: str | None = self._scope().get(name)
        return self.process.hostname if found is None and name == "HOSTNAME" else found

    def put(self, name: str, value: str) -> None:
        """Set a variable."""
        self._scope()[name] = value

    def all_variables(self) -> Shelf:
        """A copy of all variables, for a subshell."""
        return Shelf(self._scope())

    def exported(self) -> dict[str, str]:
        """The environment of a command."""
        scope = self._scope()
        return {name: scope[name] for name in self.state.exports if name in scope}

    def values(self) -> expand.Values:
        """What expansions need."""
        return expand.Values(self.get, self.put, self.job.frames[-1].arguments, self._names)

    def _names(self) -> list[str]:
        inside = self.state.directory.rstrip("/") + "/"
        names = [name.rstrip("/") for name in self.process.files.names()]
        found = dict.fromkeys(names) | dict.fromkeys(name[: name.rfind("/")] for name in names)
        return sorted(found | dict.fromkeys(name[len(inside) :] for name in found if name.startswith(inside)))

    def path(self, name: str) -> str:
        """A path made absolute."""
        return name if name.startswith("/") else f"{self.state.directory.rstrip('/')}/{name}"

    # -- input and output --------------------------------------------------------------------------------------------

    def stdin(self) -> str:
        """All that waits on standard input."""
        for frame in reversed(self.job.frames):
            if frame.stdin is not None:
                text, frame.stdin = frame.stdin, ""
                return text
        text, self.process.stdin = self.process.stdin, ""
        return text

    def read_line(self) -> str | None:
        """One line of standard input, or None at its end."""
        for frame in reversed(self.job.frames):
            if frame.stdin is not None:
                if not frame.stdin:
                    return None
                line, _, frame.stdin = frame.stdin.partition("\n")
                return line
        if not self.process.stdin:
            return None
        line, _, self.process.stdin = self.process.stdin.partition("\n")
        return line

    def write(self, text: str, descriptor: int = 1) -> None:
        """Print to where the innermost redirection leads."""
        self._route(text, descriptor, self.job.frames)

    def output(self, text: str, descriptor: int, inner: Frame) -> None:
        """Print as a command that has redirections of its own (``inner``)."""
        if text:
            self._route(text, descriptor, [*self.job.frames, inner])

    def _route(self, text: str, descriptor: int, frames: list[Frame]) -> None:
        for frame in reversed(frames):
            target = frame.output if descriptor == 1 else frame.error
            if target in ("&1", "&2"):
                descriptor = int(target[1])
                target = ""
            if target in _DISCARD:
                return
            if target in _TO_MAIN:
                self.process.main.write(text, int(target[-1]))
                return
            if target in _CONTAINER:
                descriptor = 2 if target.endswith("err") else 1
                break
            if target.startswith("/"):
                self._append(target, text)
                return
            if target:
                frame.buffer += text
                return
        self.process.write(text, descriptor)

    def _append(self, path: str, text: str) -> None:
        try:
            self.process.files.write(path, text, append=True)
        except WriteError as error:
            self.process.write(f"sh: write error: {error.why}\n")
            self.job.status = 1

    # -- control -----------------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """The innermost block has ended: hand over what it printed."""
        frame = self.job.frames.pop()
        if not self.job.frames:
            self._ended(frame)
        elif frame.output == "|":
            self.job.pipe = frame.buffer
        elif frame.output.startswith("%"):
            self.put(frame.output, frame.buffer.rstrip("\n"))

    def _ended(self, frame: Frame) -> None:
        script = self.state.traps.pop("EXIT", None) if self.job is self.state.jobs[0] else None
        if script:
            status = self.job.status
            self.job.frames.append(Frame(f"{script}\nexit {status}", variables=frame.variables, arguments=frame.arguments))

    def exit(self) -> None:
        """Leave the innermost subshell (or the script)."""
        frames = self.job.frames
        while len(frames) > 1 and frames[-1].shared:
            frames.pop()
        if frames:
            self.leave()

    def nested(self, arguments: list[str], inner: Frame, assigned: dict[str, str]) -> None:
        """``sh -c SCRIPT``, ``sh FILE``, or a script on standard input."""
        options = [word for word in arguments if word.startswith("-")]
        rest = [word for word in arguments if not word.startswith("-")]
        if any("c" in option for option in options):
            script: str | None = rest.pop(0) if rest else ""
        elif rest:
            script = self.process.files.read(self.path(rest[0]))
        else:
            script = inner.stdin if inner.stdin is not None else self.stdin()
        if script is None:
            self.write(f"sh: can't open '{rest[0]}': No such file or directory\n", 2)
            self.job.status = 2
            return
        if any("e" in option for option in options):
            self.state.options["e"] = True
        inner.text, inner.block, inner.shared = script, 0, False
        inner.arguments = tuple(rest) or ("sh",)
        inner.variables = Shelf({**self.exported(), **assigned})
        self.job.frames.append(inner)


Builtin = Callable[[Shell, tuple[str, ...], Frame], None]


def _number(args: tuple[str, ...], default: int) -> int:
    return int(args[0]) & 255 if args and args[0].lstrip("-").isdigit() else default


def exit_(shell: Shell, args: tuple[str, ...], _inner: Frame) -> None:
    """``exit [n]``."""
    shell.job.status = _number(args, shell.job.status)
    shell.exit()


def return_(shell: Shell, args: tuple[str, ...], _inner: Frame) -> None:
    """``return [n]`` from a function."""
    shell.job.status = _number(args, shell.job.status)
    shell.leave()


def cd(shell: Shell, args: tuple[str, ...], _inner: Frame) -> None:
    """``cd [directory]``."""
    target = shell.path(args[0]) if args else "/root"
    parts: list[str] = []
    for part in target.split("/"):
        parts = parts[:-1] if part == ".." else parts if part in ("", ".") else [*parts, part]
    target = "/" + "/".join(parts)
    if target != "/root" and not shell.process.files.is_directory(target):
        shell.write(f"sh: cd: can't cd to {args[0]}: No such file or directory\n", 2)
        shell.job.status = 2
        return
    shell.state.directory, shell.job.status = target, 0


def export(shell: Shell, args: tuple[str, ...], _inner: Frame) -> None:
    """``export NAME[=value]``; also ``local`` and ``readonly``, which differ in nothing that is simulated."""
    for word in args:
        name, equals, value = word.partition("=")
        if equals:
            shell.put(name, value)
        shell.state.exports[name] = True
    shell.job.status = 0


def local(shell: Shell, args: tuple[str, ...], _inner: Frame) -> None:
    """``local NAME[=value]``."""
    for word in args:
        name, equals, value = word.partition("=")
        if equals:
            shell.put(name, value)
    shell.job.status = 0


def unset(shell: Shell, args: tuple[str, ...], _inner: Frame) -> None:
    """``unset NAME``."""
    for name in args:
        shell._scope().pop(name, None)
    shell.job.status = 0


def set_(shell: Shell, args: tuple[str, ...], _inner: Frame) -> None:
    """``set -e``, ``set -x`` (others are accepted), ``set -- arguments``."""
    for at, word in enumerate(args):
        if word == "--":
            frame = shell.job.frames[-1]
            frame.arguments = (frame.arguments[0], *args[at + 1 :])
            break
        if word[:1] in "+-":
            for letter in word[1:]:
                shell.state.options[letter] = word[0] == "-"
    shell.job.status = 0


def shift(shell: Shell, args: tuple[str, ...], _inner: Frame) -> None:
    """``shift [n]``."""
    frame = shell.job.frames[-1]
    frame.arguments = (frame.arguments[0], *frame.arguments[1 + _number(args, 1) :])
    shell.job.status = 0


def read(shell: Shell, args: tuple[str, ...], inner: Frame) -> None:
    """``read [-r] NAME...``: one line of standard input."""
    names = [word for word in args if not word.startswith("-")] or ["REPLY"]
    if inner.stdin is not None:
        line: str | None = inner.stdin.partition("\n")[0] if inner.stdin else None
    else:
        line = shell.read_line()
    shell.job.status = 0 if line is not None else 1
    words = (line or "").split(None, len(names) - 1)
    for at, name in enumerate(names):
        shell.put(name, words[at].strip() if at < len(words) else "")


def trap(shell: Shell, args: tuple[str, ...], _inner: Frame) -> None:
    """``trap 'commands' SIGNAL...``; ``-`` takes it away."""
    if not args:
        return
    for name in args[1:]:
        signal = {"15": "TERM", "2": "INT", "0": "EXIT", "3": "QUIT"}.get(name, name.removeprefix("SIG"))
        if args[0] == "-":
            shell.state.traps.pop(signal, None)
        else:
            shell.state.traps[signal] = args[0] or ":"
    shell.job.status = 0


def wait(shell: Shell, _args: tuple[str, ...], _inner: Frame) -> None:
    """``wait`` until all background jobs have ended, or a trap runs."""
    shell.job.waiting, shell.job.status = True, 0


def evaluate(shell: Shell, args: tuple[str, ...], inner: Frame) -> None:
    """``eval words``."""
    inner.text, inner.block, inner.shared = " ".join(args), 0, True
    shell.job.frames.append(inner)


def source(shell: Shell, args: tuple[str, ...], inner: Frame) -> None:
    """``. file``."""
    text = shell.process.files.read(shell.path(args[0])) if args else None
    if text is None:
        shell.write(f"sh: .: can't open '{args[0] if args else ''}': No such file or directory\n", 2)
        shell.job.status = 2
        return
    evaluate(shell, (text,), inner)


def exec_(shell: Shell, args: tuple[str, ...], inner: Frame) -> None:
    """``exec command``: run it, then end."""
    import shlex

    if args:
        evaluate(shell, (shlex.join(args) + "\nexit $?",), inner)


def command(shell: Shell, args: tuple[str, ...], inner: Frame) -> None:
    """``command [-v] name``, ``time command``, ``nohup command``."""
    import shlex

    if args and args[0] == "-v":
        shell.output(f"/bin/{args[1]}\n", 1, inner)
        shell.job.status = 0
    else:
        evaluate(shell, (shlex.join(args),), inner)


def kill(shell: Shell, args: tuple[str, ...], _inner: Frame) -> None:
    """``kill [-SIGNAL] 1``: a signal to the container's main process; jobs of the shell just end."""
    signal, shell.job.status = "TERM", 0
    for word in args:
        if word.startswith("-"):
            signal = {"15": "TERM", "9": "KILL", "2": "INT", "3": "QUIT"}.get(word[1:], word[1:].removeprefix("SIG"))
        elif word == "1" and signal != "0":
            shell.process.signal(signal)
        elif signal != "0":
            for job in shell.state.jobs[1:]:
                job.frames.clear()


BUILTINS: dict[str, Builtin] = {
    "exit": exit_, "return": return_, "cd": cd, "export": export, "readonly": export, "local": local, "unset": unset, "set": set_,
    "shift": shift, "read": read, "trap": trap, "wait": wait, "eval": evaluate, ".": source, "source": source, "exec": exec_,
    "command": command, "time": command, "nohup": command, "kill": kill,
}  # fmt: skip
