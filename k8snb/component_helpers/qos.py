"""The quality of service class: see :mod:`k8snb.resources.common.qos`, where the API server needs it too."""

from __future__ import annotations

from k8snb.resources.common.qos import BEST_EFFORT, BURSTABLE, GUARANTEED, qos_class

__all__ = ["BEST_EFFORT", "BURSTABLE", "GUARANTEED", "qos_class"]
