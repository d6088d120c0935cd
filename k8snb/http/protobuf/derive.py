"""Makes ``numbers.json`` out of a kubectl: its binary carries the descriptors of every message that Kubernetes has. For development.

    python -m k8snb.http.protobuf.derive /usr/bin/kubectl

A descriptor is a protobuf message itself, compressed with gzip. Only messages that the schema knows are kept, and those that are
inlined in them; types that are written as JSON (times, quantities) have a form of their own in ``decode.py``. Names that the schema
does not know and that are no inlined message are dropped; fields of the schema that are newer than the kubectl are printed.
"""

from __future__ import annotations

import json
import re
import sys
import zlib
from pathlib import Path

from k8snb.http.protobuf.wire import records
from k8snb.resources.schema import INLINE, NUMBERS, types

Messages = dict[str, dict[int, tuple[str, str]]]  # message -> number -> (name, type)


def descriptors(binary: bytes) -> Messages:
    """All messages whose descriptors are found in a program."""
    found: Messages = {}
    for match in re.finditer(rb"\x1f\x8b\x08\x00", binary):
        try:
            plain = zlib.decompressobj(31).decompress(binary[match.start() : match.start() + 1_000_000])
            fields = list(records(plain)) if plain[:1] == b"\n" and b"k8s.io/" in plain[:40] else []
        except (zlib.error, ValueError):
            continue
        package = next((value.decode() for number, value in fields if number == 2 and isinstance(value, bytes)), "")
        for number, value in fields:
            if number == 4 and isinstance(value, bytes):
                _message(package, value, found)
    return found


def _message(package: str, data: bytes, found: Messages) -> None:
    fields: dict[int, tuple[str, str]] = {}
    name = ""
    for number, value in records(data):
        if number == 1 and isinstance(value, bytes):
            name = value.decode()
        elif number == 2 and isinstance(value, bytes):
            parts = dict(records(value))
            fields[int(parts[3])] = (parts[1].decode(), parts.get(6, b"").decode())  # type: ignore[union-attr]
    found[f"{package}.{name}"] = fields


def openapi_name(message: str) -> str:
    """The name that OpenAPI gives to a message.

    >>> openapi_name(".k8s.io.api.core.v1.PodSpec")
    'io.k8s.api.core.v1.PodSpec'
    """
    return "io.k8s." + message.lstrip(".").removeprefix("k8s.io.")


def table(messages: Messages) -> dict[str, list[str | None]]:
    """Message -> names by number, for what the schema knows and what is inlined in that."""
    known = types()
    named = {openapi_name(name): fields for name, fields in messages.items()}
    meant = {name: dict.fromkeys(known[name].fields) for name in known if name in named}  # message -> names that JSON has there
    result: dict[str, list[str | None]] = {}
    wanted = list(meant)
    while wanted:
        message = wanted.pop()
        spelled = {name.lower(): name for name in meant[message]}
        names: dict[int, str] = {}
        for number, (name, kind) in named[message].items():
            if name.lower() in spelled:  # Go's names differ in their capitals: uID, Webhooks
                names[number] = spelled[name.lower()]
            elif openapi_name(kind) in named:
                inner = openapi_name(kind)
                names[number] = INLINE + inner
                if inner not in known:
                    meant[inner] = meant.get(inner, {}) | meant[message]
                    wanted.append(inner)
        result[message] = [names.get(number) for number in range(1, max(names, default=0) + 1)]
    return dict(sorted(result.items()))


def names_in(result: dict[str, list[str | None]], message: str) -> set[str]:
    """All names of a message, those of inlined ones included."""
    plain = {name for name in result[message] if name and not name.startswith(INLINE)}
    return plain.union(*(names_in(result, name[1:]) for name in result[message] if name and name.startswith(INLINE)))


def main(path: str) -> None:
    """Write the table, and print what the schema has and the table has not."""
    result = table(descriptors(Path(path).read_bytes()))
    lines = (f"{json.dumps(name)}: {json.dumps(names)}" for name, names in result.items())
    NUMBERS.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    for name, type_ in types().items():
        missing = set(type_.fields) - names_in(result, name) - {"apiVersion", "kind"} if name in result else {"(all)"}
        if missing:
            print(name, *sorted(missing))  # noqa: T201  (a tool)


if __name__ == "__main__":
    main(sys.argv[1])
