"""What a command is, and the commands that need nothing but their arguments.

A command is a pure function from a :class:`Call` to a :class:`Result`. It may write files of its container through
``call.files``; whether it takes time it only says (``delay``), the machine waits.

Models: the applets of BusyBox 1.36, their output and exit codes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from k8snb.kubelet.images import accounts
from k8snb.kubelet.images.files import Files
from k8snb.kubelet.images.process import Process
from k8snb.kubelet.images.shell.expand import ExpansionError
from k8snb.seams.cri import RunAs
from k8snb.sim.clock import SECOND

WIDEST = 6  # digits of a width in printf


class Call(NamedTuple):
    """One invocation: ``args`` without the command's own name, where standard input comes from, the exported variables."""

    name: str
    args: tuple[str, ...]
    source: Callable[[], str]
    process: Process
    env: Mapping[str, str]
    directory: str

    @property
    def stdin(self) -> str:
        """All of standard input; it is used up by reading."""
        return self.source()

    @property
    def files(self) -> Files:
        """The container's files."""
        return self.process.files

    def path(self, name: str) -> str:
        """An absolute path without ``.`` and ``..``."""
        parts: list[str] = []
        for part in (name if name.startswith("/") else f"{self.directory}/{name}").split("/"):
            if part == "..":
                parts = parts[:-1]
            elif part not in ("", "."):
                parts.append(part)
        return "/" + "/".join(parts)

    def split(self, flags: str = "", valued: str = "") -> tuple[dict[str, str], list[str]]:
        """Single-letter options and the rest: ``flags`` stand alone, ``valued`` take a value. Long options are kept whole."""
        options: dict[str, str] = {}
        rest = list(self.args)
        while rest and rest[0].startswith("-") and rest[0] != "-":
            word = rest.pop(0)
            if word == "--":
                break
            if word.startswith("--"):
                name, _, value = word[2:].partition("=")
                options[name] = value
                continue
            for at, letter in enumerate(word[1:], 1):
                if letter in valued:
                    options[letter] = word[at + 1 :] or (rest.pop(0) if rest else "")
                    break
                options[letter] = ""
        return options, rest


class Result(NamedTuple):
    """What came of it. ``delay`` (µs) is how long it took; ``forever``: it never ends by itself."""

    out: str = ""
    status: int = 0
    err: str = ""
    delay: int = 0
    forever: bool = False


Command = Callable[[Call], Result]


def fail(call: Call, message: str, status: int = 1) -> Result:
    """An error in the form that all applets have."""
    return Result(status=status, err=f"{call.name}: {message}\n")


def echo(call: Call) -> Result:
    """Print the arguments: ``-n`` without a line end, ``-e`` with escapes."""
    args, newline, escapes = list(call.args), True, False
    while args and re.fullmatch(r"-[neE]+", args[0]):
        word = args.pop(0)
        newline, escapes = newline and "n" not in word, escapes or "e" in word
    text = " ".join(args)
    return Result((unescape(text) if escapes else text) + ("\n" if newline else ""))


def unescape(text: str) -> str:
    """Backslash escapes as ``echo -e`` and ``printf`` know them."""
    table = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "a": "\a", "b": "\b", "e": "\x1b", "0": "\0"}
    return re.sub(r"\\([ntr\\abe0])", lambda found: table[found.group(1)], text)


def printf(call: Call) -> Result:
    """Formatted output: %s, %d, %i, %x, %c, %f, %% with widths; the format is used again while arguments remain."""
    if not call.args:
        return fail(call, "missing format", 1)
    form, args, out = unescape(call.args[0]), list(call.args[1:]), ""
    while True:
        before = len(args)
        out += re.sub(r"%([-+ 0#]*\d*(?:\.\d+)?)([sdiuxXocfegbq%])", lambda found: _directive(found, args), form)
        if not args or len(args) == before:
            return Result(out)


def _directive(found: re.Match[str], args: list[str]) -> str:
    width, kind = found.groups()
    if any(len(number) > WIDEST for number in re.findall(r"\d+", width)):
        raise ExpansionError("out of memory")
    if kind == "%":
        return "%"
    value = args.pop(0) if args else ""
    if kind in "diuxXo":
        return f"%{width}{kind}" % _number(value)
    if kind in "feg":
        return f"%{width}{kind}" % (float(value) if re.fullmatch(r"[-+]?\d*\.?\d+(?:e[-+]?\d+)?", value) else 0.0)
    return f"%{width}s" % (value[:1] if kind == "c" else unescape(value) if kind == "b" else value)


def _number(text: str) -> int:
    """A number as printf reads it: decimal, 0x, 0 for octal; anything else is 0."""
    found = re.fullmatch(r"\s*([-+]?)(0[xX][0-9a-fA-F]+|\d+)", text)
    if not found:
        return ord(text[1]) if text[:1] in "'\"" and len(text) > 1 else 0
    base = 16 if found[2][:2].lower() == "0x" else 8 if found[2].startswith("0") and found[2].isdecimal() and "8" not in found[2] else 10
    return int(found[1] + found[2], base)


def true(_call: Call) -> Result:
    """Succeed."""
    return Result()


def false(_call: Call) -> Result:
    """Fail."""
    return Result(status=1)


def env(call: Call) -> Result:
    """Print the environment. (``env NAME=value command`` is not simulated.)"""
    if call.args:
        return fail(call, "arguments are not simulated", 127)
    return Result("".join(f"{name}={value}\n" for name, value in call.env.items()))


def printenv(call: Call) -> Result:
    """Print one variable, or all."""
    if not call.args:
        return env(call)
    found = [call.env[name] for name in call.args if name in call.env]
    return Result("".join(f"{value}\n" for value in found), 0 if len(found) == len(call.args) else 1)


def hostname(call: Call) -> Result:
    """Print the host name; ``-i`` the address."""
    if call.args and call.args[0] in ("-i", "-I"):
        hosts = [line.split() for line in (call.files.read("/etc/hosts") or "").splitlines()]
        return Result(next((words[0] for words in hosts if call.process.hostname in words[1:]), "") + "\n")
    return Result(call.process.hostname + "\n")


def date(call: Call) -> Result:
    """Print virtual time: ``date``, ``date +FORMAT``, ``-u``, ``-I``, ``-Iseconds``."""
    when = datetime.fromtimestamp(call.process.now // SECOND, UTC)
    form = next((arg[1:] for arg in call.args if arg.startswith("+")), "%a %b %e %H:%M:%S UTC %Y")
    if any(arg.startswith("-I") for arg in call.args):
        form = "%Y-%m-%dT%H:%M:%S+00:00" if "-Iseconds" in call.args else "%Y-%m-%d"
    form = form.replace("%s", str(call.process.now // SECOND)).replace("%N", f"{call.process.now % SECOND * 1000:09d}")
    form = form.replace("%e", f"{when.day:2d}")
    return Result(when.strftime(form) + "\n")


_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def sleep(call: Call) -> Result:
    """Wait: seconds, or with a unit (s, m, h, d); ``infinity`` never ends."""
    total = 0.0
    for word in call.args:
        if word in ("inf", "infinity"):
            return Result(forever=True)
        found = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)([smhd]?)", word)
        if not found:
            return fail(call, f"invalid number '{word}'")
        total += float(found.group(1)) * _UNITS[found.group(2)]
    return Result(delay=round(total * SECOND)) if call.args else fail(call, "missing operand")


def usleep(call: Call) -> Result:
    """Wait so many microseconds."""
    return Result(delay=int(call.args[0])) if call.args and call.args[0].isdecimal() else fail(call, "invalid number")


def seq(call: Call) -> Result:
    """Count: ``seq LAST``, ``seq FIRST LAST``, ``seq FIRST STEP LAST``."""
    args, mark, wide = list(call.args), "\n", False
    while args and re.match(r"-[sw]", args[0]):
        word = args.pop(0)
        wide = wide or word == "-w"
        mark = mark if word == "-w" else word[2:] or (args.pop(0) if args else "")
    try:
        numbers = [int(arg) for arg in args]
        first, step, last = {1: (1, 1, *numbers), 2: (numbers[0], 1, numbers[-1]), 3: tuple(numbers)}[len(numbers)]
        counted = range(first, last + (1 if step > 0 else -1), step)
    except (ValueError, KeyError, IndexError):
        return fail(call, "invalid number")
    found = [str(number) for number in counted[:100_000]]
    width = max(map(len, found), default=0) if wide else 0
    return Result(mark.join(word.zfill(width) for word in found) + "\n" if found else "")


def test(call: Call) -> Result:
    """``test`` and ``[``: files, texts, numbers, ``!``, ``-a``, ``-o``."""
    args = list(call.args)
    closing = {"[": "]", "[[": "]]"}.get(call.name)
    if closing and (not args or args.pop() != closing):
        return fail(call, f"missing {closing}", 2)
    try:
        return Result(status=0 if _any_of(call, args) else 1)
    except ValueError as error:
        return Result(status=2, err=f"sh: {error}\n")


def _any_of(call: Call, args: list[str]) -> bool:
    if "-o" in args[1:-1] and len(args) > 3:
        at = args.index("-o", 1)
        return _any_of(call, args[:at]) or _any_of(call, args[at + 1 :])
    if "-a" in args[1:-1] and len(args) > 3:
        at = args.index("-a", 1)
        return _any_of(call, args[:at]) and _any_of(call, args[at + 1 :])
    return _holds(call, args)


_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "-eq": lambda a, b: a == b, "-ne": lambda a, b: a != b, "-lt": lambda a, b: a < b,
    "-le": lambda a, b: a <= b, "-gt": lambda a, b: a > b, "-ge": lambda a, b: a >= b,
}  # fmt: skip
_ALIKE: dict[str, Callable[[str, str], bool]] = {"=": lambda a, b: a == b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b}
DEVICES = ("/dev/null", "/dev/zero", "/dev/stdout", "/dev/stderr", "/dev/stdin", "/dev/tty", "/dev/random", "/dev/urandom")


def _is_there(call: Call, name: str) -> bool:
    return name in DEVICES or call.files.stat(call.path(name), follow=True) is not None


_UNARY: dict[str, Callable[[Call, str], bool]] = {
    "-n": lambda _call, text: text != "",
    "-z": lambda _call, text: text == "",
    "-e": _is_there,
    "-f": lambda call, name: call.files.is_file(call.path(name)),
    "-d": lambda call, name: call.files.is_directory(call.path(name)),
    "-s": lambda call, name: bool((stat := call.files.stat(call.path(name), follow=True)) and stat.size),
    "-r": lambda call, name: name in DEVICES or (_is_there(call, name) and call.files.may_read(call.path(name))),
    "-c": lambda call, name: name in DEVICES,
    "-w": lambda call, name: call.files.stat(call.path(name)) is not None and call.files.may_write(call.path(name)),
    "-x": lambda call, name: call.files.is_file(call.path(name)) or call.files.is_directory(call.path(name)),
}


def _holds(call: Call, args: list[str]) -> bool:
    if args and args[0] == "!" and len(args) > 1:
        return not _holds(call, args[1:])
    if len(args) == 3 and args[1] in _ALIKE:
        return _ALIKE[args[1]](args[0], args[2])
    if len(args) == 3 and args[1] in _COMPARE:
        for word in (args[0], args[2]):
            if not re.fullmatch(r"\s*[-+]?\d+\s*", word):
                raise ValueError(f"{word or args[1]}: bad number" if word else "out of range")
        return _COMPARE[args[1]](int(args[0]), int(args[2]))
    if len(args) == 2 and args[0] in _UNARY:
        return _UNARY[args[0]](call, args[1])
    if len(args) <= 1:
        return bool(args and args[0])
    raise ValueError(f"{args[1]}: unknown operand")


def uname(call: Call) -> Result:
    """Print the system's name."""
    words = {
        "-a": f"Linux {call.process.hostname} 6.12.0 #1 SMP x86_64 GNU/Linux",
        "-n": call.process.hostname,
        "-m": "x86_64",
        "-r": "6.12.0",
    }
    return Result(words.get(call.args[0] if call.args else "", "Linux") + "\n")


def user_name(call: Call, number: int) -> str:
    """A user's name in the container's accounts; empty where it has none."""
    account = accounts.account_of(call.files.read(accounts.PASSWD) or "", number)
    return account.name if account else ""


def group_name(call: Call, number: int) -> str:
    """A group's name in the container's accounts; empty where it has none."""
    return accounts.group_name(call.files.read(accounts.GROUP) or "", number)


def whoami(call: Call) -> Result:
    """Print the user."""
    name, number = user_name(call, call.files.who.user), call.files.who.user
    return Result(f"{name}\n") if name else Result("", 1, f"whoami: unknown uid {number}\n")


def identity(call: Call) -> Result:
    """Print user and groups; ``-u``, ``-g``, ``-G`` only the numbers, with ``-n`` the names."""
    options, names = call.split("ugGnr")
    who = call.files.who
    if names:
        passwd, group = call.files.read(accounts.PASSWD) or "", call.files.read(accounts.GROUP) or ""
        if accounts.account_of(passwd, names[0]) is None:
            return fail(call, f"unknown user {names[0]}")
        who = accounts.identity(passwd, group, names[0], RunAs())
    parts = {"u": ([who.user], user_name), "g": ([who.groups[0]], group_name), "G": (sorted(who.groups), group_name)}
    for letter, (numbers, named) in parts.items():
        if letter in options:
            return Result(" ".join((named(call, one) if "n" in options else "") or str(one) for one in numbers) + "\n")
    user, first, every = (
        ",".join(f"{one}({name})" if (name := named(call, one)) else str(one) for one in numbers) for numbers, named in parts.values()
    )
    return Result(f"uid={user} gid={first} groups={every}\n")


def nproc(call: Call) -> Result:
    """Print the number of processors that it may use."""
    limit = call.process.main.state.resources.cpu_limit
    return Result(f"{max(1, -(-limit // 1000))}\n" if limit else "2\n")


def pwd(call: Call) -> Result:
    """Print the working directory."""
    return Result(call.directory + "\n")


def stty(call: Call) -> Result:
    """``stty size``; other settings are accepted and change nothing."""
    size = call.process.memory.get(TERMINAL)
    if size is None:
        return Result("", 1, "stty: standard input: Not a tty\n")
    return Result(f"{size[0]} {size[1]}\n" if call.args == ("size",) else "")


def tty(call: Call) -> Result:
    """Print which terminal this is."""
    here = TERMINAL in call.process.memory
    return Result("/dev/pts/0\n" if here else "not a tty\n", 0 if here else 1)


TERMINAL = "%tty"  # in a process' memory: rows and columns of the terminal that it runs at
COMMANDS: dict[str, Command] = {
    "echo": echo, "printf": printf, "true": true, ":": true, "false": false, "env": env, "printenv": printenv,
    "hostname": hostname, "date": date, "sleep": sleep, "usleep": usleep, "seq": seq, "test": test, "[": test, "[[": test,
    "uname": uname, "whoami": whoami, "id": identity, "nproc": nproc, "pwd": pwd, "sync": true,
    "stty": stty, "tty": tty,
}  # fmt: skip
