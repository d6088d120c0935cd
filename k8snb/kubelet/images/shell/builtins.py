"""What the shell itself does: its variables, where output goes, and the commands that change the shell.

:class:`Shell` is the view that builtins get: one job of one shell in one process, for the length of one instruction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from k8snb.kubelet.images.files import FileError
from k8snb.kubelet.images.process import Process
from k8snb.kubelet.images.shell import expand
from k8snb.kubelet.images.shell.state import Frame, Job, ShellState
from k8snb.sim.state import Shelf

LONGEST = 1 << 20
"""Characters that one variable may hold."""
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

    __slots__ = ("commands", "job", "process", "state")

    def __init__(self, state: ShellState, job: Job, process: Process, commands: Collection[str] = ()):
        self.state, self.job, self.process = state, job, process
        self.commands = commands  # the names of all commands that are no builtins

    # -- variables ---------------------------------------------------------------------------------------------------

    def _scope(self) -> Shelf:
        for frame in reversed(self.job.frames):
            if not frame.shared:
                return frame.variables
        return self.job.frames[0].variables

    def get(self, name: str) -> str | None:
        """The value of a variable or of a special parameter."""
        arguments = self.job.frames[-1].arguments
        if name.isdecimal():
            return arguments[int(name)] if int(name) < len(arguments) else None
        special = {"?": str(self.job.status), "#": str(len(arguments) - 1), "$": self.pid, "-": "", "0": arguments[0]}
        if name in special:
            return special[name]
        if name == "IFS" and name not in self._scope():
            return None
        if name == "RANDOM":
            return str(int(self.process.system.fraction() * 32768))
        if name == "PWD":
            return self.state.directory
        found: str | None = self._scope().get(name)
        return self.process.hostname if found is None and name == "HOSTNAME" else found

    @property
    def pid(self) -> str:
        """The shell's own number: 1 for the container's main process."""
        return "1" if self.process.main is self.process else "47"

    def put(self, name: str, value: str) -> None:
        """Set a variable. Raises ExpansionError for one that is too long for a small container's memory."""
        if len(value) > LONGEST:
            raise expand.ExpansionError("out of memory")
        self._scope()[name] = value

    def unset(self, name: str) -> None:
        """Forget a variable."""
        self._scope().pop(name, None)

    def localize(self, name: str) -> None:
        """From now on a variable belongs to the function that runs; what it was comes back when the function ends."""
        function = next((frame for frame in reversed(self.job.frames) if frame.function), None)
        if function is not None and name not in function.kept:
            function.kept[name] = self._scope().get(name)

    def all_variables(self) -> Shelf:
        """A copy of all variables, for a subshell."""
        return Shelf(self._scope())

    def exported(self) -> dict[str, str]:
        """The environment of a command."""
        scope = self._scope()
        return {name: scope[name] for name in self.state.exports if name in scope}

    def values(self) -> expand.Values:
        """What expansions need."""
        return expand.Values(self.get, self.put, self.job.frames[-1].arguments, self._names, bool(self.state.options.get("u")))

    def _names(self) -> list[str]:
        inside = self.state.directory.rstrip("/") + "/"
        names = [name.rstrip("/") for name in self.process.files.names()]
        found = dict.fromkeys(names) | dict.fromkeys(name[: name.rfind("/")] for name in names)
        return sorted(found | dict.fromkeys(name[len(inside) :] for name in found if name.startswith(inside)))

    def path(self, name: str) -> str:
        """A path made absolute, without ``.`` and ``..``."""
        parts: list[str] = []
        for part in (name if name.startswith("/") else f"{self.state.directory}/{name}").split("/"):
            parts = parts[:-1] if part == ".." else parts if part in ("", ".") else [*parts, part]
        return "/" + "/".join(parts) + ("/" if name.endswith("/") and parts else "")

    def find(self, name: str) -> str:
        """Where a command is: its path, its name where it is built in, or nothing."""
        if name in self.state.functions or name in BUILTINS or name in (":", "echo", "test", "["):
            return name
        known = name in self.process.image.tools or name in self.process.programs
        return f"/bin/{name}" if known or (self.process.image.brings(name) and name in self.commands) else ""

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
        except FileError as error:
            self.process.write(f"sh: write error: {error.why}\n")
            self.job.status = 1

    # -- control -----------------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """The innermost block has ended: hand over what it printed."""
        frame = self.job.frames.pop()
        self.state.directory = frame.directory or self.state.directory
        for name, value in frame.kept.items():
            if value is None:
                self._scope().pop(name, None)
            else:
                self.put(name, value)
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

    def script(self, name: str, complaint: str, status: int) -> str | None:
        """The text of a script; None, with the complaint and the status, where it cannot be read."""
        try:
            text, why = self.process.files.read(self.path(name)), "No such file or directory"
        except FileError as error:
            text, why = None, error.why
        if text is None:
            self.write(f"sh: {complaint}{why}\n", 2)
            self.job.status = status
        return text

    def nested(self, arguments: list[str], inner: Frame, assigned: dict[str, str]) -> None:
        """``sh -c SCRIPT``, ``sh FILE``, or a script on standard input."""
        options = [word for word in arguments if word.startswith("-")]
        rest = [word for word in arguments if not word.startswith("-")]
        if any("c" in option for option in options):
            script: str | None = rest.pop(0) if rest else ""
        elif rest:
            script = self.script(rest[0], f"can't open '{rest[0]}': ", 2)
        else:
            script = inner.stdin if inner.stdin is not None else self.stdin()
        if script is None:
            return
        if any("e" in option for option in options):
            self.state.options["e"] = True
        inner.text, inner.block, inner.shared = script, 0, False
        inner.arguments = tuple(rest) or ("sh",)
        inner.variables = Shelf({**self.exported(), **assigned})
        self.job.frames.append(inner)


LEFT = "left"  # among the options: ``exit`` was called, rather than the script at its end
Builtin = Callable[[Shell, tuple[str, ...], Frame], None]


def _number(args: tuple[str, ...], default: int) -> int:
    return int(args[0]) & 255 if args and args[0].lstrip("-").isdecimal() else default


def exit_(shell: Shell, args: tuple[str, ...], _inner: Frame) -> None:
    """``exit [n]``."""
    shell.job.status = _number(args, shell.job.status)
    if shell.job is shell.state.jobs[0] and all(frame.shared for frame in shell.job.frames[1:]):
        shell.state.options[LEFT] = True
    shell.exit()


def return_(shell: Shell, args: tuple[str, ...], _inner: Frame) -> None:
    """``return [n]`` from a function."""
    shell.job.status = _number(args, shell.job.status)
    shell.leave()


def cd(shell: Shell, args: tuple[str, ...], inner: Frame) -> None:
    """``cd [directory]``."""
    home = shell.get("HOME") or "/root"
    target = shell.path(home if not args else shell.get("OLDPWD") or "/" if args[0] == "-" else args[0])
    target = target.rstrip("/") or "/"
    if args[:1] == ("-",):
        shell.output(target + "\n", 1, inner)
    if target != "/root" and not shell.process.files.is_directory(target):
        shell.write(f"sh: cd: can't cd to {args[0]}: No such file or directory\n", 2)
        shell.job.status = 2
        return
    shell.put("OLDPWD", shell.state.directory)
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
        shell.localize(name)
        if equals:
            shell.put(name, value)
    shell.job.status = 0


def unset(shell: Shell, args: tuple[str, ...], _inner: Frame) -> None:
    """``unset NAME``."""
    for name in args:
        shell.unset(name)
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
    for name, value in zip(names, _fields(line or "", shell.get("IFS"), len(names)), strict=True):
        shell.put(name, value)


def _fields(line: str, marks: str | None, count: int) -> list[str]:
    """The words of a line for so many variables; the last one gets the rest."""
    if marks is not None and marks.strip():
        words = line.split(marks.strip()[0], count - 1)
    else:
        words = [word.strip() for word in line.split(None, count - 1)] if marks != "" else [line]
    return [*words, *[""] * (count - len(words))]


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


def wait(shell: Shell, args: tuple[str, ...], _inner: Frame) -> None:
    """``wait`` until all background jobs (or that one) have ended, or a trap runs."""
    shell.job.waiting, shell.job.status, shell.job.waits_for = True, 0, args[-1] if args else ""


def evaluate(shell: Shell, args: tuple[str, ...], inner: Frame) -> None:
    """``eval words``."""
    inner.text, inner.block, inner.shared = " ".join(args), 0, True
    shell.job.frames.append(inner)


def source(shell: Shell, args: tuple[str, ...], inner: Frame) -> None:
    """``. file``."""
    name = args[0] if args else ""
    text = shell.script(name, f".: can't open '{name}': ", 2)
    if text is not None:
        evaluate(shell, (text,), inner)


def exec_(shell: Shell, args: tuple[str, ...], inner: Frame) -> None:
    """``exec command``: run it, then end."""
    import shlex

    if args:
        evaluate(shell, (shlex.join(args) + "\nexit $?",), inner)
    else:  # redirections that hold from now on
        frame = shell.job.frames[-1]
        frame.output, frame.error = inner.output or frame.output, inner.error or frame.error
        frame.stdin = frame.stdin if inner.stdin is None else inner.stdin
        shell.job.status = 0


def command(shell: Shell, args: tuple[str, ...], inner: Frame) -> None:
    """``command [-v] name``, ``time command``, ``nohup command``."""
    import shlex

    if args and args[0] == "-v":
        found = [shell.find(name) for name in args[1:]]
        shell.output("".join(f"{place}\n" for place in found if place), 1, inner)
        shell.job.status = 0 if all(found) else 127
    else:
        evaluate(shell, (shlex.join(args),), inner)


def kill(shell: Shell, args: tuple[str, ...], _inner: Frame) -> None:
    """``kill [-SIGNAL] 1``: a signal to the container's main process; jobs of the shell just end."""
    signal, shell.job.status = "TERM", 0
    for word in args:
        if word.startswith("-"):
            signal = {"15": "TERM", "9": "KILL", "2": "INT", "3": "QUIT"}.get(word[1:], word[1:].removeprefix("SIG"))
        elif signal == "0":
            known = {"1", shell.pid, *(job.pid for job in shell.state.jobs[1:] if job.frames)}
            shell.job.status = 0 if word in known else 1
        elif word == shell.pid != "1":
            _signal_self(shell, signal)
        elif word == "1":
            shell.process.signal(signal)
        else:
            _kill_job(shell, word, signal)


def _signal_self(shell: Shell, signal: str) -> None:
    """A shell beside process 1 sends itself a signal: its trap runs, or it ends."""
    if shell.state.traps.get(signal):
        shell.state.pending = (*shell.state.pending, signal)
    else:
        shell.job.status = 128 + {"TERM": 15, "KILL": 9, "INT": 2, "QUIT": 3, "HUP": 1}.get(signal, 15)
        shell.job.frames.clear()


def _kill_job(shell: Shell, word: str, signal: str) -> None:
    found = [job for job in shell.state.jobs[1:] if job.frames and word in (job.pid, f"%{job.pid}", "%1")]
    for job in found:
        job.frames.clear()
        job.status = 128 + {"TERM": 15, "KILL": 9, "INT": 2}.get(signal, 15)
    if not found:
        shell.write(f"sh: can't kill pid {word}: No such process\n", 2)
        shell.job.status = 1


def type_(shell: Shell, args: tuple[str, ...], inner: Frame) -> None:
    """``type name``."""
    shell.job.status = 0
    for name in args:
        place = shell.find(name)
        kind = f"{name} is a shell builtin" if place == name else f"{name} is {place}" if place else f"{name}: not found"
        shell.output(kind + "\n", 1, inner)
        shell.job.status = shell.job.status if place else 127


def which(shell: Shell, args: tuple[str, ...], inner: Frame) -> None:
    """``which name``."""
    found = [shell.find(name) for name in args]
    shell.output("".join(f"/bin/{place.rsplit('/', 1)[-1]}\n" for place in found if place), 1, inner)
    shell.job.status = 0 if found and all(found) else 1


def umask(shell: Shell, args: tuple[str, ...], inner: Frame) -> None:
    """``umask``: nothing here has an owner."""
    shell.output("" if args else "0022\n", 1, inner)
    shell.job.status = 0


BUILTINS: dict[str, Builtin] = {
    "exit": exit_, "return": return_, "cd": cd, "export": export, "readonly": export, "local": local, "unset": unset, "set": set_,
    "shift": shift, "read": read, "trap": trap, "wait": wait, "eval": evaluate, ".": source, "source": source, "exec": exec_,
    "command": command, "type": type_, "which": which, "umask": umask, "time": command, "nohup": command, "kill": kill,
}  # fmt: skip
