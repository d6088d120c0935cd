"""PriorityLevelConfigurations: how many requests of a kind are served at once, and which wait.

Models: pkg/apis/flowcontrol/validation/validation.go, pkg/apis/flowcontrol/v1/defaults.go, printPriorityLevelConfiguration.
Simplified: the simulator answers every request at once; nothing waits in a queue.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden, invalid, not_supported, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.resource import once
from k8snb.resources.common.cells import NONE, age
from k8snb.resources.common.fill import fill, fill_empty, inside, where_given
from k8snb.resources.discovery import served

_MOST_QUEUES = 10_000_000
_HASH_BITS = 60  # of the hash by which a flow draws its hand of queues
_QUEUING = {"queues": 64, "handSize": 8, "queueLengthLimit": 50}


def default(obj: Object) -> Object:
    """Thirty shares, and the size of the queues where there are some."""
    return inside(obj, "spec", _default_spec)


def _default_spec(spec: Mapping[str, Any]) -> Any:
    spec = where_given(spec, "limited", _default_limited)
    return where_given(spec, "exempt", lambda exempt: fill(exempt, {"nominalConcurrencyShares": 0, "lendablePercent": 0}))


@once
def _default_limited(limited: Mapping[str, Any]) -> Any:
    limited = fill(limited, {"nominalConcurrencyShares": 30, "lendablePercent": 0})
    return where_given(limited, "limitResponse", lambda response: where_given(response, "queuing", _default_queuing))


def _default_queuing(queuing: Mapping[str, Any]) -> Any:
    return fill_empty(queuing, _QUEUING)


def validate(obj: Object) -> Errors:
    """``spec``, whole; the type Exempt is for the level of that name alone."""
    spec = obj.get("spec") or EMPTY_DICT
    kind = spec.get("type", "")
    alone = (kind == "Exempt") == (obj["metadata"].get("name") == "exempt")
    errors = [] if alone else [invalid("type", kind, "type must be 'Exempt' if and only if name is 'exempt'")]
    return within("spec", errors + _validate_spec(spec))


@once
def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    kind, limited, exempt = spec.get("type", ""), spec.get("limited"), spec.get("exempt")
    if kind == "Exempt":
        errors = [forbidden("limited", "must be nil if the type is not Limited")] if limited is not None else []
        return errors + within("exempt", _validate_shares(exempt or EMPTY_DICT))
    if kind != "Limited":
        return [not_supported("type", kind, ["Exempt", "Limited"])]
    errors = [forbidden("exempt", "must be nil if the type is Limited")] if exempt is not None else []
    return errors + (
        within("limited", _validate_limited(limited))
        if limited is not None
        else [required("limited", "must not be empty when type is Limited")]
    )


def _validate_shares(level: Mapping[str, Any]) -> Errors:
    shares, lendable = level.get("nominalConcurrencyShares", 0), level.get("lendablePercent", 0)
    errors = [] if shares >= 0 else [invalid("nominalConcurrencyShares", shares, "must be a non-negative integer")]
    return errors + ([] if 0 <= lendable <= 100 else [invalid("lendablePercent", lendable, "must be between 0 and 100, inclusive")])


def _validate_limited(limited: Mapping[str, Any]) -> Errors:
    errors, borrowing = _validate_shares(limited), limited.get("borrowingLimitPercent")
    if borrowing is not None and borrowing < 0:
        errors.append(invalid("borrowingLimitPercent", borrowing, "if specified, must be a non-negative integer"))
    response = limited.get("limitResponse") or EMPTY_DICT
    kind, queuing = response.get("type", ""), response.get("queuing")
    if kind == "Reject":
        errors += (
            [forbidden("limitResponse.queuing", "must be nil if limited.limitResponse.type is not Limited")] if queuing is not None else []
        )
    elif kind != "Queue":
        errors.append(not_supported("limitResponse.type", kind, ["Queue", "Reject"]))
    elif queuing is None:
        errors.append(required("limitResponse.queuing", "must not be empty if limited.limitResponse.type is Limited"))
    else:
        errors += within("limitResponse.queuing", _validate_queuing(queuing))
    return errors


def _validate_queuing(queuing: Mapping[str, Any]) -> Errors:
    queues, hand, length = (queuing.get(name, 0) for name in _QUEUING)
    errors = [] if length > 0 else [invalid("queueLengthLimit", length, "must be positive")]
    errors += [] if queues > 0 else [invalid("queues", queues, "must be positive")]
    if queues > _MOST_QUEUES:
        errors.append(invalid("queues", queues, f"must not be greater than {_MOST_QUEUES}"))
    if hand <= 0:
        errors.append(invalid("handSize", hand, "must be positive"))
    elif hand > queues:
        errors.append(invalid("handSize", hand, f"should not be greater than queues ({queues})"))
    elif math.ceil(math.log2(queues) * hand) > _HASH_BITS:
        words = f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {_HASH_BITS}"
        errors.append(invalid("handSize", hand, words))
    return errors


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get prioritylevelconfigurations``."""
    limited = dig(obj, "spec.limited", EMPTY_DICT)
    shares = limited.get("nominalConcurrencyShares", dig(obj, "spec.exempt.nominalConcurrencyShares"))
    queuing = dig(limited, "limitResponse.queuing")
    shown = [NONE] * 3 if queuing is None else [queuing.get(name, 0) for name in _QUEUING]
    return [obj["metadata"]["name"], dig(obj, "spec.type", ""), NONE if shares is None else shares, *shown, age(obj, now)]


EXAMPLE = {
    "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
    "kind": "PriorityLevelConfiguration",
    "metadata": {"name": "shop"},
    "spec": {"type": "Limited", "limited": {"nominalConcurrencyShares": 10, "limitResponse": {"type": "Reject"}}},
}

RESOURCE = served(
    "flowcontrol.apiserver.k8s.io/v1",
    "PriorityLevelConfiguration",
    default=default,
    validate=validate,
    cells=cells,
    counts_generation=True,
    example=EXAMPLE,
)
