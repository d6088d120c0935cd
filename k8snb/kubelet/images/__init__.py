"""The images that containers can run: one class each, listed in :data:`IMAGES` (:mod:`.known`), found through a :class:`Catalogue`."""

from __future__ import annotations

from k8snb.kubelet.images.catalogue import Catalogue
from k8snb.kubelet.images.generic import Generic
from k8snb.kubelet.images.image import Image
from k8snb.kubelet.images.known import IMAGES
from k8snb.kubelet.images.process import Process
from k8snb.kubelet.images.reference import Reference, parse_reference

__all__ = ["IMAGES", "Catalogue", "Generic", "Image", "Process", "Reference", "parse_reference"]
