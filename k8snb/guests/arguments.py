"""What a learner hands to the public face: checked before anything happens, and told in one sentence where it cannot be.

    cluster.run_for("5")      cluster.run_for: duration is a number of seconds from 0, such as 2.5, not '5'

A method's annotations say what it takes; the table below says for each annotation what fits it and how a learner is told. What is
not in the table is not checked here: the method itself knows better.
"""

from __future__ import annotations

import functools
import inspect
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple, NoReturn, TypeVar, cast

from k8snb.guests import turns
from k8snb.messages import Interrupted, Mistake, NoSuchAttribute, text

C = TypeVar("C", bound=type)

LARGEST = 2**63 - 1  # of revisions and of microseconds; no number that is meant is larger
LONGEST = 100 * 366 * 24 * 3600  # seconds: a hundred years
SHOWN = 60  # characters of what was handed in
_TIMES = ("duration", "limit", "quiet", "timeout", "delay")


class Kind(NamedTuple):
    """What fits, the sentence that says so, and one for who hands over nothing because nothing was found."""

    fits: Callable[[Any], bool]
    key: str
    nothing: str = ""


def is_number(value: Any, largest: float = LARGEST) -> bool:
    """A number from 0, no truth value, that is not larger than any that is meant."""
    return not isinstance(value, bool) and isinstance(value, numbers.Real) and bool(0 <= cast(float, value) <= largest)


def _whole(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, numbers.Integral) and abs(int(value)) <= LARGEST


def _is(*names: str) -> Callable[[Any], bool]:
    """Of a class of one of these names. (This module stands below all of them.)"""
    return lambda value: any(base.__name__ in names for base in type(value).__mro__)


def _words(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, Sequence) and all(isinstance(word, str) for word in value))


def _texts(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(word, str) for pair in value.items() for word in pair)


def _object(value: Any) -> bool:
    """An object with a name of its own, or a name."""
    if not isinstance(value, Mapping):
        return isinstance(value, str)
    meta = value.get("metadata")
    return isinstance(value.get("kind"), str) and isinstance(meta, Mapping) and isinstance(meta.get("name"), str)


def _condition(value: Any) -> bool:
    """Something to call with the cluster. (Of what is written in C nobody knows what it takes.)"""
    try:
        return callable(value) and inspect.signature(value).bind(None) is not None
    except TypeError:
        return False
    except ValueError:
        return True


KINDS: dict[str, Kind] = {
    "str": Kind(lambda value: isinstance(value, str), "arguments.text"),
    "str | None": Kind(lambda value: value is None or isinstance(value, str), "arguments.text"),
    "str | int": Kind(lambda value: isinstance(value, str) or _whole(value), "arguments.amount"),
    "int": Kind(_whole, "arguments.whole"),
    "int | None": Kind(lambda value: value is None or _whole(value), "arguments.whole"),
    "float": Kind(is_number, "arguments.number"),
    "bool": Kind(lambda value: isinstance(value, bool), "arguments.switch"),
    "bytes": Kind(lambda value: isinstance(value, bytes), "arguments.saved"),
    "Manifest": Kind(lambda value: isinstance(value, str), "arguments.manifest"),
    "str | Object": Kind(_object, "arguments.object", "arguments.got_nothing"),
    "str | Sequence[str]": Kind(_words, "arguments.line"),
    "Mapping[str, str] | None": Kind(lambda value: value is None or _texts(value), "arguments.texts"),
    "Mapping[str, Any]": Kind(lambda value: isinstance(value, Mapping), "arguments.mapping"),
    "Object": Kind(lambda value: isinstance(value, Mapping), "arguments.mapping"),
    "Iterable[Any]": Kind(lambda value: isinstance(value, Iterable) and not isinstance(value, str), "arguments.list"),
    "tuple[str, ...]": Kind(lambda value: _words(value) and not isinstance(value, str), "arguments.names"),
    "Position": Kind(_is("Position"), "arguments.position"),
    "Cluster": Kind(_is("Cluster"), "arguments.cluster"),
    "Cluster | Past": Kind(_is("Cluster", "Past"), "arguments.moment"),
    "Request": Kind(_is("Request"), "arguments.request"),
    "Callable[[Cluster], bool]": Kind(_condition, "arguments.condition"),
}
TEXT, WHOLE = KINDS["str"], KINDS["int"]
_ANYTHING = Kind(lambda _value: True, "")
TIME = Kind(functools.partial(is_number, largest=LONGEST), "arguments.seconds")


def kind_of(parameter: inspect.Parameter) -> Kind | None:
    """What fits a parameter; None where its method looks itself."""
    if parameter.annotation == "float" and parameter.name in _TIMES:
        return TIME
    return KINDS.get(parameter.annotation) if isinstance(parameter.annotation, str) else None


def careful(label: str, *also: str, inside: bool = False) -> Callable[[C], C]:
    """A class whose public methods (and those named by ``also``) check what they are given. ``label``: how a learner writes the object.

    ``inside``: it is for a learner's code that runs in the cluster; all others refuse to be called from there.
    """

    def decorate(cls: C) -> C:
        for name, member in list(vars(cls).items()):
            if (name.startswith("_") and name not in also) or name in getattr(cls, "__annotations__", {}):
                continue
            called = label[:1].upper() + label[1:] if name == "__init__" else f"{label}.{name}"
            if inspect.isfunction(member):
                setattr(cls, name, checked(member, called, skip=1, inside=inside))
            elif isinstance(member, (classmethod, staticmethod)):
                skip = int(isinstance(member, classmethod))
                setattr(cls, name, type(member)(checked(member.__func__, called, skip=skip, inside=inside)))
        cast(Any, cls)._careful = label
        if not hasattr(cls, "__getattr__"):
            cast(Any, cls).__getattr__ = functools.partialmethod(_unknown, label)
        return cls

    return decorate


def _unknown(self: Any, label: str, name: str) -> NoReturn:
    """Whatever asks for a private name only wants to know whether it is there, as IPython does."""
    if name.startswith("_"):
        raise AttributeError(name)
    known = {one: f"{label}.{one}" for one in dir(self) if not one.startswith("_")}
    for part, value in getattr(self, "__dict__", {}).items():
        if not part.startswith("_") and hasattr(type(value), "_careful"):
            known = {**{one: f"{label}.{part}.{one}" for one in dir(value) if not one.startswith("_")}, **known}
    near = get_close_matches(name, known, 3)
    if near:
        raise NoSuchAttribute(text("arguments.no_attribute", name=f"{label}.{name}", near=", ".join(known[one] for one in near)))
    raise NoSuchAttribute(text("arguments.no_attribute_like_it", name=f"{label}.{name}", label=label))


F = TypeVar("F", bound=Callable[..., Any])


def careful_function(function: F) -> F:
    """A function of the public face that checks what it is given."""
    return cast(F, checked(function, function.__name__))


def checked(function: Callable[..., Any], called: str, *, skip: int = 0, inside: bool = False) -> Callable[..., Any]:
    """The function, behind a check of its arguments; the first ``skip`` are Python's own (``self``). Raises Mistake."""
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())[skip:]
    kinds = {one.name: kind for one in parameters if (kind := kind_of(one)) is not None}
    if function.__name__ == "__init__":
        kinds = {}  # the choices of a cluster are checked, in better words, by simulation.config
    if inside and not parameters:
        return function
    in_order = [kinds.get(one.name, _ANYTHING) for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
    fewest = sum(one.default is one.empty for one in parameters if one.kind is not one.VAR_KEYWORD)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = args[skip:]
        if not kwargs and fewest <= len(given) <= len(in_order) and all(kind.fits(one) for kind, one in zip(in_order, given, strict=False)):
            return function(*args)  # by far the most calls; what follows takes its time
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            raise Mistake(_uncallable(called, parameters, len(args) - skip, kwargs)) from None
        for name, value in bound.arguments.items():
            kind = kinds.get(name)
            if kind is not None and value is not signature.parameters[name].default and not kind.fits(value):
                wrong = text("arguments.wrong", call=called, name=name, wanted=text(kind.key), given=shown(value))
                raise Mistake(text(kind.nothing, said=wrong) if value is None and kind.nothing else wrong)
        return function(*args, **kwargs)

    return call if inside else _from_outside(call, called)


def _from_outside(function: Callable[..., Any], called: str) -> Callable[..., Any]:
    """The function, for somebody who stands outside of the cluster, and who may lose patience."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if turns.running():
            raise Mistake(text("guests.inside", call=called, turn=turns.running()))
        try:
            return function(*args, **kwargs)
        except Interrupted:
            raise
        except KeyboardInterrupt:  # outside of events and requests, which are whole or undone (see simulation)
            raise Interrupted(text("guests.interrupted", call=called)) from None

    return call


def _uncallable(called: str, parameters: list[inspect.Parameter], given: int, named: Mapping[str, Any]) -> str:
    """Why a call cannot be made: too many arguments, one that nobody knows, or one that is missing; and how it is written."""
    names = [one.name for one in parameters]
    positional = [one for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.POSITIONAL_ONLY)]
    usage = f"{called}({', '.join(one.name if one.default is one.empty else f'{one.name}={one.default!r}' for one in parameters)})"
    if unknown := [name for name in named if name not in names]:
        return text("arguments.unknown", call=called, name=unknown[0], usage=usage)
    if given > len(positional):
        return text("arguments.too_many", call=called, usage=usage)
    missing = [one.name for one in parameters if one.default is one.empty and one.name not in [*named, *names[:given]]]
    if missing:
        return text("arguments.missing", call=called, name=missing[0], usage=usage)
    return text("arguments.twice", call=called, name=next(name for name in named if name in names[:given]), usage=usage)


def shown(value: Any) -> str:
    """What was handed in, short enough for a sentence."""
    try:
        found = repr(value)
    except Exception:  # noqa: BLE001  (a learner's own class)
        found = type(value).__name__
    return found if len(found) <= SHOWN else f"{found[: SHOWN - 1]}…"
