"""Every story here may ask for a small cluster: as it is, or with containers that do nothing."""

from tests.kubelet.story import hollow, story

__all__ = ["hollow", "story"]
