"""For all tests: ``--rewrite``, the one flag that rewrites expected outputs ("goldens"), and the fixture that compares with them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from k8snb.apimachinery.decode import decode
from k8snb.apimachinery.objects import freeze, thaw
from k8snb.apiserver import decode as server_decode


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


def _checked(schema: Any, body: Any) -> Any:
    anew = decode(schema, freeze(thaw(body)))  # a copy: nothing is remembered on it
    assert (anew.value, anew.strict_errors) == (body, ()), f"a component wrote {body['kind']} in another form than decoding gives"
    return body


@pytest.fixture(autouse=True, scope="session")
def components_write_what_decoding_gives() -> Iterator[None]:
    """The server does not decode what typed clients send: here, in every test, it is compared with what decoding gives."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server_decode, "of_typed_client", _checked)
        yield
