"""Where the browser half of a widget is: ``widgets/`` at the top of the repository, or inside the package in a wheel."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def asset(name: str) -> Path:
    """The ES module or style sheet of this name. Raises ``FileNotFoundError`` where the installation is incomplete."""
    for folder in (PACKAGE / "widgets" / "static", PACKAGE.parent / "widgets"):
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"the browser half {name} is missing from this installation of k8snb")
