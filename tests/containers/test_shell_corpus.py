"""Scripts with what a real shell (dash, with GNU's tools) printed and answered: the simulated one does the same.

To add one, write its script into ``shell_corpus.json`` with the output and the exit code that a real ``sh -c`` gave in an empty directory.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8snb.cluster import Cluster

CORPUS = json.loads((Path(__file__).parent / "shell_corpus.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    """A cluster with a container to run scripts in."""
    made = Cluster(nodes=1)
    made.kubectl("run box --image=busybox:1.36 -- sleep 999999")
    made.run_for(4)
    return made


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case["script"][:60])
def test_scripts_do_what_they_do_in_a_real_shell(cluster: Cluster, case: dict[str, object]) -> None:
    script = f"rm -rf /tmp/w; mkdir -p /tmp/w; cd /tmp/w\n{case['script']}"
    done = cluster.kubectl(["exec", "box", "--", "sh", "-c", script])
    assert (done.stdout, done.exit_code) == (case["stdout"], case["code"]), done.stderr


@pytest.mark.parametrize(
    "script", ["vi /etc/hosts", "apt-get install curl", "apk add curl", "jq .", "sed ':a;N;ba' /etc/hosts", "openssl version"]
)
def test_what_is_not_simulated_says_so(cluster: Cluster, script: str) -> None:
    done = cluster.kubectl(["exec", "box", "--", "sh", "-c", script])
    assert "simulate" in done.stderr
    assert done.exit_code == 127


def test_what_is_not_there_is_not_found(cluster: Cluster) -> None:
    done = cluster.kubectl(["exec", "box", "--", "sh", "-c", "curl http://web"])
    assert done.stderr.startswith("sh: curl: not found\n")
    assert done.exit_code == 127


def test_a_command_without_end_is_interrupted_and_said_so(cluster: Cluster) -> None:
    done = cluster.kubectl("exec box -- sh -c 'while true; do sleep 1; done'")
    assert done.exit_code == 130
    assert "interrupted" in done.stderr


@pytest.mark.parametrize("program", ["BEGIN { while (1) x++ }", "BEGIN { for (;;) print 1 }"])
def test_an_awk_program_without_end_is_stopped(cluster: Cluster, program: str) -> None:
    done = cluster.kubectl(["exec", "box", "--", "awk", program])
    assert done.exit_code == 2
    assert "does not end" in done.stderr


def test_the_limits_of_a_container_can_be_read(cluster: Cluster) -> None:
    limits = {"memory": "64Mi", "cpu": "500m"}
    box = {"name": "lim", "image": "busybox", "command": ["sleep", "99"], "resources": {"limits": limits}}
    cluster.client.create(
        "pods", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "lim"}, "spec": {"containers": [box]}}, "default"
    )
    cluster.run_for(3)
    read = cluster.kubectl("exec lim -- cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max")
    assert read.stdout == "67108864\n50000 100000\n"


def test_ping_reaches_pods_and_not_services(cluster: Cluster) -> None:
    cluster.kubectl("run web --image=nginx:1.27 --port=80 --expose")
    cluster.run_for(4)
    address = cluster.get("pods", "web")["status"]["podIP"]
    assert " 0% packet loss" in cluster.kubectl(f"exec box -- ping -c 2 {address}").stdout
    assert " 100% packet loss" in cluster.kubectl("exec box -- ping -c 2 -W 1 web").stdout
    assert "bad address 'nowhere'" in cluster.kubectl("exec box -- ping nowhere").stderr


WORDS = st.sampled_from([
    "echo", "cat", "ls", "head", "tail", "cut", "sort", "sed", "awk", "grep", "tr", "seq", "printf", "test", "[", "]",
    "find", "xargs", "date", "kill", "shift", "trap", "wait", "read", "set", "export", "base64", "dd", "stat", "tar",
    "expr", "timeout", "cd", "wget", "curl", "nc", "-n", "-c", "-f", "-k", "-d", "-1", "x", "a=b", "%d", "$x", "${x",
    "$((", "))", "$(", ")", "|", "&&", ";", "&", "<", ">", "{", "}", "'", '"', "if", "then", "fi", "for", "in", "do",
    "done", "while", "case", "esac", "*", "[a", "/etc/hosts", "\\n", "\n", "!", "~", "`",
])  # fmt: skip


@given(st.lists(WORDS, max_size=12))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_typed_the_cluster_goes_on(cluster: Cluster, words: list[str]) -> None:
    done = cluster.kubectl(["exec", "box", "--", "timeout", "5", "sh", "-c", " ".join(words)])
    assert 0 <= done.exit_code < 256
    assert "Traceback" not in done.text
