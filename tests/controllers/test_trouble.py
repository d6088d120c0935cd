"""Every controller's scenarios, in every trouble: see ``scenarios.py`` for what that means.

``K8SNB_NIGHT=1 pytest tests/controllers/test_trouble.py`` tells them in every two troubles at a time as well.
"""

import os
from importlib import import_module
from itertools import combinations

import pytest

from k8snb.controllers.registry import CONTROLLERS
from tests.controllers.scenarios import Scenario, check, peace
from tests.controllers.trouble import TROUBLES, together


def folder_of(loop: str) -> str:
    """Where a loop's stories stand."""
    return loop.replace("-", "_")


ALL: list[Scenario] = [s for kind in CONTROLLERS for s in import_module(f"tests.controllers.{folder_of(kind.name)}.scenario").SCENARIOS]
AT_A_TIME = [(name,) for name in TROUBLES]
if os.environ.get("K8SNB_NIGHT"):
    AT_A_TIME += combinations([name for name in TROUBLES if " and " not in name], 2)
TOLD = [(scenario, names) for scenario in ALL for names in AT_A_TIME if not scenario.otherwise.keys() & set(names)]


@pytest.mark.parametrize("scenario", ALL, ids=str)
def test_in_peace_the_scenario_reaches_what_was_asked_for(scenario):
    peace(scenario)  # asserts it


@pytest.mark.parametrize(("scenario", "names"), TOLD, ids=[f"{scenario}, {' + '.join(names)}" for scenario, names in TOLD])
def test_in_trouble_it_reaches_the_same(scenario, names):
    check(scenario, together(*(TROUBLES[name] for name in names)), promised=not scenario.unkept.keys() & set(names))


def test_who_is_excused_from_a_trouble_says_why():
    assert all(name in TROUBLES and reason for s in ALL for name, reason in (s.otherwise | s.unkept).items())
