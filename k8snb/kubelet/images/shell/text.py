"""Commands that work on lines of text: filters.

Models: the applets of BusyBox 1.36, their output and exit codes.
Simplified: ``sed`` knows ``s`` commands only, ``grep`` Python's regular expressions (which agree with extended ones for
everything that one writes in a container's command).
"""

from __future__ import annotations

import re

from k8snb.kubelet.images.shell.commands import Call, Command, Result, fail
from k8snb.kubelet.images.shell.files import read


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def head(call: Call) -> Result:
    """The first lines (``-n``) or bytes (``-c``)."""
    return _end(call, lambda items, count: items[:count])


def tail(call: Call) -> Result:
    """The last lines; ``-f`` and ``-F`` never end."""
    options, names = call.split("fFq", "nc")
    result = _end(call, lambda items, count: items[-count:] if count else items[:0])
    return result._replace(forever=True, status=0) if {"f", "F"} & set(options) and names else result


def _end(call: Call, cut: object) -> Result:
    args = tuple(f"-n{arg[1:]}" if re.fullmatch(r"-\d+", arg) else arg for arg in call.args)
    options, names = call._replace(args=args).split("fFq", "nc")
    found, errors = read(call, names)
    text = "".join(part for _, part in found)
    count = int(re.sub(r"\D", "", options.get("c", options.get("n", "10"))) or 0)
    assert callable(cut)
    out = cut(text, count) if "c" in options else _joined(cut(text.splitlines(), count))
    return Result(out, 1 if errors else 0, errors)


def wc(call: Call) -> Result:
    """Count lines, words and bytes."""
    options, names = call.split("lwc")
    out = ""
    found, errors = read(call, names)
    for name, text in found:
        counts = {"l": text.count("\n"), "w": len(text.split()), "c": len(text.encode())}
        wanted = [str(counts[letter]) for letter in "lwc" if letter in options or not options]
        out += " ".join([*wanted, *([name] if name != "-" else [])]) + "\n"
    return Result(out, 1 if errors else 0, errors)


def grep(call: Call) -> Result:
    """Lines that match: ``-v -i -c -q -o -E -F -n -w``."""
    options, names = call.split("vicqoEFnwrlHhs", "e")
    pattern = options["e"] if "e" in options else (names.pop(0) if names else "")
    pattern = re.escape(pattern) if "F" in options else pattern
    pattern = rf"\b(?:{pattern})\b" if "w" in options else pattern
    try:
        expression = re.compile(pattern, re.IGNORECASE if "i" in options else 0)
    except re.error as error:
        return fail(call, f"bad regex '{pattern}': {error}", 2)
    found, errors = read(call, names)
    lines = [(number, line) for _, text in found for number, line in enumerate(text.splitlines(), 1)]
    hits = [(number, line) for number, line in lines if bool(expression.search(line)) != ("v" in options)]
    return Result(_hits(options, hits, expression), 2 if errors else 0 if hits else 1, errors)


def _hits(options: dict[str, str], hits: list[tuple[int, str]], expression: re.Pattern[str]) -> str:
    if "q" in options:
        return ""
    if "c" in options:
        return f"{len(hits)}\n"
    if "o" in options:
        return _joined([found.group() for _, line in hits for found in expression.finditer(line)])
    return _joined([f"{number}:{line}" if "n" in options else line for number, line in hits])


def sort(call: Call) -> Result:
    """Sort lines: ``-n -r -u``."""
    options, names = call.split("nru")
    found, errors = read(call, names)
    lines = [line for _, text in found for line in text.splitlines()]
    if "n" in options:
        lines.sort(key=lambda line: int((re.match(r"\s*(-?\d+)", line) or [0, 0])[1]))
    else:
        lines.sort()
    lines = list(dict.fromkeys(lines)) if "u" in options else lines
    return Result(_joined(lines[::-1] if "r" in options else lines), 1 if errors else 0, errors)


def uniq(call: Call) -> Result:
    """Drop lines that repeat the one before; ``-c`` counts."""
    options, names = call.split("c")
    found, errors = read(call, names)
    groups: list[tuple[str, int]] = []
    for line in "".join(text for _, text in found).splitlines():
        if groups and groups[-1][0] == line:
            groups[-1] = (line, groups[-1][1] + 1)
        else:
            groups.append((line, 1))
    return Result(_joined([f"{n:7d} {line}" if "c" in options else line for line, n in groups]), 1 if errors else 0, errors)


def cut(call: Call) -> Result:
    """Columns of lines: ``-d -f`` and ``-c`` with single numbers, lists and ranges."""
    options, names = call.split("s", "dfc")
    found, errors = read(call, names)
    mark, spec = options.get("d", "\t"), options.get("f", options.get("c", "1"))
    lines = []
    for line in "".join(text for _, text in found).splitlines():
        parts = line.split(mark) if "f" in options else list(line)
        chosen = [part for number, part in enumerate(parts, 1) if _chosen(number, spec)]
        lines.append((mark if "f" in options else "").join(chosen) if len(parts) > 1 or "c" in options else line)
    return Result(_joined(lines), 1 if errors else 0, errors)


def _chosen(number: int, spec: str) -> bool:
    for part in spec.split(","):
        low, dash, high = part.partition("-")
        if int(low or 1) <= number <= (int(high) if high else 10**9 if dash else int(low)):
            return True
    return False


_CLASSES = {
    "[:upper:]": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "[:lower:]": "abcdefghijklmnopqrstuvwxyz",
    "[:digit:]": "0123456789",
    "[:space:]": " \t\n\r",
}


def tr(call: Call) -> Result:
    """Replace characters, or delete them (``-d``)."""
    options, names = call.split("ds")
    sets = [_expand(name) for name in names]
    if not sets or (len(sets) < 2 and "d" not in options):
        return fail(call, "missing operand")
    if "d" in options:
        return Result(call.stdin.translate({ord(char): None for char in sets[0]}))
    target = sets[1] + sets[1][-1:] * len(sets[0])
    return Result(call.stdin.translate({ord(char): target[at] for at, char in enumerate(sets[0])}))


def _expand(spec: str) -> str:
    for name, characters in _CLASSES.items():
        spec = spec.replace(name, characters)
    spec = spec.replace("\\n", "\n").replace("\\t", "\t")
    return re.sub(r"(.)-(.)", lambda found: "".join(chr(c) for c in range(ord(found[1]), ord(found[2]) + 1)), spec)


def sed(call: Call) -> Result:
    """Substitutions only: ``s/a/b/`` and ``s/a/b/g``, with any mark; ``-i`` in place."""
    options, names = call.split("inEr", "e")
    script = options["e"] if "e" in options else (names.pop(0) if names else "")
    parts = script[2:].split(script[1:2]) if len(script) > 1 and script[0] == "s" else []
    if len(parts) != 3:
        return fail(call, f"only s commands are simulated, not {script!r}", 127)
    pattern, new, flags = parts
    replacement = re.sub(r"(?<!\\)&", r"\\g<0>", new)
    found, errors = read(call, names)
    out = ""
    for name, text in found:
        changed = _joined([re.sub(pattern, replacement, line, count=0 if "g" in flags else 1) for line in text.splitlines()])
        if "i" in options and name != "-":
            call.files.write(call.path(name), changed)
        else:
            out += changed
    return Result(out, 1 if errors else 0, errors)


def basename(call: Call) -> Result:
    """The last part of a path."""
    return Result((call.args[0].rstrip("/").rsplit("/", 1)[-1] if call.args else "") + "\n")


def dirname(call: Call) -> Result:
    """A path without its last part."""
    return Result((call.args[0].rstrip("/").rpartition("/")[0] or "/" if call.args else "") + "\n")


def base64(call: Call) -> Result:
    """Encode, or decode (``-d``)."""
    import base64 as codec

    options, names = call.split("d", "w")
    found, errors = read(call, names)
    text = "".join(part for _, part in found)
    if "d" in options or "decode" in options:
        return Result(codec.b64decode(text).decode(errors="replace"), 1 if errors else 0, errors)
    return Result(codec.b64encode(text.encode()).decode() + "\n", 1 if errors else 0, errors)


TEXT: dict[str, Command] = {
    "head": head, "tail": tail, "wc": wc, "grep": grep, "egrep": grep, "sort": sort, "uniq": uniq, "cut": cut, "tr": tr,
    "sed": sed, "basename": basename, "dirname": dirname, "base64": base64,
}  # fmt: skip
