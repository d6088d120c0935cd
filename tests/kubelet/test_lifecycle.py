"""What becomes of a pod on its node, as ``kubectl get`` and ``describe`` would tell it."""

from __future__ import annotations

import re
from typing import Any

import pytest

Story = Any


def test_an_image_is_pulled_and_the_container_runs(story: Story) -> None:
    story.pod("web", image="nginx:1.27")
    story.run(0.1)
    assert story.status("web")["phase"] == "Pending"
    assert story.waiting("web") == "ContainerCreating"
    story.run(3)
    status = story.status("web")
    assert (status["phase"], story.ready("web"), story.main("web")["started"]) == ("Running", True, True)
    assert story.main("web")["image"] == "docker.io/library/nginx:1.27"
    assert status["podIP"] == "10.244.0.2"
    assert story.events("web") == ["Pulling", "Pulled", "Created", "Started"]
    assert story.events("web", "Pulled") == [
        'Successfully pulled image "nginx:1.27" in 928ms (928ms including waiting). Image size: 72188133 bytes.'
    ]
    assert story.writes("web") == 2


def test_the_second_pod_finds_the_image_on_the_node(story: Story) -> None:
    story.pod("one", image="nginx:1.27")
    story.run(3)
    story.pod("two", image="nginx:1.27")
    story.run(1)
    assert story.events("two", "Pulled") == ['Container image "nginx:1.27" already present on machine and can be accessed by the pod']


def test_images_are_pulled_one_after_the_other(story: Story) -> None:
    story.pod("one", image="nginx:1.27")
    story.pod("two", image="nginx:1.26")
    story.run(4)
    assert story.events("two", "Pulled") == [
        'Successfully pulled image "nginx:1.26" in 928ms (1.856s including waiting). Image size: 72188133 bytes.'
    ]


def test_a_tag_that_does_not_exist_backs_off_and_recovers(story: Story) -> None:
    story.pod("web", image="nginx:9.99")
    story.run(1)
    assert story.waiting("web") == "ErrImagePull"
    story.run(3)
    missing = (
        'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/nginx:9.99": '
        'failed to resolve reference "docker.io/library/nginx:9.99": docker.io/library/nginx:9.99: not found'
    )
    assert story.main("web")["state"]["waiting"] == {
        "reason": "ImagePullBackOff", "message": f'Back-off pulling image "nginx:9.99": ErrImagePull: {missing}',
    }  # fmt: skip
    assert story.events("web") == ["Pulling", "Failed", "Failed", "BackOff", "Failed"]
    assert f'Failed to pull image "nginx:9.99": {missing}' in story.events("web", "Failed")
    story.cluster.kubectl("set image pod/web main=nginx:1.27")
    story.run(15)
    assert story.status("web")["phase"] == "Running"


def test_an_invented_registry_cannot_be_reached(story: Story) -> None:
    story.pod("app", image="registry.example.com/team/app:1.0")
    story.run(1)
    assert story.main("app")["state"]["waiting"]["message"].endswith("dial tcp: lookup registry.example.com: no such host")


def test_an_image_that_nobody_wrote_runs_and_is_mentioned_once(story: Story) -> None:
    for name in ("one", "two"):
        story.pod(name, image="example/store:7", ports=[{"containerPort": 6379}], readinessProbe={"tcpSocket": {"port": 6379}})
    story.run(5)
    assert story.ready("one")
    assert story.ready("two")
    assert len(story.events("one", "NotSimulated") + story.events("two", "NotSimulated")) == 1


def test_a_crash_loop_waits_10_20_40_seconds(story: Story) -> None:
    story.pod("app", "sh", "-c", "echo boom; exit 3")
    story.run(4)
    uid = story.get("app")["metadata"]["uid"]
    assert story.main("app")["state"]["waiting"] == {
        "reason": "CrashLoopBackOff", "message": f"back-off 10s restarting failed container=main pod=app_default({uid})",
    }  # fmt: skip
    assert story.main("app")["lastState"]["terminated"]["exitCode"] == 3
    assert story.main("app")["restartCount"] == 1
    seen = []
    for _ in range(5):
        seen.append(story.main("app")["state"]["waiting"]["message"].split()[1])
        count = story.main("app")["restartCount"]
        story.cluster.run_until(lambda _cluster, count=count: story.main("app")["restartCount"] > count and story.waiting("app"), 400)
    assert seen == ["10s", "20s", "40s", "1m20s", "2m40s"]
    assert story.events("app", "BackOff") == [f"Back-off restarting failed container main in pod app_default({uid})"]
    assert story.status("app")["phase"] == "Running"


def test_the_back_off_is_forgotten_after_ten_minutes_of_running(story: Story) -> None:
    story.pod("app", "sh", "-c", "sleep 700; exit 1")
    story.run(710)
    assert story.main("app")["restartCount"] == 1
    story.run(710)
    assert story.main("app")["restartCount"] == 2
    assert story.waiting("app") == ""


@pytest.mark.parametrize(
    ("policy", "code", "phase", "restarts"),
    [
        ("Never", 0, "Succeeded", 0), ("Never", 7, "Failed", 0), ("OnFailure", 0, "Succeeded", 0), ("OnFailure", 7, "Running", 1),
        ("Always", 0, "Running", 1),
    ],
)  # fmt: skip
def test_the_restart_policy_decides(story: Story, policy: str, code: int, phase: str, restarts: int) -> None:
    story.pod("job", "sh", "-c", f"sleep 1; exit {code}", spec={"restartPolicy": policy})
    story.run(5)
    assert (story.status("job")["phase"], story.main("job")["restartCount"]) == (phase, restarts)
    if phase in ("Succeeded", "Failed"):
        terminated = story.main("job")["state"]["terminated"]
        assert (terminated["exitCode"], terminated["reason"]) == (code, "Completed" if code == 0 else "Error")
        assert {c["type"]: c["status"] for c in story.status("job")["conditions"]}["PodReadyToStartContainers"] == "False"


def test_init_containers_run_one_after_the_other_and_sidecars_stay(story: Story) -> None:
    def container(name: str, script: str, **more: Any) -> dict[str, Any]:
        mounts = [{"name": "scratch", "mountPath": "/scratch"}]
        return {"name": name, "image": "busybox:1.36", "command": ["sh", "-c", script], "volumeMounts": mounts, **more}

    init = [
        container("first", "echo one >> /scratch/log; sleep 2"),
        container("sidecar", "sleep 1000", restartPolicy="Always"),
        container("second", "echo two >> /scratch/log; sleep 2"),
    ]
    main = container("main", "cat /scratch/log; sleep 3")
    volumes = [{"name": "scratch", "emptyDir": {}}]
    spec = {"nodeName": "node-1", "initContainers": init, "containers": [main], "volumes": volumes, "restartPolicy": "Never"}
    story.create({"metadata": {"name": "app"}, "spec": spec})
    story.run(2)
    assert story.main("app")["state"]["waiting"]["reason"] == "PodInitializing"
    assert {c["type"]: c.get("message") for c in story.status("app")["conditions"]}["Initialized"] == (
        "containers with incomplete status: [first sidecar second]"
    )
    story.run(4)
    assert story.status("app")["phase"] == "Running"
    assert "running" in story.status("app")["initContainerStatuses"][1]["state"]
    assert story.cluster.kubectl("logs app -c main").text == "one\ntwo\n"
    story.run(40)
    assert story.status("app")["phase"] == "Succeeded"
    assert story.status("app")["initContainerStatuses"][1]["state"]["terminated"]["exitCode"] == 137


def test_an_init_container_that_fails_stops_a_pod_that_is_never_restarted(story: Story) -> None:
    init = [{"name": "setup", "image": "busybox:1.36", "command": ["false"]}]
    story.pod("app", "sleep", "9", spec={"initContainers": init, "restartPolicy": "Never"})
    story.run(3)
    assert story.status("app")["phase"] == "Failed"
    assert story.main("app")["state"]["waiting"]["reason"] == "PodInitializing"


def test_a_command_that_is_not_in_the_image(story: Story) -> None:
    story.pod("app", "java", "-version", spec={"restartPolicy": "Never"})
    story.run(3)
    terminated = story.main("app")["state"]["terminated"]
    assert (terminated["exitCode"], terminated["reason"]) == (128, "StartError")
    assert 'exec: "java": executable file not found in $PATH' in terminated["message"]


def test_a_missing_configmap_is_waited_for(story: Story) -> None:
    env = [{"name": "COLOR", "valueFrom": {"configMapKeyRef": {"name": "colors", "key": "main"}}}]
    story.pod("app", "sh", "-c", "echo $COLOR; sleep 1000", env=env)
    story.run(3)
    assert story.main("app")["state"]["waiting"] == {"reason": "CreateContainerConfigError", "message": 'configmap "colors" not found'}
    assert story.events("app", "Failed") == ['Error: configmap "colors" not found']
    story.run(20)
    assert [event["count"] for event in story.cluster.get("events") if event["reason"] == "Failed"] == [3], "each look says it again"
    story.cluster.kubectl("create configmap colors --from-literal=main=blue")
    story.run(15)
    assert story.cluster.kubectl("logs app").text == "blue\n"


def test_a_missing_secret_volume_keeps_the_pod_from_starting(story: Story) -> None:
    mount = {"volumeMounts": [{"name": "keys", "mountPath": "/keys", "readOnly": True}]}
    story.pod(
        "app", "sh", "-c", "cat /keys/pin; sleep 1000", spec={"volumes": [{"name": "keys", "secret": {"secretName": "keys"}}]}, **mount
    )
    story.run(3)
    assert story.waiting("app") == "ContainerCreating"
    assert story.events("app", "FailedMount") == ['MountVolume.SetUp failed for volume "keys" : secret "keys" not found']
    story.cluster.kubectl("create secret generic keys --from-literal=pin=1234")
    story.run(15)
    assert story.cluster.kubectl("exec app -- cat /keys/pin").text == "1234"


def test_a_changed_configmap_reaches_files_at_the_next_sync_but_never_variables(story: Story) -> None:
    story.cluster.kubectl("create configmap colors --from-literal=main=blue")
    env = [{"name": "COLOR", "valueFrom": {"configMapKeyRef": {"name": "colors", "key": "main"}}}]
    mount = {"volumeMounts": [{"name": "colors", "mountPath": "/colors"}]}
    story.pod("app", "sleep", "999", env=env, spec={"volumes": [{"name": "colors", "configMap": {"name": "colors"}}]}, **mount)
    story.run(3)
    story.cluster.client.patch("configmaps", "colors", {"data": {"main": "green"}}, "default")
    story.run(1)
    assert story.cluster.kubectl("exec app -- cat /colors/main").text == "blue"
    story.run(90)
    assert story.cluster.kubectl("exec app -- sh -c 'cat /colors/main; echo; echo $COLOR'").text == "green\nblue\n"


def test_last_words_are_kept(story: Story) -> None:
    story.pod("one", "sh", "-c", "echo the disk is full > /dev/termination-log; exit 1", spec={"restartPolicy": "Never"})
    policy = {"terminationMessagePolicy": "FallbackToLogsOnError"}
    story.pod("two", "sh", "-c", "echo cannot go on; exit 1", spec={"restartPolicy": "Never"}, **policy)
    story.run(4)
    assert story.main("one")["state"]["terminated"]["message"] == "the disk is full\n"
    assert story.main("two")["state"]["terminated"]["message"] == "cannot go on\n"


def test_the_environment_knows_pod_resources_and_services(story: Story) -> None:
    env = [
        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
        {"name": "HELLO", "value": "I am $(NAME), not $$(NAME) nor $(NOBODY)"},
    ]
    story.pod(
        "app",
        "sh",
        "-c",
        "echo $NAME $IP $CPU; echo $HELLO; env | grep SERVICE_HOST; sleep 999",
        env=env,
        resources={"limits": {"cpu": "250m"}},
    )
    story.run(3)
    assert story.cluster.kubectl("logs app").text == (
        "app 10.244.0.2 250\nI am app, not $(NAME) nor $(NOBODY)\nKUBERNETES_SERVICE_HOST=10.96.0.1\n"
    )


def test_the_kubelet_refuses_what_does_not_fit(story: Story) -> None:
    story.pod("big", "sleep", "9", resources={"requests": {"cpu": "8"}})
    story.pod("elsewhere", "sleep", "9", spec={"nodeSelector": {"disk": "ssd"}})
    story.run(1)
    status = story.status("big")
    assert (status["phase"], status["reason"]) == ("Failed", "OutOfcpu")
    assert status["message"] == "Pod was rejected: Node didn't have enough resource: cpu, requested: 8000, used: 0, capacity: 2000"
    assert story.status("elsewhere")["reason"] == "NodeAffinity"


def test_a_learners_image_that_raises_is_a_crashed_container(story: Story) -> None:
    from k8snb.kubelet.images import Image, Process

    class Broken(Image):
        name = "broken"

        def start(self, process: Process) -> None:
            process.sleep(1)

        def step(self, process: Process) -> None:
            raise ZeroDivisionError("learner's mistake")

    story.cluster.images.add(Broken)
    story.pod("app", image="broken", spec={"restartPolicy": "Never"})
    story.run(1)
    story.cluster = story.cluster.fork()
    story.run(4)
    assert story.status("app")["phase"] == "Failed"
    assert re.fullmatch("Broken: ZeroDivisionError: learner's mistake, line [0-9]+, in step\n", story.cluster.kubectl("logs app").text)


def test_a_pod_that_may_not_be_root_needs_another_user(story: Story) -> None:
    story.pod("web", image="nginx:1.27", securityContext={"runAsNonRoot": True})
    story.pod("safe", image="nginxinc/nginx-unprivileged:1.27", securityContext={"runAsNonRoot": True})
    story.run(5)
    uid = story.get("web")["metadata"]["uid"]
    assert story.main("web")["state"]["waiting"] == {
        "reason": "CreateContainerConfigError",
        "message": f'container has runAsNonRoot and image will run as root (pod: "web_default({uid})", container: main)',
    }  # fmt: skip
    assert story.ready("safe")


def test_a_pod_past_its_deadline_fails(story: Story) -> None:
    story.pod("app", "sleep", "999", spec={"activeDeadlineSeconds": 10, "terminationGracePeriodSeconds": 5})
    story.run(9)
    assert story.status("app")["phase"] == "Running"
    story.run(10)
    status = story.status("app")
    assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")
    assert story.main("app")["state"]["terminated"]["exitCode"] == 137


def test_a_pod_on_the_host_network_has_the_nodes_address(story: Story) -> None:
    story.pod("web", image="nginx:1.27", spec={"hostNetwork": True})
    story.run(3)
    status = story.status("web")
    assert status["podIP"] == status["hostIP"]
    assert story.cluster.http(f"http://{status['hostIP']}").status == 200
    story.cluster.client.delete("pods", "web", "default")
    story.run(3)
    assert story.cluster.http(f"http://{status['hostIP']}").error == "connection refused"


def test_an_unknown_program_that_is_meant_to_end_ends(story: Story) -> None:
    init = [{"name": "migrate", "image": "example/migrate:1", "command": ["migrate", "up"]}]
    story.pod("pi", "perl", "-wle", "print bpi(2000)", image="perl:5.34", spec={"restartPolicy": "Never", "initContainers": init})
    story.run(25)
    assert story.status("pi")["phase"] == "Succeeded"


@pytest.mark.parametrize(
    ("image", "port", "path", "answer"),
    [
        ("httpd:2.4", 80, "/", "<html><body><h1>It works!</h1></body></html>\n"),
        ("gcr.io/google-samples/hello-app:2.0", 8080, "/", "Hello, world!\nVersion: 2.0.0\nHostname: app\n"),
        ("gcr.io/google-samples/kubernetes-bootcamp:v1", 8080, "/", "Hello Kubernetes bootcamp! | Running on: app | v=1\n"),
        ("k8snb/web:2", 8080, "/", "Hello from app, version 2\n"),
        ("hashicorp/http-echo:1.0", 5678, "/", "hello-world\n"),
        ("example/store:7", 6379, "/", "example/store:7 is not simulated: a generic container answers\n"),
    ],
)
def test_images_answer(story: Story, image: str, port: int, path: str, answer: str) -> None:
    story.pod("app", image=image, ports=[{"containerPort": port}])
    story.run(5)
    assert story.cluster.http(f"http://{story.status('app')['podIP']}:{port}{path}", from_node="node-1").body == answer


def test_agnhost_serves_what_its_arguments_say(story: Story) -> None:
    story.pod("net", image="registry.k8s.io/e2e-test-images/agnhost:2.53", args=["netexec", "--http-port=9000"])
    story.run(5)
    assert story.cluster.http(f"http://{story.status('net')['podIP']}:9000/hostname", from_node="node-1").body == "net"


def test_nothing_is_still_to_come_for_a_container_that_has_ended(story: Story) -> None:
    story.pod("app", "sleep", "3600")
    story.run(5)
    assert "app/main goes on" in repr(story.cluster.settle())
    story.cluster.kubectl("delete pod app --now")
    story.run(5)
    assert repr(story.cluster.settle()).splitlines()[1:] == []
