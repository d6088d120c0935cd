"""Real clients against a served cluster: kubectl, and the official Python client where it is installed."""

import shutil
import subprocess

import pytest

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

    def run(line, stdin=None):
        command = ["kubectl", "--kubeconfig", str(served.kubeconfig), *line.split()]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)
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


def test_the_official_python_client_lists_creates_watches_patches_and_deletes(served):
    kubernetes = pytest.importorskip("kubernetes", reason="the package kubernetes is not installed")
    kubernetes.config.load_kube_config(str(served.kubeconfig))
    core = kubernetes.client.CoreV1Api()
    begin = core.list_namespaced_config_map("default").metadata.resource_version
    core.create_namespaced_config_map("default", {"metadata": {"name": "a"}, "data": {"k": "1"}})
    core.patch_namespaced_config_map("a", "default", {"data": {"k": "2"}})
    core.delete_namespaced_config_map("a", "default")
    stream = kubernetes.watch.Watch().stream(core.list_namespaced_config_map, "default", resource_version=begin, timeout_seconds=1)
    assert [(e["type"], e["object"].metadata.name) for e in stream] == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
