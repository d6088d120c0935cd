"""The images on a node's disk: which are used, which may go.

Every five minutes: at 85 % of the disk in use (a part of a percent counts as a whole one), unused images are removed, the one that
was used longest ago first, until 80 % are reached; an image younger than two minutes stays. Under DiskPressure all unused images go
at once.

Models: pkg/kubelet/images/image_gc_manager.go.
Simplified: an image counts as used while a container of it exists; its last use is noted with each look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8snb.kubelet.node import reference

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet


def detect(kubelet: Kubelet) -> set[str]:
    """Note which images are there and when they were used last; gives those in use."""
    own, now = kubelet.own, kubelet.kernel.now
    in_use = {c.image for state in kubelet.own.pods.values() for c in state.containers.values() if c.image and state.sandbox != "gone"}
    present = kubelet.runtime.images()
    for image in list(own.images):
        if image not in present:
            del own.images[image]
    for image in present:
        first, last = own.images.get(image, (now, 0))
        own.images[image] = (first, now if image in in_use else last)
    return in_use


def collect(kubelet: Kubelet, capacity: int, used: int) -> None:
    """The regular look. ``capacity`` and ``used``: of the disk (bytes)."""
    in_use = detect(kubelet)
    available = capacity - used
    if not capacity or 100 - 100 * available // capacity < kubelet.settings.image_high:
        return
    wanted = capacity * (100 - kubelet.settings.image_low) // 100 - available
    freed = _remove(kubelet, in_use, wanted)
    if freed < wanted:
        tried = f"Attempted to free {wanted} bytes, but only found {freed} bytes eligible to free."
        text = f"Failed to garbage collect required amount of images. {tried}"
        kubelet.recorder.event(reference(kubelet.node_name), "Warning", "FreeDiskSpaceFailed", text)


def remove_all_unused(kubelet: Kubelet) -> None:
    """What disk pressure asks for."""
    _remove(kubelet, detect(kubelet), None)


def _remove(kubelet: Kubelet, in_use: set[str], wanted: int | None) -> int:
    """Remove unused images, the least recently used first, until ``wanted`` bytes are free (None: all); the bytes freed."""
    freed, own, now = 0, kubelet.own, kubelet.kernel.now
    for image, (first, _last) in sorted(own.images.items(), key=lambda item: (item[1][1], item[1][0], item[0])):
        if wanted is not None and freed >= wanted:
            break
        if image in in_use or now - first < kubelet.settings.image_age:
            continue
        freed += kubelet.runtime.images()[image]
        kubelet.runtime.remove_image(image)
        del own.images[image]
    return freed
