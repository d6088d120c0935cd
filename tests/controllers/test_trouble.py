"""Every controller's scenarios, in every trouble: see ``scenarios.py`` for what that means."""

from importlib import import_module

import pytest

from k8snb.controllers.registry import CONTROLLERS
from tests.controllers.scenarios import Scenario, check, peace
from tests.controllers.trouble import TROUBLES


def folder_of(loop: str) -> str:
    """Where a loop's stories stand."""
    return loop.replace("-", "_")


ALL: list[Scenario] = [s for kind in CONTROLLERS for s in import_module(f"tests.controllers.{folder_of(kind.name)}.scenario").SCENARIOS]
TOLD = [(s, name) for s in ALL for name in TROUBLES if name not in s.otherwise]


@pytest.mark.parametrize("scenario", ALL, ids=lambda s: f"{s.loop}: {s.name}")
def test_in_peace_the_scenario_reaches_what_was_asked_for(scenario):
    peace(scenario)  # asserts it


@pytest.mark.parametrize(("scenario", "trouble"), TOLD, ids=[f"{s.loop}: {s.name}, {name}" for s, name in TOLD])
def test_in_trouble_it_reaches_the_same(scenario, trouble):
    check(scenario, TROUBLES[trouble], trouble)


def test_who_is_excused_from_a_trouble_says_why():
    assert all(name in TROUBLES and reason for s in ALL for name, reason in (s.otherwise | s.unkept).items())
