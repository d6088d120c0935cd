"""What the API server fetches itself: pages of Pods, of what stands behind Services, and of kubelets."""

import re
import shutil
import subprocess
import urllib.error
import urllib.request

import pytest

from k8snb.cluster import Cluster
from tests.http.conftest import WEB, Served

BASE = "/api/v1/namespaces/default"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("proxy"), Cluster(nodes=1), (*WEB, "create service clusterip empty --tcp=80:80"))
    served.pod = served.run(served.cluster.get, "pods")[0]["metadata"]["name"]
    yield served
    served.close()


WELCOME = (200, "Welcome to nginx")
ANSWERS = [
    ("services/web:8080/proxy/", WELCOME),
    ("services/http:web:8080/proxy/index.html", WELCOME),
    ("services/web/proxy", WELCOME),
    ("pods/POD/proxy/", WELCOME),
    ("services/web:8080/proxy/none", (404, "404 Not Found")),
    ("pods/POD:81/proxy/", (503, "error trying to reach service: dial tcp 10.244.0.2:81: connect: connection refused")),
    ("pods/POD:65536/proxy/", (503, "error trying to reach service: dial tcp: address 65536: invalid port")),
    ("pods/POD:" + 5000 * "8" + "/proxy/", (503, "invalid port")),
    ("services/web:99/proxy/", (503, 'no service port 99 found for service "web"')),
    ("services/empty:80/proxy/", (503, 'no endpoints available for service "empty"')),
    ("services/none:80/proxy/", (404, 'services "none" not found')),
    ("services/ftp:web:80/proxy/", (400, 'invalid service request "ftp:web:80"')),
]


@pytest.mark.parametrize(("path", "expected"), ANSWERS)
def test_the_server_fetches_a_page(world, path, expected):
    status, said = world.ask("GET", f"{BASE}/{path.replace('POD', world.pod)}")
    assert status == expected[0]
    assert expected[1] in (said["message"] if isinstance(said, dict) else said)


def test_a_kubelet_says_that_it_is_well(world):
    node = world.run(world.cluster.get, "nodes")[0]["metadata"]["name"]
    assert world.ask("GET", f"/api/v1/nodes/{node}/proxy/healthz") == (200, "ok")


def test_the_token_stays_here_and_other_headers_travel(world):
    world.run(
        world.cluster.kubectl, "run echo --image=registry.k8s.io/e2e-test-images/agnhost:2.53 --port=8080 -- netexec --http-port=8080"
    )
    world.run(world.cluster.kubectl, "wait pod/echo --for=condition=Ready --timeout=60s")
    status, said = world.ask("POST", f"{BASE}/pods/echo:8080/proxy/echo?msg=hi", b"body", headers={"X-Mine": "1"})
    assert (status, said) == (200, "hi")
    status, said = world.ask("GET", f"{BASE}/pods/echo:8080/proxy/header?key=X-Mine", headers={"X-Mine": "1"})
    assert (status, said) == (200, "1")
    assert world.ask("GET", f"{BASE}/pods/echo:8080/proxy/header?key=Authorization")[1] == ""


def test_a_proxied_request_is_an_input_and_needs_its_own_right(world):
    before = world.run(lambda: str(world.cluster.kubectl("logs deploy/web")))
    assert world.run(lambda: str(world.cluster.fork().kubectl("logs deploy/web"))) == before
    assert '"GET /none HTTP/1.1" 404' in before
    headers = {"Impersonate-User": "jane"}
    status, said = world.ask("GET", f"{BASE}/services/web:8080/proxy/", headers=headers)
    assert (status, 'User "jane" cannot get resource "services/proxy"' in said["message"]) == (403, True)


@pytest.mark.parametrize(("path", "expected"), ANSWERS[:5])
def test_kubectl_in_process_says_what_real_kubectl_says(world, path, expected):
    raw = f"{BASE}/{path.replace('POD', world.pod)}"
    ours = str(world.run(world.cluster.kubectl, f"get --raw {raw}"))
    assert ("could not find the requested resource" if expected[0] == 404 else expected[1]) in ours
    if not shutil.which("kubectl"):
        pytest.skip("no kubectl is installed on this machine")
    command = ["kubectl", "--kubeconfig", str(world.kubeconfig), "get", "--raw", raw]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout + done.stderr == ours


@pytest.mark.slow
def test_kubectl_proxy_opens_the_api_to_a_browser(world):
    if not shutil.which("kubectl"):
        pytest.skip("no kubectl is installed on this machine")
    command = ["kubectl", "--kubeconfig", str(world.kubeconfig), "proxy", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        port = re.search(r":(\d+)", process.stdout.readline())[1]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/version", timeout=20) as page:
                assert b'"gitVersion":"v1.36' in page.read()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{BASE}/services/web:8080/proxy/", timeout=20) as page:
                assert (page.headers["Content-Type"], b"Welcome to nginx" in page.read()) == ("text/html", True)
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(f"http://127.0.0.1:{port}{BASE}/services/web:8080/proxy/none", timeout=20)
        finally:
            process.terminate()
