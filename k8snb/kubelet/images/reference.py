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
        digest = self.digest or "sha256:" + hashlib.sha256(self.full.encode()).hexdigest()
        return f"{self.repository}@{digest}"

    @property
    def public(self) -> bool:
        """Whether its registry can be reached."""
        return self.registry in PUBLIC or self.registry.endswith(_PUBLIC_SUFFIXES)


@functools.lru_cache(maxsize=4096)
def parse_reference(text: str) -> Reference:
    """A reference in its full form. Raises ``ValueError`` where it is malformed.

    >>> parse_reference("nginx:1.27").full, parse_reference("bitnami/redis").full
    ('docker.io/library/nginx:1.27', 'docker.io/bitnami/redis:latest')
    """
    name, _, digest = text.partition("@")
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    name = f"{head}{slash}{last}"
    if not re.fullmatch(r"(?:[A-Za-z0-9.-]+(?::\d+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*", name) or (
        tag and not re.fullmatch(r"\w[\w.-]{0,127}", tag)
    ):
        raise ValueError("invalid reference format")
    host, slash, rest = name.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, rest = "docker.io", name if slash else f"library/{name}"
    return Reference(f"{host}/{rest}", tag or "latest", digest)
