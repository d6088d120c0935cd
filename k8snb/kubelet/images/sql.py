"""PostgreSQL, MySQL and MariaDB: tables that live where their data directory lives.

Statements that change something are kept in a file of the data directory, in order; a query plays them into an empty SQLite
and asks that. So data outlives a container, a pod or a node exactly as far as the directory does: what databases are for in
lessons. They refuse to start without a password, in their own words.

    psql [-h HOST] [-U USER] [-d DATABASE] [-t] [-A] -c SQL        mysql [-h HOST] [-uUSER] [-pPASSWORD] -e SQL

Models: the official images: their entry points, and what their clients print when nobody sits at a terminal.
Simplified: SQL is SQLite's; one database, one user, no transactions over several calls; nothing may depend on the clock or on chance.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import Any, ClassVar

from k8snb.kubelet.images.consumption import MIB, Appetite
from k8snb.kubelet.images.files import FileError
from k8snb.kubelet.images.image import Image
from k8snb.kubelet.images.process import Process
from k8snb.kubelet.images.shell.commands import Call, Command, Result
from k8snb.seams.cni import NO_SUCH_NAME, HTTPReply, HTTPRequest

ALLOWED = frozenset({
    "abs", "avg", "coalesce", "count", "group_concat", "hex", "ifnull", "instr", "length", "like", "lower", "ltrim", "max", "min", "nullif",
    "replace", "round", "rtrim", "substr", "sum", "total", "trim", "typeof", "upper", "version", "database", "current_user",
    "current_database", "json_extract", "->>", "concat",
})  # fmt: skip
"""Functions of SQL that depend on nothing but their arguments."""
_READS = ("select", "show", "explain", "with", "values", "\\")


class Database:
    """The tables that a log of statements makes: for the length of one call."""

    def __init__(self, log: list[str], constants: Mapping[str, str]):
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        for name, value in constants.items():
            self.connection.create_function(name, 0, lambda value=value: value, deterministic=True)
        self.connection.create_function("concat", -1, lambda *words: "".join(map(str, words)), deterministic=True)
        self.connection.set_authorizer(_authorize)
        self.connection.set_progress_handler(lambda: 1, 5_000_000)  # a statement without end is interrupted
        for statement in log:
            self.connection.execute(statement)

    def run(self, statement: str) -> tuple[list[str], list[tuple[Any, ...]], int]:
        """One statement: columns (none where it gives no rows), rows, how many it changed. Raises ``sqlite3.Error``."""
        cursor = self.connection.execute(statement)
        columns = [column[0] for column in cursor.description or ()]
        return columns, cursor.fetchall(), max(0, cursor.rowcount)

    def close(self) -> None:
        """The call is over."""
        self.connection.close()


def _authorize(action: int, _one: str | None, name: str | None, *_rest: Any) -> int:
    denied = action == sqlite3.SQLITE_ATTACH or (action == sqlite3.SQLITE_FUNCTION and (name or "").lower() not in ALLOWED)
    return sqlite3.SQLITE_DENY if denied else sqlite3.SQLITE_OK


def statements(script: str) -> list[str]:
    """The statements of a script, without comments."""
    found, current = [], ""
    for line in script.splitlines():
        if line.strip().startswith("\\"):
            found.append(line.strip())
        elif not line.strip().startswith(("--", "#")):
            current += line + "\n"
            while (at := _complete(current)) > 0:
                found.append(current[:at].strip().rstrip(";").strip())
                current = current[at:]
    return [one for one in [*found, current.strip()] if one]


def _complete(text: str) -> int:
    """Where the first complete statement ends; 0 where there is none."""
    at = text.find(";")
    while at >= 0:
        if sqlite3.complete_statement(text[: at + 1]):
            return at + 1
        at = text.find(";", at + 1)
    return 0


class Server(Image):
    """A database server: what the products have in common."""

    data: ClassVar[str] = ""
    port: ClassVar[int] = 0
    absent: ClassVar[tuple[str, ...]] = ("curl", "wget", "nslookup", "nc", "httpd", "ping")

    def log_file(self, process: Process) -> str:
        """The file that holds the statements."""
        return f"{process.env.get('PGDATA', self.data)}/k8snb.sql.json"

    def listens(self, process: Process, port: int) -> bool:
        """Once it has started."""
        return port == self.port and bool(process.memory.get("ready"))

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """It hangs up on what looks like HTTP."""
        return HTTPReply(0)

    def tcp(self, process: Process, said: str) -> str:
        """A login and a script, as JSON; the answer likewise: rows of each statement, or an error."""
        asked = json.loads(said)
        refused = self.refuses(process, asked)
        return json.dumps({"fatal": refused} if refused else self.query(process, asked["sql"]))

    def refuses(self, process: Process, asked: Mapping[str, str]) -> str:
        """Why a login is refused; empty: it is not."""
        raise NotImplementedError

    def constants(self, process: Process) -> dict[str, str]:
        """What functions such as ``version()`` say."""
        return {"version": process.version}

    def query(self, process: Process, script: str) -> dict[str, Any]:
        """Run a script against the tables; what changes something is kept."""
        path = self.log_file(process)
        log: list[str] = json.loads(process.files.read(path) or "[]")
        results: list[dict[str, Any]] = []
        with closing(Database(log, self.constants(process))) as database:
            for statement in statements(script):
                try:
                    columns, rows, changed = database.run(self.dialect(statement))
                except (sqlite3.Error, sqlite3.Warning) as error:
                    process.log(f"ERROR:  {error}")
                    return {"results": results, "error": self.error(str(error))}
                results.append({"statement": statement, "columns": columns, "rows": rows, "changed": changed})
                if not statement.lower().startswith(_READS):
                    log.append(self.dialect(statement))
        try:
            process.files.write(path, json.dumps(log))
        except FileError as error:
            return {"results": results, "error": f"could not write to the data directory: {error.why}"}
        return {"results": results, "error": ""}

    def dialect(self, statement: str) -> str:
        """The statement as SQLite reads it."""
        return statement

    def error(self, message: str) -> str:
        """SQLite's complaint in the words of the product, where they are known."""
        return message

    def begin(self, process: Process, seconds: float) -> None:
        """Set up the data directory the first time; the server listens after a moment."""
        process.memory["first"] = process.files.read(self.log_file(process)) is None
        process.sleep(seconds if process.memory["first"] else seconds / 3)

    def initialise(self, process: Process) -> None:
        """Run the scripts that were mounted for the first start."""
        if process.memory.get("first"):
            folder = "/docker-entrypoint-initdb.d"
            names = [name for name in process.files.listing(folder) if name.endswith(".sql")]
            for name in names:
                process.log(f"/usr/local/bin/docker-entrypoint.sh: running {folder}/{name}")
                self.query(process, process.files.read(f"{folder}/{name}") or "")
            if not names:
                self.query(process, "")
        process.memory["ready"] = True


def ask(call: Call, host: str, port: int, login: dict[str, str]) -> tuple[dict[str, Any], str, int]:
    """Send a script to a server: (answer, why it could not be sent, how long it took)."""
    answer = call.process.ask(host, port, json.dumps(login))
    if answer.error:
        return {}, answer.error, answer.latency
    return json.loads(answer.body), "", answer.latency


# -- PostgreSQL ------------------------------------------------------------------------------------------------------

UNINITIALIZED = """Error: Database is uninitialized and superuser password is not specified.
       You must specify POSTGRES_PASSWORD to a non-empty value for the
       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".

       You may also use "POSTGRES_HOST_AUTH_METHOD=trust" to allow all
       connections without a password. This is *not* recommended.

       See PostgreSQL documentation about "trust":
       https://www.postgresql.org/docs/current/auth-trust.html
"""


def psql(call: Call) -> Result:
    """``psql``: statements of ``-c``, of ``-f`` or of standard input."""
    options, rest = call.split("tAqXwW1", "hpUdcfvP")
    host, port = options.get("h", call.env.get("PGHOST", "")), int(options.get("p", call.env.get("PGPORT", "5432")))
    user = options.get("U", call.env.get("PGUSER", "root"))
    script = options["c"] if "c" in options else call.files.read(call.path(options["f"])) or "" if "f" in options else call.stdin
    database = options.get("d", call.env.get("PGDATABASE", (rest or [user])[0]))
    login = {"user": user, "password": call.env.get("PGPASSWORD", ""), "database": database, "sql": script, "local": "" if host else "yes"}
    answer, problem, delay = ask(call, host or "127.0.0.1", port, login)
    place = f'server at "{host}", port {port}' if host else f'server on socket "/var/run/postgresql/.s.PGSQL.{port}"'
    if problem == NO_SUCH_NAME:
        return Result(
            status=2, err=f'psql: error: could not translate host name "{host}" to address: Name or service not known\n', delay=delay
        )
    if problem or answer.get("fatal"):
        remark = f"FATAL:  {answer['fatal']}" if answer.get("fatal") else problem[:1].upper() + problem[1:]
        return Result(status=2, err=f"psql: error: connection to {place} failed: {remark}\n", delay=delay)
    plain = "t" in options
    out = "".join(_psql_table(one, plain=plain, bare="A" in options) for one in answer["results"])
    return Result(out, 1 if answer["error"] else 0, f"ERROR:  {answer['error']}\n" if answer["error"] else "", delay)


def _psql_table(one: Mapping[str, Any], *, plain: bool, bare: bool) -> str:
    """Rows as psql prints them; of other statements their command tag."""
    if not one["columns"]:
        words = one["statement"].upper().split()
        tag = f"INSERT 0 {one['changed']}" if words[0] == "INSERT" else f"{words[0]} {one['changed']}"
        return (" ".join(words[:2]) if words[0] in ("CREATE", "DROP", "ALTER") else tag) + "\n"
    rows = [["" if value is None else str(value) for value in row] for row in one["rows"]]
    if bare:
        return "".join("|".join(row) + "\n" for row in ([] if plain else [one["columns"]]) + rows)
    widths = [max(len(str(row[at])) for row in [one["columns"], *rows]) for at in range(len(one["columns"]))]
    numbers = [all(isinstance(row[at], int | float) for row in one["rows"]) for at in range(len(widths))]
    head = " " + " | ".join(name.center(width) for name, width in zip(one["columns"], widths, strict=True)).rstrip() + " \n"
    head += "-" + "-+-".join("-" * width for width in widths) + "-\n"
    lines = [
        " " + " | ".join(cell.rjust(w) if number else cell.ljust(w) for cell, w, number in zip(row, widths, numbers, strict=True)).rstrip()
        for row in rows
    ]
    count = f"({len(rows)} row{'' if len(rows) == 1 else 's'})\n"
    return ("" if plain else head) + "".join(f"{line}\n" for line in lines) + ("" if plain else count) + "\n"


def pg_isready(call: Call) -> Result:
    """``pg_isready``: whether the server accepts connections."""
    options, _ = call.split("q", "hpUdt")
    host, port = options.get("h", ""), int(options.get("p", "5432"))
    made = call.process.system.connect(host or "127.0.0.1", port)
    place = f"{host or '/var/run/postgresql'}:{port}"
    return Result(f"{place} - {'no response' if made.error else 'accepting connections'}\n", 2 if made.error else 0, delay=made.latency)


_PATCHES = {12: 22, 13: 23, 14: 20, 15: 15, 16: 11, 17: 7, 18: 1}


class Postgres(Server):
    """The official image."""

    name = "postgres"
    about = "images.postgres"
    aliases: ClassVar[tuple[str, ...]] = (
        "mirror.gcr.io/library/postgres", "public.ecr.aws/docker/library/postgres", "docker.io/bitnami/postgresql",
    )  # fmt: skip
    versions: ClassVar[tuple[str, ...]] = (
        *("latest", "alpine", "9.4", "9.5", "9.6", "10", "10.1", "11", "12", "13", "14", "15", "16", "17", "18"),
        *(f"{major}.{minor}" for major, last in _PATCHES.items() for minor in range(last + 1)),
    )  # fmt: skip
    variants: ClassVar[tuple[str, ...]] = ("", "-alpine", "-bookworm", "-bullseye", "-trixie")
    size = 155_000_000
    data = "/var/lib/postgresql/data"
    port = 5432
    ports: ClassVar[tuple[int, ...]] = (5432,)
    command: ClassVar[tuple[str, ...]] = ("postgres",)
    entrypoint: ClassVar[tuple[str, ...]] = ("docker-entrypoint.sh",)
    programs: ClassVar[tuple[str, ...]] = ("docker-entrypoint.sh", "postgres")
    tools: ClassVar[Mapping[str, Command]] = {"psql": psql, "pg_isready": pg_isready}
    uses: ClassVar[Appetite] = Appetite(cpu=1, memory=38 * MIB, request=500, load=MIB)

    def start(self, process: Process) -> None:
        """Without a password nothing begins."""
        known = process.files.read(self.log_file(process)) is not None
        if not known and not process.env.get("POSTGRES_PASSWORD") and process.env.get("POSTGRES_HOST_AUTH_METHOD") != "trust":
            process.write(UNINITIALIZED)
            process.exit(1)
            return
        if known:
            process.log("PostgreSQL Database directory appears to contain a database; Skipping initialization")
        self.begin(process, 3)

    def step(self, process: Process) -> None:
        """The server is ready."""
        self.initialise(process)
        process.log(f'LOG:  listening on IPv4 address "0.0.0.0", port {self.port}')
        process.log("LOG:  database system is ready to accept connections")

    def refuses(self, process: Process, asked: Mapping[str, str]) -> str:
        """A wrong password, an unknown user or database."""
        user = process.env.get("POSTGRES_USER", "postgres")
        password = process.env.get("POSTGRES_PASSWORD", "")
        trusted = asked["local"] or process.env.get("POSTGRES_HOST_AUTH_METHOD") == "trust"
        if asked["user"] != user and trusted:
            return f'role "{asked["user"]}" does not exist'
        if not trusted and (asked["user"] != user or asked["password"] != password):
            return f'password authentication failed for user "{asked["user"]}"'
        if asked["database"] not in (process.env.get("POSTGRES_DB", user), "postgres", "template1"):
            return f'database "{asked["database"]}" does not exist'
        return ""

    def constants(self, process: Process) -> dict[str, str]:
        """``version()`` and the like."""
        name = process.env.get("POSTGRES_DB", "postgres")
        return {"version": f"PostgreSQL {process.version} on x86_64-pc-linux-gnu", "current_database": name}

    def dialect(self, statement: str) -> str:
        """SERIAL columns count up; ``\\dt`` lists the tables."""
        if statement.startswith("\\dt"):
            return 'SELECT \'public\' AS "Schema", name AS "Name", type AS "Type" FROM sqlite_master WHERE type = \'table\' ORDER BY name'
        return re.sub(r"(?i)\b(?:big)?serial\s+primary\s+key", "INTEGER PRIMARY KEY", statement)

    def error(self, message: str) -> str:
        """The usual mistakes."""
        kind, _, name = message.partition(": ")
        return {
            "no such table": f'relation "{name}" does not exist',
            "no such column": f'column "{name}" does not exist',
            "UNIQUE constraint failed": f'duplicate key value violates unique constraint "{name.partition(".")[0]}_pkey"',
        }.get(kind, message)

    def terminate(self, process: Process) -> None:
        """A smart shutdown."""
        process.log("LOG:  received smart shutdown request")
        process.log("LOG:  database system is shut down")
        process.exit(0)


# -- MySQL and MariaDB -----------------------------------------------------------------------------------------------


def mysql(call: Call) -> Result:
    """``mysql``: statements of ``-e`` or of standard input."""
    options, rest = call.split("NBsqt", "hPuDep")
    host, port = options.get("h", options.get("host", "")), int(options.get("P", "3306") or 3306)
    user = options.get("u", options.get("user", "root"))
    password = options.get("p", options.get("password", call.env.get("MYSQL_PWD", "")))
    login = {"user": user, "password": password, "database": (rest or [""])[0], "sql": options.get("e", "") or call.stdin}
    answer, problem, delay = ask(call, host or "127.0.0.1", port, login)
    if problem == NO_SUCH_NAME:
        return Result(status=1, err=f"ERROR 2005 (HY000): Unknown MySQL server host '{host}' (-2)\n", delay=delay)
    if problem:
        where = f"MySQL server on '{host}:{port}' (111)" if host else "local MySQL server through socket '/var/run/mysqld/mysqld.sock' (2)"
        return Result(status=1, err=f"ERROR 2002 (HY000): Can't connect to {where}\n", delay=delay)
    if answer.get("fatal"):
        return Result(status=1, err=f"ERROR 1045 (28000): {answer['fatal']}\n", delay=delay)
    out = ""
    for one in answer["results"]:
        rows = [["NULL" if value is None else str(value) for value in row] for row in one["rows"]]
        head = [one["columns"]] if one["columns"] and rows and "N" not in options else []
        out += "".join("\t".join(row) + "\n" for row in [*head, *rows])
    return Result(out, 1 if answer["error"] else 0, f"ERROR 1064 (42000): {answer['error']}\n" if answer["error"] else "", delay)


def mysqladmin(call: Call) -> Result:
    """``mysqladmin ping`` and ``status``."""
    options, _rest = call.split("s", "huPp")
    host = options.get("h", "127.0.0.1")
    made = call.process.system.connect(host, 3306)
    if made.error:
        return Result(
            status=1, err=f"mysqladmin: connect to server at '{host}' failed\nerror: 'Can't connect to server'\n", delay=made.latency
        )
    return Result("mysqld is alive\n", delay=made.latency)


class MySQL(Server):
    """The official image."""

    name = "mysql"
    about = "images.mysql"
    aliases: ClassVar[tuple[str, ...]] = (
        "mirror.gcr.io/library/mysql",
        "public.ecr.aws/docker/library/mysql",
        "docker.io/mysql/mysql-server",
    )
    versions: ClassVar[tuple[str, ...]] = (
        *("latest", "lts", "5", "5.5", "5.6", "5.7", "8", "8.0", "8.4", "9", "9.1", "9.5"),
        *(f"5.7.{patch}" for patch in range(20, 45)), *(f"8.0.{patch}" for patch in range(11, 45)), *(f"8.4.{patch}" for patch in range(8)),
    )  # fmt: skip
    variants: ClassVar[tuple[str, ...]] = ("", "-debian", "-oracle", "-oraclelinux9")
    size = 230_000_000
    data = "/var/lib/mysql"
    port = 3306
    ports: ClassVar[tuple[int, ...]] = (3306,)
    entrypoint: ClassVar[tuple[str, ...]] = ("docker-entrypoint.sh",)
    command: ClassVar[tuple[str, ...]] = ("mysqld",)
    programs: ClassVar[tuple[str, ...]] = ("docker-entrypoint.sh", "mysqld")
    tools: ClassVar[Mapping[str, Command]] = {"mysql": mysql, "mysqladmin": mysqladmin}
    uses: ClassVar[Appetite] = Appetite(cpu=5, memory=380 * MIB, request=500, load=MIB)
    prefix: ClassVar[str] = "MYSQL"
    product: ClassVar[str] = "MySQL"

    def _set(self, process: Process, name: str) -> str:
        return process.env.get(f"{self.prefix}_{name}") or process.env.get(f"MYSQL_{name}", "")

    def start(self, process: Process) -> None:
        """Without a root password nothing begins."""
        names = ("ROOT_PASSWORD", "ALLOW_EMPTY_PASSWORD", "RANDOM_ROOT_PASSWORD")
        process.log(f"[Note] [Entrypoint]: Entrypoint script for {self.product} Server {process.version} started.")
        if process.files.read(self.log_file(process)) is None and not any(self._set(process, name) for name in names):
            process.log("[ERROR] [Entrypoint]: Database is uninitialized and password option is not specified")
            process.log(f"    You need to specify one of the following as an environment variable:\n    - {self.prefix}_ROOT_PASSWORD")
            process.log("".join(f"    - {self.prefix}_{name}\n" for name in names[1:]).rstrip())
            process.exit(1)
            return
        self.begin(process, 8)

    def step(self, process: Process) -> None:
        """The server is ready."""
        self.initialise(process)
        process.log(f"[System] [Server] /usr/sbin/mysqld: ready for connections. Version: '{process.version}'  port: {self.port}")

    def refuses(self, process: Process, asked: Mapping[str, str]) -> str:
        """A wrong user or password."""
        known = {"root": self._set(process, "ROOT_PASSWORD")}
        if self._set(process, "USER"):
            known[self._set(process, "USER")] = self._set(process, "PASSWORD")
        if known.get(asked["user"]) == asked["password"]:
            return ""
        return f"Access denied for user '{asked['user']}'@'localhost' (using password: {'YES' if asked['password'] else 'NO'})"

    def dialect(self, statement: str) -> str:
        """Databases are all one here; SHOW TABLES and AUTO_INCREMENT in SQLite's words."""
        words = statement.lower().split()
        if words[:2] in (["create", "database"], ["create", "user"]) or words[:1] in (["use"], ["grant"], ["flush"]):
            return "SELECT 1 WHERE 0"
        if words[:2] == ["show", "tables"]:
            return "SELECT name AS Tables FROM sqlite_master WHERE type = 'table' ORDER BY name"
        if words[:2] == ["show", "databases"]:
            return "SELECT 'information_schema' AS \"Database\" UNION SELECT 'mysql' UNION SELECT 'sys'"
        statement = re.sub(r"(?i)\bint(?:eger)?(?:\s+not null)?\s+auto_increment(?:\s+primary\s+key)?", "INTEGER PRIMARY KEY", statement)
        return re.sub(r"(?i)\)\s*engine\s*=.*$", ")", statement)

    def error(self, message: str) -> str:
        """The usual mistake."""
        kind, _, name = message.partition(": ")
        return f"Table '{name}' doesn't exist" if kind == "no such table" else message

    def terminate(self, process: Process) -> None:
        """A shutdown that takes no time here."""
        process.log("[System] [Server] Received SHUTDOWN from user <via user signal>. Shutting down mysqld.")
        process.exit(0)


class MariaDB(MySQL):
    """The official image of MariaDB."""

    name = "mariadb"
    about = "images.mariadb"
    aliases: ClassVar[tuple[str, ...]] = ("mirror.gcr.io/library/mariadb", "docker.io/bitnami/mariadb")
    versions: ClassVar[tuple[str, ...]] = (
        *("latest", "lts", "10", "11", "12"), *(f"10.{minor}" for minor in range(1, 12)), *(f"11.{minor}" for minor in range(9)),
    )  # fmt: skip
    size = 120_000_000
    uses: ClassVar[Appetite] = Appetite(cpu=2, memory=90 * MIB, request=500, load=MIB)
    command: ClassVar[tuple[str, ...]] = ("mariadbd",)
    programs: ClassVar[tuple[str, ...]] = ("docker-entrypoint.sh", "mariadbd", "mysqld")
    tools: ClassVar[Mapping[str, Command]] = {"mariadb": mysql, "mysql": mysql, "mysqladmin": mysqladmin, "mariadb-admin": mysqladmin}
    prefix = "MARIADB"
    product = "MariaDB"


__all__ = ["MariaDB", "MySQL", "Postgres", "Server", "ask"]
