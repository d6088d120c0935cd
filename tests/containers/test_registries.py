"""Where images come from: what registries say, and what the kubelet makes of it."""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any

import pytest

from k8snb.kubelet.images.reference import parse_reference
from k8snb.kubelet.registries import Credential

Story = Any
HOST = "registry.example.com"


def message(story: Story, image: str, **spec: Any) -> str:
    """Why the image cannot be pulled."""
    story.pod("app", image=image, spec=spec)
    story.run(3)
    return str(story.main("app")["state"].get("waiting", {}).get("message", ""))


def secret(story: Story, user: str, password: str, registry: str = HOST) -> None:
    """A Secret ``regcred``, as ``kubectl create secret docker-registry`` makes it."""
    done = story.cluster.kubectl(
        f"create secret docker-registry regcred --docker-server={registry} --docker-username={user} --docker-password={password}"
    )
    assert done.ok, done.text


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("nginx:1.82", 'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/nginx:1.82"'),
        ("nginxx", "pull access denied, repository does not exist or may require authorization"),
        ("example/does-not-exist:1", "pull access denied"),
        ("registry.nowhere.example/app:1", "dial tcp: lookup registry.nowhere.example: no such host"),
    ],
)
def test_an_image_that_is_nowhere_waits_in_back_off(story: Story, image: str, words: str) -> None:
    assert words in message(story, image)
    assert story.waiting("app") == "ImagePullBackOff"
    assert story.events("app")[-4:] == ["Failed", "Failed", "BackOff", "Failed"]


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("NGINX", "invalid reference format: repository name (library/NGINX) must be lowercase"),
        ("nginx:", "invalid reference format"),
        ("nginx:1 27", "invalid reference format"),
        ("nginx@sha256:abc", "invalid reference format"),
    ],
)
def test_a_malformed_name_is_never_asked_for(story: Story, image: str, words: str) -> None:
    assert words in message(story, image)
    assert story.waiting("app") == "InvalidImageName"
    assert "Pulling" not in story.events("app")


def test_the_back_off_doubles_up_to_five_minutes(story: Story) -> None:
    story.pod("app", image="nginx:1.82")
    story.run(1_000)
    trace = story.cluster.simulation.parts.kernel.trace.since(0)
    pulls = [record.time / 1e6 for record in trace if record.verb == "pull main"]
    gaps = [round(later - earlier) for earlier, later in itertools.pairwise(pulls)]
    assert gaps == sorted(gaps)
    assert [gap // 10 * 10 for gap in gaps[:6]] == [10, 20, 40, 80, 160, 300]


def test_a_digest_is_taken_at_its_word_and_never_stays_without(story: Story) -> None:
    digest = "sha256:" + "ab" * 32
    story.pod("digest", image=f"nginx@{digest}")
    story.pod("never", image="nginx:1.27", imagePullPolicy="Never")
    story.run(4)
    assert story.main("digest")["imageID"] == f"docker.io/library/nginx@{digest}"
    assert story.waiting("never") == "ErrImageNeverPull"
    story.pod("there", image="nginx:1.27")
    story.run(15)
    assert story.ready("never"), "another pod has brought the image"


def test_always_asks_again_and_if_not_present_does_not(story: Story) -> None:
    story.pod("first", image="nginx:1.27")
    story.run(4)
    story.cluster.faults.registry_down("docker.io")
    story.pod("second", image="nginx:1.27")
    story.pod("third", image="nginx:1.27", imagePullPolicy="Always")
    story.run(40)
    assert story.ready("second")
    assert "i/o timeout" in story.main("third")["state"]["waiting"]["message"]
    story.cluster.faults.registry_up("docker.io")
    story.run(60)
    assert story.ready("third")


def test_a_private_registry_wants_a_secret(story: Story) -> None:
    story.cluster.registry(HOST, "ann", "secret")
    assert "authorization failed: no basic auth credentials" in message(story, f"{HOST}/nginx:1.27", imagePullSecrets=[{"name": "regcred"}])
    assert story.events("app", "FailedToRetrieveImagePullSecret") == [
        "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed."
    ]
    secret(story, "ann", "secret")
    story.run(25)
    assert story.ready("app"), "the next attempt reads the Secret"
    assert story.cluster.http(f"http://{story.status('app')['podIP']}", from_node="node-1").ok


def test_a_wrong_password_is_another_message(story: Story) -> None:
    story.cluster.registry(HOST, "ann", "secret")
    secret(story, "ann", "wrong")
    said = message(story, f"{HOST}/nginx:1.27", imagePullSecrets=[{"name": "regcred"}])
    assert said.endswith("401 Unauthorized")


def test_the_service_accounts_secrets_count_as_the_pods_own(story: Story) -> None:
    story.cluster.registry(HOST, "ann", "secret")
    secret(story, "ann", "secret")
    story.cluster.kubectl('patch serviceaccount default -p \'{"imagePullSecrets": [{"name": "regcred"}]}\'')
    story.run(1)
    assert message(story, f"{HOST}/nginx:1.27") == ""


def test_the_older_type_of_secret_is_read_too(story: Story) -> None:
    story.cluster.registry(HOST, "ann", "secret")
    auth = base64.b64encode(b"ann:secret").decode()
    data = {".dockercfg": base64.b64encode(json.dumps({f"https://{HOST}": {"auth": auth}}).encode()).decode()}
    old = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockercfg", "metadata": {"name": "regcred"}, "data": data}
    story.cluster.client.create("secrets", old, "default")
    assert message(story, f"{HOST}/nginx:1.27", imagePullSecrets=[{"name": "regcred"}]) == ""


def test_limits_and_slowness_of_a_registry(story: Story) -> None:
    story.cluster.faults.registry_limit()
    assert "429 Too Many Requests" in message(story, "nginx:1.27")
    story.cluster.faults.registry_up("docker.io")
    story.cluster.faults.registry_slow("docker.io", 30)
    story.run(15)
    assert not story.events("app", "Pulled")
    story.run(30)
    assert story.ready("app")


@pytest.mark.parametrize("host", ["", "no host", "UPPER/x"])
def test_what_is_no_host_is_refused(story: Story, host: str) -> None:
    with pytest.raises(ValueError, match="not a host"):
        story.cluster.registry(host)


def test_a_registry_is_an_input_that_forks_and_rewinds(story: Story) -> None:
    before = story.cluster.position
    story.cluster.registry(HOST)
    other = story.cluster.fork()
    other.kubectl(f"run app --image={HOST}/nginx:1.27")
    other.run_for(5)
    assert other.get("pods", "app")["status"]["phase"] == "Running"
    story.cluster.rewind(before)
    assert "no such host" in message(story, f"{HOST}/nginx:1.27")


@pytest.mark.parametrize(
    ("registry", "image", "fits"),
    [
        (HOST, f"{HOST}/a/b", True),
        (f"https://{HOST}/v2/", f"{HOST}/a", True),
        (f"{HOST}/team", f"{HOST}/team/app", True),
        (f"{HOST}/team", f"{HOST}/other/app", False),
        ("*.example.com", f"{HOST}/a", True),
        ("*.com", f"{HOST}/a", False),
        ("https://index.docker.io/v1/", "nginx", True),
        ("other.example.com", f"{HOST}/a", False),
    ],
)
def test_which_login_is_offered(registry: str, image: str, fits: bool) -> None:
    assert Credential(registry, "u", "p").fits(parse_reference(image)) is fits
