"""Reaching into containers: exec, attach, cp, port-forward, debug, run -it, and logs that are followed."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from k8snb.kubectl.commands.attach import from_bytes, packed
from k8snb.kubelet.images import Image
from k8snb.kubelet.images.shell.commands import Result
from tests.kubectl.shell import Shell

TAR = '(consider using "kubectl exec -n "" "linking" -- tar cf - "/x" | tar xf -")'


@pytest.fixture
def shell() -> Shell:
    return Shell(runtime="faithful")


@pytest.fixture
def web(shell: Shell) -> Shell:
    """A cluster with a running pod web."""
    shell.run("run web --image=nginx:1.27 --port=80")
    shell.cluster.run_for(5)
    return shell


def test_exec_tells_output_errors_and_codes_apart(web: Shell) -> None:
    done = web.run("exec web -- sh -c 'echo out; echo err >&2; exit 3'")
    assert (done.stdout, done.stderr, done.exit_code) == ("out\n", "err\ncommand terminated with exit code 3\n", 3)
    missing = web.run("exec web -- no-such-program")
    assert missing.stderr.startswith("error: Internal error occurred: error executing command in container:")
    assert 'exec: "no-such-program": executable file not found in $PATH: unknown' in missing.stderr
    assert web.run("exec web ls").exit_code == 1


def test_exec_reads_what_is_typed(web: Shell) -> None:
    assert web.run("exec -i web -- sh -c 'read name; echo hello $name; cat'", stdin="ann\nrest\n").stdout == "hello ann\nrest\n"
    assert web.run("exec web -- cat", stdin="unheard").stdout == "", "without -i nothing is passed on"


def test_what_goes_to_process_one_stands_in_the_log(web: Shell) -> None:
    web.run("exec web -- sh -c 'echo from outside > /proc/1/fd/1'")
    assert web.run("logs web --tail=1").stdout == "from outside\n"


def test_cp_brings_files_out_and_in(web: Shell) -> None:
    files = {"page.html": "<h1>hi</h1>\n", "conf/a": "1\n", "conf/sub/b": "2\n"}
    assert web.cluster.kubectl("cp page.html web:/usr/share/nginx/html/index.html", files=files).text == ""
    assert web.cluster.http("http://" + web.cluster.get("pods", "web")["status"]["podIP"], from_node="node-1").body == "<h1>hi</h1>\n"
    assert web.cluster.kubectl("cp conf web:/tmp", files=files).ok
    assert web.run("exec web -- cat /tmp/conf/sub/b").stdout == "2\n"
    found: dict[str, str] = {}
    assert web.cluster.kubectl("cp web:/tmp/conf back", files=found).stderr == "tar: removing leading '/' from member names\n"
    assert found == {"back/a": "1\n", "back/sub/b": "2\n"}


def test_cp_writes_to_the_disk_where_no_files_were_given(web: Shell, tmp_path: Path) -> None:
    assert web.cluster.kubectl(f"cp default/web:/etc/hostname {tmp_path}/name").ok
    assert (tmp_path / "name").read_text() == "web\n"


def test_cp_writes_nothing_outside_the_target_whatever_an_image_packs(shell: Shell, tmp_path: Path) -> None:
    def tar(call):
        return Result(from_bytes(packed({"x/../../stolen": "1", "x/kept": "2"})) if "/x" in call.args else "no archive")

    class Hostile(Image):
        """Its tar packs what it likes."""

        name, tools = "hostile", {"tar": tar}

    shell.cluster.images.add(Hostile)
    shell.run("run hostile --image=hostile")
    shell.cluster.run_for(5)
    done = shell.cluster.kubectl(f"cp hostile:/x {tmp_path}/into")
    assert done.ok
    assert done.stderr == f'warning: file "{tmp_path.parent}/stolen" is outside target destination, skipping\n'
    assert [file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*") if file.is_file()] == ["into/kept"]
    assert "invalid tar header" in shell.cluster.kubectl(f"cp hostile:/y {tmp_path}/into").stderr


def test_cp_makes_no_links_and_follows_none(shell: Shell, tmp_path: Path) -> None:
    def tar(_call):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name, target in (("x/etc", "/etc"), ("x/kept", ""), ("x/again", "kept"), ("x/gone", "nowhere")):
                info = tarfile.TarInfo(name)
                info.type, info.linkname = (tarfile.SYMTYPE, target) if target else (tarfile.REGTYPE, "")
                archive.addfile(info)
        return Result(from_bytes(buffer.getvalue()))

    class Linking(Image):
        """Its tar packs links."""

        name, tools = "linking", {"tar": tar}

    shell.cluster.images.add(Linking)
    shell.run("run linking --image=linking")
    shell.cluster.run_for(5)
    done = shell.cluster.kubectl(f"cp linking:/x {tmp_path}/into")
    assert done.stderr.splitlines() == [
        f'warning: skipping symlink: "{tmp_path}/into/etc" -> "/etc" {TAR}',
        f'warning: skipping symlink: "{tmp_path}/into/again" -> "kept"',
        f'warning: skipping symlink: "{tmp_path}/into/gone" -> "nowhere"',
    ]
    assert [file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*") if not file.is_dir()] == ["into/kept"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("cp a b", "one of src or dest must be a remote file specification"),
        ("cp missing web:/tmp", "missing doesn't exist in local filesystem"),
        ("cp web:/no/such x", "No such file or directory"),
        ("cp gone:/x y", 'pods "gone" not found'),
        ("cp web:/x", "source and destination are required"),
    ],
)
def test_cp_says_what_is_wrong(web: Shell, line: str, words: str) -> None:
    done = web.cluster.kubectl(line, files={})
    assert words in done.stderr
    assert done.exit_code == 1


def test_an_image_without_tar_cannot_be_copied_from(shell: Shell) -> None:
    shell.run("run idle --image=registry.k8s.io/pause:3.10")
    shell.cluster.run_for(5)
    assert 'exec: "tar": executable file not found' in shell.cluster.kubectl("cp idle:/x y", files={}).stderr


def test_a_forwarded_port_leads_into_the_pod_until_it_is_stopped(web: Shell) -> None:
    done = web.run("port-forward pod/web 8080:80")
    assert done.stdout == "Forwarding from 127.0.0.1:8080 -> 80\nForwarding from [::1]:8080 -> 80\n"
    assert "Welcome to nginx!" in web.cluster.http("http://localhost:8080/").body
    assert "bind: address already in use" in web.run("port-forward pod/web 8080:80").stderr
    assert repr(web.cluster.forwards) == "http://localhost:8080 -> pod/default/web:80"
    fork = web.cluster.fork()
    web.cluster.forwards.stop(8080)
    assert not web.cluster.http("http://localhost:8080/").ok
    assert fork.http("http://localhost:8080/").ok
    with pytest.raises(ValueError, match="No port 8080 is forwarded"):
        web.cluster.forwards.stop(8080)


def test_a_forward_belongs_to_one_pod(web: Shell) -> None:
    web.run("expose pod web --port=81 --target-port=80")
    assert "Forwarding from 127.0.0.1:9000 -> 80" in web.run("port-forward svc/web 9000:81").stdout
    assert web.cluster.http("http://127.0.0.1:9000/").ok
    assert "does not have a service port 80" in web.run("port-forward svc/web 9001:80").stderr
    web.run("port-forward pod/web 9002:9")
    refused = web.cluster.http("http://localhost:9002/")
    assert (refused.status, refused.error) == (0, "empty reply from server")
    assert "error forwarding port 9" in str(refused)
    web.run("delete pod web")
    web.cluster.run_for(1)
    assert "lost connection" in str(web.cluster.http("http://127.0.0.1:9000/"))


def test_port_forward_wants_a_running_pod(shell: Shell) -> None:
    shell.run("run late --image=nginx:9.9")
    shell.cluster.run_for(3)
    assert shell.run("port-forward late 80").stderr == "error: unable to forward port because pod is not running. Current status=Pending\n"


def test_run_types_a_script_into_a_shell(shell: Shell) -> None:
    done = shell.run("run box --rm -it --image=busybox:1.36 -- sh", stdin="echo in $(hostname)\nexit 4\n")
    assert "in box\n" in done.stdout
    assert 'pod "box" deleted' in done.stdout
    assert done.exit_code == 4


def test_attach_shows_what_is_printed_from_now_on(shell: Shell) -> None:
    shell.run("run tick --image=busybox:1.36 -- sh -c 'i=0; while true; do i=$((i+1)); echo $i; sleep 1; done'")
    shell.cluster.run_for(6)
    shown = [int(line) for line in shell.run("attach tick --request-timeout=3s").stdout.splitlines()]
    assert shown[0] > 3
    assert len(shown) == 3


def test_a_followed_log_ends_with_its_container_or_says_that_it_was_cut(shell: Shell) -> None:
    shell.run("run short --restart=Never --image=busybox:1.36 -- sh -c 'for i in 1 2 3; do echo $i; sleep 1; done'")
    shell.cluster.run_for(2)
    done = shell.run("logs -f short")
    assert (done.stdout, done.stderr) == ("1\n2\n3\n", "")
    shell.run("run long --image=busybox:1.36 -- sleep 999")
    shell.cluster.run_for(2)
    assert "followed for 2 s of virtual time" in shell.run("logs -f long --request-timeout=2s").stderr


def test_a_followed_log_shows_each_line_once_however_long_it_is_and_however_it_was_asked_for(shell: Shell) -> None:
    shell.run("run tick --image=busybox:1.36 -- sh -c 'for i in $(seq 1 9000); do echo $i; sleep 0.01; done'")
    shell.cluster.run_for(25)  # the log has begun to lose its first lines
    for how in ("", "--since=1s", "--tail=2", "--timestamps"):
        lines = shell.run(f"logs -f tick {how} --request-timeout=2s").stdout.splitlines()
        numbers = [int(line.split()[-1]) for line in lines]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), how
    limited = shell.run("logs -f tick --tail=1 --limit-bytes=12 --request-timeout=2s")
    assert (len(limited.stdout), limited.stderr) == (12, "")


def test_debug_copies_a_pod_and_visits_a_node(web: Shell) -> None:
    done = web.run("debug web -it --image=busybox:1.36 --copy-to=web-2 --container=tools -- sh -c 'wget -qO- localhost | head -n 1'")
    assert "<!DOCTYPE html>" in done.stdout
    assert [c["name"] for c in web.cluster.get("pods", "web-2")["spec"]["containers"]] == ["web", "tools"]
    node = web.run("debug node/node-1 -it --image=busybox:1.36", stdin="hostname\n")
    assert node.stderr.startswith("Creating debugging pod node-debugger-node-1-")
    assert node.stdout == "node-1\n"
    assert web.run("debug node/nowhere -it --image=busybox").exit_code == 1


def test_debug_puts_a_container_beside_one_that_has_no_shell(shell: Shell) -> None:
    shell.run("run bare --image=traefik/whoami --port=80")
    shell.cluster.run_for(5)
    assert 'exec: "sh": executable file not found' in shell.run("exec bare -- sh -c ls").stderr
    done = shell.run("debug bare -it --image=busybox:1.36 --target=bare -- sh -c 'wget -qO- localhost | head -n 1; hostname -i'")
    assert done.stdout == f"Hostname: bare\n{shell.cluster.get('pods', 'bare')['status']['podIP']}\n"
    assert "Defaulting debug container name to debugger-" in done.stderr
    names = [one["name"] for one in shell.cluster.get("pods", "bare")["spec"]["ephemeralContainers"]]
    assert shell.run(f"logs bare -c {names[0]}").stdout == done.stdout
