"""``exec`` and ``attach`` over HTTP: conversations by WebSocket, as kubectl holds them since 1.31.

    frame = one byte for the channel, then data
    0 stdin   1 stdout   2 stderr   3 how it ended (a Status)   4 {"Width": 80, "Height": 24}   255 a channel is closed

A command is run to its end at one instant of the cluster's time; what it prints is shown at the pace at which it was printed. Without a
terminal it begins when the client has closed its standard input (or has none). At a terminal (``-it``) a bare shell takes line after
line (:mod:`.terminal`), and keeps what a shell keeps between them; nothing that is typed reaches any other program.

Models: k8s.io/apimachinery/pkg/util/remotecommand (constants.go), k8s.io/kubelet/pkg/cri/streaming/remotecommand/websocket.go.
Simplified: no base64, and no standard input without a terminal in the older form (v4), which cannot end it; ^C ends the waiting, not
what the command has already done.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apiserver.request import Response
from k8snb.client.client import refusal
from k8snb.component_helpers.logs import FollowedLog
from k8snb.http import terminal
from k8snb.http.streams import LOOK, over
from k8snb.http.upgraded import Upgraded
from k8snb.kubelet.images.shell.session import incomplete
from k8snb.resources.core.pod_log import TYPED
from k8snb.sim.clock import SECOND

if TYPE_CHECKING:
    from k8snb.http.endpoint import Endpoint

V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"  # the older one cannot say that standard input has ended
STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
SHELLS = ("sh", "bash", "/bin/sh", "/bin/bash", "ash")
LARGEST = 3 * 1024 * 1024  # bytes that may be typed
MORE = "> "  # the prompt of a line that continues another
INTERRUPTED = 130  # the status of what ^C ended


class Conversation(Upgraded):
    """One ``exec`` or ``attach``."""

    protocols = (V5, V4)

    def initialize(self, endpoint: Endpoint) -> None:
        """Tornado's way to hand in what the handler needs."""
        super().initialize(endpoint)
        self.typed = bytearray()
        self.editor, self.begun = terminal.Editor(), ""  # the lines of a script that is not complete yet
        self.session: dict[str, Any] = {}
        self.playing: asyncio.Task[None] | None = None

    def check_query(self) -> None:
        """Who wants to type must be able to say when that is all. Raises ApiError 400."""
        if V5 not in self.offered and self._wants("stdin") and not self._wants("tty"):
            raise ApiError(400, "BadRequest", f"k8snb wants {V5} for standard input without a terminal", {})

    def on_close(self) -> None:
        """The client has gone, and nobody waits for the command any longer."""
        super().on_close()
        if self.playing is not None:
            self.playing.cancel()
            self.playing = None

    # ------------------------------------------------------------------ what is asked for

    @property
    def command(self) -> list[str]:
        """The command, word by word."""
        return [value for key, value in self.asked if key == "command"]

    @property
    def container(self) -> str:
        """The container that is meant; empty: the pod's only one."""
        return dict(self.asked).get("container", "")

    def _wants(self, channel: str) -> bool:
        return dict(self.asked).get(channel) in ("true", "1")

    @property
    def shell(self) -> str:
        """The bare shell that somebody sits before at a terminal; empty where there is none."""
        command = self.command if self.target.subresource == "exec" else self._main()
        bare = command[:1] and command[0] in SHELLS and all(word in ("-i", "-l", "-li", "-il", "--login") for word in command[1:])
        return command[0] if bare and self._wants("tty") and self._wants("stdin") else ""

    def _main(self) -> list[str]:
        """The command of the container's process 1, if that waits for somebody who types."""
        answer = self.look()
        spec = answer.body.get("spec") or {} if answer.ok else {}
        found = [one for key in ("containers", "ephemeralContainers") for one in spec.get(key) or () if self.container in ("", one["name"])]
        if not found or not found[0].get("stdin"):
            return []
        return [*(found[0].get("command") or ()), *(found[0].get("args") or ())] or ["sh"]

    def open(self, *_args: str, **_kwargs: str) -> None:
        """The protocol has changed: begin, unless something is still to be typed."""
        self.at_terminal = self.shell
        if self.at_terminal:
            self._enter("")
        elif self.target.subresource == "attach":
            self.endpoint.spawn(self._attach(self.endpoint.simulation.now))  # from now on: what is typed may be answered first
        elif self._wants("tty") or not self._wants("stdin"):
            self._run(self.command, "")

    def on_message(self, message: str | bytes) -> None:
        """Something was typed, the terminal has another size, or standard input is closed."""
        data = message.encode() if isinstance(message, str) else message
        if not data or self.over:
            return
        channel, rest = data[0], data[1:]
        if channel == RESIZE:
            self._resized(rest)
        elif channel == CLOSE and rest[:1] == bytes([STDIN]) and not self._wants("tty"):
            stdin = self.typed.decode(errors="surrogateescape")
            if self.target.subresource == "exec":
                self._run(self.command, stdin)
            else:
                self._type(stdin)
        elif channel == STDIN and self._wants("tty"):
            self._keys(rest.decode(errors="replace"))
        elif channel == STDIN:
            self._more(rest)

    def _more(self, data: bytes) -> None:
        """A piece of standard input. More than a request may hold is too much."""
        self.typed += data
        if len(self.typed) > LARGEST:
            self.typed.clear()
            self._end(ApiError(413, "RequestEntityTooLarge", f"k8snb takes at most {LARGEST} bytes of standard input", {}).status)

    def _resized(self, data: bytes) -> None:
        try:
            size = json.loads(data)
            self.session = {**self.session, "size": [int(size["Height"]) % 10_000, int(size["Width"]) % 10_000]}
        except (ValueError, KeyError, TypeError):
            return  # what says no size changes none

    # ------------------------------------------------------------------ what is answered

    def _say(self, channel: int, text: str) -> None:
        if self._wants("tty"):
            channel, text = STDOUT, text.replace("\r\n", "\n").replace("\n", "\r\n")
        if text:
            self.send(bytes([channel]) + text.encode(errors="surrogateescape"))

    def _end(self, status: dict[str, Any]) -> None:
        if not self.over:
            self.send(bytes([ERROR]) + json.dumps(status).encode())
            self.over = True
            self.close(1000)

    def _container(self) -> tuple[tuple[str, str], ...]:
        return (("container", self.container),) if self.container else ()

    def _ask(self, command: list[str], stdin: str, body: Any = None) -> Response:
        parameters = [*self._container(), *(("command", word) for word in command), *[(TYPED, stdin)] * bool(stdin)]
        return self.ask(self.about("create", "exec", tuple(parameters), body))

    def _type(self, script: str) -> None:
        """Hand process 1 what was typed; its input ends there."""
        self.ask(self.about("create", "attach", (*self._container(), (TYPED, script))))

    def _run(self, command: list[str], stdin: str) -> None:
        """Run a command, and say how it ended."""
        answer = self._ask(command, stdin)
        if not answer.ok:
            self._end({**answer.body, "metadata": {}})
            return
        self._play(answer, lambda: self._end(ended(int(answer.body["exitCode"]))))

    def _play(self, answer: Response, after: Callable[[], None]) -> None:
        """Show what a command has printed, each piece in its time; then go on. What took no time is shown at once."""
        if not answer.body["took"]:
            for descriptor, text in answer.body["printed"]:
                self._say(descriptor, text)
            after()
            return

        async def play() -> None:
            shown = 0
            for (descriptor, text), at in zip(answer.body["printed"], answer.body["times"], strict=True):
                await asyncio.sleep((at - shown) / SECOND / self.endpoint.pace.factor)
                self._say(descriptor, text)
                shown = at
            await asyncio.sleep((answer.body["took"] - shown) / SECOND / self.endpoint.pace.factor)
            self.playing = None
            after()

        self.playing = self.endpoint.spawn(play())

    # ------------------------------------------------------------------ at a terminal

    def _keys(self, text: str) -> None:
        """Keys at a terminal. While a command runs they wait, all but ^C."""
        if self.playing is not None and "\x03" in text:
            self.editor.flush()
            self._interrupted()
            text = text.rpartition("\x03")[2]
        if self.playing is not None or not self.at_terminal:
            self.editor.hold(text)
            return
        self.editor.hold(text)
        while not self._busy() and (happened := self.editor.take("")) is not None:
            _HAPPENED[happened.kind](self, happened.text)

    def _busy(self) -> bool:
        """Whether keys must wait."""
        return self.playing is not None or self.over

    def _interrupted(self) -> None:
        """^C while a command runs: nobody waits for it any longer."""
        assert self.playing is not None
        self.playing.cancel()
        self.playing = None
        if not self.at_terminal:
            self._end(ended(INTERRUPTED))
            return
        self.session = {**self.session, "status": INTERRUPTED}
        self._say(STDOUT, "^C\n")
        self._prompt()

    def _dropped(self, _line: str) -> None:
        """^C at the prompt."""
        self.begun, self.session = "", {**self.session, "status": INTERRUPTED}
        self._say(STDOUT, "^C\n")
        self._prompt()

    def _entered(self, line: str) -> None:
        self._say(STDOUT, "\n")
        script = self.begun + line
        self.begun = ""
        if not script.strip():
            self._prompt()
        elif incomplete(script):
            self.begun = script + "\n"
            self.editor.prompt = MORE
            self._say(STDOUT, MORE)
        else:
            self._enter(script)

    def _enter(self, script: str) -> None:
        """Let the shell run a line, and take what it keeps."""
        answer = self._ask([self.at_terminal], script, {"session": self.session})
        if not answer.ok:
            self._end({**answer.body, "metadata": {}})
            return
        self.session = {**answer.body["session"], "size": self.session.get("size")}
        self._play(answer, lambda: self._leave(int(answer.body["exitCode"])) if self.session.get("left") else self._ready())

    def _prompt(self) -> None:
        self.editor.prompt = str(self.session.get("prompt", "# "))
        self._say(STDOUT, self.editor.prompt)

    def _ready(self) -> None:
        """The line is done: the next may have been typed meanwhile."""
        self._prompt()
        self._keys("")

    def _done(self, _line: str) -> None:
        """^D at the prompt."""
        self._say(STDOUT, "exit\n" if self.at_terminal.endswith("bash") else "\n")
        self._leave(int(self.session.get("status", 0)))

    def _leave(self, code: int) -> None:
        """The person at the terminal is done: a shell that is process 1 ends with that, too."""
        if self.target.subresource == "attach":
            self._type(f"exit {code}\n")
        self._end(ended(code))

    async def _attach(self, begun: int) -> None:
        """What process 1 prints from ``begun`` on (µs), until it ends or the client leaves."""
        answer = self.ask(self.about("create", "attach", self._container()))
        if not answer.ok:  # kubectl shows the log instead
            self._end({**answer.body, "metadata": {}})
            return
        log = FollowedLog({**dict(self._container()), "sinceMicros": str(begun)}, self._read_log, lambda: self.endpoint.simulation.now)
        while not self.over and self.endpoint.running:
            try:
                self._say(STDOUT, log.look())
                done = over(self.look(), self.container)
            except ApiError:  # nobody is there who could tell
                done = True
            if done:
                self._end(ended(0))
                return
            await asyncio.sleep(LOOK)

    def _read_log(self, wanted: Mapping[str, str]) -> str:
        """The container's log. Raises ApiError."""
        answer = self.look("log", tuple(wanted.items()))
        if not answer.ok:
            raise refusal(answer)
        return str(answer.body["text"])


_HAPPENED: dict[str, Callable[[Conversation, str], None]] = {
    terminal.SHOW: lambda one, text: one._say(STDOUT, text),
    terminal.ENTER: Conversation._entered,
    terminal.INTERRUPT: Conversation._dropped,
    terminal.END: Conversation._done,
}


def ended(code: int) -> dict[str, Any]:
    """The Status that tells how a command ended."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }  # fmt: skip
