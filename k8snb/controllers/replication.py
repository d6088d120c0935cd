"""ReplicationController: the elder of ReplicaSet, and the same loop. Its selector is a plain map of labels.

Models: pkg/controller/replication/replication_controller.go (upstream, too, it is an adapter around the ReplicaSet controller).
"""

from __future__ import annotations

from k8snb.client.controller import Watches, owned_by
from k8snb.controllers.adoption import ownership
from k8snb.controllers.pod_control import matching_orphan_owners
from k8snb.controllers.replicaset import ReplicaSetController


class ReplicationController(ReplicaSetController):
    """The ReplicaSet loop over ReplicationControllers."""

    name = "replication"
    kind = "ReplicationController"
    resource = "replicationcontrollers"
    watches = (
        Watches("replicationcontrollers"),
        Watches("pods", owned_by("ReplicationController")),
        Watches("pods", matching_orphan_owners),
    )
    indexes = ownership("pods") + ownership("replicationcontrollers")
