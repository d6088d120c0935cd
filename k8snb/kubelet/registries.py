"""Registries: the world outside of the cluster that images come from.

    public         the well-known ones, and Docker Hub; everything on them can be pulled by anybody
    private        one that a learner declares: only with its user and password
    unreachable    one that is down; and every host that nobody has declared (its name cannot be resolved)
    limited        answers 429: too many pulls

A private registry has copies of the images of Docker Hub under the same names: ``registry.example.com/nginx:1.27``. What does
not exist anywhere: other tags of a simulated image, repositories whose name says so (``does-not-exist``, ``no-such-image``), and
on Docker Hub what would be an official image and is none (``nginxx``).

Models: what containerd says of a registry's answers (remotes/docker).
Simplified: one user a registry; nobody pushes.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from k8snb.kubelet.images.reference import HUB, Reference
from k8snb.sim.state import Shelf

_NO_SUCH = re.compile(r"(?:^|[/._-])(?:no-?such|does-?not-?exist|doesnt-?exist|non-?existent|non-?existing|not-?exist(?:ing)?|not-?found)")
OFFICIAL = frozenset({
    "adminer", "aerospike", "almalinux", "alpine", "amazoncorretto", "amazonlinux", "api-firewall", "arangodb", "archlinux", "backdrop",
    "bash", "bonita", "buildpack-deps", "busybox", "caddy", "cassandra", "centos", "chronograf", "cirros", "clearlinux", "clefos",
    "clickhouse", "clojure", "composer", "consul", "convertigo", "couchbase", "couchdb", "crate", "dart", "debian", "docker", "drupal",
    "eclipse-mosquitto", "eclipse-temurin", "eggdrop", "elasticsearch", "elixir", "emqx", "erlang", "express-gateway", "fedora",
    "flink", "fluentd", "friendica", "gazebo", "gcc", "geonetwork", "ghost", "golang", "gradle", "groovy", "haproxy", "haskell",
    "hello-world", "hitch", "httpd", "hylang", "ibmjava", "influxdb", "irssi", "java", "jenkins", "jetty", "jobber", "joomla", "jruby",
    "julia", "kapacitor", "kibana", "kong", "krakend", "lightstreamer", "liquibase", "logstash", "mageia", "mariadb", "matomo", "maven",
    "mediawiki", "memcached", "mongo", "mongo-express", "monica", "mysql", "nats", "nats-streaming", "neo4j", "neurodebian",
    "nextcloud", "nginx", "node", "notary", "odoo", "open-liberty", "openjdk", "oraclelinux", "orientdb", "percona", "perl", "photon",
    "php", "php-zendserver", "phpmyadmin", "plone", "postfixadmin", "postgres", "pypy", "python", "r-base", "rabbitmq", "rakudo-star",
    "redis", "redmine", "registry", "rethinkdb", "rockylinux", "ros", "ruby", "rust", "sapmachine", "satosa", "scratch", "silverpeas",
    "solr", "sonarqube", "spark", "spiped", "storm", "swift", "swipl", "telegraf", "tomcat", "tomee", "traefik", "ubuntu", "unit",
    "varnish", "vault", "websphere-liberty", "wordpress", "xwiki", "yourls", "znc", "zookeeper"
})  # fmt: skip
"""The official images of Docker Hub: a name without a slash is one of these, or does not exist."""


class Credential(NamedTuple):
    """A login from a Secret: the registry (perhaps with a path, perhaps with ``*`` in its host), user and password."""

    registry: str
    user: str
    password: str

    def fits(self, reference: Reference) -> bool:
        """Whether the kubelet would offer it for that image: same host (by parts), and its path begins the repository's."""
        host, _, path = re.sub(r"^https?://", "", self.registry).removesuffix("/").partition("/")
        host = HUB if host == "index.docker.io" else host
        path = re.sub(r"^v[12]$", "", path)
        ours, theirs = host.split("."), reference.registry.split(".")
        same = len(ours) == len(theirs) and all(
            fnmatch.fnmatchcase(word, part) for part, word in zip(ours, theirs, strict=True)
        )
        return same and reference.repository.partition("/")[2].startswith(path)


class Registry(NamedTuple):
    """What was declared of one registry. ``user`` empty: everybody may pull."""

    user: str = ""
    password: str = ""
    down: bool = False
    limited: bool = False
    slow: int = 1  # so many times as long as usual


_ORDINARY = Registry()


@dataclass(slots=True)
class Registries:
    """All that was declared, by host. Anything else is as it is in the world."""

    known: Shelf = field(default_factory=Shelf)

    def of(self, reference: Reference) -> Registry | None:
        """The registry of an image; None where no such host exists."""
        found: Registry | None = self.known.get(reference.registry)
        return found or (_ORDINARY if reference.public else None)

    def behind(self, reference: Reference) -> Reference:
        """The image of Docker Hub that a declared registry has a copy of; for others the image itself."""
        if reference.public or reference.registry not in self.known:
            return reference
        path = reference.repository.partition("/")[2]
        return reference._replace(repository=f"{HUB}/{path if '/' in path else f'library/{path}'}")


def refusal(registry: Registry | None, reference: Reference, credentials: tuple[Credential, ...]) -> str:
    """Why the registry does not even look for the image; empty: it looks. The text follows ``failed to resolve reference``."""
    host, path = reference.registry, reference.repository.partition("/")[2]
    url = f"https://{'registry-1.docker.io' if host == HUB else host}/v2/{path}/manifests/{reference.digest or reference.tag}"
    head = f'failed to do request: Head "{url}": '
    if registry is None:
        return f"{head}dial tcp: lookup {host.partition(':')[0]}: no such host"
    if registry.down:
        port = "" if ":" in host else ":443"
        return f"{head}dial tcp {'registry-1.docker.io' if host == HUB else host}{port}: i/o timeout"
    if registry.limited:
        what = "toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit"
        return (
            f"unexpected status from HEAD request to {url}: 429 Too Many Requests\n{what}"
            if host == HUB
            else f"unexpected status from HEAD request to {url}: 429 Too Many Requests"
        )
    if not registry.user:
        return ""
    offered = [credential for credential in credentials if credential.fits(reference)]
    if not offered:
        return "pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials"
    if not any((one.user, one.password) == (registry.user, registry.password) for one in offered):
        return f"unexpected status from HEAD request to {url}: 401 Unauthorized"
    return ""


def exists(reference: Reference, *, simulated: bool) -> bool:
    """Whether there is such a repository in the world at all."""
    if simulated:
        return True
    path = reference.repository.partition("/")[2]
    if _NO_SUCH.search(path):
        return False
    name = path.removeprefix("library/")
    return reference.registry != HUB or name == path or name in OFFICIAL
