"""``kubectl wait``: let time pass until a condition holds, a field has a value, an object is there or gone.

Models: k8s.io/kubectl/pkg/cmd/wait (wait.go, condition.go, json.go, delete.go, create.go).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from k8snb.apimachinery.errors import ApiError, quote
from k8snb.apimachinery.jsonpath import JSONPathError, Template, relaxed
from k8snb.apimachinery.objects import dig
from k8snb.kubectl.api import Json
from k8snb.kubectl.builder import Info, scope_of, visit, words
from k8snb.kubectl.call import ALL, ALL_NAMESPACES, FIELD_SELECTOR, FILENAME, PRINT, SELECTOR, Call, Command
from k8snb.kubectl.commands.delete import gone
from k8snb.kubectl.flags import Flag, boolean
from k8snb.kubectl.printers import printer
from k8snb.kubectl.result import Failure, not_found, raise_all
from k8snb.kubectl.text import MICROS

WEEK = 7 * 86400.0
Holds = Callable[[Json], bool]


def run(call: Call) -> None:
    """Wait for every object that the arguments name."""
    wanted, seconds = str(call.flag("for")), float(call.flag("timeout"))
    seconds = WEEK if seconds < 0 else seconds
    if wanted.lower() == "create":
        _created(call, seconds)
        return
    holds = None if wanted.lower() == "delete" else condition(wanted)
    infos, errors = visit(call, scope_of(call, must_name=True))
    if holds is None:
        errors = [error for error in errors if not not_found(error)]
        _deleted(call, infos, seconds)
        raise_all(errors)
        return
    raise_all(errors)
    if not infos:
        raise Failure("no matching resources found")
    began = call.host.now
    for info in infos:
        left = seconds - (call.host.now - began) / MICROS
        late = seconds > 0 and left <= 0  # one after the other, and all of them together have so much time
        errors += [_late(info)] if late else _wait_one(call, info, holds, left)
    raise_all(errors)


def _late(info: Info) -> Failure:
    return Failure(f"timed out waiting for the condition on {info.kind.resource}/{info.name}")


def _wait_one(call: Call, info: Info, holds: Holds, seconds: float) -> list[Exception]:
    problems: list[Exception] = []

    def met() -> bool:
        try:
            info.obj = call.api.get(info.kind, info.namespace, info.name)
            return holds(info.obj)
        except (ApiError, Failure) as problem:
            problems[:] = [problem]
            return True

    if not (met() or (seconds > 0 and call.wait(met, seconds))):
        return [_late(info)]
    if not problems:
        printer(call, "condition met")(info.obj)
    return problems


def _deleted(call: Call, infos: list[Info], seconds: float) -> None:
    for info in infos:
        uid = str(dig(info.obj, "metadata.uid", ""))
        if not (gone(call, info, uid) or call.wait(lambda info=info, uid=uid: gone(call, info, uid), seconds)):  # type: ignore[misc]
            raise _late(info)
        printer(call, "condition met")(info.obj)


def _created(call: Call, seconds: float) -> None:
    words(call, call.args)  # a type that does not exist is told at once
    scope = scope_of(call)
    infos: list[Info] = []

    def there() -> bool:
        infos[:], errors = visit(call, replace(scope))
        return bool(infos) and not errors

    if not (there() or call.wait(there, seconds)):
        raise Failure("timed out waiting for the condition")
    for info in infos:
        printer(call, "condition met")(info.obj)


def condition(text: str) -> Holds:
    """What ``--for`` asks. Raises Failure."""
    if text.lower().startswith("condition="):
        kind, _, value = text.split("=", 1)[1].partition("=")
        return lambda obj: _has_condition(obj, kind, value or "True")
    if text.lower().startswith("jsonpath="):
        return _json_path(text.split("=", 1)[1])
    raise Failure(f"unrecognized condition: {quote(text)}")


def _has_condition(obj: Json, kind: str, value: str) -> bool:
    for one in dig(obj, "status.conditions", []):
        if str(one.get("type", "")).lower() == kind.lower():
            generation, seen = dig(obj, "metadata.generation", 0), one.get("observedGeneration", dig(obj, "status.observedGeneration"))
            if seen is not None and seen < generation:
                return False
            return str(one.get("status", "")).lower() == value.lower()
    return False


def _json_path(text: str) -> Holds:
    if not text:
        raise Failure("jsonpath expression cannot be empty")
    path, equals, value = text.partition("}=") if "}=" in text else (text, "", "")
    path = (path + "}" if equals else path).strip("'\"")
    value = value.strip("'\"")
    if not path.startswith("{"):
        path, _, value = text.strip("'\"").partition("=")
    try:
        template = Template(relaxed(path))
    except JSONPathError as problem:
        raise Failure(str(problem)) from None

    def holds(obj: Json) -> bool:
        try:
            found = [item for values in template.results(obj) for item in values]
        except JSONPathError:
            return False
        if not found:
            return False
        if len(found) > 1:
            raise Failure("given jsonpath expression matches more than one value")
        if value and isinstance(found[0], (dict, list)):
            raise Failure("jsonpath leads to a nested object or list")
        return not value or template.text(obj) == value

    return holds


COMMAND = Command(
    "wait", "Wait for a specific condition on one or many resources",
    "kubectl wait ([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)]) "
    "[--for=create|--for=delete|--for condition=available|--for=jsonpath='{}'[=value]]", run,
    (*FILENAME, *PRINT, SELECTOR, FIELD_SELECTOR, ALL, ALL_NAMESPACES, Flag("for"),
     Flag("timeout", kind="duration", default=30.0), boolean("local")),
)  # fmt: skip
