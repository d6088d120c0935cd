"""All controllers of kube-controller-manager, in the order in which it starts them. A new one is one line here."""

from __future__ import annotations

from typing import Final

from k8snb.client.controller import Controller
from k8snb.controllers.deployment.controller import DeploymentController
from k8snb.controllers.namespace_defaults import RootCertificatePublisher, ServiceAccountController
from k8snb.controllers.replicaset import ReplicaSetController

CONTROLLERS: Final[tuple[type[Controller], ...]] = (
    ServiceAccountController,
    RootCertificatePublisher,
    DeploymentController,
    ReplicaSetController,
)
