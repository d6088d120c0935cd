"""A shell that somebody types into, line by line. Each line is a script of its own; what the shell keeps between two lines is a value.

    {"variables": {"X": "5"}, "exports": ["X"], "functions": {...}, "options": {...}, "directory": "/tmp", "status": 0, "left": false}

So a terminal is no state of the cluster: whoever sits at it brings the session along with each line, and takes the new one.

Simplified: jobs in the background end with their line; aliases are not known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from k8snb.kubelet.images.accounts import PASSWD, account_of
from k8snb.kubelet.images.process import Process
from k8snb.kubelet.images.shell import machine
from k8snb.kubelet.images.shell.builtins import LEFT
from k8snb.kubelet.images.shell.commands import TERMINAL
from k8snb.kubelet.images.shell.compile import ShellSyntaxError, compile_script
from k8snb.kubelet.images.shell.state import Frame, ShellState
from k8snb.kubelet.images.shell.words import Incomplete

Session = Mapping[str, Any]
SIZE = (24, 80)

_HERE = re.compile(r"<<-?[ \t]*(['\"]?)([A-Za-z_][A-Za-z0-9_]*)\1")


def incomplete(script: str) -> bool:
    r"""Whether a shell would ask for another line.

    >>> incomplete("for i in 1 2; do"), incomplete("cat <<EOF\nhi"), incomplete("echo done"), incomplete("done")
    (True, True, False, False)
    """
    if script.endswith("\\") and not script.endswith("\\\\"):
        return True
    if any(found[2] not in script[found.end() :].replace("\t", "").split("\n") for found in _HERE.finditer(script)):
        return True
    try:
        compile_script(script)
    except Incomplete:
        return True
    except ShellSyntaxError:
        return False
    return False


def resume(line: str, process: Process, session: Session) -> tuple[ShellState, Frame]:
    """A shell that goes on where a session has stopped, about to run a line; and the frame that will hold its variables."""
    shell = machine.start(line, process)
    frame = shell.jobs[0].frames[0]
    process.memory[TERMINAL] = tuple(session.get("size") or SIZE)
    frame.variables.update({"TERM": "xterm", **session.get("variables", {})})
    shell.exports.update(dict.fromkeys(("TERM", *session.get("exports", ())), True))
    shell.functions.update({name: tuple(found) for name, found in session.get("functions", {}).items()})
    shell.options.update(session.get("options", {}))
    shell.directory = session.get("directory") or shell.directory
    shell.jobs[0].status = session.get("status", 0)
    return shell, frame


def kept(shell: ShellState, frame: Frame, process: Process) -> dict[str, Any]:
    """What the shell keeps after a line, its prompt among it. ``left``: somebody has typed ``exit``."""
    options = dict(shell.options)
    return {
        "variables": dict(frame.variables), "exports": sorted(shell.exports),
        "functions": {name: list(found) for name, found in shell.functions.items()},
        "left": bool(options.pop(LEFT, False)), "options": options,
        "directory": shell.directory, "status": shell.jobs[0].status, "prompt": prompt(shell, process),
    }  # fmt: skip


def prompt(shell: ShellState, process: Process) -> str:
    """What stands before each line: bash names the machine, ash the directory, dash nothing."""
    number = process.files.who.user
    account = account_of(process.files.content(PASSWD) or "", number)
    home, sign = re.escape((account.home if account else "").rstrip("/")), "$" if number else "#"
    where = re.sub(rf"^{home}(?=/|$)", "~", shell.directory) if home else shell.directory
    if process.argv[0].endswith("bash"):
        return f"{account.name if account else 'I have no name!'}@{process.hostname}:{where}{sign} "
    return f"{where} {sign} " if "bash" in process.image.absent else f"{sign} "
