"""Image references: ``nginx``, ``nginx:1.27``, ``registry.example.com:5000/team/app@sha256:...``.

A name without a registry means Docker Hub, a name without a slash its ``library``; no tag means ``latest``. Which registries
can be reached is a table: on invented hosts every lookup fails, as it would in a real cluster.

Models: github.com/distribution/reference (normalize.go).
"""

from __future__ import annotations

import functools
import hashlib
import re
from typing import NamedTuple

PUBLIC = (
    "docker.io", "registry.k8s.io", "k8s.gcr.io", "gcr.io", "quay.io", "ghcr.io", "mcr.microsoft.com", "public.ecr.aws", "mirror.gcr.io",
    "registry.gitlab.com", "docker.elastic.co", "registry.access.redhat.com", "nvcr.io", "cgr.dev",
    "docker.l5d.io", "cr.l5d.io", "registry.istio.io", "docker.redpanda.com", "icr.io",
)  # fmt: skip
"""Registries that can be reached without a login."""

_PUBLIC_SUFFIXES = (".pkg.dev", ".gcr.io", ".icr.io")


HUB = "docker.io"
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d+)?")
_PATH = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+|/)[a-z0-9]+)*")
_TAG = re.compile(r"\w[\w.-]{0,127}")
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")


class Reference(NamedTuple):
    """A reference in full. ``repository`` includes the registry: ``docker.io/library/nginx``."""

    repository: str
    tag: str
    digest: str

    @property
    def registry(self) -> str:
        """The registry's host."""
        return self.repository.partition("/")[0]

    @property
    def full(self) -> str:
        """As a container runtime prints it: ``docker.io/library/nginx:1.27``."""
        return f"{self.repository}@{self.digest}" if self.digest else f"{self.repository}:{self.tag}"

    @property
    def id(self) -> str:
        """The image's identity, as a status shows it: repository and digest."""
        return _identity(self.full, self.repository, self.digest)

    @property
    def public(self) -> bool:
        """Whether its registry can be reached."""
        return _is_public(self.registry)


@functools.lru_cache(maxsize=4096)
def _identity(full: str, repository: str, digest: str) -> str:
    return f"{repository}@{digest or 'sha256:' + hashlib.sha256(full.encode()).hexdigest()}"


@functools.lru_cache(maxsize=4096)
def _is_public(registry: str) -> bool:
    return registry in PUBLIC or registry.endswith(_PUBLIC_SUFFIXES)


@functools.lru_cache(maxsize=4096)
def parse_reference(text: str) -> Reference:
    """A reference in its full form. Raises ``ValueError`` where it is malformed.

    >>> parse_reference("nginx:1.27").full, parse_reference("bitnami/redis").full, parse_reference("docker.io/redis").full
    ('docker.io/library/nginx:1.27', 'docker.io/bitnami/redis:latest', 'docker.io/library/redis:latest')
    """
    name, at, digest = text.partition("@")
    head, slash, last = name.rpartition("/")
    last, colon, tag = last.partition(":")
    host, path = _split_host(f"{head}{slash}{last}")
    if path != path.lower() and _PATH.fullmatch(path.lower()):
        raise ValueError(f"invalid reference format: repository name ({path}) must be lowercase")
    if not (_HOST.fullmatch(host) and _PATH.fullmatch(path)):
        raise ValueError("invalid reference format")
    if (colon and not _TAG.fullmatch(tag)) or (at and not _DIGEST.fullmatch(digest)):
        raise ValueError("invalid reference format")
    return Reference(f"{host}/{path}", tag or "latest", digest)


def _split_host(name: str) -> tuple[str, str]:
    """Registry and path. Docker Hub is meant where nothing looks like a host, and its ``library`` where there is one word."""
    host, slash, path = name.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost" or host != host.lower()):
        host, path = HUB, name
    host = HUB if host == "index.docker.io" else host
    return host, f"library/{path}" if host == HUB and "/" not in path else path
