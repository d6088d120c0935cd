"""A terminal before a shell in a container: the editor of lines by itself, then real kubectl on a pty."""

import contextlib
import fcntl
import json
import os
import re
import select
import shutil
import signal
import struct
import termios
import time

import pytest

from k8snb.cluster import Cluster
from k8snb.http.terminal import Editor
from k8snb.kubelet.images.shell.session import incomplete
from tests.http.conftest import Served

pty = pytest.importorskip("pty", reason="this system has no pseudo terminals")


def screen(shown):
    """What a terminal shows in the end: backspaces move, characters overwrite."""
    line, at = [], 0
    for char in shown:
        if char == "\b":
            at -= 1
        else:
            line[at : at + 1] = [char]
            at += 1
    return "".join(line).rstrip()


def typed(*keys):
    """What is shown and what was entered."""
    editor, shown, entered = Editor(), "", []
    for chunk in keys:
        rest = chunk
        while (happened := editor.take(rest)) is not None:
            rest = ""
            if happened.kind == "show":
                shown += happened.text
            else:
                entered.append((happened.kind, happened.text))
    return screen(shown), entered, editor.line


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ("ls\x7f\x7fpwd", "pwd"),
        ("eco\x1b[D\x1b[Dh\x05 hi", "ehco hi"),
        ("cho\x01e\x05 x", "echo x"),
        ("echo one two\x17", "echo one"),
        ("gone\x15here", "here"),
        ("echo rest\x01\x0bnew", "new"),
        ("abc\x1b[D\x1b[3~\x1b[H\x04x", "xb"),
        ("a\x1b[C\x1b[C\x1b[D\x1b[D\x1b[Db", "ba"),
        ("日本\x1b[D語", "日語本"),
        ("tab\tnull\x00", "tabnull"),
    ],
)
def test_keys_edit_the_line(keys, line):
    shown, _, held = typed(keys)
    assert held.strip() == line.strip()
    if line.isascii():
        assert shown == line.strip()


def test_lines_are_entered_remembered_and_dropped():
    _, entered, _ = typed("one\rtwo\n\x1b[A\x1b[A\r", "ab\x1b", "[Dx\x03", "\x1bOA\x1bOB\r\x04")
    assert entered == [("enter", "one"), ("enter", "two"), ("enter", "one"), ("interrupt", "axb"), ("enter", ""), ("end", "")]


@pytest.mark.parametrize(
    ("script", "more"),
    [
        ("echo hi", False), ("if true; then", True), ("if true; then\n:; fi", False), ("echo 'a", True), ("f() {", True), ("done", False),
        ("cat <<EOF\na", True), ("cat <<'EOF'\na\nEOF", False), ("echo a \\", True), ("ls |", True), ("echo )(", False),
        ("(" * 3000, False), ("while true; do break " + "9" * 5000 + "; done", False), ("9" * 5000 + ">x", False),
    ],
)  # fmt: skip
def test_a_shell_asks_for_more_where_a_script_is_not_complete(script, more):
    assert incomplete(script) is more


# -- with real kubectl -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    if not shutil.which("kubectl"):
        pytest.skip("no kubectl is installed on this machine")
    lines = (
        "run box --image=busybox:1.36 -- sleep 100000", "run web --image=nginx:1.27", "run bare --image=registry.k8s.io/pause:3.10",
        "wait pod --all --for=condition=Ready --timeout=60s",
    )  # fmt: skip
    served = Served(tmp_path_factory.mktemp("terminal"), Cluster(nodes=1), lines)
    yield served
    served.close()


class Terminal:
    """A person at a terminal: types, reads, resizes."""

    def __init__(self, served, *words, rows=24, columns=80):
        self.pid, self.descriptor = pty.fork()
        if not self.pid:
            os.execvp("kubectl", ["kubectl", "--kubeconfig", str(served.kubeconfig), *words])
        self.raw = b""  # shown, and not yet read
        self.resize(rows, columns)

    def resize(self, rows, columns):
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, until, seconds=20):
        """What is shown, up to a text. Fails when it does not come."""
        end = time.monotonic() + seconds
        while until not in (seen := self.raw.decode(errors="replace").replace("\r\n", "\n")):
            assert time.monotonic() < end, f"{until!r} is not shown, but {seen!r}"
            if select.select([self.descriptor], [], [], 0.1)[0]:
                try:
                    self.raw += os.read(self.descriptor, 4096)
                except OSError:
                    return seen  # the process has ended
        shown, _, rest = seen.partition(until)
        self.raw = rest.encode()
        return shown + until

    def type(self, keys, until="# "):
        os.write(self.descriptor, keys.encode())
        return self.read(until)

    def code(self, seconds=20):
        """How kubectl ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(OSError):  # nobody may wait until its output is read
                if select.select([self.descriptor], [], [], 0)[0]:
                    os.read(self.descriptor, 4096)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.descriptor)
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.05)
        raise AssertionError("kubectl does not end")

    def leave(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(self.descriptor)


@pytest.fixture
def sits(world):
    """Sit down at ``kubectl ...``; who does not leave is led out."""
    open_ones = []

    def at(*words, **size):
        open_ones.append(Terminal(world, *words, **size))
        return open_ones[-1]

    yield at
    for each in open_ones:
        each.leave()


@pytest.mark.slow
def test_exec_feels_like_a_terminal(sits):
    here = sits("exec", "-it", "box", "--", "sh", rows=40, columns=120)
    assert here.read("# ") == "/ # "
    assert here.type("cd /tmp\r") == "cd /tmp\n/tmp # "
    assert here.type("X=5; greet() { echo hello $1; }\r") == "X=5; greet() { echo hello $1; }\n/tmp # "
    assert here.type("greet $X\r") == "greet $X\nhello 5\n/tmp # "
    assert here.type("for i in 1 2\r", "> ") == "for i in 1 2\n> "
    assert here.type("do echo $i; done\r") == "do echo $i; done\n1\n2\n/tmp # "
    assert here.type("false\r") == "false\n/tmp # "
    assert here.type("echo $?\r") == "echo $?\n1\n/tmp # "
    assert here.type("\x1b[A\x1b[A\x1b[A\r").endswith('do echo $i; done\nsh: syntax error: unexpected "do"\n/tmp # ')
    assert here.type("half\x03") == "half^C\n/tmp # "
    assert here.type("stty size\r") == "stty size\n40 120\n/tmp # "
    here.resize(50, 100)
    time.sleep(0.3)
    assert here.type("stty size\r") == "stty size\n50 100\n/tmp # "
    assert here.type("exit 3\r", "exit code 3\n").endswith("command terminated with exit code 3\n")
    assert here.code() == 3


@pytest.mark.slow
def test_a_command_takes_its_time_and_can_be_interrupted(sits):
    here = sits("exec", "-it", "box", "--", "sh")
    here.read("# ")
    began = time.monotonic()
    here.type("sleep 1; echo up\r", "\nup\n")
    assert 0.9 < time.monotonic() - began < 5
    here.read("# ")
    here.type("sleep 1000\r", "sleep 1000\n")
    assert here.type("echo typed ahead\x03", "# ") == "^C\n/ # "
    assert here.type("echo $?\r") == "echo $?\n130\n/ # "
    assert here.type("\x04", "\n") == "\n"
    assert here.code() == 0


@pytest.mark.slow
def test_bash_names_the_machine(sits):
    here = sits("exec", "-it", "web", "--", "bash")
    assert here.read("# ") == "root@web:/# "
    assert here.type("cd /etc/nginx\r") == "cd /etc/nginx\nroot@web:/etc/nginx# "
    assert here.type("\x04", "exit\n") == "exit\n"
    assert here.code() == 0


@pytest.mark.slow
def test_an_image_without_a_shell_has_none_at_a_terminal_either(sits):
    here = sits("exec", "-it", "bare", "--", "sh")
    assert 'exec: "sh": executable file not found in $PATH' in here.read("$PATH")
    assert here.code() != 0


@pytest.mark.slow
def test_a_program_at_a_terminal_runs_until_it_is_interrupted(sits):
    here = sits("exec", "-it", "box", "--", "sleep", "1000")
    time.sleep(0.5)
    assert here.type("\x03", "exit code 130\n").endswith("command terminated with exit code 130\n")
    assert here.code() == 130


# -- attach ----------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_run_sits_down_at_a_pod_of_its_own_and_removes_it(sits, world):
    here = sits("run", "mine", "-it", "--rm", "--image=busybox", "--restart=Never", "--", "sh")
    assert here.read("/ # ").endswith("/ # ")
    assert here.type("echo in $(hostname)\r") == "echo in $(hostname)\nin mine\n/ # "
    here.type("exit\r", 'pod "mine" deleted')
    assert here.code() == 0
    assert world.run(world.cluster.get, "pods", "mine") is None


@pytest.mark.slow
def test_what_has_ended_before_anybody_attached_is_shown_from_its_log(sits, world):
    here = sits("run", "quick", "-it", "--rm", "--image=busybox", "--restart=Never", "--", "echo", "all I say")
    assert "all I say\n" in here.read('pod "quick" deleted')
    assert here.code() == 0


@pytest.mark.slow
def test_attach_shows_what_process_1_prints_and_detaches(sits, world):
    world.run(world.cluster.kubectl, "run ticks --image=busybox:1.36 -- sh -c 'while true; do date; sleep 1; done'")
    world.run(world.cluster.kubectl, "wait pod/ticks --for=condition=Ready --timeout=60s")
    here = sits("attach", "ticks")
    seen = here.read("UTC 20") + here.read("UTC 20")
    assert len(re.findall(r"\d\d:\d\d:\d\d UTC", seen)) >= 1
    os.write(here.descriptor, b"\x03")
    assert here.code() != 0
    assert world.run(world.cluster.get, "pods", "ticks")["status"]["phase"] == "Running"


@pytest.mark.slow
def test_attach_to_a_waiting_shell_and_leave_it(sits, world):
    container = {"name": "sh", "image": "busybox:1.36", "stdin": True, "tty": True}
    spec = {"restartPolicy": "Never", "containers": [container]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "waits"}, "spec": spec}
    world.run(world.cluster.apply, json.dumps(pod))
    world.run(world.cluster.kubectl, "wait pod/waits --for=condition=Ready --timeout=60s")
    here = sits("attach", "-it", "waits")
    here.read("/ # ")
    assert here.type("echo here\r") == "echo here\nhere\n/ # "
    here.type("exit 4\r", "exit 4\n")
    here.code()
    world.run(world.cluster.kubectl, "wait pod/waits --for=jsonpath={.status.phase}=Failed --timeout=20s")
    ended = world.run(world.cluster.get, "pods", "waits")["status"]["containerStatuses"][0]["state"]["terminated"]
    assert ended["exitCode"] == 4


@pytest.mark.slow
def test_debug_sits_down_beside_a_container(sits, world):
    here = sits("debug", "-it", "bare", "--image=busybox:1.36", "--target=bare")
    here.read("/ # ")
    assert here.type("hostname\r") == "hostname\nbare\n/ # "
    here.type("exit\r", "\n")
    here.code()
    world.run(world.cluster.run_for, 5)
    statuses = world.run(world.cluster.get, "pods", "bare")["status"]["ephemeralContainerStatuses"]
    assert "terminated" in statuses[0]["state"]
