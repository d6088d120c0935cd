"""nginx: the web server of every first Deployment.

It listens on port 80 (the unprivileged build on 8080), serves ``/usr/share/nginx/html`` and writes an access log. Asked to
stop it finishes at once, with exit code 0.

Models: the official image of nginx on Docker Hub.
Simplified: its configuration files are there to be read, but not interpreted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

from k8snb.kubelet.images.image import Image, releases
from k8snb.kubelet.images.process import Process
from k8snb.kubelet.images.run import static
from k8snb.seams.cni import HTTPReply, HTTPRequest
from k8snb.sim.clock import SECOND

ROOT = "/usr/share/nginx/html"
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
NOT_FOUND = (
    "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n</body>\r\n</html>\r\n"
)


class Nginx(Image):
    """The official image."""

    name = "nginx"
    aliases: ClassVar[tuple[str, ...]] = (
        "mirror.gcr.io/library/nginx",
        "public.ecr.aws/nginx/nginx",
        "public.ecr.aws/docker/library/nginx",
        "registry.k8s.io/nginx",
        "registry.k8s.io/nginx-slim",
    )
    versions: ClassVar[tuple[str, ...]] = (
        *("latest", "stable", "mainline", "alpine", "1"),
        *releases(1, {7: 12, 8: 1, 9: 15, 10: 3, 11: 13, 12: 2}),
        *releases(1, {13: 12, 14: 2, 15: 12, 16: 1, 17: 10, 18: 0, 19: 10, 20: 2, 21: 6}),
        *releases(1, {22: 1, 23: 4, 24: 0, 25: 5, 26: 3, 27: 5, 28: 1, 29: 4}),
        *("0.8", "0.21", "0.24", "0.27"),  # of registry.k8s.io/nginx-slim
    )
    variants: ClassVar[tuple[str, ...]] = ("", "-alpine", "-bookworm", "-slim", "-perl", "-alpine-slim")
    size = 72_188_133
    entrypoint: ClassVar[tuple[str, ...]] = ("/docker-entrypoint.sh",)
    command: ClassVar[tuple[str, ...]] = ("nginx", "-g", "daemon off;")
    programs: ClassVar[tuple[str, ...]] = ("docker-entrypoint.sh", "nginx", "nginx-debug")
    absent: ClassVar[tuple[str, ...]] = ("wget", "nslookup", "nc", "httpd")
    ports: ClassVar[tuple[int, ...]] = (80,)
    files: ClassVar[Mapping[str, str]] = {
        f"{ROOT}/index.html": WELCOME,
        f"{ROOT}/50x.html": "<html><head><title>Error</title></head><body><h1>An error occurred.</h1></body></html>\n",
        "/etc/nginx/nginx.conf": "user  nginx;\nworker_processes  auto;\nhttp {\n    include /etc/nginx/conf.d/*.conf;\n}\n",
        "/etc/nginx/conf.d/default.conf": f"server {{\n    listen       80;\n    location / {{\n        root   {ROOT};\n    }}\n}}\n",
    }
    environment: ClassVar[Mapping[str, str]] = {"NGINX_VERSION": "1.27.0"}

    def start(self, process: Process) -> None:
        """Say what the entry point says."""
        process.log("/docker-entrypoint.sh: Configuration complete; ready for start up")
        process.log(f"{self._time(process, '%Y/%m/%d %H:%M:%S')} [notice] 1#1: start worker processes")

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """A file, and a line in the access log."""
        reply = static(process, ROOT, request.path)
        if reply.status == 404:
            reply = reply._replace(body=NOT_FOUND)
        when = self._time(process, "%d/%b/%Y:%H:%M:%S +0000")
        process.log(
            f'{request.source} - - [{when}] "{request.method} {request.path} HTTP/1.1" {reply.status} {len(reply.body)} "-" "-" "-"'
        )
        return reply

    def terminate(self, process: Process) -> None:
        """Finish at once."""
        process.log(f"{self._time(process, '%Y/%m/%d %H:%M:%S')} [notice] 1#1: exit")
        process.exit(0)

    @staticmethod
    def _time(process: Process, form: str) -> str:
        return datetime.fromtimestamp(process.now // SECOND, UTC).strftime(form)


class UnprivilegedNginx(Nginx):
    """The build that runs without root, on port 8080."""

    name = "nginxinc/nginx-unprivileged"
    aliases: ClassVar[tuple[str, ...]] = ()
    ports: ClassVar[tuple[int, ...]] = (8080,)
    root = False
