"""Short names for content: what ``pod-template-hash`` and ``controller-revision-hash`` carry.

A workload controller finds "the ReplicaSet for this template" by a hash of the template. Two laws: equal JSON gives an equal
hash whatever the order of its keys, and the letters are those Kubernetes allows in generated names, chosen so that no word
appears (no vowels, no 0, 1, 3).

Models: k8s.io/apimachinery/pkg/util/rand, SafeEncodeString; pkg/controller, ComputeHash.
Simplified: upstream prints the Go value and hashes with FNV-1a; we hash canonical JSON, so the letters differ from a real cluster's.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from k8snb.apimachinery.resource import once
from k8snb.sim.frozen import FrozenDict, FrozenList
from k8snb.sim.rng import SAFE_ALPHABET

_LENGTH = 10  # 27**10 values: a collision needs ten million templates


def canonical_json(value: Any) -> str:
    """The one way to write a JSON value: keys sorted, no blanks.

    >>> canonical_json({"b": 1, "a": [None]})
    '{"a":[null],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def safe_hash(value: Any) -> str:
    """Ten letters of the safe alphabet that stand for a JSON value. Remembered on frozen values.

    >>> safe_hash({"a": 1, "b": 2}) == safe_hash({"b": 2, "a": 1})
    True
    """
    return _remembered(value) if isinstance(value, (FrozenDict, FrozenList)) else _hash(value)


def _hash(value: Any) -> str:
    number = int.from_bytes(hashlib.sha256(canonical_json(value).encode()).digest()[:8], "big")
    letters = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(SAFE_ALPHABET))
        letters.append(SAFE_ALPHABET[digit])
    return "".join(letters)


_remembered = once(_hash)
