"""Why a volume is not mounted: it failed, it could not even be looked at, or something has to come first."""

from __future__ import annotations


class MountError(Exception):
    """Mounting failed; the kubelet says so and tries again after a back-off. ``name``: the volume's, or its PersistentVolume's."""

    def __init__(self, name: str, why: str, step: str = "SetUp"):
        super().__init__(f'MountVolume.{step} failed for volume "{name}" : {why}')


class Unprocessed(Exception):
    """The volume's objects are not as they must be: no claim, or one that is not bound."""


class Attaching(Exception):
    """The volume is not attached to this node yet; the Node's status will say when it is."""
