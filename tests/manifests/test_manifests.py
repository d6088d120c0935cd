"""What a real API server and kubectl said to some 1,500 manifests, the simulator says too: verdict, words, warnings, defaults.

``python -m tests.manifests.report`` shows the figures and whatever differs.
"""

import pytest

from tests.manifests.corpus import FOLDER, PRESENT, broken, real, updates
from tests.manifests.judge import judge_all, judge_updates

pytestmark = [pytest.mark.skipif(not PRESENT, reason=f"no manifests at {FOLDER}"), pytest.mark.slow]


def differing(outcomes):
    """What disagrees: in what, what was said here and what there."""
    assert outcomes
    return {outcome.case.label: (outcome.wrong, outcome.said[:300], outcome.wanted[:300]) for outcome in outcomes if outcome.wrong}


@pytest.mark.parametrize("mode", ["strict", "lenient"])
def test_published_manifests_are_judged_as_by_a_real_server(mode):
    assert differing(judge_all(list(real()), mode)) == {}


@pytest.mark.parametrize("mode", ["strict", "lenient"])
def test_broken_manifests_are_refused_in_the_same_words(mode):
    assert differing(judge_all(list(broken()), mode)) == {}


def test_what_may_change_after_creation_is_what_may_change_there():
    assert differing(judge_updates(list(updates()))) == {}
