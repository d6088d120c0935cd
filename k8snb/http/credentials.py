"""Who may talk to the endpoint, and how a client learns of it: a token, a certificate authority of its own, a kubeconfig.

The certificate authority is made when the endpoint starts and its key never leaves memory. TLS from the start, because over plain
HTTP kubectl sends no token.
"""

from __future__ import annotations

import base64
import os
import secrets
import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import trustme
import yaml

NAME = "k8snb"


@dataclass(frozen=True)
class Credentials:
    """A fresh authority, a certificate for loopback, and a bearer token."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    authority: trustme.CA = field(default_factory=lambda: trustme.CA(organization_name=NAME), repr=False)

    def server_context(self) -> ssl.SSLContext:
        """TLS for the server, with a certificate for ``127.0.0.1`` and ``localhost``."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        return context

    def kubeconfig(self, port: int) -> str:
        """A kubeconfig with one context that points at the endpoint."""
        authority = base64.b64encode(self.authority.cert_pem.bytes()).decode()
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": NAME, "preferences": {},
            "clusters": [{"name": NAME, "cluster": {"server": f"https://127.0.0.1:{port}", "certificate-authority-data": authority}}],
            "users": [{"name": NAME, "user": {"token": self.token}}],
            "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME, "namespace": "default"}}],
        }  # fmt: skip
        return yaml.safe_dump(config, sort_keys=False)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, and put it into the place of what was there: whoever has that open, or has laid a
    link there, reads nothing of it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # readable by its owner from its first moment
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(beside, path)
    except OSError:
        Path(beside).unlink(missing_ok=True)
        raise
