"""What a real API server and kubectl said to some 1,500 manifests, the simulator says too: verdict, words, warnings, defaults.

``KNOWN`` lists what still differs, with the cause; it can only shrink. ``python -m tests.manifests.report`` shows the rest.
"""

import pytest

from tests.manifests.corpus import FOLDER, PRESENT, broken, real, updates
from tests.manifests.judge import judge_all, judge_updates

pytestmark = [pytest.mark.skipif(not PRESENT, reason=f"no manifests at {FOLDER}"), pytest.mark.slow]

KNOWN = {
    ("strict", "kubeconform/fixtures__list_invalid.yaml#0"): "kubectl validates lists itself, against OpenAPI",
}


def differing(outcomes, mode):
    """What disagrees, but for what is known to."""
    assert outcomes
    return {o.case.label: (o.wrong, o.said[:300], o.wanted[:300]) for o in outcomes if o.wrong and (mode, o.case.label) not in KNOWN}


@pytest.mark.parametrize("mode", ["strict", "lenient"])
def test_published_manifests_are_judged_as_by_a_real_server(mode):
    assert differing(judge_all(list(real()), mode), mode) == {}


@pytest.mark.parametrize("mode", ["strict", "lenient"])
def test_broken_manifests_are_refused_in_the_same_words(mode):
    assert differing(judge_all(list(broken()), mode), mode) == {}


def test_what_may_change_after_creation_is_what_may_change_there():
    assert differing(judge_updates(list(updates())), "strict") == {}


def test_what_is_known_to_differ_still_does():
    labels = {label for mode, label in KNOWN if mode == "strict"}
    chosen = [case for case in real() if case.label in labels]
    assert {outcome.case.label for outcome in judge_all(chosen, "strict") if outcome.wrong} == labels
