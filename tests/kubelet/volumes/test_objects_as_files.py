"""ConfigMaps, Secrets, fields of the pod and tokens as files: what is there, how it changes, and what is missing."""

from __future__ import annotations

import base64
import json

import pytest

CONF = {"conf": {"configMap": {"name": "conf"}}}


def test_files_are_links_through_one_link_to_a_dated_directory(story):
    story.config(color="blue", size="big")
    story.pod(volumes=CONF, mounts={"/etc/conf": "conf"})
    lines = story.sh("ls -la /etc/conf").splitlines()
    dated = next(line.split()[-1] for line in lines if line.startswith("d") and line.split()[-1].startswith("..20"))
    assert any(line.endswith(f"..data -> {dated}") for line in lines)
    assert any(line.endswith("color -> ..data/color") for line in lines)
    assert story.sh("cat /etc/conf/color /etc/conf/..data/size") == "bluebig"


def test_a_change_turns_the_link_and_all_files_change_at_once(story):
    story.config(color="blue", size="big")
    story.pod(volumes=CONF, mounts={"/etc/conf": "conf"})
    before = story.sh("readlink /etc/conf/..data")
    story.config(color="green", size="small", shape="round")
    seen = set()
    for _ in range(95):
        seen.add(story.sh("cat /etc/conf/color /etc/conf/size"))
        story.run(1)
    assert seen == {"bluebig", "greensmall"}  # never some of each
    assert story.sh("ls /etc/conf") == "color\nshape\nsize\n"
    assert story.sh("readlink /etc/conf/..data") != before
    assert len([name for name in story.sh("ls -a /etc/conf").split() if name.startswith("..20")]) == 1


def test_nothing_happens_on_the_node_while_nothing_changes(story):
    story.config(color="blue")
    story.pod(volumes=CONF, mounts={"/etc/conf": "conf"})
    story.run(5)
    story.run(600)
    trace = story.cluster.simulation.parts.kernel.trace.since(0)
    assert not [r for r in trace if r.kind == "reconcile" and r.actor == "kubelet/node-1" and r.time > story.cluster.now - 300_000_000]


def test_any_change_of_the_pod_syncs_it_at_once(story):
    story.config(color="blue")
    story.pod(volumes=CONF, mounts={"/etc/conf": "conf"})
    story.config(color="green")
    story.cluster.kubectl("annotate pod app touched=now")
    story.run(0.5)
    assert story.sh("cat /etc/conf/color") == "green"


def test_a_subpath_is_a_file_of_the_moment_at_which_the_container_started(story):
    story.config(color="blue")
    story.pod(volumes=CONF, mounts={"/etc/conf": "conf", "/etc/color": {"name": "conf", "subPath": "color"}})
    story.config(color="green")
    story.run(95)
    assert story.sh("cat /etc/conf/color /etc/color") == "greenblue"
    story.cluster.faults.crash_container("app")
    story.run(5)
    assert story.sh("cat /etc/color") == "green"


def test_a_subpath_that_no_key_has_is_an_empty_directory(story):
    story.config(color="blue")
    story.pod(volumes=CONF, mounts={"/etc/shape": {"name": "conf", "subPath": "shape"}})
    assert story.phase() == "Running"
    assert story.sh("cat /etc/shape") == "cat: read error: Is a directory\n"


def test_items_choose_keys_paths_and_modes(story):
    story.config(color="blue", size="big")
    items = [{"key": "color", "path": "deep/down/c", "mode": 0o400}]
    story.pod(volumes={"conf": {"configMap": {"name": "conf", "items": items, "defaultMode": 0o600}}}, mounts={"/c": "conf"})
    assert story.sh("ls /c; cat /c/deep/down/c") == "deep\nblue"
    assert story.sh("ls -l /c/deep/down/").splitlines()[1].startswith("-r--------")


def test_files_made_from_objects_cannot_be_written(story):
    story.config(color="blue")
    story.pod(volumes=CONF, mounts={"/c": "conf"})
    assert story.sh("echo red > /c/color; rm /c/color; touch /c/new") == (
        "sh: can't create /c/color: Read-only file system\n"
        "rm: can't remove '/c/color': Read-only file system\n"
        "touch: /c/new: Read-only file system\n"
    )


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ({"configMap": {"name": "nope"}}, 'configmap "nope" not found'),
        ({"secret": {"secretName": "nope"}}, 'secret "nope" not found'),
        ({"configMap": {"name": "conf", "items": [{"key": "x", "path": "x"}]}}, "configmap references non-existent config key: x"),
        ({"secret": {"secretName": "word", "items": [{"key": "x", "path": "x"}]}}, "references non-existent secret key: x"),
        ({"projected": {"sources": [{"configMap": {"name": "a"}}, {"secret": {"name": "b"}}]}},
         '[configmap "a" not found, secret "b" not found]'),
    ],
)  # fmt: skip
def test_what_is_missing_is_told_and_the_pod_waits(story, source, why):
    story.config(color="blue")
    story.cluster.kubectl("create secret generic word --from-literal=a=b")
    story.pod(volumes={"v": source}, mounts={"/v": "v"})
    assert (story.phase(), story.waiting()) == ("Pending", "ContainerCreating")
    assert story.said("FailedMount")[0] == f'MountVolume.SetUp failed for volume "v" : {why}'


def test_it_is_tried_again_after_longer_and_longer_and_recovers_by_itself(story):
    story.pod(volumes=CONF, mounts={"/c": "conf"})
    story.run(60)
    assert story.count("FailedMount") == 7  # 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s
    story.config(color="blue")
    story.run(10)
    assert story.phase() == "Running"


def test_after_two_minutes_the_pod_says_what_it_waits_for(story):
    story.pod(volumes=CONF, mounts={"/c": "conf"})
    story.run(125)
    assert story.said("FailedMount")[-1] == (
        "Unable to attach or mount volumes: unmounted volumes=[conf], unattached volumes=[], failed to process volumes=[]: "
        "context deadline exceeded"
    )


def test_a_volume_that_nobody_mounts_holds_nobody_back(story):
    story.pod(volumes={"v": {"configMap": {"name": "nope"}}})
    assert story.phase() == "Running"


def test_optional_objects_may_come_later(story):
    story.pod(volumes={"conf": {"configMap": {"name": "conf", "optional": True}}}, mounts={"/c": "conf"})
    assert (story.phase(), story.sh("ls /c")) == ("Running", "")
    story.config(color="blue")
    story.run(95)
    assert story.sh("cat /c/color") == "blue"


def test_a_configmap_that_is_deleted_leaves_its_files(story):
    story.config(color="blue")
    story.pod(volumes=CONF, mounts={"/c": "conf"})
    story.cluster.kubectl("delete configmap conf")
    story.run(95)
    assert story.sh("cat /c/color") == "blue"
    assert story.said("FailedMount") == ['MountVolume.SetUp failed for volume "conf" : configmap "conf" not found']


def test_binary_data_is_a_file_and_no_variable(story):
    binary = {"logo": base64.b64encode(b"picture").decode()}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "conf"}, "data": {"A": "1"}, "binaryData": binary}
    story.cluster.client.create("configmaps", body, "default")
    story.pod(volumes=CONF, mounts={"/c": "conf"}, container={"envFrom": [{"configMapRef": {"name": "conf"}}]})
    assert story.sh("cat /c/logo; echo $A; printenv logo") == "picture1\n"


def test_a_secret_is_there_in_plain_text_and_for_few_to_read(story):
    story.cluster.kubectl("create secret generic word --from-literal=pass=sesame")
    story.pod(volumes={"s": {"secret": {"secretName": "word", "defaultMode": 0o400}}}, mounts={"/s": "s"})
    assert story.sh("cat /s/pass") == "sesame"
    assert story.sh("ls -l /s/..data/").splitlines()[1].startswith("-r--------")
    story.cluster.client.patch("secrets", "word", {"stringData": {"pass": "open"}}, "default")
    story.run(95)
    assert story.sh("cat /s/pass") == "open"


def test_labels_and_annotations_as_files_follow_the_pod(story):
    items = [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}, {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]
    story.pod(volumes={"me": {"downwardAPI": {"items": items}}}, mounts={"/me": "me"})
    zone = 'topology.kubernetes.io/region="region-1"\ntopology.kubernetes.io/zone="zone-1"'
    assert story.sh("cat /me/labels /me/name") == f'app="app"\n{zone}app'
    story.cluster.kubectl("label pod app tier=gold")
    story.run(0.5)
    assert story.sh("cat /me/labels") == f'app="app"\ntier="gold"\n{zone}'


def _claims(token: str) -> dict:
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def test_a_token_is_bound_to_the_pod_and_replaced_before_it_expires(story):
    source = {"serviceAccountToken": {"path": "token", "expirationSeconds": 600, "audience": "vault"}}
    story.pod(volumes={"t": {"projected": {"sources": [source]}}}, mounts={"/t": "t"})
    first = _claims(story.sh("cat /t/token"))
    assert (first["aud"], first["sub"]) == (["vault"], "system:serviceaccount:default:default")
    assert first["kubernetes.io"]["pod"]["name"] == "app"
    assert first["exp"] - first["iat"] == 600
    story.run(470)
    assert _claims(story.sh("cat /t/token"))["iat"] == first["iat"]
    story.run(20)  # four fifths of its life are over
    assert _claims(story.sh("cat /t/token"))["iat"] > first["iat"]


def test_every_pod_has_a_token_a_certificate_and_its_namespace(story):
    story.pod()
    assert story.sh("ls /var/run/secrets/kubernetes.io/serviceaccount") == "ca.crt\nnamespace\ntoken\n"
    assert story.sh("cat /var/run/secrets/kubernetes.io/serviceaccount/namespace") == "default"


def test_a_restarted_kubelet_still_hears_of_changes(story):
    story.config(color="blue")
    story.pod(volumes=CONF, mounts={"/c": "conf"})
    story.cluster.faults.stop("kubelet/node-1")
    story.config(color="green")
    story.run(5)
    story.cluster.faults.start("kubelet/node-1")
    story.run(95)
    assert story.sh("cat /c/color") == "green"
    story.cluster.faults.break_watches("kubelet/node-1")
    story.config(color="red")
    story.run(95)
    assert story.sh("cat /c/color") == "red"


def test_a_fork_hears_of_changes_as_the_first_cluster_does(story):
    story.config(color="blue")
    story.pod(volumes=CONF, mounts={"/c": "conf"})
    other = story.cluster.fork()
    other.client.patch("configmaps", "conf", {"data": {"color": "green"}}, "default")
    other.run_for(95)
    assert other.kubectl("exec app -- cat /c/color").text == "green"
    assert story.sh("cat /c/color") == "blue"


def test_when_the_last_pod_is_gone_nobody_watches(story):
    story.config(color="blue")
    story.pod(volumes=CONF, mounts={"/c": "conf"})
    kubelet = story.cluster.simulation.parts.machines.kubelets["node-1"]
    assert list(kubelet.own.followed) == ["configmaps default/conf"]
    story.cluster.kubectl("delete pod app")
    story.run(5)
    assert kubelet.own.followed == {}
    assert [name for name in kubelet.informers if name.startswith("configmaps")] == []
