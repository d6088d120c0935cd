"""A small shop, made for lessons: a front end, an interface behind it, and a database that needs a migration first.

    k8snb/shop-web       port 8080   asks SHOP_API (http://shop-api:8080) for the items, and shows them
    k8snb/shop-api       port 8080   needs the table ``items`` in DATABASE_HOST (postgres); ends with code 1 where it is missing
    k8snb/shop-migrate               makes that table, and ends
    k8snb/leaky          port 8080   forgets to give back KEEP_KIB (64) for each request, and LEAK_KIB (0) each second
    k8snb/stubborn       port 8080   ignores SIGTERM

Each step of them can fail on its own: what happens then is what the lessons are about.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from k8snb.kubelet.images.consumption import MIB, Appetite
from k8snb.kubelet.images.demo import Web
from k8snb.kubelet.images.image import Image
from k8snb.kubelet.images.process import Process
from k8snb.seams.cni import HTTPReply, HTTPRequest

KIB = 1 << 10
MIGRATION = (
    "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL); INSERT INTO items (name) VALUES ('teapot'), ('cup'), ('spoon')"
)


def database(process: Process, script: str) -> tuple[dict[str, Any], str]:
    """Ask the shop's database: its answer, or why there is none."""
    host, user = process.env.get("DATABASE_HOST", "postgres"), process.env.get("DATABASE_USER", "postgres")
    login = {
        "user": user, "password": process.env.get("DATABASE_PASSWORD", ""), "database": process.env.get("DATABASE_NAME", user),
        "local": "", "sql": script,
    }  # fmt: skip
    answer = process.ask(host, 5432, json.dumps(login))
    if answer.error:
        return {}, f"cannot reach the database {host}:5432: {answer.error}"
    found: dict[str, Any] = json.loads(answer.body)
    return found, found.get("fatal") or found.get("error") or ""


class ShopApi(Web):
    """The interface: nothing without its table."""

    name = "k8snb/shop-api"
    about = "images.shop"
    aliases: ClassVar[tuple[str, ...]] = ()
    uses: ClassVar[Appetite] = Appetite(cpu=1, memory=25 * MIB, request=2_000, load=MIB // 4)

    def start(self, process: Process) -> None:
        """Look for the database and the table, and give up without them."""
        _found, problem = database(process, "SELECT count(*) FROM items")
        if problem:
            process.log(f"fatal: {problem}" + (" (has the migration run?)" if "does not exist" in problem else ""))
            process.exit(1)
            return
        super().start(process)

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """The items, as JSON."""
        if request.path in ("/healthz", "/livez"):
            return HTTPReply(200, "ok\n")
        found, problem = database(process, "SELECT name FROM items ORDER BY id")
        if problem:
            process.log(f"error: {problem}")
            return HTTPReply(503, f"{problem}\n")
        return HTTPReply(200, json.dumps([row[0] for row in found["results"][0]["rows"]]) + "\n", "application/json")


class ShopMigrate(Image):
    """The migration."""

    name = "k8snb/shop-migrate"
    about = "images.shop"
    versions: ClassVar[tuple[str, ...]] = ("latest", "1", "2", "1.0", "2.0", "v1", "v2")
    size = 12_000_000
    user = "65532"

    def start(self, process: Process) -> None:
        """It takes a moment."""
        process.log("migrating ...")
        process.sleep(2)

    def step(self, process: Process) -> None:
        """Make the table, unless it is there."""
        _found, problem = database(process, MIGRATION)
        if problem and "already exists" not in problem:
            process.log(f"fatal: {problem}")
            process.exit(1)
            return
        process.log("nothing to do" if problem else "created table items")
        process.exit(0)


class ShopWeb(Web):
    """The front end."""

    name = "k8snb/shop-web"
    about = "images.shop"
    aliases: ClassVar[tuple[str, ...]] = ()

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """The page, with what the interface says."""
        if request.path == "/healthz":
            return HTTPReply(200, "ok\n")
        answer = process.http(process.env.get("SHOP_API", "http://shop-api:8080") + "/items", timeout=2)
        if not answer.ok:
            process.log(f"error: shop-api: {answer.status or answer.error}")
            return HTTPReply(502, f"the shop is closed: {answer.body.strip() or answer.error}\n", latency=1_000 + answer.latency)
        items = "".join(f"<li>{item}</li>" for item in json.loads(answer.body))
        return HTTPReply(200, f"<h1>Shop</h1><ul>{items}</ul>\n", "text/html", 1_000 + answer.latency)


class Leaky(Web):
    """It never gives memory back."""

    name = "k8snb/leaky"
    about = "images.leaky"
    aliases: ClassVar[tuple[str, ...]] = ()
    uses: ClassVar[Appetite] = Appetite(memory=10 * MIB)

    def start(self, process: Process) -> None:
        """Begin to leak."""
        process.use(growth=int(process.env.get("LEAK_KIB", "0")) * KIB)
        super().start(process)

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """An answer that costs memory for good."""
        process.use(memory=process.memory_used + int(process.env.get("KEEP_KIB", "64")) * KIB)
        return super().http(process, request)


class Stubborn(Web):
    """It does not listen to SIGTERM."""

    name = "k8snb/stubborn"
    about = "images.stubborn"
    aliases: ClassVar[tuple[str, ...]] = ()

    def terminate(self, process: Process) -> None:
        """No."""
        process.log("SIGTERM: ignored")


SHOP: tuple[type[Image], ...] = (ShopApi, ShopMigrate, ShopWeb, Leaky, Stubborn)
