"""Commands that read and write the files of a container.

Models: the applets of BusyBox 1.36, their output and exit codes.
Simplified: times are those of the last change.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime

from k8snb.kubelet.images import accounts
from k8snb.kubelet.images.files import FileError, Stat
from k8snb.kubelet.images.shell.commands import Call, Command, Result, fail, group_name, user_name
from k8snb.sim.clock import SECOND


def read(call: Call, names: list[str]) -> tuple[list[tuple[str, str]], str]:
    """The texts of files (``-`` or no name: standard input), and what to complain about."""
    found, errors = [], ""
    for name in names or ["-"]:
        try:
            text = call.stdin if name in ("-", "/dev/stdin") else call.files.read(call.path(name))
        except FileError as error:
            errors += f"{call.name}: can't open '{name}': {error.why}\n"
            continue
        if text is None:
            text = virtual(call, call.path(name))
        if text is not None:
            found.append((name, text))
        elif call.files.is_directory(call.path(name)):
            errors += f"{call.name}: read error: Is a directory\n"
        else:
            errors += f"{call.name}: can't open '{name}': No such file or directory\n"
    return found, errors


def virtual(call: Call, path: str) -> str | None:
    """The files that the Linux kernel makes up: of devices, of process 1, and of the container's limits (cgroup v2)."""
    main = call.process.main
    limits = main.state.resources
    known: dict[str, str] = {
        "/dev/null": "", "/proc/1/cmdline": "\0".join(main.argv) + "\0", "/proc/1/comm": (main.argv or ("",))[0].rpartition("/")[2] + "\n",
        "/proc/self/cmdline": f"{call.name}\0", "/proc/uptime": f"{main.uptime:.2f} {main.uptime:.2f}\n",
        "/proc/1/environ": "".join(f"{name}={value}\0" for name, value in main.env.items()),
        "/proc/sys/kernel/hostname": f"{main.hostname}\n", "/proc/version": "Linux version 6.12.0\n",
        "/sys/fs/cgroup/memory.max": f"{limits.memory_limit or 'max'}\n", "/sys/fs/cgroup/memory.current": f"{main.memory_used}\n",
        "/sys/fs/cgroup/cpu.max": f"{limits.cpu_limit * 100 if limits.cpu_limit else 'max'} 100000\n",
    }  # fmt: skip
    return known.get(path)


def chmod(call: Call) -> Result:
    """``chmod MODE FILE``, ``chown USER[:GROUP] FILE``, ``chgrp GROUP FILE``; ``-R`` with all that is below."""
    options, names = call.split("Rvcf")
    errors = ""
    for name in names[1:]:
        path = call.path(name)
        below = [one.rstrip("/") for one in call.files.names() if one.startswith(path.rstrip("/") + "/")] if "R" in options else []
        for one in (path, *below):
            stat = call.files.stat(one)
            try:
                if stat is None or not call.files.change(one, **_wanted(call, names[0], stat)):
                    errors += f"{call.name}: {name}: No such file or directory\n"
            except ValueError as error:
                return fail(call, f"invalid mode '{names[0]}'" if call.name == "chmod" else f"unknown {error}")
            except FileError as error:
                errors += f"{call.name}: {name}: {error.why}\n"
    return Result(status=1 if errors else 0, err=errors)


def _wanted(call: Call, word: str, stat: Stat) -> dict[str, int]:
    """What is to be changed. Raises ValueError for a word that says nothing."""
    if call.name == "chmod":
        return {"mode": _mode(word, stat.mode)}
    user, _, group = word.partition(":") if call.name == "chown" else ("", "", word)
    users = {one.name: one.user for one in accounts.accounts(call.files.read(accounts.PASSWD) or "")}
    groups = {one.name: one.number for one in accounts.groups(call.files.read(accounts.GROUP) or "")}
    given = (("user", user, users), ("group", group, groups))
    return {what: _number(what, name, known) for what, name, known in given if name}


def _number(what: str, name: str, known: Mapping[str, int]) -> int:
    """A user or a group by name or number. Raises ValueError for a name that nobody has."""
    if name not in known and not name.isdecimal():
        raise ValueError(f"{what} {name}")
    return known[name] if name in known else int(name)


_WHO = {"u": 0o700, "g": 0o070, "o": 0o007, "a": 0o777}
_BITS = {"r": 0o444, "w": 0o222, "x": 0o111}


def _mode(word: str, old: int) -> int:
    if word.isdecimal():
        return int(word, 8)
    for clause in word.split(","):
        found = re.fullmatch(r"([ugoa]*)([+=-])([rwxXst]*)", clause)
        if not found:
            raise ValueError(word)
        mask = sum(_WHO[letter] for letter in dict.fromkeys(found[1] or "a"))
        bits = sum(_BITS.get(letter, 0) for letter in dict.fromkeys(found[3])) & mask
        old = old | bits if found[2] == "+" else old & ~bits if found[2] == "-" else old & ~mask | bits
    return old


def cat(call: Call) -> Result:
    """Print files one after the other."""
    _options, names = call.split("un")
    found, errors = read(call, names)
    return Result("".join(text for _, text in found), 1 if errors else 0, errors)


def ls(call: Call) -> Result:
    """List a directory, one name a line: ``-l`` with mode, size, time and where links lead, ``-a`` with hidden ones, ``-d`` itself.

    ``-L`` shows what links lead to, such as the files of a volume, with its ``defaultMode``.
    """
    options, names = call.split("la1hAFRdtrnL")
    out = errors = ""
    for name in names or ["."]:
        path = call.path(name)
        stat = call.files.stat(path, follow="L" in options)
        itself = "d" in options or ("l" in options and stat is not None and stat.kind == "l" and not name.endswith("/"))
        if call.files.is_directory(path) and not itself:
            out += f"{chr(10) if out else ''}{name}:\n" if len(names) > 1 else ""
            inside = _directory(call, path, options)
            out, errors = out + inside.out, errors + inside.err
        elif stat is not None:
            out += _entry(call, path, name, options)
        else:
            errors += f"ls: {name}: No such file or directory\n"
    return Result(out, 1 if errors else 0, errors)


def _directory(call: Call, path: str, options: dict[str, str]) -> Result:
    try:
        listed = call.files.listing(path)
    except FileError as error:
        return fail(call, f"can't open '{path}': {error.why}")
    inside = [entry for entry in listed if "a" in options or "A" in options or not entry.startswith(".")]
    shown = [*((".", "..") if "a" in options else ()), *inside]
    total = f"total {4 * len(shown)}\n" if "l" in options else ""
    return Result(total + "".join(_entry(call, call.path(f"{path}/{entry}"), entry, options) for entry in shown))


def _entry(call: Call, path: str, name: str, options: dict[str, str]) -> str:
    stat = call.files.stat(path, follow="L" in options)
    if "l" not in options or stat is None:
        return f"{name}\n"
    bits = "".join(letter if stat.mode >> 8 - place & 1 else "-" for place, letter in enumerate("rwxrwxrwx"))
    bits = bits[:5] + "s" + bits[6:] if stat.mode & 0o2010 == 0o2010 else bits
    bits = bits[:8] + "t" if stat.mode & 0o1001 == 0o1001 else bits
    when = datetime.fromtimestamp((stat.at or call.process.state.started_at) / SECOND, UTC)
    links, arrow = call.files.links(path), f" -> {stat.target}" if stat.target else ""
    user, group = (user_name(call, stat.user) or str(stat.user)), (group_name(call, stat.group) or str(stat.group))
    return f"{stat.kind}{bits} {links:4d} {user:8} {group:8} {stat.size:9d} {when:%b} {when.day:2d} {when:%H:%M} {name}{arrow}\n"


def mkdir(call: Call) -> Result:
    """Make directories."""
    options, names = call.split("p", "m")
    for name in names:
        if call.files.is_directory(call.path(name)) and "p" not in options:
            return fail(call, f"can't create directory '{name}': File exists")
        try:
            call.files.make_directory(call.path(name))
        except FileError as error:
            return fail(call, f"can't create directory '{name}': {error.why}")
    return Result()


def rm(call: Call) -> Result:
    """Remove files; ``-r`` directories too, ``-f`` without complaint."""
    options, names = call.split("rfiR")
    deep = "r" in options or "R" in options
    for name in names:
        path = call.path(name)
        inside = [entry for entry in call.files.names() if entry.startswith(path + "/")]
        try:
            if inside and not deep:
                return fail(call, f"'{name}' is a directory")
            removed = [call.files.remove(entry.rstrip("/")) for entry in [*inside, path]]
        except FileError as error:
            return fail(call, f"can't remove '{name}': {error.why}")
        if not any(removed) and "f" not in options:
            return fail(call, f"can't remove '{name}': No such file or directory")
    return Result()


def touch(call: Call) -> Result:
    """Make empty files where there are none."""
    _options, names = call.split("acm")
    for name in names:
        try:
            call.files.write(call.path(name), "", append=True)
        except FileError as error:
            return fail(call, f"{name}: {error.why}")
    return Result()


def copy(call: Call) -> Result:
    """``cp`` and ``mv`` of files, and of directories (``cp`` with ``-r``)."""
    options, names = call.split("rfapRvnL")
    if len(names) < 2:
        return fail(call, "missing file operand")
    *sources, target = names
    into = call.files.is_directory(call.path(target))
    links = call.name == "mv" or ("L" not in options and bool(options.keys() & {"r", "R", "a"}))  # links stay links
    if len(sources) > 1 and not into:
        return fail(call, f"target '{target}': Not a directory")
    for name in sources:
        path, place = call.path(name).rstrip("/"), call.path(target).rstrip("/") or "/"
        place = f"{place.rstrip('/')}/{path.rsplit('/', 1)[-1]}" if into else place
        moved = {path: place} if call.files.is_file(path) or (links and _link(call, path)) else _tree(call, path, place)
        if not moved:
            return fail(call, f"can't {'rename' if call.name == 'mv' else 'stat'} '{name}': No such file or directory")
        if path not in moved and call.name == "cp" and not options.keys() & {"r", "R", "a"}:
            return fail(call, f"omitting directory '{name}'")
        try:
            _copied(call, moved, links=links)
        except FileError as error:
            what = f"open '{error.path}'" if error.path in moved else f"create '{target}'"
            return fail(call, f"can't {what}: {error.why}")
    return Result()


def _tree(call: Call, path: str, place: str) -> dict[str, str]:
    """What is below a directory, and where it is to go; the directory itself where it is empty."""
    if not call.files.is_directory(path):
        return {}
    inside = [one for one in call.files.names() if one.startswith(path + "/") and one.rstrip("/") != path]
    return {one: place + one[len(path) :] for one in inside} or {f"{path}/": f"{place}/"}


def _link(call: Call, path: str) -> str:
    """Where a symbolic link leads; empty for everything else."""
    stat = call.files.stat(path)
    return stat.target if stat else ""


def _copied(call: Call, moved: dict[str, str], *, links: bool) -> None:
    for source, target in moved.items():
        if source.endswith("/"):
            call.files.make_directory(target.rstrip("/"))
        elif links and _link(call, source):
            call.files.make_link(target, _link(call, source))
        else:
            call.files.write(target, (call.files.content(source) if call.name == "mv" else call.files.read(source)) or "")
    if call.name == "mv":
        for source in sorted(moved, reverse=True):
            call.files.remove(source.rstrip("/"))
        for folder in sorted({source.rpartition("/")[0] for source in moved if source.count("/") > 1 and len(moved) > 1}):
            call.files.remove(folder)


def tee(call: Call) -> Result:
    """Copy standard input to output and into files."""
    options, names = call.split("ai")
    text = call.stdin
    for name in names:
        try:
            call.files.write(call.path(name), text, append="a" in options)
        except FileError as error:
            return Result(text, 1, f"tee: {name}: {error.why}\n")
    return Result(text)


def tar(call: Call) -> Result:
    """``tar -c`` and ``-x``, ``-t``: with ``-f FILE`` (``-``: standard input or output), ``-C DIRECTORY``. An archive is real."""
    args = (f"-{call.args[0]}" if call.args and not call.args[0].startswith("-") else "", *call.args[1:]) if call.args else ()
    args = args if args and args[0] else call.args
    options, names = call._replace(args=tuple(args)).split("cxtvmzpkO", "fC")
    where, base = options.get("f", "-"), call.path(options.get("C", "."))
    if "c" in options:
        return _pack(call, where, base, names)
    given = call.stdin if where == "-" else call.files.read(call.path(where))
    if given is None:
        return fail(call, f"can't open '{where}': No such file or directory")
    try:
        with tarfile.open(fileobj=io.BytesIO(given.encode(errors="surrogateescape"))) as archive:
            return _unpack(call, archive, base, options)
    except tarfile.TarError:
        return fail(call, "invalid tar magic")


def _pack(call: Call, where: str, base: str, names: list[str]) -> Result:
    buffer, errors, denied = io.BytesIO(), "", ""
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in names:
            path = call.path(name if name.startswith("/") else f"{base}/{name}")
            inside = [one for one in call.files.names() if one.startswith(path.rstrip("/") + "/") and not one.endswith("/")]
            found = [path] if call.files.is_file(path) else inside
            if not found and not call.files.is_directory(path):
                return Result(status=1, err=f"tar: {name}: No such file or directory\n{_DELAYED}")
            errors += "tar: removing leading '/' from member names\n" if name.startswith("/") and not errors else ""
            for one in found:
                if not call.files.may_read(one):
                    denied += f"tar: can't open '{one}': Permission denied\n"
                    continue
                data = (call.files.read(one) or "").encode(errors="surrogateescape")
                info = tarfile.TarInfo((name + one[len(path) :]).lstrip("/"))
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    text, said, code = buffer.getvalue().decode(errors="surrogateescape"), errors + denied + (_DELAYED if denied else ""), int(bool(denied))
    if where == "-":
        return Result(text, code, said)
    call.files.write(call.path(where), text)
    return Result("", code, said)


_DELAYED = "tar: error exit delayed from previous errors\n"


def _unpack(call: Call, archive: tarfile.TarFile, base: str, options: dict[str, str]) -> Result:
    out = ""
    for member in archive.getmembers():
        content = archive.extractfile(member)
        if content is None:
            continue
        out += f"{member.name}\n" if "t" in options or "v" in options else ""
        if "x" in options:
            call.files.write(f"{base.rstrip('/')}/{member.name.lstrip('/')}", content.read().decode(errors="surrogateescape"))
    return Result(out)


FILES: dict[str, Command] = {
    "cat": cat, "chmod": chmod, "chown": chmod, "chgrp": chmod, "ls": ls, "mkdir": mkdir, "rm": rm, "rmdir": rm,
    "touch": touch, "cp": copy, "mv": copy, "tee": tee,
    "tar": tar,
}  # fmt: skip
