"""nginx: the web server of every first Deployment.

It reads its configuration when it starts (:mod:`.nginx_conf`), serves files, answers with ``return``, passes requests on
with ``proxy_pass``, and writes an access log. A configuration that it cannot read ends it, in its own words. Asked to stop it
finishes at once, with exit code 0.

Models: the official image of nginx on Docker Hub.
Simplified: no FastCGI, no caches, no TLS; of variables those of the request.
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

from k8snb.kubelet.images import accounts, nginx_conf
from k8snb.kubelet.images.consumption import MIB, Appetite
from k8snb.kubelet.images.files import FileError, Files, bytes_of
from k8snb.kubelet.images.image import Image, releases
from k8snb.kubelet.images.nginx_conf import ConfigError, Directive
from k8snb.kubelet.images.process import Process
from k8snb.kubelet.images.shell.commands import Call, Command, Result
from k8snb.seams.cni import TIMEOUT, HTTPReply, HTTPRequest, header, phrase
from k8snb.seams.cri import RunAs
from k8snb.sim.clock import SECOND
from k8snb.sim.state import Shelf

ROOT, CONF = "/usr/share/nginx/html", "/etc/nginx/nginx.conf"
WELCOME = """<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>If you see this page, nginx is successfully installed and working.
Further configuration is required.</p>
</body>
</html>
"""
_ERRNO = {"Permission denied": 13, "Read-only file system": 30, "No space left on device": 28}
_USELESS = 'the "user" directive makes sense only if the master process runs with super-user privileges, ignored'
_TYPES = {"html": "text/html", "css": "text/css", "js": "application/javascript", "json": "application/json", "txt": "text/plain"}


def _user_line(text: str) -> int:
    """In which line of a configuration the directive ``user`` stands; 0 where it has none."""
    return next((number for number, line in enumerate(text.splitlines(), 1) if line.split()[:1] == ["user"]), 0)


def page(status: int, server: str = "nginx") -> HTTPReply:
    """One of nginx's own pages for errors and redirects."""
    title = phrase(status)
    head = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
    return HTTPReply(status, f"{head}<hr><center>{server}</center>\r\n</body>\r\n</html>\r\n", "text/html")


def reader(files: Files) -> nginx_conf.Read:
    """How the configuration reads files of the container."""

    def read(pattern: str) -> list[tuple[str, str]]:
        if "*" not in pattern:
            text = files.read(pattern)
            return [] if text is None else [(pattern, text)]
        folder = pattern.rpartition("/")[0]
        names = [f"{folder}/{name}" for name in files.listing(folder) if not name.startswith(".")]
        return [(name, files.read(name) or "") for name in names if fnmatch.fnmatchcase(name, pattern)]

    return read


def control(call: Call) -> Result:
    """``nginx -t``, ``-T``, ``-v``, ``-V``, ``-s reload|quit|stop``: the server's own command, run beside it."""
    options, _ = call.split("tTqvV", "sgc")
    main, version = call.process.main, Nginx.number(call.process)
    if "v" in options or "V" in options:
        return Result(err=f"nginx version: nginx/{version}\n")
    if options.get("s") in ("quit", "stop"):
        main.image.terminate(main)
        return Result()
    try:
        nginx_conf.configuration(nginx_conf.texts(reader(call.process.files)))
    except ConfigError as error:
        return Result(status=1, err=f"nginx: [emerg] {error}\nnginx: configuration file /etc/nginx/nginx.conf test failed\n")
    if options.get("s") == "reload":
        Nginx.load(main)
        return Result(err=f"{Nginx.time(main)} [notice] 50#50: signal process started\n")
    where = CONF
    shown = "".join(f"# configuration file {name}:\n{text}\n" for name, text in reader(call.process.files)(where)) if "T" in options else ""
    return Result(shown, err=f"nginx: the configuration file {where} syntax is ok\nnginx: configuration file {where} test is successful\n")


class Nginx(Image):
    """The official image."""

    name = "nginx"
    about = "images.nginx"
    aliases: ClassVar[tuple[str, ...]] = (
        "mirror.gcr.io/library/nginx",
        "public.ecr.aws/nginx/nginx",
        "public.ecr.aws/docker/library/nginx",
        "registry.k8s.io/nginx",
        "registry.k8s.io/nginx-slim",
        "registry.k8s.io/e2e-test-images/nginx",
        "k8s.gcr.io/nginx",
        "k8s.gcr.io/nginx-slim",
        "gcr.io/google_containers/nginx",
        "gcr.io/google_containers/nginx-slim",
    )
    versions: ClassVar[tuple[str, ...]] = (
        *("latest", "stable", "mainline", "alpine", "1"),
        *releases(1, {7: 12, 8: 1, 9: 15, 10: 3, 11: 13, 12: 2}),
        *releases(1, {13: 12, 14: 2, 15: 12, 16: 1, 17: 10, 18: 0, 19: 10, 20: 2, 21: 6}),
        *releases(1, {22: 1, 23: 4, 24: 0, 25: 5, 26: 3, 27: 5, 28: 1, 29: 4}),
        *("0.8", "0.21", "0.24", "0.27", "1.14-1", "1.14-2", "1.14-4", "1.15-1", "1.15-2", "1.15-4"),  # slim, and e2e-test-images
    )
    variants: ClassVar[tuple[str, ...]] = ("", "-alpine", "-bookworm", "-slim", "-perl", "-alpine-slim")
    size = 72_188_133
    entrypoint: ClassVar[tuple[str, ...]] = ("/docker-entrypoint.sh",)
    command: ClassVar[tuple[str, ...]] = ("nginx", "-g", "daemon off;")
    programs: ClassVar[tuple[str, ...]] = ("docker-entrypoint.sh", "nginx", "nginx-debug")
    tools: ClassVar[Mapping[str, Command]] = {"nginx": control}
    absent: ClassVar[tuple[str, ...]] = ("wget", "nslookup", "nc", "httpd", "ps", "ping", "vi")
    ports: ClassVar[tuple[int, ...]] = (80,)
    uses: ClassVar[Appetite] = Appetite(memory=5 * MIB, request=100)
    files: ClassVar[Mapping[str, str]] = {
        f"{ROOT}/index.html": WELCOME,
        f"{ROOT}/50x.html": "<html><head><title>Error</title></head><body><h1>An error occurred.</h1></body></html>\n",
        CONF: "user  nginx;\nworker_processes  auto;\n\nevents {\n    worker_connections  1024;\n}\n\n"
        "http {\n    include       /etc/nginx/mime.types;\n    default_type  application/octet-stream;\n"
        "    access_log  /var/log/nginx/access.log  main;\n    include /etc/nginx/conf.d/*.conf;\n}\n",
        "/etc/nginx/conf.d/default.conf": "server {\n    listen       80;\n    server_name  localhost;\n\n"
        f"    location / {{\n        root   {ROOT};\n        index  index.html index.htm;\n    }}\n}}\n",
    }
    environment: ClassVar[Mapping[str, str]] = {"NGINX_VERSION": "1.29.4"}
    drops_to = "nginx"
    scratch: ClassVar[str] = "/var/cache/nginx"
    pid_files: ClassVar[tuple[str, ...]] = ("/run/nginx.pid", "/var/run/nginx.pid")
    users: ClassVar[Mapping[str, tuple[int, int]]] = {"nginx": (101, 101)}

    @staticmethod
    def number(process: Process) -> str:
        """The version that the tag stands for."""
        return _number(process.version)

    def start(self, process: Process) -> None:
        """Read the configuration, and say what the entry point says."""
        if process.argv[:1] == ("/docker-entrypoint.sh",):
            process.log("/docker-entrypoint.sh: Configuration complete; ready for start up")
        try:
            self.load(process)
        except ConfigError as error:
            self._give_up(process, str(error))
            return
        line = _user_line(process.files.read(CONF) or "") if process.files.who.user else 0
        if line:
            self._say(process, "warn", f"{_USELESS} in {CONF}:{line}")
        problem = self._cannot_write(process)
        if problem:
            self._give_up(process, problem)
            return
        head = f"{self.time(process)} [notice] 1#1:"
        process.write(f"{head} nginx/{self.number(process)}\n{head} start worker processes\n")

    def _say(self, process: Process, level: str, words: str) -> None:
        """To the error log, and to whoever has started it."""
        process.log(f"{self.time(process)} [{level}] 1#1: {words}")
        process.log(f"nginx: [{level}] {words}")

    def _give_up(self, process: Process, problem: str) -> None:
        self._say(process, "emerg", problem)
        process.exit(1)

    def _cannot_write(self, process: Process) -> str:
        """What it must write when it starts, and may not; empty where all is well. (Nothing is written: nobody would look at it.)"""
        refused = process.files.refusal(f"{self.scratch}/client_temp")
        if refused is not None:
            return f'mkdir() "{refused.path}" failed ({_ERRNO[refused.why]}: {refused.why})'
        first = process.files.refusal(self.pid_files[0])
        if first is None or any(process.files.refusal(path) is None for path in self.pid_files[1:]):
            return ""  # they are names of one directory, which a link joins in the image
        return f'open() "{first.path}" failed ({_ERRNO[first.why]}: {first.why})'

    @staticmethod
    def load(process: Process) -> None:
        """Read the configuration: it holds until the next start or reload. Raises :class:`ConfigError`."""
        files = _texts(process)
        found = nginx_conf.configuration(files)
        for host in found.hosts:
            if process.system.resolve(host).error:
                raise ConfigError(f'host not found in upstream "{host}" in /etc/nginx/conf.d/default.conf')
        process.memory["conf"] = files
        process.memory["ports"] = found.ports

    @functools.cached_property
    def brought_along(self) -> tuple[nginx_conf.Texts, tuple[str, ...]]:
        """The configuration that the image comes with, and the directories in which it is."""
        files = nginx_conf.texts(reader(Files(Shelf(), self.tree, (), {})))
        return files, nginx_conf.directories(files)

    @staticmethod
    def _running(process: Process) -> nginx_conf.Configuration:
        """The configuration as it was when it was read."""
        return nginx_conf.configuration(process.memory["conf"])

    def listens(self, process: Process, port: int) -> bool:
        """The ports of its servers."""
        return port in process.memory.get("ports", self.ports)

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """What the server and the location for the request say, and a line in the access log."""
        path = request.path.partition("?")[0]
        server = nginx_conf.choose_server(self._running(process).servers, request.port, request.host)
        reply = HTTPReply(404)
        if server is not None:
            reply = self._answer(process, request, server, nginx_conf.choose_location(server.block, path), path)
        if reply.status >= 300 and not reply.body:
            reply = page(reply.status, f"nginx/{self.number(process)}")._replace(headers=reply.headers)
        agent = header(request.headers, "User-Agent") or "-"
        when = datetime.fromtimestamp(process.now // SECOND, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        sent = 0 if request.method == "HEAD" else bytes_of(reply.body)
        process.log(f'{request.source} - - [{when}] "{request.method} {request.path} HTTP/1.1" {reply.status} {sent} "-" "{agent}" "-"')
        return reply

    def _answer(self, process: Process, request: HTTPRequest, server: nginx_conf.Server, location: Directive, path: str) -> HTTPReply:
        block = server.block
        said = (location.all("return") or block.all("return"))[:1]
        kind = location.value("default_type", "text/plain")
        headers = tuple((one.args[0], _filled(process, request, one.args[1])) for one in location.all("add_header") if len(one.args) > 1)
        if said:
            return _returned(process, request, said[0].args, kind)._replace(headers=headers)
        if any(one.args == ("all",) for one in location.all("deny")):
            return HTTPReply(403)
        if location.all("stub_status"):
            return HTTPReply(200, "Active connections: 1 \n")
        if location.all("proxy_pass"):
            return self._pass_on(process, request, location)
        reply = self._file(process, request, location, block, path)
        return reply._replace(headers=headers) if headers else reply

    def _pass_on(self, process: Process, request: HTTPRequest, location: Directive) -> HTTPReply:
        target = _filled(process, request, location.value("proxy_pass"))
        prefix, (scheme, host) = location.args[-1], _scheme_and_host(target)
        group = self._running(process).upstreams.get(host)
        if group:
            turn = process.memory.get("turn", 0)
            process.memory["turn"] = turn + 1
            target = scheme + group[turn % len(group)] + target[len(scheme + host) :]
        if re.fullmatch(r"https?://[^/]+", target):
            url = target + request.path
        else:
            url = target + request.path[len(prefix) :] if request.path.startswith(prefix) else target
        answer = process.http(url, request.method, headers=request.headers, body=request.body)
        if answer.status:
            return HTTPReply(answer.status, answer.body, answer.content_type, 1_000 + answer.latency)
        why = "upstream timed out (110: Operation timed out)" if answer.error == TIMEOUT else f"connect() failed ({answer.error})"
        process.log(f'{self.time(process)} [error] 29#29: *1 {why} while connecting to upstream, upstream: "{url}"')
        return HTTPReply(504 if answer.error == TIMEOUT else 502, latency=1_000 + answer.latency)

    def _file(self, process: Process, request: HTTPRequest, location: Directive, server: Directive, path: str) -> HTTPReply:
        root = location.value("root") or server.value("root", "/etc/nginx/html")
        alias = location.value("alias")
        place = alias + path[len(location.args[-1]) :] if alias else root.rstrip("/") + path
        index = (location.all("index") or server.all("index") or [Directive("index", ("index.html",))])[-1].args
        attempts = [one.args for one in (location.all("try_files") or server.all("try_files"))[:1]]
        for words in attempts:
            for word in words[:-1]:
                name = root.rstrip("/") + _filled(process, request, word)
                if process.files.is_file(name) or (word.endswith("/") and process.files.is_file(name + index[0])):
                    return self._read(process, name, index, location)
            if words[-1].startswith("="):
                return HTTPReply(int(words[-1][1:]))
            place = root.rstrip("/") + _filled(process, request, words[-1])
        return self._read(process, place, index, location)

    def _read(self, process: Process, place: str, index: tuple[str, ...], location: Directive) -> HTTPReply:
        """A file as a worker reads it."""
        try:
            return self._served(process, self._worker_files(process), place, index, location)
        except FileError as error:
            process.log(f'{self.time(process)} [error] 29#29: *1 open() "{error.path}" failed (13: {error.why})')
            return HTTPReply(403)

    def _worker_files(self, process: Process) -> Files:
        """The files as the workers see them: a master that is root gives them to another user, ``nginx`` unless the directive says."""
        if process.files.who.user:
            return process.files  # it cannot change to another user, and says so in a warning
        name = self._running(process).worker or self.drops_to
        passwd, group = process.files.content(accounts.PASSWD) or "", process.files.content(accounts.GROUP) or ""
        return process.files.seen_by(accounts.identity(passwd, group, name, RunAs()))

    def _served(self, process: Process, files: Files, place: str, index: tuple[str, ...], location: Directive) -> HTTPReply:
        text, name = files.read(place.rstrip("/")), place
        if text is None and files.is_directory(place):
            if not place.endswith("/"):
                return HTTPReply(301)
            name = next((place + one for one in index if files.is_file(place + one)), "")
            text = files.read(name) if name else None
            if text is None and location.value("autoindex") == "on":
                return HTTPReply(200, "".join(f"{entry}\n" for entry in files.listing(place)), "text/html")
            if text is None:
                process.log(f'{self.time(process)} [error] 29#29: *1 directory index of "{place}" is forbidden')
                return HTTPReply(403)
        if text is None:
            process.log(f'{self.time(process)} [error] 29#29: *1 open() "{place}" failed (2: No such file or directory)')
            return HTTPReply(404)
        return HTTPReply(200, text, _TYPES.get(name.rpartition(".")[2], "application/octet-stream"))

    def terminate(self, process: Process) -> None:
        """Finish at once."""
        process.log(f"{self.time(process)} [notice] 1#1: exit")
        process.exit(0)

    @staticmethod
    def time(process: Process) -> str:
        """The time, as the error log writes it."""
        return _log_time(process.now // SECOND)


def _texts(process: Process) -> nginx_conf.Texts:
    """Every file that the configuration of a container consists of; most have what their image brought along."""
    files, image = process.files, process.image
    if isinstance(image, Nginx) and files.who.user == 0:
        found, directories = image.brought_along
        if all(map(files.is_as_built, directories)):
            return found
    return nginx_conf.texts(reader(files))


@functools.lru_cache(maxsize=256)
def _number(tag: str) -> str:
    found = re.match(r"\d+\.\d+(\.\d+)?", tag)
    return "1.29.4" if not found else found[0] if found[1] else f"{found[0]}.0"


@functools.lru_cache(maxsize=4096)
def _log_time(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y/%m/%d %H:%M:%S")


def _scheme_and_host(url: str) -> tuple[str, str]:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://", rest.partition("/")[0]


def _returned(process: Process, request: HTTPRequest, args: tuple[str, ...], kind: str) -> HTTPReply:
    """``return 200 "text"``, ``return 301 URL``, ``return URL``."""
    if not args[0].isdecimal():
        return HTTPReply(302, headers=(("Location", _filled(process, request, args[0])),))
    said = _filled(process, request, args[1]) if len(args) > 1 else ""
    if 300 < int(args[0]) < 309:
        return HTTPReply(int(args[0]), headers=(("Location", said),))
    return HTTPReply(int(args[0]), said, kind)


def _filled(process: Process, request: HTTPRequest, text: str) -> str:
    """A text with its variables."""
    path, _, query = request.path.partition("?")
    values = {
        "hostname": process.hostname, "host": request.host, "http_host": request.host, "uri": path, "request_uri": request.path,
        "args": query, "query_string": query, "is_args": "?" if query else "", "remote_addr": request.source, "scheme": request.scheme,
        "request_method": request.method, "server_port": str(request.port), "nginx_version": Nginx.number(process),
    }  # fmt: skip

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        return (
            header(request.headers, name[5:].replace("_", "-")) if name.startswith("http_") and name not in values else values.get(name, "")
        )

    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", value, text.replace("\\n", "\n"))


class UnprivilegedNginx(Nginx):
    """The build that runs without root, on port 8080."""

    name = "nginxinc/nginx-unprivileged"
    about = "images.nginx_unprivileged"
    aliases: ClassVar[tuple[str, ...]] = ()
    ports: ClassVar[tuple[int, ...]] = (8080,)
    files: ClassVar[Mapping[str, str]] = {
        **Nginx.files,
        CONF: Nginx.files[CONF].replace("user  nginx;\n", ""),
        "/etc/nginx/conf.d/default.conf": Nginx.files["/etc/nginx/conf.d/default.conf"].replace("80;", "8080;"),
    }
    user = "101"
    scratch = "/tmp"
    pid_files = ("/tmp/nginx.pid",)
