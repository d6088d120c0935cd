"""The kinds. One file for each, exporting ``RESOURCE``; one line for each here, and it is served.

``RESOURCES`` holds everything that a real 1.36 server serves, in its discovery order. A kind without a line in ``OWN`` is
served from data alone: typed, stored, listed and watched, without behaviour (``simulated=False``).
"""

from __future__ import annotations

from k8snb.resources.discovery import complete

OWN = ()

RESOURCES = complete(OWN)
