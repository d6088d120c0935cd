"""Redis: keys and values in memory, kept in ``/data`` when it stops.

A value outlives its container only if ``/data`` is a volume, and its pod only if that volume is a persistent one: what the
lessons on volumes are about. A replica (``--replicaof``, or the guestbook's follower) asks its leader, and refuses writes.

    redis-cli [-h HOST] [-p PORT] [-a PASSWORD] COMMAND ...        also a command a line on standard input

Models: the official image of Redis, and those of the guestbook tutorial; the answers of redis-cli when nobody sits at a terminal.
Simplified: strings, numbers, lists, sets and hashes; no transactions, no streams, nothing expires.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from k8snb.component_helpers.command_line import fits
from k8snb.kubelet.images.consumption import MIB, Appetite
from k8snb.kubelet.images.files import FileError
from k8snb.kubelet.images.image import Image, releases
from k8snb.kubelet.images.process import Process
from k8snb.kubelet.images.shell.commands import Call, Command, Result
from k8snb.seams.cni import NO_SUCH_NAME, HTTPReply, HTTPRequest
from k8snb.sim.state import Shelf

PORT = 6379
DUMP = "/data/dump.rdb"
WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"
NOT_AN_INTEGER = "ERR value is not an integer or out of range"


class RedisError(ValueError):
    """An answer that begins with a word in capitals, as Redis' errors do."""


def _lines(values: tuple[str, ...] | list[str]) -> str:
    return "\n".join(values)


def _list(db: Shelf, key: str) -> tuple[str, ...]:
    found = db.get(key, ())
    if not isinstance(found, tuple):
        raise RedisError(WRONG_TYPE)
    return found


def _string(db: Shelf, key: str) -> str:
    found = db.get(key, "")
    if not isinstance(found, str):
        raise RedisError(WRONG_TYPE)
    return found


def _add(db: Shelf, key: str, amount: str) -> str:
    try:
        db[key] = str(int(_string(db, key) or "0") + int(amount))
    except ValueError as error:
        raise error if isinstance(error, RedisError) else RedisError(NOT_AN_INTEGER) from None
    return str(db[key])


def _set(db: Shelf, key: str, value: str, *options: str) -> str:
    words = [word.upper() for word in options]
    if ("NX" in words and key in db) or ("XX" in words and key not in db):
        return ""
    db[key] = value
    return "OK"


def _push(db: Shelf, left: bool, key: str, *values: str) -> str:
    old = _list(db, key)
    db[key] = (*reversed(values), *old) if left else (*old, *values)
    return str(len(db[key]))


def _pop(db: Shelf, at: int, key: str, *_rest: str) -> str:
    found = _list(db, key)
    if not found:
        return ""
    value = found[at]
    db[key] = found[1:] if at == 0 else found[:-1]
    if not db[key]:
        del db[key]
    return value


def _range(db: Shelf, key: str, first: str, last: str) -> str:
    found, end = _list(db, key), int(last)
    return _lines(found[int(first) or None : None if end == -1 else end + 1])


def _hash(db: Shelf, key: str) -> dict[str, str]:
    found: Any = _list(db, key)
    return dict(found)


def _put(db: Shelf, key: str, *pairs: str) -> str:
    old = _hash(db, key)
    new = dict(zip(pairs[::2], pairs[1::2], strict=False))
    db[key] = tuple((old | new).items())
    return str(len([name for name in new if name not in old]))


def _include(db: Shelf, key: str, *members: str) -> str:
    old = _list(db, key)
    db[key] = tuple(dict.fromkeys((*old, *members)))
    return str(len(db[key]) - len(old))


def _delete(db: Shelf, *keys: str) -> str:
    return str(sum(db.pop(key, None) is not None for key in keys))


def _keys(db: Shelf, pattern: str) -> str:
    import fnmatch

    return _lines([key for key in db if fnmatch.fnmatchcase(key, pattern)])


def _clear(db: Shelf, *_rest: str) -> str:
    db.clear()
    return "OK"


Operation = Callable[..., str]
READS: dict[str, Operation] = {
    "GET": _string,
    "MGET": lambda db, *keys: _lines([_string(db, key) for key in keys]),
    "STRLEN": lambda db, key: str(len(_string(db, key))),
    "EXISTS": lambda db, *keys: str(sum(key in db for key in keys)),
    "KEYS": _keys,
    "DBSIZE": lambda db: str(len(db)),
    "LRANGE": _range,
    "LLEN": lambda db, key: str(len(_list(db, key))),
    "SMEMBERS": lambda db, key: _lines(_list(db, key)),
    "SCARD": lambda db, key: str(len(_list(db, key))),
    "SISMEMBER": lambda db, key, member: str(int(member in _list(db, key))),
    "HGET": lambda db, key, name: _hash(db, key).get(name, ""),
    "HGETALL": lambda db, key: _lines([word for pair in _hash(db, key).items() for word in pair]),
    "TTL": lambda db, key: "-1" if key in db else "-2",
    "TYPE": lambda db, key: "none" if key not in db else "string" if isinstance(db[key], str) else "list",
}
WRITES: dict[str, Operation] = {
    "SET": _set,
    "SETNX": lambda db, key, value: "0" if key in db else str(int(bool(_set(db, key, value)))),
    "MSET": lambda db, *pairs: [_set(db, *pair) for pair in zip(pairs[::2], pairs[1::2], strict=True)].pop(),
    "APPEND": lambda db, key, value: str(len(_set(db, key, _string(db, key) + value) and db[key])),
    "DEL": _delete,
    "INCR": lambda db, key: _add(db, key, "1"),
    "DECR": lambda db, key: _add(db, key, "-1"),
    "INCRBY": _add,
    "LPUSH": lambda db, *words: _push(db, True, *words),
    "RPUSH": lambda db, *words: _push(db, False, *words),
    "LPOP": lambda db, *words: _pop(db, 0, *words),
    "RPOP": lambda db, *words: _pop(db, -1, *words),
    "SADD": _include,
    "HSET": _put,
    "FLUSHALL": _clear,
    "FLUSHDB": _clear,
}


def client(call: Call) -> Result:
    """``redis-cli``."""
    options, words = call.split("nrx", "hpan")
    host, port = options.get("h", "127.0.0.1"), options.get("p", str(PORT))
    password = options.get("a") or call.env.get("REDISCLI_AUTH", "")
    said = [shlex.join(words)] if words else [line for line in call.stdin.splitlines() if line.strip()]
    out, delay = "", 0
    for line in said:
        answer = call.process.ask(host, int(port), f"{password}\n{line}")
        delay += answer.latency
        if answer.error:
            why = "Name or service not known" if answer.error == NO_SUCH_NAME else answer.error.capitalize()
            return Result(out, 1, f"Could not connect to Redis at {host}:{port}: {why}\n", delay)
        out += f"{answer.body}\n"
    return Result(out, delay=delay)


def _options(process: Process) -> dict[str, str]:
    """The configuration: of the file that the command line names, and of its own options."""
    found: dict[str, str] = {"maxmemory": "0", "maxmemory-policy": "noeviction", "appendonly": "no", "port": str(PORT), "dir": "/data"}
    words = list(process.argv[1:])
    if words and not words[0].startswith("-"):
        for line in (process.files.read(words.pop(0)) or "").splitlines():
            name, _, value = line.strip().partition(" ")
            if name and not name.startswith("#"):
                found[name.lower()] = value.strip().strip('"')
    while words:
        name, values = words.pop(0).lstrip("-"), []
        while words and not words[0].startswith("--"):
            values.append(words.pop(0))
        found[name.lower()] = " ".join(values)
    return {**found, "maxmemory": _bytes(found["maxmemory"])}


def _bytes(text: str) -> str:
    """``2mb`` as a number of bytes."""
    units = {"kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "k": 1000, "m": 1_000_000, "g": 1_000_000_000}
    for unit, factor in units.items():
        if text.lower().endswith(unit):
            return str(int(text[: -len(unit)]) * factor)
    return text


class Redis(Image):
    """The official image."""

    name = "redis"
    about = "images.redis"
    aliases: ClassVar[tuple[str, ...]] = (
        "registry.k8s.io/redis", "k8s.gcr.io/redis", "gcr.io/google_containers/redis", "docker.io/kubernetes/redis",
        "mirror.gcr.io/library/redis", "public.ecr.aws/docker/library/redis", "mcr.microsoft.com/oss/bitnami/redis",
        "registry.k8s.io/e2e-test-images/redis", "docker.io/valkey/valkey", "docker.io/bitnami/redis",
    )  # fmt: skip
    versions: ClassVar[tuple[str, ...]] = (
        *("latest", "alpine", "bookworm", "e2e", "v1", "v2", "2", "2.8", "2.8.23", "3", "4", "5", "6", "7", "8", "8-alpine"),
        *releases(3, {0: 7, 2: 12}), *releases(4, {0: 14}), *releases(5, {0: 14}), *releases(6, {0: 20, 2: 20}),
        *releases(7, {0: 15, 2: 11, 4: 6}), *releases(8, {0: 5, 2: 3, 4: 0, 6: 0, 8: 0}), "5.0.5-1", "5.0.5-alpine", "6.0.8",
    )  # fmt: skip
    variants: ClassVar[tuple[str, ...]] = ("", "-alpine", "-bookworm", "-alpine3.20")
    size = 45_006_722
    command: ClassVar[tuple[str, ...]] = ("redis-server",)
    drops_to = "redis"
    users: ClassVar[Mapping[str, tuple[int, int]]] = {"redis": (999, 999)}
    programs: ClassVar[tuple[str, ...]] = ("redis-server", "docker-entrypoint.sh", "valkey-server")
    tools: ClassVar[Mapping[str, Command]] = {"redis-cli": client, "valkey-cli": client}
    absent: ClassVar[tuple[str, ...]] = ("curl", "wget", "nslookup", "nc", "httpd", "ps", "ping")
    ports: ClassVar[tuple[int, ...]] = (PORT,)
    uses: ClassVar[Appetite] = Appetite(cpu=2, memory=8 * MIB, request=50)

    def start(self, process: Process) -> None:
        """Load what is in ``/data``."""
        process.memory["options"] = tuple(_options(process).items())
        process.log("1:M * Redis version=7.4.0, bits=64, commit=00000000, modified=0, pid=1, just started")
        saved = process.files.read(DUMP)
        if saved:
            for key, value in json.loads(saved).items():
                process.memory[f"db {key}"] = _frozen(value)
            process.log("1:M * DB loaded from disk: 0.000 seconds")
        process.log("1:M * Ready to accept connections tcp")

    def _option(self, process: Process, name: str) -> str:
        return str(dict(process.memory.get("options", ())).get(name, ""))

    def leader(self, process: Process) -> str:
        """Whose replica it is; empty: nobody's."""
        return (self._option(process, "replicaof") or self._option(process, "slaveof")).partition(" ")[0]

    def listens(self, process: Process, port: int) -> bool:
        """Its port."""
        return str(port) == self._option(process, "port")

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """Redis hangs up on what looks like HTTP."""
        return HTTPReply(0)

    def tcp(self, process: Process, said: str) -> str:
        """One command; the first line is the password."""
        password, _, line = said.partition("\n")
        wanted = self._option(process, "requirepass")
        if not fits((line,)):
            return "ERR Protocol error: too big inline request"
        try:
            words = shlex.split(line)
        except ValueError:
            return "ERR Protocol error: unbalanced quotes in request"
        if not words:
            return ""
        name = words[0].upper()
        if wanted and password != wanted and name != "AUTH":
            return "WRONGPASS invalid username-password pair or user is disabled." if password else "NOAUTH Authentication required."
        return self._command(process, name, words[1:], line)

    def _command(self, process: Process, name: str, args: list[str], line: str) -> str:
        leader = self.leader(process)
        if name in ("PING", "ECHO"):
            return args[0] if args else "PONG"
        if name == "INFO":
            role = f"role:slave\nmaster_host:{leader}" if leader else "role:master"
            return f"# Server\nredis_version:7.4.0\n# Replication\n{role}"
        if name == "CONFIG" and args[:1] and args[0].upper() == "GET":
            return _lines([word for pattern in args[1:] for word in (pattern, self._option(process, pattern))])
        if name in ("SAVE", "BGSAVE"):
            return self._save(process) or "OK"
        if leader and name in READS:
            return self._replicated(process, leader, line)
        if leader and name in WRITES:
            return "READONLY You can't write against a read only replica."
        operation = READS.get(name) or WRITES.get(name)
        if operation is None:
            return f"ERR unknown command '{name}', with args beginning with: {' '.join(repr(word) for word in args)}"
        return self._run(process, operation, name, args)

    def _run(self, process: Process, operation: Operation, name: str, args: list[str]) -> str:
        db = Shelf({key[3:]: value for key, value in process.memory.items() if key.startswith("db ")})
        try:
            answer = operation(db, *args)
        except RedisError as error:
            return str(error)
        except (TypeError, ValueError, IndexError):
            return f"ERR wrong number of arguments for '{name.lower()}' command"
        if name in WRITES:
            for key in [key for key in process.memory if key.startswith("db ") and key[3:] not in db]:
                del process.memory[key]
            process.memory.update({f"db {key}": value for key, value in db.items()})
            if self._option(process, "appendonly") == "yes":
                self._save(process)
        return answer

    def _replicated(self, process: Process, leader: str, line: str) -> str:
        password = self._option(process, "masterauth")
        answer = process.ask(leader, PORT, f"{password}\n{line}")
        if answer.error:
            process.log(f"1:S # Error condition on socket for SYNC: {answer.error}")
            return "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
        return answer.body

    def _save(self, process: Process) -> str:
        """Write all values into ``/data``; what is wrong, or nothing."""
        kept = {key[3:]: value for key, value in process.memory.items() if key.startswith("db ")}
        try:
            process.files.write(DUMP, json.dumps(kept))
        except FileError:
            return "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk."
        return ""

    def terminate(self, process: Process) -> None:
        """Save, and end."""
        process.log("1:signal-handler Received SIGTERM scheduling shutdown...")
        self._save(process)
        process.log("1:M * DB saved on disk")
        process.log("1:M # Redis is now ready to exit, bye bye...")
        process.exit(0)


def _frozen(value: object) -> object:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


class RedisFollower(Redis):
    """The guestbook's follower: a replica of ``redis-leader`` (``redis-master`` in the old one), or of the host that it is told."""

    name = "us-docker.pkg.dev/google-samples/containers/gke/gb-redis-follower"
    about = "images.redis_follower"
    aliases: ClassVar[tuple[str, ...]] = (
        "gcr.io/google_samples/gb-redis-follower", "gcr.io/google-samples/gb-redis-follower", "gcr.io/google_samples/gb-redisslave",
        "gcr.io/google-samples/gb-redisslave", "gb-redisslave",
    )  # fmt: skip
    versions: ClassVar[tuple[str, ...]] = ("latest", "v1", "v2", "v3")
    variants: ClassVar[tuple[str, ...]] = ("",)

    def leader(self, process: Process) -> str:
        """The leader's Service, by DNS or by the variables of service links."""
        name = "redis-master" if "slave" in process.state.image else "redis-leader"
        if process.env.get("GET_HOSTS_FROM", "dns") == "env":
            return process.env.get(f"{name.upper().replace('-', '_')}_SERVICE_HOST", name)
        return name
