"""Taints keep pods away from nodes; tolerations let them come, or stay, nevertheless.

A taint is ``key=value:effect``. ``NoSchedule`` repels pods that are not there yet, ``PreferNoSchedule`` only asks,
``NoExecute`` also evicts. A toleration without a key and with operator Exists tolerates everything; without an effect it
covers all effects.

Models: k8s.io/api/core/v1/toleration.go, ToleratesTaint; k8s.io/component-helpers/scheduling/corev1/helpers.go.
Simplified: the numeric operators Lt and Gt (feature gate TaintTolerationComparisonOperators) tolerate nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8snb.apimachinery.objects import Object

SCHEDULING_EFFECTS = ("NoSchedule", "NoExecute")


def tolerates_taint(toleration: Object, taint: Object) -> bool:
    """Whether this one toleration covers this taint.

    >>> tolerates_taint({"key": "gpu", "operator": "Exists"}, {"key": "gpu", "value": "a100", "effect": "NoSchedule"})
    True
    """
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    operator = toleration.get("operator") or "Equal"
    if operator == "Equal":
        return (toleration.get("value") or "") == (taint.get("value") or "")
    return operator == "Exists"


def tolerates(tolerations: Iterable[Object] | None, taint: Object) -> bool:
    """Whether any of the tolerations covers the taint."""
    return any(tolerates_taint(toleration, taint) for toleration in tolerations or ())


def find_untolerated_taint(
    taints: Iterable[Object] | None, tolerations: Sequence[Object] | None, effects: Sequence[str] = SCHEDULING_EFFECTS
) -> Object | None:
    """The first taint with one of ``effects`` that no toleration covers, or None."""
    for taint in taints or ():
        if taint["effect"] in effects and not tolerates(tolerations, taint):
            return taint
    return None
