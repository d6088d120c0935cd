"""Words for stories about pods with scratch disks."""

from tests.storage.world import user_of

CLAIMS = "persistentvolumeclaims"


def with_scratch(name="app", **spec):
    """A pod with a disk of its own, for as long as it lives."""
    template = {"spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}}}
    pod = user_of(name=name, **spec)
    pod["spec"]["volumes"] = [{"name": "disk", "ephemeral": {"volumeClaimTemplate": template}}]
    return pod
