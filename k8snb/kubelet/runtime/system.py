"""What surrounds a container's process: the clock, and the network as its pod sees it. Implements
:class:`k8snb.kubelet.images.process.System`.
"""

from __future__ import annotations

import re

from k8snb.seams.cni import Answer, Connection, Headers, HTTPResponse, Network, Source, header
from k8snb.seams.cri import ContainerConfig
from k8snb.sim.kernel import Kernel

LOOPBACK = ("127.0.0.1", "::1")


class ContainerSystem:
    """The surroundings of a process: the clock, and the network seen from its pod."""

    def __init__(self, kernel: Kernel, network: Network, config: ContainerConfig, node: str, hosts: str):
        self._kernel, self._network, self._id = kernel, network, f"container/{config.namespace}/{config.pod}/{config.name}"
        self.now = kernel.now  # it is made for one call, in which time stands still
        self._hosts = hosts  # the text of /etc/hosts
        self._source = Source(node, config.namespace, config.pod, config.address)

    def _address(self, host: str) -> str:
        """What /etc/hosts says of a name, else the name. The loopback interface is shared by the containers of the pod."""
        for line in self._hosts.splitlines():
            address, *names = line.split() or [""]
            if host in (address, *names):
                return self._source.address if address in LOOPBACK else address
        return host

    def resolve(self, name: str, kind: str = "A") -> Answer:
        """Ask cluster DNS."""
        return self._network.resolve(name, self._source, kind)

    def connect(self, host: str, port: int) -> Connection:
        """Open a connection to a name or an address."""
        return self._network.dial(self._address(host), port, self._source)

    def http(
        self, url: str, method: str = "GET", timeout: int = 0, *, headers: Headers = (), body: str = "", trust: str = "",
    ) -> HTTPResponse:  # fmt: skip
        """Send a request."""
        scheme, slashes, rest = url.rpartition("://") if "://" in url else ("", "", url)
        host = re.split(r"[/:?]", rest, maxsplit=1)[0]
        address = self._address(host)
        if address == host:
            return self._network.http(url, self._source, method=method, timeout=timeout, headers=headers, body=body, trust=trust)
        headers = headers if header(headers, "host") else (("Host", host), *headers)
        url = f"{scheme}{slashes}{address}{rest[len(host) :]}"
        answer = self._network.http(url, self._source, method=method, timeout=timeout, headers=headers, body=body, trust=trust)
        return answer._replace(address="127.0.0.1") if address == self._source.address else answer

    def fraction(self) -> float:
        """A drawn number."""
        return self._kernel.rng(self._id).fraction()
