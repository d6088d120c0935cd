"""Probes: who gets traffic, who is restarted, who is waited for."""

from __future__ import annotations

from typing import Any

Story = Any


def test_readiness_follows_the_container_both_ways(story: Story) -> None:
    probe = {"exec": {"command": ["cat", "/tmp/ready"]}, "periodSeconds": 2, "failureThreshold": 2}
    story.pod("app", "sh", "-c", "sleep 5; touch /tmp/ready; sleep 10; rm /tmp/ready; sleep 999", readinessProbe=probe)
    story.run(4)
    assert not story.ready("app")
    assert {c["type"]: c.get("message") for c in story.status("app")["conditions"]}["Ready"] == "containers with unready status: [main]"
    assert story.events("app", "Unhealthy") == ["Readiness probe failed: cat: can't open '/tmp/ready': No such file or directory"]
    story.run(5)
    assert story.ready("app")
    story.run(12)
    assert not story.ready("app")
    assert story.main("app")["restartCount"] == 0


def test_an_unhealthy_container_is_killed_after_its_grace_period_and_restarted(story: Story) -> None:
    probe = {"exec": {"command": ["cat", "/tmp/healthy"]}, "initialDelaySeconds": 5, "periodSeconds": 5}
    story.pod("app", "sh", "-c", "touch /tmp/healthy; sleep 8; rm /tmp/healthy; sleep 999", livenessProbe=probe)
    story.run(25)
    assert story.events("app", "Killing") == ["Container main failed liveness probe, will be restarted"]
    assert story.main("app")["restartCount"] == 0  # sh ignores SIGTERM, so the 30 s of grace must pass
    story.run(30)
    assert story.main("app")["restartCount"] == 1
    assert story.main("app")["lastState"]["terminated"]["exitCode"] == 137


def test_a_startup_probe_protects_a_slow_starter(story: Story) -> None:
    check = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 3}
    story.pod(
        "app",
        image="k8snb/slow-starter",
        startupProbe={**check, "failureThreshold": 10},
        livenessProbe=check,
        env=[{"name": "STARTUP", "value": "20"}],
    )
    story.run(15)
    assert story.main("app")["started"] is False
    address = story.status("app")["podIP"]
    assert story.events("app", "Unhealthy") == [
        f'Startup probe failed: Get "http://{address}:8080/healthz": dial tcp {address}:8080: connect: connection refused'
    ]
    story.run(15)
    assert (story.main("app")["started"], story.ready("app"), story.main("app")["restartCount"]) == (True, True, 0)


def test_without_it_the_liveness_probe_kills_a_slow_starter_again_and_again(story: Story) -> None:
    check = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 3}
    story.pod("app", image="k8snb/slow-starter", livenessProbe=check)
    story.run(60)
    assert story.main("app")["restartCount"] >= 2


def test_http_status_and_slow_answers_fail(story: Story) -> None:
    story.pod("web", image="nginx:1.27", readinessProbe={"httpGet": {"path": "/nope", "port": 80}})
    story.pod("slow", image="k8snb/web", readinessProbe={"httpGet": {"port": 8080}}, env=[{"name": "DELAY_MS", "value": "1500"}])
    story.run(5)
    assert story.events("web", "Unhealthy") == ["Readiness probe failed: HTTP probe failed with statuscode: 404"]
    assert story.events("slow", "Unhealthy")[0].endswith("context deadline exceeded (Client.Timeout exceeded while awaiting headers)")


def test_an_exec_probe_has_a_time_limit(story: Story) -> None:
    story.pod("app", "sleep", "999", readinessProbe={"exec": {"command": ["sleep", "5"]}, "timeoutSeconds": 2})
    story.run(3)
    assert story.events("app", "Unhealthy") == ['Readiness probe failed: command timed out: "sleep 5" timed out after 2s']


def test_a_probe_that_changes_nothing_writes_nothing(story: Story) -> None:
    story.pod("web", image="nginx:1.27", readinessProbe={"httpGet": {"port": 80}, "periodSeconds": 1})
    story.run(5)
    before = story.writes("web")
    story.run(60)
    assert story.writes("web") == before


def test_a_probe_ticks_from_the_moment_at_which_the_pod_was_taken_up(story: Story) -> None:
    probe = {"exec": {"command": ["sh", "-c", "date +%s >> /tmp/asked; exit 1"]}, "periodSeconds": 7, "failureThreshold": 9}
    begin = story.cluster.now // 1_000_000
    story.pod("app", "sleep", "999", livenessProbe=probe)
    story.run(30)
    asked = [int(line) - begin for line in story.cluster.kubectl("exec app -- cat /tmp/asked").text.split()]
    assert asked == [7, 14, 21, 28]


def test_a_restarted_kubelet_spreads_its_first_probes_over_their_period(story: Story) -> None:
    probe = {"exec": {"command": ["sh", "-c", "date +%s >> /tmp/asked"]}, "periodSeconds": 60}
    for number in range(8):
        story.pod(f"app-{number}", "sleep", "9999", livenessProbe=probe)
    story.run(10)
    story.cluster.faults.stop("kubelet/node-1")
    story.cluster.faults.start("kubelet/node-1")
    begin = story.cluster.now // 1_000_000
    story.run(60)
    asked = [int(story.cluster.kubectl(f"exec app-{number} -- cat /tmp/asked").text.split()[-1]) - begin for number in range(8)]
    assert len(set(asked)) > 4
    assert all(0 <= moment <= 60 for moment in asked)


def test_localhost_in_a_probe_is_the_node_and_https_needs_somebody_who_speaks_it(story: Story) -> None:
    story.pod("lost", image="nginx:1.27", readinessProbe={"httpGet": {"host": "127.0.0.1", "port": 80}})
    story.pod("plain", image="nginx:1.27", readinessProbe={"httpGet": {"port": 80, "scheme": "HTTPS"}})
    story.pod("named", image="nginx:1.27", readinessProbe={"httpGet": {"port": "web"}})
    story.run(4)
    assert story.events("lost", "Unhealthy") == [
        'Readiness probe failed: Get "http://127.0.0.1:80/": dial tcp 127.0.0.1:80: connect: connection refused'
    ]
    assert story.events("plain", "Unhealthy")[0].endswith("http: server gave HTTP response to HTTPS client")
    assert story.events("named", "Unhealthy") == [
        'Readiness probe errored and resulted in unknown state: strconv.Atoi: parsing "web": invalid syntax'
    ]


def test_a_probe_that_cannot_be_asked_changes_nothing(story: Story) -> None:
    probe = {"exec": {"command": ["no-such-command"]}, "periodSeconds": 1, "failureThreshold": 1}
    story.pod("app", image="nginx:1.27", livenessProbe=probe)
    story.run(10)
    assert story.main("app")["restartCount"] == 0
    said = story.events("app", "Unhealthy")
    assert said[0].startswith("Liveness probe errored and resulted in unknown state: rpc error: code = Unknown desc = failed to exec")


def test_probes_send_their_headers_and_say_who_asks(story: Story) -> None:
    from k8snb.kubelet.images import Image, Process
    from k8snb.seams.cni import HTTPReply, HTTPRequest, header

    class Picky(Image):
        name = "picky"
        ports = (80,)

        def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
            process.log(f"{request.host} {header(request.headers, 'X-Probe')} {header(request.headers, 'user-agent')}")
            return HTTPReply(200)

    story.cluster.images.add(Picky)
    headers = [{"name": "X-Probe", "value": "yes"}, {"name": "Host", "value": "shop.example.com"}]
    story.pod("app", image="picky", readinessProbe={"httpGet": {"port": 80, "httpHeaders": headers}})
    story.run(3)
    assert story.cluster.kubectl("logs app").text.splitlines()[0] == "shop.example.com yes kube-probe/1.36"


def test_a_probe_may_have_a_grace_period_of_its_own(story: Story) -> None:
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1, "terminationGracePeriodSeconds": 4}
    story.pod("app", "sleep", "999", livenessProbe=probe)
    story.run(9)
    assert story.main("app")["restartCount"] == 1


def test_a_grpc_probe_asks_the_health_service_of_the_program(story: Story) -> None:
    from k8snb.kubelet.images import Image, Process

    class Talker(Image):
        name = "talker"
        ports = (9090,)

        def health(self, process: Process, service: str) -> str:
            return "SERVING" if service == "" or process.uptime > 5 else "NOT_SERVING"

    story.cluster.images.add(Talker)
    story.pod("app", image="talker", readinessProbe={"grpc": {"port": 9090, "service": "shop"}, "periodSeconds": 2})
    story.pod("web", image="nginx:1.27", readinessProbe={"grpc": {"port": 80}})
    story.run(4)
    assert story.events("app", "Unhealthy") == ['Readiness probe failed: service unhealthy (responded with "NOT_SERVING")']
    address = story.status("web")["podIP"]
    assert story.events("web", "Unhealthy") == [
        f'Readiness probe failed: timeout: failed to connect service "{address}:80" within 1s: context deadline exceeded'
    ]
    story.run(6)
    assert (story.ready("app"), story.ready("web")) == (True, False)
