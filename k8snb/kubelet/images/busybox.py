"""BusyBox: a shell and small tools; what one runs to look around in a cluster.

Models: the official image of BusyBox; ``curlimages/curl`` and Alpine beside it, which differ in what they have.
"""

from __future__ import annotations

from typing import ClassVar

from k8snb.kubelet.images.image import Image, releases


class Busybox(Image):
    """The official image. Its default command ``sh`` reads from a terminal that is not there, and ends at once."""

    name = "busybox"
    aliases: ClassVar[tuple[str, ...]] = (
        "registry.k8s.io/busybox",
        "gcr.io/google_containers/busybox",
        "mirror.gcr.io/library/busybox",
        "public.ecr.aws/docker/library/busybox",
        "registry.k8s.io/e2e-test-images/busybox",
    )
    versions: ClassVar[tuple[str, ...]] = (
        *("latest", "stable", "musl", "glibc", "uclibc", "1", "1.29-4", "1.36.1-1"),
        *releases(1, {24: 2, 25: 1, 26: 2, 27: 2, 28: 4, 29: 3, 30: 1, 31: 1, 32: 1, 33: 1, 34: 1, 35: 0, 36: 1, 37: 0}),
    )
    variants: ClassVar[tuple[str, ...]] = ("", "-musl", "-glibc", "-uclibc")
    size = 2_160_406
    command: ClassVar[tuple[str, ...]] = ("sh",)


class Alpine(Busybox):
    """Alpine Linux: BusyBox with a package manager, which is not simulated."""

    name = "alpine"
    aliases: ClassVar[tuple[str, ...]] = ("mirror.gcr.io/library/alpine", "public.ecr.aws/docker/library/alpine")
    versions: ClassVar[tuple[str, ...]] = (
        "latest",
        "edge",
        "3",
        *(f"3.{minor}" for minor in range(1, 24)),
        "3.18.4",
        "3.19.1",
        "3.20.3",
        "3.21.3",
    )
    variants: ClassVar[tuple[str, ...]] = ("",)
    size = 3_646_000
    command: ClassVar[tuple[str, ...]] = ("/bin/sh",)


class Curl(Busybox):
    """curl, with the small tools of Alpine."""

    name = "curlimages/curl"
    aliases: ClassVar[tuple[str, ...]] = ("quay.io/curl/curl",)
    versions: ClassVar[tuple[str, ...]] = (
        "latest",
        *(f"{major}.{minor}.{patch}" for major, minors in ((7, range(70, 89)), (8, range(22))) for minor in minors for patch in (0, 1)),
    )
    variants: ClassVar[tuple[str, ...]] = ("",)
    size = 9_600_000
    root = False
    absent: ClassVar[tuple[str, ...]] = ("bash",)
    command: ClassVar[tuple[str, ...]] = ("curl",)
