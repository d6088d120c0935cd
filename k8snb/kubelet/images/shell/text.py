"""Commands that work on lines of text: filters.

Models: the applets of BusyBox 1.36, their output and exit codes.
Simplified: ``grep`` knows Python's regular expressions (which agree with extended ones for
everything that one writes in a container's command).
"""

from __future__ import annotations

import re

from k8snb.apimachinery.patterns import Pattern, PatternError, posix
from k8snb.kubelet.images.shell.commands import Call, Command, Result, fail
from k8snb.kubelet.images.shell.files import read
from k8snb.kubelet.images.shell.sed import basic


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
    given = options.get("c", options.get("n", "10"))
    count = int(re.sub(r"\D", "", given) or 0)
    assert callable(cut)
    if given.startswith("+"):
        out = text[count - 1 :] if "c" in options else _joined(text.splitlines()[max(0, count - 1) :])
    elif given.startswith("-") and call.name == "head":
        out = text[: len(text) - count] if "c" in options else _joined(text.splitlines()[: -count or None])
    else:
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
    options, names = call.split("vicqoEFPnwxrRlLHhsa", "eABCm")
    pattern = options["e"] if "e" in options else (names.pop(0) if names else "")
    pattern = re.escape(pattern) if "F" in options else pattern
    pattern = pattern if options.keys() & {"E", "F", "P"} or call.name == "egrep" else basic(pattern, extended=False)
    pattern = rf"\b(?:{pattern})\b" if "w" in options else rf"^(?:{pattern})$" if "x" in options else pattern
    try:
        expression = posix(pattern, ignore_case="i" in options)
    except PatternError as error:
        return fail(call, f"bad regex '{pattern}': {error}", 2)
    if options.keys() & {"r", "R"}:
        names = _below(call, names)
    found, errors = read(call, names)
    errors = "" if "s" in options else errors
    named = "H" in options or ((len(found) > 1 or bool(options.keys() & {"r", "R"})) and "h" not in options)
    out, count = "", 0
    for name, text in found:
        lines = text.splitlines()
        hits = [at for at, line in enumerate(lines) if bool(expression.search(line)) != ("v" in options)]
        hits = hits[: int(options["m"])] if "m" in options else hits
        count += len(hits)
        if "l" in options or "L" in options:
            out += f"{name}\n" if bool(hits) == ("l" in options) else ""
        else:
            out += _hits(options, lines, hits, expression, f"{name}:" if named else "")
    return Result("" if "q" in options else out, 0 if count and "q" in options else 2 if errors else 0 if count else 1, errors)


def _below(call: Call, names: list[str]) -> list[str]:
    """The files below directories; links to directories are passed over."""
    found: list[str] = []
    files = [one for one in call.files.names() if not one.endswith("/") and not call.files.is_directory(one)]
    for name in names or ["."]:
        root = call.path(name).rstrip("/")
        if call.files.is_file(root):
            found.append(name)
        found += [name.rstrip("/") + one[len(root) :] for one in files if one.startswith(root + "/")]
    return found


def _hits(options: dict[str, str], lines: list[str], hits: list[int], expression: Pattern, name: str) -> str:
    if "c" in options:
        return f"{name}{len(hits)}\n"
    if "o" in options:
        return _joined([name + found.group() for at in hits for found in expression.finditer(lines[at]) if found.group()])
    before, after = (int(options.get(letter, options.get("C", "0")) or 0) for letter in "BA")
    shown = sorted({at for hit in hits for at in range(max(0, hit - before), min(len(lines), hit + after + 1))})
    return _joined([f"{name}{at + 1}:{lines[at]}" if "n" in options else name + lines[at] for at in shown])


def sort(call: Call) -> Result:
    """Sort lines: ``-n -r -u -k FIELD -t MARK -h -V``."""
    options, names = call.split("nrubfhVs", "kto")
    found, errors = read(call, names)
    lines = [line for _, text in found for line in text.splitlines()]
    lines.sort(key=lambda line: _key(_column(line, options), options))
    if "u" in options:
        lines = list({_key(_column(line, options), options): line for line in reversed(lines)}.values())[::-1]
    return Result(_joined(lines[::-1] if "r" in options or "r" in options.get("k", "") else lines), 1 if errors else 0, errors)


def _column(line: str, options: dict[str, str]) -> str:
    """The part of a line that ``-k`` names: from that field on, or up to a second one."""
    if "k" not in options:
        return line
    first, _, last = options["k"].partition(",")
    begin, end = int(re.sub(r"\D.*", "", first) or 1), int(re.sub(r"\D.*", "", last) or 0)
    fields = line.split(options["t"]) if "t" in options else line.split()
    return " ".join(fields[begin - 1 : end or None])


def _key(text: str, options: dict[str, str]) -> tuple[float, str]:
    """What a line is sorted by."""
    if "n" in options or "n" in options.get("k", "") or "h" in options:
        found = re.match(r"\s*(-?\d+\.?\d*)([KMGTkmgt]?)", text)
        if found is None:
            return 0.0, text
        unit = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}[found[2].lower() if "h" in options else ""]
        return float(found[1]) * unit, text
    return 0.0, text.lower() if "f" in options else text


def uniq(call: Call) -> Result:
    """Drop lines that repeat the one before; ``-c`` counts."""
    options, names = call.split("cdui")
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
    options, names = call.split("sn", "dfcb")
    options = {**options, "c": options["b"]} if "b" in options else options
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
    """Replace characters, delete them (``-d``), squeeze repetitions (``-s``), of the complement (``-c``)."""
    options, names = call.split("dscC")
    sets = [_expand(name) for name in names]
    if not sets or (len(sets) < 2 and not options.keys() & {"d", "s"}):
        return fail(call, "missing operand")
    text = call.stdin
    chosen = set(sets[0]) if not options.keys() & {"c", "C"} else set(text) - set(sets[0])
    if "d" in options:
        text = "".join(char for char in text if char not in chosen)
    elif len(sets) > 1:
        target = sets[1] + sets[1][-1:] * len(sets[0])
        places = dict(zip(sets[0], target, strict=False)) if not options.keys() & {"c", "C"} else dict.fromkeys(chosen, sets[1][-1:])
        text = "".join(places.get(char, char) for char in text)
    if "s" in options:
        squeezed = set(sets[-1]) if len(sets) > 1 else chosen
        text = "".join(char for at, char in enumerate(text) if not (at and char == text[at - 1] and char in squeezed))
    return Result(text)


def _expand(spec: str) -> str:
    for name, characters in _CLASSES.items():
        spec = spec.replace(name, characters)
    spec = spec.replace("\\n", "\n").replace("\\t", "\t").replace("\\0", "\0").replace("\\r", "\r")
    return re.sub(r"(.)-(.)", lambda found: "".join(chr(c) for c in range(ord(found[1]), ord(found[2]) + 1)), spec)


def basename(call: Call) -> Result:
    """The last part of a path, without an ending."""
    name = call.args[0].rstrip("/").rsplit("/", 1)[-1] if call.args else ""
    ending = call.args[1] if len(call.args) > 1 else ""
    return Result((name.removesuffix(ending) if name != ending else name) + "\n")


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
    "basename": basename, "dirname": dirname, "base64": base64,
}  # fmt: skip
