"""agnhost: the image of Kubernetes' end-to-end tests, one binary with many servers and clients.

    netexec           HTTP on 8080: /hostname /clientip /echo?msg= /env /exit?code= /healthz /shell?cmd= /dial?...
    serve-hostname    the host name, on 9376
    porter            SERVE_PORT_80=text in the environment: a server for each
    liveness          healthy for 10 seconds, then 500: the example of the documentation on probes
    connect           HOST:PORT [--timeout 1s]: whether a connection opens; what went wrong in one word
    entrypoint-tester prints its arguments; pause, test-webserver, logs-generator, env

Models: test/images/agnhost of kubernetes/kubernetes.
Simplified: TCP and HTTP only; subcommands that are not named here say so and end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import parse_qs

from k8snb.kubelet.images.echo import option
from k8snb.kubelet.images.image import Image, releases
from k8snb.kubelet.images.process import Process
from k8snb.kubelet.images.run import execute
from k8snb.kubelet.images.shell.commands import Call, Command, Result
from k8snb.seams.cni import DNS_TIMEOUT, NO_SUCH_NAME, REFUSED, HTTPReply, HTTPRequest

SERVERS = ("netexec", "serve-hostname", "porter", "liveness", "test-webserver", "pause", "logs-generator", "nettest", "guestbook")


def client(call: Call) -> Result:
    """A subcommand that runs to its end, beside a server."""
    name, *words = call.args or ("",)
    if name == "connect":
        return _connect(call, words)
    if name == "entrypoint-tester":
        return Result(f"[/agnhost entrypoint-tester {' '.join(words)}]".replace(" ]", "]") + "\n")
    if name == "dns-suffix":
        found = re.search(r"search (.*)", call.files.read("/etc/resolv.conf") or "")
        return Result(f"{found[1].split()[-1] if found else ''}\n")
    if name in ("", "--help", "help"):
        return Result(f"Available Commands: {', '.join([*SERVERS, 'connect', 'dns-suffix', 'entrypoint-tester'])}\n")
    return Result(status=1, err=f'Error: unknown command "{name}" for "app" (of agnhost, k8snb simulates {", ".join(SERVERS)}, connect)\n')


def _connect(call: Call, words: list[str]) -> Result:
    target = next((word for word in words if not word.startswith("-") and ":" in word), "")
    host, _, port = target.rpartition(":")
    if not port.isdecimal():
        return Result(status=1, err="BADARGS\n")
    made = call.process.system.connect(host, int(port))
    words_of = {REFUSED: "REFUSED", NO_SUCH_NAME: "DNS", DNS_TIMEOUT: "DNS"}
    if made.error:
        return Result(status=1, err=f"{words_of.get(made.error, 'TIMEOUT')}\n", delay=made.latency)
    return Result(delay=made.latency)


class Agnhost(Image):
    """The test image of Kubernetes' end-to-end tests."""

    name = "registry.k8s.io/e2e-test-images/agnhost"
    about = "images.agnhost"
    aliases: ClassVar[tuple[str, ...]] = (
        "k8s.gcr.io/e2e-test-images/agnhost", "gcr.io/k8s-staging-e2e-test-images/agnhost", "gcr.io/kubernetes-e2e-test-images/agnhost",
        "registry.k8s.io/serve_hostname", "registry.k8s.io/liveness", "registry.k8s.io/e2e-test-images/liveness", "k8s.gcr.io/liveness",
        "registry.k8s.io/serve-hostname",
    )  # fmt: skip
    versions: ClassVar[tuple[str, ...]] = ("latest", "v1", "v1.4", "2.63.0", *releases(2, dict.fromkeys(range(1, 70), 0)))
    size = 52_000_000
    entrypoint: ClassVar[tuple[str, ...]] = ("/agnhost",)
    command: ClassVar[tuple[str, ...]] = ("pause",)
    programs: ClassVar[tuple[str, ...]] = ("agnhost", "server", "serve_hostname")
    tools: ClassVar[Mapping[str, Command]] = {"agnhost": client}
    absent: ClassVar[tuple[str, ...]] = ("bash", "httpd")

    def _mode(self, process: Process) -> str:
        known = {"/server": "liveness", "server": "liveness", "/serve_hostname": "serve-hostname"}
        if "liveness" in process.state.image and "agnhost" not in process.state.image:
            return "liveness"
        words = process.argv
        return known.get(words[0], words[1] if len(words) > 1 else "pause") if words else "pause"

    def start(self, process: Process) -> None:
        """A server goes on; a client says what it found and ends."""
        mode = self._mode(process)
        if mode in SERVERS:
            process.log({"pause": "Paused"}.get(mode, f"Started HTTP server ({mode})"))
            if mode == "logs-generator":
                process.sleep(1)
            return
        call = Call("agnhost", process.argv[1:], lambda: "", process, process.env, "/")
        result = client(call)
        process.write(result.out + result.err)
        process.exit(result.status)

    def step(self, process: Process) -> None:
        """``logs-generator``: one line a second, as many as were asked for."""
        count = process.memory.get("lines", 0)
        process.log(f"I0101 00:00:00.000000       1 logs_generator.go:76] {count} GET /api/v1/namespaces/default/pods/{count} 200")
        process.memory["lines"] = count + 1
        if count + 1 >= int(option(process, "log-lines-total", "10")):
            process.exit(0)
        else:
            process.sleep(1)

    def listens(self, process: Process, port: int) -> bool:
        """The port of the subcommand, or the one that it was given."""
        mode = self._mode(process)
        if mode == "porter":
            return f"SERVE_PORT_{port}" in process.env
        default = {
            "netexec": "8080",
            "liveness": "8080",
            "test-webserver": "80",
            "serve-hostname": "9376",
            "nettest": "8080",
            "guestbook": "3000",
        }
        chosen = option(process, "http-port", "") or option(process, "port", "") or default.get(mode, "0")
        return str(port) == chosen

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """What the subcommand answers."""
        mode, path = self._mode(process), request.path.partition("?")[0]
        if mode == "porter":
            return HTTPReply(200, process.env.get(f"SERVE_PORT_{request.port}", ""))
        if mode == "serve-hostname":
            return HTTPReply(200, process.hostname)
        if mode == "liveness":
            sick = path == "/healthz" and process.uptime > 10
            return HTTPReply(500 if sick else 200, f"error: {process.uptime:.6f}" if sick else "ok")
        if mode == "test-webserver":
            text = process.files.read(path)
            return HTTPReply(404 if text is None else 200, "404 page not found\n" if text is None else text)
        return self._netexec(process, request, path)

    def _netexec(self, process: Process, request: HTTPRequest, path: str) -> HTTPReply:
        asked = {key: values[0] for key, values in parse_qs(request.path.partition("?")[2]).items()}
        process.log(f"{request.method} {request.path}")
        if path == "/exit":
            process.exit(int(asked.get("code", "0")) if asked.get("code", "0").isdecimal() else 0)
            return HTTPReply(0)
        if path == "/shell":
            done = execute(process, ("sh", "-c", asked.get("shellCommand", asked.get("cmd", ""))))
            return HTTPReply(200, json.dumps({"output": done.output, **({"error": f"exit status {done.code}"} if done.code else {})}))
        if path == "/dial":
            return self._dial(process, asked)
        answers = {
            "/hostname": process.hostname, "/hostName": process.hostname, "/clientip": f"{request.source}:41214", "/healthz": "",
            "/readyz": "",
            "/echo": asked.get("msg", ""), "/env": "".join(f"{name}={value}\n" for name, value in process.env.items()),
            "/header": next((value for name, value in request.headers if name.lower() == asked.get("key", "").lower()), ""),
        }  # fmt: skip
        return HTTPReply(200, answers.get(path, f"NOW: {process.now // 1_000_000}"))

    def _dial(self, process: Process, asked: Mapping[str, str]) -> HTTPReply:
        """``/dial``: ask another netexec some times, and say who answered."""
        said: list[str] = []
        errors: list[str] = []
        for _ in range(min(100, int(asked.get("tries", "1")))):
            answer = process.http(
                f"http://{asked.get('host', '')}:{asked.get('port', '8080')}/{asked.get('request', 'hostname').lstrip('/')}"
            )
            (said if answer.ok else errors).append(answer.body or answer.error)
        return HTTPReply(200, json.dumps({"responses": said, **({"errors": errors} if errors else {})}))

    def terminate(self, process: Process) -> None:
        """End, perhaps after ``--delay-shutdown`` seconds (then by SIGKILL, or by itself)."""
        delay = option(process, "delay-shutdown", "")
        if not delay:
            process.exit(0)
