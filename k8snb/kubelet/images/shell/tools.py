"""Smaller commands: checksums, numbers, copies of bytes, comparisons, and questions about the machine.

Models: the applets of BusyBox 1.36, their output and exit codes.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable

from k8snb.apimachinery.patterns import PatternError, posix
from k8snb.kubelet.images.shell.awk import awk
from k8snb.kubelet.images.shell.commands import Call, Command, Result, fail, group_name, user_name
from k8snb.kubelet.images.shell.files import read
from k8snb.kubelet.images.shell.sed import basic, sed
from k8snb.seams.cni import NO_SUCH_NAME, REFUSED
from k8snb.sim.clock import MILLISECOND, SECOND

LARGEST = 1 << 22
"""Bytes that ``dd`` prints at most. A file of zeros may be as large as one likes: only its size is kept."""


def checksum(algorithm: str) -> Command:
    """``md5sum`` and its like."""

    def run(call: Call) -> Result:
        _options, names = call.split("cbtw")
        found, errors = read(call, names)
        rows = [f"{hashlib.new(algorithm, text.encode(errors='surrogateescape')).hexdigest()}  {name}\n" for name, text in found]
        return Result("".join(rows), 1 if errors else 0, errors)

    return run


def _lines(change: Callable[[list[str]], list[str]]) -> Command:
    """A command that rearranges lines."""

    def run(call: Call) -> Result:
        _options, names = call.split("bas", "w")
        found, errors = read(call, names)
        lines = change([line for _, text in found for line in text.splitlines()])
        return Result("".join(f"{line}\n" for line in lines), 1 if errors else 0, errors)

    return run


def paste(call: Call) -> Result:
    """Lines side by side: ``-d`` mark, ``-s`` one file in one line."""
    options, names = call.split("s", "d")
    mark = options.get("d", "\t").replace("\\n", "\n").replace("\\t", "\t")
    given = call.stdin.splitlines() if "-" in names or not names else []
    if names and all(name == "-" for name in names) and len(names) > 1:
        rows = [given[at : at + len(names)] for at in range(0, len(given), len(names))]
        return Result("".join(mark.join(row) + "\n" for row in rows))
    found, errors = ([("-", "\n".join(given))], "") if given else read(call, names)
    columns = [text.splitlines() for _, text in found]
    if "s" in options:
        return Result("".join(mark.join(column) + "\n" for column in columns), 1 if errors else 0, errors)
    height = max(map(len, columns), default=0)
    rows = [[column[at] if at < len(column) else "" for column in columns] for at in range(height)]
    return Result("".join(mark.join(row) + "\n" for row in rows), 1 if errors else 0, errors)


def compare(call: Call) -> Result:
    """``cmp`` and ``diff``: silent, and 0, where both are the same."""
    options, names = call.split("qsuNr", "U")
    if len(names) < 2:
        return fail(call, "missing operand", 2)
    found, errors = read(call, names[:2])
    if errors:
        return Result(status=2, err=errors)
    (one, left), (other, right) = found
    if left == right:
        return Result()
    if call.name == "cmp":
        at = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
        return Result("" if "s" in options else f"{one} {other} differ: char {at + 1}, line {left[:at].count(chr(10)) + 1}\n", 1)
    if "q" in options:
        return Result(f"Files {one} and {other} differ\n", 1)
    lines = list(difflib.unified_diff(left.splitlines(), right.splitlines(), one, other, lineterm=""))
    return Result("".join(f"{line}\n" for line in lines), 1)


def expr(call: Call) -> Result:
    """Whole numbers and comparisons: ``expr 1 + 2``, ``expr length TEXT``, ``expr TEXT : PATTERN``."""
    args = list(call.args)
    if args[:1] == ["length"] and len(args) == 2:
        return Result(f"{len(args[1])}\n")
    if len(args) == 3 and args[1] == ":":
        try:
            found = posix(basic(args[2], extended=False)).match(args[0])
        except PatternError as error:
            return fail(call, str(error), 2)
        value = ((found.group(1) or "") if found.groups() else str(len(found.group()))) if found else "0"
        return Result(value + "\n", 0 if found else 1)
    try:
        result = _sum(args)
    except (ValueError, IndexError):
        return fail(call, "syntax error", 2)
    except ZeroDivisionError:
        return fail(call, "division by zero", 2)
    return Result(f"{result}\n", 0 if result not in (0, "") else 1)


def _sum(args: list[str]) -> int | str:
    """Comparison, sum and product, the tightest last."""
    for operators in (("=", "==", "!=", "<", "<=", ">", ">="), ("+", "-"), ("*", "/", "%")):
        for at in range(len(args) - 2, 0, -1):
            if args[at] in operators:
                return _applied(_sum(args[:at]), args[at], _sum(args[at + 1 :]))
    if len(args) != 1:
        raise ValueError(args)
    return int(args[0]) if re.fullmatch(r"-?\d+", args[0]) else args[0]


def _applied(left: int | str, operator: str, right: int | str) -> int | str:
    if operator in ("=", "=="):
        return int(str(left) == str(right))
    if operator == "!=":
        return int(str(left) != str(right))
    if not (isinstance(left, int) and isinstance(right, int)):
        raise ValueError(operator)
    if operator in ("/", "%"):
        quotient = int(left / right)
        return quotient if operator == "/" else left - right * quotient
    return {"+": left + right, "-": left - right, "*": left * right, "<": int(left < right), "<=": int(left <= right),
            ">": int(left > right), ">=": int(left >= right)}[operator]  # fmt: skip


_UNITS = {"": 1, "c": 1, "b": 512, "k": 1 << 10, "K": 1 << 10, "kB": 1000, "M": 1 << 20, "MB": 10**6, "G": 1 << 30}


def _size(text: str) -> int:
    found = re.fullmatch(r"(\d+)(c|b|k|K|kB|M|MB|G)?(?:i?B)?", text)
    if not found:
        raise ValueError(text)
    return int(found[1]) * _UNITS[found[2] or ""]


def dd(call: Call) -> Result:
    """Copy blocks: ``if= of= bs= count=``; from a device, zeros."""
    given = dict(word.partition("=")[::2] for word in call.args)
    try:
        block, count = _size(given.get("bs", "512")), int(given["count"]) if "count" in given else -1
    except ValueError:
        return fail(call, "invalid number")
    source = given.get("if", "-")
    if source.startswith("/dev/") and source not in ("/dev/stdin", "/dev/null"):
        if count < 0:
            return fail(call, "k8snb copies from a device only with count=", 127)
        if given.get("of", "-").startswith("/dev/") or given.get("of", "-") == "-":
            count = min(count, LARGEST // block)
        text, zeros = "", block * count
    else:
        found, errors = read(call, [] if source in ("-", "/dev/stdin") else [source])
        if errors:
            return Result(status=1, err=errors)
        text, zeros = found[0][1] if count < 0 else found[0][1][: block * count], 0
    blocks = (len(text) + zeros) // block
    said = f"{blocks}+0 records in\n{blocks}+0 records out\n{len(text) + zeros} bytes copied\n"
    if given.get("of", "") in ("", "/dev/stdout"):
        return Result(text + "\0" * zeros, err=said)
    if given["of"] != "/dev/null":
        call.files.write(call.path(given["of"]), text, zeros=zeros)
    return Result(err=said)


def fallocate(call: Call) -> Result:
    """``fallocate -l SIZE FILE``: a file of so many zeros."""
    options, names = call.split("n", "lo")
    try:
        size = _size(options.get("l", ""))
    except ValueError:
        return fail(call, "invalid number")
    if not names:
        return fail(call, "missing operand")
    call.files.write(call.path(names[0]), "", zeros=size)
    return Result()


def mktemp(call: Call) -> Result:
    """A new empty file (``-d``: a directory) in /tmp."""
    options, _names = call.split("dqut", "p")
    name = f"/tmp/tmp.{int(call.process.system.fraction() * 1e9):09d}"
    if "d" in options:
        call.files.make_directory(name)
    else:
        call.files.write(name, "")
    return Result(name + "\n")


def stat(call: Call) -> Result:
    """Size and kind of files; ``-c FORMAT`` with %n, %s, %F, %a, %Y."""
    options, names = call.split("Lt", "cf")
    out = errors = ""
    for name in names:
        found = call.files.stat(call.path(name), follow="L" in options)
        if found is None:
            errors += f"stat: can't stat '{name}': No such file or directory\n"
            continue
        kind = {"d": "directory", "l": "symbolic link"}.get(found.kind, "regular file")
        values = {
            "n": name,
            "s": str(found.size),
            "F": kind,
            "a": f"{found.mode & 0o777:o}",
            "Y": str(found.at // SECOND),
            "U": user_name(call, found.user) or "UNKNOWN",
            "G": group_name(call, found.group) or "UNKNOWN",
            "u": str(found.user),
            "g": str(found.group),
        }
        form = options.get("c", "  File: %n\n  Size: %s\t%F\nAccess: (0%a) Uid: (%u/%U) Gid: (%g/%G)")
        out += re.sub(r"%([nsFaYUGug])", lambda hit, values=values: values[hit[1]], form) + "\n"  # type: ignore[misc]
    return Result(out, 1 if errors else 0, errors)


def disk_use(call: Call) -> Result:
    """``du``: KiB below directories; ``-s`` only the sum, ``-h`` readable."""
    options, names = call.split("shka", "d")
    out = errors = ""
    for name in names or ["."]:
        root = call.path(name)
        inside = [one for one in call.files.names() if one == root or one.startswith(root.rstrip("/") + "/")]
        if not inside and not call.files.is_directory(root):
            errors += f"du: {name}: No such file or directory\n"
            continue
        size = -(-sum(found.size for one in inside if (found := call.files.stat(one)) is not None and found.kind == "-") // 1024)
        out += f"{f'{size}.0K' if 'h' in options else size}\t{name}\n"
    return Result(out, 1 if errors else 0, errors)


def yes(call: Call) -> Result:
    """The same line again and again: as many as anybody reads."""
    return Result(f"{' '.join(call.args) or 'y'}\n" * 10_000)


def uptime(call: Call) -> Result:
    """How long the container runs."""
    minutes = (call.process.now - call.process.main.state.started_at) // (60 * SECOND)
    return Result(f" up {minutes} min,  load average: 0.00, 0.00, 0.00\n")


def ping(call: Call) -> Result:
    """Whether an address answers: pods do, the addresses of Services do not."""
    options, names = call.split("q46", "cWwi")
    if not names:
        return fail(call, "missing host")
    answer = call.process.system.resolve(names[0])
    if answer.error or not answer.addresses:
        return fail(call, f"bad address '{names[0]}'")
    address, count = answer.addresses[0], int(options.get("c", "4"))
    made = call.process.system.connect(address, 7)
    alive = made.error in ("", REFUSED)
    time = f"{made.latency / MILLISECOND:.3f}"
    rows = [f"64 bytes from {address}: seq={number} ttl=64 time={time} ms\n" for number in range(count if alive else 0)]
    loss = f"{count} packets transmitted, {len(rows)} packets received, {0 if alive else 100}% packet loss\n"
    text = f"PING {names[0]} ({address}): 56 data bytes\n{''.join(rows)}\n--- {names[0]} ping statistics ---\n{loss}"
    return Result(text, 0 if alive else 1, delay=(count - 1 if alive else count) * SECOND)


def dig(call: Call) -> Result:
    """``dig [+short] [@server] NAME [TYPE]`` and ``host NAME``: a name in full, without the search list."""
    words = [word for word in call.args if not word.startswith(("+", "@", "-"))]
    if not words:
        return fail(call, "missing name")
    kind = words[1].upper() if len(words) > 1 else "A"
    if kind not in ("A", "SRV"):
        return fail(call, f"k8snb does not simulate queries of type {kind}", 127)
    searched = call.name == "host" or "+search" in call.args
    answer = call.process.system.resolve(words[0] if searched else words[0].rstrip(".") + ".", kind)
    rows = [" ".join(record) for record in answer.records] or list(answer.addresses)
    if call.name == "host":
        missing = f"Host {words[0]} not found: 3(NXDOMAIN)\n"
        return Result("".join(f"{answer.name} has address {row}\n" for row in rows) or missing, 0 if rows else 1, delay=answer.latency)
    if "+short" in call.args:
        return Result("".join(f"{row}\n" for row in rows), delay=answer.latency)
    status = "NXDOMAIN" if answer.error == NO_SUCH_NAME else "NOERROR"
    body = "".join(f"{words[0].rstrip('.')}.\t30\tIN\t{kind}\t{row}\n" for row in rows)
    head = f";; ->>HEADER<<- opcode: QUERY, status: {status}\n;; QUESTION SECTION:\n;{words[0].rstrip('.')}.\tIN\t{kind}\n"
    return Result(head + (f"\n;; ANSWER SECTION:\n{body}" if rows else ""), delay=answer.latency)


TOOLS: dict[str, Command] = {
    "awk": awk, "sed": sed, "md5sum": checksum("md5"), "sha1sum": checksum("sha1"), "sha256sum": checksum("sha256"),
    "sha512sum": checksum("sha512"), "rev": _lines(lambda lines: [line[::-1] for line in lines]), "tac": _lines(lambda lines: lines[::-1]),
    "nl": _lines(lambda lines: [f"{number:6}\t{line}" for number, line in enumerate(lines, 1)]), "paste": paste, "cmp": compare,
    "diff": compare, "expr": expr, "dd": dd, "mktemp": mktemp, "stat": stat, "du": disk_use, "yes": yes, "uptime": uptime, "ping": ping,
    "dig": dig, "host": dig, "fallocate": fallocate,
}  # fmt: skip
