"""The small shell: what scripts print, how they end, and how they wait."""

from __future__ import annotations

import pytest

from k8snb.kubelet.images import Catalogue, parse_reference
from k8snb.kubelet.images.files import Files, Volume
from k8snb.kubelet.images.ownership import Identity
from k8snb.kubelet.images.process import Process, ProcessState
from k8snb.kubelet.images.run import NotExecutable, begin, execute, go_on, next_wake, terminate
from k8snb.seams.cni import NO_SUCH_NAME, REFUSED, Answer, Connection, Headers, HTTPResponse
from k8snb.seams.cri import MountPoint
from k8snb.sim.clock import EPOCH, SECOND
from k8snb.sim.state import Shelf, clone, decode, encode
from tests.kubelet.story import Story


class Surroundings:
    """A clock that a test moves, and a network on which only ``web`` exists."""

    def __init__(self) -> None:
        self.now = EPOCH

    def resolve(self, name: str, kind: str = "A") -> Answer:
        if name == "web":
            return Answer(("10.96.0.7",), "web.default.svc.cluster.local", latency=500)
        return Answer(error=NO_SUCH_NAME, asked=(f"{name}.default.svc.cluster.local",))

    def connect(self, host: str, port: int) -> Connection:
        return Connection("" if port == 80 else REFUSED)

    def http(
        self, url: str, method: str = "GET", timeout: int = 0, *, headers: Headers = (), body: str = "", trust: str = "",
    ) -> HTTPResponse:  # fmt: skip
        if "//web" in url:
            return HTTPResponse(200, "hello\n", "", (), 900, address="10.96.0.7")
        return HTTPResponse(0, "", NO_SUCH_NAME, (), 900)

    def fraction(self) -> float:
        return 0.5


def container(*argv: str, image: str = "busybox:1.36", **env: str) -> Process:
    found = Catalogue().find(parse_reference(image))
    assert found is not None
    state = ProcessState(image=image, argv=argv, env=Shelf(env), hostname="box", mounts=(MountPoint("/config", "config", read_only=True),))
    files = Files(state.files, found.files, state.mounts, {"config": Volume(Shelf({"color": "blue\n"}))})
    return Process(state, found, files, Surroundings())


def run(process: Process, seconds: float = 3600) -> Process:
    """Let virtual time pass for a container."""
    system = process.system
    end = system.now + round(seconds * SECOND)
    begin(process)
    while process.state.exit_code is None and (wake := next_wake(process.state)) and wake <= end:
        system.now = wake
        go_on(process)
    return process


def printed(script: str, **env: str) -> str:
    process = run(container("sh", "-c", script, **env))
    return "".join(f"{line}\n" for _, line in process.state.log) + process.state.partial


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo hello world", "hello world\n"),
        ("echo -n a; echo b", "ab\n"),
        ("true && echo yes || echo no", "yes\n"),
        ("false && echo yes || echo no", "no\n"),
        ("for i in 1 2 3; do echo $i; done", "1\n2\n3\n"),
        ("i=0; while [ $i -lt 3 ]; do i=$((i+1)); echo $i; done", "1\n2\n3\n"),
        ("i=0; until [ $i -eq 2 ]; do i=$((i+1)); done; echo $i", "2\n"),
        ("if test -f /config/color; then cat /config/color; else echo none; fi", "blue\n"),
        ('x=$(echo inner; echo two); echo "$x"', "inner\ntwo\n"),
        ("x=$(echo inner; echo two); echo $x", "inner two\n"),
        ("echo ${NAME:-nobody} ${#NAME}", "nobody 0\n"),
        ("case banana in a*) echo a;; b*) echo b;; esac", "b\n"),
        ("greet() { echo hi $1; }; greet you; greet me", "hi you\nhi me\n"),
        ("seq 3 | while read n; do echo n=$n; done", "n=1\nn=2\nn=3\n"),
        ("printf '%s-%03d\\n' a 7", "a-007\n"),
        ("echo one > /tmp/f; echo two >> /tmp/f; wc -l < /tmp/f", "2\n"),
        ("cat <<EOF\nhello $HOME_TOWN\nEOF", "hello \n"),
        ("cat <<'EOF' | tr a-z A-Z\n$x\nEOF", "$X\n"),
        ("echo err 1>&2 2>/dev/null; ls /none 2>/dev/null || echo missing", "err\nmissing\n"),
        ("echo a b c | cut -d' ' -f2; echo x=1 | sed 's/=/: /'", "b\nx: 1\n"),
        ("(x=2; echo $x); echo ${x:-unset}", "2\nunset\n"),
        ("{ echo a; echo b; } > /out; cat /out", "a\nb\n"),
        ("for i in 1 2 3; do if [ $i = 2 ]; then continue; fi; echo $i; done", "1\n3\n"),
        ("while true; do echo once; break; done", "once\n"),
        ("set -- a b; echo $# $1 $2; shift; echo $1", "2 a b\nb\n"),
        ("sh -c 'echo nested $0 $1' x y", "nested x y\n"),
        ("frobnicate; echo $?", "sh: frobnicate: not found\n127\n"),
        ("jq 1; echo $?", "sh: jq: k8snb does not simulate this command\n127\n"),
        ("echo x > /config/color; echo $?", "sh: can't create /config/color: Read-only file system\n1\n"),
        ("trap 'echo bye' EXIT; echo hi", "hi\nbye\n"),
        ("cd /config && pwd && cat color", "/config\nblue\n"),
        ("echo /config/*", "/config/color\n"),
        ("date -u +%Y-%m-%d", "2026-01-01\n"),
        ("wget -qO- http://web", "hello\n"),
        ("wget -qO- http://nope; echo $?", "wget: bad address 'nope'\n1\n"),
        ('file=a.tar.gz; echo "${file%.*} ${file%%.*} ${file#*.}"', "a.tar a tar.gz\n"),
        ('echo "a  b"', "a  b\n"),
        ("! false; echo $?", "0\n"),
        ("A=1 env | grep A=", "A=1\n"),
        ("echo 'it'\\''s'", "it's\n"),
    ],
)
def test_a_script_prints(script: str, expected: str) -> None:
    assert printed(script) == expected


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("true",), 0), (("false",), 1), (("sh", "-c", "exit 7"), 7), (("sh", "-c", "set -e; false; exit 9"), 1), (("sh", "-c", "fi"), 2),
        (("sh", "-ec", "false || true; exit 4"), 4), (("/bin/sh", "-c", "sleep 1; exit 3"), 3), (("sh", "-c", "test $N -ne 2"), 2),
    ],
)  # fmt: skip
def test_a_command_ends_with_its_code(argv: tuple[str, ...], code: int) -> None:
    assert run(container(*argv)).state.exit_code == code


def test_sleeping_takes_virtual_time() -> None:
    process = run(container("sh", "-c", "for i in 1 2; do date +%S; sleep 5; done; date +%S"))
    assert [line for _, line in process.state.log] == ["00", "05", "10"]


def test_a_command_that_the_image_lacks_cannot_start() -> None:
    with pytest.raises(NotExecutable, match='exec: "java": executable file not found in \\$PATH'):
        begin(container("java", "-jar", "app.jar"))


def test_a_program_takes_no_more_words_than_linux_hands_it() -> None:
    words = "x=$(seq 1 40000); "
    for script, printed in (
        (words + "echo $x | wc -w", ["40000"]),
        (words + 'echo "$x" | wc -l', ["40000"]),
        (words + 'env "$x"; echo $?', ["sh: env: Argument list too long", "126"]),
        (words + 'sh -c "$x"; echo $?', ["sh: sh: Argument list too long", "126"]),
        ("ls $(seq 1 100000) $(seq 1 100000); echo $?", ["sh: ls: Argument list too long", "126"]),
    ):
        assert [line.strip() for _, line in run(container("sh", "-c", script)).state.log] == printed, script
    for argv in (("sh", "-c", "a" * 2**17), ("echo", *["a" * 100] * 30_000)):
        process = run(container(*argv))
        assert [line for _, line in process.state.log] == [f"exec {argv[0]}: argument list too long"]
        assert process.state.exit_code == 255


def test_a_shell_without_a_trap_ignores_sigterm() -> None:
    process = run(container("sh", "-c", "sleep 1000"), seconds=1)
    terminate(process)
    assert process.state.exit_code is None


def test_a_trap_runs_at_once_in_wait() -> None:
    process = run(container("sh", "-c", "trap 'echo bye; exit 143' TERM; sleep 1000 & wait"), seconds=1)
    terminate(process)
    assert process.state.exit_code == 143
    assert process.state.log[-1][1] == "bye"


def test_a_trap_waits_for_the_command_in_the_foreground() -> None:
    process = run(container("sh", "-c", "trap 'exit 5' TERM; sleep 10"), seconds=1)
    terminate(process)
    assert process.state.exit_code is None
    process.system.now = EPOCH + 10 * SECOND
    go_on(process)
    assert process.state.exit_code == 5


def test_a_busy_loop_lets_time_pass() -> None:
    process = run(container("sh", "-c", "while true; do :; done"), seconds=0.05)
    assert process.state.exit_code is None
    assert next_wake(process.state) > EPOCH


def test_a_sleeping_script_can_be_copied_and_saved() -> None:
    process = run(container("sh", "-c", "i=0; while true; do i=$((i+1)); echo $i; sleep 1; done"), seconds=3)
    for copy in (clone(process.state), decode(encode(process.state))):
        twin = Process(copy, process.image, process.files, Surroundings())
        twin.system.now = next_wake(copy)
        go_on(twin)
        assert [line for _, line in copy.log] == ["1", "2", "3", "4", "5"]


def test_a_command_executed_beside_shares_the_files() -> None:
    process = run(container("sleep", "1000"), seconds=1)
    assert execute(process, ("sh", "-c", "echo x > /tmp/healthy; sleep 2; cat /tmp/healthy"))[:4] == ("x\n", 0, 2 * SECOND, True)
    assert execute(process, ("cat", "/nope")).output == "cat: can't open '/nope': No such file or directory\n"
    assert process.files.read("/tmp/healthy") == "x\n"


def test_nslookup_prints_as_busybox_does() -> None:
    process = run(container("sleep", "1000"), seconds=1)
    process.state.files["/etc/resolv.conf"] = "nameserver 10.96.0.10\n"
    assert execute(process, ("nslookup", "web")).output == (
        "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\nName:\tweb.default.svc.cluster.local\nAddress: 10.96.0.7\n\n"
    )
    assert "** server can't find db.default.svc.cluster.local: NXDOMAIN" in execute(process, ("nslookup", "db")).output


def test_an_init_container_waits_for_a_service() -> None:
    process = run(container("sh", "-c", "until nslookup db; do sleep 2; done"), seconds=10)
    assert process.state.exit_code is None
    assert run(container("sh", "-c", "until nslookup web; do sleep 2; done")).state.exit_code == 0


# -- who, and which processes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "shell", "user", "prompt"),
    [
        ("nginx:1.27", "bash", 0, "root@box:~# "),
        ("nginx:1.27", "bash", 101, "nginx@box:/root$ "),
        ("nginx:1.27", "bash", 1000, "I have no name!@box:/root$ "),
        ("busybox:1.36", "sh", 1000, "/root $ "),
        ("busybox:1.36", "sh", 0, "~ # "),
    ],
)
def test_the_prompt_names_who_types(image: str, shell: str, user: int, prompt: str) -> None:
    main = container("sleep", "9", image=image)
    main.files = Files(main.state.files, main.image.tree, (), {}, who=Identity(user, (user,)))
    assert execute(main, (shell,), stdin="cd /root", session={"size": (24, 80)}).session["prompt"] == prompt


@pytest.mark.parametrize(
    ("script", "rows"),
    [
        ("sleep 1h", ["1 sleep 1h"]),  # nothing is left to do for the shell: it becomes the command
        ("echo hello && sleep 1h", ["1 sleep 1h"]),
        ("while true; do date; sleep 60; done", ["1 sh -c while true; do date; sleep 60; done", "7 sleep 60"]),
        ("trap 'exit 0' TERM; sleep 1h", ["1 sh -c trap 'exit 0' TERM; sleep 1h", "7 sleep 1h"]),
        ("sleep 99 & sleep 77; true", ["1 sh -c sleep 99 & sleep 77; true", "7 sleep 77", "101 sleep 99"]),
    ],
)
def test_ps_shows_what_the_shell_waits_for(script: str, rows: list[str]) -> None:
    main = container("sh", "-c", script)
    main.files = Files(main.state.files, main.image.tree, (), {})
    begin(main)
    lines = [line.split(maxsplit=3) for line in execute(main, ("ps",)).output.splitlines()[1:]]
    assert [f"{number} {words}" for number, _, _, words in lines if words != "ps"] == rows


def test_ps_shows_the_account_to_which_a_server_has_changed(story: Story) -> None:
    story.pod("cache", image="memcached:1.6")
    story.pod("store", image="mongo:7")
    story.run(60)
    assert story.cluster.kubectl(["exec", "cache", "--", "ps"]).text.splitlines()[1].split() == ["1", "memcache", "0:00", "memcached"]
    assert [line.split()[1] for line in story.cluster.kubectl(["exec", "store", "--", "ps"]).text.splitlines()[1:]] == ["mongodb", "root"]
