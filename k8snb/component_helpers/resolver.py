"""A pod's side of DNS: its resolv.conf, and the names that it tries one after the other.

    web                    fewer than five dots: first web.shop.svc.cluster.local, then the other suffixes, at last as it stands
    web.shop.svc.cluster.local.    a dot at the end: as it stands, nothing else

Models: resolv.conf(5), pkg/kubelet/network/dns/dns.go (GetPodDNS, generateSearchesForDNSClusterFirst).
Simplified: a node's own resolv.conf names a server that knows no names of the cluster.
"""

from __future__ import annotations

from typing import NamedTuple

from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, Object, dig
from k8snb.apimachinery.strconv import integer

ADDRESS = "10.96.0.10"  # of cluster DNS
NODE_SERVER = "192.168.0.53"  # what the resolv.conf of nodes names
DOMAIN = "cluster.local"
NDOTS = 5
_MOST_SEARCHES, _MOST_SERVERS = 32, 3


class Resolver(NamedTuple):
    """A pod's resolv.conf: where it asks, which suffixes it tries, and from how many dots on a name is taken as it stands."""

    nameservers: tuple[str, ...]
    search: tuple[str, ...] = ()
    ndots: int = 1
    options: tuple[str, ...] = ()  # the others, as they are written

    @property
    def text(self) -> str:
        """The file."""
        lines = [f"search {' '.join(self.search)}"] if self.search else []
        lines += [f"nameserver {address}" for address in self.nameservers]
        options = [*([f"ndots:{self.ndots}"] if self.ndots != 1 else []), *self.options]
        return "\n".join([*lines, *([f"options {' '.join(options)}"] if options else [])]) + "\n"


def search_path(namespace: str) -> list[str]:
    """Where a pod of that namespace looks for short names."""
    return [f"{namespace}.svc.{DOMAIN}", f"svc.{DOMAIN}", DOMAIN] if namespace else []


def cluster_first(namespace: str) -> Resolver:
    """The resolv.conf of an ordinary pod."""
    return Resolver((ADDRESS,), tuple(search_path(namespace)), NDOTS)


def resolver_of(pod: Object) -> Resolver:
    """The resolv.conf that a kubelet makes from ``dnsPolicy`` and ``dnsConfig``."""
    spec, namespace = pod["spec"], pod["metadata"]["namespace"]
    policy = spec.get("dnsPolicy", "ClusterFirst")
    if policy == "ClusterFirst" and spec.get("hostNetwork"):
        policy = "Default"  # a pod in its node's network asks as its node does, unless it says ClusterFirstWithHostNet
    base = {"None": Resolver(()), "Default": Resolver((NODE_SERVER,))}.get(policy) or cluster_first(namespace)
    config = spec.get("dnsConfig") or EMPTY_DICT
    servers = dict.fromkeys([*base.nameservers, *(config.get("nameservers") or EMPTY_LIST)])
    searches = dict.fromkeys([*base.search, *(config.get("searches") or EMPTY_LIST)])
    ndots, options = base.ndots, []
    for option in dig(config, "options", EMPTY_LIST):
        name, value = option.get("name", ""), option.get("value")
        if name == "ndots" and (number := integer(value)) is not None:
            ndots = number
        else:
            options.append(f"{name}:{value}" if value is not None else name)
    return Resolver(tuple(servers)[:_MOST_SERVERS], tuple(searches)[:_MOST_SEARCHES], ndots, tuple(options))


def candidates(name: str, resolver: Resolver) -> list[str]:
    """The full names that a client tries, in order.

    >>> candidates("web.shop", cluster_first("default"))[1]
    'web.shop.svc.cluster.local'
    """
    if name.endswith("."):
        return [name[:-1]]
    searched = [f"{name}.{suffix}" for suffix in resolver.search]
    return [*searched, name] if name.count(".") < resolver.ndots else [name, *searched]


def own_resolver(pod: Object) -> Resolver | None:
    """The resolv.conf of a pod that does not look names up as ordinary pods do; None for the ordinary ones."""
    spec = pod["spec"]
    ordinary = spec.get("dnsPolicy", "ClusterFirst") == "ClusterFirst" and not spec.get("dnsConfig") and not spec.get("hostNetwork")
    return None if ordinary else resolver_of(pod)
