"""The guestbook of Kubernetes' tutorial: a front end that keeps its messages in Redis.

    GET  /                                               the page
    GET  /guestbook.php?cmd=set&key=messages&value=,Hi   writes to redis-leader (redis-master in the old one)
    GET  /guestbook.php?cmd=get&key=messages             reads from redis-follower (redis-slave)

Models: gb-frontend of the guestbook examples. Without its Redis it answers 500, as PHP does.
"""

from __future__ import annotations

import json
import shlex
from typing import ClassVar
from urllib.parse import parse_qs

from k8snb.kubelet.images.consumption import MIB, Appetite
from k8snb.kubelet.images.echo import WebServer
from k8snb.kubelet.images.image import Image
from k8snb.kubelet.images.process import Process
from k8snb.seams.cni import HTTPReply, HTTPRequest


class GuestbookFrontend(WebServer):
    """The front end, in both generations of the tutorial."""

    name = "us-docker.pkg.dev/google-samples/containers/gke/gb-frontend"
    about = "images.guestbook"
    aliases: ClassVar[tuple[str, ...]] = (
        "gcr.io/google_samples/gb-frontend", "gcr.io/google-samples/gb-frontend", "registry.k8s.io/guestbook", "k8s.gcr.io/guestbook",
        "gcr.io/google-samples/guestbook-php-redis",
    )  # fmt: skip
    versions: ClassVar[tuple[str, ...]] = ("latest", "v1", "v2", "v3", "v4", "v5")
    size = 170_000_000
    command: ClassVar[tuple[str, ...]] = ("apache2-foreground",)
    programs: ClassVar[tuple[str, ...]] = ("apache2-foreground",)
    absent: ClassVar[tuple[str, ...]] = ("wget", "nslookup", "nc", "httpd")
    ports: ClassVar[tuple[int, ...]] = (80,)
    uses: ClassVar[Appetite] = Appetite(cpu=1, memory=10 * MIB, request=5_000)

    def _host(self, process: Process, role: str) -> str:
        old = process.version in ("v1", "v2", "v3", "v4")
        name = {"leader": "redis-master" if old else "redis-leader", "follower": "redis-slave" if old else "redis-follower"}[role]
        if process.env.get("GET_HOSTS_FROM", "dns") == "env":
            return process.env.get(f"{name.upper().replace('-', '_')}_SERVICE_HOST", name)
        return name

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """The page, or one of its two commands."""
        path, _, query = request.path.partition("?")
        asked = {key: values[0] for key, values in parse_qs(query).items()}
        if path != "/guestbook.php":
            return HTTPReply(200, "<html><head><title>Guestbook</title></head><body><h2>Guestbook</h2></body></html>\n", "text/html")
        writes = asked.get("cmd") == "set"
        host, key = self._host(process, "leader" if writes else "follower"), asked.get("key", "messages")
        value = asked.get("value", "").replace("'", " ")
        answer = process.ask(host, 6379, "\n" + (f"SET {key} '{value}'" if writes else f"GET {key}"))
        if answer.error or answer.body.startswith(("MASTERDOWN", "READONLY", "NOAUTH")):
            process.log(
                f"PHP Fatal error:  Uncaught Predis\\Connection\\ConnectionException: {answer.error or answer.body} [tcp://{host}:6379]"
            )
            return HTTPReply(500, "", latency=1_000 + answer.latency)
        body = json.dumps({"message": "Updated"} if writes else {"data": answer.body})
        return HTTPReply(200, body, "application/json", 1_000 + answer.latency)


class Vote(WebServer):
    """The voting app's front end: a vote goes into the list ``votes`` of Redis."""

    name = "dockersamples/examplevotingapp_vote"
    about = "images.vote"
    versions: ClassVar[tuple[str, ...]] = ("latest", "before", "after")
    size = 52_000_000
    command: ClassVar[tuple[str, ...]] = ("gunicorn", "app:app", "-b", "0.0.0.0:80")
    programs: ClassVar[tuple[str, ...]] = ("gunicorn", "python", "flask")
    ports: ClassVar[tuple[int, ...]] = (80,)
    uses: ClassVar[Appetite] = Appetite(cpu=1, memory=30 * MIB, request=2_000)

    def start(self, process: Process) -> None:
        """Say that it listens."""
        process.log("[1] [INFO] Listening at: http://0.0.0.0:80 (1)")

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """GET: the page. POST with ``vote=a`` (or ``/?vote=a``): one vote."""
        path, _, query = request.path.partition("?")
        form = parse_qs(request.body or query)
        names = process.env.get("OPTION_A", "Cats"), process.env.get("OPTION_B", "Dogs")
        chosen = form.get("vote", [""])[0]
        voter, delay = process.hostname, 0
        if chosen in ("a", "b"):
            number = process.memory.get("voters", 0) + 1
            process.memory["voters"] = number
            vote = json.dumps({"voter_id": f"{voter}-{number}", "vote": chosen})
            answer = process.ask("redis", 6379, f"\nRPUSH votes {shlex.quote(vote)}")
            delay = answer.latency
            if answer.error:
                process.log(
                    f"[ERROR] Exception on {path} [POST]: redis.exceptions.ConnectionError: {answer.error} connecting to redis:6379"
                )
                return HTTPReply(500, "Internal Server Error\n", latency=1_000 + delay)
            process.log(f"[INFO] Received vote for {chosen}")
        page = f"<h3>{names[0]} vs {names[1]}!</h3>\nProcessed by container ID {process.hostname}\n"
        return HTTPReply(200, page, "text/html", 1_000 + delay)


class VoteWorker(Image):
    """The voting app's worker: takes votes out of Redis and puts them into the database ``db``."""

    name = "dockersamples/examplevotingapp_worker"
    about = "images.vote_worker"
    size = 81_000_000
    command: ClassVar[tuple[str, ...]] = ("dotnet", "Worker.dll")
    programs: ClassVar[tuple[str, ...]] = ("dotnet", "java")
    uses: ClassVar[Appetite] = Appetite(cpu=5, memory=40 * MIB)

    def start(self, process: Process) -> None:
        """Look for both servers first."""
        process.sleep(0.5)

    def _sql(self, process: Process, script: str) -> dict[str, object] | None:
        login = {"user": "postgres", "password": "postgres", "database": "postgres", "local": "", "sql": script}
        answer = process.ask("db", 5432, json.dumps(login))
        found = None if answer.error else json.loads(answer.body)
        return None if not found or found.get("fatal") else found

    def step(self, process: Process) -> None:
        """Take what waits, one look a second."""
        process.sleep(1)
        if not process.memory.get("connected"):
            if self._sql(process, "CREATE TABLE IF NOT EXISTS votes (id TEXT PRIMARY KEY, vote TEXT NOT NULL)") is None:
                process.log("Waiting for db")
                return
            process.memory["connected"] = True
            process.log("Connected to db")
        while True:
            answer = process.ask("redis", 6379, "\nLPOP votes")
            if answer.error or not answer.body.startswith("{"):
                if answer.error and not process.memory.get("told"):
                    process.log("Reconnecting Redis")
                process.memory["told"] = bool(answer.error)
                return
            vote = json.loads(answer.body)
            process.log(f"Processing vote for '{vote['vote']}' by '{vote['voter_id']}'")
            self._sql(process, f"INSERT OR REPLACE INTO votes VALUES ('{vote['voter_id']}', '{vote['vote']}')")


class VoteResult(VoteWorker):
    """The voting app's second page: the votes, out of the database."""

    name = "dockersamples/examplevotingapp_result"
    about = "images.vote_result"
    versions: ClassVar[tuple[str, ...]] = ("latest", "before", "after")
    size = 80_000_000
    command: ClassVar[tuple[str, ...]] = ("node", "server.js")
    programs: ClassVar[tuple[str, ...]] = ("node", "nodemon")
    ports: ClassVar[tuple[int, ...]] = (80,)
    uses: ClassVar[Appetite] = Appetite(cpu=1, memory=45 * MIB, request=2_000)

    def start(self, process: Process) -> None:
        """Say that it listens."""
        process.log("App running on port 80")

    def step(self, process: Process) -> None:
        """It only answers."""

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """The share of both."""
        found = self._sql(process, "SELECT vote, COUNT(id) AS count FROM votes GROUP BY vote ORDER BY vote")
        if found is None:
            process.log("Waiting for db")
            return HTTPReply(200, "<h1>No votes yet</h1>\n", "text/html")
        results = found.get("results") or [{"rows": []}]
        assert isinstance(results, list)
        votes = dict(results[0]["rows"])
        total = sum(votes.values())
        return HTTPReply(200, f"<h1>a: {votes.get('a', 0)} b: {votes.get('b', 0)} of {total} votes</h1>\n", "text/html")

    def terminate(self, process: Process) -> None:
        """End well."""
        process.exit(0)


APPLICATIONS: tuple[type[Image], ...] = (GuestbookFrontend, Vote, VoteWorker, VoteResult)
