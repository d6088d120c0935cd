"""What can be seen in a learner's code before it runs, and told in one sentence: that it would never run, or never twice the same.

    inspected("Report.reconcile", function)      # raises Mistake for async def, yield, time.time(), random.random(), input() ...

The simulator runs the same code again in every fork and in every rewound cluster. What asks the computer for its time or for luck
would answer differently there. It is looked for in the code objects: names that lead to such a function, in the code itself and in
the functions of the same module that it calls by name. A name that is made up at run time is not found.
"""

from __future__ import annotations

import builtins
import dis
import inspect
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from k8snb.messages import Mistake, text

_DRAWS = ("random", "randint", "randrange", "choice", "choices", "shuffle", "sample", "uniform", "gauss", "getrandbits")
_ASKING = {
    **dict.fromkeys([f"random.{name}" for name in _DRAWS], "guests.luck"),
    **dict.fromkeys(["uuid.uuid1", "uuid.uuid4", "os.urandom", "secrets.token_hex", "secrets.choice", "secrets.randbelow"], "guests.luck"),
    **dict.fromkeys([f"time.{name}" for name in ("time", "time_ns", "monotonic", "perf_counter", "ctime", "localtime")], "guests.clock"),
    **dict.fromkeys(["datetime.now", "datetime.utcnow", "datetime.today", "date.today"], "guests.clock"),
    **dict.fromkeys(["requests.get", "requests.post", "request.urlopen", "socket.socket", "subprocess.run"], "guests.reaching_out"),
    **dict.fromkeys(["threading.Thread", "asyncio.run"], "guests.beside"),
    "time.sleep": "guests.sleep",
    "builtins.input": "guests.input",
    "builtins.open": "guests.reaching_out",
}  # fmt: skip
_MODULES = {name.partition(".")[0] for name in _ASKING} | {"date", "urllib"}


def inspected(code: str, function: Any) -> None:
    """Raise ``Mistake`` where the function, called ``code``, would not run when it is called, or not twice the same."""
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise Mistake(text("guests.later", code=code))
    for name in asked_by(function):
        raise Mistake(text(_ASKING[name], code=code, name=name.removeprefix("builtins.")))


def inspected_class(cls: type, ours: type) -> None:
    """The same for every method that a class, and what it is derived from below ``ours``, has written."""
    for base in cls.__mro__:
        if base in ours.__mro__ or base.__module__.startswith("k8snb."):
            continue
        for name, member in vars(base).items():
            function = getattr(member, "__func__", member)
            if isinstance(function, FunctionType):
                inspected(f"{cls.__name__}.{name}", function)


def asked_by(function: Any) -> Iterator[str]:
    """What a function, and those of its module that it calls by name, would ask the computer: ``time.time``."""
    seen: list[Any] = []
    waiting: list[Any] = [inspect.unwrap(function)] if callable(function) else []
    while waiting:
        one = waiting.pop()
        if not isinstance(one, FunctionType) or one in seen:
            continue
        seen.append(one)
        for code in _codes(one.__code__):
            yield from _asked(code, one.__globals__)
            named = [one.__globals__.get(name) for name in code.co_names]
            waiting += [other for other in named if isinstance(other, FunctionType) and other.__module__ == one.__module__]


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A code object and those inside of it: lambdas, comprehensions."""
    yield code
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _codes(part)


def _asked(code: CodeType, names: dict[str, Any]) -> Iterator[str]:
    """Follow names from a module, or one of its classes, to a function: ``before`` is where the last name has led."""
    before, local = "", dict[str, str]()
    for instruction in dis.get_instructions(code):
        name, what = str(instruction.argval), instruction.opname
        if what in ("LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM"):
            yield from (one for one in [f"{before}.{name}"] if one in _ASKING)
            before = name if before and name in _MODULES else before if what == "IMPORT_FROM" else ""
        elif what in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF"):
            found = names.get(name, getattr(builtins, name, None))
            yield from (one for one in [_name_of(found)] if one in _ASKING)
            before = _module(found)
        elif what == "IMPORT_NAME":
            before = name
        elif what.startswith("STORE_") and before:
            local[name], before = before, ""
        else:
            loaded = instruction.argval[-1] if isinstance(instruction.argval, tuple) else name  # newer Pythons load two at once
            before = local.get(loaded, "") if what.startswith("LOAD_FAST") else ""


def _module(value: Any) -> str:
    """The name of a module or of one of its classes; of anything else nothing."""
    return value.__name__ if isinstance(value, ModuleType | type) and value.__name__ in _MODULES else ""


def _luck() -> Any:
    """The generator behind ``random.random()``. One that a learner has made, and seeded, is no luck."""
    return getattr(sys.modules.get("random"), "_inst", None)


def _name_of(value: Any) -> str:
    """``time.time`` for the function itself, under whatever name it was imported."""
    owner = getattr(value, "__self__", None)  # of random.random: an instance
    module = getattr(value, "__module__", None) or (_module(owner) if owner is not None else "")
    if value is open:  # which says that it is io's
        module = "builtins"
    if isinstance(owner, type):  # from datetime import datetime; now = datetime.now
        module = owner.__name__
    elif owner is not None and not isinstance(owner, ModuleType):
        module = type(owner).__module__ if owner is _luck() else ""
    return f"{module}.{getattr(value, '__name__', '')}" if callable(value) else ""
