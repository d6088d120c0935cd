"""What may differ over HTTP is listed. The scenarios are played in tests/http, and by ``python -m tests.reference.over_http``."""

import json

from tests.reference.over_http import ALLOWED, OF_KUBECTL, UNKNOWN_FLAG, common
from tests.reference.runner import SCENARIOS, parts, recorded

MOST_STEPS_APART = 60  # may only become smaller


def test_every_step_that_only_kubectl_words_otherwise_is_listed_with_its_reasons() -> None:
    allowed = json.loads(ALLOWED.read_text())
    assert sum(len(steps) for steps in allowed.values()) <= MOST_STEPS_APART
    assert set(allowed) <= set(SCENARIOS)
    for name, steps in allowed.items():
        assert set(steps) <= {key for key in parts(recorded(name)) if key.startswith("step ")}
        assert {reason for reasons in steps.values() for reason in reasons} <= {rule.reason for rule in OF_KUBECTL} | {UNKNOWN_FLAG}


def test_what_is_forgiven_is_named_and_nothing_else_is() -> None:
    newer, rules = common({"exit": 0, "output": ['pod "a" deleted from <namespace> namespace']})
    older, none = common({"exit": 0, "output": ['pod "a" deleted']})
    assert newer == older
    assert (list(rules), none) == (["1.36 names the namespace of what was deleted"], {})
    assert common({"exit": 0, "output": ['pod "b" deleted']})[0] != older
    assert common({"exit": 1, "output": ['pod "a" deleted']})[0] != older
