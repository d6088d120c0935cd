"""For all tests: ``--rewrite``, the one flag that rewrites expected outputs ("goldens"), and the fixture that compares with them."""

from collections.abc import Callable
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--rewrite``."""
    parser.addoption("--rewrite", action="store_true", help="write what is said now into the goldens, to be read as a diff")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """``golden(path, text)``: the file must say ``text``; with ``--rewrite`` it does from now on."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--rewrite"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        assert path.is_file(), f"{path.name} does not exist yet: pytest --rewrite"
        assert path.read_text(encoding="utf-8") == text

    return compare
