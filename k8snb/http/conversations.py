"""``exec`` and ``attach`` over HTTP: conversations by WebSocket, as kubectl holds them since 1.31.

    frame = one byte for the channel, then data        0 stdin   1 stdout   2 stderr   3 how it ended (a Status)   255 a channel is closed

A command runs to its end at one instant. Without a terminal it begins when the client has closed its standard input (or has
none); with one (``-t``) nothing that is typed reaches it, except for a bare shell: then each line is a script of its own,
which keeps the directory of the one before.

Models: k8s.io/apimachinery/pkg/util/remotecommand (constants.go), k8s.io/kubelet/pkg/cri/streaming/remotecommand/websocket.go.
Simplified: the subprotocol v5.channel.k8s.io alone.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from typing import TYPE_CHECKING, Any

from k8snb.apiserver.request import Response
from k8snb.http.streams import LOOK, over
from k8snb.http.upgraded import Upgraded
from k8snb.resources.core.pod_log import TYPED

if TYPE_CHECKING:
    from k8snb.http.endpoint import Endpoint

STDIN, STDOUT, STDERR, ERROR, CLOSE = 0, 1, 2, 3, 255
SHELLS = ("sh", "bash", "/bin/sh", "/bin/bash", "ash")
LARGEST = 3 * 1024 * 1024  # bytes that may be typed
LONGEST = 64 * 1024  # characters of a line that is typed at a terminal
PROMPT = "/ # "


class Conversation(Upgraded):
    """One ``exec`` or ``attach``."""

    protocols = ("v5.channel.k8s.io",)

    def initialize(self, endpoint: Endpoint) -> None:
        """Tornado's way to hand in what the handler needs."""
        super().initialize(endpoint)
        self.typed = bytearray()
        self.line, self.directory = "", "/"

    # ------------------------------------------------------------------ what is asked for

    @property
    def command(self) -> list[str]:
        """The command, word by word."""
        return [value for key, value in self.asked if key == "command"]

    def _wants(self, channel: str) -> bool:
        return dict(self.asked).get(channel) in ("true", "1")

    @property
    def interactive(self) -> bool:
        """Whether somebody sits at a terminal before a bare shell."""
        command = self.command if self.target.subresource == "exec" else self._main()
        return self._wants("tty") and self._wants("stdin") and len(command) == 1 and command[0] in SHELLS

    def _main(self) -> list[str]:
        """The command of the container's process 1, if that waits for somebody who types."""
        answer = self.endpoint.simulation.request(self.about("get"))
        spec = answer.body.get("spec") or {} if answer.ok else {}
        wanted = dict(self.asked).get("container", "")
        found = [one for key in ("containers", "ephemeralContainers") for one in spec.get(key) or () if wanted in ("", one["name"])]
        if not found or not found[0].get("stdin"):
            return []
        return [*(found[0].get("command") or ()), *(found[0].get("args") or ())] or ["sh"]

    def open(self, *_args: str, **_kwargs: str) -> None:
        """The protocol has changed: begin, unless something is still to be typed."""
        if self.interactive:
            self._say(STDOUT, PROMPT)
        elif self.target.subresource == "attach":
            self.endpoint.spawn(self._attach())
        elif self._wants("tty") or not self._wants("stdin"):
            self._run(self.command, "")

    def on_message(self, message: str | bytes) -> None:
        """Something was typed, or standard input is closed."""
        data = message.encode() if isinstance(message, str) else message
        if not data or self.over:
            return
        channel, rest = data[0], data[1:]
        if channel == CLOSE and rest[:1] == bytes([STDIN]) and not self._wants("tty"):
            stdin = self.typed.decode(errors="surrogateescape")
            if self.target.subresource == "exec":
                self._run(self.command, stdin)
            else:
                self._type(stdin)
        elif channel == STDIN and self.interactive:
            self._key(rest.decode(errors="replace"))
        elif channel == STDIN and len(self.typed) < LARGEST:
            self.typed += rest

    # ------------------------------------------------------------------ what is answered

    def _say(self, channel: int, text: str) -> None:
        if text:
            self.send(bytes([channel]) + text.encode(errors="surrogateescape"))

    def _end(self, status: dict[str, Any]) -> None:
        if not self.over:
            self._say(ERROR, json.dumps(status))
            self.over = True
            self.close(1000)

    def _ask(self, command: list[str], stdin: str) -> Response:
        container = dict(self.asked).get("container", "")
        parameters = [("container", container)] * bool(container) + [("command", word) for word in command] + [(TYPED, stdin)] * bool(stdin)
        return self.ask(self.about("create", "exec", tuple(parameters)))

    def _type(self, script: str) -> None:
        """Hand process 1 what was typed; its input ends there."""
        container = dict(self.asked).get("container", "")
        parameters = ((("container", container),) if container else ()) + ((TYPED, script),)
        self.ask(self.about("create", "attach", parameters))

    def _leave(self, code: int) -> None:
        """The person at the terminal is done: a shell that is process 1 ends with that, too."""
        if self.target.subresource == "attach":
            self._type(f"exit {code}\n")
        self._end(ended(code))

    def _run(self, command: list[str], stdin: str) -> None:
        """Run a command, and say how it ended."""
        answer = self._ask(command, stdin)
        if not answer.ok:
            self._end({**answer.body, "metadata": {}})
            return
        for descriptor, text in answer.body["printed"]:
            self._say(STDOUT if self._wants("tty") else descriptor, text.replace("\n", "\r\n") if self._wants("tty") else text)
        self._end(ended(int(answer.body["exitCode"])))

    def _key(self, text: str) -> None:
        """A terminal's keys: what is typed is shown; Return runs the line; Ctrl-D ends."""
        for char in text:
            if char == "\x04":
                self._leave(0)
                return
            if char in "\r\n":
                self._say(STDOUT, "\r\n")
                self._entered()
            elif char in "\x7f\b":
                self._say(STDOUT, "\b \b" if self.line else "")
                self.line = self.line[:-1]
            elif char == "\x03":
                self.line = ""
                self._say(STDOUT, f"^C\r\n{PROMPT}")
            elif char.isprintable() and len(self.line) < LONGEST:
                self.line += char
                self._say(STDOUT, char)

    def _entered(self) -> None:
        line, self.line = self.line.strip(), ""
        if line.split()[:1] == ["exit"]:
            code = re.match(r"exit\s+([0-9]{1,9})", line)
            self._leave(int(code[1]) % 256 if code else 0)
            return
        script = f"cd {shlex.quote(self.directory)}\n{line}\nprintf '\\n%s' \"$PWD\""
        answer = self._ask(["sh", "-c", script], "") if line else None
        if answer is not None:
            printed = "".join(text for _, text in answer.body["printed"]) if answer.ok else f"{answer.body['message']}\n"
            said, mark, directory = printed.rpartition("\n")
            if mark and directory.startswith("/"):
                printed, self.directory = said, directory
            self._say(STDOUT, printed.replace("\n", "\r\n"))
        self._say(STDOUT, PROMPT)

    async def _attach(self) -> None:
        """What process 1 prints from now on, until it ends or the client leaves."""
        begun = self.endpoint.simulation.now
        container = dict(self.asked).get("container", "")
        parameters = (*((("container", container),) if container else ()), ("sinceMicros", str(begun)))
        shown = 0
        while not self.over and self.endpoint.running:
            answer = self.endpoint.simulation.request(self.about("get", "log", parameters))
            text = str(answer.body.get("text", "")) if answer.ok else ""
            self._say(STDOUT, text[shown:])
            shown = max(shown, len(text))
            if not answer.ok or over(self.endpoint, self.about("get"), container):
                self._end(ended(0))
                return
            await asyncio.sleep(LOOK)


def ended(code: int) -> dict[str, Any]:
    """The Status that tells how a command ended."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }  # fmt: skip
