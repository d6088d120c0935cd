"""The images that containers can run: one class each, listed in ``IMAGES``.

To add one, write a subclass of :class:`Image` in a file of its own and put it into the tuple. Learners add theirs to a
:class:`Catalogue` while the cluster runs.
"""

from __future__ import annotations

from k8snb.kubelet.images.busybox import Alpine, Busybox, Curl
from k8snb.kubelet.images.demo import Crasher, Echo, Pause, SlowStarter, Web
from k8snb.kubelet.images.generic import Generic
from k8snb.kubelet.images.hello import Agnhost, Bootcamp, HelloApp, Httpd
from k8snb.kubelet.images.image import Image
from k8snb.kubelet.images.ingress_nginx import IngressNginx
from k8snb.kubelet.images.load_generator import LoadGenerator
from k8snb.kubelet.images.nginx import Nginx, UnprivilegedNginx
from k8snb.kubelet.images.process import Process
from k8snb.kubelet.images.reference import Reference, parse_reference

IMAGES: tuple[type[Image], ...] = (
    Httpd, HelloApp, Bootcamp, Agnhost,
    Nginx, UnprivilegedNginx, Busybox, Alpine, Curl, Crasher, Web, SlowStarter, Echo, Pause, LoadGenerator, IngressNginx,
)  # fmt: skip


class Catalogue:
    """The images that exist in this cluster's world. Code, not state: a fork shares it."""

    def __init__(self, images: tuple[type[Image], ...] = IMAGES):
        self.generic = Generic()
        self._images: dict[str, Image] = {}
        for image in images:
            self.add(image)

    def add(self, image: type[Image]) -> None:
        """Make an image known; one of the same name is replaced.

        Raises ``ValueError`` for an image without a proper name.
        """
        made = image()
        for name in (image.name, *image.aliases):
            self._images[parse_reference(name).repository] = made

    def find(self, reference: Reference) -> Image | None:
        """The image behind a reference: the catalogued one, or the generic one; None where the version does not exist."""
        known = self._images.get(reference.repository, self.generic)
        return known if known.has(reference) else None


__all__ = ["IMAGES", "Catalogue", "Generic", "Image", "Process", "Reference", "parse_reference"]
