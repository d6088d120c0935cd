"""The atomic writer: all files of a volume change at one instant, by turning one link.

    1  write the new files into a new directory     ..2026_01_01_00_01_07.2118736142/color
    2  turn the link                                 ..data -> ..2026_01_01_00_01_07.2118736142
    3  remove the old directory

A reader sees the old files or the new ones, never some of each. What a container has mounted by ``subPath`` is a file of the
old directory, and stays so: it does not go through the link.

Models: pkg/volume/util/atomic_writer.go.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

from k8snb.kubelet.images.files import Entry, File, Link
from k8snb.sim.clock import SECOND

DATA = "..data"


def tree(payload: Mapping[str, File], now: int, seed: str) -> dict[str, Entry]:
    """The tree that shows these files, written now. ``seed`` makes the directory's last digits."""
    directory = directory_name(now, seed)
    found: dict[str, Entry] = {f"{directory}/": File("", 0o755, now)}
    for path, file in payload.items():
        found[f"{directory}/{path}"] = File(file.text, file.mode, now, file.zeros, file.user, file.group)
    found[DATA] = Link(directory, now)
    for name in dict.fromkeys([path.partition("/")[0] for path in payload]):
        found[name] = Link(f"{DATA}/{name}", now)
    return found


def directory_name(now: int, seed: str) -> str:
    """``..2026_01_01_00_00_03.1187361420``: the time, and digits that no two directories share."""
    return f"{_day_and_time(now // SECOND)}.{int(hashlib.sha256(f'{seed}/{now}'.encode()).hexdigest()[:8], 16)}"


@functools.lru_cache(maxsize=4096)
def _day_and_time(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("..%Y_%m_%d_%H_%M_%S")
