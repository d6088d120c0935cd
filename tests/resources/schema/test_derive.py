"""The committed type data is what derive.py makes of the package's schemas."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from k8snb.resources.schema import DATA, lookup, type_of, types
from k8snb.resources.schema.derive import derive


def schemas() -> Path | None:
    spec = importlib.util.find_spec("kubernetes_validate")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "kubernetes-json-schema"
    return folder if (folder / "v1.36.0-local").is_dir() else None


@pytest.mark.skipif(schemas() is None, reason="the package with the schemas of 1.36 is not installed")
def test_the_committed_data_is_derived() -> None:
    folder = schemas()
    assert folder is not None
    assert DATA.read_text(encoding="utf-8") == derive(folder)


def test_every_field_of_every_type_can_be_read() -> None:
    for name in types():
        found = lookup(name)
        assert found is not None
        for field in found.fields.values():
            assert field.type.go


def test_the_data_carries_no_prose() -> None:
    longest = max(len(line) for record in json.loads(DATA.read_text()).values() for line in record["fields"].values())
    assert longest < 200


def test_a_kind_that_no_server_has_has_no_type() -> None:
    assert type_of("apps", "v1", "Deploymet") is None
    assert lookup("io.k8s.api.core.v1.Nothing") is None
