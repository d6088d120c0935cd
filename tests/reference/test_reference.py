"""A real control plane did this; so do we, but for the differences that are written down."""

from __future__ import annotations

import pytest

from tests.reference.known import known
from tests.reference.runner import SCENARIOS, differences

KNOWN = known()


@pytest.mark.parametrize("name", SCENARIOS)
def test_plays_as_recorded(name: str) -> None:
    found = set(differences(name))
    new = sorted(found - set(KNOWN.get(name, ())))
    gone = sorted(set(KNOWN.get(name, ())) - found)
    assert not new, f"new differences; see python -m tests.reference.report {name}"
    assert not gone, "equal now, so strike them: python -m tests.reference.report --shrink"


def test_the_list_names_only_scenarios_that_exist() -> None:
    assert set(KNOWN) <= set(SCENARIOS)
