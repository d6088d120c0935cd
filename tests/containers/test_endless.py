"""Commands that never end: each is ended with a sentence, soon, and the cluster goes on."""

import pytest

from k8snb.cluster import Cluster
from k8snb.sim.state import digest


@pytest.fixture(scope="module")
def cluster():
    made = Cluster(nodes=1)
    made.kubectl("run box --image=busybox:1.36 -- sleep 999999")
    made.settle()
    return made


def run(cluster, script):
    return cluster.kubectl(["exec", "box", "--", "sh", "-c", script])


BUSY = "ended after 200000 steps without a pause. A command takes effect at one instant of the cluster's time"
STACK = "Segmentation fault (k8snb: functions or scripts call one another without an end"
FORK = "sh: can't fork: Resource temporarily unavailable"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("while true; do :; done", BUSY),
        ("while true; do sleep 0; done", BUSY),
        ("while true; do : & wait; done", BUSY),
        ("f() { f; }; f", STACK),
        ("f() { echo $(f); }; f 2>/dev/null", STACK),
        ("echo 'sh /tmp/y.sh' > /tmp/y.sh; sh /tmp/y.sh", STACK),
        ("b() { b & b & }; b; wait", FORK),
        ("while true; do sleep 100 & done", FORK),
        ("x=a; while :; do x=$x$x; done", "sh: out of memory"),
        ("printf '%1000000000d' 5 | wc -c", "sh: out of memory"),
        ("awk 'BEGIN { while (1) { x = x \"more\" x } }'", "awk: out of memory"),
        ("while true; do sleep 1; done", "would not have ended within an hour"),
    ],
)
def test_a_command_without_an_end_is_ended_and_says_why(cluster, script, said):
    assert said in run(cluster, script).text
    assert run(cluster, "echo well").text == "well\n"


def test_what_takes_long_and_ends_is_left_alone(cluster):
    assert run(cluster, "i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done; echo $i").text == "5000\n"
    assert run(cluster, "f() { [ $1 -gt 0 ] && f $(($1-1)); echo $1; }; f 40 | head -1").text == "0\n"


def test_a_containers_own_busy_loop_goes_on_and_uses_a_core(cluster):
    cluster.kubectl("run busy --image=busybox:1.36 -- sh -c 'while true; do :; done'")
    cluster.run_for(20)
    assert cluster.get("pods", "busy")["status"]["phase"] == "Running"
    cluster.kubectl("delete pod busy --now")
    cluster.run_for(5)


def test_recursion_ends_a_container_with_the_code_of_a_broken_stack(cluster):
    cluster.kubectl("run deep --image=busybox:1.36 --restart=Never -- sh -c 'f() { f; }; f'")
    cluster.run_for(5)
    (status,) = cluster.get("pods", "deep")["status"]["containerStatuses"]
    assert status["state"]["terminated"]["exitCode"] == 139
    assert STACK in cluster.kubectl("logs deep").text
    assert digest(cluster.fork().simulation.root) == digest(cluster.simulation.root)
