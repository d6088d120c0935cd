"""Where the API server stands: the address and the port behind the Service ``kubernetes``, the names in its certificate, and the
certificate authority that every Pod is given.

Models: pkg/controlplane/instance.go; kubeadm's certificate for the API server (its alternative names).
"""

from __future__ import annotations

from typing import Final

ADDRESS: Final = "192.168.0.10"
PORT: Final = 16443
SERVICE_ADDRESS: Final = "10.96.0.1"
AUTHORITY: Final = (
    "-----BEGIN CERTIFICATE-----\nk8snb has no certificates: this stands for the cluster's root CA\n-----END CERTIFICATE-----\n"
)
NAMES: Final = (
    "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", SERVICE_ADDRESS, ADDRESS,
)  # fmt: skip
