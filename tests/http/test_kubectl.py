"""Real kubectl against a served cluster: the conveniences that people use every day."""

import os
import shutil
import subprocess

import pytest

from k8snb.cluster import Cluster
from tests.http.conftest import Served

STS = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  replicas: 2
  serviceName: web
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: nginx}]}
"""


@pytest.fixture
def kubectl(served):
    if not shutil.which("kubectl"):
        pytest.skip("no kubectl is installed on this machine")

    def run(line, stdin=None, **environment):
        command = ["kubectl", "--kubeconfig", str(served.kubeconfig), *line.split()]
        env = {**os.environ, **environment}
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False, env=env)
        return done.stdout + done.stderr

    return run


@pytest.mark.slow
def test_kubectl_creates_waits_rolls_out_drains_and_deletes(kubectl):
    assert kubectl("create namespace shop") == "namespace/shop created\n"  # its body is protobuf
    assert kubectl("apply -f -", STS) == "statefulset.apps/web created\n"
    assert "roll out complete" in kubectl("rollout status statefulset/web --timeout=20s")
    assert kubectl("wait pod/web-0 --for=condition=Ready --timeout=20s") == "pod/web-0 condition met\n"
    assert "evicting pod default/web-0" in kubectl("drain node-1 --force --timeout=20s")
    assert kubectl("uncordon node-1") == "node/node-1 uncordoned\n"
    assert kubectl("delete statefulset web").startswith('statefulset.apps "web" deleted')


@pytest.mark.slow
def test_kubectl_asks_who_it_is_and_what_it_may(kubectl):
    assert kubectl("auth can-i create pods") == "yes\n"
    assert kubectl("auth can-i create pods --as=jane") == "no\n"
    assert "kubernetes-admin" in kubectl("auth whoami")
    assert 'User "jane" cannot list resource "pods"' in kubectl("get pods --as=jane")
    assert kubectl("create token default").count(".") == 2


@pytest.mark.slow
def test_kubectl_applies_on_either_side_and_shows_differences(kubectl):
    kubectl("apply -f -", STS)
    assert "-  replicas: 2\n+  replicas: 3" in kubectl("diff -f -", STS.replace("replicas: 2", "replicas: 3"))
    applied = kubectl("apply --server-side -f -", STS.replace("replicas: 2", "replicas: 3"))  # ownership migrates, without a word
    assert applied == "statefulset.apps/web serverside-applied\n"
    assert 'conflict with "kubectl"' in kubectl("apply --server-side --field-manager=jane -f -", STS)
    assert "web" in kubectl("get statefulsets --chunk-size=1")


@pytest.mark.slow
def test_kubectl_edits_describes_explains_and_watches(kubectl):
    kubectl("apply -f -", STS)
    kubectl("rollout status statefulset/web --timeout=20s")
    edited = kubectl("edit statefulset web", EDITOR="sed -i 's/image: nginx$/image: nginx:1.27/'")
    assert edited == "statefulset.apps/web edited\n"
    assert "nginx:1.27" in kubectl("describe statefulset web")
    assert "roll out complete" in kubectl("rollout status statefulset/web --timeout=30s")
    assert "<integer>" in kubectl("explain statefulset.spec.replicas")
    assert "statefulsets" in kubectl("api-resources --api-group=apps")
    watched = kubectl("get pods --watch --request-timeout=1s")
    assert watched.split()[:2] == ["NAME", "READY"]
    assert "web-0" in watched
    assert kubectl("delete statefulset web --wait=true").startswith('statefulset.apps "web" deleted')


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("top nodes", "error: Metrics API not available"),
        ("logs web-9", 'error from server (NotFound): pods "web-9" not found'),
    ],
)
def test_what_is_not_there_is_refused_in_a_sentence(kubectl, command, says):
    kubectl("apply -f -", STS)
    kubectl("wait pod/web-0 --for=condition=Ready --timeout=20s")
    assert says in kubectl(command)


@pytest.mark.slow
def test_top_of_real_kubectl_prints_what_ours_prints(tmp_path):
    if not shutil.which("kubectl"):
        pytest.skip("no kubectl is installed on this machine")
    served = Served(tmp_path, Cluster(nodes=2, metrics=True, loud=False))
    try:
        served.run(served.cluster.kubectl, "run box --image=busybox:1.36 -- sleep 100000")
        served.run(served.cluster.run_for, 60)
        for line in ("top nodes", "top pods", "top pods --containers -A", "top pods --sum", "top pod nope", "top pods -n kube-public"):
            command = ["kubectl", "--kubeconfig", str(served.kubeconfig), *line.split()]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            assert (done.stdout + done.stderr).strip() == str(served.run(served.cluster.kubectl, line)).strip(), line
    finally:
        served.close()


@pytest.mark.slow
def test_kubectl_execs_copies_follows_and_types(tmp_path):
    if not shutil.which("kubectl"):
        pytest.skip("no kubectl is installed on this machine")
    served = Served(tmp_path, Cluster(nodes=1))

    def kubectl(*words, stdin=None):
        command = ["kubectl", "--kubeconfig", str(served.kubeconfig), *words]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    try:
        kubectl("run", "web", "--image=nginx:1.27")
        assert kubectl("wait", "pod/web", "--for=condition=Ready", "--timeout=30s")[0] == 0
        assert kubectl("exec", "web", "--", "hostname") == (0, "web\n", "")
        assert kubectl("exec", "-i", "web", "--", "cat", stdin="typed\n") == (0, "typed\n", "")
        ended = kubectl("exec", "web", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
        assert ended == (3, "out\n", "err\ncommand terminated with exit code 3\n")
        assert "executable file not found" in kubectl("exec", "web", "--", "no-such-program")[2]
        assert kubectl("exec", "gone", "--", "ls")[2] == 'Error from server (NotFound): pods "gone" not found\n'
        (tmp_path / "page").write_text("<h1>copied</h1>\n")
        kubectl("cp", f"{tmp_path}/page", "web:/usr/share/nginx/html/index.html")
        assert kubectl("exec", "web", "--", "cat", "/usr/share/nginx/html/index.html")[1] == "<h1>copied</h1>\n"
        kubectl("cp", "web:/etc/hostname", f"{tmp_path}/name")
        assert (tmp_path / "name").read_text() == "web\n"
        kubectl("run", "short", "--restart=Never", "--image=busybox:1.36", "--", "sh", "-c", "for i in 1 2 3; do echo $i; sleep 1; done")
        kubectl("wait", "pod/short", "--for=condition=Ready", "--timeout=30s")
        assert kubectl("logs", "-f", "short") == (0, "1\n2\n3\n", "")
        typed = "echo in $(hostname)\nexit 2\n"
        code, out, _ = kubectl("run", "it", "-i", "--restart=Never", "--image=busybox:1.36", "--", "sh", stdin=typed)
        assert (code, "in it\n" in out) == (2, True)
    finally:
        served.close()


@pytest.mark.parametrize(
    ("headers", "code"), [({}, 404), ({"Origin": "https://evil.example"}, 403), ({"Authorization": "Bearer wrong"}, 401)]
)
def test_a_conversation_wants_what_every_request_wants(tmp_path, headers, code):
    served = Served(tmp_path)
    try:
        upgrade = {
            "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": "v5.channel.k8s.io", **headers,
        }  # fmt: skip
        path = "/api/v1/namespaces/default/pods/none/exec?command=ls"
        status, body = served.ask("GET", path, headers=upgrade)
        assert status == code
        assert body["kind"] == "Status"
    finally:
        served.close()
