"""Every image that is simulated, one line a family. To add one, write a subclass of :class:`Image` and name it here."""

from __future__ import annotations

from k8snb.kubelet.images.agents import AGENTS
from k8snb.kubelet.images.agnhost import Agnhost
from k8snb.kubelet.images.bases import BASES
from k8snb.kubelet.images.demo import DEMO
from k8snb.kubelet.images.echo import ECHO
from k8snb.kubelet.images.guestbook import APPLICATIONS
from k8snb.kubelet.images.hello import HELLO
from k8snb.kubelet.images.image import Image
from k8snb.kubelet.images.ingress_nginx import IngressNginx
from k8snb.kubelet.images.load_generator import LoadGenerator
from k8snb.kubelet.images.nginx import Nginx, UnprivilegedNginx
from k8snb.kubelet.images.redis import Redis, RedisFollower
from k8snb.kubelet.images.servers import SERVERS
from k8snb.kubelet.images.shop import SHOP
from k8snb.kubelet.images.sql import MariaDB, MySQL, Postgres
from k8snb.kubelet.images.stress import STRESS

IMAGES: tuple[type[Image], ...] = (
    Nginx, UnprivilegedNginx, *HELLO, *ECHO, Agnhost, *BASES, Redis, RedisFollower, Postgres, MySQL, MariaDB, *SERVERS, *APPLICATIONS,
    *SHOP, *STRESS, *AGENTS, *DEMO, LoadGenerator, IngressNginx,
)  # fmt: skip
