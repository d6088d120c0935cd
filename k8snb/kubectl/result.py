"""What a command printed, and how it ended; and the errors on the way there.

A command never raises through :meth:`Kubectl.run <k8snb.kubectl.Kubectl.run>`: every failure becomes text on standard error and an exit
code. Inside, three things are raised: an :class:`~k8snb.apimachinery.errors.ApiError` (the server's answer), a :class:`Failure`
(kubectl's own words) and :class:`Several` (more than one, each on a line). :func:`fatal` turns any of them into what a terminal shows.

Models: k8s.io/kubectl/pkg/cmd/util/helpers.go (checkErr, StandardErrorMessage, MultilineError, AddSourceToErr).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from k8snb.apimachinery.errors import ApiError, quote
from k8snb.kubectl.unreachable import REFUSED, Unreachable


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """What one command printed. ``chunks`` keeps both streams in the order in which they were written.

    Ours, and shown below it: ``places`` in its ``manifests`` (the files that it read: name, text) and ``advice`` on the command.
    ``paced``: the time that its requests have taken (µs).
    """

    chunks: tuple[tuple[str, str], ...]  # ("stdout" | "stderr", text)
    exit_code: int = 0
    places: str = ""
    advice: str = ""
    manifests: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    paced: int = field(default=0, compare=False)

    @property
    def stdout(self) -> str:
        """What went to standard output."""
        return "".join(text for stream, text in self.chunks if stream == "stdout")

    @property
    def stderr(self) -> str:
        """What went to standard error."""
        return "".join(text for stream, text in self.chunks if stream == "stderr")

    @property
    def text(self) -> str:
        """What a terminal shows: both streams in order, without our remark."""
        return "".join(text for _, text in self.chunks)

    @property
    def remark(self) -> str:
        """What we say below it."""
        return "\n".join(filter(None, [self.places, self.advice]))

    @property
    def ok(self) -> bool:
        """True where the command succeeded."""
        return self.exit_code == 0

    def __str__(self) -> str:
        return "\n".join(filter(None, [self.text.rstrip("\n"), self.remark])) if self.remark else self.text

    def __repr__(self) -> str:
        return str(self).rstrip("\n") if self.remark else self.text.removesuffix("\n")


class Failure(Exception):
    """kubectl says no, in its own words. An empty message prints nothing."""

    def __init__(self, message: str, exit_code: int = 1):
        super().__init__(message)
        self.message, self.exit_code = message, exit_code


class Several(Exception):
    """Several things went wrong; each is told."""

    def __init__(self, errors: Sequence[Exception]):
        super().__init__(f"{len(errors)} errors")
        self.errors = tuple(errors)


class NoMatch(Failure):
    """The server has no such resource type."""

    def __init__(self, resource: str, group: str = "", version: str = ""):
        where = [f"group {quote(group)}"] * bool(group) + [f"version {quote(version)}"] * bool(version)
        tail = " in " + " and ".join(where) if where else ""
        super().__init__(f"the server doesn't have a resource type {quote(resource)}{tail}")


def usage_error(command: str, message: str) -> Failure:
    """A command called wrongly: the remark, and where help is."""
    return Failure(f"{message}\nSee '{command} -h' for help and examples")


def not_found(error: Exception) -> bool:
    """True for a 404 of the server."""
    return isinstance(error, ApiError) and error.reason == "NotFound"


def with_source(error: Exception, verb: str, source: str) -> Exception:
    """The error, saying at which file it happened."""
    if not source or isinstance(error, Unreachable):
        return error
    if isinstance(error, ApiError):
        return ApiError(error.code, error.reason, f"error when {verb} {quote(source)}: {error.message}", error.details)
    if isinstance(error, Failure):
        return Failure(f"error when {verb} {quote(source)}: {error.message}", error.exit_code)
    return error


def raise_all(errors: Sequence[Exception]) -> None:
    """Raise what was collected: nothing, the one error, or all of them; that nobody answers is told once."""
    if lost := next((error for error in errors if isinstance(error, Unreachable)), None):
        raise lost
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise Several(errors)


def message_for(error: Exception) -> str:
    """One error as it stands among several: the server's with its reason, kubectl's plain."""
    if isinstance(error, ApiError):
        if error.reason == "Unauthorized":
            return f"error: You must be logged in to the server ({error.message})"
        return f"Error from server ({error.reason}): {error.message}" if error.reason else f"Error from server: {error.message}"
    return error.message if isinstance(error, Failure) else str(error)


def _invalid(error: ApiError) -> str:
    details = error.details
    if details is None:
        return f"The request is invalid: {error.message}" if error.message else "The request is invalid"
    text, causes = "The request is invalid", details.get("causes") or []
    if details.get("kind") or details.get("name"):
        text = f"The {details.get('kind', '')} {quote(details.get('name', ''))} is invalid"
    elif error.message and not causes:
        text += ": " + error.message
    lines = list(dict.fromkeys(f"{cause.get('field', '')}: {cause.get('message', '')}" for cause in causes))
    if len(lines) < 2:
        return f"{text}: {lines[0]}" if lines else text
    return f"{text}: \n" + "\n".join(f"* {line}" for line in lines)


def fatal(error: Exception) -> tuple[str, int]:
    """What kubectl prints on standard error before it ends with an error, and its exit code."""
    if isinstance(error, Several):
        return "".join(message_for(one) + "\n" for one in error.errors), 1
    if isinstance(error, Unreachable):
        return REFUSED, 1
    if isinstance(error, ApiError):
        return (_invalid(error) if error.reason == "Invalid" else message_for(error)) + "\n", 1
    message = message_for(error)
    code = error.exit_code if isinstance(error, Failure) else 1
    if not message:
        return "", code
    text = message if message.startswith("error: ") else f"error: {message}"
    return text.removesuffix("\n") + "\n", code
