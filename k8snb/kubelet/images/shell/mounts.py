"""Commands that look at what is mounted, and at links.

Models: the applets of BusyBox 1.36, their output and exit codes.
"""

from __future__ import annotations

from k8snb.kubelet.images.files import BLOCK, FileError
from k8snb.kubelet.images.shell.commands import Call, Command, Result, fail

NODE_DISK = 50 << 30
"""Bytes: what ``df`` shows for what lies on the machine's own disk."""
_UNITS = "KMGT"


def mount(call: Call) -> Result:
    """Show what is mounted. (Mounting is the kubelet's business.)"""
    if call.args:
        return fail(call, "permission denied (are you root?)")
    lines = [f"{m.device} on {m.path} type {m.filesystem} ({'ro' if m.read_only else 'rw'},relatime)\n" for m in call.files.mounts()]
    return Result("".join(lines))


def df(call: Call) -> Result:
    """Show how large the mounted file systems are: in KiB, or ``-h`` for people; of the given paths, or all."""
    options, names = call.split("hkPT")
    mounts = call.files.mounts()
    if names:
        missing = [name for name in names if call.files.stat(call.path(name)) is None]
        if missing:
            return fail(call, f"{missing[0]}: can't find mount point")
        chosen = [max((m for m in mounts if f"{call.path(name)}/".startswith(m.path.rstrip("/") + "/")), key=lambda m: len(m.path))
                  for name in names]  # fmt: skip
        mounts = list(dict.fromkeys(chosen))
    show = _human if "h" in options else lambda size: str(-(-size // 1024))
    head = f"{'Filesystem':20} {'Size' if 'h' in options else '1K-blocks':>9} {'Used':>9} {'Available':>9} Use% Mounted on\n"
    rows = []
    for m in mounts:
        size = m.size or NODE_DISK
        used = min(size, -(-m.used // BLOCK) * BLOCK)
        share = -(-100 * used // size)
        rows.append(f"{m.device:20} {show(size):>9} {show(used):>9} {show(size - used):>9} {share:3d}% {m.path}\n")
    return Result(head + "".join(rows))


def _human(size: int) -> str:
    amount, unit = size / 1024, 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return "0" if not size else f"{amount:.1f}{_UNITS[unit]}"


def readlink(call: Call) -> Result:
    """Where a symbolic link leads."""
    _options, names = call.split("fn")
    stats = [call.files.stat(call.path(name)) for name in names]
    found = [stat.target for stat in stats if stat is not None and stat.kind == "l"]
    return Result("".join(f"{target}\n" for target in found), 0 if len(found) == len(names) and names else 1)


def link(call: Call) -> Result:
    """``ln -s``: make a symbolic link. (Hard links are not simulated.)"""
    options, names = call.split("sfn")
    if len(names) != 2 or "s" not in options:
        return fail(call, "only 'ln -s TARGET LINK' is simulated")
    path = call.path(names[1])
    if call.files.stat(path) is not None and "f" not in options:
        return fail(call, f"{names[1]}: File exists")
    try:
        call.files.make_link(path, names[0])
    except FileError as error:
        return fail(call, f"{names[1]}: {error.why}")
    return Result()


MOUNTS: dict[str, Command] = {"mount": mount, "df": df, "readlink": readlink, "ln": link}
