"""Builtins that run other commands: xargs, timeout, find with -exec. They hand the shell a script.

Models: the applets of BusyBox 1.36.
"""

from __future__ import annotations

import fnmatch
import re
import shlex
from collections.abc import Callable

from k8snb.kubelet.images.shell.builtins import Builtin, Shell, evaluate
from k8snb.kubelet.images.shell.state import Frame


def xargs(shell: Shell, args: tuple[str, ...], inner: Frame) -> None:
    """``xargs [-n N] [-I X] [-r] [-0] [-t] command``: the words of standard input as arguments."""
    words, count, mark = list(args), 0, ""
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word[:2] in ("-n", "-I", "-P", "-d", "-L"):
            value = word[2:] or (words.pop(0) if words else "")
            count, mark = (int(value) if word[:2] in ("-n", "-L") and value.isdecimal() else count), value if word[:2] == "-I" else mark
    given = inner.stdin if inner.stdin is not None else shell.stdin()
    command = words or ["echo"]
    if mark:
        lines = [[part.replace(mark, item) for part in command] for item in given.splitlines()]
    else:
        items = given.replace("\0", " ").split()
        size = count or max(1, len(items))
        lines = [[*command, *items[at : at + size]] for at in range(0, max(1, len(items)), size)]
    inner.stdin = None
    evaluate(shell, ("\n".join(map(shlex.join, lines)) or ":",), inner)


_VALUED = ("-name", "-iname", "-type", "-maxdepth", "-mindepth", "-path")


def find(shell: Shell, args: tuple[str, ...], inner: Frame) -> None:
    """``find [path...] [-name P] [-type f|d] [-maxdepth N] [-exec command {} \\;] [-delete]``."""
    at = next((index for index, word in enumerate(args) if word.startswith("-")), len(args))
    options = _tests(list(args[at:]))
    if unknown := options.pop("?", None):
        shell.output(f"find: k8snb does not simulate {unknown[0]}\n", 2, inner)
        shell.job.status = 127
        return
    shell.job.status = 0
    found = [path for start in args[:at] or (".",) for path in _walk(shell, start, options, inner)]
    if "-exec" in options:
        lines = [shlex.join([word.replace("{}", path) for word in options["-exec"]]) for path in found]
        evaluate(shell, ("\n".join(lines) or ":",), inner)
    elif "-delete" in options:
        for path in reversed(found):
            shell.process.files.remove(shell.path(path))
    else:
        shell.output("".join(f"{path}\n" for path in found), 1, inner)


def _tests(words: list[str]) -> dict[str, list[str]]:
    """The tests and actions of a command line; under ``?`` what is not known."""
    options: dict[str, list[str]] = {}
    while words:
        word = words.pop(0)
        if word == "-exec":
            end = next((index for index, one in enumerate(words) if one in (";", "+")), len(words))
            options[word], words = words[:end], words[end + 1 :]
        elif word in _VALUED:
            options[word] = [words.pop(0)] if words else [""]
        elif word in ("-print", "-delete"):
            options[word] = []
        else:
            options["?"] = [word]
    return options


def _walk(shell: Shell, start: str, options: dict[str, list[str]], inner: Frame) -> list[str]:
    """What is below a directory and passes the tests."""
    root = shell.path(start).rstrip("/")
    inside = {name.rstrip("/"): name.endswith("/") for name in shell.process.files.names() if f"{name}/".startswith(root + "/")}
    for path in list(inside):
        while (path := path.rpartition("/")[0]) and path.startswith(root + "/"):
            inside[path] = True
    if shell.process.files.is_directory(root or "/"):
        inside[root] = True
    if not inside:
        shell.output(f"find: {start}: No such file or directory\n", 2, inner)
        shell.job.status = 1
    chosen = [path for path, folder in sorted(inside.items()) if _passes(path, path[len(root) :].count("/"), folder, options)]
    return [start.rstrip("/") + path[len(root) :] or "/" for path in chosen]


def _passes(path: str, depth: int, folder: bool, options: dict[str, list[str]]) -> bool:
    name = path.rpartition("/")[2]
    checks: dict[str, Callable[[str], bool]] = {
        "-name": lambda value: fnmatch.fnmatchcase(name, value), "-iname": lambda value: fnmatch.fnmatchcase(name.lower(), value.lower()),
        "-path": lambda value: fnmatch.fnmatchcase(path, value), "-type": lambda value: (value == "d") == folder,
        "-maxdepth": lambda value: depth <= int(value or 0), "-mindepth": lambda value: depth >= int(value or 0),
    }  # fmt: skip
    return all(check(options[key][0]) for key, check in checks.items() if key in options)


def timeout(shell: Shell, args: tuple[str, ...], inner: Frame) -> None:
    """``timeout [-s SIGNAL] SECONDS command``: ends with 124 where the time was too short."""
    words = list(args)
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word in ("-s", "-k", "-t") and words and word != "-t":
            words.pop(0)
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", words[0]) if words else None
    if not found or len(words) < 2:
        shell.output("timeout: usage: timeout SECONDS COMMAND\n", 2, inner)
        shell.job.status = 1
        return
    seconds = float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]
    evaluate(shell, (shlex.join(words[1:]),), inner)
    inner.deadline = shell.process.now + round(seconds * 1_000_000)


RUNNING: dict[str, Builtin] = {"xargs": xargs, "find": find, "timeout": timeout}
