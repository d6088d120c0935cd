"""The images of one node, and how they come there: the other half of a container runtime.

A pull asks the image's registry (:mod:`k8snb.kubelet.registries`) and takes a time that grows with the image's size.

Models: the image service of containerd's CRI plugin, and its sentences for what can go wrong.
Simplified: layers are not shared between images; a pull takes the same time however many run.
"""

from __future__ import annotations

from collections.abc import Mapping

from k8snb.kubelet.images import Catalogue, Image, parse_reference
from k8snb.kubelet.images.reference import Reference
from k8snb.kubelet.registries import Credential, Registries, exists, refusal
from k8snb.seams.cri import Pull
from k8snb.sim.clock import LATENCY, MILLISECOND, SECOND
from k8snb.sim.state import Shelf

ORDINARY_SIZE = 70_000_000  # bytes, which take LATENCY["image pull"]
REGISTRY_ANSWER = 250 * MILLISECOND  # until a registry says that it does not have something
PATIENCE = 30 * SECOND  # with a registry that does not answer
DENIED = (
    "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed"
)


class ImageStore:
    """The image half of :class:`k8snb.seams.cri.Runtime`. ``disk``: full reference -> bytes."""

    def __init__(self, disk: Shelf, catalogue: Catalogue, registries: Registries):
        self.disk, self.catalogue, self.registries = disk, catalogue, registries

    def _find(self, reference: Reference) -> Image | None:
        """What is behind a reference; None where no registry has it."""
        return self.catalogue.find(self.registries.behind(reference))

    def image_of(self, image: str) -> Image:
        """The code behind an image that is there."""
        return self._find(parse_reference(image)) or self.catalogue.generic

    def image_present(self, image: str) -> bool:
        """Whether the node has it. Raises ``ValueError`` for a malformed reference."""
        return parse_reference(image).full in self.disk

    def image_id(self, image: str) -> str:
        """Repository and digest."""
        return parse_reference(image).id

    def image_name(self, image: str) -> str:
        """The full reference, as containerd reports it."""
        return parse_reference(image).full

    def images(self) -> Mapping[str, int]:
        """What is on the disk."""
        return self.disk

    def remove_image(self, image: str) -> None:
        """Delete it from the disk."""
        self.disk.pop(image, None)

    def simulated(self, image: str) -> bool:
        """Whether it is in the catalogue."""
        found = self._find(parse_reference(image))
        return found is not None and not found.generic

    def image_user(self, image: str) -> str | None:
        """The image's own user, as far as the catalogue knows."""
        return self.image_of(image).user

    def pull(self, image: str, credentials: tuple[tuple[str, str, str], ...] = ()) -> Pull:
        """What the registry will say."""
        reference = parse_reference(image)
        registry, full = self.registries.of(reference), reference.full
        failed = f'failed to pull and unpack image "{full}": failed to resolve reference "{full}": '
        refused = refusal(registry, reference, tuple([Credential(*one) for one in credentials]))
        if refused or registry is None:
            patience = PATIENCE if registry is not None and registry.down else REGISTRY_ANSWER
            return Pull(patience, error=failed + refused)
        behind = self.registries.behind(reference)
        if not exists(behind, simulated=f"{behind.repository}:x" in self.catalogue):
            return Pull(REGISTRY_ANSWER, error=failed + DENIED)
        found = self.catalogue.find(behind)
        if found is None:
            return Pull(REGISTRY_ANSWER, error=f"rpc error: code = NotFound desc = {failed}{full}: not found")
        if full in self.disk:
            return Pull(REGISTRY_ANSWER, found.size)
        return Pull(max(REGISTRY_ANSWER, LATENCY["image pull"] * found.size // ORDINARY_SIZE) * registry.slow, found.size)

    def pulled(self, image: str) -> None:
        """It is on the disk now."""
        reference = parse_reference(image)
        found = self._find(reference)
        self.disk[reference.full] = found.size if found else 0
