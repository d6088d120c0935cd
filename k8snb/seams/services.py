"""What a component finds behind the seams: who implements them in this cluster. ``simulation`` fills it in."""

from __future__ import annotations

from dataclasses import dataclass, field

from k8snb.seams.csi import Driver


@dataclass(slots=True)
class Services:
    """The implementations, by seam."""

    drivers: dict[str, Driver] = field(default_factory=dict)  # CSI drivers that are simulated, by name; see k8snb.seams.csi
